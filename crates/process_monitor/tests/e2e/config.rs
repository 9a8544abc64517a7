//! `/config/…`: settings and tokens, over the API.

use crate::harness::{World, eventually};
use crate::http::{Answer, Connection};
use serde_json::{Value, json};
use std::fs;

/// Asks over a connection of its own.
fn ask(world: &World, method: &str, path: &str, body: &Value) -> Answer {
    let body = (!body.is_null()).then_some(body);
    Connection::to(world).ask(method, &format!("/config/{path}"), body)
}

fn saved(world: &World) -> Value {
    serde_json::from_slice(&fs::read(world.registry()).unwrap()).unwrap()
}

#[test]
fn what_is_put_is_shown_saved_and_in_effect() {
    let world = World::started();
    // What is put where, and where it is in the registry's file.
    let table = [
        ("remote-access", json!({"allowRemoteStop": false}), "/remoteAccess/allowRemoteStop", json!(false)),
        ("remote-access", json!({"maxBodyBytes": 2000}), "/remoteAccess/maxBodyBytes", json!(2000)),
        ("remote-access", json!({"tls": {"enabled": false}}), "/remoteAccess/tls/enabled", json!(false)),
        (
            "trusted-hosts",
            json!({"trustedHosts": ["10.0.0.1"]}),
            "/remoteAccess/trustedHosts",
            json!(["10.0.0.1"]),
        ),
        (
            "executable-whitelist",
            json!({"patterns": ["/bin/*"]}),
            "/remoteAccess/executableWhitelist",
            json!(["/bin/*"]),
        ),
        (
            "executable-blacklist",
            json!({"patterns": ["**/sh"]}),
            "/remoteAccess/executableBlacklist",
            json!(["**/sh"]),
        ),
        ("standalone-mode", json!({"enabled": true}), "/standaloneMode", json!(true)),
        (
            "partner-discovery",
            json!({"startPartnerIfMissing": true}),
            "/partnerDiscovery/startPartnerIfMissing",
            json!(true),
        ),
    ];
    for (path, body, place, value) in &table {
        let answer = ask(&world, "PUT", path, body);
        assert_eq!((answer.status, &answer.body["success"]), (200, &json!(true)), "{path} {answer:?}");
        assert_eq!(saved(&world).pointer(place), Some(value), "{path}: on disk when it is answered");
    }
    for (path, body, ..) in table {
        let shown = ask(&world, "GET", path, &Value::Null).body;
        for (field, value) in body.as_object().unwrap() {
            let whole = &shown[field];
            assert!(
                whole == value || whole["enabled"] == value["enabled"] && value.is_object(),
                "{path} {shown}"
            );
        }
        assert_eq!(ask(&world, "PUT", path, &shown).status, 200, "what was shown can be put back");
    }
    let huge = json!({"patterns": ["x".repeat(3000)]});
    assert_eq!(ask(&world, "PUT", "executable-whitelist", &huge).status, 413, "maxBodyBytes is in effect");
    let access = ask(&world, "GET", "remote-access", &Value::Null).body;
    assert_eq!((&access["remotePort"], &access["allowRemoteStart"]), (&json!(5679), &json!(true)));
    ask(&world, "PUT", "remote-access", &json!({"maxBodyBytes": null}));
    assert!(saved(&world).pointer("/remoteAccess/maxBodyBytes").is_none(), "null brings the default back");
}

#[test]
fn all_that_is_wrong_is_told_and_nothing_is_changed() {
    let world = World::started();
    let before = ask(&world, "GET", "remote-access", &Value::Null).body;
    let table = [
        ("remote-access", json!({"allowRemoteStop": 1, "remotePort": 70000, "allowRemotStart": true}), 3, ""),
        ("remote-access", json!({"bindAddress": "eth0"}), 1, "bindAddress"),
        ("remote-access", json!({"tls": {"keyFile": "x"}}), 1, "tls.certificateFile"),
        ("remote-access", json!({"tokens": null}), 1, "tokens"),
        ("remote-access", json!({"rateLimit": {"burst": 0, "requestsPerSecond": -1}}), 2, ""),
        ("trusted-hosts", json!({"trustedHosts": ["10.0.0.1", 5]}), 1, "trustedHosts[1]"),
        ("trusted-hosts", json!({}), 1, "trustedHosts"),
        ("executable-whitelist", json!({"patterns": ["/bin/*", "/bin/["]}), 1, "patterns[1]"),
        ("executable-blacklist", json!({"pattern": []}), 2, ""),
        ("standalone-mode", json!({"enabled": "yes"}), 1, "enabled"),
        ("partner-discovery", json!({"partnerAlivenessPort": "5682", "x": 1}), 2, ""),
        ("tokens", json!({"name": "", "scope": "root", "expiresInSeconds": 0}), 3, ""),
        ("tokens", json!({"name": " ", "scope": "read", "expiresInSeconds": 0}), 2, ""),
    ];
    for (path, body, problems, field) in table {
        let method = if path == "tokens" { "POST" } else { "PUT" };
        let answer = ask(&world, method, path, &body);
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (400, &json!("invalid")),
            "{path} {body} {answer:?}"
        );
        let told = answer.body["problems"].as_array().map_or(0, Vec::len);
        assert_eq!(told, problems, "{path} {body}: {}", answer.body);
        assert!(field.is_empty() || answer.body["field"] == field, "{path} {body}: {}", answer.body);
    }
    assert_eq!(ask(&world, "GET", "remote-access", &Value::Null).body, before);
}

#[test]
fn changes_at_the_same_time_lose_nothing() {
    let world = World::started();
    let fields = ["allowRemoteStart", "allowRemoteStop", "allowRemoteDisable", "allowRemoteRegister"];
    std::thread::scope(|scope| {
        for field in fields {
            let world = &world;
            scope.spawn(move || {
                assert_eq!(ask(world, "PUT", "remote-access", &json!({field: false})).status, 200)
            });
        }
    });
    let shown = ask(&world, "GET", "remote-access", &Value::Null).body;
    assert!(fields.iter().all(|field| shown[field] == false), "{shown}");
}

#[test]
fn a_token_is_shown_once_and_revoked_by_its_id() {
    let world = World::started();
    let made =
        ask(&world, "POST", "tokens", &json!({"name": "dashboard", "scope": "read", "expiresInSeconds": 60}));
    let token = made.body["token"].as_str().unwrap_or_else(|| panic!("{made:?}")).to_owned();
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert!(token.starts_with("tpm_") && made.body["expiresAt"].is_string(), "{made:?}");
    let listed = ask(&world, "GET", "tokens", &Value::Null).body;
    assert_eq!((&listed["tokens"][0]["id"], &listed["tokens"][0]["scope"]), (&json!(id), &json!("read")));
    let hash = saved(&world)["remoteAccess"]["tokens"][0]["hash"].as_str().unwrap().to_owned();
    let settings = ask(&world, "GET", "remote-access", &Value::Null).body.to_string();
    let file = fs::read_to_string(world.registry()).unwrap();
    for (what, text) in [("list", listed.to_string()), ("settings", settings), ("log", world.monitor_log())] {
        assert!(!text.contains(&token) && !text.contains(&hash), "{what}: {text}");
    }
    assert!(!file.contains(&token));
    assert_eq!(ask(&world, "DELETE", "tokens/nobody", &Value::Null).status, 404);
    assert_eq!(ask(&world, "DELETE", &format!("tokens/{id}"), &Value::Null).status, 200);
    assert_eq!(ask(&world, "GET", "tokens", &Value::Null).body, json!({"tokens": []}));
    assert!(!fs::read_to_string(world.registry()).unwrap().contains(&hash));
}

#[test]
fn the_port_moves_when_it_is_put_and_the_answer_says_so() {
    let world = World::new();
    let (first, second) = (crate::harness::free_port(), crate::harness::free_port());
    world.save(json!({"remoteAccess": {"remotePort": first}, "processes": {}}).to_string());
    assert!(world.command::<&str>([]).env_remove("TOM_PM_API_PORT").output().unwrap().status.success());
    let mut connection = Connection::tcp(&world);
    let answer = connection.ask("PUT", "/config/remote-access", Some(&json!({"remotePort": second})));
    assert_eq!(answer.status, 200, "the connection under way is finished: {answer:?}");
    assert!(answer.body["message"].as_str().unwrap().contains(&second.to_string()), "{answer:?}");
    eventually("it moved", || world.monitor_status()["apiPort"] == second);
}
