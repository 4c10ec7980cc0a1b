//! Durable timers: when which run wants to be woken.
//!
//! The store holds the truth (`RunRow::wakeup_at`); this queue is a copy of it in order of time.

use super::{Clock, Host};
use crate::base::Timestamp;
use crate::base::id::RunId;
use crate::store::StoreError;
use jiff::SignedDuration;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Longest sleep, so that a stepped clock is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// Longest sleep where the clock cannot step: as long as timers can run.
const AS_GOOD_AS_EVER: Duration = Duration::from_hours(24 * 365);
/// Pause before a run is taken up again that could not be seen through.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);
/// How often the store is asked for runs that nobody here knows of.
const SWEEP: Duration = Duration::from_mins(5);
/// Runs woken at once; the others follow as soon as these are done.
const WAKE_BATCH: usize = 256;

/// When which run wants to be woken.
#[derive(Debug, Default)]
pub struct TimerQueue {
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    in_order: BTreeSet<(Timestamp, RunId)>,
    by_run: HashMap<RunId, Timestamp>,
}

impl TimerQueue {
    /// The run wants to be woken then, or no longer.
    pub fn set(&self, run: &RunId, at: Option<Timestamp>) {
        let mut inner = self.lock();
        let before = at.is_some_and(|at| inner.in_order.first().is_none_or(|(first, _)| at < *first));
        if let Some(old) = inner.by_run.remove(run) {
            inner.in_order.remove(&(old, run.clone()));
        }
        if let Some(at) = at {
            inner.by_run.insert(run.clone(), at);
            inner.in_order.insert((at, run.clone()));
        }
        drop(inner);
        if before {
            self.changed.notify_one();
        }
    }

    /// The run is to be taken up again soon.
    pub fn set_again(&self, run: &RunId, now: Timestamp) {
        self.set(run, Some(now.checked_add(AGAIN).unwrap_or(Timestamp::MAX)));
    }

    /// Whether the run wants to be woken.
    pub fn has(&self, run: &RunId) -> bool {
        self.lock().by_run.contains_key(run)
    }

    /// Takes out every run that is due, at most `WAKE_BATCH`.
    fn due(&self, now: Timestamp) -> Vec<RunId> {
        let mut inner = self.lock();
        let mut due = Vec::new();
        while due.len() < WAKE_BATCH && inner.in_order.first().is_some_and(|(at, _)| *at <= now) {
            let (_, run) = inner.in_order.pop_first().expect("looked at just now");
            inner.by_run.remove(&run);
            due.push(run);
        }
        due
    }

    fn first(&self) -> Option<Timestamp> {
        self.lock().in_order.first().map(|(at, _)| *at)
    }

    /// Called when the next due time may have changed.
    pub(super) fn look_again(&self) {
        self.changed.notify_one();
    }

    /// Runs that wait for a moment.
    pub fn len(&self) -> usize {
        self.lock().by_run.len()
    }

    /// Whether no run waits for a moment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// How long to sleep until `at` by `clock`.
pub(super) fn pause(clock: &Clock, at: Option<Timestamp>) -> Duration {
    let longest = if clock.may_step() {
        LONGEST_SLEEP
    } else {
        AS_GOOD_AS_EVER
    };
    let Some(at) = at else { return longest };
    let wait = at.duration_since(clock.now());
    Duration::try_from(wait).unwrap_or(Duration::ZERO).min(longest)
}

impl Host {
    /// Wakes runs and ends shares when their time comes. Runs until the host stops.
    pub(super) async fn run_timers(self: Arc<Self>) {
        let mut swept = Instant::now();
        loop {
            if swept.elapsed() >= SWEEP {
                self.sweep().await;
                swept = Instant::now();
            }
            let next = if self.is_time_held() { None } else { self.do_due().await };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.timers.changed.notified() => {}
                () = self.shares_changed.notified() => {}
                () = tokio::time::sleep(pause(&self.parts().clock, next)) => {}
            }
        }
    }

    /// Wakes the runs and ends the shares that are due. Returns the next due time.
    async fn do_due(self: &Arc<Self>) -> Option<Timestamp> {
        let now = self.now();
        for run in self.timers.due(now) {
            let host = Arc::clone(self);
            self.spawn(async move { host.wake(run).await });
        }
        let share_expiry = self.end_due_shares(now).await;
        [self.timers.first(), share_expiry].into_iter().flatten().min()
    }

    async fn wake(self: Arc<Self>, run: RunId) {
        if let Err(error) = self.resume(&run).await {
            tracing::error!(%run, %error, "a run could not be woken");
        }
    }

    /// Looks in the store for runs that want something and that nobody here holds: whatever went
    /// wrong, no run waits for the next start.
    async fn sweep(self: &Arc<Self>) {
        let store = &self.parts().store;
        let found = async { Ok::<_, StoreError>((store.wakeups().await?, store.busy_runs().await?)) };
        let (wakeups, busy) = match found.await {
            Ok(found) => found,
            Err(error) => return tracing::error!(%error, "runs could not be looked for; it is tried again"),
        };
        for (at, run) in wakeups {
            if !self.timers.has(&run) {
                self.timers.set(&run, Some(at));
            }
        }
        for run in busy {
            if !self.timers.has(&run) && self.slots.is_idle(&run) {
                self.timers.set(&run, Some(self.now()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn runs_come_out_in_order_of_time_and_once() {
        let queue = TimerQueue::default();
        queue.set(&"run_b".into(), Some(at(20)));
        queue.set(&"run_a".into(), Some(at(10)));
        queue.set(&"run_c".into(), Some(at(30)));
        assert_eq!(queue.due(at(20)), vec![RunId::from("run_a"), RunId::from("run_b")]);
        assert_eq!(queue.due(at(20)), Vec::<RunId>::new());
        assert_eq!(queue.first(), Some(at(30)));
    }

    #[test]
    fn a_new_moment_replaces_the_old_one() {
        let queue = TimerQueue::default();
        queue.set(&"run_a".into(), Some(at(10)));
        queue.set(&"run_a".into(), Some(at(50)));
        assert_eq!(queue.due(at(49)), Vec::<RunId>::new());
        queue.set(&"run_a".into(), None);
        assert!(queue.is_empty());
    }

    #[test]
    fn nobody_sleeps_longer_than_a_clock_step_may_go_unnoticed() {
        let clock = Clock::system().unwrap();
        assert_eq!(pause(&clock, None), LONGEST_SLEEP);
        assert_eq!(pause(&clock, Some(Timestamp::MAX)), LONGEST_SLEEP);
        assert_eq!(pause(&clock, Some(at(0))), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_cannot_step_is_slept_on() {
        let clock = Clock::tokio_from(at(0));
        assert_eq!(pause(&clock, None), AS_GOOD_AS_EVER);
        assert_eq!(pause(&clock, Some(Timestamp::MAX)), AS_GOOD_AS_EVER);
        assert_eq!(pause(&clock, Some(at(100_000))), Duration::from_secs(100_000));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(pause(&clock, Some(at(2))), Duration::ZERO);
        assert_eq!(pause(&clock, Some(at(5))), Duration::from_secs(2));
    }
}
