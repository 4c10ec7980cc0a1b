//! Throttling of failed authentication: counts failures per caller and refuses further tries for a
//! while.
//!
//! Invariant: memory use is fixed, whatever the number of callers. If two callers share an entry of
//! the table, the newer one replaces the other, so nobody is refused because of somebody else's
//! failures.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Number of entries of the table, and so of callers counted at the same time.
const PLACES: usize = 4096;

/// A limit of failures within a window of time.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Number of failures allowed within the window.
    pub failures: u32,
    /// Length of the window, which begins with the first failure.
    pub window: Duration,
}

/// Limit for wrong tokens, signatures and links from one address.
pub const PROOFS: Patience = Patience {
    failures: 20,
    window: Duration::from_mins(1),
};
/// Limit for wrong passwords or codes of one link from one address. Failures from other addresses
/// do not count, so somebody who has only the link cannot lock out its rightful user. The link
/// itself limits the total.
pub const PASSWORDS: Patience = Patience {
    failures: 10,
    window: Duration::from_mins(15),
};

/// Limit for codes by mail that one address may request for one link.
pub const CODES: Patience = Patience {
    failures: 5,
    window: Duration::from_hours(1),
};

/// Counts failures per caller.
#[derive(Debug)]
pub struct Throttle {
    patience: Patience,
    places: Vec<Mutex<Option<Failures>>>,
    hasher: RandomState,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    /// Hash of the caller.
    whose: u64,
    since: Instant,
    count: u32,
}

impl Throttle {
    /// Creates a throttle without failures.
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            places: (0..PLACES).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Counts a failure. Returns the seconds to wait as an error if there were too many.
    pub fn failed(&self, who: impl Hash) -> Result<(), u64> {
        let (whose, mut place) = self.place(who);
        let now = Instant::now();
        let failures = match self.current(*place, whose) {
            Some(failures) => Failures {
                count: failures.count.saturating_add(1),
                ..failures
            },
            None => Failures {
                whose,
                since: now,
                count: 1,
            },
        };
        *place = Some(failures);
        self.judge(failures, failures.count <= self.patience.failures)
    }

    /// Checks whether the caller may try. Returns the seconds to wait as an error if the limit is
    /// reached.
    pub fn may_try(&self, who: impl Hash) -> Result<(), u64> {
        let (whose, place) = self.place(who);
        match self.current(*place, whose) {
            Some(failures) => self.judge(failures, failures.count < self.patience.failures),
            None => Ok(()),
        }
    }

    /// How many failures count against somebody now.
    pub fn failures(&self, who: impl Hash) -> u32 {
        let (whose, place) = self.place(who);
        self.current(*place, whose).map_or(0, |failures| failures.count)
    }

    /// Forgets the failures of who has succeeded.
    pub fn succeeded(&self, who: impl Hash) {
        let (whose, mut place) = self.place(who);
        if place.is_some_and(|failures| failures.whose == whose) {
            *place = None;
        }
    }

    fn judge(&self, failures: Failures, is_fine: bool) -> Result<(), u64> {
        if is_fine {
            return Ok(());
        }
        let left = self.patience.window.saturating_sub(failures.since.elapsed());
        Err(left.as_secs().max(1))
    }

    /// The failures that still count.
    fn current(&self, failures: Option<Failures>, whose: u64) -> Option<Failures> {
        failures.filter(|failures| failures.whose == whose && failures.since.elapsed() < self.patience.window)
    }

    fn place(&self, who: impl Hash) -> (u64, MutexGuard<'_, Option<Failures>>) {
        let hash = self.hasher.hash_one(who);
        let index = usize::try_from(hash % PLACES as u64).expect("it is smaller than the table");
        let place = self.places[index].lock().unwrap_or_else(PoisonError::into_inner);
        (hash, place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failures_are_refused_past_the_limit_until_the_window_ends() {
        for patience in [PROOFS, PASSWORDS, CODES] {
            let throttle = Throttle::new(patience);
            let (bad, other) = ("192.0.2.1", "198.51.100.7");
            for _ in 0..patience.failures {
                assert_eq!(throttle.may_try(bad), Ok(()));
                assert_eq!(throttle.failed(bad), Ok(()));
            }
            assert_eq!(throttle.may_try(bad), Err(patience.window.as_secs()));
            assert_eq!(throttle.failed(bad), Err(patience.window.as_secs()));
            assert_eq!((throttle.may_try(other), throttle.failed(other)), (Ok(()), Ok(())));
            tokio::time::advance(patience.window).await;
            assert_eq!((throttle.may_try(bad), throttle.failed(bad)), (Ok(()), Ok(())));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_takes_back_the_failures_before_it() {
        let throttle = Throttle::new(PASSWORDS);
        for _ in 0..PASSWORDS.failures {
            throttle.failed("a").unwrap();
        }
        throttle.succeeded("a");
        assert_eq!(throttle.may_try("a"), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_refused_for_what_others_did() {
        let throttle = Throttle::new(PROOFS);
        for caller in 0..PLACES * 4 {
            assert_eq!(throttle.failed(caller), Ok(()), "{caller}");
        }
    }
}
