//! A flag that is set when the store has closed itself after a disk failure; can be awaited.
//!
//! Invariant: a store that has closed itself answers no more requests in this process. What is
//! durable is known only after it is opened again.

use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Set once, by the first thread that notices the disk failure.
#[derive(Default)]
pub(super) struct Closed {
    is_closed: AtomicBool,
    told: Notify,
}

impl Closed {
    /// Closes the store.
    pub fn close(&self, why: &str) {
        tracing::error!(why, "the store has closed itself; restart the process");
        self.is_closed.store(true, Ordering::Release);
        self.told.notify_waiters();
    }

    /// Whether the store has closed itself.
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Returns once the store has closed itself.
    pub async fn wait(&self) {
        // before the look, so that nothing is missed between both
        let told = self.told.notified();
        if !self.is_closed() {
            told.await;
        }
    }
}
