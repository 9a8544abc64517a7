//! The service manager's side of `sd_notify`: a real socket that hears what is said.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use aliveness::sd_notify::{Notifier, Watchdog};
use aliveness::{Error, Health, Server};
use std::ffi::OsString;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use support::{Gate, LONG};

/// What listens, and the environment that its programs get.
struct Manager {
    socket: UnixDatagram,
    _folder: tempfile::TempDir,
    address: OsString,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self { socket, _folder: folder, address: path.into() }
    }

    fn notifier(&self, watchdog: Duration) -> Notifier {
        let address = self.address.clone();
        Notifier::from_lookup(move |name| match name {
            "NOTIFY_SOCKET" => Some(address.clone()),
            "WATCHDOG_USEC" => Some(watchdog.as_micros().to_string().into()),
            "WATCHDOG_PID" => Some(std::process::id().to_string().into()),
            _ => None,
        })
    }

    fn hear(&self) -> String {
        self.socket.set_read_timeout(Some(LONG)).unwrap();
        hear(&self.socket)
    }

    /// All that was said and not heard yet.
    fn heard(&self) -> Vec<String> {
        self.socket.set_nonblocking(true).unwrap();
        let mut buffer = [0; 256];
        let mut heard = Vec::new();
        while let Ok(length) = self.socket.recv(&mut buffer) {
            heard.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        self.socket.set_nonblocking(false).unwrap();
        heard
    }
}

fn hear(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 256];
    let length = socket.recv(&mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn everything_that_can_be_said_is_heard() {
    let manager = Manager::new();
    let notifier = manager.notifier(LONG);
    let said: [&dyn Fn() -> Result<bool, Error>; 5] = [
        &|| notifier.ready(),
        &|| notifier.status("half done\nREADY=0"),
        &|| notifier.watchdog(),
        &|| notifier.stopping(),
        &|| notifier.send("RELOADING=1\nMONOTONIC_USEC=1"),
    ];
    let expected =
        ["READY=1", "STATUS=half done READY=0", "WATCHDOG=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=1"];
    for (say, expected) in said.iter().zip(expected) {
        assert!(say().unwrap());
        assert_eq!(manager.hear(), expected);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_abstract_socket() {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("aliveness-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let target = OsString::from(format!("@{name}"));
    let notifier = Notifier::from_lookup(|name| (name == "NOTIFY_SOCKET").then(|| target.clone()));
    assert!(notifier.ready().unwrap());
    assert_eq!(hear(&socket), "READY=1");
}

#[test]
fn without_a_manager_nothing_is_said() {
    for socket in [None, Some(OsString::new())] {
        let nobody =
            Notifier::from_lookup(|name| if name == "NOTIFY_SOCKET" { socket.clone() } else { None });
        assert!(!nobody.ready().unwrap());
        assert!(!nobody.status("well").unwrap());
        assert!(!nobody.stopping().unwrap());
        assert!(!nobody.watchdog().unwrap());
        assert!(Watchdog::start_with(nobody, || true).unwrap().is_none());
    }
}

#[test]
fn a_manager_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone").into_os_string();
    for target in [gone, "vsock:2:1234".into(), "relative".into()] {
        let notifier = Notifier::from_lookup(|name| (name == "NOTIFY_SOCKET").then(|| target.clone()));
        let error = notifier.ready().unwrap_err().to_string();
        assert!(error.contains("READY=1") && error.contains(&*target.to_string_lossy()), "{error}");
    }
}

#[test]
fn a_ping_for_each_time_that_all_is_well() {
    let manager = Manager::new();
    let (tell, told) = mpsc::channel();
    let calls = AtomicUsize::new(0);
    let callback = move || match calls.fetch_add(1, Ordering::Relaxed) {
        0 | 1 | 5 => Health::healthy(),
        2 => Health::unhealthy("not well"),
        3 => panic!("on purpose"),
        // When this call comes, what followed the earlier ones has been said.
        6 => {
            tell.send(()).unwrap();
            Health::unhealthy("to the end")
        }
        _ => Health::unhealthy("not well"),
    };
    let period = Duration::from_millis(20);
    let watchdog = Watchdog::start_with(manager.notifier(period), callback).unwrap().unwrap();
    assert_eq!(watchdog.interval(), period / 2);
    told.recv_timeout(LONG).unwrap();
    assert_eq!(manager.heard(), ["WATCHDOG=1"; 3]);
    assert_eq!(watchdog.failed_pings(), 0);
}

#[test]
fn no_ping_while_the_callback_hangs_nor_after_a_drop() {
    let manager = Manager::new();
    let gate = Arc::new(Gate::default());
    // Its sender goes with the callback, when the thread has ended.
    let (ended, end) = mpsc::channel::<()>();
    let (hang, calls) = (Arc::clone(&gate), AtomicUsize::new(0));
    let callback = move || {
        let _with_the_callback = &ended;
        if calls.fetch_add(1, Ordering::Relaxed) == 2 {
            hang.pass();
        }
        true
    };
    let watchdog =
        Watchdog::start_with(manager.notifier(Duration::from_millis(20)), callback).unwrap().unwrap();
    gate.wait_for(1);
    assert_eq!(manager.heard(), ["WATCHDOG=1"; 2]);
    drop(watchdog);
    gate.open();
    assert_eq!(end.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected), "the thread ends");
    assert_eq!(manager.heard(), [""; 0]);
}

#[test]
fn a_ping_that_fails_is_counted_and_tried_again() {
    let manager = Manager::new();
    let notifier = manager.notifier(Duration::from_millis(20));
    drop(manager);
    let (tell, told) = mpsc::channel();
    let watchdog = Watchdog::start_with(notifier, move || tell.send(()).is_ok()).unwrap().unwrap();
    for _ in 0..3 {
        told.recv_timeout(LONG).unwrap();
    }
    assert!(watchdog.failed_pings() >= 2);
}

#[test]
fn the_watchdog_asks_what_health_asks() {
    let manager = Manager::new();
    let server = Server::new().health_async(|| async { true }).start().unwrap();
    let watchdog = Watchdog::start_with(manager.notifier(Duration::from_millis(20)), server.probe()).unwrap();
    assert!(watchdog.is_some());
    assert_eq!([manager.hear(), manager.hear()], ["WATCHDOG=1"; 2]);
}
