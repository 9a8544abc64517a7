//! The control socket: many at once, and nobody's trouble is another's.

#![allow(clippy::unwrap_used)] // helpers of tests

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use process_monitor_host::control::{ControlListener, connect};
use process_monitor_host::handover::Inherited;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Longer than anything that a system keeps for a reader.
const LONG: usize = 3 << 20;

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn listen(path: &Path) -> ControlListener {
    ControlListener::listen(path, &mut Inherited::default(), "control").unwrap()
}

/// Answers with the path that is asked for; with much at `/long`.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = match request.uri().path() {
        "/long" => Bytes::from(vec![b'x'; LONG]),
        path => Bytes::from(path.to_owned()),
    };
    Ok(Response::new(Full::new(body)))
}

async fn serve(listener: Arc<ControlListener>) {
    loop {
        let stream = listener.accept().await.unwrap();
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}

async fn ask(path: &Path, what: &str, requests: usize) -> Vec<Bytes> {
    let stream = connect(path).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for _ in 0..requests {
        let request =
            Request::builder().uri(what).header("host", "monitor").body(Empty::<Bytes>::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        answers.push(response.into_body().collect().await.unwrap().to_bytes());
    }
    answers
}

#[test]
fn many_clients_at_once_are_all_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    run(async {
        let listener = Arc::new(listen(&path));
        tokio::spawn(serve(listener));
        let mut clients = tokio::task::JoinSet::new();
        for number in 0..200 {
            let path = path.clone();
            clients.spawn(async move {
                let what = format!("/{number}");
                let answers = ask(&path, &what, 5).await;
                assert!(answers.len() == 5 && answers.iter().all(|answer| *answer == what.as_bytes()));
            });
        }
        while let Some(client) = clients.join_next().await {
            client.unwrap();
        }
    });
}

#[test]
fn a_long_answer_arrives_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    run(async {
        tokio::spawn(serve(Arc::new(listen(&path))));
        let answers = ask(&path, "/long", 2).await;
        assert!(answers.iter().all(|answer| answer.len() == LONG));
    });
}

#[test]
fn what_was_said_before_the_end_is_heard_and_then_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    run(async {
        let listener = listen(&path);
        let server = async {
            let mut stream = listener.accept().await.unwrap();
            let mut asked = [0; 3];
            stream.read_exact(&mut asked).await.unwrap();
            stream.write_all(b"yes").await.unwrap();
            stream.flush().await.unwrap();
        };
        let client = async {
            let mut stream = connect(&path).await.unwrap();
            stream.write_all(b"you").await.unwrap();
            stream.flush().await.unwrap();
            // The server has closed its end long ago when this is read.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).await.unwrap();
            heard
        };
        let ((), heard) = tokio::join!(server, client);
        assert_eq!(heard, b"yes");
    });
}

#[test]
fn who_goes_without_a_word_is_nobodys_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    run(async {
        let listener = Arc::new(listen(&path));
        // Also in the moment before anybody takes him in.
        drop(connect(&path).await.unwrap());
        tokio::spawn(serve(Arc::clone(&listener)));
        for _ in 0..20 {
            drop(connect(&path).await.unwrap());
        }
        assert_eq!(ask(&path, "/here", 1).await, ["/here"]);
    });
}

#[test]
fn an_accept_that_is_given_up_loses_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    run(async {
        let listener = listen(&path);
        let given_up = tokio::time::timeout(std::time::Duration::from_millis(20), listener.accept()).await;
        assert!(given_up.is_err());
        let (accepted, connected) = tokio::join!(listener.accept(), connect(&path));
        accepted.unwrap();
        connected.unwrap();
    });
}

#[test]
fn where_nobody_listens_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    run(async {
        assert_eq!(connect(&path).await.unwrap_err().kind(), ErrorKind::NotFound);
        // As a monitor leaves it that is killed.
        drop(listen(&path));
        assert_eq!(connect(&path).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let _next = listen(&path);
        connect(&path).await.unwrap();
        ControlListener::remove(&path).unwrap();
        assert_eq!(connect(&path).await.unwrap_err().kind(), ErrorKind::NotFound);
    });
}
