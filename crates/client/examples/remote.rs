//! Asks a monitor on another host, which is known by the fingerprint of its certificate, and shows it a token:
//! `cargo run --example remote -- https://HOST:5679 FINGERPRINT TOKEN_FILE`

use process_monitor_client::{Client, ConnectOptions, Error, Retry, Token, Trust, Url};
use std::path::Path;

/// Says how the monitor is.
pub async fn ask(url: Url, trust: Trust, token: Token) -> Result<String, Error> {
    // Without the last field: again after 2, 4, 8, 16 and 32 s, while it cannot be reached.
    let options =
        ConnectOptions { token: Some(token), trust, retry: Retry::never(), ..ConnectOptions::url(url) };
    let status = Client::connect(options).await?.monitor_status().await?;
    Ok(format!("{} is {} with {} processes", status.instance_id, status.state, status.managed_process_count))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, fingerprint, file] = words.as_slice() else {
        return Err("usage: remote URL FINGERPRINT TOKEN_FILE".into());
    };
    let (trust, token) = (Trust::Fingerprint(fingerprint.parse()?), Token::read(Path::new(file))?);
    println!("{}", ask(url.parse()?, trust, token).await?);
    Ok(())
}
