//! The examples of the client crate, with a real monitor.

use crate::harness::{World, kill};
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
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", "sleep", "100000"]);
    let (mut seen, mut old) = (Vec::new(), None);
    let following = follow::follow(&client, |event| {
        seen.push((event.kind, event.to));
        match (event.to, old) {
            // The first life of the monitor ends with the first return of the program.
            (Some(ProcessState::Running), None) => {
                old = world.monitor_pid();
                world.kill_monitor();
                world.start();
                kill(world.pid_of("web").unwrap());
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
    let url = world.api().parse().unwrap();
    // Trusted for its socket's owner, so the token is not looked at, or refused for what it is.
    match remote::ask(url, Trust::System, Token::new("tpm_unknown").unwrap()).await {
        Ok(said) => assert_eq!(said, "default is running with 0 processes"),
        Err(error) => assert!(matches!(error, Error::Unauthorized { .. }), "{error}"),
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
