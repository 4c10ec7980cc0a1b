//! Opening the database: the layout and its migrations, the pragmas.

use super::columns::damaged;
use crate::store::model::StoreError;
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
];

/// The layout that this build writes.
const LAYOUT: u32 = 5;

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

/// Takes the files beside the database from everybody but their owner. SQLite makes new ones with the database's own
/// mode.
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

/// Opens the writing connection of the database at `path`, which is there and locked, and brings the layout up to this
/// build's.
pub(super) fn open_writer(path: &Path, opening: Opening) -> Result<Connection, StoreError> {
    make_private(path).map_err(|error| {
        StoreError::Failed(format!(
            "cannot open {}: {error}; does its folder exist, may it be written?",
            path.display()
        ))
    })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, &error))?;
    prepare(&connection)?;
    let found = found_layout(&connection, path)?;
    if found == 0 && opening.was_used {
        return Err(empty(path));
    }
    migrate(&mut connection, found)?;
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
    sync_folder(path)?;
    Ok(connection)
}

/// How a store is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening {
    /// The store was used before: a database that is missing or empty is a loss, and not a beginning.
    pub was_used: bool,
}

/// A database that was lost.
fn empty(path: &Path) -> StoreError {
    damaged(format!(
        "{} is missing or empty, although files were stored beside it. Restore a backup with `gatefold restore`, or \
         start with an empty data folder",
        path.display()
    ))
}

/// Refuses a database that is missing or empty although the store was used, before anything is made in its place.
pub(super) fn check_presence(path: &Path, opening: Opening) -> Result<(), StoreError> {
    let is_empty = std::fs::metadata(path).map_or(true, |data| data.len() == 0);
    let has_log = std::fs::metadata(beside(path, "-wal")).is_ok_and(|data| data.len() > 0);
    if is_empty && (opening.was_used || has_log) {
        return Err(empty(path));
    }
    Ok(())
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

fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.busy_timeout(BUSY_TIMEOUT).map_err(store_error)
}

/// The layout of a database that this build can read; 0 where there is nothing in it.
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
    if !is_empty && id != APPLICATION_ID {
        return Err(damaged(format!("{} is a database of another program", path.display())));
    }
    let found = u32::try_from(found).map_err(|_| damaged(format!("layout {found}")))?;
    if found > LAYOUT {
        return Err(StoreError::Newer { found, known: LAYOUT });
    }
    Ok(found)
}

fn migrate(connection: &mut Connection, found: u32) -> Result<(), StoreError> {
    if found > 0 && found < LAYOUT {
        tracing::warn!(
            found,
            wanted = LAYOUT,
            "the store is brought to a new layout, which an older build refuses: the way back is a backup made with \
             `gatefold backup` before this start"
        );
    }
    for (layout, statements) in (1..).zip(MIGRATIONS).skip(found as usize) {
        let transaction = connection.transaction().map_err(store_error)?;
        transaction.execute_batch(statements).map_err(store_error)?;
        transaction
            .pragma_update(None, "application_id", APPLICATION_ID)
            .map_err(store_error)?;
        transaction
            .pragma_update(None, "user_version", layout)
            .map_err(store_error)?;
        transaction.commit().map_err(store_error)?;
    }
    Ok(())
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
        Some(rusqlite::ErrorCode::CannotOpen) => StoreError::Failed(format!(
            "cannot open {}: does its folder exist, may it be written?",
            path.display()
        )),
        _ => StoreError::Failed(format!("cannot open {}: {error}", path.display())),
    }
}

/// What an error of SQLite means to the caller.
#[expect(
    clippy::needless_pass_by_value,
    reason = "so that it can be given to `map_err` as it is"
)]
pub(super) fn store_error(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode as Code;
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(Code::DiskFull) => StoreError::Full(text),
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => StoreError::Busy(text),
        Some(Code::DatabaseCorrupt | Code::NotADatabase) => StoreError::Damaged(text),
        _ => StoreError::Failed(text),
    }
}
