//! Removes blobs to which nothing refers, such as refused or interrupted uploads.
//!
//! A sweep takes candidates, asks the store which of them a file version refers to, and removes the
//! others. Invariant: a blob is removed only if no upload has stored or found it since it became a
//! candidate, and no earlier upload of it may still commit. An upload that has not committed yet
//! therefore keeps its blob, even if the blob already existed. File versions are never deleted, so
//! a referenced blob stays referenced.

use super::{BlobError, Blobs, CHUNKS_ENDING, StoredBlob, on_disk};
use crate::base::id::hex;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// Time after which a blob of this process may be removed if nobody holds it and no commit is known
/// to refer to it.
pub const RELEASED_AFTER: Duration = Duration::from_hours(1);

/// Minimum age of an unreferenced blob in the folder before it may be removed. Long enough to
/// notice that an older copy of the database was put beside it.
pub const ORPHAN_AGE: Duration = Duration::from_hours(24 * 7);

/// The blobs that a sweep checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidates {
    /// Blobs that this process stored without a later commit, such as those of refused uploads.
    Released,
    /// Every blob in the folder that is older than [`ORPHAN_AGE`].
    Everything,
}

/// Tracks which blobs are held and which are candidates for removal.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Blobs that a commit of this process may refer to.
    leased: HashMap<String, Held>,
    /// Candidates that no upload has stored or found since they were marked.
    marked: HashSet<String>,
}

#[derive(Debug, Default)]
struct Held {
    holders: usize,
    released: Option<Instant>,
    /// Whether this process wrote it, and no commit is known to refer to it.
    is_new: bool,
}

/// Holds a blob, so that no sweep removes it.
#[derive(Debug)]
pub(super) struct Lease {
    shared: Arc<super::Shared>,
    sha256: String,
    is_kept: std::sync::atomic::AtomicBool,
}

impl Lease {
    pub(super) fn keep(&self) {
        self.is_kept.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let is_kept = self.is_kept.load(std::sync::atomic::Ordering::Relaxed);
        self.shared.leases.release(&self.sha256, is_kept);
    }
}

impl Leases {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, sha256: &str) {
        let mut inner = self.lock();
        inner.marked.remove(sha256);
        let held = inner.leased.entry(sha256.to_owned()).or_default();
        held.holders += 1;
        held.released = None;
    }

    fn release(&self, sha256: &str, is_kept: bool) {
        let mut inner = self.lock();
        let Some(held) = inner.leased.get_mut(sha256) else {
            return;
        };
        held.is_new &= !is_kept;
        held.holders = held.holders.saturating_sub(1);
        if held.holders > 0 {
            return;
        }
        held.released = Some(Instant::now());
        if is_kept {
            // the store knows of it, which is asked in any case
            inner.leased.remove(sha256);
        }
    }

    /// Notes that this process has just written a blob that was not there.
    pub(super) fn note_new(&self, sha256: &str) {
        if let Some(held) = self.lock().leased.get_mut(sha256) {
            held.is_new = true;
        }
    }

    /// Does `remove` where nobody holds the blob and no commit can refer to it. No upload finds it meanwhile.
    fn if_new(&self, sha256: &str, remove: impl FnOnce() -> io::Result<()>) -> io::Result<bool> {
        let mut inner = self.lock();
        let is_free = inner
            .leased
            .get(sha256)
            .is_some_and(|held| held.holders == 0 && held.is_new);
        if is_free {
            remove()?;
            inner.leased.remove(sha256);
        }
        Ok(is_free)
    }

    /// Makes candidates of those that were released long enough ago.
    fn take_released(&self) -> BTreeSet<String> {
        let mut inner = self.lock();
        let is_over = |held: &Held| held.released.is_some_and(|at| at.elapsed() >= RELEASED_AFTER);
        let over: BTreeSet<String> = inner
            .leased
            .extract_if(|_, held| is_over(held))
            .map(|(sha256, _)| sha256)
            .collect();
        inner.marked.extend(over.iter().cloned());
        over
    }

    /// Marks a blob as a candidate, unless it is held.
    fn mark(&self, sha256: &str) -> bool {
        let mut inner = self.lock();
        let is_free = !inner.leased.contains_key(sha256);
        if is_free {
            inner.marked.insert(sha256.to_owned());
        }
        is_free
    }

    /// Calls `remove` if the blob is still a candidate. No upload can find the blob during the
    /// call.
    fn if_marked(&self, sha256: &str, remove: impl FnOnce() -> io::Result<()>) -> io::Result<bool> {
        let mut inner = self.lock();
        if !inner.marked.remove(sha256) {
            return Ok(false);
        }
        remove().map(|()| true)
    }

    fn forget_marks(&self) {
        self.lock().marked.clear();
    }
}

impl Blobs {
    pub(super) fn lease(&self, sha256: &str) -> Lease {
        self.shared.leases.hold(sha256);
        Lease {
            shared: Arc::clone(&self.shared),
            sha256: sha256.to_owned(),
            is_kept: std::sync::atomic::AtomicBool::new(false),
        }
    }

    /// Removes a blob at once that was refused, if this process wrote it for that, nobody else holds it, and no commit
    /// refers to it. For the caller that knows that its own commit was never made.
    pub async fn discard(&self, blob: StoredBlob) -> Result<bool, BlobError> {
        let (blobs, sha256) = (self.clone(), blob.sha256.clone());
        drop(blob);
        on_disk(move || {
            let remove = || blobs.remove(&sha256);
            Ok(blobs.shared.leases.if_new(&sha256, remove)?)
        })
        .await
    }

    fn remove(&self, sha256: &str) -> io::Result<()> {
        let _ = fs::remove_file(self.chunks_place(sha256));
        fs::remove_file(self.place(sha256))
    }

    /// Blobs that nothing may refer to. The caller asks the store, and hands those that nothing refers
    /// to on to [`Blobs::remove_orphans`]. One sweep runs at a time.
    pub async fn candidates(&self, which: Candidates) -> Result<BTreeSet<String>, BlobError> {
        let blobs = self.clone();
        on_disk(move || {
            blobs.shared.leases.forget_marks();
            let mut found = blobs.shared.leases.take_released();
            if which == Candidates::Everything {
                for first in 0..=u8::MAX {
                    blobs.add_old(&hex(&[first]), &mut found)?;
                }
                remove_old_files(&blobs.incoming())?;
            }
            Ok(found)
        })
        .await
    }

    /// Removes those of `orphans` that are still candidates. Returns their number and their bytes.
    pub async fn remove_orphans(&self, orphans: BTreeSet<String>) -> Result<Removed, BlobError> {
        let blobs = self.clone();
        on_disk(move || {
            let mut removed = Removed::default();
            for sha256 in orphans {
                let place = blobs.place(&sha256);
                let size = fs::metadata(&place).map_or(0, |metadata| metadata.len());
                let remove = || blobs.remove(&sha256);
                match blobs.shared.leases.if_marked(&sha256, remove) {
                    Ok(true) => {
                        removed.blobs += 1;
                        removed.bytes += size;
                    }
                    Ok(false) => {}
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error.into()),
                }
            }
            blobs.shared.leases.forget_marks();
            Ok(removed)
        })
        .await
    }

    /// Adds the old blobs of one folder, and removes chunk lists without a blob.
    fn add_old(&self, first: &str, found: &mut BTreeSet<String>) -> io::Result<()> {
        for entry in entries(&self.folder.join(first))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !unless_gone(entry.metadata())?.is_some_and(|metadata| is_old(&metadata)) {
                continue;
            }
            match name.strip_suffix(CHUNKS_ENDING).and_then(|name| name.strip_suffix('.')) {
                Some(blob) if !entry.path().with_file_name(blob).exists() => {
                    unless_gone(fs::remove_file(entry.path()))?;
                }
                Some(_) => {}
                None => {
                    let sha256 = format!("{first}{name}");
                    if super::hash_of(&sha256).is_some() && self.shared.leases.mark(&sha256) {
                        found.insert(sha256);
                    }
                }
            }
        }
        Ok(())
    }
}

/// The result of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Number of removed blobs.
    pub blobs: u64,
    /// Their total size in bytes.
    pub bytes: u64,
}

/// `None` where the file is gone: uploads end and blobs are removed while a folder is listed.
fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes temporary files that are too old to belong to a running upload.
fn remove_old_files(folder: &Path) -> io::Result<()> {
    for entry in entries(folder)? {
        let entry = entry?;
        if unless_gone(entry.metadata())?.is_some_and(|metadata| is_old(&metadata)) {
            unless_gone(fs::remove_file(entry.path()))?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<fs::DirEntry>>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None.into_iter().flatten()),
        Err(error) => Err(error),
    }
}

/// Whether a file is at least [`ORPHAN_AGE`] old. A file dated in the future is not.
fn is_old(metadata: &fs::Metadata) -> bool {
    let age = metadata
        .modified()
        .ok()
        .and_then(|at| SystemTime::now().duration_since(at).ok());
    age.is_some_and(|age| age >= ORPHAN_AGE)
}
