//! Copies the log into the database beside the writer, so that nobody waits for it.
//!
//! A checkpoint beside the writer never catches up with it, and the log is only begun anew when
//! all of it is copied. So the bulk is copied here and the small rest by the writer.
//!
//! Invariant: a checkpoint that failed on the disk closes the store. The system may take the
//! pages that were not written for clean, and the next checkpoint would pass over them.

use super::closed::Closed;
use super::layout::{open_copier, store_error};
use crate::store::model::StoreError;
use rusqlite::{Connection, ErrorCode};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

const IDLE: u8 = 0;
const COPYING: u8 = 1;
const COPIED: u8 = 2;

/// The thread that copies.
pub(super) struct Copier {
    // `None` only while dropping.
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    state: Arc<AtomicU8>,
}

impl Copier {
    pub fn start(path: &Path, closed: Arc<Closed>) -> Result<Self, StoreError> {
        let connection = open_copier(path)?;
        let state = Arc::new(AtomicU8::new(IDLE));
        let shown = Arc::clone(&state);
        let (wake, woken) = sync_channel::<()>(1);
        let thread = std::thread::Builder::new()
            .name("gatefold-copier".to_owned())
            .spawn(move || {
                while woken.recv().is_ok() {
                    copy(&connection, &closed);
                    shown.store(COPIED, Ordering::Release);
                }
            })
            .map_err(|error| StoreError::Failed(format!("cannot start a thread: {error}")))?;
        Ok(Self {
            wake: Some(wake),
            thread: Some(thread),
            state,
        })
    }

    /// Goes one step on with getting a long log copied; `writer` is the writer's connection.
    pub fn go_on(&self, writer: &Connection, closed: &Closed) {
        match self.state.load(Ordering::Acquire) {
            COPYING => {}
            COPIED => {
                copy(writer, closed);
                self.state.store(IDLE, Ordering::Release);
            }
            _ => {
                self.state.store(COPYING, Ordering::Release);
                if let Some(wake) = &self.wake {
                    // A thread that has ended leaves the log to the writer.
                    if wake.try_send(()).is_err() {
                        self.state.store(COPIED, Ordering::Release);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
impl Copier {
    /// Whether it is the writer's turn.
    pub fn has_copied(&self) -> bool {
        self.state.load(Ordering::Acquire) == COPIED
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// A disk without space is no reason to stop: the log stays and is copied later. A disk that
/// fails is one.
fn copy(connection: &Connection, closed: &Closed) {
    let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    match copied {
        Ok(()) => {}
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) => {
            closed.close(&format!("copying the log into the database failed: {error}"));
        }
        Err(error) => {
            let error = store_error(error);
            tracing::warn!(%error, "the log was not copied into the database; trying again later");
        }
    }
}
