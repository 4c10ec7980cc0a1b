//! Whether anything can still be stored: asked by doing it.

use super::files::blob_error;
use super::{Host, HostError};
use crate::base::Timestamp;
use crate::store::{CommitError, UnitOfWork, Write};

/// Bytes of the trial record: too many for a page that is half empty.
const TRIAL_BYTES: usize = 8 << 10;

impl Host {
    /// Stores a trial file and a trial record durably, the way everything is stored, and forgets both.
    ///
    /// # Errors
    /// Why nothing can be stored: no space, a disk that failed, a store that has closed itself.
    pub async fn try_to_store(&self) -> Result<(), HostError> {
        self.parts().blobs.try_to_store().await.map_err(blob_error)?;
        let (scope, key) = ("trial".to_owned(), "readiness".to_owned());
        let writes = vec![
            Write::ForgetKey {
                scope: scope.clone(),
                key: key.clone(),
            },
            Write::Once {
                scope,
                key,
                value: "x".repeat(TRIAL_BYTES),
                digest: None,
                until: Some(Timestamp::UNIX_EPOCH),
            },
        ];
        match self.parts().store.commit(UnitOfWork { run: None, writes }).await {
            Ok(()) | Err(CommitError::Conflict { .. } | CommitError::Duplicate { .. }) => Ok(()),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }
}
