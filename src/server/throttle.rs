//! Slows down who keeps failing to prove who they are, by remote address.
//!
//! Invariant: a fixed amount of memory, whatever the number of addresses. Two addresses may share
//! a place; so a right token is always let in, and only failures are refused early.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Places in the table.
const PLACES: usize = 4096;
/// Failures within the window that are answered as such.
pub const FAILURES_MAX: u32 = 20;
/// The window.
pub const WINDOW: Duration = Duration::from_mins(1);

/// Counts failures by address.
#[derive(Debug)]
pub struct Throttle {
    places: Vec<Mutex<Option<Failures>>>,
    hasher: RandomState,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    since: Instant,
    count: u32,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            places: (0..PLACES).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Throttle {
    /// Counts a failure. Seconds to wait where there were too many.
    pub fn failed(&self, address: IpAddr) -> Result<(), u64> {
        let now = Instant::now();
        let mut place = self.place(address).lock().unwrap_or_else(PoisonError::into_inner);
        let failures = match *place {
            Some(failures) if now.duration_since(failures.since) < WINDOW => Failures {
                count: failures.count.saturating_add(1),
                ..failures
            },
            _ => Failures { since: now, count: 1 },
        };
        *place = Some(failures);
        if failures.count <= FAILURES_MAX {
            return Ok(());
        }
        let left = WINDOW.saturating_sub(now.duration_since(failures.since));
        Err(left.as_secs().max(1))
    }

    fn place(&self, address: IpAddr) -> &Mutex<Option<Failures>> {
        let hash = self.hasher.hash_one(network(address));
        let index = usize::try_from(hash % PLACES as u64).expect("it is smaller than the table");
        &self.places[index]
    }
}

/// One IPv6 customer has 2^64 addresses; they count as one.
fn network(address: IpAddr) -> [u8; 8] {
    let mut network = [0; 8];
    match address.to_canonical() {
        IpAddr::V4(address) => network[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => network.copy_from_slice(&address.octets()[..8]),
    }
    network
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failures_are_refused_past_the_limit_until_the_window_ends() {
        let throttle = Throttle::default();
        let (bad, other) = ("192.0.2.1".parse().unwrap(), "198.51.100.7".parse().unwrap());
        for _ in 0..FAILURES_MAX {
            assert_eq!(throttle.failed(bad), Ok(()));
        }
        assert_eq!(throttle.failed(bad), Err(60));
        if !std::ptr::eq(throttle.place(bad), throttle.place(other)) {
            assert_eq!(throttle.failed(other), Ok(()));
        }
        tokio::time::advance(WINDOW).await;
        assert_eq!(throttle.failed(bad), Ok(()));
    }

    #[test]
    fn a_customers_ipv6_addresses_count_as_one() {
        assert_eq!(
            network("2001:db8:1:2::1".parse().unwrap()),
            network("2001:db8:1:2:ffff::2".parse().unwrap())
        );
        assert_eq!(
            network("::ffff:192.0.2.1".parse().unwrap()),
            network("192.0.2.1".parse().unwrap())
        );
    }
}
