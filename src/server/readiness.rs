//! Whether anything can be stored, asked seldom enough that asking costs nothing.
//!
//! Invariant: however many ask, and whoever they are, at most one trial runs at a time and at
//! most one begins a second.

use crate::host::Host;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long an answer is good.
pub const GOOD_FOR: Duration = Duration::from_secs(1);
/// Longest time for a trial; a disk that takes longer is one that does not answer.
const TRIAL_TIME_MAX: Duration = Duration::from_secs(5);

/// The last trial.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<(Instant, bool)>>);

impl Readiness {
    /// Whether something could be stored a moment ago.
    pub async fn can_store(&self, host: &Host) -> bool {
        let mut last = self.0.lock().await;
        if let Some((at, could)) = *last
            && at.elapsed() < GOOD_FOR
        {
            return could;
        }
        let could = match tokio::time::timeout(TRIAL_TIME_MAX, host.try_to_store()).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::error!(%error, "nothing can be stored");
                false
            }
            Err(_) => {
                tracing::error!("nothing can be stored: the disk does not answer");
                false
            }
        };
        *last = Some((Instant::now(), could));
        could
    }
}
