//! The client address of a request, also behind a proxy.
//!
//! Invariant: `X-Forwarded-For` is used only if the connection comes from a trusted proxy, and then
//! only the part that trusted proxies wrote.

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The header to which each proxy appends its client's address.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Remote(pub IpAddr);

/// The client address of a request on a connection from `peer`: the rightmost address that is not a
/// trusted proxy.
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer.to_canonical();
    let written = headers.get_all(FORWARDED_FOR).iter();
    let written: Vec<&str> = written
        .flat_map(|line| line.to_str().unwrap_or_default().split(','))
        .collect();
    let mut hops = written.into_iter().rev();
    while is_trusted(client, trusted) {
        // a value that is not an address was not written by a trusted proxy
        let Some(hop) = hops.next().and_then(read) else { break };
        client = hop;
    }
    client
}

/// Whether an address belongs to a trusted proxy.
pub fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address.to_canonical()))
}

/// Parses an address as proxies write it, with or without a port.
fn read(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let address = hop.parse().ok();
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: IpAddr = address.or_else(with_port).or_else(in_brackets)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(peer: &str, lines: &[&str]) -> String {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"]
            .map(|network| network.parse().unwrap())
            .to_vec();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn the_header_counts_from_a_configured_proxy_alone() {
        assert_eq!(found("203.0.113.5", &["198.51.100.7"]), "203.0.113.5");
        assert_eq!(found("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(found("::ffff:10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(found("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_is_the_callers() {
        for (lines, expected) in [
            (&["1.1.1.1, 198.51.100.7"][..], "198.51.100.7"),
            (&["1.1.1.1, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            (&["1.1.1.1", "198.51.100.7,10.0.0.2 "], "198.51.100.7"),
            (&["198.51.100.7:4711"], "198.51.100.7"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["1.1.1.1, unknown"], "10.0.0.1"),
            (&["1.1.1.1, unknown, 10.0.0.2"], "10.0.0.2"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&[""], "10.0.0.1"),
        ] {
            assert_eq!(found("10.0.0.1", lines), expected, "{lines:?}");
        }
    }
}
