//! Requests, tokens, errors, connections, and tries in virtual time.

use crate::server::{STATUS, Server, answer, answer_with, nobody};
use process_monitor_client::{Client, ConnectOptions, Error, Retry, Source, Token, Trust, Url};
use process_monitor_core::id::ProcessId;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Instant;

fn plain(url: Url) -> Client {
    Client::remote(url, None, &Trust::System).unwrap()
}

fn web() -> ProcessId {
    ProcessId::new("web").unwrap()
}

fn url_of(address: std::net::SocketAddr) -> Url {
    format!("http://{address}").parse().unwrap()
}

#[tokio::test]
async fn a_token_is_sent_with_every_request_and_shown_nowhere() {
    let server = Server::start(|_| answer("200 OK", r#"{"processes":[]}"#)).await;
    let token = Token::new("tpm_verysecret").unwrap();
    let client = Client::remote(server.url(), Some(&token), &Trust::System).unwrap();
    assert_eq!(client.list().await.unwrap().0, Source::Monitor);
    let head = server.requests().pop().unwrap();
    assert!(head.contains(&"authorization: bearer tpm_verysecret".to_owned()), "{head:?}");
    assert!(head.contains(&format!("host: {}", server.address)), "{head:?}");
    let options = ConnectOptions { token: Some(token), ..ConnectOptions::url(server.url()) };
    assert!(!format!("{client:?} {options:?}").contains("verysecret"));
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::start(|_| answer("200 OK", r#"{"processes":[]}"#)).await;
    let client = plain(server.url());
    for _ in 0..10 {
        client.list().await.unwrap();
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn refusals_are_typed() {
    let refusing = async |status: &'static str, code: &str| {
        let body = format!(r#"{{"error":"these are the words","code":"{code}"}}"#);
        let server = Server::start(move |_| answer_with(status, "retry-after: 7\r\n", &body)).await;
        let error = plain(server.url()).monitor_status().await.unwrap_err();
        assert!(error.to_string().contains("these are the words"), "{error}");
        (error.code(), error.advice("pm"), error)
    };
    let (code, advice, error) = refusing("401 Unauthorized", "unauthorized").await;
    assert!(matches!(error, Error::Unauthorized { .. }));
    assert!(code == "unauthorized" && advice.contains("token"), "{advice}");
    let (_, advice, error) = refusing("403 Forbidden", "forbidden").await;
    assert!(matches!(error, Error::PermissionDenied { by_monitor: true, .. }));
    assert!(advice.contains("token"), "{advice}");
    let (_, advice, error) = refusing("429 Too Many Requests", "rate_limited").await;
    assert!(matches!(error, Error::RateLimited { retry_after: Some(wait), .. } if wait.as_secs() == 7));
    assert_eq!(advice, "try again in 7 s");
}

#[tokio::test]
async fn what_is_no_monitor_and_who_is_not_there() {
    let server = Server::start(|_| answer("200 OK", "<html>")).await;
    assert!(matches!(plain(server.url()).list().await, Err(Error::Protocol { .. })));
    let server = Server::start(|_| String::new()).await;
    assert!(matches!(plain(server.url()).list().await, Err(Error::Interrupted { .. })));
    let error = plain(url_of(nobody().await)).list().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(error.advice("pm").contains("startRemoteAccess"));
}

#[tokio::test]
async fn the_file_of_a_monitor_elsewhere_is_out_of_reach() {
    let client = plain(url_of(nobody().await));
    assert!(client.layout().is_none());
    assert!(matches!(client.registry_file().await, Err(Error::Options { .. })));
}

#[tokio::test]
async fn contradictions_are_refused() {
    let url: Url = "http://127.0.0.1:1".parse().unwrap();
    let options = ConnectOptions { directory: Some("/tmp".into()), ..ConnectOptions::url(url) };
    assert!(matches!(Client::connect(options).await, Err(Error::Options { .. })));
}

async fn patient(url: Url) -> Client {
    Client::connect(ConnectOptions::url(url)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_monitor_is_tried_again_and_then_it_is_told() {
    let client = patient(url_of(nobody().await)).await;
    let begin = Instant::now();
    assert!(matches!(client.restart(&web(), Default::default()).await, Err(Error::Unreachable { .. })));
    assert_eq!(begin.elapsed().as_secs(), 62, "whatever is asked: it never left");
}

#[tokio::test(start_paused = true)]
async fn a_monitor_that_comes_back_answers_the_next_try() {
    let address = nobody().await;
    let coming = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(9)).await;
        Server::on(TcpListener::bind(address).await.unwrap(), None, |_| answer("200 OK", STATUS))
    });
    let begin = Instant::now();
    assert_eq!(patient(url_of(address)).await.monitor_status().await.unwrap().pid, 4241);
    assert_eq!(begin.elapsed().as_secs(), 14, "at 2, 6 and 14 s");
    drop(coming.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn only_what_may_be_done_twice_is_tried_again_after_a_break() {
    let server = Server::start(|_| String::new()).await;
    let retry = Retry::from(vec![Duration::from_secs(1); 2]);
    let client =
        Client::connect(ConnectOptions { retry, ..ConnectOptions::url(server.url()) }).await.unwrap();
    assert!(matches!(client.restart(&web(), Default::default()).await, Err(Error::Interrupted { .. })));
    assert_eq!(server.asked().len(), 1);
    assert!(matches!(client.start(&web(), Default::default()).await, Err(Error::Interrupted { .. })));
    assert_eq!(server.asked().len(), 1 + 3);
}
