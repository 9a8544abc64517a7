//! Where to look, in which order.

use crate::Error;
use ipnet::{IpNet, Ipv4Net};
use process_monitor_host::listen;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most addresses that are looked at in one network.
const LARGEST: u32 = 16;

/// How far to look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scope {
    /// At this machine's loopback addresses.
    Localhost,
    /// Also at its other addresses.
    OwnAddresses,
    /// Also in the /24 networks of its IPv4 addresses.
    #[default]
    Subnets,
    /// Nowhere but in these networks; a network of one address is a host.
    Networks(Vec<IpNet>),
}

/// Addresses that are asked at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stage {
    /// For people.
    pub(super) name: String,
    pub(super) hosts: Vec<IpAddr>,
}

/// Where to look, nearest first; what is nearer is not asked again.
pub(super) fn stages(scope: &Scope) -> Result<Vec<Stage>, Error> {
    let own = match scope {
        Scope::OwnAddresses | Scope::Subnets => listen::own_addresses().map_err(|error| Error::Options {
            what: format!("cannot tell this machine's addresses: {error}"),
        })?,
        Scope::Localhost | Scope::Networks(_) => Vec::new(),
    };
    match scope {
        Scope::Networks(networks) => networks.iter().map(network).collect(),
        _ => Ok(around(&own, *scope == Scope::Subnets)),
    }
}

/// This machine, its `own` addresses, and with `subnets` their networks.
fn around(own: &[IpAddr], subnets: bool) -> Vec<Stage> {
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let own: Vec<_> = own.iter().copied().filter(|ip| !ip.is_loopback()).collect();
    let mut stages = vec![Stage { name: "this machine".to_owned(), hosts: loopback.to_vec() }];
    if !own.is_empty() {
        stages.push(Stage { name: format!("its own addresses ({})", listed(&own)), hosts: own.clone() });
    }
    let networks = if subnets { networks_of(&own) } else { Vec::new() };
    if !networks.is_empty() {
        let hosts = interleaved(&networks).into_iter().filter(|ip| !own.contains(ip)).collect();
        stages.push(Stage { name: format!("the networks {}", listed(&networks)), hosts });
    }
    stages
}

fn listed<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn networks_of(own: &[IpAddr]) -> Vec<Ipv4Net> {
    let mut networks = Vec::new();
    for ip in own {
        // 169.254.0.0/16 is what a machine gives itself where there is no network.
        let IpAddr::V4(ip) = ip else { continue };
        if let Ok(network) = Ipv4Net::new(*ip, 24).map(|network| network.trunc())
            && !ip.is_link_local()
            && !networks.contains(&network)
        {
            networks.push(network);
        }
    }
    networks
}

/// The hosts of all networks, one of each in turn: time may end before all are asked.
fn interleaved(networks: &[Ipv4Net]) -> Vec<IpAddr> {
    let mut hosts: Vec<_> = networks.iter().map(Ipv4Net::hosts).collect();
    let mut all = Vec::new();
    while !hosts.is_empty() {
        hosts.retain_mut(|hosts| match hosts.next() {
            Some(host) => {
                all.push(IpAddr::V4(host));
                true
            }
            None => false,
        });
    }
    all
}

fn network(network: &IpNet) -> Result<Stage, Error> {
    let bits = u32::from(network.max_prefix_len() - network.prefix_len());
    if bits > LARGEST {
        let what = format!("the network {network} is too large to look at every address; name a part of it");
        return Err(Error::Options { what });
    }
    Ok(Stage { name: network.to_string(), hosts: network.hosts().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn nearest_first_and_nobody_twice() {
        let own = ips(&["127.0.0.1", "192.168.1.7", "192.168.1.8", "10.1.2.3", "::1", "2001:db8::1"]);
        let stages = around(&own, true);
        let names: Vec<_> = stages.iter().map(|stage| stage.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "this machine",
                "its own addresses (192.168.1.7, 192.168.1.8, 10.1.2.3, 2001:db8::1)",
                "the networks 192.168.1.0/24, 10.1.2.0/24",
            ]
        );
        assert_eq!(stages[0].hosts, ips(&["127.0.0.1", "::1"]));
        assert_eq!(stages[2].hosts.len(), 254 * 2 - 3);
        assert_eq!(stages[2].hosts[..4], ips(&["192.168.1.1", "10.1.2.1", "192.168.1.2", "10.1.2.2"]));
    }

    #[test]
    fn no_further_than_asked() {
        let own = ips(&["10.1.2.3"]);
        assert_eq!(around(&own, false).len(), 2);
        assert_eq!(around(&[], true).len(), 1, "a machine without a network");
        assert_eq!(
            around(&ips(&["169.254.3.4"]), true).len(),
            2,
            "no network is around a link-local address"
        );
    }

    #[test]
    fn networks_by_name() {
        let scope = |text: &str| Scope::Networks(vec![text.parse().unwrap()]);
        assert_eq!(stages(&scope("127.0.0.1/32")).unwrap()[0].hosts, ips(&["127.0.0.1"]));
        assert_eq!(stages(&scope("10.0.0.0/30")).unwrap()[0].hosts, ips(&["10.0.0.1", "10.0.0.2"]));
        assert!(matches!(stages(&scope("10.0.0.0/8")), Err(Error::Options { .. })));
        assert!(matches!(stages(&scope("2001:db8::/64")), Err(Error::Options { .. })));
    }
}
