//! Who may do what, and what a client sends.

use super::entries::{USUAL_MS, entry};
use process_monitor_core::access::HostPatterns;
use process_monitor_core::access::executable::{ExecutableRules, PathStyle};
use process_monitor_core::model::{ProcessEntry, Registration, RemoteAccess};
use process_monitor_core::reading;
use std::net::IpAddr;
use std::path::Path;

pub fn rules() -> ExecutableRules {
    let access = RemoteAccess {
        executable_whitelist: ["/opt/*/bin/**", "/usr/local/{bin,sbin}/*", "/srv/[a-z]*/run"]
            .map(String::from)
            .to_vec(),
        executable_blacklist: ["/usr/bin/{sh,bash}", "sudo", "**/secret/**"].map(String::from).to_vec(),
        ..RemoteAccess::default()
    };
    let rules = ExecutableRules::new(&access, PathStyle::Unix, |path| Some(path.to_owned()));
    // The first look at a pattern makes what the later ones use.
    assert!(permit(&rules));
    rules
}

pub fn permit(rules: &ExecutableRules) -> bool {
    rules.permit(Path::new("/usr/local/sbin/worker")).is_ok()
}

pub fn hosts() -> HostPatterns {
    let patterns =
        ["localhost", "127.0.0.1", "::1", "192.168.1.*", "10.0.*.*", "172.16.0.0/12", "*.example.com"];
    HostPatterns::new(&patterns.map(String::from))
}

pub fn trust(hosts: &HostPatterns) -> bool {
    hosts.contains(IpAddr::from([172, 31, 255, 255])) && hosts.contains_name("a.b.example.com")
}

pub fn registration() -> Vec<u8> {
    serde_json::to_vec(&entry(7, &[], USUAL_MS)).unwrap()
}

pub fn register(body: &[u8]) -> ProcessEntry {
    reading::read::<Registration>(body).unwrap().entry
}
