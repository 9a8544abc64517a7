//! Registers a program, starts it, and waits until it is ready:
//! `cargo run --example register -- DIRECTORY ID COMMAND [ARGUMENTS…]`

use process_monitor_client::api::Wait;
use process_monitor_client::{Client, ConnectOptions, Error};
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{ProcessEntry, ProcessState};

/// Registers a program unless it is there already, and returns the state that it reached.
pub async fn register(client: &Client, id: &ProcessId, command: &[String]) -> Result<ProcessState, Error> {
    let (program, arguments) = command.split_first().ok_or(Error::Options { what: "no command".into() })?;
    let mut entry = ProcessEntry::new(id.clone(), program.as_str());
    entry.args = arguments.to_vec();
    match client.register(entry).await {
        // Somebody registered it before: that one is started.
        Ok(_) | Err(Error::AlreadyExists { .. }) => {}
        Err(error) => return Err(error),
    }
    client.start(id, Wait::Ready).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [directory, id, command @ ..] = words.as_slice() else {
        return Err("usage: register DIRECTORY ID COMMAND [ARGUMENTS…]".into());
    };
    let client = Client::connect(ConnectOptions::directory(directory)).await?;
    match register(&client, &ProcessId::new(id)?, command).await {
        Ok(state) => println!("{id} is {state}"),
        Err(error) => eprintln!("{error}\n{}", error.advice("process_monitor")),
    }
    Ok(())
}
