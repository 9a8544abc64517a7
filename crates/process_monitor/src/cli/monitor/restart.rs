//! `--restart`: a fresh monitor, while what it manages runs on.

use crate::cli::console;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use serde_json::json;

pub async fn run(context: &Context) -> Result<(), Failure> {
    let status = context.client.restart_monitor().await?;
    match context.json {
        true => console::print_json(&json!({ "success": true, "pid": status.pid })),
        false => console::print(&format!(
            "The monitor was restarted and runs with pid {}; its processes ran on.\n",
            status.pid
        )),
    }
}
