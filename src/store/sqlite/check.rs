//! Inspects a whole database and reports its contents and damage, even while another process writes
//! to it.
//!
//! Invariant: nothing is changed, and the report describes a single snapshot.

use super::columns::damaged;
use super::layout::{SEALED_SINCE, found_layout, open_reader, store_error};
use super::loss::{self, Noted};
use super::read::{Read, column, text, unverified};
use super::schema;
use super::scrub::{key_of, sealed_tables};
use crate::store::model::StoreError;
use rusqlite::Connection;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Maximum number of lines about one kind of damage.
const LISTED: usize = 100;

/// The contents of a database.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// Its layout.
    pub layout: u32,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// All blobs that it names.
    pub blobs: Vec<NamedBlob>,
    /// Damage, one sentence each.
    pub damage: Vec<String>,
    /// Notes about its history, one sentence each.
    pub notes: Vec<String>,
}

/// A blob, described by the first file version that refers to it.
#[derive(Clone, Debug)]
pub struct NamedBlob {
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// The file version, in a form for people.
    pub place: String,
}

/// The fields of a file that name its blobs; they are the same in every layout.
#[derive(Deserialize)]
struct NamedFile {
    folder: String,
    name: String,
    versions: Vec<NamedVersion>,
}

#[derive(Deserialize)]
struct NamedVersion {
    number: u64,
    sha256: String,
    size: u64,
}

/// Inspects the database at `path`, in any layout that this build knows.
///
/// # Errors
/// If the file is not a Gatefold database, has a newer layout, or is too damaged to read.
pub fn inspect(path: &Path) -> Result<Inspection, StoreError> {
    let noted = Noted::number_beside(path)?;
    let connection = open_reader(path)?;
    let _snapshot = connection.unchecked_transaction().map_err(store_error)?;
    let layout = found_layout(&connection, path)?;
    if layout == 0 {
        return Err(damaged(format!("{} is empty", path.display())));
    }
    schema::check(&connection, path, layout)?;
    let mut inspection = Inspection {
        layout,
        damage: structural_damage(&connection)?,
        ..Inspection::default()
    };
    if layout >= SEALED_SINCE {
        let loss = noted.loss(&connection)?;
        inspection.damage.extend(loss.map(|loss| loss.in_words(path)));
        inspection.damage.extend(damaged_rows(&connection)?);
        inspection.notes = loss::accepted(&connection)?;
    } else {
        let note = format!("Rows of layout {layout} have no checksums; they get them when a server starts on it.");
        inspection.notes.push(note);
    }
    inspection.damage.extend(incomplete_journals(&connection)?);
    for table in tables(&connection)? {
        let count = count(&connection, &table)?;
        inspection.rows.insert(table, count);
    }
    collect_blobs(&connection, &mut inspection)?;
    Ok(inspection)
}

/// Describes acknowledged changes that the database at `path` has lost.
///
/// # Errors
/// If the database or a file beside it cannot be read.
pub fn lost(path: &Path) -> Result<Option<String>, StoreError> {
    let noted = Noted::number_beside(path)?;
    let connection = open_reader(path)?;
    if found_layout(&connection, path)? < SEALED_SINCE {
        return Ok(None);
    }
    Ok(noted.loss(&connection)?.map(|loss| loss.in_words(path)))
}

/// Rows whose content does not match their checksum.
fn damaged_rows(db: &Connection) -> Read<Vec<String>> {
    let mut damage = Vec::new();
    for table in sealed_tables(db)? {
        let (name, key) = (&table.name, table.key.join(", "));
        let sql = format!("SELECT {key} FROM {name} WHERE intact IS NOT 1 LIMIT {LISTED}");
        let rows = unverified(db, &sql, [], |row| key_of(row, 0, table.key.len()))?;
        damage.extend(rows.iter().map(|key| table.row_in_words(key)));
    }
    Ok(damage)
}

/// Runs whose journal has a gap, or whose last event differs from the one recorded with the run.
fn incomplete_journals(db: &Connection) -> Read<Vec<String>> {
    let lists = "SELECT id FROM run WHERE seq <> (SELECT coalesce(sum(last - first + 1), 0) FROM stretch \
                 WHERE stretch.run = run.key)";
    let events = "SELECT DISTINCT run.id FROM stretch JOIN run ON run.key = stretch.run WHERE last - first + 1 <> \
                  (SELECT count(*) FROM event WHERE event.position BETWEEN stretch.position \
                  AND stretch.position + last - first AND event.run = stretch.run)";
    let sql = format!("{lists} UNION {events} LIMIT {LISTED}");
    let runs: Vec<String> = unverified(db, &sql, [], |row| column(row, 0))?;
    Ok(runs
        .iter()
        .map(|run| format!("events of run {run} are missing from its journal"))
        .collect())
}

/// Problems that SQLite finds in pages, trees and indexes.
fn structural_damage(db: &Connection) -> Read<Vec<String>> {
    let sql = format!("PRAGMA integrity_check({LISTED})");
    let said = unverified(db, &sql, [], |row| column::<String>(row, 0))?;
    Ok(said
        .into_iter()
        .filter(|line| line != "ok")
        .map(|line| format!("the database is damaged: {line}"))
        .collect())
}

/// All tables of Gatefold.
fn tables(db: &Connection) -> Read<Vec<String>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
               ORDER BY name";
    unverified(db, sql, [], |row| column(row, 0))
}

fn count(db: &Connection, table: &str) -> Read<u64> {
    let sql = format!("SELECT count(*) FROM \"{table}\"");
    let counts = unverified(db, &sql, [], |row| column::<i64>(row, 0))?;
    Ok(counts.first().map_or(0, |count| count.unsigned_abs()))
}

fn collect_blobs(db: &Connection, into: &mut Inspection) -> Read<()> {
    let read = |row: &rusqlite::Row<'_>| Ok((column::<String>(row, 0)?, text(row, 1)?.to_owned()));
    let mut seen = BTreeSet::new();
    for (id, body) in unverified(db, "SELECT id, body FROM file ORDER BY key", [], read)? {
        let Ok(file) = serde_json::from_str::<NamedFile>(&body) else {
            into.damage.push(format!("the record of file {id} cannot be read"));
            continue;
        };
        for version in file.versions {
            if seen.insert(version.sha256.clone()) {
                let folder = file.folder.trim_end_matches('/');
                into.blobs.push(NamedBlob {
                    place: format!("version {} of {folder}/{}", version.number, file.name),
                    sha256: version.sha256,
                    size: version.size,
                });
            }
        }
    }
    Ok(())
}
