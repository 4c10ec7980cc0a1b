//! A system clock and a steady clock that a test controls.

use gatefold::base::Timestamp;
use gatefold::host::Clock;
use gatefold::host::clock::Reading;
use jiff::SignedDuration;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Advances virtual time while background tasks run.
pub async fn virtual_time(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}

/// The two clocks of a machine.
pub struct SetClock(Arc<Mutex<Reading>>);

impl SetClock {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Reading {
            wall: Some("2026-11-23T09:00:00Z".parse().unwrap()),
            steady: Duration::ZERO,
        })))
    }

    /// The clock of a new process on this machine.
    pub fn clock(&self) -> Clock {
        Clock::set_by(Arc::clone(&self.0)).unwrap()
    }

    /// The time of the system clock.
    pub fn wall(&self) -> Timestamp {
        self.0.lock().unwrap().wall.unwrap()
    }

    /// Advances both clocks by the same time.
    pub fn pass(&self, time: SignedDuration) {
        self.jump(time);
        self.0.lock().unwrap().steady += time.unsigned_abs();
    }

    /// Somebody sets the system clock, forward or back.
    pub fn jump(&self, by: SignedDuration) {
        let mut reading = self.0.lock().unwrap();
        reading.wall = reading.wall.map(|wall| wall + by);
    }
}
