//! What other peers may have the monitor run.

use crate::access_peers::{Peer, Told};
use crate::harness::{World, eventually};
use crate::http::Connection;
use serde_json::{Value, json};
use std::fs;
use std::io::BufRead;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

/// A monitor whose stranger is this user behind a proxy that nobody vouches for.
fn stranger() -> Peer {
    Peer::own().with("X-Forwarded-For", "198.51.100.9")
}

fn world(whitelist: &[String], blacklist: &[&str]) -> World {
    let world = World::new();
    let access = json!({"executableWhitelist": whitelist, "executableBlacklist": blacklist});
    world.save(json!({"remoteAccess": access, "processes": {}}).to_string());
    world.start();
    world
}

fn register(world: &World, peer: &Peer, entry: &Value) -> Told {
    let mut whole = json!({"id": "web", "name": "Web"});
    whole.as_object_mut().unwrap().extend(entry.as_object().unwrap().clone());
    peer.ask_one(world, "POST", "/processes", Some(whole))
}

fn sleeper(world: &World, name: &str) -> String {
    world.script(name, "#!/bin/sh\nexec sleep 100000\n")
}

#[test]
fn what_a_stranger_may_register() {
    let folder = tempfile::tempdir().unwrap();
    let folder = fs::canonicalize(folder.path()).unwrap();
    let world = world(
        &[format!("{}/good/*", folder.display()), "/usr/bin/sl*".into(), "/bin/true".into()],
        &["*.bad"],
    );
    fs::create_dir(folder.join("good")).unwrap();
    for name in ["good/tool", "good/tool.bad", "evil"] {
        fs::copy("/bin/true", folder.join(name)).unwrap();
    }
    symlink("../evil", folder.join("good/link")).unwrap();
    symlink("good", folder.join("way")).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let directory = folder.display().to_string();
    let table = [
        (json!({"command": path("good/tool")}), true),
        (json!({"command": path("way/tool")}), true),
        (json!({"command": path("good/../good/tool")}), true),
        (json!({"command": "./good/tool", "workingDirectory": directory}), true),
        (json!({"command": "sleep"}), true),
        (json!({"command": path("evil")}), false),
        (json!({"command": path("good/link")}), false),
        (json!({"command": path("good/../evil")}), false),
        (json!({"command": "./evil", "workingDirectory": directory}), false),
        (json!({"command": path("good/tool.bad")}), false),
        (json!({"command": path("good/missing")}), false),
        (json!({"command": "sh", "args": ["-c", "id"]}), false),
        (json!({"command": "sleep", "environment": {"LD_PRELOAD": "/tmp/x.so"}}), false),
        (
            json!({"command": "./sleep", "workingDirectory": "/usr/bin", "environment": {"PATH": "/tmp"}}),
            false,
        ),
        (json!({"command": "sleep", "alivenessCheck": {"exec": {"command": "/bin/sh"}}}), false),
        (
            json!({"command": "sleep", "alivenessCheck": {"exec": {"command": "/bin/sh"}, "enabled": false}}),
            false,
        ),
        (json!({"command": "sleep", "alivenessCheck": {"url": "http://169.254.169.254/"}}), false),
        (json!({"command": "sleep", "alivenessCheck": {"url": "http://localhost:1/"}}), true),
        (json!({"command": "sleep", "alivenessCheck": {"pidFile": "/etc/shadow"}}), false),
    ];
    for (entry, may) in table {
        let told = register(&world, &stranger(), &entry);
        assert_eq!(told.status, if may { 200 } else { 403 }, "{entry}: {}", told.body);
        if may {
            world.ok(&["remove", "web"]);
        } else {
            assert!(told.body["problems"][0]["path"].is_string(), "{entry}: {}", told.body);
            assert_eq!(world.document()["processes"], json!({}), "{entry}");
        }
        // Whoever is trusted registers what he likes.
        let told = register(&world, &Peer::own(), &entry);
        assert_eq!(told.status, 200, "{entry}: {}", told.body);
        world.ok(&["remove", "web"]);
    }
}

#[test]
fn strangers_do_not_fill_the_registry() {
    let world = World::new();
    let one = |n: usize| {
        (
            format!("p{n}"),
            json!({"id": format!("p{n}"), "name": "p", "command": "sleep", "autostart": false, "isRemote": true, "untrustedPeer": "192.0.2.1"}),
        )
    };
    let processes: serde_json::Map<_, _> = (0..1000).map(one).collect();
    let access = json!({"executableWhitelist": ["/**/sleep"]});
    world.save(json!({"remoteAccess": access, "processes": processes}).to_string());
    world.start();
    let entry = json!({"command": "sleep"});
    let told = register(&world, &stranger(), &entry);
    assert_eq!(told.status, 403, "{}", told.body);
    assert!(told.body["error"].as_str().unwrap().contains("remove some"), "{}", told.body);
    assert_eq!(stranger().ask_one(&world, "DELETE", "/processes/p7", None).status, 200);
    assert_eq!(register(&world, &stranger(), &entry).status, 200);
}

#[test]
fn a_refusal_does_not_tell_a_stranger_what_files_there_are() {
    let world = world(&["/**/sleep".to_owned()], &[]);
    let missing = world.path().join("missing").display().to_string();
    let folder = world.path().display().to_string();
    let file = world.script("file", "");
    symlink(&file, world.path().join("link")).unwrap();
    let link = world.path().join("link").display().to_string();
    let why = |command: &str| {
        let told = register(&world, &stranger(), &json!({"command": command}));
        assert_eq!(told.status, 403, "{}", told.body);
        told.body["error"].as_str().unwrap().replace(command, "X")
    };
    let same = why(&file);
    assert!(same.contains("executableWhitelist") && same.contains("monitor's log"), "{same}");
    [&missing, &folder, &link, "no-such-program"].iter().for_each(|other| assert_eq!(why(other), same));
    world.log_that_says("not found in PATH");
}

#[test]
fn what_is_started_is_what_was_checked_at_every_start() {
    let world = World::new();
    let folder = world.path().join("good");
    fs::create_dir(&folder).unwrap();
    let (tool, evil) = (sleeper(&world, "good/tool"), sleeper(&world, "evil"));
    let link = world.path().join("link");
    symlink(&tool, &link).unwrap();
    let access = json!({"executableWhitelist": [format!("{}/*", folder.display())]});
    world.save(json!({"remoteAccess": access, "processes": {}}).to_string());
    world.start();
    let entry = json!({"command": link.display().to_string(), "restartPolicy": {"maxAttempts": 0}});
    assert_eq!(register(&world, &stranger(), &entry).status, 200);
    assert_eq!(world.document()["processes"]["web"]["untrustedPeer"], json!("127.0.0.1"));
    assert_eq!(world.document()["processes"]["web"]["isRemote"], json!(true));
    let start = || stranger().ask_one(&world, "POST", "/processes/web/start?wait=ready", None);
    assert_eq!(start().status, 200);
    world.ok(&["stop", "web"]);
    // What the command leads to changes behind the monitor's back.
    fs::remove_file(&link).unwrap();
    symlink(&evil, &link).unwrap();
    let told = start();
    assert_eq!(told.status, 409, "{}", told.body);
    let why = told.body["error"].as_str().unwrap().to_owned();
    assert!(why.contains("executableWhitelist") && !why.contains("evil"), "{why}");
    world.log_that_says(&format!("matches {evil:?}"));
    assert!(world.ok(&["status", "web"]).contains("executableWhitelist"));
    assert!(world.running("evil").is_empty());
    // So do the lists, and a trusted peer's start is no way around.
    world.edit(|registry| {
        registry["remoteAccess"]["executableWhitelist"] = json!([format!("{}/**", world.path().display())]);
    });
    eventually("the list is in force", || start().status == 200);
    world.edit(|registry| registry["remoteAccess"]["executableBlacklist"] = json!(["evil"]));
    eventually("the other list is in force", || world.say(["restart", "web"]).code != Some(0));
    // A trusted peer can vouch for it.
    let vouch = json!({"isRemote": false});
    assert_eq!(Peer::own().ask_one(&world, "PATCH", "/processes/web", Some(vouch)).status, 200);
    assert_eq!(world.document()["processes"]["web"].get("untrustedPeer"), None);
    world.ok(&["start", "web"]);
}

#[test]
fn a_change_by_a_stranger_is_checked_like_a_registration() {
    let world = world(&["/**/sleep".to_owned()], &[]);
    let entry = json!({"command": "sleep", "args": ["100000"], "isRemote": true});
    assert_eq!(register(&world, &Peer::own(), &entry).status, 200);
    assert_eq!(world.document()["processes"]["web"].get("untrustedPeer"), None);
    let change = |change: Value| stranger().ask_one(&world, "PATCH", "/processes/web", Some(change));
    for refused in [
        json!({"command": "sh"}),
        json!({"environment": {"BASH_ENV": "/tmp/x"}}),
        json!({"alivenessCheck": {"exec": {"command": "sh"}}}),
        json!({"isRemote": false}),
    ] {
        let told = change(refused.clone());
        assert_eq!(told.status, 403, "{refused}: {}", told.body);
    }
    assert_eq!(change(json!({"untrustedPeer": null})).status, 400);
    assert_eq!(world.document()["processes"]["web"]["command"], json!("sleep"));
    // Nor may he have variables shown to him that another gave it.
    let secret = json!({"environment": {"PASSWORD": "s3cr3t"}});
    assert_eq!(Peer::own().ask_one(&world, "PATCH", "/processes/web", Some(secret)).status, 200);
    assert_eq!(change(json!({"name": "Web!"})).status, 200);
    assert_eq!(change(json!({"args": ["99999"]})).status, 403);
    assert_eq!(change(json!({"args": ["99999"], "environment": null})).status, 200);
    assert_eq!(world.document()["processes"]["web"]["untrustedPeer"], json!("127.0.0.1"));
}

#[test]
fn what_an_earlier_process_printed_is_not_shown_to_who_registers_another_of_its_id() {
    let world = world(&["/**/echo".to_owned()], &[]);
    world.ok(&["run", "--name", "web", "--", "sh", "-c", "echo s3cr3t; exec sleep 100000"]);
    eventually("it has printed", || world.output("web", "stdout") == b"s3cr3t\n");
    world.ok(&["remove", "web"]);
    let old = fs::read_dir(world.logs("web")).unwrap().next().unwrap().unwrap().file_name();
    let second = Instant::now();
    eventually("another second has begun", || second.elapsed() > Duration::from_secs(1));
    let ask = |peer: &Peer, query: &str| {
        let told = peer.ask_one(&world, "GET", &format!("/processes/web/logs?{query}"), None);
        assert_eq!(told.status, 200, "{query}: {}", told.body);
        told.body.as_str().unwrap().to_owned()
    };
    let entry = json!({"command": "echo", "args": ["mine"], "restartPolicy": {"type": "never"}});
    assert_eq!(register(&world, &stranger(), &entry).status, 200);
    let named = format!("run={}", old.to_str().unwrap());
    let earlier = format!("lastEventId={}:0:0", old.to_str().unwrap());
    let queries = ["", "run=all&tail=all", "run=current", "since=1h", &named, &earlier];
    queries.iter().for_each(|query| assert_eq!(ask(&stranger(), query), "", "{query}"));
    stranger().ask_one(&world, "POST", "/processes/web/start?wait=exit", None);
    eventually("its own is shown", || ask(&stranger(), "run=all&tail=all") == "mine\n");
    queries.iter().for_each(|query| assert!(!ask(&stranger(), query).contains("s3cr3t"), "{query}"));
    assert_eq!(ask(&Peer::own(), "run=all&tail=all"), "s3cr3t\nmine\n");
}

#[test]
fn who_follows_a_process_does_not_follow_a_local_one_that_takes_its_id() {
    let world = world(&["/**/echo".to_owned()], &[]);
    let entry = json!({"command": "echo", "args": ["mine"], "restartPolicy": {"type": "never"}});
    assert_eq!(register(&world, &stranger(), &entry).status, 200);
    world.ok(&["start", "web"]);
    let mut following = Connection::tcp(&world);
    following.send(
        b"GET /processes/web/logs?follow=true HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 198.51.100.9\r\n\r\n",
    );
    let mut seen = String::new();
    while !seen.contains("mine") {
        assert!(following.0.read_line(&mut seen).unwrap() > 0, "{seen}");
    }
    world.ok(&["remove", "web"]);
    world.ok(&["run", "--name", "web", "--", "sh", "-c", "echo s3cr3t; exec sleep 100000"]);
    while !seen.contains("s3cr3t")
        && !seen.ends_with("\r\n0\r\n")
        && following.0.read_line(&mut seen).unwrap() > 0
    {}
    assert!(!seen.contains("s3cr3t"), "{seen}");
}

#[test]
fn what_is_registered_over_tcp_is_remote_unless_a_trusted_peer_says_otherwise() {
    let world = world(&["/**/sleep".to_owned()], &[]);
    let remote = || world.document()["processes"]["web"]["isRemote"].clone();
    let table = [
        (Peer::own(), json!({"command": "sleep"}), true),
        (Peer::own(), json!({"command": "sleep", "isRemote": false}), false),
        (stranger(), json!({"command": "sleep", "isRemote": false}), true),
    ];
    for (peer, entry, expected) in table {
        assert_eq!(register(&world, &peer, &entry).status, 200, "{entry}");
        assert_eq!(remote(), json!(expected), "{entry}");
        world.ok(&["remove", "web"]);
    }
    let entry = json!({"id": "web", "name": "web", "command": "sleep"});
    assert_eq!(Connection::to(&world).ask("POST", "/processes", Some(&entry)).status, 200);
    assert_eq!(remote(), json!(false));
}
