//! Wrong tokens, counted by address and written to the access log once a minute. An unauthenticated
//! request never causes a commit of its own.

use super::Server;
use crate::audit::{AccessEntry, AccessKind, Origin};
use crate::host::HostError;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Maximum number of addresses that are counted separately; all others are counted together.
pub const ADDRESSES_MAX: usize = 256;
/// The actor of a request with a wrong token.
const UNKNOWN: &str = "unknown";

/// Counts of wrong tokens since the last write.
#[derive(Debug, Default)]
pub struct Refusals {
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    by_address: BTreeMap<IpAddr, u32>,
    others: u32,
}

impl Refusals {
    /// Counts a wrong token.
    pub fn count(&self, address: IpAddr) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = counted.by_address.contains_key(&address) || counted.by_address.len() < ADDRESSES_MAX;
        let times = if is_known {
            counted.by_address.entry(address).or_default()
        } else {
            &mut counted.others
        };
        *times = times.saturating_add(1);
    }

    /// Takes the counts by address. `None` stands for all addresses that were not counted
    /// separately.
    pub fn take(&self) -> Vec<(Option<IpAddr>, u32)> {
        let counted = std::mem::take(&mut *self.counted.lock().unwrap_or_else(PoisonError::into_inner));
        let mut all: Vec<_> = counted
            .by_address
            .into_iter()
            .map(|(address, times)| (Some(address), times))
            .collect();
        all.extend((counted.others > 0).then_some((None, counted.others)));
        all
    }
}

impl Server {
    /// Writes the counts since the last time to the access log.
    pub async fn log_refusals(&self) -> Result<(), HostError> {
        let now = self.host.now();
        let entry = |(address, times): (Option<IpAddr>, u32)| {
            let origin = Origin {
                from: Some(address.map_or_else(|| "other addresses".to_owned(), |address| address.to_string())),
                times: Some(times),
                ..Origin::default()
            };
            AccessEntry {
                refused: Some("the token is not valid".to_owned()),
                ..AccessEntry::of(AccessKind::Authenticate, UNKNOWN, origin, now)
            }
        };
        self.host
            .log(self.refusals.take().into_iter().map(entry).collect())
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(number: usize) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(number).unwrap()))
    }

    #[test]
    fn so_many_addresses_are_counted_apart_and_the_others_together() {
        let refusals = Refusals::default();
        for number in 0..ADDRESSES_MAX {
            refusals.count(address(number));
        }
        refusals.count(address(0));
        let taken = refusals.take();
        assert_eq!((taken.len(), taken[0]), (ADDRESSES_MAX, (Some(address(0)), 2)));
        for number in 0..=ADDRESSES_MAX {
            refusals.count(address(number));
        }
        let taken = refusals.take();
        assert_eq!((taken.len(), taken[ADDRESSES_MAX]), (ADDRESSES_MAX + 1, (None, 1)));
        assert_eq!(refusals.take(), []);
    }
}
