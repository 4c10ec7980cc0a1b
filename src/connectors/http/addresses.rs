//! Which addresses may be reached: public ones, and networks that the installation allows.

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An address that may not be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} is not a public address and may not be called: the administrator can allow its network under \
     http.allow_networks"
)]
pub struct NotAllowed {
    /// The name or address as it was given.
    pub host: String,
}

/// Whether `address` may be reached: it is public, or in one of the `allowed` networks.
pub fn check(address: IpAddr, allowed: &[IpNet]) -> Result<(), NotAllowed> {
    let plain = address.to_canonical();
    if is_public(plain)
        || allowed
            .iter()
            .any(|network| network.contains(&plain) || network.contains(&address))
    {
        Ok(())
    } else {
        Err(NotAllowed {
            host: address.to_string(),
        })
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Everything but the special-purpose registry of RFC 6890 and its successors.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0 // this network
        || a == 127
        || address.is_private()
        || address.is_link_local() // the metadata services of clouds, too
        || (a == 100 && (64..128).contains(&b)) // shared by providers
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99) // 6to4 relays
        || (a == 198 && (b == 18 || b == 19)) // benchmarks
        || address.is_documentation()
        || a >= 224; // multicast, reserved, broadcast
    !special
}

/// Global unicast without its special parts. Ways to write an IPv4 address are judged by it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let [first, second, ..] = segments;
    let embedded = |high: u16, low: u16| is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return embedded(segments[6], segments[7]); // NAT64
    }
    if first == 0x2002 {
        return embedded(second, segments[2]); // 6to4
    }
    let is_special = match first {
        0x2001 => second < 0x0200 || second == 0x0db8, // Teredo, ORCHID, benchmarks; documentation
        0x3fff => second < 0x1000,                     // documentation
        _ => false,
    };
    first & 0xe000 == 0x2000 && !is_special
}

/// Resolves names and gives only addresses that may be reached. The connection goes to what this
/// returns, so there is no second look-up that could answer otherwise.
pub(super) struct GuardedResolver {
    allowed: std::sync::Arc<[IpNet]>,
}

impl GuardedResolver {
    pub(super) fn new(allowed: Vec<IpNet>) -> Self {
        Self {
            allowed: allowed.into(),
        }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = std::sync::Arc::clone(&self.allowed);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(reachable(name.as_str(), found, &allowed)?)
        })
    }
}

fn reachable(name: &str, mut found: Vec<SocketAddr>, allowed: &[IpNet]) -> Result<Addrs, NotAllowed> {
    found.retain(|address| check(address.ip(), allowed).is_ok());
    if found.is_empty() {
        return Err(NotAllowed { host: name.to_owned() });
    }
    Ok(Box::new(found.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(address: &str, networks: &[&str]) -> bool {
        let networks: Vec<IpNet> = networks.iter().map(|network| network.parse().unwrap()).collect();
        check(address.parse().unwrap(), &networks).is_ok()
    }

    #[test]
    fn public_addresses_are_fine() {
        for address in [
            "1.1.1.1",
            "93.184.215.14",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::1",
        ] {
            assert!(is_allowed(address, &[]), "{address}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "::a00:1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2001::1",
            "2001:db8::1",
            "2001:10::1",
            "3fff::1",
            "100::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!is_allowed(address, &[]), "{address}");
        }
    }

    #[test]
    fn a_network_can_be_allowed_and_nothing_beside_it() {
        let networks = ["10.1.0.0/16", "::1/128"];
        assert!(is_allowed("10.1.2.3", &networks));
        assert!(
            is_allowed("::ffff:10.1.2.3", &networks),
            "the same address, written otherwise"
        );
        assert!(is_allowed("::1", &networks));
        assert!(!is_allowed("10.2.0.1", &networks));
        assert!(!is_allowed("127.0.0.1", &networks));
    }

    #[test]
    fn of_a_name_with_several_addresses_only_the_public_ones_are_called() {
        let found: Vec<SocketAddr> = vec!["127.0.0.1:0".parse().unwrap(), "1.1.1.1:0".parse().unwrap()];
        let reached: Vec<SocketAddr> = reachable("two.example", found.clone(), &[]).unwrap().collect();
        assert_eq!(reached, ["1.1.1.1:0".parse().unwrap()]);
        let refused = reachable("rebound.example", found[..1].to_vec(), &[]).err();
        assert_eq!(
            refused,
            Some(NotAllowed {
                host: "rebound.example".into()
            }),
            "the address behind a name is not told"
        );
    }
}
