//! Events, and going on after a break.

use crate::server::{Server, answer};
use process_monitor_client::{Client, Error, Trust};
use std::sync::atomic::{AtomicUsize, Ordering};

fn event(id: &str) -> String {
    format!(
        "id: {id}\nevent: state\ndata: {{\"id\":\"{id}\",\"at\":\"2026-01-24T10:30:00.000Z\",\"kind\":\"state\",\"process\":\"web\",\
         \"from\":\"starting\",\"to\":\"running\",\"pid\":7,\"healthy\":null,\"message\":null}}\n\n"
    )
}

#[tokio::test]
async fn a_stream_goes_on_where_it_broke() {
    let times = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let id = format!("e-{}", times.fetch_add(1, Ordering::Relaxed));
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n: keeps it open\n\n{}", event(&id))
    })
    .await;
    let client = Client::remote(server.url(), None, &Trust::System).unwrap();
    let mut events = client.events(None).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().id, "e-0");
    assert_eq!(events.next().await.unwrap(), None);
    events.resume().await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().id, "e-1");
    assert_eq!(events.last(), Some("e-1"));
    let requests = server.requests();
    assert!(!requests[0].iter().any(|line| line.starts_with("last-event-id")));
    assert!(requests[1].contains(&"last-event-id: e-0".to_owned()), "{requests:?}");
}

#[tokio::test]
async fn a_refused_stream_is_a_typed_error() {
    let refusal = r#"{"error":"no","code":"unauthorized"}"#;
    let server = Server::start(|_| answer("401 Unauthorized", refusal)).await;
    let client = Client::remote(server.url(), None, &Trust::System).unwrap();
    assert!(matches!(client.events(None).await, Err(Error::Unauthorized { .. })));
}
