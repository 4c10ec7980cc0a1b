//! Detects the loss of acknowledged transactions, and records that somebody accepted it.
//!
//! Invariant: after a loss, nothing is written to the store until somebody accepts the loss. The
//! first transaction after that records it.

use super::Opening;
use super::columns::{damaged, time};
use super::last::{Last, noted};
use super::layout::{beside, store_error};
use super::read::{Read, column, number, rows};
use super::wal::has_damaged_transaction;
use crate::store::model::StoreError;
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};

/// Acknowledged transactions that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loss {
    /// Number of the last acknowledged transaction, as far as is known; the true number may be
    /// higher.
    acknowledged: u64,
    /// Number of the last transaction in the database.
    found: u64,
}

impl Loss {
    /// Describes the loss, without a remedy.
    pub fn in_words(self, path: &Path) -> String {
        let count = self.acknowledged - self.found;
        let (changes, are) = match count {
            1 => ("transaction", "is"),
            _ => ("transactions", "are"),
        };
        format!(
            "at least {count} acknowledged {changes} {are} missing from {}, because it or the log beside it was damaged or \
             replaced",
            path.display()
        )
    }
}

/// Number of the last transaction in the database.
fn found(db: &Connection) -> Read<u64> {
    let sql = "SELECT number, intact FROM last_commit WHERE key = 1";
    let found = rows(db, sql, [], |row| number(row, 0))?.pop();
    found.ok_or_else(|| damaged("the number of the last transaction is missing"))
}

/// Evidence of loss that was found beside a database.
pub(super) struct Noted {
    acknowledged: Option<u64>,
    is_log_damaged: bool,
}

impl Noted {
    /// Reads the number and the log beside the database at `path`. Call this before reading the
    /// database, to which another process may write.
    pub fn beside(path: &Path) -> Read<Self> {
        let is_log_damaged = has_damaged_transaction(&beside(path, "-wal"));
        Ok(Self {
            is_log_damaged: is_log_damaged.map_err(|error| cannot_read(path, &error))?,
            ..Self::number_beside(path)?
        })
    }

    /// Reads only the number, because another process may be writing the log.
    pub fn number_beside(path: &Path) -> Read<Self> {
        Ok(Self {
            acknowledged: noted(path).map_err(|error| cannot_read(path, &error))?,
            is_log_damaged: false,
        })
    }

    /// The loss of the database, if there is one.
    pub fn loss(&self, db: &Connection) -> Read<Option<Loss>> {
        let found = found(db)?;
        let least = if self.is_log_damaged { found + 1 } else { found };
        let acknowledged = self.acknowledged.map_or(least, |noted| noted.max(least));
        Ok((acknowledged > found).then_some(Loss { acknowledged, found }))
    }
}

fn cannot_read(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Failed(format!("a file beside {} cannot be read: {error}", path.display()))
}

/// Refuses a database after a loss, or records that somebody accepted it.
pub(super) fn settle(db: &mut Connection, path: &Path, noted: &Noted, opening: Opening) -> Read<()> {
    let Some(loss) = noted.loss(db)? else {
        return Ok(());
    };
    let what = loss.in_words(path);
    let Some(accepted_at) = opening.loss_accepted_at else {
        return Err(damaged(format!(
            "{what}. Restore a backup, or go on without them with `gatefold serve --accept-loss`, which is recorded"
        )));
    };
    let kept = keep_log(path, loss)?;
    tracing::error!(%what, log = %kept.display(), "a loss was accepted; the damaged log is kept");
    let transaction = db.transaction().map_err(store_error)?;
    let (acknowledged, found) = (loss.acknowledged.cast_signed(), loss.found.cast_signed());
    transaction
        .execute(
            "INSERT INTO accepted_loss (at, acknowledged, found) VALUES (?1, ?2, ?3)",
            params![time(accepted_at), acknowledged, found],
        )
        .map_err(store_error)?;
    // continue after the lost transactions, so that no transaction number is used twice
    transaction
        .execute("UPDATE last_commit SET number = ?1 WHERE key = 1", [acknowledged])
        .map_err(store_error)?;
    transaction.commit().map_err(store_error)
}

/// Keeps a copy of the damaged log, from which data may still be rescued.
fn keep_log(path: &Path, loss: Loss) -> Read<PathBuf> {
    let log = beside(path, "-wal");
    let kept = beside(path, &format!("-wal.damaged-{}", loss.found));
    if log.exists() && !kept.exists() {
        std::fs::copy(&log, &kept)
            .map_err(|error| StoreError::Failed(format!("{} cannot be kept: {error}", log.display())))?;
    }
    Ok(kept)
}

/// Opens the noted number for writing, set to the number in the database.
pub(super) fn note(db: &Connection, path: &Path) -> Read<Last> {
    let noted = Last::open(path).map(|last| (last, found(db)));
    let cannot =
        |error: std::io::Error| StoreError::Failed(format!("the number of the last change cannot be noted: {error}"));
    let (last, found) = noted.map_err(cannot)?;
    last.note(found?).and_then(|()| last.sync()).map_err(cannot)?;
    Ok(last)
}

/// Descriptions of the losses that an administrator accepted with `--accept-loss`, oldest first.
pub(super) fn accepted(db: &Connection) -> Read<Vec<String>> {
    let sql = "SELECT at, acknowledged - found, intact FROM accepted_loss ORDER BY key";
    rows(db, sql, [], |row| {
        let (at, count): (String, i64) = (column(row, 0)?, column(row, 1)?);
        Ok(format!(
            "At {at} a start accepted the loss of at least {count} acknowledged transactions."
        ))
    })
}
