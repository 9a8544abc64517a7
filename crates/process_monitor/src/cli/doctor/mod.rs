//! `doctor`: looks at everything that can be wrong, and says what to do about each.

mod checks;
mod finding;
mod log;
mod pair;

use super::console;
use super::context::Context;
use super::failure::{Code, Failure};
use clap::Args;
use finding::{Finding, Level, render};
use process_monitor_client::api::MonitorStatus;
use process_monitor_client::{Client, Error};
use process_monitor_host::layout::Layout;
use serde_json::json;
use std::time::{Duration, Instant};

/// How long a logger may take to be there before that is a finding.
const LOGGER_COMES_WITHIN: Duration = Duration::from_secs(2);

/// How long to wait before the monitor is asked again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {}

pub async fn run(context: &Context, _args: &DoctorArgs) -> Result<(), Failure> {
    let findings = examine(context, context.layout()?).await;
    let sick = findings.iter().any(|finding| finding.level == Level::Bad);
    if context.json {
        console::print_json(&json!({ "healthy": !sick, "checks": findings }))?;
    } else {
        console::print(&render(&findings, context.style))?;
    }
    if sick { Err(Failure::Silent(Code::Failed)) } else { Ok(()) }
}

/// What the monitor tells of itself, once its logger is there: it may have just been started, or just be started anew.
async fn settled_status(client: &Client) -> Result<MonitorStatus, Error> {
    let deadline = Instant::now() + LOGGER_COMES_WITHIN;
    loop {
        let status = client.monitor_status().await;
        let is_alone = status.as_ref().is_ok_and(|status| status.logger_pid.is_none());
        if !is_alone || Instant::now() >= deadline {
            return status;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn examine(context: &Context, layout: &Layout) -> Vec<Finding> {
    let program = context.invocation.as_str();
    let status = settled_status(&context.client).await;
    let running: Option<&MonitorStatus> = status.as_ref().ok();
    let registry = context.client.registry_file().await;
    let mut findings = Vec::from_iter(checks::system());
    findings.extend([checks::directory(layout), checks::private_folder(layout)]);
    findings.push(checks::monitor(layout, &status, program));
    findings.extend(running.map(checks::logger));
    findings.extend(running.map(checks::api));
    findings.push(pair::pair(layout, running, program));
    findings.push(checks::registry(layout, &registry, program));
    findings.push(checks::registry_lock(layout));
    findings.push(checks::descriptors(layout, running));
    findings.push(checks::kernel());
    findings.push(checks::space(layout));
    findings.push(checks::leftovers(layout, running.is_some(), registry.as_deref().ok(), program));
    findings.push(log::recent_trouble(layout));
    findings
}
