//! The examples of the client crate, with a real monitor.

use crate::harness::{World, eventually, kill};
use process_monitor_client::api::{EventKind, Wait};
use process_monitor_client::{Client, ConnectOptions, Error, Token, Trust, Verb, Waiting};
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::ProcessState;
use std::time::Duration;

#[path = "../../../client/examples/follow.rs"]
mod follow;
#[path = "../../../client/examples/list.rs"]
mod list;
#[path = "../../../client/examples/register.rs"]
mod register;
#[path = "../../../client/examples/remote.rs"]
mod remote;

async fn client(world: &World) -> Client {
    Client::connect(ConnectOptions::directory(world.path())).await.unwrap()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[tokio::test]
async fn register_and_list() {
    let world = World::started();
    let (client, web) = (client(&world).await, ProcessId::new("web").unwrap());
    for _ in 0..2 {
        let state = register::register(&client, &web, &words(&["sleep", "100000"])).await.unwrap();
        assert_eq!(state, ProcessState::Running);
    }
    assert_eq!(list::list(&client).await.unwrap(), "web running sleep\n");
    let error =
        register::register(&client, &ProcessId::new("none").unwrap(), &words(&["/no/such/program"])).await;
    assert!(matches!(error, Err(Error::StartFailed { .. })), "{error:?}");
    world.ok(&["--stop"]);
    assert!(list::list(&client).await.unwrap().starts_with("The monitor is not running"));
}

#[tokio::test]
async fn follow_across_the_death_of_a_monitor() {
    let world = World::started();
    let client = client(&world).await;
    world.ok(&[
        "run",
        "--name",
        "web",
        "--backoff",
        "0s",
        "--max-attempts",
        "100000",
        "--",
        "sleep",
        "100000",
    ]);
    let (mut seen, mut old) = (Vec::new(), None);
    let following = follow::follow(&client, |event| {
        seen.push((event.kind, event.to));
        match (event.to, old) {
            // The first life of the monitor ends with the first return of the program.
            (Some(ProcessState::Running), None) => {
                old = world.monitor_pid();
                world.kill_monitor();
                world.start();
                // It may just be coming back from a kill that is not told yet.
                kill(world.wait_for_new_pid("web", 0));
                true
            }
            (Some(ProcessState::Running), Some(_)) => event.kind != EventKind::State || seen.len() < 4,
            _ => true,
        }
    });
    let stirring = async {
        // Until somebody listens there is nothing to be seen.
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            if let Some(pid) = world.pid_of("web") {
                kill(pid);
            }
        }
    };
    tokio::select! {
        outcome = following => outcome.unwrap(),
        () = stirring => unreachable!("it has no end"),
        () = tokio::time::sleep(crate::harness::PATIENCE) => panic!("nothing comes: {}", world.ok(&["list"])),
    }
    assert!(seen.iter().filter(|(_, to)| *to == Some(ProcessState::Running)).count() >= 2, "{seen:?}");
    assert_ne!(old, world.monitor_pid());
}

#[tokio::test]
async fn ask_from_afar() {
    let world = World::started();
    world.ok(&["config", "set", "remoteAccess.tls", r#"{"enabled":true}"#]);
    let shown = || world.monitor_status()["apiFingerprint"].as_str().map(str::to_owned);
    eventually("it has a certificate", || shown().is_some());
    let pinned = Trust::Fingerprint(shown().unwrap().parse().unwrap());
    let other = Trust::Fingerprint(format!("sha256:{}", "0".repeat(64)).parse().unwrap());
    let right = world.ok(&["token", "create", "--scope", "read"]).trim().to_owned();
    let asked = async |trust: Trust, token: &str| {
        let url = format!("https://127.0.0.1:{}", world.api_port()).parse().unwrap();
        remote::ask(url, trust, Token::new(token).unwrap()).await
    };
    assert_eq!(asked(pinned.clone(), &right).await.unwrap(), "default is running with 0 processes");
    // Though this socket's owner is trusted: who shows a token counts as its holder, and nobody holds that one.
    let error = asked(pinned, "tpm_unknown").await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    for trust in [other, Trust::System] {
        let error = asked(trust, &right).await.unwrap_err();
        assert!(matches!(error, Error::Untrusted { .. }), "{error}");
    }
}

#[tokio::test]
async fn what_is_changed_and_waited_for_is_answered() {
    let world = World::started();
    let (client, web) = (client(&world).await, ProcessId::new("web").unwrap());
    register::register(&client, &web, &words(&["sleep", "100000"])).await.unwrap();
    let patch = serde_json::Map::from_iter([("args".to_owned(), serde_json::json!(["0.2"]))]);
    let (_, changed) = client.update(&web, patch).await.unwrap();
    assert_eq!(
        (changed.restart_needed, changed.restart_fields.as_slice()),
        (Some(true), &["args".to_owned()][..])
    );
    let soon = Waiting { wait: Wait::Exit, within: Some(Duration::from_millis(1)) };
    assert!(client.act(&web, Verb::Start, soon).await.unwrap().timed_out);
    let exit = Waiting { wait: Wait::Exit, within: None };
    let ended = client.act(&web, Verb::Restart, exit).await.unwrap();
    assert_eq!(ended.last_exit.unwrap().code, Some(0));
}
