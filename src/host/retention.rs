//! What need not be remembered any more is forgotten: at the start, and every hour.
//!
//! Journals, files and the access log are never forgotten. What protects against repetition is
//! remembered for longer than a repetition is accepted.

use super::{Host, HostError, events};
use crate::base::Timestamp;
use crate::store::blobs::Candidates;
use crate::store::{Outdated, Write};
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// For how long the same Idempotency-Key, or delivery id of a webhook, gives the run that it
/// started, in days.
pub const KEYS_DAYS: i64 = 90;
/// For how long an event that is done is remembered, so that one of the same id is not taken for
/// a new one, in days.
pub const EVENTS_DAYS: i64 = 90;
/// For how long a mail that was sent stays in the outbox table, in days since it was written.
pub const MAILS_DAYS: i64 = 90;
/// Records forgotten in one transaction, so that nobody waits for long.
pub const BATCH: usize = 500;
/// Pause between two times.
const PAUSE: Duration = Duration::from_hours(1);
/// Interval of full sweeps for unreferenced blobs.
const WHOLE_SWEEP: Duration = Duration::from_hours(24);

const _: () = assert!(
    EVENTS_DAYS > events::KEPT_DAYS,
    "an event that is kept is known by its id"
);

/// When a key that is used now may be forgotten.
pub(super) fn key_until(now: Timestamp) -> Timestamp {
    now.saturating_add(days(KEYS_DAYS)).unwrap_or(Timestamp::MAX)
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// What is outdated at `now`.
fn outdated(now: Timestamp) -> [Outdated; 4] {
    let ago = |count| now.saturating_sub(days(count)).unwrap_or(Timestamp::MIN);
    [
        Outdated::Kept { until: now, at: now },
        Outdated::Events { done: ago(EVENTS_DAYS) },
        Outdated::Mails {
            written: ago(MAILS_DAYS),
        },
        Outdated::UsedKeys { now },
    ]
}

impl Host {
    /// Forgets what is outdated until the host stops.
    pub(super) async fn run_retention(self: Arc<Self>) {
        loop {
            if let Err(error) = self.forget_outdated().await {
                tracing::error!(%error, "what is outdated could not be forgotten; it is tried again in an hour");
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Removes unreferenced blobs until the host stops.
    pub(super) async fn run_sweep(self: Arc<Self>) {
        let mut swept: Option<Instant> = None;
        loop {
            // how old a file is, the system clock says: one that is not believed makes uploads in progress look old
            let is_due = swept.is_none_or(|at| at.elapsed() >= WHOLE_SWEEP) && !self.is_time_held();
            let which = if is_due {
                Candidates::Everything
            } else {
                Candidates::Released
            };
            match self.sweep_blobs(which).await {
                Ok(()) if is_due => swept = Some(Instant::now()),
                Ok(()) => {}
                Err(error) => {
                    tracing::error!(%error, "unreferenced blobs could not be removed; this will be retried in an hour");
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn forget_outdated(&self) -> Result<(), HostError> {
        if self.is_time_held() {
            return Ok(());
        }
        let store = &self.parts().store;
        for what in outdated(self.now()) {
            let kept = match what {
                Outdated::Kept { .. } => store.kept_events().await?.count,
                _ => 0,
            };
            while !self.stop.is_cancelled() && store.has_outdated(what).await? {
                self.commit_alone(vec![Write::Forget { what, at_most: BATCH }]).await?;
            }
            if kept > 0 {
                let given_up = kept.saturating_sub(store.kept_events().await?.count);
                self.metrics().events_given_up.add(given_up as u64);
            }
        }
        Ok(())
    }
}
