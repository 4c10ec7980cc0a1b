//! What the disk and SQLite give without an engine: the measure for everything else.

use crate::load::{Figures, closed_loop};
use crate::sample;
use crate::writer::Writer;
use rusqlite::{Connection, params};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Bytes in a row of the raw probe.
const RAW_BYTES: usize = 300;

/// Rows of 300 bytes, appended to a file and synced together.
pub async fn raw(folder: &Path, callers: usize, time: Duration) -> Figures {
    let mut file = File::create(folder.join("raw.log")).expect("the file can be made");
    let mut together = Vec::new();
    let writer = Arc::new(Writer::start(move |rows: &[[u8; RAW_BYTES]]| {
        together.clear();
        for row in rows {
            together.extend_from_slice(row);
        }
        file.write_all(&together).expect("the disk has space");
        file.sync_data().expect("the disk works");
    }));
    closed_loop(callers, time, move |_| {
        let writer = Arc::clone(&writer);
        async move { writer.write([7; RAW_BYTES]).await }
    })
    .await
}

/// Tables of the store without checksums.
const TABLES: &str = include_str!("../../tests/data/store/layout-4.sql");

/// A database with the tables of the store and no store on it.
fn bare(folder: &Path, name: &str) -> Connection {
    let connection = Connection::open(folder.join(name)).expect("it opens");
    connection.execute_batch(TABLES).expect("the statements are right");
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8000;")
        .expect("the pragmas are accepted");
    connection
}

const INSERT_EVENT: &str = "INSERT INTO event (run, seq, at, v, body) VALUES (?1, ?2, ?3, ?4, ?5)";

/// Events, one per request.
pub async fn sqlite_rows(folder: &Path, callers: usize, time: Duration) -> Figures {
    let connection = bare(folder, "rows.db");
    let writer = Arc::new(Writer::start(move |rows: &[(i64, i64, String, String)]| {
        connection.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        {
            let mut insert = connection.prepare_cached(INSERT_EVENT).expect("the statement is right");
            for (run, seq, at, body) in rows {
                insert.execute(params![run, seq, at, 1, body]).expect("the row fits");
            }
        }
        connection.execute_batch("COMMIT").expect("the disk works");
    }));
    closed_loop(callers, time, move |caller| {
        let writer = Arc::clone(&writer);
        let (at, body) = sample::event_columns();
        async move { writer.write((caller as i64, 1, at, body)).await }
    })
    .await
}

/// All rows of a run, one run per request.
pub async fn sqlite_runs(folder: &Path, callers: usize, time: Duration) -> Figures {
    let connection = bare(folder, "runs.db");
    let writer = Arc::new(Writer::start(move |runs: &[(String, Vec<(String, String)>)]| {
        connection.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        for (id, events) in runs {
            insert_run(&connection, id, events).expect("the rows fit");
        }
        connection.execute_batch("COMMIT").expect("the disk works");
    }));
    closed_loop(callers, time, move |_| {
        let writer = Arc::clone(&writer);
        let run = sample::run();
        let events = run.events.iter().map(sample::columns_of).collect();
        async move { writer.write((run.row.id.0, events)).await }
    })
    .await
}

fn insert_run(connection: &Connection, id: &str, events: &[(String, String)]) -> rusqlite::Result<()> {
    let row = sample::run_row(id);
    let count = events.len() as i64;
    connection
        .prepare_cached(
            "INSERT INTO run (id, flow, version, plan, status, outcome, initiator, started_at, ended_at, wakeup_at, \
             busy, incident, seq) VALUES (?1, ?2, ?3, ?4, 'ended', ?5, ?6, ?7, ?7, NULL, 0, 0, ?8)",
        )?
        .execute(params![
            id,
            row.flow,
            row.version,
            row.plan,
            row.outcome,
            row.initiator,
            events[0].0,
            count
        ])?;
    let key = connection.last_insert_rowid();
    let mut position = 0;
    for (seq, (at, body)) in (1_i64..).zip(events) {
        position = connection
            .prepare_cached(INSERT_EVENT)?
            .insert(params![key, seq, at, 1, body])?;
    }
    connection
        .prepare_cached("INSERT INTO stretch (run, last, first, position) VALUES (?1, ?2, 1, ?3)")?
        .execute(params![key, count, position - count + 1])?;
    Ok(())
}
