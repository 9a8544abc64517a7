//! Who may do what: every endpoint, asked by everybody; and where one is refused, nothing has changed.

use crate::access_peers::{Ask, OtherHost, Peer};
use crate::harness::{World, eventually};
use process_monitor_core::model::TokenHash;
use serde_json::{Value, json};

/// As whom somebody counts, who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Trusted,
    Other,
    /// A trusted peer's browser with somebody else's page.
    Page,
    /// A page that had its own name point here.
    Rebound,
    Read,
    Control,
    Admin,
    BadToken,
}
use As::{Admin, BadToken, Control, Other, Page, Read, Rebound, Trusted};

/// A request, and for whom it is what: the status for those who may, who may, the status for the others.
struct Row(&'static str, &'static str, Value, u16, &'static [As]);

const ALL: &[As] = &[Trusted, Other, Page, Read, Control, Admin];
const READERS: &[As] = &[Trusted, Page, Read, Control, Admin];
const CONTROLLERS: &[As] = &[Trusted, Control, Admin];
const MASTERS: &[As] = &[Trusted, Admin];
const MASTERS_AND_OTHERS: &[As] = &[Trusted, Other, Admin];
const ALL_CONTROLLERS: &[As] = &[Trusted, Other, Control, Admin];
const NOBODY: &[As] = &[];

fn rows() -> Vec<Row> {
    let none = || Value::Null;
    vec![
        Row("GET", "/processes", none(), 200, ALL),
        Row("HEAD", "/processes", none(), 200, ALL),
        Row("GET", "/processes/local", none(), 200, ALL),
        Row("GET", "/monitor/status", none(), 200, ALL),
        Row("GET", "/config", none(), 200, ALL),
        Row("GET", "/openapi.json", none(), 200, ALL),
        Row("GET", "/config/remote-access", none(), 200, ALL),
        Row("GET", "/config/trusted-hosts", none(), 200, ALL),
        Row("GET", "/config/executable-whitelist", none(), 200, ALL),
        Row("GET", "/config/executable-blacklist", none(), 200, ALL),
        Row("GET", "/config/standalone-mode", none(), 200, ALL),
        Row("GET", "/config/partner-discovery", none(), 200, ALL),
        Row("GET", "/processes/local/logs", none(), 200, READERS),
        Row("GET", "/processes/remote/logs", none(), 200, ALL),
        Row("GET", "/nowhere", none(), 404, ALL),
        Row("DELETE", "/processes", none(), 405, ALL),
        Row("PATCH", "/processes/local/start", none(), 405, ALL),
        Row("POST", "/processes/local/start", none(), 200, CONTROLLERS),
        Row("POST", "/processes/remote/start", none(), 200, ALL_CONTROLLERS),
        // The same process, written otherwise.
        Row("POST", "/processes/l%6fcal/start", none(), 200, CONTROLLERS),
        Row("POST", "/processes/nothing/start", none(), 404, ALL_CONTROLLERS),
        Row("POST", "/processes/local/restart?wait=ready", none(), 200, CONTROLLERS),
        Row("POST", "/processes/remote/restart?wait=ready", none(), 200, ALL_CONTROLLERS),
        Row("POST", "/processes/local/signal", json!({"signal": "SIGWINCH"}), 200, CONTROLLERS),
        Row("POST", "/processes/remote/signal", json!({"signal": "SIGWINCH"}), 200, ALL_CONTROLLERS),
        Row("PUT", "/processes/local/autostart", json!({"autostart": false}), 200, CONTROLLERS),
        Row("PUT", "/processes/remote/autostart", json!({"autostart": false}), 200, ALL_CONTROLLERS),
        Row("POST", "/processes/local/enable", none(), 200, CONTROLLERS),
        Row("POST", "/processes/remote/enable", none(), 200, ALL_CONTROLLERS),
        Row("POST", "/processes/local/stop", none(), 200, CONTROLLERS),
        Row("POST", "/processes/remote/stop", none(), 200, ALL_CONTROLLERS),
        Row("POST", "/processes/local/disable", none(), 200, CONTROLLERS),
        Row("POST", "/processes/remote/disable", none(), 200, ALL_CONTROLLERS),
        // Of each of the processes it is asked: `batch.rs`.
        Row("POST", "/batch/start", json!({"ids": ["local", "remote"]}), 200, ALL_CONTROLLERS),
        Row("POST", "/batch/restart?wait=ready", json!({"ids": ["remote"]}), 200, ALL_CONTROLLERS),
        Row("POST", "/batch/stop", json!({"ids": ["remote", "local"]}), 200, ALL_CONTROLLERS),
        Row("PATCH", "/processes/local", json!({"name": "x"}), 200, MASTERS),
        Row("PATCH", "/processes/remote", json!({"name": "x"}), 200, MASTERS_AND_OTHERS),
        Row("PATCH", "/processes/remote", json!({"isRemote": false}), 200, NOBODY),
        Row("DELETE", "/processes/nothing", none(), 404, MASTERS_AND_OTHERS),
        Row("DELETE", "/processes/local", none(), 200, NOBODY),
        Row("PATCH", "/config", json!({"standaloneMode": false}), 200, MASTERS),
        Row("PUT", "/config/remote-access", json!({"allowRemoteStart": true}), 200, MASTERS),
        Row("PUT", "/config/trusted-hosts", json!({"trustedHosts": ["*"]}), 200, NOBODY),
        Row("PUT", "/config/executable-whitelist", json!({"patterns": ["/**"]}), 200, NOBODY),
        Row("PUT", "/config/executable-blacklist", json!({"patterns": []}), 200, MASTERS),
        Row("PUT", "/config/standalone-mode", json!({"enabled": false}), 200, MASTERS),
        Row("PUT", "/config/partner-discovery", json!({"discoveryOnStartup": true}), 200, MASTERS),
        Row("GET", "/config/tokens", none(), 200, MASTERS),
        Row("POST", "/config/tokens", json!({"name": "x", "scope": "admin"}), 200, NOBODY),
        Row("DELETE", "/config/tokens/read", none(), 200, NOBODY),
        Row("POST", "/monitor/restart", none(), 200, NOBODY),
        Row("POST", "/monitor/stop", none(), 200, NOBODY),
    ]
}

/// Whether `row` is not to be asked: it would do what the next one must not find done.
fn is_left_out(row: &Row, who: As) -> bool {
    row.4.is_empty() && matches!(who, Trusted | Admin)
}

fn expected(row: &Row, who: As) -> u16 {
    let Row(_, _, _, status, may) = row;
    match who {
        Rebound => 403,
        BadToken => 401,
        _ if may.contains(&who) => *status,
        _ => 403,
    }
}

const TOKENS: [(&str, &str); 3] = [("tpm_r", "read"), ("tpm_c", "control"), ("tpm_a", "admin")];

fn world() -> World {
    let world = World::new();
    let tokens: Vec<Value> = TOKENS
        .iter()
        .map(|(token, scope)| {
            let hash = TokenHash::of(token);
            json!({"id": scope, "name": scope, "scope": scope, "hash": hash, "createdAt": "2026-01-01T00:00:00Z"})
        })
        .collect();
    let access = json!({
        "startRemoteAccess": true,
        "trustedProxies": ["127.0.0.2"],
        "trustedHosts": ["localhost", "203.0.113.*", "0.0.0.0"],
        "executableWhitelist": ["/**/sleep"],
        "rateLimit": {"requestsPerSecond": 1000, "burst": 10000},
        "tokens": tokens,
    });
    let entry = |id: &str, remote| json!({"id": id, "name": id, "command": "sleep", "args": ["100000"], "isRemote": remote, "autostart": false});
    let processes = json!({"local": entry("local", false), "remote": entry("remote", true)});
    world.save(json!({"remoteAccess": access, "processes": processes}).to_string());
    world.start();
    world
}

/// Everything of the registry that a client can change.
fn registry(world: &World) -> Value {
    let mut registry = world.document();
    registry["lastModified"].take();
    registry
}

/// Every row, asked by `peer`: first what is refused, which must change nothing, then what is permitted.
fn check(world: &World, name: &str, peer: &Peer, who: As) {
    let rows = rows();
    let (refused, permitted): (Vec<_>, Vec<_>) = rows
        .iter()
        .filter(|row| !is_left_out(row, who))
        .partition(|row| matches!(expected(row, who), 401 | 403));
    // What follows of the requests before is written, so that nothing changes any more.
    ["local", "remote"].iter().for_each(|id| world.await_saved(id, "stopped"));
    let (before, monitor) = (registry(world), world.monitor_pid());
    ask(world, name, peer, who, &refused);
    assert_eq!(registry(world), before, "{name}: what was refused changed something");
    ask(world, name, peer, who, &permitted);
    assert_eq!(world.monitor_pid(), monitor, "{name}");
    world.ok(&["enable", "local", "remote"]);
}

fn ask(world: &World, name: &str, peer: &Peer, who: As, rows: &[&Row]) {
    let asks: Vec<Ask> = rows
        .iter()
        .map(|Row(method, path, body, ..)| {
            ((*method).to_owned(), (*path).to_owned(), Some(body.clone()).filter(|body| !body.is_null()))
        })
        .collect();
    for (row, told) in rows.iter().zip(peer.ask(world, &asks)) {
        let what = format!("{name}: {} {}: {}", row.0, row.1, told.body);
        assert_eq!(told.status, expected(row, who), "{what}");
        match told.status {
            401 => {
                assert!(told.headers["www-authenticate"].as_str().unwrap().starts_with("Bearer"), "{what}")
            }
            403 if row.0 != "HEAD" => assert!(told.body["error"].as_str().unwrap().len() > 20, "{what}"),
            405 => assert!(told.headers["allow"].is_string(), "{what}"),
            _ => {}
        }
    }
}

#[test]
fn everybody_asks_for_everything_on_this_machine() {
    let world = world();
    let own = Peer::own;
    let proxy = |client: &str| own().from("127.0.0.2").with("X-Forwarded-For", client);
    let token = |token: &str| own().with("Authorization", format!("Bearer {token}"));
    let mut table = vec![
        ("this user", own(), Trusted),
        ("a proxy that nobody vouches for", own().with("X-Forwarded-For", "203.0.113.9"), Other),
        ("such a proxy that says nothing", own().with("Via", "1.1 somewhere"), Other),
        ("a proxy, for a trusted host", proxy("203.0.113.9"), Trusted),
        ("a proxy, for another host", proxy("198.51.100.9"), Other),
        ("a proxy, for another host that lies", proxy("203.0.113.9, 198.51.100.9"), Other),
        ("a proxy, for its own machine", proxy("127.0.0.1"), Other),
        ("a proxy that makes no sense", proxy("nonsense"), Other),
        ("a page from elsewhere", own().with("Origin", "https://evil.example"), Page),
        ("a page that says nothing", own().with("Sec-Fetch-Site", "cross-site"), Page),
        ("a page of another port", own().with("Origin", "http://127.0.0.1:1"), Page),
        ("a rebound page", own().with("Host", "evil.example"), Rebound),
        ("a read token", token("tpm_r"), Read),
        ("a control token", token("tpm_c"), Control),
        ("an admin token", token("tpm_a"), Admin),
    ];
    if let Some(user) = Peer::other_user() {
        table.push(("another user", user.clone(), Other));
        table.push(("another user with a token", user.with("Authorization", "Bearer tpm_a"), Admin));
    }
    for (name, peer, who) in table {
        check(&world, name, &peer, who);
    }
}

#[test]
fn everybody_asks_for_everything_from_another_host() {
    let Some(host) = OtherHost::new() else { return };
    let world = world();
    // From the first answer on it listens there.
    eventually("it listens on the cable", || {
        std::net::TcpStream::connect((host.ours.as_str(), world.api_port())).is_ok()
    });
    check(&world, "another host", &host.peer(), Other);
    check(&world, "its read token", &host.peer().with("Authorization", "Bearer tpm_r"), Read);
    check(&world, "its proxy", &host.peer().with("X-Real-IP", "203.0.113.9"), Other);
    world.edit(|registry| registry["remoteAccess"]["trustedHosts"] = json!([host.its]));
    let may = || host.peer().ask_one(&world, "PATCH", "/config", Some(json!({}))).status == 200;
    eventually("it is trusted now", may);
    check(&world, "a trusted host", &host.peer(), Trusted);
    let told = Peer::own().ask_one(&world, "PATCH", "/config", Some(json!({})));
    assert_eq!(told.status, 403, "this machine is not in the list any more");
    assert!(told.body["error"].as_str().unwrap().contains("127.0.0.1 is not in remoteAccess.trustedHosts"));
}

#[test]
fn a_bad_token_is_refused_whoever_shows_it_and_not_for_ever() {
    let world = world();
    let bad = || Peer::own().with("Authorization", "Bearer tpm_none");
    // Ten at once, then the peer has to wait; without a token it goes on.
    let asked = vec![("GET".into(), "/processes".into(), None); 14];
    let mut told: Vec<u16> = Vec::new();
    // On a machine so slow that another one is granted each time, it goes on until none is.
    eventually("it has to wait", || {
        told.extend(bad().ask(&world, &asked).iter().map(|told| told.status));
        told.contains(&429)
    });
    assert!(told.starts_with(&[401; 10]), "{told:?}");
    assert_eq!(Peer::own().ask_one(&world, "GET", "/processes", None).status, 200);
    let basic = Peer::other_user().map(|user| user.with("Authorization", "Basic eDp5"));
    if let Some(basic) = basic {
        let told = basic.ask_one(&world, "GET", "/processes", None);
        assert_eq!((told.status, &told.body["code"]), (401, &json!("unauthorized")));
    }
}
