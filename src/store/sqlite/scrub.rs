//! Verifies the rows of all tables in small batches.
//!
//! Invariant: calls that each continue where the last one ended, until there is no next position,
//! verify every row that existed throughout.

use super::columns::damaged;
use super::layout::store_error;
use super::read::{Read, bounded, column, unverified};
use crate::store::model::Scrubbed;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params_from_iter};
use serde::{Deserialize, Serialize};

/// A table whose rows have checksums.
pub(super) struct Sealed {
    /// Its name.
    pub name: String,
    /// The columns of its primary key, in order.
    pub key: Vec<String>,
}

impl Sealed {
    /// Describes a damaged row of the table.
    pub fn row_in_words(&self, key: &[Part]) -> String {
        let values: Vec<String> = key
            .iter()
            .map(|part| match part {
                Part::Number(number) => number.to_string(),
                Part::Text(text) => text.clone(),
            })
            .collect();
        format!(
            "the row of {} whose {} is {} was changed on the disk",
            self.name,
            self.key.join(", "),
            values.join(", ")
        )
    }
}

/// One value of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Part {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

/// Reads the key columns of a row, which begin at `first`.
pub(super) fn key_of(row: &Row<'_>, first: usize, length: usize) -> Read<Vec<Part>> {
    let part = |index: usize| match column::<Sql>(row, index)? {
        Sql::Integer(number) => Ok(Part::Number(number)),
        Sql::Text(text) => Ok(Part::Text(text)),
        _ => Err(damaged("a key is neither a number nor a text")),
    };
    (first..first + length).map(part).collect()
}

/// The last row that was verified.
#[derive(Serialize, Deserialize)]
struct Position {
    table: String,
    /// Key of the last verified row; empty before the first row of the table.
    key: Vec<Part>,
}

/// Every table whose rows have checksums, by name.
pub(super) fn sealed_tables(db: &Connection) -> Read<Vec<Sealed>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
               AND EXISTS (SELECT 1 FROM pragma_table_xinfo(sqlite_schema.name) WHERE name = 'intact') ORDER BY name";
    let names: Vec<String> = unverified(db, sql, [], |row| column(row, 0))?;
    let key = "SELECT name FROM pragma_table_xinfo(?1) WHERE pk > 0 ORDER BY pk";
    let sealed = names.into_iter().map(|name| {
        Ok(Sealed {
            key: unverified(db, key, [&name], |row| column(row, 0))?,
            name,
        })
    });
    sealed.collect()
}

/// Verifies at most `limit` rows after a position that an earlier call returned. Starts at the
/// beginning if there is no position or its table no longer exists.
pub(super) fn scrub(db: &Connection, after: Option<&str>, limit: usize) -> Read<Scrubbed> {
    let _snapshot = db.unchecked_transaction().map_err(store_error)?;
    let tables = sealed_tables(db)?;
    let after: Option<Position> = after.and_then(|text| serde_json::from_str(text).ok());
    let at = after
        .as_ref()
        .and_then(|after| tables.iter().position(|table| table.name == after.table));
    let Some(table) = tables.get(at.unwrap_or(0)) else {
        return Ok(Scrubbed::default());
    };
    let key = after
        .filter(|_| at.is_some())
        .map(|after| after.key)
        .unwrap_or_default();
    let mut scrubbed = Scrubbed::default();
    let mut last = None;
    for (key, is_intact) in read_after(db, table, &key, limit)? {
        scrubbed.rows += 1;
        if !is_intact {
            scrubbed.damage.push(table.row_in_words(&key));
        }
        last = Some(key);
    }
    let next = match last {
        Some(key) if scrubbed.rows == limit => Some((table, key)),
        _ => tables.get(at.unwrap_or(0) + 1).map(|table| (table, Vec::new())),
    };
    scrubbed.next = next.map(|(table, key)| {
        let position = Position {
            table: table.name.clone(),
            key,
        };
        serde_json::to_string(&position).expect("a position has text keys")
    });
    Ok(scrubbed)
}

/// The keys of rows after a key, and whether each row is intact.
fn read_after(db: &Connection, table: &Sealed, after: &[Part], limit: usize) -> Read<Vec<(Vec<Part>, bool)>> {
    let (name, key) = (&table.name, table.key.join(", "));
    let is_inside = after.len() == table.key.len();
    let from = if is_inside {
        let places = vec!["?"; after.len()].join(", ");
        format!(" WHERE ({key}) > ({places})")
    } else {
        String::new()
    };
    let sql = format!("SELECT intact, {key} FROM {name}{from} ORDER BY {key} LIMIT ?");
    let mut values: Vec<Sql> = Vec::new();
    if is_inside {
        values.extend(after.iter().map(|part| match part {
            Part::Number(number) => Sql::Integer(*number),
            Part::Text(text) => Sql::Text(text.clone()),
        }));
    }
    values.push(bounded(limit).into());
    unverified(db, &sql, params_from_iter(values), |row| {
        let is_intact = column::<Option<bool>>(row, 0)? == Some(true);
        Ok((key_of(row, 1, table.key.len())?, is_intact))
    })
}
