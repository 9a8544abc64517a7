//! A monitor that is reached by its URL: the same commands, and words for what cannot be done from afar. The other
//! machine is this one: its API on loopback.

use crate::harness::{PROGRAM, Said, World, eventually, free_port, is_alive, kill, said, variable_of};
use crate::http::Connection;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

/// Runs the command line as on a machine that has nothing of the monitor's.
fn from_afar(args: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(args).env_remove("TOM_PM_DIRECTORY").env_remove("HOME").env_remove("TOM_PM_TOKEN");
    said(command.current_dir(folder.path()).output().unwrap())
}

#[track_caller]
fn ok(args: &[&str]) -> String {
    let said = from_afar(args);
    assert_eq!(said.code, Some(0), "{args:?} {said:?}");
    said.stdout
}

#[test]
fn the_commands_of_every_day() {
    let world = World::started();
    let url = world.api();
    let url = url.as_str();
    ok(&["--url", url, "add", "--name", "web", "--", "sleep", "100000"]);
    assert!(ok(&["--url", url, "start", "web"]).contains("running"));
    assert_eq!(world.state_of("web"), "running");
    assert!(ok(&["--url", url, "list"]).contains("web"));
    assert!(ok(&["--url", url, "--status"]).contains("Managed Processes: 1"));
    let status: Value = serde_json::from_str(&ok(&["--url", url, "status", "web", "--json"])).unwrap();
    assert_eq!(status["workingDirectory"], Value::Null, "a folder of this machine means nothing there");
    ok(&["--url", url, "stop", "web"]);
    assert_eq!(world.state_of("web"), "stopped");
    ok(&["--url", url, "config", "set", "standaloneMode", "on"]);
    assert_eq!(world.ok(&["config", "get", "standaloneMode"]), "true\n");
    let said = from_afar(&["--url", url, "stop", "wbe"]);
    assert_eq!(said.code, Some(4));
    assert!(said.stderr.contains("did you mean web?"), "{said:?}");
    ok(&["--url", url, "remove", "web"]);
}

#[test]
fn it_is_stopped_and_then_nobody_answers() {
    let world = World::new();
    // One that nobody is given who asks for any: else another monitor might answer there afterwards.
    let port = free_port().to_string();
    assert!(world.command(["--api-port", &port]).output().unwrap().status.success());
    let url = world.api();
    let pid = world.monitor_pid().unwrap();
    let said = ok(&["--url", &url, "--stop"]);
    assert!(said.contains(&pid.to_string()) && said.contains("when it last did"), "{said}");
    let said = from_afar(&["--url", &url, "list"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.stderr.contains(&url) && said.stderr.contains("discover"), "{said:?}");
    let json = from_afar(&["--url", &url, "list", "--json"]);
    let error: Value = serde_json::from_str(&json.stderr).unwrap();
    assert_eq!(error["code"], "unreachable");
}

#[test]
fn it_replaces_itself_and_who_asked_is_told_when_the_new_one_serves() {
    let world = World::started();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let (url, pid, web) = (world.api(), world.monitor_pid().unwrap(), world.pid_of("web"));
    for _ in 0..3 {
        let before: Value = serde_json::from_str(&ok(&["--url", &url, "--status", "--json"])).unwrap();
        let told: Value = serde_json::from_str(&ok(&["--url", &url, "--restart", "--json"])).unwrap();
        // At once, without waiting: what was said is true by then.
        let now: Value = serde_json::from_str(&ok(&["--url", &url, "--status", "--json"])).unwrap();
        assert_eq!((&told["pid"], &told["inPlace"]), (&pid.into(), &true.into()), "{told}");
        assert_eq!(told["startedAt"], now["startedAt"]);
        assert_eq!(told["version"], now["version"]);
        assert!(now["startedAt"].as_str() > before["startedAt"].as_str(), "{before} {now}");
        assert_eq!(world.pid_of("web"), web);
    }
    let text = ok(&["--url", &url, "--restart"]);
    let says = format!("version {} serves since ", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&says) && text.contains(&format!("in the same process (pid {pid})")), "{text}");
}

#[test]
fn what_needs_the_monitors_own_machine_says_so() {
    let url = format!("http://127.0.0.1:{}", free_port());
    for args in [&[][..], &["--foreground"], &["doctor"]] {
        let said = from_afar(&[&["--url", &url], args].concat());
        assert_eq!(said.code, Some(2), "{args:?} {said:?}");
        assert!(said.stderr.contains("own machine"), "{args:?} {said:?}");
    }
    let said = from_afar(&["--url", &url, "--instance", "x", "list"]);
    assert!(said.code == Some(2) && said.stderr.contains("--instance"), "{said:?}");
    let said = from_afar(&["--url", "ftp://nas", "list"]);
    assert!(said.code == Some(2) && said.stderr.contains("http://host:5679"), "{said:?}");
}

#[test]
fn a_token_is_sent_and_told_to_nobody() {
    const SECRET: &str = "tpm_verysecret";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let body = r#"{"error":"this token is not known","code":"unauthorized"}"#;
        let head =
            format!("HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: {}", body.len());
        (0..3).all(|_| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap();
            write!(stream, "{head}\r\n\r\n{body}").unwrap();
            String::from_utf8_lossy(&request[..length]).contains(&format!("Bearer {SECRET}"))
        })
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let file = file.display().to_string();
    let by_file = from_afar(&["--url", &url, "--token-file", &file, "list"]);
    let by_flag = from_afar(&["--url", &url, "--token", SECRET, "list", "--json"]);
    let by_environment =
        Command::new(PROGRAM).args(["--url", &url, "list"]).env("TOM_PM_TOKEN", SECRET).output();
    for told in [by_file, by_flag, said(by_environment.unwrap())] {
        assert_eq!(told.code, Some(1), "{told:?}");
        assert!(told.stderr.contains("this token is not known"), "{told:?}");
        assert!(!format!("{told:?}").contains(SECRET), "{told:?}");
    }
    assert!(server.join().unwrap(), "each request had it");
}

#[test]
fn a_token_without_a_monitor_elsewhere_is_a_mistake_and_what_is_none_is_not_repeated() {
    let world = World::new();
    let said = world.say(["--token", "tpm_verysecret", "list"]);
    assert!(said.code == Some(2) && said.stderr.contains("--url"), "{said:?}");
    let said = world.say(["--url", "http://127.0.0.1:1", "--token", "very secret", "list"]);
    assert!(said.code == Some(2) && !said.stderr.contains("secret"), "{said:?}");
    let said = world.say(["--url", "http://127.0.0.1:1", "--token-file", "/nowhere/token", "list"]);
    assert!(said.code == Some(2) && said.stderr.contains("/nowhere/token"), "{said:?}");
}

#[test]
fn programs_do_not_get_the_token() {
    let world = World::new();
    assert!(
        world.command::<&str>([]).env("TOM_PM_TOKEN", "tpm_verysecret").output().unwrap().status.success()
    );
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    assert_eq!(variable_of(world.pid_of("web").unwrap(), "TOM_PM_TOKEN"), None);
}

#[test]
fn a_monitor_is_found_on_this_machine() {
    let world = World::started();
    let (port, page) = (world.api_port().to_string(), TcpListener::bind("127.0.0.1:0").unwrap());
    let other = page.local_addr().unwrap().port().to_string();
    let answering = thread::spawn(move || {
        // Without TLS, and with.
        for stream in page.incoming().take(2) {
            let mut stream = stream.unwrap();
            let _some = stream.read(&mut [0; 4096]).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello")
                .unwrap();
        }
    });
    let text = ok(&["discover", "--local", "--port", &other, "--port", &port, "--json"]);
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found["monitors"].as_array().unwrap().len(), 1, "{text}");
    let monitor = &found["monitors"][0];
    assert_eq!(monitor["pid"].as_u64(), world.monitor_pid().map(u64::from));
    assert!(monitor["url"].as_str().unwrap().ends_with(&format!(":{port}")), "{text}");
    assert!(ok(&["discover", "--network", "127.0.0.1", "--port", &port, "--first"]).contains("default"));
    answering.join().unwrap();
    let none = free_port().to_string();
    let said = from_afar(&["discover", "--local", "--port", &none]);
    assert!(said.code == Some(1) && said.stderr.contains(&none) && said.stderr.contains("--url"), "{said:?}");
}

#[test]
fn a_list_while_the_monitor_dies_is_a_list() {
    let world = World::started();
    world.ok(&["add", "--name", "web", "--", "sleep", "100000"]);
    for _ in 0..10 {
        let pid = world.monitor_pid().unwrap();
        thread::scope(|scope| {
            let lists: Vec<_> = (0..6).map(|_| scope.spawn(|| world.ok(&["list"]))).collect();
            kill(pid);
            lists.into_iter().for_each(|list| assert!(list.join().unwrap().contains("web")));
        });
        eventually("it is gone", || !is_alive(pid));
        world.start();
    }
}

#[test]
fn a_monitor_with_a_certificate_of_its_own_is_known_by_its_fingerprint() {
    let world = World::started();
    world.ok(&["config", "set", "remoteAccess.tls", r#"{"enabled":true}"#]);
    let mut shown = None;
    eventually("it has a certificate", || {
        shown = world.monitor_status()["apiFingerprint"].as_str().map(str::to_owned);
        shown.is_some()
    });
    let (shown, url) = (shown.unwrap(), format!("https://localhost:{}", world.api_port()));
    assert!(world.ok(&["doctor"]).contains(&shown));
    assert!(ok(&["--url", &url, "--fingerprint", &shown, "--status"]).contains("State: running"));
    let another = format!("sha256:{}", "ab".repeat(32));
    for trust in [&["--fingerprint", another.as_str()][..], &[]] {
        let said = from_afar(&[&["--url", &url, "list"], trust].concat());
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains(&format!("--fingerprint {shown}")), "{said:?}");
    }
}

#[test]
fn a_token_is_made_shown_once_listed_and_revoked() {
    let world = World::started();
    let said =
        world.say(["token", "create", "--scope", "control", "--name", "dashboard", "--expires", "30d"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let token = said.stdout.trim();
    assert!(token.starts_with("tpm_") && !token.contains(char::is_whitespace), "{said:?}");
    let list: Value = serde_json::from_str(&world.ok(&["token", "list", "--json"])).unwrap();
    let info = &list["tokens"][0];
    assert_eq!((&info["name"], &info["scope"]), (&"dashboard".into(), &"control".into()));
    assert!(info["expiresAt"].is_string() && said.stderr.contains(info["id"].as_str().unwrap()), "{said:?}");
    let secret = token.strip_prefix("tpm_").unwrap();
    for told in [world.ok(&["token", "list"]), world.ok(&["config"]), list.to_string()] {
        assert!(!told.contains(secret) && !told.contains("sha256:"), "{told}");
    }
    let id = info["id"].as_str().unwrap();
    world.ok(&["token", "revoke", id]);
    assert!(world.ok(&["token", "list"]).contains("no tokens"));
    let again = world.say(["token", "revoke", id]);
    assert!(again.code == Some(1) && again.stderr.contains(id), "{again:?}");
    assert!(again.stderr.contains("token list") && !again.stderr.contains("GET "), "{again:?}");
    let said = world.say(["token", "create", "--scope", "root"]);
    assert!(said.code == Some(2) && said.stderr.contains("read, control or admin"), "{said:?}");
}

#[test]
fn a_token_is_made_and_revoked_while_no_monitor_runs() {
    let world = World::new();
    let made = world.say(["token", "create", "--scope", "read", "--name", "dashboard"]);
    assert!(made.code == Some(0) && made.stderr.contains("when it starts"), "{made:?}");
    let shown = world.say(["token", "list"]);
    assert!(shown.stdout.contains("dashboard") && shown.stderr.contains("not running"), "{shown:?}");
    let list: Value = serde_json::from_str(&world.ok(&["token", "list", "--json"])).unwrap();
    let id = list["tokens"][0]["id"].as_str().unwrap();
    assert!(!std::fs::read_to_string(world.registry()).unwrap().contains(made.stdout.trim()));

    world.start();
    let headers = format!("Host: localhost\r\nAuthorization: Bearer {}\r\n", made.stdout.trim());
    let ask = || Connection::tcp(&world).ask_with("GET", "/processes", &headers).status;
    assert_eq!(ask(), 200);
    world.ok(&["--stop"]);
    let unknown = world.say(["token", "revoke", "00000000"]);
    assert!(unknown.code == Some(1) && unknown.stderr.contains("no token \"00000000\""), "{unknown:?}");
    assert!(unknown.stderr.contains("token list"), "{unknown:?}");
    world.ok(&["token", "revoke", id]);
    world.start();
    assert_eq!(ask(), 401);

    world.ok(&["--stop"]);
    for (words, why) in [(["--name", " "], "name: "), (["--expires", "2000000d"], "expiresInSeconds: ")] {
        let said = world.say([&["token", "create", "--scope", "read"][..], &words].concat());
        assert!(said.code == Some(1) && said.stderr.contains(why), "{said:?}");
    }
    assert!(world.ok(&["token", "list"]).contains("no tokens"));
}
