//! Exclusive locks on a database, against other processes and other stores in this process.
//!
//! Two files are locked: a lock file beside the database, which names the holder, and the database
//! itself, because the lock file can be removed. SQLite's own locks on ranges of the database use a
//! different mechanism.
//!
//! Invariant: this module opens the database before SQLite does and closes it after SQLite. The
//! operating system drops all of SQLite's locks as soon as the process closes any handle of the
//! file.

use super::layout::{beside, open_private};
use crate::store::model::StoreError;
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Databases that this process has open, by device and inode number.
static OPEN: Mutex<BTreeSet<FileNumber>> = Mutex::new(BTreeSet::new());

/// Device and inode number of a file, which do not depend on its name.
type FileNumber = (u64, u64);

/// The locks of one store. Dropping it releases them, as a crash does.
pub(super) struct Locks {
    number: Option<FileNumber>,
    _beside: File,
    _database: File,
}

impl Drop for Locks {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            open_here().remove(&number);
        }
    }
}

fn open_here() -> std::sync::MutexGuard<'static, BTreeSet<FileNumber>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Locks {
    /// Takes the locks of the store at `path` for this process, and creates the database if it does
    /// not exist.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let lock_path = beside(path, ".lock");
        let mut lock = open_private(&lock_path).map_err(|error| cannot_open(&lock_path, &error))?;
        if !try_lock(&lock, &lock_path)? {
            return Err(StoreError::Busy(held_by(&mut lock, path)));
        }
        let mut here = open_here();
        if number_of(path).is_some_and(|number| here.contains(&number)) {
            return Err(StoreError::Busy(in_use("this process", path)));
        }
        let database = open_private(path).map_err(|error| cannot_open(path, &error))?;
        if !lock_database(&database, path)? {
            return Err(StoreError::Busy(in_use("another process", path)));
        }
        let number = number_of(path);
        here.extend(number);
        drop(here);
        // The number is for people only; a disk too full for it must not keep the store closed.
        let _ = lock.set_len(0);
        let _ = write!(lock, "{}", std::process::id());
        Ok(Self {
            number,
            _beside: lock,
            _database: database,
        })
    }
}

/// Locks the database on Unix. On other systems a lock would block SQLite itself, and an open file
/// cannot be removed anyway.
fn lock_database(database: &File, path: &Path) -> Result<bool, StoreError> {
    if cfg!(unix) {
        return try_lock(database, path);
    }
    Ok(true)
}

fn try_lock(file: &File, path: &Path) -> Result<bool, StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(StoreError::Failed(format!("cannot lock {}: {error}", path.display()))),
    }
}

#[cfg(unix)]
fn number_of(path: &Path) -> Option<FileNumber> {
    use std::os::unix::fs::MetadataExt;
    let data = std::fs::metadata(path).ok()?;
    Some((data.dev(), data.ino()))
}

#[cfg(not(unix))]
fn number_of(_: &Path) -> Option<FileNumber> {
    None
}

fn cannot_open(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Failed(format!(
        "cannot open {}: {error}. Check that its folder exists and is writable",
        path.display()
    ))
}

fn held_by(lock: &mut File, path: &Path) -> String {
    let mut holder = String::new();
    let known = lock.rewind().and_then(|()| lock.read_to_string(&mut holder));
    match known {
        Ok(_) if !holder.is_empty() => in_use(&format!("process {holder}"), path),
        _ => in_use("another process", path),
    }
}

fn in_use(holder: &str, path: &Path) -> String {
    format!(
        "{holder} uses {}: stop it first, or use another data folder",
        path.display()
    )
}
