//! Opening the database: the layout and its migrations, the pragmas.

use super::columns::damaged;
use super::loss::{self, Noted};
use super::schema;
use super::sums;
use crate::base::Timestamp;
use crate::store::model::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Marks the file as ours; the letters `GtFd`.
const APPLICATION_ID: i64 = 0x4774_4664;

/// Every layout there was, by the statements that lead to it from the one before.
const MIGRATIONS: [&str; LAYOUT as usize] = [
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_documents.sql"),
    include_str!("migrations/0003_versions.sql"),
    include_str!("migrations/0004_recorded.sql"),
    include_str!("migrations/0005_shared_versions.sql"),
    include_str!("migrations/0006_checksums.sql"),
];

/// The layout that this build writes.
pub(super) const LAYOUT: u32 = 6;

/// The first layout whose rows have checksums and whose transactions are counted.
pub(super) const SEALED_SINCE: u32 = 6;

/// Mode of everything that the store holds: other people's papers are named in it.
#[cfg(unix)]
pub(super) const PRIVATE: u32 = 0o600;

/// Statements kept prepared per connection; more than there are.
const STATEMENTS_KEPT: usize = 128;

/// Longest wait for a lock inside SQLite. There is one writer, so nobody waits in practice.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens a file that its owner alone may read, and makes it where there is none. One that others
/// may read is taken from them.
pub(super) fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(PRIVATE))?;
        }
    }
    Ok(file)
}

/// Makes the files beside the database readable by their owner only. SQLite creates new ones with
/// the mode of the database.
fn make_private(path: &Path) -> std::io::Result<()> {
    for beside in ["-wal", "-shm"].map(|suffix| beside(path, suffix)) {
        if beside.exists() {
            open_private(&beside)?;
        }
    }
    Ok(())
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens the writing connection to the database at `path`, which must exist and be locked, and
/// migrates it to the layout of this build.
pub(super) fn open_writer(path: &Path, opening: Opening) -> Result<Connection, StoreError> {
    make_private(path).map_err(|error| {
        StoreError::Failed(format!(
            "cannot open {}: {error}. Check that its folder exists and is writable",
            path.display()
        ))
    })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, &error))?;
    prepare(&connection)?;
    // a damaged log is kept until somebody has accepted the loss
    set_checkpoint_on_close(&connection, false)?;
    let noted = Noted::beside(path)?;
    let found = found_layout(&connection, path)?;
    if found == 0 && opening.was_used {
        return Err(empty(path));
    }
    if found >= SEALED_SINCE {
        loss::settle(&mut connection, path, &noted, opening)?;
    }
    set_checkpoint_on_close(&connection, true)?;
    migrate(&mut connection, path, found)?;
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(store_error)?;
    if mode != "wal" {
        return Err(StoreError::Failed(format!(
            "{} lies on a file system without write-ahead logging (journal mode {mode}): use a local disk",
            path.display()
        )));
    }
    // FULL: a commit is acknowledged only when the log is synced. Checkpoints are started by the
    // writer, because those that SQLite starts by itself drop their errors.
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 0;")
        .map_err(store_error)?;
    begin_log_anew(&connection, path)?;
    sync_folder(path)?;
    Ok(connection)
}

/// Empties the write-ahead log, so that it contains no parts of interrupted transactions. If a
/// reader such as a backup is active, the log stays as it is; this function does not wait.
fn begin_log_anew(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    // SQLite refuses to copy a log that was never written
    if !has_log(path) {
        return Ok(());
    }
    connection.busy_timeout(Duration::ZERO).map_err(store_error)?;
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .map_err(store_error)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(store_error)
}

/// Options for opening a store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening {
    /// Whether the store was used before, so that a missing or empty database is a loss and not a
    /// new store.
    pub was_used: bool,
    /// When somebody accepted that acknowledged changes are lost: a database that has lost some is opened all the same,
    /// and that it was is recorded.
    pub loss_accepted_at: Option<Timestamp>,
}

/// Whether the last connection to close copies the log into the database and removes it.
fn set_checkpoint_on_close(connection: &Connection, is_on: bool) -> Result<(), StoreError> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !is_on)
        .map(drop)
        .map_err(store_error)
}

/// A database that was lost.
fn empty(path: &Path) -> StoreError {
    damaged(format!(
        "{} is missing or empty, although files were stored beside it. Restore a backup with `gatefold restore`, or \
         start with an empty data folder",
        path.display()
    ))
}

/// Refuses a missing or empty database of a used store, before a new one is created in its place.
pub(super) fn check_presence(path: &Path, opening: Opening) -> Result<(), StoreError> {
    let is_empty = std::fs::metadata(path).map_or(true, |data| data.len() == 0);
    if is_empty && (opening.was_used || has_log(path)) {
        return Err(empty(path));
    }
    Ok(())
}

/// Whether the write-ahead log of the database at `path` has content.
fn has_log(path: &Path) -> bool {
    std::fs::metadata(beside(path, "-wal")).is_ok_and(|data| data.len() > 0)
}

/// Opens a connection that copies the log into the database.
pub(super) fn open_copier(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, &error))?;
    prepare(&connection)?;
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;")
        .map_err(store_error)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, &error))?;
    prepare(&connection)?;
    Ok(connection)
}

pub(super) fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    sums::register(connection)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(store_error)
}

/// The layout of a database; 0 if it is empty. Refuses a layout that this build cannot read.
pub(super) fn found_layout(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let pragma = |name: &str| -> Result<i64, StoreError> {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .map_err(store_error)
    };
    let (id, found) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(store_error)?;
    let is_empty = id == 0 && found == 0 && tables == 0;
    if is_empty {
        return Ok(0);
    }
    if id != APPLICATION_ID {
        return Err(damaged(format!("{} is a database of another program", path.display())));
    }
    match u32::try_from(found) {
        Ok(found @ 1..=LAYOUT) => Ok(found),
        Ok(found) if found > LAYOUT => Err(StoreError::Newer { found, known: LAYOUT }),
        _ => Err(damaged(format!(
            "{} names layout {found}, which does not exist. A person or a disk has changed it: restore a backup",
            path.display()
        ))),
    }
}

fn migrate(connection: &mut Connection, path: &Path, found: u32) -> Result<(), StoreError> {
    if found == LAYOUT {
        return Ok(());
    }
    if found > 0 {
        schema::check(connection, path, found)?;
        tracing::warn!(
            found,
            wanted = LAYOUT,
            "the store is brought to a new layout, which an older build refuses: the way back is a backup made with \
             `gatefold backup` before this start"
        );
    }
    build(connection, found, LAYOUT)
}

/// Migrates a database from one layout to another, in one transaction: a crash leaves the old layout.
pub(super) fn build(connection: &mut Connection, from: u32, to: u32) -> Result<(), StoreError> {
    // tables are rebuilt while other tables refer to them
    connection
        .pragma_update(None, "foreign_keys", false)
        .map_err(store_error)?;
    let transaction = connection.transaction().map_err(store_error)?;
    for (layout, statements) in (1..=to).zip(MIGRATIONS).skip(from as usize) {
        transaction.execute_batch(statements).map_err(store_error)?;
        if layout >= SEALED_SINCE {
            sums::seal(&transaction)?;
        }
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(store_error)?;
    transaction
        .pragma_update(None, "user_version", to)
        .map_err(store_error)?;
    transaction.commit().map_err(store_error)
}

/// Makes the name of a new database durable.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| StoreError::Failed(format!("cannot sync {}: {error}", folder.display())))
}

fn cannot_open(path: &Path, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::CannotOpen) => StoreError::Disk(format!(
            "cannot open {}: does its folder exist, may it be written?",
            path.display()
        )),
        _ => StoreError::Failed(format!("cannot open {}: {}", path.display(), in_words(error))),
    }
}

/// What SQLite says of a disk that fails.
pub(super) fn failure(code: std::ffi::c_int) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)
}

/// An error of SQLite without statements, and without names of tables and columns.
fn in_words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(error, _) | rusqlite::Error::SqlInputError { error, .. } => {
            rusqlite::ffi::code_to_str(error.extended_code).to_owned()
        }
        _ => "the database returned an unexpected value".to_owned(),
    }
}

/// What an error of SQLite means to the caller.
#[expect(
    clippy::needless_pass_by_value,
    reason = "so that it can be given to `map_err` as it is"
)]
pub(super) fn store_error(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode as Code;
    tracing::debug!(%error, "the database refused something");
    let text = in_words(&error);
    match error.sqlite_error_code() {
        Some(Code::DiskFull) => StoreError::Full(text),
        Some(Code::ConstraintViolation) if error.to_string().contains(sums::DAMAGED_ROW) => StoreError::Damaged(
            "a row was not changed, because it is damaged on the disk. `gatefold check` lists every damaged row"
                .to_owned(),
        ),
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => StoreError::Busy(text),
        Some(Code::SystemIoFailure | Code::ReadOnly | Code::PermissionDenied | Code::CannotOpen) => {
            StoreError::Disk(text)
        }
        Some(Code::DatabaseCorrupt | Code::NotADatabase) => StoreError::Damaged(text),
        _ => StoreError::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn an_error_of_the_disk_is_told_apart_from_a_full_one_and_from_damage() {
        for code in [
            ffi::SQLITE_IOERR_READ,
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_READONLY_DBMOVED,
            ffi::SQLITE_PERM,
            ffi::SQLITE_CANTOPEN,
        ] {
            let error = store_error(failure(code));
            assert!(matches!(error, StoreError::Disk(_)), "{code}: {error:?}");
        }
        assert!(matches!(store_error(failure(ffi::SQLITE_FULL)), StoreError::Full(_)));
        assert!(matches!(
            store_error(failure(ffi::SQLITE_CORRUPT)),
            StoreError::Damaged(_)
        ));
    }
}
