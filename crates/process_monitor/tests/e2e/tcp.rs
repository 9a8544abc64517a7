//! The API over TCP: where it listens, and for whom.

use crate::harness::{World, eventually, free_port};
use crate::http::Connection;
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener, TcpStream};

fn addresses(world: &World) -> Vec<SocketAddr> {
    let status = world.monitor_status();
    status["apiAddresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|at| at.as_str().unwrap().parse().unwrap())
        .collect()
}

/// Writes settings into the registry's file, as an editor would.
pub fn edit_settings(world: &World, remote_access: &Value) {
    let text = std::fs::read(world.registry()).unwrap_or_else(|_| b"{\"processes\":{}}".to_vec());
    let mut registry: Value = serde_json::from_slice(&text).unwrap();
    registry["remoteAccess"] = remote_access.clone();
    world.save(registry.to_string());
}

#[test]
fn the_same_api_as_over_the_control_socket() {
    let world = World::started();
    let mut connection = Connection::tcp(&world);
    let entry = json!({"id": "web", "name": "Web", "command": "sleep", "args": ["100000"]});
    assert_eq!(connection.ask("POST", "/processes", Some(&entry)).status, 200);
    assert_eq!(connection.ask("POST", "/processes/web/start?wait=ready", None).status, 200);
    let list = connection.ask("GET", "/processes", None);
    assert_eq!((list.status, &list.body["processes"][0]["state"]), (200, &"running".into()));
    assert_eq!(list.fields(), Connection::to(&world).ask("GET", "/processes", None).fields());
}

#[test]
fn loopback_alone_unless_told_otherwise() {
    let world = World::started();
    let port = world.api_port();
    let found = addresses(&world);
    assert!(found.iter().all(|at| at.ip().is_loopback() && at.port() == port), "{found:?}");
    assert!(found.contains(&SocketAddr::from(([127, 0, 0, 1], port))), "{found:?}");
    if TcpListener::bind("[::1]:0").is_ok() && found.len() > 1 {
        let mut connection = Connection::at(format!("[::1]:{port}").parse().unwrap());
        assert_eq!(connection.ask("GET", "/monitor/status", None).status, 200);
    }
    world.log_that_says(&format!("API: http://127.0.0.1:{port}"));
}

#[test]
fn a_change_of_the_settings_takes_effect_at_once() {
    let world = World::started();
    let port = world.api_port();
    let mut before = Connection::tcp(&world);
    assert_eq!(before.ask("GET", "/monitor/status", None).status, 200);
    // 127.0.0.2 stands for another host's address: it is not listened on by default.
    let other = SocketAddr::from(([127, 0, 0, 2], port));
    assert!(TcpStream::connect(other).is_err());
    edit_settings(&world, &json!({"startRemoteAccess": true}));
    eventually("it listens everywhere", || TcpStream::connect(other).is_ok());
    assert_eq!(world.api_port(), port, "the port stays");
    edit_settings(&world, &json!({"startRemoteAccess": true, "bindAddress": "127.0.0.3"}));
    eventually("it left", || TcpStream::connect(other).is_err());
    eventually("it listens there", || TcpStream::connect(("127.0.0.3", port)).is_ok());
    edit_settings(&world, &json!({}));
    eventually("it left there too", || TcpStream::connect(("127.0.0.3", port)).is_err());
    assert_eq!(Connection::tcp(&world).ask("GET", "/monitor/status", None).status, 200);
}

#[test]
fn another_port_in_the_settings() {
    let world = World::new();
    let (first, second) = (free_port(), free_port());
    world.save(json!({"remoteAccess": {"remotePort": first}, "processes": {}}).to_string());
    let started = world.command::<&str>([]).env_remove("TOM_PM_API_PORT").output().unwrap();
    assert!(started.status.success());
    assert_eq!(world.api_port(), first);
    edit_settings(&world, &json!({"remotePort": second}));
    eventually("it moved", || world.monitor_status()["apiPort"] == second);
    assert_eq!(Connection::tcp(&world).ask("GET", "/monitor/status", None).status, 200);
    assert!(TcpStream::connect(("127.0.0.1", first)).is_err());
}

#[test]
fn a_port_that_is_taken_is_told_and_taken_when_it_is_free() {
    let world = World::new();
    let port = free_port();
    let holder = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let started = world.command(["--api-port", &port.to_string()]).output().unwrap();
    assert!(started.status.success(), "supervision goes on without it");
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let held = format!("pid {}", std::process::id());
    let trouble =
        |world: &World| world.monitor_status()["apiTrouble"][0].as_str().unwrap_or_default().to_owned();
    eventually("it is told", || trouble(&world).contains("in use (os error"));
    for text in [trouble(&world), world.monitor_log(), world.say(["doctor"]).stdout] {
        assert!(text.contains(&held) && text.contains("--api-port"), "{text}");
    }
    drop(holder);
    eventually("it listens", || world.monitor_status()["apiTrouble"] == json!([]));
    assert_eq!(Connection::tcp(&world).ask("GET", "/processes", None).status, 200);
}

#[test]
fn an_address_that_begins_like_none_of_this_machine() {
    let world = World::started();
    edit_settings(&world, &json!({"startRemoteAccess": true, "bindAddress": "203.0.113."}));
    let trouble =
        |world: &World| world.monitor_status()["apiTrouble"][0].as_str().unwrap_or_default().to_owned();
    eventually("it is told", || {
        trouble(&world).contains("no address of this machine begins with 203.0.113.")
    });
    assert_eq!(Connection::tcp(&world).ask("GET", "/processes", None).status, 200, "loopback goes on");
}
