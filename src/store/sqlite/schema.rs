//! Checks that the tables of a database match its layout number.
//!
//! Invariant: no statement runs on tables that this build does not expect. Tables and indexes that
//! somebody else added are ignored.

use super::columns::damaged;
use super::layout::{LAYOUT, build, prepare};
use super::read::{Read, column, unverified};
use crate::store::model::StoreError;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;

/// `CREATE` statements of tables, indexes and triggers, by name.
type Schema = BTreeMap<String, String>;

fn schema_of(db: &Connection) -> Read<Schema> {
    let sql = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let all = unverified(db, sql, [], |row| Ok((column(row, 0)?, column::<String>(row, 1)?)))?;
    let plain = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(all.into_iter().map(|(name, sql)| (name, plain(sql))).collect())
}

/// The schema that this build creates for a layout, starting from an empty database.
fn expected(layout: u32) -> Read<Schema> {
    let mut db = Connection::open_in_memory()
        .map_err(|_| StoreError::Failed("there is no memory for a look at the layout".to_owned()))?;
    prepare(&db)?;
    build(&mut db, 0, layout)?;
    schema_of(&db)
}

/// Refuses the database at `path` if its tables are not those of `layout`.
pub(super) fn check(db: &Connection, path: &Path, layout: u32) -> Read<()> {
    let (found, expected, newest) = (schema_of(db)?, self::expected(layout)?, self::expected(LAYOUT)?);
    let is_missing = expected.iter().find(|(name, sql)| found.get(*name) != Some(sql));
    let is_of_another = found
        .iter()
        .find(|(name, _)| newest.contains_key(*name) && !expected.contains_key(*name));
    if is_missing.is_none() && is_of_another.is_none() {
        return Ok(());
    }
    Err(damaged(format!(
        "{} names layout {layout}, but its tables are those of another layout. A person or a disk has changed it: \
         restore a backup",
        path.display()
    )))
}
