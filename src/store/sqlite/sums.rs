//! Checksums of rows.
//!
//! At the end of each migration, every table gets two columns: `sum`, which SQLite computes when it
//! writes a row, and `intact`, which it computes when it reads one. The author of a migration does
//! nothing for this. A trigger refuses to change a row that is not intact, because that would give
//! the damage a fresh checksum.
//!
//! Invariant: the hashed bytes depend only on the content of a row, not on where SQLite stores it.
//! Numbers that SQLite assigns are mixed in afterwards. See ADR 35.

use super::layout::store_error;
use super::read::{Read, column, unverified};
use crate::store::model::StoreError;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use sha2::{Digest, Sha256};

/// Name of the SQL function. Its arguments are the table's name, the number of values that are row
/// numbers, and the values, row numbers first.
const FUNCTION: &str = "gatefold_sum";

/// Prefix of the hashed bytes of a row.
const DOMAIN: &[u8] = b"gatefold row 1\0";

/// Columns that refer to a row by the number that SQLite assigned to it, in addition to those row
/// numbers themselves.
const PLACES: [(&str, &str); 4] = [
    ("event", "run"),
    ("stretch", "run"),
    ("stretch", "position"),
    ("inbound_subject", "event"),
];

/// An odd constant with well-mixed bits. Multiplication by an odd number loses no information.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Registers the checksum function on a connection.
pub(super) fn register(connection: &Connection) -> Result<(), StoreError> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection
        .create_scalar_function(FUNCTION, -1, flags, sum_of)
        .map_err(store_error)
}

fn sum_of(context: &Context<'_>) -> rusqlite::Result<i64> {
    let table = context.get_raw(0).as_bytes().unwrap_or_default();
    let places = usize::try_from(context.get::<i64>(1)?).unwrap_or_default();
    let first = 2 + places;
    let content: Vec<ValueRef<'_>> = (first..context.len()).map(|index| context.get_raw(index)).collect();
    let digest = digest(table, &content);
    let mut sum = u64::from_le_bytes(*digest.first_chunk().expect("a digest has 32 bytes"));
    for index in 2..first.min(context.len()) {
        let place = context.get_raw(index).as_i64().unwrap_or_default().cast_unsigned();
        sum = sum.rotate_left(23) ^ place.wrapping_add(1).wrapping_mul(SPREAD);
    }
    Ok(sum.cast_signed())
}

/// SHA-256 of a row: the table's name, and each value with its type and length. NULLs at the end
/// are ignored, so that a column added later does not change the checksums of existing rows.
fn digest(table: &[u8], content: &[ValueRef<'_>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    hash.update(table);
    hash.update([0]);
    let length = content
        .iter()
        .rposition(|value| !matches!(value, ValueRef::Null))
        .map_or(0, |last| last + 1);
    for value in &content[..length] {
        match value {
            ValueRef::Null => hash.update([0]),
            ValueRef::Integer(number) => {
                hash.update([1]);
                hash.update(number.to_be_bytes());
            }
            ValueRef::Real(number) => {
                hash.update([2]);
                hash.update(number.to_bits().to_be_bytes());
            }
            ValueRef::Text(bytes) => add_bytes(&mut hash, 3, bytes),
            ValueRef::Blob(bytes) => add_bytes(&mut hash, 4, bytes),
        }
    }
    hash.finalize().into()
}

fn add_bytes(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

/// An existing table.
struct Table {
    name: String,
    sql: String,
}

/// A column that statements write, as opposed to a generated one.
struct Column {
    name: String,
    is_row_number: bool,
}

/// Adds checksums to every table that has none, or whose checksums do not cover all columns. Call
/// this within a transaction and with foreign keys off.
pub(super) fn seal(db: &Connection) -> Read<()> {
    for table in tables(db)? {
        let columns = columns(db, &table.name)?;
        let sums = sum_columns(&table.name, &columns);
        if !table.sql.contains(&sums) {
            rebuild(db, &table, &columns, &sums)?;
        }
        let guard = guard(&table.name);
        db.execute_batch(&guard).map_err(store_error)?;
    }
    Ok(())
}

/// All tables of Gatefold. They are all strict. Other tables belong to an administrator, who could
/// no longer write to them if they had checksums.
fn tables(db: &Connection) -> Read<Vec<Table>> {
    let sql = "SELECT made.name, made.sql FROM sqlite_schema AS made JOIN pragma_table_list AS listed \
               ON listed.schema = 'main' AND listed.name = made.name \
               WHERE made.type = 'table' AND listed.strict = 1 ORDER BY made.rowid";
    unverified(db, sql, [], |row| {
        Ok(Table {
            name: column(row, 0)?,
            sql: column(row, 1)?,
        })
    })
}

/// The columns of a table that statements write, in order.
fn columns(db: &Connection, table: &str) -> Read<Vec<Column>> {
    let is_rowid_table: Option<i64> = unverified(
        db,
        "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1",
        [table],
        |row| column(row, 0),
    )?
    .pop();
    let sql = "SELECT name, type, pk FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid";
    let read = |row: &Row<'_>| {
        Ok((
            column::<String>(row, 0)?,
            column::<String>(row, 1)?,
            column::<i64>(row, 2)?,
        ))
    };
    let found = unverified(db, sql, [table], read)?;
    let key_length = found.iter().filter(|(_, _, pk)| *pk > 0).count();
    let may_be_row_number = is_rowid_table == Some(0) && key_length == 1;
    let columns = found.into_iter().map(|(name, kind, pk)| Column {
        is_row_number: may_be_row_number && pk > 0 && kind == "INTEGER",
        name,
    });
    Ok(columns.collect())
}

/// The definitions of the two checksum columns of a table.
fn sum_columns(table: &str, columns: &[Column]) -> String {
    let is_place = |column: &&Column| column.is_row_number || PLACES.contains(&(table, column.name.as_str()));
    let places: Vec<&str> = columns.iter().filter(is_place).map(|one| one.name.as_str()).collect();
    let content = columns.iter().filter(|column| !is_place(column));
    let mut values = vec![format!("'{table}'"), places.len().to_string()];
    values.extend(places.iter().map(ToString::to_string));
    values.extend(content.map(|one| one.name.clone()));
    let call = format!("{FUNCTION}({})", values.join(", "));
    format!(
        "\n    sum INTEGER GENERATED ALWAYS AS ({call}) STORED,\
         \n    intact INTEGER GENERATED ALWAYS AS (sum = {call}) VIRTUAL,"
    )
}

/// Rebuilds the table with its checksums, and recreates its indexes and triggers.
fn rebuild(db: &Connection, table: &Table, columns: &[Column], sums: &str) -> Read<()> {
    let name = &table.name;
    let (_, body) = table
        .sql
        .split_once('(')
        .ok_or_else(|| StoreError::Failed(format!("table {name} is not made by a statement that can be extended")))?;
    let body = without_sums(body);
    let body = body.trim_start_matches('\n');
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let names = names.join(", ");
    let belongings = "SELECT sql FROM sqlite_schema WHERE tbl_name = ?1 AND type IN ('index', 'trigger') \
                      AND sql IS NOT NULL AND name <> ?2 ORDER BY rowid";
    let belongings: Vec<String> = unverified(db, belongings, [name.as_str(), &guard_name(name)], |row| column(row, 0))?;
    let statements = format!(
        "CREATE TABLE \"unsealed {name}\" ({sums}\n{body};\
         INSERT INTO \"unsealed {name}\" ({names}) SELECT {names} FROM \"{name}\";\
         DROP TABLE \"{name}\";\
         ALTER TABLE \"unsealed {name}\" RENAME TO \"{name}\";\
         {}",
        belongings.iter().map(|sql| format!("{sql};")).collect::<String>()
    );
    db.execute_batch(&statements).map_err(store_error)
}

/// The column definitions of a table without outdated checksum columns.
fn without_sums(body: &str) -> String {
    let is_kept = |line: &&str| !line.starts_with("    sum INTEGER") && !line.starts_with("    intact INTEGER");
    let kept: Vec<&str> = body.split('\n').filter(is_kept).collect();
    kept.join("\n")
}

fn guard_name(table: &str) -> String {
    format!("{table}_is_intact")
}

/// The trigger that prevents changes to a damaged row.
fn guard(table: &str) -> String {
    let name = guard_name(table);
    format!(
        "DROP TRIGGER IF EXISTS {name};\
         CREATE TRIGGER {name} BEFORE UPDATE ON {table} WHEN NOT old.intact \
         BEGIN SELECT RAISE(ABORT, '{DAMAGED_ROW}'); END;"
    )
}

/// The trigger's error message, which `store_error` recognises.
pub(super) const DAMAGED_ROW: &str = "damaged row";

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(statements: &str) -> Connection {
        let db = Connection::open_in_memory().unwrap();
        register(&db).unwrap();
        db.pragma_update(None, "foreign_keys", false).unwrap();
        db.execute_batch(statements).unwrap();
        seal(&db).unwrap();
        db
    }

    fn intact(db: &Connection, table: &str) -> Vec<bool> {
        unverified(db, &format!("SELECT intact FROM {table}"), [], |row| column(row, 0)).unwrap()
    }

    fn sums(db: &Connection, table: &str) -> Vec<i64> {
        unverified(db, &format!("SELECT sum FROM {table}"), [], |row| column(row, 0)).unwrap()
    }

    const SONG: &str = "CREATE TABLE song (key INTEGER PRIMARY KEY, title TEXT UNIQUE, length INTEGER) STRICT;
                        CREATE INDEX song_length ON song (length);
                        INSERT INTO song (title, length) VALUES ('Gloria', 7), (NULL, NULL);";

    #[test]
    fn every_row_has_a_checksum_whoever_writes_it() {
        let db = sealed(SONG);
        assert_eq!(intact(&db, "song"), [true, true]);
        let before = sums(&db, "song");
        db.execute_batch("INSERT INTO song (title) VALUES ('Kyrie'); UPDATE song SET length = length + 1;")
            .unwrap();
        assert_eq!(intact(&db, "song"), [true, true, true]);
        assert_ne!(sums(&db, "song")[0], before[0]);
        let indexes = "SELECT count(*) FROM sqlite_schema WHERE name = 'song_length'";
        let count: i64 = db.query_row(indexes, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 1, "what belongs to the table stays");
    }

    #[test]
    fn a_table_is_sealed_once_and_anew_where_it_has_another_column() {
        let db = sealed(SONG);
        let sql = |db: &Connection| tables(db).unwrap().remove(0).sql;
        let (before, sum) = (sql(&db), sums(&db, "song"));
        seal(&db).unwrap();
        assert_eq!(sql(&db), before);
        db.execute_batch("ALTER TABLE song ADD COLUMN composer TEXT").unwrap();
        seal(&db).unwrap();
        assert!(sql(&db).contains("length, composer)"), "{}", sql(&db));
        assert_eq!(sql(&db).matches("STORED").count(), 1);
        assert_eq!(sums(&db, "song"), sum, "an empty column changes no checksum");
        db.execute_batch("UPDATE song SET composer = 'Vivaldi'").unwrap();
        assert_ne!(sums(&db, "song"), sum);
    }

    #[test]
    fn keys_of_several_columns_and_references_survive() {
        let db = sealed(
            "CREATE TABLE run (key INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT;
             CREATE TABLE stretch (run INTEGER NOT NULL REFERENCES run (key), last INTEGER NOT NULL,
                 position INTEGER NOT NULL, PRIMARY KEY (run, last)) STRICT, WITHOUT ROWID;
             INSERT INTO run (id) VALUES ('run_1'); INSERT INTO stretch VALUES (1, 2, 3);",
        );
        assert_eq!(intact(&db, "stretch"), [true]);
        db.pragma_update(None, "foreign_keys", true).unwrap();
        assert!(
            db.execute("INSERT INTO stretch (run, last, position) VALUES (1, 2, 4)", [])
                .is_err()
        );
        assert!(
            db.execute("INSERT INTO stretch (run, last, position) VALUES (9, 2, 4)", [])
                .is_err()
        );
    }

    #[test]
    fn rows_that_differ_in_anything_have_other_checksums() {
        let row = |table: &str, values: &[ValueRef<'_>]| digest(table.as_bytes(), values);
        let (a, ab, number) = (ValueRef::Text(b"a"), ValueRef::Text(b"ab"), ValueRef::Integer(1));
        let empty = ValueRef::Text(b"");
        let rows = [
            row("t", &[]),
            row("u", &[]),
            row("t", &[empty]),
            row("t", &[a, ab]),
            row("t", &[ab, a]),
            row("t", &[ValueRef::Null, a]),
            row("t", &[ValueRef::Blob(b"a"), ab]),
            row("t", &[number]),
            row("t", &[ValueRef::Real(1.0)]),
        ];
        let different: std::collections::BTreeSet<_> = rows.iter().collect();
        assert_eq!(different.len(), rows.len());
        assert_eq!(row("t", &[a, ValueRef::Null, ValueRef::Null]), row("t", &[a]));
    }

    /// The format of the hashed bytes is fixed, because a later record of the installation will use
    /// the same bytes.
    #[test]
    fn the_bytes_of_a_row_are_these() {
        let values = [
            ValueRef::Null,
            ValueRef::Integer(258),
            ValueRef::Text("ä".as_bytes()),
            ValueRef::Null,
        ];
        let mut bytes = b"gatefold row 1\0task\0".to_vec();
        bytes.extend([0]);
        bytes.extend([1, 0, 0, 0, 0, 0, 0, 1, 2]);
        bytes.extend([3, 0, 0, 0, 0, 0, 0, 0, 2, 0xc3, 0xa4]);
        assert_eq!(digest(b"task", &values), <[u8; 32]>::from(Sha256::digest(&bytes)));
    }

    #[test]
    fn a_row_that_is_damaged_is_not_changed() {
        let db = sealed(SONG);
        damage(&db, "song");
        assert_eq!(intact(&db, "song"), [false, true]);
        let refused = db.execute("UPDATE song SET length = 1 WHERE key = 1", []).unwrap_err();
        assert!(refused.to_string().contains(DAMAGED_ROW), "{refused}");
        db.execute("UPDATE song SET length = 1 WHERE key = 2", []).unwrap();
        db.execute("DELETE FROM song WHERE key = 1", []).unwrap();
    }

    /// Changes the first row as disk damage would: without updating its checksum.
    fn damage(db: &Connection, table: &str) {
        let sql = tables(db).unwrap().remove(0).sql;
        let plain = sql.replace(
            &format!("'{table}', 1, key, title"),
            &format!("'{table}', 1, key, length"),
        );
        assert_ne!(plain, sql);
        // the row is written by a table whose checksum is over other columns, which the true one does not fit
        db.execute_batch(&format!(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = '{}' WHERE name = '{table}'; \
             DROP TRIGGER {table}_is_intact;",
            plain.replace('\'', "''")
        ))
        .unwrap();
        db.execute_batch("PRAGMA writable_schema = RESET").unwrap();
        db.execute("UPDATE song SET title = 'Gloriosa' WHERE key = 1", [])
            .unwrap();
        db.execute_batch(&format!(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = '{}' WHERE name = '{table}';",
            sql.replace('\'', "''")
        ))
        .unwrap();
        db.execute_batch("PRAGMA writable_schema = RESET").unwrap();
        seal(db).unwrap();
    }
}
