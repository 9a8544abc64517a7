//! `--status`

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::{console, render};

pub async fn run(context: &Context) -> Result<(), Failure> {
    let status = context.client.monitor_status().await?;
    match context.json {
        true => console::print_json(&status),
        false => console::print(&render::monitor_status(&status)),
    }
}
