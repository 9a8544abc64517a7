//! Finding monitors among other servers. Never looks anywhere but on loopback.

use crate::server::{STATUS, Server, answer, nobody, silent};
use process_monitor_client::discover::{self, DiscoverOptions, Scope};
use process_monitor_client::{Client, ConnectOptions, Error, Token};
use std::net::SocketAddr;
use std::time::Duration;

fn options(addresses: &[SocketAddr]) -> DiscoverOptions {
    DiscoverOptions {
        scope: Scope::Networks(vec!["127.0.0.1/32".parse().unwrap()]),
        ports: addresses.iter().map(SocketAddr::port).collect(),
        ..DiscoverOptions::default()
    }
}

async fn monitor() -> Server {
    Server::start(|head| match head[0].starts_with("get /monitor/status ") {
        true => answer("200 OK", STATUS),
        false => answer("200 OK", r#"{"processes":[]}"#),
    })
    .await
}

#[tokio::test]
async fn a_monitor_is_found_among_others() {
    let (page, monitor) = (Server::start(|_| answer("200 OK", "<html>")).await, monitor().await);
    let (mute, _mute) = silent().await;
    let options = options(&[page.address, mute, nobody().await, monitor.address]);
    let found = discover::first(&options).await.unwrap();
    assert_eq!((found.url, found.pid), (monitor.url(), 4241));
    assert_eq!((found.instance.as_str(), found.version.as_deref()), ("default", Some("0.1.0")));
}

#[tokio::test]
async fn nobody_is_shown_the_token_while_it_is_looked_for() {
    let (page, monitor) = (Server::start(|_| answer("200 OK", "{}")).await, monitor().await);
    let discover = options(&[page.address, monitor.address]);
    let token = Some(Token::new("tpm_verysecret").unwrap());
    let client =
        Client::connect(ConnectOptions { token, discover, ..ConnectOptions::default() }).await.unwrap();
    let shown = |server: &Server| format!("{:?}", server.requests()).contains("verysecret");
    assert!(!shown(&page) && !shown(&monitor));
    client.list().await.unwrap();
    assert!(shown(&monitor), "it is on this machine");
}

#[tokio::test]
async fn one_monitor_at_several_addresses_is_one() {
    let (one, same) = (monitor().await, monitor().await);
    let other = Server::start(|_| answer("200 OK", &STATUS.replace("4241", "77"))).await;
    let found = discover::all(&options(&[one.address, same.address, other.address])).await.unwrap();
    let mut pids: Vec<_> = found.iter().map(|found| found.pid).collect();
    pids.sort_unstable();
    assert_eq!(pids, [77, 4241]);
}

#[tokio::test]
async fn it_is_told_what_was_tried_and_who_answered() {
    let page = Server::start(|_| answer("200 OK", "<html>")).await;
    let refusal = r#"{"error":"this host may not read","code":"forbidden"}"#;
    let refusing = Server::start(|_| answer("403 Forbidden", refusal)).await;
    let error = discover::first(&options(&[page.address, refusing.address])).await.unwrap_err();
    let Error::DiscoveryFailed { tried, answers } = &error else { panic!("{error}") };
    assert!(tried.contains("127.0.0.1/32") && tried.contains(&page.address.port().to_string()), "{tried}");
    assert!(answers.iter().any(|answer| answer.contains("no process monitor")), "{answers:?}");
    assert!(answers.iter().any(|answer| answer.contains("this host may not read")), "{answers:?}");
    assert_eq!(error.code(), "discovery_failed");
}

#[tokio::test]
async fn it_ends_in_time_and_asks_no_more_at_once_than_allowed() {
    let (mute, _mute) = silent().await;
    let timeout = Duration::from_millis(300);
    let slow = DiscoverOptions { timeout, at_once: 1, ..options(&[mute, mute, mute]) };
    let error = discover::first(&slow).await.unwrap_err();
    assert!(
        matches!(&error, Error::DiscoveryFailed { tried, .. } if tried.contains("3 addresses not in time")),
        "{error}"
    );
}
