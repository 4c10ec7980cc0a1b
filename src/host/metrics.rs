//! Counts of what happened since the process started.

use std::sync::atomic::{AtomicU64, Ordering};

/// One count, which only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts of what happened since the process started.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Runs started.
    pub runs_started: Counter,
    /// Runs ended.
    pub runs_ended: Counter,
    /// Steps that came to an outcome.
    pub steps_finished: Counter,
    /// Journal events made durable.
    pub events_journaled: Counter,
    /// Outside calls that succeeded.
    pub calls_done: Counter,
    /// Outside calls that failed.
    pub calls_failed: Counter,
    /// Incidents raised.
    pub incidents: Counter,
    /// Decisions recorded.
    pub decisions: Counter,
    /// Events delivered to a run or a trigger.
    pub events_delivered: Counter,
    /// Recurring moments that started no run: passed over, or refused.
    pub moments_passed_over: Counter,
    /// Events, ends and moments that should have started a run and could not.
    pub runs_not_started: Counter,
    /// Tries to deliver an event that failed.
    pub events_put_off: Counter,
    /// Events that were kept, as nobody waited for them yet.
    pub events_kept: Counter,
    /// Kept events that nobody waited for until their time was over, or there were too many.
    pub events_given_up: Counter,
    /// Stored rows that were verified in the background.
    pub rows_verified: Counter,
    /// Stored rows that were found damaged.
    pub rows_damaged: Counter,
    /// Mails that the mail server took.
    pub mails_sent: Counter,
    /// Mails that will not be sent, or may or may not have been.
    pub mails_failed: Counter,
    /// Blobs that were found damaged.
    pub blobs_damaged: Counter,
    /// Bytes uploaded.
    pub bytes_uploaded: Counter,
    /// Accesses to shares that were refused.
    pub accesses_refused: Counter,
}
