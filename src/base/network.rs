//! Networks of callers: addresses that share one set of limits.

use std::net::IpAddr;

/// The network of a caller: an IPv4 address, or the first 64 bits of an IPv6 address, which is the
/// part that one customer is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network([u8; 9]);

impl Network {
    /// A caller in the same process.
    pub const LOCAL: Self = Self([0; 9]);
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let mut network = [0; 9];
        match address.to_canonical() {
            IpAddr::V4(address) => network[..4].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => {
                network[..8].copy_from_slice(&address.octets()[..8]);
                network[8] = 6;
            }
        }
        Self(network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_ipv6_addresses_count_as_one() {
        let network = |address: &str| Network::from(address.parse::<IpAddr>().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::2"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("c000:201::"));
    }
}
