//! Quarantine of damaged blobs: moves them out of the way, lists them, and reports them.

use super::{BlobError, Blobs, on_disk, sync_folder};
use crate::base::Timestamp;
use std::fs::{self, File};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Number of locks for changes to blobs. The hash of a blob selects its lock.
const LOCKS: usize = 64;

/// A blob in quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// SHA-256 of the original bytes, in hexadecimal.
    pub sha256: String,
    /// The path of the damaged bytes.
    pub path: PathBuf,
    /// Their length in bytes.
    pub size: u64,
    /// When the file was last modified.
    pub changed_at: Option<Timestamp>,
}

/// Damage that is not reported yet, and the locks for repairs.
#[derive(Debug)]
pub(super) struct Reports {
    found: Mutex<Vec<String>>,
    changed: Notify,
    locks: [Mutex<()>; LOCKS],
}

impl Default for Reports {
    fn default() -> Self {
        Self {
            found: Mutex::default(),
            changed: Notify::new(),
            locks: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl Reports {
    /// Locks a blob while it is stored or moved to quarantine, so that repaired bytes are never
    /// quarantined.
    pub(super) fn alone(&self, sha256: &str) -> MutexGuard<'_, ()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(sha256);
        let index = usize::try_from(hash % LOCKS as u64).unwrap_or_default();
        self.locks[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, sha256: &str) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if !found.iter().any(|one| one == sha256) {
            found.push(sha256.to_owned());
        }
        drop(found);
        self.changed.notify_one();
    }
}

impl Blobs {
    /// Waits until damaged blobs are found, and returns their hashes.
    pub async fn damage(&self) -> Vec<String> {
        loop {
            let changed = self.shared.damage.changed.notified();
            let found = std::mem::take(&mut *self.shared.damage.found.lock().unwrap_or_else(PoisonError::into_inner));
            if !found.is_empty() {
                return found;
            }
            changed.await;
        }
    }

    /// Lists the blobs in quarantine, sorted by path.
    pub async fn quarantined(&self) -> Result<Vec<Quarantined>, BlobError> {
        let folder = self.quarantine();
        on_disk(move || {
            let entries = match fs::read_dir(folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            };
            let mut found = Vec::new();
            for entry in entries {
                let entry = entry?;
                let metadata = entry.metadata()?;
                let name = entry.file_name().to_string_lossy().into_owned();
                found.push(Quarantined {
                    sha256: name.split('.').next().unwrap_or_default().to_owned(),
                    path: entry.path(),
                    size: metadata.len(),
                    changed_at: metadata.modified().ok().and_then(|at| Timestamp::try_from(at).ok()),
                });
            }
            found.sort_by(|one, other| one.path.cmp(&other.path));
            Ok(found)
        })
        .await
    }

    /// Whether a blob of this name exists; its bytes are not checked.
    pub fn has(&self, sha256: &str) -> bool {
        self.place(sha256).exists()
    }

    pub(super) fn is_quarantined(&self, sha256: &str) -> bool {
        self.quarantine().join(sha256).exists()
    }

    /// Handles wrong bytes found by a reader: moves the blob to quarantine unless it was replaced
    /// meanwhile, and returns the error for the reader.
    pub(super) fn damaged(&self, sha256: &str) -> BlobError {
        if self.is_read_only {
            return BlobError::Damaged(sha256.to_owned());
        }
        let _alone = self.shared.damage.alone(sha256);
        let now = File::open(self.place(sha256)).and_then(|mut file| super::hashed(&mut file));
        match now {
            Ok((found, _)) if found == sha256 => {
                tracing::error!(
                    sha256,
                    "a blob was read with wrong bytes, but a second read was right: check the disk"
                );
                self.shared.damage.add(sha256);
            }
            // another reader was faster
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            _ => self.put_aside(sha256),
        }
        BlobError::Damaged(sha256.to_owned())
    }

    /// Moves a damaged blob to quarantine and reports it. The caller must hold its lock.
    pub(super) fn put_aside(&self, sha256: &str) {
        match self.move_aside(sha256) {
            Ok(to) => {
                tracing::error!(sha256, to = %to.display(), "a damaged blob was moved to quarantine");
            }
            Err(error) => {
                tracing::error!(sha256, %error, "a damaged blob could not be moved to quarantine");
            }
        }
        self.shared.damage.add(sha256);
    }

    fn move_aside(&self, sha256: &str) -> io::Result<PathBuf> {
        let folder = self.quarantine();
        fs::create_dir_all(&folder)?;
        let mut numbers = 2_u32..;
        let mut to = folder.join(sha256);
        while to.exists() {
            to = folder.join(format!("{sha256}.{}", numbers.next().unwrap_or_default()));
        }
        fs::rename(self.place(sha256), &to)?;
        let _ = fs::remove_file(self.chunks_place(sha256));
        if self.synced {
            sync_folder(&folder)?;
        }
        Ok(to)
    }

    fn quarantine(&self) -> PathBuf {
        self.folder.join("quarantine")
    }
}
