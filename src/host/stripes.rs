//! Locks for things that would otherwise race with themselves: one lock for many things, told
//! apart well enough by a hash of their name.

use std::hash::{DefaultHasher, Hash, Hasher};
use tokio::sync::{Mutex, MutexGuard};

/// Locks, each for many things.
const COUNT: usize = 64;

/// A fixed number of locks.
pub(super) struct Stripes([Mutex<()>; COUNT]);

impl Default for Stripes {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Stripes {
    /// Waits until nobody else is at `thing`. Never take a second one while holding the first.
    pub(super) async fn of(&self, thing: impl Hash) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        thing.hash(&mut hasher);
        let stripe = usize::try_from(hasher.finish() % COUNT as u64).expect("it is small");
        self.0[stripe].lock().await
    }
}
