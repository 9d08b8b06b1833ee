//! Addresses: networks, what is public, and whose network an address lies in.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::IpNet;

use super::{Function, Lists};

/// `cidr_contains`, `is_public_ip`, `ip_class`, `subnet`, `has_networks` and `in_networks`.
pub(super) fn functions(lists: &Arc<Lists>) -> Vec<Function> {
    let networks = Arc::clone(lists);
    let known = Arc::clone(lists);
    let classes = Arc::clone(lists);
    let filled = Arc::clone(lists);
    vec![
        Function::predicate("cidr_contains", 2, |row| match row {
            [Some(network), Some(ip)] => {
                parse_network(network).zip(parse(ip)).is_some_and(|(network, ip)| network.contains(&ip))
            }
            _ => false,
        })
        .checked(|text| parse_network(text).is_some(), "that is no network; write it as 192.0.2.0/24"),
        Function::predicate("is_public_ip", 1, |row| row[0].and_then(parse).is_some_and(is_public)),
        Function::text("ip_class", 1, move |row| row[0].and_then(parse).map(|ip| class(&classes, ip).into())),
        Function::text("subnet", 1, |row| row[0].and_then(parse).and_then(subnet).map(|net| net.to_string().into())),
        Function::predicate("has_networks", 1, move |row| {
            row[0].and_then(|list| filled.networks.get(list)).is_some_and(|networks| !networks.is_empty())
        }),
        Function::predicate("in_networks", 2, move |row| match row {
            [Some(list), Some(ip)] => parse(ip).is_some_and(|ip| networks.has_address(list, ip)),
            _ => false,
        })
        .checked(move |name| known.networks.contains_key(name), "no list of networks of that name is configured"),
    ]
}

/// An address as logs write it: perhaps with a port, brackets or a zone; an IPv4-mapped one becomes IPv4.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let host = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        // one colon separates a port from IPv4; more belong to IPv6
        None => match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => host,
            _ => text,
        },
    };
    let host = host.split_once('%').map_or(host, |(host, _zone)| host);
    host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// A network in CIDR notation, or a single address.
pub(super) fn parse_network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(|ip| IpNet::from(ip.to_canonical())))
}

/// Networks as ranges of addresses, sorted and without overlap: a threat list has thousands, and every row asks.
pub(super) struct Networks(Vec<(IpAddr, IpAddr)>);

impl Networks {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        let merged = IpNet::aggregate(&networks.to_vec());
        let mut ranges: Vec<_> = merged.iter().map(|network| (network.network(), network.broadcast())).collect();
        ranges.sort_unstable();
        Self(ranges)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them has the address.
    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= ip);
        after.checked_sub(1).is_some_and(|index| ip <= self.0[index].1)
    }
}

/// The neighbourhood of an address, in which people and pods move: its /24, or for IPv6 its /64.
fn subnet(ip: IpAddr) -> Option<IpNet> {
    let bits = if ip.is_ipv4() { 24 } else { 64 };
    IpNet::new(ip, bits).ok().map(|network| network.trunc())
}

/// Whether the Internet can route it. Documentation ranges count as public, so that examples and tests can use them.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast()
                || ip.is_multicast()
                || is_carrier_grade_nat(ip))
        }
        IpAddr::V6(ip) => {
            !(ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_unique_local()
                || ip.is_unicast_link_local())
        }
    }
}

/// 100.64.0.0/10, RFC 6598.
fn is_carrier_grade_nat(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    first == 100 && second & 0b1100_0000 == 64
}

/// The first that fits: the user's lists, from the most to the least trusted, then the kind of address.
fn class(lists: &Lists, ip: IpAddr) -> &'static str {
    [
        ("trusted_networks", "trusted"),
        ("pod_networks", "pod"),
        ("node_networks", "node"),
        ("cluster_networks", "cluster"),
    ]
    .into_iter()
    .find(|(list, _)| lists.has_address(list, ip))
    .map_or_else(
        || match ip {
            ip if ip.is_loopback() => "loopback",
            ip if is_public(ip) => "public",
            _ => "private",
        },
        |(_, class)| class,
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn networks_are_found_among_many() {
        let parsed: Vec<IpNet> = ["203.0.113.0/28", "203.0.113.8/29", "192.0.2.7", "2001:db8::/48", "198.51.100.0/24"]
            .iter()
            .filter_map(|text| parse_network(text))
            .collect();
        let networks = Networks::new(&parsed);
        for inside in ["203.0.113.0", "203.0.113.15", "192.0.2.7", "2001:db8::1", "198.51.100.255"] {
            assert!(networks.contains(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["203.0.113.16", "203.0.112.255", "192.0.2.6", "192.0.2.8", "2001:db8:1::", "255.255.255.255"] {
            assert!(!networks.contains(outside.parse().unwrap()), "{outside}");
        }
        assert!(!Networks::new(&[]).contains("192.0.2.7".parse().unwrap()));
    }

    #[test]
    fn an_address_has_its_neighbourhood() {
        let of = |text: &str| parse(text).and_then(subnet).map(|net| net.to_string());
        assert_eq!(of("192.0.2.77").as_deref(), Some("192.0.2.0/24"));
        assert_eq!(of("[2001:db8:1:2:3::4]:6443").as_deref(), Some("2001:db8:1:2::/64"));
        assert_eq!(of("nowhere"), None);
    }

    #[test]
    fn an_address_is_read_with_port_brackets_zone_and_mapping() {
        for (text, expected) in [
            ("192.0.2.7", Some("192.0.2.7")),
            ("192.0.2.7:6443", Some("192.0.2.7")),
            ("[2001:db8::1]:6443", Some("2001:db8::1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("::ffff:10.0.0.1", Some("10.0.0.1")),
            (" 10.0.0.1 ", Some("10.0.0.1")),
            ("", None),
            ("node-1", None),
            ("10.0.0.1.evil", None),
            ("[::1", None),
        ] {
            assert_eq!(parse(text).map(|ip| ip.to_string()).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn only_routable_addresses_are_public() {
        for text in ["192.0.2.1", "198.51.100.1", "8.8.8.8", "2001:db8::1", "100.128.0.1", "172.32.0.1"] {
            assert!(is_public(parse(text).unwrap()), "{text}");
        }
        for text in [
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fd00::1",
            "fe80::1",
            "ff02::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_public(parse(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn the_class_is_the_most_trusted_network_that_fits() {
        let list = |entries: &[&str]| entries.iter().map(ToString::to_string).collect::<Vec<_>>();
        let lists = Lists::new(&BTreeMap::from([
            ("trusted_networks".to_owned(), list(&["198.51.100.0/24"])),
            ("pod_networks".to_owned(), list(&["10.244.0.0/16"])),
            ("node_networks".to_owned(), list(&["192.168.1.10"])),
            ("cluster_networks".to_owned(), list(&["10.0.0.0/8"])),
        ]))
        .unwrap();
        for (text, expected) in [
            ("198.51.100.9", "trusted"),
            ("10.244.3.4", "pod"),
            ("192.168.1.10", "node"),
            ("192.168.1.11", "private"),
            ("10.1.1.1", "cluster"),
            ("127.0.0.1", "loopback"),
            ("203.0.113.1", "public"),
        ] {
            assert_eq!(class(&lists, parse(text).unwrap()), expected, "{text}");
        }
    }
}
