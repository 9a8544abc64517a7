//! Tells what happens to processes, across restarts of the monitor: `cargo run --example follow -- DIRECTORY`

use process_monitor_client::api::ProcessEvent;
use process_monitor_client::{Client, ConnectOptions, Error};

/// Tells every event, in order and none twice, until `tell` has had enough and returns false.
pub async fn follow(client: &Client, mut tell: impl FnMut(ProcessEvent) -> bool) -> Result<(), Error> {
    let mut events = client.events(None).await?;
    loop {
        match events.next().await {
            Ok(Some(event)) => {
                if !tell(event) {
                    return Ok(());
                }
            }
            // The monitor ended or was killed: with the next one it goes on after the last event.
            Ok(None) | Err(Error::Interrupted { .. }) => events.resume().await?,
            Err(error) => return Err(error),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).ok_or("usage: follow DIRECTORY")?;
    let client = Client::connect(ConnectOptions::directory(directory)).await?;
    let tell = |event: ProcessEvent| {
        let process = event.process.map(|id| id.to_string()).unwrap_or_default();
        println!("{} {process} {} {}", event.at, event.kind.name(), event.message.unwrap_or_default());
        true
    };
    Ok(follow(&client, tell).await?)
}
