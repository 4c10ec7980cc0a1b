//! Copies of a database, made while another process may write to it.
//!
//! Invariant: a copy is one consistent state, private to its owner, complete without a log beside
//! it, and durable when it is there. The database that is copied stays as it is, in its layout.

use super::layout::{PRIVATE, open_reader, prepare, store_error};
use crate::store::model::StoreError;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::path::Path;

/// Copies the database at `from` into a new file at `to`.
///
/// # Errors
/// `from` cannot be read, or `to` exists or cannot be written.
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

/// Takes what stands in a log beside the database at `path` into the database, which needs none afterwards, and makes
/// it durable. Nobody else may have it open.
///
/// # Errors
/// The file is no database, or cannot be written.
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
