//! From a unit of work to SQL statements with their values, on the caller's side: the writer
//! thread only executes.

use super::columns::{mail_state, run_status, time};
use crate::base::id::RunId;
use crate::space::{Comment, File, Grant, Share, State, Workspace};
use crate::store::model::{
    CommitError, Deployment, OutboxMail, RunCommit, RunRow, StoreError, Subscription, TaskRow, TaskState, UnitOfWork,
    Write, file_in_words,
};
use rusqlite::types::Value as Sql;
use serde::Serialize;

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
    /// It had been done before.
    Duplicate(String),
    /// The key was used before; the first value is with the key.
    Used { scope: String, key: String },
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
            body: json(&record.event)?,
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
        Write::Subscribe { run, to } => subscribe(&run, to, out),
        Write::Event(event) => out.push(fine(
            "INSERT INTO inbound (id, done, body) VALUES (?1, 0, ?2) ON CONFLICT DO NOTHING",
            vec![event.id.0.clone().into(), json(&event)?.into()],
        )),
        Write::Delivered(delivery) => out.push(Statement {
            sql: "INSERT INTO delivery (event, target) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            miss: Miss::Duplicate(delivery.what()),
            values: vec![delivery.event.0.into(), delivery.target.into()],
        }),
        Write::EventDone(event) => {
            out.push(fine("UPDATE inbound SET done = 1 WHERE id = ?1", vec![event.0.into()]));
        }
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
            miss: Miss::Used { scope, key },
        }),
        Write::ForgetUsed { now } => {
            out.push(fine("DELETE FROM used_key WHERE until <= ?1", vec![time(now).into()]));
        }
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
        Write::PutShare(share) => out.push(put_share(share)?),
        Write::PutGrant(grant) => out.push(put_grant(grant)?),
        Write::AddComment(comment) => out.push(add_comment(&comment)?),
        Write::Access(entry) => out.push(fine(
            "INSERT INTO access_log (share, body) VALUES (?1, ?2)",
            vec![entry.share.clone().into(), json(&entry)?.into()],
        )),
    }
    Ok(())
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

fn deploy(deployment: &Deployment) -> Result<Statement, StoreError> {
    Ok(fine(
        "INSERT INTO deployment (flow, hash, body) VALUES (?1, ?2, ?3)",
        vec![
            deployment.flow.clone().into(),
            deployment.hash.clone().into(),
            json(deployment)?.into(),
        ],
    ))
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
        for person in task.people {
            out.push(fine(
                "INSERT INTO task_person (person, task) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                vec![person.into(), task.id.0.clone().into()],
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
        json(&mail)?.into(),
    ];
    Ok(put(
        rev,
        "INSERT INTO mail (id, rev, state, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        "UPDATE mail SET rev = ?2, state = ?3, body = ?4 WHERE id = ?1 AND rev = ?2 - 1",
        values,
        format!("mail {}", mail.id),
    ))
}

fn subscribe(run: &RunId, to: Vec<Subscription>, out: &mut Vec<Statement>) {
    out.push(fine(
        "DELETE FROM subscription WHERE run = ?1",
        vec![run.0.clone().into()],
    ));
    for subscription in to {
        out.push(fine(
            "INSERT INTO subscription (kind, event_key, run) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            vec![subscription.kind.into(), subscription.key.into(), run.0.clone().into()],
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
