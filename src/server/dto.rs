//! What the API takes and gives. Apart from the host's types, so that those can change without
//! breaking anybody's program.

mod access;
mod acts;
mod deployments;
mod grants;
mod health;
mod page;
mod remark;
mod run;
mod tokens;
mod values;
mod waiting;
mod why;

use super::items::AskedItem;
use crate::base::render::{FileFindings, json};
use crate::base::{Calendars, Diagnostic, FileRef, Semantics, Timestamp, Value, Via};
use crate::engine::event::DecisionRecord;
use crate::engine::view::PlanField;
use crate::engine::{EventRecord, StandIn};
use crate::host::propose::Pending;
use crate::host::staff_files::ListedFile;
use crate::host::tasks::Next;
use crate::host::uploads::Sent;
use crate::space::Role;
use crate::store::{Deployment, MailState, OutboxMail, RunRow, RunStatus, TaskRow, TaskState};
pub use access::Access;
pub use acts::{
    ByHandBody, HandOnBody, MigrateBody, Migrated, ReleaseBody, SaveBody, SetStepBody, TaskDraft, TaskRest, TaskStart,
};
pub use deployments::{Change, PendingDeployment, RejectBody};
pub use grants::{GrantRevocation, GrantRow};
pub use health::{DamagedFile, Health, Time};
pub use page::{ITEMS_MAX, Page};
pub use remark::{RemarkBody, TaskRemark};
pub use run::{Elements, Parent, RunDetail, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use tokens::{Owner, Token};
pub use values::{SettingRow, SettingsBody, ValuesBody};
pub use waiting::Waiting;
pub use why::Reason;

/// A finding in a flow, in the same shape as `gatefold lint --format json` gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// `GF` and three digits.
    pub code: String,
    /// The code in words.
    pub name: String,
    /// `error`, `warning` or `info`.
    pub severity: String,
    /// What was found.
    pub message: String,
    /// A few words about the place.
    pub label: Option<String>,
    /// The place.
    pub span: Place,
    /// Other places that belong to it.
    pub related: Vec<Related>,
    /// What to do next.
    pub help: Option<String>,
    /// A replacement that mends it.
    pub fix: Option<Replacement>,
    /// The page that explains it.
    pub url: String,
}

/// A place in a text. Bytes count from 0; lines and columns, in characters, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The first byte.
    pub start: usize,
    /// Just past the last byte.
    pub end: usize,
    /// The first line.
    pub line: usize,
    /// The first column.
    pub column: usize,
    /// The last line.
    pub end_line: usize,
    /// Just past the last column.
    pub end_column: usize,
}

/// Another place that belongs to a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Related {
    /// A few words about the place.
    pub message: String,
    /// The place.
    pub span: Place,
}

/// A replacement that mends a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// What to replace.
    pub span: Place,
    /// What to put there.
    pub replacement: String,
}

impl Finding {
    /// The findings in the file called `name`, with their positions in `source`.
    pub fn all(name: &str, source: &str, findings: Vec<Diagnostic>) -> Vec<Self> {
        let file = FileFindings {
            name: name.to_owned(),
            text: source.into(),
            findings,
        };
        let mut report = json::render(&[file]);
        serde_json::from_value(report["files"][0]["findings"].take()).expect("both shapes are one, as the tests show")
    }
}

/// A flow that was deployed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Flow {
    /// Its name.
    pub flow: String,
    /// Its version.
    pub version: String,
    /// Hash of what is executed.
    pub hash: String,
    /// Who deployed it.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The text, where one flow is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Findings that did not keep it from being deployed; where it cannot start any more, what is found in it now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Why this server cannot start it any more, where one flow is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cannot_start: Option<String>,
    /// The id of the pending deployment, if it waits for a second person. It cannot be started
    /// before that person accepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// The differences from the version that it replaces, if it waits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Secrets and settings that its runs need and that nobody has given, a sentence each, where the flow was just deployed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<String>,
    /// Runs of earlier versions that wait now, where the flow was just deployed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// Whether there are more runs than were looked at, which are 500 at most and as many as two seconds allow.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more_waiting: bool,
    /// Whether these runs could not be looked at; the flow is deployed all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub waiting_unknown: bool,
}

impl From<Deployment> for Flow {
    fn from(deployment: Deployment) -> Self {
        Self {
            flow: deployment.flow,
            version: deployment.version,
            hash: deployment.hash,
            by: deployment.by,
            at: deployment.at,
            source: None,
            findings: Vec::new(),
            cannot_start: None,
            pending: None,
            changes: Vec::new(),
            lacking: Vec::new(),
            waiting: Vec::new(),
            more_waiting: false,
            waiting_unknown: false,
        }
    }
}

impl From<Pending> for Flow {
    fn from(pending: Pending) -> Self {
        let changes = pending.changes.into_iter().map(Change::from).collect();
        Self {
            pending: Some(pending.id),
            changes,
            ..Self::from(Deployment {
                flow: pending.flow,
                version: pending.version,
                hash: pending.hash,
                source: String::new(),
                calendars: Calendars::default(),
                semantics: Semantics::CURRENT,
                by: pending.by,
                at: pending.at,
            })
        }
    }
}

/// How a run is started.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartBody {
    /// Its inputs by name, each once.
    #[serde(default)]
    pub inputs: serde_json::Map<String, Value>,
}

/// A run that was started.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Started {
    /// The run.
    pub run: String,
}

/// How a run stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// Its flow.
    pub flow: String,
    /// Its version.
    pub version: String,
    /// Hash of what is executed.
    pub plan: String,
    /// `running`, `closing` or `ended`.
    pub status: String,
    /// The status it ended with.
    pub outcome: Option<String>,
    /// Whether a person must look.
    pub incident: bool,
    /// Who started it.
    pub initiator: String,
    /// When.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// When it ended.
    #[schemars(with = "Option<String>")]
    pub ended_at: Option<Timestamp>,
    /// Position of its last event.
    pub seq: u64,
}

impl From<RunRow> for Run {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.id.0,
            flow: row.flow,
            version: row.version,
            plan: row.plan,
            status: match row.status {
                RunStatus::Running => "running",
                RunStatus::Closing => "closing",
                RunStatus::Ended => "ended",
            }
            .to_owned(),
            outcome: row.outcome,
            incident: row.incident,
            initiator: row.initiator,
            started_at: row.started_at,
            ended_at: row.ended_at,
            seq: row.seq,
        }
    }
}

/// One line of a journal: `run`, `seq`, `at`, `v`, `type`, and what belongs to the type.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(transparent)]
pub struct JournalLine(pub serde_json::Map<String, Value>);

impl From<&EventRecord> for JournalLine {
    fn from(record: &EventRecord) -> Self {
        match serde_json::to_value(record) {
            Ok(Value::Object(fields)) => Self(fields),
            _ => Self(serde_json::Map::new()),
        }
    }
}

/// Why somebody steps in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    /// In a sentence; it goes into the journal.
    pub reason: String,
}

/// A file at one exact version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// The file.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The version, from 1.
    pub version: u64,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// Media type.
    pub media_type: String,
    /// Who put the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Whether you sent bytes that are this version already, so that none was made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
}

impl From<Sent> for Document {
    fn from(sent: Sent) -> Self {
        Self {
            unchanged: sent.is_unchanged,
            ..sent.document.into()
        }
    }
}

impl From<FileRef> for Document {
    fn from(document: FileRef) -> Self {
        Self {
            id: document.id,
            name: document.name,
            version: document.version,
            sha256: document.sha256,
            size: document.size,
            media_type: document.media_type,
            by: document.by,
            unchanged: false,
        }
    }
}

/// A task.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// The run.
    pub run: String,
    /// The flow.
    pub flow: String,
    /// The step.
    pub step: String,
    /// What people call the step.
    pub title: String,
    /// The question.
    pub ask: Option<String>,
    /// `approve`, `review`, `todo` or `form`.
    pub kind: String,
    /// The document it is about; an answer names its `sha256`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<Document>,
    /// What can be filled in, in order.
    pub form: Vec<FormField>,
    /// The decisions that are possible.
    pub decisions: Vec<String>,
    /// Decisions that need a reason.
    pub reason: Vec<String>,
    /// Who may answer.
    pub people: Vec<String>,
    /// Who of them stands in for whom.
    pub deputies: Vec<Deputy>,
    /// Who of them was added by escalation: they answer in the place of somebody who was asked and has not answered.
    pub escalated: Vec<String>,
    /// In whose place the next of them answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_place_of: Option<String>,
    /// Who has taken it; nobody else may answer until they give it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_by: Option<String>,
    /// Who lets it rest; nobody may answer until they let it go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended: Option<TaskRest>,
    /// What may be done beside answering: `delegate`, `reassign`, `release`, `suspend`, `skip`, `redo`.
    pub allow: Vec<String>,
    /// Who works on it, since when.
    pub started: Vec<TaskStart>,
    /// What was filled in and kept before the answer; what an answer does not give is taken from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<TaskDraft>,
    /// `urgent`, `high`, `normal` or `low`.
    pub priority: String,
    /// What was said about it, in order; the first is number 1.
    pub thread: Vec<TaskRemark>,
    /// What was decided so far on this version.
    pub decided: Vec<Decided>,
    /// When it expires.
    #[schemars(with = "Option<String>")]
    pub due: Option<Timestamp>,
    /// Why it is due then, as `5 days after it began`; told where one task is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// When it opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// `open`, `settled` or `withdrawn`.
    pub state: String,
    /// What it was settled with.
    pub outcome: Option<String>,
}

impl From<TaskRow> for Task {
    fn from(task: TaskRow) -> Self {
        let (state, outcome) = match task.state {
            TaskState::Open => ("open", None),
            TaskState::Settled(outcome) => ("settled", Some(outcome)),
            TaskState::Withdrawn => ("withdrawn", None),
        };
        Self {
            id: task.id.0,
            run: task.run.0,
            flow: task.flow,
            step: task.step,
            title: task.title,
            ask: task.ask,
            kind: task.kind.as_str().to_owned(),
            document: task.document.map(Document::from),
            form: task.form.into_iter().map(FormField::from).collect(),
            decisions: task.decisions,
            reason: task.reason,
            people: task.people,
            deputies: task.deputies.into_iter().map(Deputy::from).collect(),
            in_place_of: task.place.filter(|_| !task.escalated.is_empty()),
            escalated: task.escalated,
            claimed_by: task.claimed_by,
            suspended: task.suspended.map(TaskRest::from),
            started: task.started.into_iter().map(TaskStart::from).collect(),
            draft: task.draft.map(TaskDraft::from),
            priority: task.priority.as_str().to_owned(),
            allow: task.allow.into_iter().map(|one| one.as_str().to_owned()).collect(),
            thread: task.thread.into_iter().map(TaskRemark::from).collect(),
            decided: task.decided.into_iter().map(Decided::from).collect(),
            due: task.due,
            because: None,
            opened_at: task.opened_at,
            state: state.to_owned(),
            outcome,
        }
    }
}

/// Somebody who stands in for somebody else.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Deputy {
    /// Who acts.
    pub by: String,
    /// For whom.
    pub on_behalf_of: String,
}

impl From<StandIn> for Deputy {
    fn from(one: StandIn) -> Self {
        Self {
            by: one.by,
            on_behalf_of: one.on_behalf_of,
        }
    }
}

/// One field of a form.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FormField {
    /// Its name.
    pub name: String,
    /// The answers that need it.
    pub required_for: Vec<String>,
    /// Its type and limits: `type`, `title`, `description`, `default`, `min`, `max`, `pattern`, `options`, `of`.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, Value>,
}

impl From<PlanField> for FormField {
    fn from(field: PlanField) -> Self {
        let rest = match serde_json::to_value(&field.input) {
            Ok(Value::Object(rest)) => rest,
            _ => serde_json::Map::new(),
        };
        Self {
            name: field.name,
            required_for: field.required_for,
            rest,
        }
    }
}

/// A decision that was taken.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Decided {
    /// Who.
    pub by: String,
    /// For whom, if not for themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// Who was escalated to, where it takes the place of somebody who was asked and had not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalated_to: Option<String>,
    /// What.
    pub decision: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// SHA-256 of the version they saw, where there is a document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What they filled in, by the names of the fields.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub form: serde_json::Map<String, Value>,
    /// Through what they decided: an API token by its id, or an account of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl From<DecisionRecord> for Decided {
    fn from(record: DecisionRecord) -> Self {
        Self {
            via: record.via(),
            by: record.by,
            on_behalf_of: record.on_behalf_of,
            escalated_to: record.escalated_to,
            decision: record.decision,
            reason: record.reason,
            sha256: record.sha256,
            form: record.form,
            at: record.at,
        }
    }
}

/// A decision to take.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionBody {
    /// One of the task's `decisions`.
    pub decision: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// SHA-256 of the version that was seen, where the task has a document.
    #[serde(default)]
    pub sha256: Option<String>,
    /// What is filled in, by the names of the fields of `form`.
    #[serde(default)]
    pub form: serde_json::Map<String, Value>,
    /// Which task to take and start next: `same_run` or `same_step`.
    #[serde(default)]
    pub next: Option<Next>,
}

/// How a decision was taken.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DecisionAnswer {
    /// `accepted`, or `already_done` where the same decision had been taken before.
    pub result: String,
    /// The task that was taken and started next, where that was asked for and there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A share as seen through a link.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SharedView {
    /// The share.
    pub share: String,
    /// What people call it.
    pub name: String,
    /// What you may do.
    pub role: Role,
    /// When it ends.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// The zone in which its page and its mails tell of moments, as `Europe/Madrid`.
    pub zone: String,
    /// Its files at their newest versions.
    pub files: Vec<Document>,
    /// What to ask for next, as `after`, where there are more files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Its comments.
    pub comments: Vec<Comment>,
    /// What to ask for next, as `after_comment`, where there are more comments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_comment: Option<String>,
    /// What you are asked for, item by item, if it is a request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<AskedItem>,
    /// Why you give nothing, once you have said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
}

/// A remark.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Comment {
    /// Its id.
    pub id: String,
    /// The file it is about, if one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The words.
    pub text: String,
    /// Who.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl From<crate::space::Comment> for Comment {
    fn from(comment: crate::space::Comment) -> Self {
        Self {
            id: comment.id.0,
            file: comment.file.map(|file| file.0),
            text: comment.text,
            by: comment.by,
            at: comment.at,
        }
    }
}

/// A remark to make.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentBody {
    /// The words.
    pub text: String,
    /// The file it is about, if one.
    #[serde(default)]
    pub file: Option<String>,
}

/// Something that happened outside.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventBody {
    /// The sender's own id; the same id of the same type is recorded once.
    pub id: String,
    /// Its type, as `crm.deal_signed`. Types of built-in connections are refused.
    #[serde(rename = "type")]
    pub kind: String,
    /// What runs that wait for it name as `key`.
    #[serde(default)]
    pub key: Option<String>,
    /// Its fields.
    #[serde(default)]
    pub data: serde_json::Map<String, Value>,
}

/// An event that was recorded.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EventAnswer {
    /// Its id here.
    pub event: String,
}

/// A file of the file space, at the newest version that you may read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StoredFile {
    /// Its folder.
    pub folder: String,
    /// That version.
    #[serde(flatten)]
    pub document: Document,
    /// When that version came.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The day until which it is valid, where that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// What it is labelled with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub label: Vec<String>,
}

impl From<&ListedFile> for StoredFile {
    fn from(listed: &ListedFile) -> Self {
        let ListedFile { file, version } = listed;
        let paper = version.paper.as_ref();
        Self {
            folder: file.folder.clone(),
            document: file.reference_to(version).into(),
            at: version.at,
            valid_until: paper.and_then(|paper| paper.valid_until.clone()),
            label: paper.map(|paper| paper.label.clone()).unwrap_or_default(),
        }
    }
}

/// A mail on its way, or not. Its text is not told: links belong to whom they were sent to.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Mail {
    /// Its id, which is also in its Message-ID.
    pub id: String,
    /// To whom.
    pub to: Vec<String>,
    /// Its subject.
    pub subject: String,
    /// The run it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// `queued`, `sending`, `sent`, `failed` or `in_doubt`.
    pub state: String,
    /// Tries so far.
    pub attempts: u32,
    /// Why the last try failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it was written.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub next_at: Option<Timestamp>,
}

impl From<OutboxMail> for Mail {
    fn from(mail: OutboxMail) -> Self {
        Self {
            id: mail.id.0,
            to: mail.to,
            subject: mail.subject,
            run: mail.run.map(|run| run.0),
            state: mail.state.as_str().to_owned(),
            attempts: mail.attempts,
            error: mail.error,
            at: mail.at,
            next_at: mail.next_at.filter(|_| mail.state == MailState::Queued),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Code, Span};

    #[test]
    fn a_finding_keeps_the_shape_of_lint() {
        let code = Code {
            id: "GF101",
            name: "unknown-key",
        };
        let span = Span::new(1, 3);
        let finding = Diagnostic::error(code, "there is no key ñ", span)
            .with_label("here")
            .with_related(span, "there")
            .with_help("take it out")
            .with_fix(span, "n");
        let told = Finding::all("a.yaml", "añb", vec![finding.clone()]);
        let file = FileFindings {
            name: "a.yaml".to_owned(),
            text: "añb".into(),
            findings: vec![finding],
        };
        let lint = json::render(&[file]);
        assert_eq!(serde_json::to_value(&told).unwrap(), lint["files"][0]["findings"]);
        assert_eq!((told[0].span.column, told[0].span.end_column), (2, 3));
    }
}
