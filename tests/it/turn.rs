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
    give_up_after(LONGEST_WAIT, Location::caller());
    tokio::task::yield_now()
}

fn give_up_after(longest: Duration, place: &Location<'_>) {
    let began = BEGAN.get().unwrap_or_else(Instant::now);
    BEGAN.set(Some(began));
    assert!(
        began.elapsed() < longest,
        "{place} waits for something that did not come within {longest:?}"
    );
}

#[test]
#[should_panic(expected = "waits for something that did not come")]
fn a_wait_for_something_that_never_comes_fails() {
    loop {
        give_up_after(Duration::from_millis(1), Location::caller());
    }
}
