//! From a unit of work to SQL statements with their values, on the caller's side: the writer
//! thread only executes.

use super::columns::{mail_state, run_status, time};
use super::outdated::outdated_sql;
use crate::base::id::RunId;
use crate::base::{Timestamp, Via};
use crate::engine::{Event, InboundEvent};
use crate::space::{Comment, Expiry, File, Grant, Share, State, Workspace};
use crate::store::model::{
    CommitError, Deployment, Mark, OutboxMail, Outdated, RunCommit, RunRow, StoreError, Subscription, TaskRow,
    TaskState, UnitOfWork, Write, file_in_words,
};
use rusqlite::types::Value as Sql;
use serde::Serialize;

/// When a new event is due: before every other one.
const AT_ONCE: Timestamp = Timestamp::UNIX_EPOCH;

/// A unit of work, ready to be executed.
pub(super) struct EncodedUnit {
    pub run: Option<EncodedRun>,
    pub statements: Vec<Statement>,
}

impl EncodedUnit {
    /// Whether the unit can be refused after it has already changed something, so that there
    /// must be a way back to its beginning.
    pub fn may_fail_half_way(&self) -> bool {
        let refusable = self
            .statements
            .iter()
            .rposition(|statement| !matches!(statement.miss, Miss::Fine));
        match refusable {
            None => false,
            Some(last) => last > 0 || self.run.is_some(),
        }
    }
}

/// The progress of a run.
pub(super) struct EncodedRun {
    pub row: RunRow,
    /// Position of the run's last event before.
    pub before: u64,
    pub started_at: String,
    pub ended_at: Option<String>,
    pub wakeup_at: Option<String>,
    pub events: Vec<EncodedEvent>,
}

/// One event.
pub(super) struct EncodedEvent {
    pub seq: i64,
    pub at: String,
    pub v: u32,
    pub body: String,
}

/// An event of the journal with what the person acted through, as a row keeps it.
#[derive(Serialize)]
struct Body<'e> {
    via: &'e Option<Via>,
    #[serde(flatten)]
    event: &'e Event,
}

/// One statement and what it means when it changes nothing.
pub(super) struct Statement {
    pub sql: &'static str,
    pub values: Vec<Sql>,
    pub miss: Miss,
}

/// What it means that a statement changed nothing.
pub(super) enum Miss {
    /// Nothing.
    Fine,
    /// Somebody else was faster.
    Conflict(String),
    /// The mark had been set before.
    Duplicate(Mark),
}

pub(super) fn encode(unit: UnitOfWork) -> Result<EncodedUnit, CommitError> {
    let run = unit.run.map(encode_run).transpose()?;
    let mut statements = Vec::with_capacity(unit.writes.len());
    for write in unit.writes {
        encode_write(write, &mut statements)?;
    }
    Ok(EncodedUnit { run, statements })
}

fn encode_run(commit: RunCommit) -> Result<EncodedRun, StoreError> {
    let before = commit.position_before()?;
    let row = commit.row;
    integer(row.seq)?;
    let mut events = Vec::with_capacity(commit.events.len());
    for record in &commit.events {
        events.push(EncodedEvent {
            seq: integer(record.seq)?,
            at: time(record.at),
            v: record.v,
            body: match &record.via {
                None => json(&record.event)?,
                via => json(&Body {
                    via,
                    event: &record.event,
                })?,
            },
        });
    }
    Ok(EncodedRun {
        before,
        started_at: time(row.started_at),
        ended_at: row.ended_at.map(time),
        wakeup_at: row.wakeup_at.map(time),
        row,
        events,
    })
}

/// The values of a run's row that change while it lives.
impl EncodedRun {
    pub fn status(&self) -> &'static str {
        run_status(self.row.status)
    }
}

fn encode_write(write: Write, out: &mut Vec<Statement>) -> Result<(), StoreError> {
    match write {
        Write::Deploy(deployment) => out.push(deploy(&deployment)?),
        Write::PutTask(task) => put_task(task, out)?,
        Write::PutMail(mail) => out.push(put_mail(mail)?),
        Write::Own { thing, run } => out.push(fine(
            "INSERT INTO owner (thing, run) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            vec![thing.into(), run.0.into()],
        )),
        Write::Disown { thing, run } => {
            out.push(fine(
                "DELETE FROM owner WHERE thing = ?1 AND run = ?2",
                vec![thing.into(), run.0.into()],
            ));
        }
        Write::Subscribe { run, to, no_longer } => subscribe(&run, to, no_longer, out),
        Write::PutWorkspace(workspace) => out.push(put_workspace(workspace)?),
        Write::PutFile(file) => out.push(put_file(file)?),
        Write::Lock { file, run } => out.push(fine(
            "INSERT INTO file_lock (file, run) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            vec![file.0.into(), run.0.into()],
        )),
        Write::Unlock { file, run } => out.push(fine(
            "DELETE FROM file_lock WHERE file = ?1 AND run = ?2",
            vec![file.0.into(), run.0.into()],
        )),
        Write::PutExpiry(expiry) => out.push(put_expiry(expiry)?),
        Write::EndExpiry { file } => out.push(fine("DELETE FROM expiry WHERE file = ?1", vec![file.0.into()])),
        Write::ExpiryTold { file, version } => out.push(Statement {
            sql: "UPDATE expiry SET told = 1 WHERE file = ?1 AND version = ?2 AND told = 0",
            miss: Miss::Conflict(format!("document {file}")),
            values: vec![file.0.into(), integer(version)?.into()],
        }),
        Write::PutShare(share) => out.push(put_share(share)?),
        Write::PutGrant(grant) => out.push(put_grant(grant)?),
        Write::AddComment(comment) => out.push(add_comment(&comment)?),
        Write::Access(entry) => out.push(fine(
            "INSERT INTO access_log (share, body) VALUES (?1, ?2)",
            vec![entry.share.clone().into(), json(&entry)?.into()],
        )),
        other => encode_delivery(other, out)?,
    }
    Ok(())
}

fn encode_delivery(write: Write, out: &mut Vec<Statement>) -> Result<(), StoreError> {
    match write {
        Write::Event(event) => record_event(&event, out)?,
        Write::Delivered(delivery) => out.push(Statement {
            sql: "INSERT INTO delivery (event, target) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            miss: Miss::Duplicate(Mark::Delivered(delivery.clone())),
            values: vec![delivery.event.0.into(), delivery.target.into()],
        }),
        Write::EventDone { event, at } => {
            out.push(fine(
                "DELETE FROM inbound_subject WHERE event = (SELECT key FROM inbound WHERE id = ?1)",
                vec![event.0.clone().into()],
            ));
            out.push(fine(
                "UPDATE inbound SET due_at = NULL, kept_until = NULL, done_at = ?2 WHERE id = ?1 AND done_at IS NULL",
                vec![event.0.into(), time(at).into()],
            ));
        }
        Write::EventLater { event, due } => out.push(fine(
            "UPDATE inbound SET due_at = ?2, attempts = attempts + 1 WHERE id = ?1 AND due_at IS NOT NULL",
            vec![event.0.into(), time(due).into()],
        )),
        Write::EventsDue => out.push(fine(
            "UPDATE inbound SET due_at = ?1 WHERE due_at > ?1",
            vec![time(AT_ONCE).into()],
        )),
        Write::KeepEvent { event, until } => out.push(Statement {
            sql: "UPDATE inbound SET due_at = NULL, kept_until = ?2 WHERE id = ?1 AND due_at IS NOT NULL \
                  AND NOT EXISTS (SELECT 1 FROM subscription WHERE subscription.kind = inbound.kind \
                  AND subscription.event_key = inbound.event_key)",
            miss: Miss::Conflict(format!("event {event}")),
            values: vec![event.0.into(), time(until).into()],
        }),
        Write::Once {
            scope,
            key,
            value,
            digest,
            until,
        } => out.push(Statement {
            sql: "INSERT INTO used_key (scope, key, value, digest, until) VALUES (?1, ?2, ?3, ?4, ?5) \
                  ON CONFLICT DO NOTHING",
            values: vec![
                scope.clone().into(),
                key.clone().into(),
                value.into(),
                digest.into(),
                until.map(time).into(),
            ],
            miss: Miss::Duplicate(Mark::Used { scope, key }),
        }),
        Write::ForgetKey { scope, key } => out.push(fine(
            "DELETE FROM used_key WHERE scope = ?1 AND key = ?2",
            vec![scope.into(), key.into()],
        )),
        Write::Forget { what, at_most } => forget(what, at_most, out),
        other => return Err(StoreError::Failed(format!("no way to write {other:?}"))),
    }
    Ok(())
}

/// A new event is due at once. One of the same id is left alone.
fn record_event(event: &InboundEvent, out: &mut Vec<Statement>) -> Result<(), StoreError> {
    let body = json(event)?;
    let bytes = integer(body.len() as u64)?;
    out.push(fine(
        "INSERT INTO inbound (id, kind, event_key, bytes, attempts, due_at, body) \
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6) ON CONFLICT DO NOTHING",
        vec![
            event.id.0.clone().into(),
            event.kind.clone().into(),
            event.key.clone().into(),
            bytes.into(),
            time(AT_ONCE).into(),
            body.into(),
        ],
    ));
    if !event.subjects.is_empty() {
        // of the one that is stored, which may be another of the same id
        out.push(fine(
            "INSERT INTO inbound_subject (subject, event) \
             SELECT subject.value, inbound.key FROM inbound, json_each(inbound.body, '$.subjects') AS subject \
             WHERE inbound.id = ?1 AND inbound.done_at IS NULL ON CONFLICT DO NOTHING",
            vec![event.id.0.clone().into()],
        ));
    }
    Ok(())
}

/// Removes what is outdated, and nothing by the date of a damaged row.
fn forget(what: Outdated, at_most: usize, out: &mut Vec<Statement>) {
    let at_most = Sql::from(i64::try_from(at_most).unwrap_or(i64::MAX));
    match what {
        Outdated::Events { done } => {
            let done = Sql::from(time(done));
            // deliveries first: afterwards nobody knows of which events they were
            out.push(fine(
                concat!(
                    "DELETE FROM delivery WHERE event IN (SELECT id FROM inbound WHERE key IN (",
                    outdated_sql!(events),
                    "))"
                ),
                vec![done.clone(), at_most.clone()],
            ));
            out.push(fine(
                concat!("DELETE FROM inbound WHERE key IN (", outdated_sql!(events), ")"),
                vec![done, at_most],
            ));
        }
        Outdated::Kept { until, at } => {
            let until = Sql::from(time(until));
            out.push(fine(
                concat!("DELETE FROM inbound_subject WHERE event IN (", outdated_sql!(kept), ")"),
                vec![until.clone(), at_most.clone()],
            ));
            out.push(fine(
                concat!(
                    "UPDATE inbound SET kept_until = NULL, done_at = ?3 WHERE key IN (",
                    outdated_sql!(kept),
                    ")"
                ),
                vec![until, at_most, time(at).into()],
            ));
        }
        Outdated::Mails { written } => out.push(fine(
            concat!("DELETE FROM mail WHERE key IN (", outdated_sql!(mails), ")"),
            vec![time(written).into(), at_most],
        )),
        Outdated::UsedKeys { now } => out.push(fine(
            concat!(
                "DELETE FROM used_key WHERE (scope, key) IN (",
                outdated_sql!(used_keys),
                ")"
            ),
            vec![time(now).into(), at_most],
        )),
    }
}

fn put_workspace(mut workspace: Workspace) -> Result<Statement, StoreError> {
    let rev = next(&mut workspace.rev)?;
    let body = json(&workspace)?;
    let what = format!("workspace {}", workspace.id);
    Ok(put(
        rev,
        "INSERT INTO workspace (id, rev, body) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        "UPDATE workspace SET rev = ?2, body = ?3 WHERE id = ?1 AND rev = ?2 - 1",
        vec![workspace.id.0.into(), rev.into(), body.into()],
        what,
    ))
}

/// An update that would take the name of another file changes nothing, like one by somebody who
/// has not seen the last change, and like one of a file that is locked.
fn put_file(mut file: File) -> Result<Statement, StoreError> {
    let rev = next(&mut file.rev)?;
    let body = json(&file)?;
    let what = file_in_words(&file);
    Ok(put(
        rev,
        "INSERT INTO file (id, rev, workspace, folder, name, body) SELECT ?1, ?2, ?3, ?4, ?5, ?6 \
         WHERE NOT EXISTS (SELECT 1 FROM file_lock WHERE file = ?1) ON CONFLICT DO NOTHING",
        "UPDATE OR IGNORE file SET rev = ?2, workspace = ?3, folder = ?4, name = ?5, body = ?6 \
         WHERE id = ?1 AND rev = ?2 - 1 AND NOT EXISTS (SELECT 1 FROM file_lock WHERE file = ?1)",
        vec![
            file.id.0.into(),
            rev.into(),
            file.workspace.0.into(),
            file.folder.into(),
            file.name.into(),
            body.into(),
        ],
        what,
    ))
}

fn put_expiry(expiry: Expiry) -> Result<Statement, StoreError> {
    Ok(fine(
        "INSERT INTO expiry (file, version, day, renew_at, told) VALUES (?1, ?2, ?3, ?4, 0) \
         ON CONFLICT (file) DO UPDATE SET told = CASE WHEN version = excluded.version THEN told ELSE 0 END, \
         version = excluded.version, day = excluded.day, renew_at = excluded.renew_at",
        vec![
            expiry.file.0.into(),
            integer(expiry.version)?.into(),
            time(expiry.day).into(),
            expiry.renew_at.map(time).into(),
        ],
    ))
}

fn put_share(mut share: Share) -> Result<Statement, StoreError> {
    let rev = next(&mut share.rev)?;
    let body = json(&share)?;
    let what = format!("share {}", share.id);
    let is_live = i64::from(share.state == State::Live);
    Ok(put(
        rev,
        "INSERT INTO share (id, rev, live, expires_at, body) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        "UPDATE share SET rev = ?2, live = ?3, expires_at = ?4, body = ?5 WHERE id = ?1 AND rev = ?2 - 1",
        vec![
            share.id.0.into(),
            rev.into(),
            is_live.into(),
            time(share.expires_at).into(),
            body.into(),
        ],
        what,
    ))
}

fn put_grant(mut grant: Grant) -> Result<Statement, StoreError> {
    let rev = next(&mut grant.rev)?;
    let body = json(&grant)?;
    let what = format!("grant {}", grant.id);
    Ok(put(
        rev,
        "INSERT INTO access_grant (id, rev, share, token_hash, body) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT DO NOTHING",
        "UPDATE OR IGNORE access_grant SET rev = ?2, share = ?3, token_hash = ?4, body = ?5 \
         WHERE id = ?1 AND rev = ?2 - 1",
        vec![
            grant.id.0.into(),
            rev.into(),
            grant.share.0.into(),
            grant.token_hash.into(),
            body.into(),
        ],
        what,
    ))
}

fn add_comment(comment: &Comment) -> Result<Statement, StoreError> {
    Ok(Statement {
        sql: "INSERT INTO comment (id, share, body) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        values: vec![
            comment.id.0.clone().into(),
            comment.share.0.clone().into(),
            json(comment)?.into(),
        ],
        miss: Miss::Conflict(format!("comment {}", comment.id)),
    })
}

/// A version is deployed once.
fn deploy(deployment: &Deployment) -> Result<Statement, StoreError> {
    Ok(Statement {
        sql: "INSERT INTO deployment (flow, version, hash, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        values: vec![
            deployment.flow.clone().into(),
            deployment.version.clone().into(),
            deployment.hash.clone().into(),
            json(deployment)?.into(),
        ],
        miss: Miss::Conflict(deployment.what()),
    })
}

fn put_task(mut task: TaskRow, out: &mut Vec<Statement>) -> Result<(), StoreError> {
    let is_new = task.rev == 0;
    let rev = next(&mut task.rev)?;
    let is_open = task.state == TaskState::Open;
    let values = vec![
        task.id.0.clone().into(),
        rev.into(),
        i64::from(is_open).into(),
        time(task.opened_at).into(),
        json(&task)?.into(),
    ];
    out.push(put(
        rev,
        "INSERT INTO task (id, rev, open, opened_at, body) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        "UPDATE task SET rev = ?2, open = ?3, opened_at = ?4, body = ?5 WHERE id = ?1 AND rev = ?2 - 1",
        values,
        format!("task {}", task.id),
    ));
    if !is_new {
        out.push(fine(
            "DELETE FROM task_person WHERE task = ?1",
            vec![task.id.0.clone().into()],
        ));
    }
    if is_open {
        for person in task.listed_for() {
            out.push(fine(
                "INSERT INTO task_person (person, task) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                vec![person.clone().into(), task.id.0.clone().into()],
            ));
        }
    }
    Ok(())
}

fn put_mail(mut mail: OutboxMail) -> Result<Statement, StoreError> {
    let rev = next(&mut mail.rev)?;
    let values = vec![
        mail.id.0.clone().into(),
        rev.into(),
        mail_state(mail.state).to_owned().into(),
        time(mail.at).into(),
        json(&mail)?.into(),
    ];
    Ok(put(
        rev,
        "INSERT INTO mail (id, rev, state, at, body) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        "UPDATE mail SET rev = ?2, state = ?3, at = ?4, body = ?5 WHERE id = ?1 AND rev = ?2 - 1",
        values,
        format!("mail {}", mail.id),
    ))
}

fn subscribe(run: &RunId, to: Vec<Subscription>, no_longer: Vec<Subscription>, out: &mut Vec<Statement>) {
    for subscription in no_longer {
        out.push(fine(
            "DELETE FROM subscription WHERE kind = ?1 AND event_key = ?2 AND run = ?3",
            vec![subscription.kind.into(), subscription.key.into(), run.0.clone().into()],
        ));
    }
    for subscription in to {
        out.push(fine(
            "INSERT INTO subscription (kind, event_key, run) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            vec![
                subscription.kind.clone().into(),
                subscription.key.clone().into(),
                run.0.clone().into(),
            ],
        ));
        out.push(fine(
            "UPDATE inbound SET due_at = ?3, kept_until = NULL \
             WHERE kind = ?1 AND event_key = ?2 AND kept_until IS NOT NULL",
            vec![subscription.kind.into(), subscription.key.into(), time(AT_ONCE).into()],
        ));
    }
}

fn fine(sql: &'static str, values: Vec<Sql>) -> Statement {
    Statement {
        sql,
        values,
        miss: Miss::Fine,
    }
}

fn put(rev: i64, insert: &'static str, update: &'static str, values: Vec<Sql>, what: String) -> Statement {
    Statement {
        sql: if rev == 1 { insert } else { update },
        values,
        miss: Miss::Conflict(what),
    }
}

/// Counts up the `rev` that a record carries and gives it as SQL has it.
fn next(rev: &mut u64) -> Result<i64, StoreError> {
    *rev = rev.saturating_add(1);
    integer(*rev)
}

fn integer(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Failed(format!("{number} is too large to be stored")))
}

fn json<T: Serialize>(record: &T) -> Result<String, StoreError> {
    serde_json::to_string(record).map_err(|error| StoreError::Failed(format!("a record cannot be written: {error}")))
}
