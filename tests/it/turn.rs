//! Waiting in a test until something is so, without waiting for ever.

use std::cell::Cell;
use std::panic::Location;
use std::time::{Duration, Instant};

/// How long a test waits in all. The slowest takes a few seconds of it on a busy machine.
const LONGEST_WAIT: Duration = Duration::from_mins(3);

thread_local! {
    /// When the test on this thread waited first. Every test has a thread of its own.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Lets every other task go on once. A loop around it ends, at the latest, with a failure that names its line.
#[track_caller]
pub fn turn() -> impl Future<Output = ()> {
    let place = Location::caller();
    assert!(
        !is_overdue(LONGEST_WAIT),
        "{place} waits for something that did not come within {LONGEST_WAIT:?}"
    );
    tokio::task::yield_now()
}

/// Whether this test has waited for longer than `longest` since it waited first.
fn is_overdue(longest: Duration) -> bool {
    let began = BEGAN.get().unwrap_or_else(Instant::now);
    BEGAN.set(Some(began));
    began.elapsed() > longest
}

#[test]
fn a_wait_for_something_that_never_comes_ends() {
    assert!(!is_overdue(LONGEST_WAIT));
    while !is_overdue(Duration::from_millis(1)) {}
}
