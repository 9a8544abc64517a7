//! Servers that answer as told. Each ends with its test.

use process_monitor_client::Url;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// What a monitor says of itself.
pub const STATUS: &str = r#"{"instanceId":"default","pid":4241,"startedAt":"2026-01-24T10:30:00.000Z","uptime":5,
    "state":"running","standaloneMode":false,"partnerInstanceId":null,"partnerPid":null,"managedProcessCount":0,
    "runningProcessCount":0,"version":"0.1.0","directory":null,"loggerPid":null}"#;

/// A server, and what it was asked.
pub struct Server {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<Vec<String>>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// One that answers the head of each request by `respond`: a whole answer, or nothing to close the connection.
    pub async fn start(respond: impl Fn(&[String]) -> String + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), None, respond)
    }

    /// The same with TLS.
    pub async fn secured(
        config: ServerConfig,
        respond: impl Fn(&[String]) -> String + Send + Sync + 'static,
    ) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), Some(acceptor), respond)
    }

    pub fn on(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        respond: impl Fn(&[String]) -> String + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (counted, noted, respond) = (Arc::clone(&connections), Arc::clone(&requests), Arc::new(respond));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let (noted, respond, tls) = (Arc::clone(&noted), Arc::clone(&respond), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => talk(stream, &noted, &*respond).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                talk(stream, &noted, &*respond).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, connections, requests, task }
    }

    pub fn url(&self) -> Url {
        format!("http://{}", self.address).parse().unwrap()
    }

    pub fn https(&self) -> Url {
        format!("https://localhost:{}", self.address.port()).parse().unwrap()
    }

    /// The heads of the requests so far.
    pub fn requests(&self) -> Vec<Vec<String>> {
        self.requests.lock().unwrap().clone()
    }

    /// The first lines of the requests so far.
    pub fn asked(&self) -> Vec<String> {
        self.requests().into_iter().map(|head| head[0].clone()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn talk<S>(
    stream: S,
    noted: &Mutex<Vec<Vec<String>>>,
    respond: &(dyn Fn(&[String]) -> String + Send + Sync),
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    while let Some(head) = next_head(&mut stream).await {
        noted.lock().unwrap().push(head.clone());
        let answer = respond(&head);
        if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if !answer.contains("content-length") {
            return;
        }
    }
}

async fn next_head<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => return Some(lines),
            line => lines.push(line.to_lowercase()),
        }
    }
}

/// A whole answer.
pub fn answer(status: &str, body: &str) -> String {
    answer_with(status, "", body)
}

/// A whole answer with more headers, each with its line end.
pub fn answer_with(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

/// Takes connections and says nothing.
pub async fn silent() -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut kept: Vec<TcpStream> = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    });
    (address, task)
}

/// An address at which nobody listens.
pub async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}
