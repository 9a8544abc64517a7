//! `discover`

use super::args::Target;
use super::context::trust;
use super::failure::Failure;
use super::render::{Style, found_table};
use super::{console, value};
use clap::Args;
use process_monitor_client::discover::{self, DiscoverOptions, IpNet, PORTS, Scope};
use serde_json::json;
use std::net::IpAddr;
use std::time::Duration;

/// Arguments of `discover`.
#[derive(Debug, Args)]
pub struct DiscoverArgs {
    /// Look at this machine's loopback addresses only
    #[arg(long, conflicts_with = "network")]
    local: bool,
    /// Look in this network, or at this address, instead of in the /24 networks of this machine (may be repeated)
    #[arg(long, value_name = "ADDRESS[/BITS]", value_parser = network)]
    network: Vec<IpNet>,
    /// Look at this port, instead of at those that monitors have by default (may be repeated)
    #[arg(long, value_name = "PORT")]
    port: Vec<u16>,
    /// How long to look
    #[arg(long, value_name = "TIME", value_parser = value::duration, default_value = "5s")]
    timeout: Duration,
    /// End with the first that is found
    #[arg(long)]
    first: bool,
}

/// Needs no monitor, and so no directory either.
pub async fn run(target: &Target, args: DiscoverArgs) -> Result<(), Failure> {
    let first = args.first;
    let options = options(target, args);
    let found = match first {
        true => vec![discover::first(&options).await?],
        false => discover::all(&options).await?,
    };
    match target.json {
        true => console::print_json(&json!({ "monitors": found })),
        false => console::print(&found_table(&found, Style::for_stream(&std::io::stdout()))),
    }
}

fn options(target: &Target, args: DiscoverArgs) -> DiscoverOptions {
    let scope = match (args.local, args.network.is_empty()) {
        (true, _) => Scope::Localhost,
        (false, true) => Scope::Subnets,
        (false, false) => Scope::Networks(args.network),
    };
    let ports = if args.port.is_empty() { PORTS.to_vec() } else { args.port };
    let trust = trust(&target.remote);
    DiscoverOptions { scope, ports, timeout: args.timeout, trust, ..DiscoverOptions::default() }
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(IpNet::from).ok();
    address.or_else(|| text.parse().ok()).ok_or_else(|| {
        format!("{text:?} is no address or network; write it like 192.168.1.7 or 192.168.1.0/24")
    })
}
