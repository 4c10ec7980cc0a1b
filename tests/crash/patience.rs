//! Waiting for another process, in real time.
//!
//! The one place where a test sleeps. The server is a process of its own: its clock cannot be
//! paused and nothing in this process wakes when it gets somewhere, so all there is is to look again,
//! for so long at most. No test depends on how long it takes, only on what is seen in the end.

use std::time::{Duration, Instant};

/// Pause between two looks.
const POLL: Duration = Duration::from_millis(10);

/// How long something may take before a test gives up.
pub struct Patience {
    begun: Instant,
    longest: Duration,
    what: String,
}

impl Patience {
    /// Begins now; `what` is told where it comes to its end.
    pub fn new(longest: Duration, what: impl Into<String>) -> Self {
        Self {
            begun: Instant::now(),
            longest,
            what: what.into(),
        }
    }

    /// Waits a moment before the next look.
    pub async fn pause(&self) {
        assert!(
            self.begun.elapsed() < self.longest,
            "{} in {:?}",
            self.what,
            self.longest
        );
        tokio::time::sleep(POLL).await;
    }

    /// Looks until there is something.
    pub async fn until<T>(&self, look: impl AsyncFn() -> Option<T>) -> T {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            self.pause().await;
        }
    }
}
