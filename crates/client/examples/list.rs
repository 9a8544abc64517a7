//! Shows every process of a monitor of this machine, whether it runs or not: `cargo run --example list -- DIRECTORY`

use process_monitor_client::{Client, ConnectOptions, Error, Source};

/// A line per process.
pub async fn list(client: &Client) -> Result<String, Error> {
    let (source, processes) = client.list().await?;
    let mut text = match source {
        Source::Monitor => String::new(),
        Source::File => "The monitor is not running; this is what was last known.\n".to_owned(),
    };
    for process in processes {
        text += &format!("{} {} {}\n", process.id, process.state, process.command.unwrap_or_default());
    }
    Ok(text)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).ok_or("usage: list DIRECTORY")?;
    let client = Client::connect(ConnectOptions::directory(directory)).await?;
    print!("{}", list(&client).await?);
    Ok(())
}
