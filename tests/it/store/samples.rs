//! Records to store.

use gatefold::audit::{AccessEntry, AccessKind, Origin};
use gatefold::base::id::{CommentId, EventId, FileId, GrantId, MailId, RunId, ShareId, TaskId, WorkspaceId};
use gatefold::base::{Calendars, FileRef, Semantics, Timestamp, Via};
use gatefold::engine::view::AskKind;
use gatefold::engine::{Event, EventRecord, InboundEvent};
use gatefold::space::{Comment, File, Follow, Grant, Principal, Role, Share, SharedVersion, State, Version, Workspace};
use gatefold::store::{
    CommitError, Deployment, MailState, OutboxMail, RunCommit, RunRow, RunStatus, Store, TaskRow, TaskState,
    UnitOfWork, Write,
};
use serde_json::json;

/// Seconds after the beginning of the tests' time.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("the second is in range")
}

pub fn run_row(id: &str, seq: u64) -> RunRow {
    RunRow {
        id: RunId::from(id),
        flow: "review".to_owned(),
        version: "1".to_owned(),
        plan: "f00d".to_owned(),
        status: RunStatus::Running,
        outcome: None,
        initiator: "user:anna".to_owned(),
        started_at: at(0),
        ended_at: None,
        wakeup_at: None,
        busy: false,
        incident: false,
        seq,
    }
}

pub fn event(run: &str, seq: u64) -> EventRecord {
    let round = u32::try_from(seq).expect("test journals are short");
    EventRecord {
        run: RunId::from(run),
        seq,
        at: "2027-01-15T08:00:00.123456789Z".parse().expect("the literal is a time"),
        v: 1,
        via: seq.is_multiple_of(2).then(|| Via::Token("tok_0123456789ab".to_owned())),
        event: Event::StepFinished {
            step: format!("step_{seq}"),
            round,
            outcome: "done".to_owned(),
            output: json!({"number": 0.1 + 0.2, "text": "Zahlung über 5 € “sofort”\n", "large": u64::MAX, "null": null}),
            cause: None,
            in_doubt: false,
            by_hand: None,
        },
    }
}

/// The progress of `run` by the events after `before`, up to `seq`.
pub fn progress(run: &str, before: u64, seq: u64) -> RunCommit {
    RunCommit {
        events: (before + 1..=seq).map(|seq| event(run, seq)).collect(),
        row: run_row(run, seq),
    }
}

pub fn of_run(commit: RunCommit) -> UnitOfWork {
    UnitOfWork {
        run: Some(commit),
        writes: Vec::new(),
    }
}

pub fn of_writes(writes: impl IntoIterator<Item = Write>) -> UnitOfWork {
    UnitOfWork {
        run: None,
        writes: writes.into_iter().collect(),
    }
}

/// Does one unit that must succeed.
pub async fn done(store: &dyn Store, unit: UnitOfWork) {
    store.commit(unit).await.expect("the unit of work is accepted");
}

pub fn conflict(what: &str) -> Result<(), CommitError> {
    Err(CommitError::Conflict { what: what.to_owned() })
}

pub fn deployment(flow: &str, version: &str) -> Deployment {
    Deployment {
        flow: flow.to_owned(),
        version: version.to_owned(),
        hash: format!("{flow}-{version}"),
        source: "flow: review\n".to_owned(),
        calendars: Calendars::new(),
        semantics: Semantics::CURRENT,
        by: "user:anna".to_owned(),
        at: at(0),
    }
}

pub fn workspace(id: &str) -> Workspace {
    Workspace {
        id: WorkspaceId::from(id),
        name: "Contracts".to_owned(),
        created_by: "user:anna".to_owned(),
        created_at: at(0),
        state: State::Live,
        rev: 0,
    }
}

pub fn file(id: &str, folder: &str, name: &str) -> File {
    File {
        id: FileId::from(id),
        workspace: WorkspaceId::from("wsp_main"),
        folder: folder.to_owned(),
        name: name.to_owned(),
        versions: vec![Version {
            number: 1,
            sha256: "ab".repeat(32),
            size: 12,
            media_type: "application/pdf".to_owned(),
            by: "user:anna".to_owned(),
            at: at(1),
            uploaded_by: None,
            also_by: Vec::new(),
            paper: None,
        }],
        rev: 0,
    }
}

pub fn share(id: &str, expires_at: Timestamp) -> Share {
    Share {
        id: ShareId::from(id),
        name: "For review".to_owned(),
        workspace: WorkspaceId::from("wsp_main"),
        folder: "/contracts".to_owned(),
        files: vec![SharedVersion {
            file: FileId::from("fil_1"),
            version: 1,
        }],
        follow: Follow::Exact,
        expires_at,
        state: State::Live,
        downloaded: Vec::new(),
        has_ended_with_run: false,
        created_by: "run:run_1".to_owned(),
        created_at: at(0),
        run: Some(RunId::from("run_1")),
        request: None,
        rev: 0,
    }
}

pub fn grant(id: &str, share: &str, token_hash: &str) -> Grant {
    Grant {
        id: GrantId::from(id),
        share: ShareId::from(share),
        to: Principal::Email("rita@example.com".to_owned()),
        through: None,
        role: Role::Contribute,
        token_hash: token_hash.to_owned(),
        password_hash: None,
        failed_passwords: 0,
        codes: None,
        expires_at: Some(at(50)),
        state: State::Live,
        created_at: at(0),
        opened_at: None,
        withdrawn: None,
        revocation: None,
        announced: None,
        rev: 0,
    }
}

pub fn comment(id: &str, share: &str) -> Comment {
    Comment {
        id: CommentId::from(id),
        share: ShareId::from(share),
        file: None,
        text: "Clause 4?".to_owned(),
        by: "email:rita@example.com".to_owned(),
        at: at(5),
    }
}

pub fn access(share: Option<&str>) -> AccessEntry {
    AccessEntry {
        at: at(7),
        actor: "unknown".to_owned(),
        kind: AccessKind::Download,
        share: share.map(str::to_owned),
        file: None,
        version: None,
        sha256: None,
        refused: Some("the share has expired".to_owned()),
        run: None,
        has_link_only: false,
        origin: Origin::default(),
    }
}

pub fn task(id: &str, people: &[&str], opened_at: Timestamp) -> TaskRow {
    TaskRow {
        id: TaskId::from(id),
        run: RunId::from("run_1"),
        flow: "review".to_owned(),
        step: "approve".to_owned(),
        title: "Approve".to_owned(),
        ask: None,
        kind: AskKind::Approve,
        document: Some(FileRef {
            id: "fil_1".to_owned(),
            name: "contract.pdf".to_owned(),
            version: 1,
            sha256: "ab".repeat(32),
            size: 12,
            media_type: "application/pdf".to_owned(),
            by: None,
        }),
        form: Vec::new(),
        decisions: vec!["approved".to_owned(), "rejected".to_owned()],
        reason: Vec::new(),
        deputies: Vec::new(),
        escalated: Vec::new(),
        place: None,
        claimed_by: None,
        given_to: Some("user:anna".to_owned()),
        suspended: None,
        allow: Vec::new(),
        started: Vec::new(),
        draft: None,
        visible: gatefold::engine::event::Watchers::default(),
        priority: gatefold::engine::view::Priority::Normal,
        thread: Vec::new(),
        people: people.iter().map(|person| (*person).to_owned()).collect(),
        decided: Vec::new(),
        voided: Vec::new(),
        due: None,
        because: None,
        opened_at,
        state: TaskState::Open,
        rev: 0,
    }
}

pub fn mail(id: &str) -> OutboxMail {
    OutboxMail {
        id: MailId::from(id),
        to: vec!["rita@example.com".to_owned()],
        subject: "A document for you".to_owned(),
        text: "Open {link}".to_owned(),
        grant: None,
        run: None,
        at: at(3),
        state: MailState::Queued,
        attempts: 0,
        next_at: None,
        error: None,
        rev: 0,
    }
}

pub fn inbound(id: &str) -> InboundEvent {
    InboundEvent {
        id: EventId::from(id),
        kind: "file360.file_uploaded".to_owned(),
        subjects: vec!["shr_1".to_owned(), "fil_1".to_owned()],
        key: None,
        data: json!({"share": "shr_1"}),
        at: at(4),
    }
}
