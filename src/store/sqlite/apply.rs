//! Executes an encoded unit of work inside the transaction of its batch.

use super::encode::{EncodedRun, EncodedUnit, Miss, Statement};
use crate::store::model::{CommitError, Mark};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

/// Why a unit was not applied.
pub(super) enum NotApplied {
    /// It was refused; the others of the batch are untouched.
    Refused(CommitError),
    /// SQLite failed; the batch cannot go on.
    Broken(rusqlite::Error),
}

impl From<rusqlite::Error> for NotApplied {
    fn from(error: rusqlite::Error) -> Self {
        Self::Broken(error)
    }
}

/// Applies all of `unit` or, where it is refused, nothing of it.
pub(super) fn apply(connection: &Connection, unit: &EncodedUnit) -> Result<(), NotApplied> {
    if !unit.may_fail_half_way() {
        return execute(connection, unit);
    }
    connection.prepare_cached("SAVEPOINT unit")?.execute([])?;
    let applied = execute(connection, unit);
    match &applied {
        Ok(()) => {}
        Err(NotApplied::Refused(_)) => drop(connection.prepare_cached("ROLLBACK TO unit")?.execute([])?),
        // The whole batch is rolled back, savepoints included.
        Err(NotApplied::Broken(_)) => return applied,
    }
    connection.prepare_cached("RELEASE unit")?.execute([])?;
    applied
}

fn execute(connection: &Connection, unit: &EncodedUnit) -> Result<(), NotApplied> {
    if let Some(run) = &unit.run {
        append(connection, run)?;
    }
    for statement in &unit.statements {
        execute_one(connection, statement)?;
    }
    Ok(())
}

fn execute_one(connection: &Connection, statement: &Statement) -> Result<(), NotApplied> {
    let changed = connection
        .prepare_cached(statement.sql)?
        .execute(params_from_iter(&statement.values))?;
    if changed > 0 {
        return Ok(());
    }
    let refusal = match &statement.miss {
        Miss::Fine => return Ok(()),
        Miss::Conflict(what) => CommitError::Conflict { what: what.clone() },
        Miss::Duplicate(mark) => CommitError::Duplicate {
            value: first_value(connection, mark)?,
            mark: mark.clone(),
        },
    };
    Err(NotApplied::Refused(refusal))
}

/// What was remembered when the mark was set first.
fn first_value(connection: &Connection, mark: &Mark) -> Result<String, NotApplied> {
    let Mark::Used { scope, key } = mark else {
        return Ok(String::new());
    };
    let value = connection
        .prepare_cached("SELECT value FROM used_key WHERE scope = ?1 AND key = ?2")?
        .query_row(params![scope, key], |row| row.get(0))?;
    Ok(value)
}

/// Puts the run's row, which also checks that nobody else appended, and then its events.
fn append(connection: &Connection, run: &EncodedRun) -> Result<(), NotApplied> {
    let row = if run.before == 0 {
        begin_run(connection, run)?
    } else {
        advance_run(connection, run)?
    };
    let Some(key) = row else {
        return Err(NotApplied::Refused(CommitError::Conflict {
            what: format!("run {}", run.row.id),
        }));
    };
    let Some((first, last)) = run.events.first().zip(run.events.last()) else {
        return Ok(());
    };
    let mut position = 0;
    {
        let mut insert =
            connection.prepare_cached("INSERT INTO event (run, seq, at, v, body) VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for event in &run.events {
            position = insert.insert(params![key, event.seq, event.at, event.v, event.body])?;
        }
    }
    let start = position - (last.seq - first.seq);
    connection
        .prepare_cached("INSERT INTO stretch (run, last, first, position) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![key, last.seq, first.seq, start])?;
    Ok(())
}

/// The key of the new run, unless there is one of this id.
fn begin_run(connection: &Connection, run: &EncodedRun) -> Result<Option<i64>, rusqlite::Error> {
    let row = &run.row;
    let inserted = connection
        .prepare_cached(
            "INSERT INTO run (id, flow, version, plan, status, outcome, initiator, started_at, ended_at, wakeup_at, \
             busy, incident, seq) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            row.id.as_str(),
            row.flow,
            row.version,
            row.plan,
            run.status(),
            row.outcome,
            row.initiator,
            run.started_at,
            run.ended_at,
            run.wakeup_at,
            row.busy,
            row.incident,
            row.seq.cast_signed(),
        ])?;
    Ok((inserted > 0).then(|| connection.last_insert_rowid()))
}

/// The key of the run, if its last event is the one that the commit was decided on.
fn advance_run(connection: &Connection, run: &EncodedRun) -> Result<Option<i64>, rusqlite::Error> {
    let row = &run.row;
    connection
        .prepare_cached(
            "UPDATE run SET status = ?3, outcome = ?4, ended_at = ?5, wakeup_at = ?6, busy = ?7, incident = ?8, \
             seq = ?9, version = ?10, plan = ?11 WHERE id = ?1 AND seq = ?2 RETURNING key",
        )?
        .query_row(
            params![
                row.id.as_str(),
                run.before.cast_signed(),
                run.status(),
                row.outcome,
                run.ended_at,
                run.wakeup_at,
                row.busy,
                row.incident,
                row.seq.cast_signed(),
                row.version,
                row.plan,
            ],
            |row| row.get(0),
        )
        .optional()
}
