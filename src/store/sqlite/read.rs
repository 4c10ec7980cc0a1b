//! All SQL queries of the store.

use super::columns::{damaged, mail_state, read_run_status, read_time, time};
use super::layout::store_error;
use super::outdated::outdated_sql;
use crate::audit::AccessEntry;
use crate::base::id::{EventId, FileId, GrantId, MailId, RunId, ShareId, TaskId, WorkspaceId};
use crate::base::{Timestamp, Via};
use crate::engine::{Event, EventRecord, InboundEvent, JOURNAL_VERSION};
use crate::space::{Comment, Expiry, File, Grant, Share, Workspace};
use crate::store::model::{
    Deployment, ExpiryOrder, KeptEvents, MailState, OutboxMail, Outdated, PendingEvent, RunFilter, RunRow, RunStatus,
    Standing, StoreError, TaskRow, Used,
};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Params, Row, params, params_from_iter};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(super) type Read<T> = Result<T, StoreError>;

/// Bytes of one kept event that count, at most. The sum is taken from an index, which has no checksum: a flipped bit
/// must not make so much of one event that all the others give way to it.
const KEPT_BYTES_OF_ONE: i64 = 4 << 20;

/// Rows that are looked at for one that is outdated.
const OUTDATED_LOOKED_AT: i64 = 16;

/// Runs listed where the filter does not say how many.
const DEFAULT_RUNS: usize = 100;

// --- helpers

/// Queries rows and fails if one is not intact, as the last column tells.
pub(super) fn rows<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Read<T>,
) -> Read<Vec<T>> {
    unverified(db, sql, params, |row| {
        verify(row, sql)?;
        read(row)
    })
}

/// Queries rows, skipping and logging those that are not intact. For lists of independent things,
/// so that one damaged row does not block the others.
fn sound_rows<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Read<T>,
) -> Read<Vec<T>> {
    let found = unverified(db, sql, params, |row| match verify(row, sql) {
        Ok(()) => read(row).map(Some),
        Err(error) => {
            tracing::error!(%error, "a damaged row was skipped");
            Ok(None)
        }
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Queries the first row and fails if it is not intact, as the last column tells.
pub(super) fn first<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Read<T>,
) -> Read<Option<T>> {
    unverified_first(db, sql, params, |row| {
        verify(row, sql)?;
        read(row)
    })
}

/// Queries values that are not stored rows, such as counts and SQLite's own metadata, without
/// verification.
pub(super) fn unverified<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Read<T>,
) -> Read<Vec<T>> {
    let mut statement = db.prepare_cached(sql).map_err(store_error)?;
    let mut rows = statement.query(params).map_err(store_error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Queries the first value like [`unverified`].
pub(super) fn unverified_first<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Read<T>,
) -> Read<Option<T>> {
    let mut statement = db.prepare_cached(sql).map_err(store_error)?;
    let mut rows = statement.query(params).map_err(store_error)?;
    rows.next().map_err(store_error)?.map(read).transpose()
}

/// Refuses a row whose checksum does not match its content.
fn verify(row: &Row<'_>, sql: &str) -> Read<()> {
    let statement: &rusqlite::Statement<'_> = row.as_ref();
    let last = statement.column_count().saturating_sub(1);
    if statement.column_name(last).ok() != Some("intact") {
        return Err(StoreError::Failed("rows were read without their checksums".to_owned()));
    }
    if column::<Option<bool>>(row, last)? == Some(true) {
        return Ok(());
    }
    let table = sql.split_once(" FROM ").map_or("", |(_, rest)| rest);
    let table = table.split(' ').next().unwrap_or_default();
    Err(damaged(format!(
        "a row of {table} was changed on the disk. `gatefold check` lists every damaged row"
    )))
}

pub(super) fn column<T: rusqlite::types::FromSql>(row: &Row<'_>, index: usize) -> Read<T> {
    row.get(index)
        .map_err(|_| damaged("a value of another type than expected"))
}

pub(super) fn number(row: &Row<'_>, index: usize) -> Read<u64> {
    u64::try_from(column::<i64>(row, index)?).map_err(|error| damaged(error.to_string()))
}

pub(super) fn text<'r>(row: &'r Row<'_>, index: usize) -> Read<&'r str> {
    let value = row.get_ref(index).map_err(store_error)?;
    value.as_str().map_err(|_| damaged("a value that is no text"))
}

/// The record in the first column.
pub(super) fn record<T: DeserializeOwned>(row: &Row<'_>) -> Read<T> {
    parse(text(row, 0)?)
}

fn parse<T: DeserializeOwned>(body: &str) -> Read<T> {
    serde_json::from_str(body).map_err(|error| damaged(format!("a record cannot be read: {error}")))
}

fn run_id(row: &Row<'_>) -> Read<RunId> {
    Ok(RunId(column(row, 0)?))
}

pub(super) fn bounded(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

// --- deployments

pub(super) fn latest_deployment(db: &Connection, flow: &str) -> Read<Option<Deployment>> {
    first(
        db,
        "SELECT body, intact FROM deployment WHERE flow = ?1 ORDER BY key DESC LIMIT 1",
        [flow],
        record,
    )
}

pub(super) fn deployment(db: &Connection, hash: &str) -> Read<Option<Deployment>> {
    first(
        db,
        "SELECT body, intact FROM deployment WHERE hash = ?1 ORDER BY key DESC LIMIT 1",
        [hash],
        record,
    )
}

pub(super) fn deployments_of(db: &Connection, flow: &str) -> Read<Vec<Deployment>> {
    let sql = "SELECT body, intact FROM deployment WHERE flow = ?1 ORDER BY key";
    rows(db, sql, [flow], record)
}

pub(super) fn deployments(db: &Connection) -> Read<Vec<Deployment>> {
    let sql = "SELECT body, intact FROM deployment WHERE key IN (SELECT max(key) FROM deployment GROUP BY flow) ORDER BY flow";
    sound_rows(db, sql, [], record)
}

// --- runs

macro_rules! run_columns {
    () => {
        "id, flow, version, plan, status, outcome, initiator, started_at, ended_at, wakeup_at, busy, incident, seq"
    };
}

fn run_row(row: &Row<'_>) -> Read<RunRow> {
    let moment = |index| -> Read<Option<Timestamp>> {
        column::<Option<String>>(row, index)?
            .as_deref()
            .map(read_time)
            .transpose()
    };
    Ok(RunRow {
        id: RunId(column(row, 0)?),
        flow: column(row, 1)?,
        version: column(row, 2)?,
        plan: column(row, 3)?,
        status: read_run_status(text(row, 4)?)?,
        outcome: column(row, 5)?,
        initiator: column(row, 6)?,
        started_at: read_time(text(row, 7)?)?,
        ended_at: moment(8)?,
        wakeup_at: moment(9)?,
        busy: column(row, 10)?,
        incident: column(row, 11)?,
        seq: number(row, 12)?,
    })
}

pub(super) fn run(db: &Connection, run: &RunId) -> Read<Option<RunRow>> {
    first(
        db,
        concat!("SELECT ", run_columns!(), ", intact FROM run WHERE id = ?1"),
        [run.as_str()],
        run_row,
    )
}

pub(super) fn runs(db: &Connection, filter: &RunFilter) -> Read<Vec<RunRow>> {
    let mut sql = String::from(concat!("SELECT ", run_columns!(), ", intact FROM run WHERE TRUE"));
    let mut values: Vec<Sql> = Vec::new();
    if let Some(flow) = &filter.flow {
        sql.push_str(" AND flow = ?");
        values.push(flow.clone().into());
    }
    // Written out, and with what the indexes say of themselves, so that they can be used.
    sql.push_str(match filter.status {
        None => "",
        Some(RunStatus::Running) => " AND status <> 'ended' AND status = 'running'",
        Some(RunStatus::Closing) => " AND status <> 'ended' AND status = 'closing'",
        Some(RunStatus::Ended) => " AND status = 'ended'",
    });
    sql.push_str(match filter.incident {
        None => "",
        Some(true) => " AND incident = 1",
        Some(false) => " AND incident = 0",
    });
    if let Some(version) = &filter.version {
        sql.push_str(" AND version = ?");
        values.push(version.clone().into());
    }
    if let Some(initiator) = &filter.initiator {
        sql.push_str(" AND initiator = ?");
        values.push(initiator.clone().into());
    }
    if let Some(before) = &filter.before {
        sql.push_str(" AND key < (SELECT key FROM run WHERE id = ?)");
        values.push(before.0.clone().into());
    }
    sql.push_str(" ORDER BY key DESC LIMIT ?");
    let limit = if filter.limit == 0 { DEFAULT_RUNS } else { filter.limit };
    values.push(bounded(limit).into());
    sound_rows(db, &sql, params_from_iter(values), run_row)
}

pub(super) fn journal(db: &Connection, run: &RunId, after: u64, limit: usize) -> Read<Vec<EventRecord>> {
    let Ok(after) = i64::try_from(after) else {
        return Ok(Vec::new());
    };
    // The key of the run is compared on the way, so that a wrong stretch cannot hand out events
    // of another run.
    let sql = "SELECT event.seq, event.at, event.v, event.body, event.run = run.key, \
               event.intact AND stretch.intact AS intact \
               FROM run CROSS JOIN stretch ON stretch.run = run.key \
               CROSS JOIN event ON event.position BETWEEN stretch.position \
               AND stretch.position + stretch.last - stretch.first \
               WHERE run.id = ?1 AND stretch.last > ?2 AND event.seq > ?2 \
               ORDER BY stretch.last, event.position LIMIT ?3";
    let missing = |seq: u64| damaged(format!("event {seq} of run {run} is missing from its journal"));
    let mut expected = after.cast_unsigned() + 1;
    let _snapshot = db.unchecked_transaction().map_err(store_error)?;
    let records = rows(db, sql, params![run.as_str(), after, bounded(limit)], |row| {
        let seq = number(row, 0)?;
        if seq != expected || !column::<bool>(row, 4)? {
            return Err(missing(expected));
        }
        expected += 1;
        event_record(run, seq, row)
    })?;
    if records.len() == limit {
        return Ok(records);
    }
    // the end of a journal may also be missing
    let last = first(db, "SELECT seq, intact FROM run WHERE id = ?1", [run.as_str()], |row| {
        number(row, 0)
    })?;
    match last {
        Some(last) if last >= expected => Err(missing(expected)),
        _ => Ok(records),
    }
}

fn event_record(run: &RunId, seq: u64, row: &Row<'_>) -> Read<EventRecord> {
    let v: u32 = column(row, 2)?;
    let body = text(row, 3)?;
    let (event, via) = with_via(body).map_err(|_| match v {
        v if v > JOURNAL_VERSION => StoreError::Newer {
            found: v,
            known: JOURNAL_VERSION,
        },
        _ => damaged(format!("event {seq} of run {run} cannot be read")),
    })?;
    Ok(EventRecord {
        run: run.clone(),
        seq,
        at: read_time(text(row, 1)?)?,
        v,
        via,
        event,
    })
}

/// The event that a row of the journal keeps, and through what its person acted.
fn with_via(body: &str) -> serde_json::Result<(Event, Option<Via>)> {
    #[derive(Deserialize)]
    struct Noted {
        #[serde(default)]
        via: Option<Via>,
    }
    let event = serde_json::from_str(body)?;
    // few lines have it, and to look for it is cheaper than to read each line twice
    if !body.contains(r#""via":"#) {
        return Ok((event, None));
    }
    Ok((event, serde_json::from_str::<Noted>(body)?.via))
}

pub(super) fn wakeups(db: &Connection) -> Read<Vec<(Timestamp, RunId)>> {
    let sql = "SELECT id, wakeup_at, intact FROM run WHERE wakeup_at IS NOT NULL AND status <> 'ended' \
               ORDER BY wakeup_at, key";
    sound_rows(db, sql, [], |row| Ok((read_time(text(row, 1)?)?, run_id(row)?)))
}

/// Each of the three is written in the order of its times.
pub(super) fn last_recorded(db: &Connection) -> Read<Option<Timestamp>> {
    let journal = "SELECT at, intact FROM event ORDER BY position DESC LIMIT 1";
    let journal = sound_rows(db, journal, [], |row| read_time(text(row, 0)?))?.pop();
    let access = "SELECT body, intact FROM access_log ORDER BY position DESC LIMIT 1";
    let access = sound_rows(db, access, [], record::<AccessEntry>)?
        .pop()
        .map(|entry| entry.at);
    let event = "SELECT body, intact FROM inbound ORDER BY key DESC LIMIT 1";
    let event = sound_rows(db, event, [], record::<InboundEvent>)?
        .pop()
        .map(|event| event.at);
    Ok([journal, access, event].into_iter().flatten().max())
}

pub(super) fn busy_runs(db: &Connection) -> Read<Vec<RunId>> {
    sound_rows(db, "SELECT id, intact FROM run WHERE busy = 1 ORDER BY key", [], run_id)
}

// --- tasks

pub(super) fn newest_tasks(db: &Connection, limit: usize) -> Read<Vec<TaskRow>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    sound_rows(
        db,
        "SELECT body, intact FROM task ORDER BY key DESC LIMIT ?1",
        [limit],
        record,
    )
}

pub(super) fn task(db: &Connection, task: &TaskId) -> Read<Option<TaskRow>> {
    first(
        db,
        "SELECT body, intact FROM task WHERE id = ?1",
        [task.as_str()],
        record,
    )
}

pub(super) fn tasks_about(db: &Connection, files: &[FileId]) -> Read<Vec<TaskRow>> {
    let sql = "SELECT body, intact FROM task WHERE json_extract(body, '$.document.id') IN (SELECT value FROM json_each(?1)) \
               ORDER BY key";
    let files =
        serde_json::to_string(files).map_err(|error| damaged(format!("ids of files cannot be written: {error}")))?;
    sound_rows(db, sql, [files], record)
}

pub(super) fn open_tasks(db: &Connection, person: Option<&str>) -> Read<Vec<TaskRow>> {
    match person {
        None => sound_rows(
            db,
            "SELECT body, intact FROM task WHERE open = 1 ORDER BY opened_at, key",
            [],
            record,
        ),
        Some(person) => {
            let sql = "SELECT task.body, task.intact AND task_person.intact AS intact FROM task_person JOIN task ON task.id = task_person.task \
                       WHERE task_person.person = ?1 AND task.open = 1 ORDER BY task.opened_at, task.key";
            sound_rows(db, sql, [person], record)
        }
    }
}

// --- the file space

pub(super) fn workspace(db: &Connection, id: &WorkspaceId) -> Read<Option<Workspace>> {
    first(
        db,
        "SELECT body, intact FROM workspace WHERE id = ?1",
        [id.as_str()],
        record,
    )
}

pub(super) fn file(db: &Connection, id: &FileId) -> Read<Option<File>> {
    first(db, "SELECT body, intact FROM file WHERE id = ?1", [id.as_str()], record)
}

pub(super) fn file_named(db: &Connection, workspace: &WorkspaceId, folder: &str, name: &str) -> Read<Option<File>> {
    let sql = "SELECT body, intact FROM file WHERE workspace = ?1 AND folder = ?2 AND name = ?3";
    first(db, sql, [workspace.as_str(), folder, name], record)
}

pub(super) fn files_in(db: &Connection, workspace: &WorkspaceId, folder: &str) -> Read<Vec<File>> {
    let sql = "SELECT body, intact FROM file WHERE workspace = ?1 AND folder = ?2 ORDER BY name";
    rows(db, sql, [workspace.as_str(), folder], record)
}

pub(super) fn is_locked(db: &Connection, file: &FileId) -> Read<bool> {
    let sql = "SELECT 1, intact FROM file_lock WHERE file = ?1";
    Ok(first(db, sql, [file.as_str()], |_| Ok(()))?.is_some())
}

pub(super) fn files_below(
    db: &Connection,
    workspace: &WorkspaceId,
    folder: &str,
    after: Option<(String, String)>,
    limit: usize,
) -> Read<Vec<File>> {
    let sql = "SELECT body, intact FROM file WHERE workspace = ?1 AND (folder = ?2 OR substr(folder, 1, length(?3)) = ?3) \
               AND (folder, name) > (?4, ?5) ORDER BY folder, name LIMIT ?6";
    let below = format!("{}/", folder.trim_end_matches('/'));
    // no folder is empty, so this comes before all of them
    let (after_folder, after_name) = after.unwrap_or_default();
    let params = params![
        workspace.as_str(),
        folder,
        below,
        after_folder,
        after_name,
        bounded(limit)
    ];
    rows(db, sql, params, record)
}

pub(super) fn all_files(db: &Connection, after: Option<&FileId>, limit: usize) -> Read<Vec<File>> {
    let sql = "SELECT body, intact FROM file WHERE id > ?1 ORDER BY id LIMIT ?2";
    // no id is empty, so this comes before all of them
    let after = after.map_or("", FileId::as_str);
    rows(db, sql, params![after, bounded(limit)], record)
}

fn expires(row: &Row<'_>) -> Read<Expiry> {
    let renew_at: Option<String> = column(row, 3)?;
    Ok(Expiry {
        file: FileId(column(row, 0)?),
        version: number(row, 1)?,
        day: read_time(text(row, 2)?)?,
        renew_at: renew_at.as_deref().map(read_time).transpose()?,
    })
}

pub(super) fn expiry(db: &Connection, file: &FileId) -> Read<Option<Expiry>> {
    let sql = "SELECT file, version, day, renew_at, intact FROM expiry WHERE file = ?1";
    first(db, sql, [file.as_str()], expires)
}

pub(super) fn expiries(
    db: &Connection,
    order: ExpiryOrder,
    not_before: Timestamp,
    after: Option<(Timestamp, FileId)>,
    limit: usize,
) -> Read<Vec<Expiry>> {
    // no time is empty, so this comes before all of them
    let (at, file) = after.map_or_else(Default::default, |(at, file)| (time(at), file.0));
    let (not_before, most) = (time(not_before), bounded(limit));
    match order {
        // one bound, so that the index leads to the first document at once
        ExpiryOrder::Day => {
            let bound = (at, file).max((not_before, String::new()));
            let sql = "SELECT file, version, day, renew_at, intact FROM expiry WHERE (day, file) > (?1, ?2) \
                       ORDER BY day, file LIMIT ?3";
            rows(db, sql, params![bound.0, bound.1, most], expires)
        }
        ExpiryOrder::Renewal => {
            let sql = "SELECT file, version, day, renew_at, intact FROM expiry WHERE renew_at IS NOT NULL \
                       AND day >= ?1 AND (renew_at, file) > (?2, ?3) ORDER BY renew_at, file LIMIT ?4";
            rows(db, sql, params![not_before, at, file, most], expires)
        }
    }
}

pub(super) fn untold_expiries(db: &Connection, limit: usize) -> Read<Vec<Expiry>> {
    let sql = "SELECT file, version, day, renew_at, intact FROM expiry WHERE renew_at IS NOT NULL AND told = 0 \
               ORDER BY renew_at, file LIMIT ?1";
    sound_rows(db, sql, [bounded(limit)], expires)
}

pub(super) fn share(db: &Connection, id: &ShareId) -> Read<Option<Share>> {
    first(
        db,
        "SELECT body, intact FROM share WHERE id = ?1",
        [id.as_str()],
        record,
    )
}

pub(super) fn shares_due(db: &Connection, now: Timestamp) -> Read<Vec<Share>> {
    let sql = "SELECT body, intact FROM share WHERE live = 1 AND expires_at <= ?1 ORDER BY expires_at, key";
    sound_rows(db, sql, [time(now)], record)
}

pub(super) fn next_share_expiry(db: &Connection) -> Read<Option<Timestamp>> {
    let sql = "SELECT expires_at, intact FROM share WHERE live = 1 ORDER BY expires_at LIMIT 1";
    first(db, sql, [], |row| read_time(text(row, 0)?))
}

pub(super) fn grant(db: &Connection, id: &GrantId) -> Read<Option<Grant>> {
    first(
        db,
        "SELECT body, intact FROM access_grant WHERE id = ?1",
        [id.as_str()],
        record,
    )
}

pub(super) fn grant_by_token(db: &Connection, token_hash: &str) -> Read<Option<Grant>> {
    let sql = "SELECT body, intact FROM access_grant WHERE token_hash = ?1 AND token_hash <> ''";
    first(db, sql, [token_hash], record)
}

pub(super) fn grants_after(db: &Connection, after: Option<&GrantId>, limit: usize) -> Read<Vec<Grant>> {
    let sql = "SELECT body, intact FROM access_grant \
               WHERE key > coalesce((SELECT key FROM access_grant WHERE id = ?1), 0) ORDER BY key LIMIT ?2";
    rows(db, sql, params![after.map(GrantId::as_str), bounded(limit)], record)
}

pub(super) fn grants_of(db: &Connection, share: &ShareId) -> Read<Vec<Grant>> {
    rows(
        db,
        "SELECT body, intact FROM access_grant WHERE share = ?1 ORDER BY key",
        [share.as_str()],
        record,
    )
}

pub(super) fn comments_in(db: &Connection, share: &ShareId) -> Read<Vec<Comment>> {
    rows(
        db,
        "SELECT body, intact FROM comment WHERE share = ?1 ORDER BY key",
        [share.as_str()],
        record,
    )
}

pub(super) fn access_log(
    db: &Connection,
    share: Option<&ShareId>,
    after: u64,
    limit: usize,
) -> Read<Vec<(u64, AccessEntry)>> {
    let Ok(after) = i64::try_from(after) else {
        return Ok(Vec::new());
    };
    let line = |row: &Row<'_>| Ok((number(row, 1)?, record(row)?));
    match share {
        None => {
            let sql = "SELECT body, position, intact FROM access_log WHERE position > ?1 ORDER BY position LIMIT ?2";
            rows(db, sql, params![after, bounded(limit)], line)
        }
        Some(share) => {
            let sql = "SELECT body, position, intact FROM access_log WHERE share = ?1 AND position > ?2 \
                       ORDER BY position LIMIT ?3";
            rows(db, sql, params![share.as_str(), after, bounded(limit)], line)
        }
    }
}

// --- events, mails, keys

pub(super) fn owners_of(db: &Connection, subjects: &[String]) -> Read<Vec<RunId>> {
    let mut owners = std::collections::BTreeSet::new();
    for subject in subjects {
        owners.extend(rows(
            db,
            "SELECT run, intact FROM owner WHERE thing = ?1",
            [subject],
            run_id,
        )?);
    }
    Ok(owners.into_iter().collect())
}

pub(super) fn subscribers(db: &Connection, kind: &str, key: &str) -> Read<Vec<RunId>> {
    let sql = "SELECT run, intact FROM subscription WHERE kind = ?1 AND event_key = ?2 ORDER BY run";
    rows(db, sql, [kind, key], run_id)
}

pub(super) fn event(db: &Connection, id: &EventId) -> Read<Option<InboundEvent>> {
    first(
        db,
        "SELECT body, intact FROM inbound WHERE id = ?1",
        [id.as_str()],
        record,
    )
}

pub(super) fn pending_events(db: &Connection, now: Timestamp, limit: usize) -> Read<Vec<PendingEvent>> {
    let sql = "SELECT body, attempts, intact FROM inbound WHERE due_at <= ?1 ORDER BY due_at, key LIMIT ?2";
    sound_rows(db, sql, params![time(now), bounded(limit)], |row| {
        Ok(PendingEvent {
            event: record(row)?,
            attempts: column(row, 1)?,
        })
    })
}

pub(super) fn is_delivered(db: &Connection, event: &EventId, target: &str) -> Read<bool> {
    let sql = "SELECT 1, intact FROM delivery WHERE event = ?1 AND target = ?2";
    Ok(first(db, sql, [event.as_str(), target], |_| Ok(()))?.is_some())
}

pub(super) fn next_event_due(db: &Connection) -> Read<Option<Timestamp>> {
    let sql = "SELECT due_at, intact FROM inbound WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1";
    first(db, sql, [], |row| read_time(text(row, 0)?))
}

pub(super) fn deliveries(db: &Connection, event: &EventId) -> Read<Vec<String>> {
    let sql = "SELECT target, intact FROM delivery WHERE event = ?1 ORDER BY target";
    rows(db, sql, [event.as_str()], |row| column(row, 0))
}

pub(super) fn kept_events(db: &Connection) -> Read<KeptEvents> {
    let sql = "SELECT count(*), coalesce(sum(max(0, min(bytes, ?1))), 0) FROM inbound WHERE kept_until IS NOT NULL";
    let kept = unverified_first(db, sql, [KEPT_BYTES_OF_ONE], |row| {
        Ok(KeptEvents {
            count: usize::try_from(number(row, 0)?).unwrap_or(usize::MAX),
            bytes: number(row, 1)?,
        })
    })?;
    Ok(kept.unwrap_or_default())
}

pub(super) fn has_outdated(db: &Connection, what: Outdated) -> Read<bool> {
    // the same rows as a removal takes, so that whoever repeats it until there are none comes to an end
    let (sql, moment) = match what {
        Outdated::Events { done } => (outdated_sql!(events), done),
        Outdated::Kept { until, .. } => (outdated_sql!(kept), until),
        Outdated::Mails { written } => (outdated_sql!(mails), written),
        Outdated::UsedKeys { now } => (outdated_sql!(used_keys), now),
    };
    Ok(unverified_first(db, sql, params![time(moment), OUTDATED_LOOKED_AT], |_| Ok(()))?.is_some())
}

pub(super) fn mail(db: &Connection, id: &MailId) -> Read<Option<OutboxMail>> {
    first(db, "SELECT body, intact FROM mail WHERE id = ?1", [id.as_str()], record)
}

pub(super) fn mails_due(db: &Connection, now: Timestamp, limit: usize) -> Read<Vec<OutboxMail>> {
    // moments to the second are ordered as their texts are
    let sql = "SELECT body, intact FROM mail WHERE state = ?1 AND coalesce(json_extract(body, '$.next_at'), '') <= ?2 \
               ORDER BY key LIMIT ?3";
    let now = format!("{now:.0}");
    sound_rows(
        db,
        sql,
        params![mail_state(MailState::Queued), now, bounded(limit)],
        record,
    )
}

pub(super) fn standing(db: &Connection) -> Read<Standing> {
    let count = |sql: &str| Ok::<u64, StoreError>(unverified_first(db, sql, [], |row| number(row, 0))?.unwrap_or(0));
    Ok(Standing {
        runs: count("SELECT count(*) FROM run WHERE status <> 'ended'")?,
        incidents: count("SELECT count(*) FROM run WHERE incident = 1 AND status <> 'ended'")?,
        tasks: count("SELECT count(*) FROM task WHERE open = 1")?,
        mails_queued: count("SELECT count(*) FROM mail WHERE state IN ('queued', 'sending')")?,
        mails_failed: count("SELECT count(*) FROM mail WHERE state IN ('failed', 'in_doubt')")?,
    })
}

pub(super) fn mails(db: &Connection, state: MailState, limit: usize) -> Read<Vec<OutboxMail>> {
    let sql = "SELECT body, intact FROM mail WHERE state = ?1 ORDER BY key LIMIT ?2";
    sound_rows(db, sql, params![mail_state(state), bounded(limit)], record)
}

pub(super) fn used_keys(db: &Connection, scope: &str) -> Read<Vec<(String, Used)>> {
    let sql = "SELECT key, value, digest, intact FROM used_key WHERE scope = ?1 ORDER BY key";
    rows(db, sql, [scope], |row| {
        let used = Used {
            value: column(row, 1)?,
            digest: column(row, 2)?,
        };
        Ok((column(row, 0)?, used))
    })
}

pub(super) fn used_for(db: &Connection, scope: &str, key: &str) -> Read<Option<Used>> {
    let sql = "SELECT value, digest, intact FROM used_key WHERE scope = ?1 AND key = ?2";
    first(db, sql, [scope, key], |row| {
        Ok(Used {
            value: column(row, 0)?,
            digest: column(row, 1)?,
        })
    })
}
