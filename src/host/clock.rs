//! What time it is.

use crate::base::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};

/// Tells the time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system's.
    System,
    /// Tokio's, counted from a moment; tests pause and advance it.
    Tokio {
        /// What time it was.
        origin: Timestamp,
        /// When that was by tokio's clock.
        start: tokio::time::Instant,
    },
    /// It stands still until whoever holds it sets it on: rehearsals do.
    Held(Arc<Mutex<Timestamp>>),
}

impl Clock {
    /// Tokio's clock, which shows `origin` now.
    pub fn tokio_from(origin: Timestamp) -> Self {
        Self::Tokio {
            origin,
            start: tokio::time::Instant::now(),
        }
    }

    /// Whether somebody may set it to another time meanwhile, as administrators do with the system's.
    pub const fn may_step(&self) -> bool {
        matches!(self, Self::System)
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Held(now) => *now.lock().unwrap_or_else(PoisonError::into_inner),
            Self::Tokio { origin, start } => {
                let elapsed =
                    jiff::SignedDuration::try_from(start.elapsed()).expect("a process does not live that long");
                origin.checked_add(elapsed).expect("a process does not live that long")
            }
        }
    }
}
