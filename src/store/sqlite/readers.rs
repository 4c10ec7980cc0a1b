//! A few connections that only read. Each statement sees every commit that was acknowledged
//! before it began.

use super::closed::Closed;
use super::layout::{failure, open_reader, store_error};
use crate::store::fault;
use crate::store::model::StoreError;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Reads at once.
const READERS: usize = 8;

/// The pool.
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    path: PathBuf,
    closed: Arc<Closed>,
}

/// One connection, given back when dropped.
struct Lease {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
    }
}

impl Readers {
    pub fn new(path: PathBuf, closed: Arc<Closed>) -> Self {
        Self {
            idle: Arc::default(),
            permits: Arc::new(Semaphore::new(READERS)),
            path,
            closed,
        }
    }

    /// Reads one thing by an index, on the caller's thread: it takes less time than handing it
    /// to another.
    pub async fn point<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let lease = self.lease().await?;
        let connection = lease.connection.as_ref().ok_or(StoreError::Closed)?;
        read(connection)
    }

    /// Reads something that may be long, on a thread that may block.
    pub async fn list<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let lease = self.lease().await?;
        let reading = tokio::task::spawn_blocking(move || {
            let connection = lease.connection.as_ref().ok_or(StoreError::Closed)?;
            read(connection)
        });
        reading
            .await
            .unwrap_or_else(|error| Err(StoreError::Failed(format!("a read broke off: {error}"))))
    }

    /// Closes the connections that nobody uses.
    pub fn close_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn lease(&self) -> Result<Lease, StoreError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        if self.closed.is_closed() {
            return Err(StoreError::Closed);
        }
        if fault::fails("store-read-fails") {
            return Err(store_error(failure(rusqlite::ffi::SQLITE_IOERR_READ)));
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        Ok(Lease {
            connection: Some(connection),
            idle: Arc::clone(&self.idle),
            _permit: permit,
        })
    }
}
