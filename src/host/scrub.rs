//! Background scrubbing: reads every stored row about once a day, so that damage is found before
//! the row is needed.
//!
//! Invariant: scrubbing continues where it stopped when the process ended, and reads a bounded
//! number of rows each second.

use super::{Host, HostError};
use crate::store::{Scrubbed, Write};
use std::sync::Arc;
use std::time::Duration;

/// Rows verified per batch.
pub const BATCH: usize = 256;
/// Pause between two batches.
const PAUSE: Duration = Duration::from_secs(1);
/// Number of batches after which the position is stored.
const STORED_EVERY: u32 = 60;
/// Pause after a complete pass, or after a failure.
const REST: Duration = Duration::from_hours(24);
/// Key under which the position is stored.
const SCOPE: &str = "scrub";
const KEY: &str = "position";

impl Host {
    /// Verifies rows until the host stops. Returns immediately if the store has no checksums.
    pub(super) async fn run_scrub(self: Arc<Self>) {
        let mut position = match self.parts().store.used_for(SCOPE, KEY).await {
            Ok(used) => used.map(|used| used.value),
            Err(_) => None,
        };
        let mut batches = 0;
        loop {
            let pause = match self.parts().store.scrub(position.as_deref(), BATCH).await {
                Ok(None) => return,
                Ok(Some(scrubbed)) => {
                    self.tell_of_damage(&scrubbed);
                    position = scrubbed.next;
                    if position.is_some() { PAUSE } else { REST }
                }
                Err(error) => {
                    tracing::error!(%error, "stored data could not be verified; this will be retried in a day");
                    REST
                }
            };
            batches += 1;
            let is_to_be_stored = batches % STORED_EVERY == 0 || pause == REST;
            if is_to_be_stored && let Err(error) = self.store_scrub_position(position.as_deref()).await {
                tracing::warn!(%error, "the progress of verifying stored data could not be saved");
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn tell_of_damage(&self, scrubbed: &Scrubbed) {
        self.metrics().rows_verified.add(scrubbed.rows as u64);
        self.metrics().rows_damaged.add(scrubbed.damage.len() as u64);
        for what in &scrubbed.damage {
            tracing::error!(
                what,
                "a stored row is damaged; `gatefold check` lists all damage, and a backup restores it"
            );
        }
    }

    async fn store_scrub_position(&self, position: Option<&str>) -> Result<(), HostError> {
        let mut writes = vec![Write::ForgetKey {
            scope: SCOPE.to_owned(),
            key: KEY.to_owned(),
        }];
        writes.extend(position.map(|position| Write::Once {
            scope: SCOPE.to_owned(),
            key: KEY.to_owned(),
            value: position.to_owned(),
            digest: None,
            until: None,
        }));
        self.commit_alone(writes).await
    }
}
