//! Copies a database while another process may write to it.
//!
//! Invariant: a copy is one consistent snapshot, readable by its owner only, complete without a log
//! beside it, and durable when the function returns. The original is not changed and keeps its
//! layout.

use super::layout::{PRIVATE, open_reader, prepare, store_error};
use crate::store::model::StoreError;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::path::Path;

/// Copies the database at `from` into a new file at `to`.
///
/// # Errors
/// If `from` cannot be read, or `to` exists or cannot be written.
pub fn copy_database(from: &Path, to: &Path) -> Result<(), StoreError> {
    let source = open_reader(from)?;
    create_private(to)?;
    let mut target = open_copy(to)?;
    {
        let backup = Backup::new(&source, &mut target).map_err(store_error)?;
        // All pages in one step hold one snapshot. A server that writes meanwhile is not kept waiting.
        match backup.step(-1).map_err(store_error)? {
            StepResult::Done => {}
            _ => return Err(StoreError::Busy(format!("{} is locked", from.display()))),
        }
    }
    drop(target);
    settle(to)
}

/// Moves the contents of the write-ahead log into the database at `path` and makes it durable, so
/// that it needs no log. Nobody else may have the database open.
///
/// # Errors
/// If the file is not a database, or cannot be written.
pub fn settle(path: &Path) -> Result<(), StoreError> {
    let copy = open_copy(path)?;
    copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
        .map_err(store_error)?;
    drop(copy);
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| StoreError::Failed(format!("{} cannot be made durable: {error}", path.display())))
}

fn open_copy(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(store_error)?;
    prepare(&connection)?;
    Ok(connection)
}

fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::Failed(format!(
            "{} cannot be made: {error}",
            path.display()
        ))),
    }
}
