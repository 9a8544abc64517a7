//! The client of one machine: with a server that answers as told, and on the registry file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use process_monitor_client::api::Wait;
use process_monitor_client::{Client, Error, Source};
use process_monitor_core::id::{InstanceId, ProcessId};
use process_monitor_core::model::{ProcessEntry, ProcessState};
use process_monitor_host::layout::Layout;
use process_monitor_host::lock::RegistryLock;
use std::fs;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

fn world() -> (TempDir, Client) {
    let directory = tempfile::tempdir().unwrap();
    let client = Client::local(directory.path(), InstanceId::default());
    (directory, client)
}

fn layout(client: &Client) -> &Layout {
    client.layout().unwrap()
}

fn id(text: &str) -> ProcessId {
    ProcessId::new(text).unwrap()
}

/// Answers each connection with the next of `answers`, byte for byte, and returns what was asked.
fn serve(client: &Client, answers: Vec<String>) -> JoinHandle<Vec<String>> {
    fs::create_dir_all(layout(client).state()).unwrap();
    let listener = UnixListener::bind(layout(client).control_socket()).unwrap();
    tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 64 << 10];
            let length = stream.read(&mut request).await.unwrap();
            let text = String::from_utf8_lossy(&request[..length]);
            asked.push(text.lines().next().unwrap_or_default().to_owned());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        asked
    })
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_command_goes_to_the_monitor_and_its_answer_comes_back() {
    let (_directory, client) = world();
    let server = serve(&client, vec![http("200 OK", r#"{"success":true,"state":"running"}"#)]);
    assert_eq!(client.start(&id("web"), Wait::Ready).await.unwrap(), ProcessState::Running);
    assert_eq!(server.await.unwrap(), ["POST /processes/web/start?wait=ready HTTP/1.1"]);
}

#[tokio::test]
async fn errors_are_typed_by_their_code() {
    let (_directory, client) = world();
    let disabled = r#"{"error":"no","code":"process_disabled","processId":"web"}"#;
    let failed = r#"{"error":"/x: permission denied","code":"start_failed","processId":"web"}"#;
    let later = r#"{"error":"of tomorrow","code":"code_of_tomorrow"}"#;
    let answers = [disabled, failed, later].map(|body| http("409 Conflict", body)).into();
    let _server = serve(&client, answers);
    let web = id("web");
    let start = async || client.start(&web, Wait::Ready).await.unwrap_err();
    assert!(matches!(start().await, Error::ProcessDisabled { .. }));
    assert!(matches!(start().await, Error::StartFailed { reason, .. } if reason == "/x: permission denied"));
    assert!(matches!(start().await, Error::Refused { message, .. } if message == "of tomorrow"));
}

#[tokio::test]
async fn an_unknown_process_is_looked_up_among_those_there_are() {
    let (_directory, client) = world();
    let missing = r#"{"error":"no","code":"process_not_found","processId":"wbe"}"#;
    let entry = ProcessEntry::new(id("web"), "/bin/true");
    let status = process_monitor_client::api::ProcessStatus::of_entry(&entry);
    let list = format!(r#"{{"processes":[{}]}}"#, serde_json::to_string(&status).unwrap());
    let _server = serve(&client, vec![http("404 Not Found", missing), http("200 OK", &list)]);
    let error = client.stop(&id("wbe")).await.unwrap_err();
    assert!(matches!(error, Error::ProcessNotFound { nearest: Some(nearest), .. } if nearest == id("web")));
}

#[tokio::test]
async fn what_is_not_the_api_is_a_protocol_error_and_a_cut_answer_is_an_interruption() {
    let (_directory, client) = world();
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned();
    let answers =
        vec![http("200 OK", "hello"), http("500 Oh", "<html>"), http("200 OK", "{}"), cut, String::new()];
    let _server = serve(&client, answers);
    assert!(matches!(client.list().await, Err(Error::Protocol { .. })));
    assert!(matches!(client.list().await, Err(Error::Protocol { .. })));
    assert!(
        matches!(client.stop(&id("web")).await, Err(Error::Protocol { .. })),
        "a success without its fields"
    );
    let stop = async || client.stop(&id("web")).await;
    assert!(matches!(stop().await, Err(Error::Interrupted { .. })));
    assert!(matches!(stop().await, Err(Error::Interrupted { .. })));
}

#[tokio::test]
async fn a_socket_that_nobody_serves_any_more_is_no_monitor() {
    let (_directory, client) = world();
    drop(serve(&client, vec![]).await.unwrap());
    assert!(layout(&client).control_socket().exists());
    assert!(matches!(client.monitor_status().await, Err(Error::NotRunning { .. })));
    assert!(matches!(client.start(&id("web"), Wait::Ready).await, Err(Error::NotRunning { .. })));
    assert_eq!(client.list().await.unwrap().0, Source::File);
}

#[tokio::test]
async fn the_file_is_changed_and_unknown_fields_survive() {
    let (_directory, client) = world();
    let text = r#"{"version":1,"instanceId":"default","ours":{"x":1},"processes":{
        "old":{"id":"old","name":"old","command":"/bin/true","theirs":[1]}}}"#;
    fs::write(layout(&client).registry(), text).unwrap();
    assert_eq!(client.register(ProcessEntry::new(id("web"), "/bin/true")).await.unwrap(), Source::File);
    client.disable(&id("old")).await.unwrap();
    let written: serde_json::Value =
        serde_json::from_slice(&fs::read(layout(&client).registry()).unwrap()).unwrap();
    assert_eq!(written["ours"]["x"], 1);
    assert_eq!(written["processes"]["old"]["theirs"][0], 1);
    assert_eq!(written["processes"]["old"]["enabled"], false);
    assert!(written["processes"]["web"]["registeredAt"].is_string() && written["lastModified"].is_string());
    assert!(!layout(&client).registry_lock().exists(), "the lock is released");
}

#[tokio::test]
async fn changes_wait_for_the_lock_and_none_is_lost() {
    let (_directory, client) = world();
    fs::create_dir_all(layout(&client).directory()).unwrap();
    let lock = RegistryLock::acquire(layout(&client), "test", Duration::from_secs(1)).unwrap();
    let changes: Vec<_> = (0..8)
        .map(|number| {
            let client = client.clone();
            let entry = ProcessEntry::new(id(&format!("p{number}")), "/bin/true");
            tokio::spawn(async move { client.register(entry).await })
        })
        .collect();
    drop(lock);
    for change in changes {
        change.await.unwrap().unwrap();
    }
    assert_eq!(client.list().await.unwrap().1.len(), 8);
}

#[tokio::test]
async fn the_registry_of_another_instance_is_refused_and_left_alone() {
    let (_directory, client) = world();
    let text = r#"{"version":1,"instanceId":"other","processes":{}}"#;
    fs::write(layout(&client).registry(), text).unwrap();
    let error = client.register(ProcessEntry::new(id("web"), "/bin/true")).await.unwrap_err();
    assert!(matches!(error, Error::Registry { .. }), "{error}");
    assert_eq!(fs::read_to_string(layout(&client).registry()).unwrap(), text);
}

#[tokio::test]
async fn a_monitor_that_dies_while_it_is_called_does_not_run() {
    let (_directory, client) = world();
    let socket = layout(&client).control_socket();
    fs::create_dir_all(layout(&client).state()).unwrap();
    let dying = tokio::task::spawn_blocking(move || {
        for _ in 0..2000 {
            drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
            fs::remove_file(&socket).unwrap();
        }
    });
    while !dying.is_finished() {
        match client.monitor_status().await.unwrap_err() {
            Error::NotRunning { .. } | Error::Interrupted { .. } => {}
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_question_to_a_dying_monitor_is_answered_by_the_file() {
    let (_directory, client) = world();
    client.register(ProcessEntry::new(id("web"), "/bin/true")).await.unwrap();
    // Takes the question, says nothing, and is gone.
    let _server = serve(&client, vec![String::new(), String::new()]);
    let (source, processes) = client.list().await.unwrap();
    assert_eq!((source, processes.len()), (Source::File, 1));
}

#[tokio::test]
async fn a_connection_to_the_socket_is_used_again() {
    let (_directory, client) = world();
    fs::create_dir_all(layout(&client).state()).unwrap();
    let listener = UnixListener::bind(layout(&client).control_socket()).unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 64 << 10];
        for _ in 0..3 {
            assert!(stream.read(&mut request).await.unwrap() > 0);
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"processes\":[]}";
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    for _ in 0..3 {
        assert_eq!(client.list().await.unwrap().0, Source::Monitor);
    }
    server.await.unwrap();
}
