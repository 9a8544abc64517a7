//! The API over TLS: for other hosts the only way, for this machine a possible one.

use crate::access_peers::is_of_a_cable;
use crate::harness::{World, eventually, said};
use crate::http::Connection;
use crate::tcp::edit_settings;
use process_monitor_host::listen::own_addresses;
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;

/// An address of this machine under which we are another host to the monitor.
fn other_address() -> Option<IpAddr> {
    // Those of cables to other hosts of other tests go with them.
    let stays = |ip: &IpAddr| matches!(ip, IpAddr::V4(ip) if !ip.is_loopback() && !is_of_a_cable(*ip));
    let own = own_addresses().unwrap().into_iter().find(stays);
    if own.is_none() {
        eprintln!("SKIPPED: this machine has no address but loopback");
    }
    own
}

/// One `GET /monitor/status` over TLS: its status and body, and the fingerprint that was shown.
fn ask(address: SocketAddr) -> Option<(u16, String, String)> {
    const CLIENT: &str = "
import hashlib, http.client, ssl, sys
context = ssl._create_unverified_context()
connection = http.client.HTTPSConnection(sys.argv[1], int(sys.argv[2]), context=context, timeout=20)
connection.connect()
shown = hashlib.sha256(connection.sock.getpeercert(True)).hexdigest()
connection.request('GET', '/monitor/status')
answer = connection.getresponse()
print(answer.status, 'sha256:' + shown, answer.read().decode())
";
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    let said = said(Command::new("python3").args(["-c", CLIENT, &ip, &port]).output().unwrap());
    let mut parts = said.stdout.splitn(3, ' ');
    let status = parts.next()?.parse().ok()?;
    Some((status, parts.next()?.to_owned(), parts.next()?.to_owned()))
}

fn fingerprint(world: &World) -> Option<String> {
    world.monitor_status()["apiFingerprint"].as_str().map(str::to_owned)
}

fn at(ip: impl Into<IpAddr>, world: &World) -> SocketAddr {
    SocketAddr::new(ip.into(), world.api_port())
}

/// Writes a certificate and its key.
fn certificate(folder: &Path, name: &str) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let write = |ending: &str, text: String| {
        let new = folder.join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, folder.join(format!("{name}.{ending}"))).unwrap();
    };
    write("key", made.signing_key.serialize_pem());
    write("crt", made.cert.pem());
}

#[test]
fn a_certificate_of_our_own_is_known_by_its_fingerprint() {
    let Some(other) = other_address() else { return };
    let world = World::started();
    edit_settings(&world, &json!({"startRemoteAccess": true, "tls": {}}));
    let first = || world.monitor_status()["apiAddresses"][0].as_str().unwrap_or_default().to_owned();
    eventually("it listens for others", || first().starts_with("0.0.0.0"));
    let known = fingerprint(&world).unwrap();
    world.log_that_says(&known);
    assert!(world.ok(&["doctor"]).contains(&known));
    let (_, shown, body) = ask(at(other, &world)).unwrap();
    assert_eq!(shown, known, "{body}");
    let plain = Connection::at(at(other, &world)).ask("GET", "/monitor/status", None);
    assert!(plain.status == 403 && plain.body["error"].as_str().unwrap().contains("https://"), "{plain:?}");
    let loopback = at([127, 0, 0, 1], &world);
    assert_eq!(ask(loopback).unwrap().0, 200);
    assert_eq!(Connection::at(loopback).ask("GET", "/monitor/status", None).status, 200);
    world.kill_monitor();
    world.start();
    world.api_port();
    assert_eq!(fingerprint(&world).unwrap(), known, "the next monitor has the same");
}

#[test]
fn a_renewed_certificate_is_taken_up() {
    let world = World::started();
    certificate(world.path(), "web");
    edit_settings(&world, &json!({"tls": {"certificateFile": "web.crt", "keyFile": "web.key"}}));
    eventually("it is loaded", || fingerprint(&world).is_some());
    let before = fingerprint(&world).unwrap();
    let loopback = at([127, 0, 0, 1], &world);
    assert_eq!(ask(loopback).unwrap().1, before);
    certificate(world.path(), "web");
    assert_ne!(ask(loopback).unwrap().1, before);
    std::fs::write(world.path().join("web.key"), "broken").unwrap();
    assert_ne!(ask(loopback).unwrap().1, before, "the last good one is shown on");
    eventually("it is told", || world.monitor_log().contains("cannot be used"));
    assert!(!world.monitor_log().contains("PRIVATE KEY"));
}

#[test]
fn with_a_broken_certificate_others_stay_out_and_supervision_goes_on() {
    let Some(other) = other_address() else { return };
    let world = World::started();
    std::fs::write(world.path().join("web.crt"), "broken").unwrap();
    let tls = json!({"certificateFile": "web.crt", "keyFile": "web.key"});
    edit_settings(&world, &json!({"startRemoteAccess": true, "tls": tls}));
    let trouble = || world.monitor_status()["apiTrouble"].to_string();
    eventually("it is told", || trouble().contains("web.crt holds no certificate"));
    assert!(std::net::TcpStream::connect(at(other, &world)).is_err(), "closed for others");
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    assert_eq!(Connection::tcp(&world).ask("GET", "/monitor/status", None).status, 200);
    certificate(world.path(), "web");
    eventually("it opens when the files are mended", || ask(at(other, &world)).is_some());
}
