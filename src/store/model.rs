//! What is stored, and the unit of work.

use crate::audit::AccessEntry;
use crate::base::id::{EventId, FileId, MailId, RunId, TaskId};
use crate::base::{Calendars, FileRef, Semantics, Timestamp};
use crate::engine::event::{DecisionRecord, Draft, Remark, StandIn, Started, Suspension, Watchers};
use crate::engine::view::{AskKind, Detour, PlanField, Priority};
use crate::engine::{EventRecord, InboundEvent};
use crate::space::{Comment, Expiry, File, Grant, Share, Workspace};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Everything that must happen together.
#[derive(Clone, Debug, Default)]
pub struct UnitOfWork {
    /// The progress of one run, if it is about one.
    pub run: Option<RunCommit>,
    /// Everything else, in order.
    pub writes: Vec<Write>,
}

/// The progress of one run.
#[derive(Clone, Debug)]
pub struct RunCommit {
    /// Events to append. Their first `seq` must be the next one of the run.
    pub events: Vec<EventRecord>,
    /// The run as it stands after them. Its flow, initiator and start are taken from the first commit
    /// of a run and never change.
    pub row: RunRow,
}

impl RunCommit {
    /// Position of the run's last event before this commit; 0 where the run begins with it. An
    /// error where the commit contradicts itself.
    pub fn position_before(&self) -> Result<u64, StoreError> {
        let wrong =
            |why: &str| StoreError::Failed(format!("a commit of run {} contradicts itself: {why}", self.row.id));
        let count = self.events.len() as u64;
        let before = self
            .row
            .seq
            .checked_sub(count)
            .ok_or_else(|| wrong("more events than positions"))?;
        if self.row.seq == 0 {
            return Err(wrong("a run begins with an event"));
        }
        for (expected, record) in (before + 1..).zip(&self.events) {
            if record.run != self.row.id {
                return Err(wrong("an event of another run"));
            }
            if record.seq != expected {
                return Err(wrong("a gap between events"));
            }
        }
        Ok(before)
    }
}

/// One change. `Put…` inserts where `rev` is 0 and otherwise replaces the record that has this
/// `rev`; the stored record has `rev + 1`. A record of another `rev` makes a conflict.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "they live in vectors of a few, for as long as a commit takes"
)]
pub enum Write {
    /// A new version of a flow becomes the one that new runs take.
    Deploy(Deployment),
    /// Inserts or replaces.
    PutWorkspace(Workspace),
    /// Inserts or replaces. Another file of the same name in the folder makes a conflict, and so
    /// does a lock on the file: whatever way a new version comes, it cannot pass one.
    PutFile(File),
    /// The file takes no new version while the run asks people about this one.
    Lock {
        /// The file.
        file: FileId,
        /// The run.
        run: RunId,
    },
    /// The run no longer holds the file to its version.
    Unlock {
        /// The file.
        file: FileId,
        /// The run.
        run: RunId,
    },
    /// The document counts in its file from now on, in the place of another one. What was told of the same version stays told.
    PutExpiry(Expiry),
    /// No document counts in the file any more.
    EndExpiry {
        /// The file.
        file: FileId,
    },
    /// It was told that the document is due for renewal. Where another one counts by now, or it was told before, this
    /// makes a conflict.
    ExpiryTold {
        /// The file.
        file: FileId,
        /// Its version.
        version: u64,
    },
    /// Inserts or replaces.
    PutShare(Share),
    /// Inserts or replaces.
    PutGrant(Grant),
    /// Inserts.
    AddComment(Comment),
    /// Appends to the access log.
    Access(AccessEntry),
    /// Inserts or replaces.
    PutTask(TaskRow),
    /// The run owns the thing from now on.
    Own {
        /// Id of the thing.
        thing: String,
        /// The run.
        run: RunId,
    },
    /// The run no longer owns the thing.
    Disown {
        /// Id of the thing.
        thing: String,
        /// The run.
        run: RunId,
    },
    /// Changes what the run subscribes to. Events that are kept for one of the new keys are due for delivery again.
    Subscribe {
        /// The run.
        run: RunId,
        /// What it subscribes to from now on beside the rest.
        to: Vec<Subscription>,
        /// What it subscribes to no longer; nothing of this is in `to`.
        no_longer: Vec<Subscription>,
    },
    /// Records an event for delivery. One that is recorded already is left alone.
    Event(InboundEvent),
    /// The event was delivered to one target. A second time makes `CommitError::Duplicate`.
    Delivered(Delivery),
    /// The event was delivered to everybody, or is given up.
    EventDone {
        /// The event.
        event: EventId,
        /// Now.
        at: Timestamp,
    },
    /// The event could not be delivered; it is due again then.
    EventLater {
        /// The event.
        event: EventId,
        /// When.
        due: Timestamp,
    },
    /// Every event that waits for another try is due now.
    EventsDue,
    /// Nobody waits for the event yet: it is kept for a run that will subscribe to its key. A run
    /// that subscribes to it by now makes a conflict.
    KeepEvent {
        /// The event.
        event: EventId,
        /// For how long.
        until: Timestamp,
    },
    /// Inserts or replaces a mail.
    PutMail(OutboxMail),
    /// Uses a key. A second time makes `CommitError::Duplicate`, which carries `value` of the first.
    Once {
        /// What the key is for, as `webhook`.
        scope: String,
        /// The key.
        key: String,
        /// What to remember.
        value: String,
        /// Digest of the request that the key came with, where another request must not use it.
        digest: Option<String>,
        /// When it may be forgotten.
        until: Option<Timestamp>,
    },
    /// Forgets what is outdated, the oldest first.
    Forget {
        /// What.
        what: Outdated,
        /// How many at most.
        at_most: usize,
    },
    /// Forgets one used key.
    ForgetKey {
        /// What the key is for.
        scope: String,
        /// The key.
        key: String,
    },
}

/// What need not be remembered any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outdated {
    /// Events that were done at this moment or before, with their deliveries.
    Events {
        /// The moment.
        done: Timestamp,
    },
    /// Events that are kept until this moment or a moment before. They become done.
    Kept {
        /// The moment.
        until: Timestamp,
        /// Now.
        at: Timestamp,
    },
    /// Mails that were sent, and written at this moment or before.
    Mails {
        /// The moment.
        written: Timestamp,
    },
    /// Used keys whose time is over.
    UsedKeys {
        /// Now.
        now: Timestamp,
    },
}

/// By what documents that expire are in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryOrder {
    /// By the day until which they are valid.
    Day,
    /// By the moment at which they are due for renewal; others are left out.
    Renewal,
}

impl ExpiryOrder {
    /// Where a document stands in this order, if it does.
    pub fn of(self, expiry: &Expiry) -> Option<Timestamp> {
        match self {
            Self::Day => Some(expiry.day),
            Self::Renewal => expiry.renew_at,
        }
    }
}

/// An event on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingEvent {
    /// The event.
    pub event: InboundEvent,
    /// Tries that failed.
    pub attempts: u32,
}

/// How much is kept for runs that may subscribe to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeptEvents {
    /// Events.
    pub count: usize,
    /// Bytes of these.
    pub bytes: u64,
}

/// The result of verifying rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Number of verified rows.
    pub rows: usize,
    /// Damaged rows, one sentence each.
    pub damage: Vec<String>,
    /// The position from which to continue; `None` if everything was read.
    pub next: Option<String>,
}

/// A flow as deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Name of the flow.
    pub flow: String,
    /// Its version.
    pub version: String,
    /// Hash of the plan.
    pub hash: String,
    /// The source text.
    pub source: String,
    /// The calendar it was deployed with, under every name it had.
    pub calendars: Calendars,
    /// The evaluation rules that its runs follow: those of the build that deployed it.
    #[serde(default, skip_serializing_if = "Semantics::is_first")]
    pub semantics: Semantics,
    /// Who deployed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Deployment {
    /// Flow and version, as a refusal names them.
    pub fn what(&self) -> String {
        format!("flow {} {}", self.flow, self.version)
    }
}

/// How a run stands, for lists and for restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// The run.
    pub id: RunId,
    /// Its flow.
    pub flow: String,
    /// Its version.
    pub version: String,
    /// Hash of the plan it is pinned to.
    pub plan: String,
    /// How it stands.
    pub status: RunStatus,
    /// The status it ended with.
    pub outcome: Option<String>,
    /// Who started it.
    pub initiator: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it wants to be woken.
    pub wakeup_at: Option<Timestamp>,
    /// Whether it has work in flight.
    pub busy: bool,
    /// Whether a person must look.
    pub incident: bool,
    /// Position of its last event.
    pub seq: u64,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Something is to be done or waited for.
    Running,
    /// It releases what it owns and runs its `always` steps.
    Closing,
    /// It is over.
    Ended,
}

/// How much is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Runs that have not ended.
    pub runs: u64,
    /// Runs that need a person.
    pub incidents: u64,
    /// Open tasks.
    pub tasks: u64,
    /// Mails to be sent.
    pub mails_queued: u64,
    /// Mails that were given up, or may or may not have gone.
    pub mails_failed: u64,
}

/// Which runs.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Of this flow.
    pub flow: Option<String>,
    /// That go by this version of their flow.
    pub version: Option<String>,
    /// That stand so.
    pub status: Option<RunStatus>,
    /// That wait for a person to look.
    pub incident: Option<bool>,
    /// That were started by this one, as `user:anna` or `trigger:schedule`.
    pub initiator: Option<String>,
    /// Before this one, in the order of the list.
    pub before: Option<RunId>,
    /// At most so many; 0 means a default of 100.
    pub limit: usize,
}

/// A task as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRow {
    /// The task.
    pub id: TaskId,
    /// The run.
    pub run: RunId,
    /// The flow.
    pub flow: String,
    /// The step.
    pub step: String,
    /// What people call the step.
    pub title: String,
    /// The question.
    pub ask: Option<String>,
    /// What people are asked for.
    #[serde(default = "approve")]
    pub kind: AskKind,
    /// The document it is about.
    #[serde(default)]
    pub document: Option<FileRef>,
    /// What can be filled in, in order.
    #[serde(default)]
    pub form: Vec<PlanField>,
    /// The decisions that are possible.
    pub decisions: Vec<String>,
    /// Decisions that need a reason.
    pub reason: Vec<String>,
    /// Who may decide.
    pub people: Vec<String>,
    /// Who stands in for whom of them.
    #[serde(default)]
    pub deputies: Vec<StandIn>,
    /// Who joined by escalation and is asked in no other way: they answer in the place of another.
    #[serde(default)]
    pub escalated: Vec<String>,
    /// In whose place the next of them would answer now.
    #[serde(default)]
    pub place: Option<String>,
    /// Who has taken it, if somebody has.
    #[serde(default)]
    pub claimed_by: Option<String>,
    /// Whom it was assigned to last, whatever became of it then; nobody where it was offered.
    #[serde(default)]
    pub given_to: Option<String>,
    /// Who lets it rest, if somebody does.
    #[serde(default)]
    pub suspended: Option<Suspension>,
    /// What people may do beside answering.
    #[serde(default)]
    pub allow: Vec<Detour>,
    /// Who works on it, since when.
    #[serde(default)]
    pub started: Vec<Started>,
    /// What was filled in and kept before the answer.
    #[serde(default)]
    pub draft: Option<Draft>,
    /// Who else sees it.
    #[serde(default)]
    pub visible: Watchers,
    /// What comes first in lists.
    #[serde(default)]
    pub priority: Priority,
    /// What was said about it, in order.
    #[serde(default)]
    pub thread: Vec<Remark>,
    /// What was decided so far on this version.
    pub decided: Vec<DecisionRecord>,
    /// What was decided on earlier versions, which newer ones made void; nothing in what an older build stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub voided: Vec<DecisionRecord>,
    /// When it expires.
    pub due: Option<Timestamp>,
    /// Why it expires then, as `5 days after it began`; nothing in what an older build stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// When it opened.
    pub opened_at: Timestamp,
    /// How it stands.
    pub state: TaskState,
    /// Times stored.
    pub rev: u64,
}

impl TaskRow {
    /// Whose lists it is in: those who may answer, and those who are asked something about it.
    pub fn listed_for(&self) -> impl Iterator<Item = &String> {
        let consulted = self.thread.iter().filter_map(|remark| remark.to.as_ref());
        self.people.iter().chain(consulted)
    }

    /// Whether it asks a person something: to answer it, or a question about it. What was asked up to `since` was asked of
    /// an earlier person of the same user name.
    pub fn asks(&self, person: &str, since: Option<Timestamp>) -> bool {
        let is_later = |at: Timestamp| since.is_none_or(|since| at > since);
        let is_consulted = |remark: &Remark| remark.to.as_deref() == Some(person) && is_later(remark.at);
        self.people.iter().any(|one| one == person) || self.thread.iter().any(is_consulted)
    }

    /// What a person decided in it, also where a newer version made that void. What was decided up to `since` was
    /// decided by an earlier person of the same user name.
    pub fn decided_by(&self, person: &str, since: Option<Timestamp>) -> impl Iterator<Item = &DecisionRecord> {
        let records = self.decided.iter().chain(&self.voided);
        records.filter(move |record| record.by == person && since.is_none_or(|since| record.at > since))
    }

    /// Whether a person may look at it: it is on their list, or they have answered it.
    pub fn is_shown_to(&self, person: &str, since: Option<Timestamp>) -> bool {
        self.asks(person, since) || self.decided_by(person, since).next().is_some()
    }
}

/// What tasks were before there were others.
const fn approve() -> AskKind {
    AskKind::Approve
}

/// How a task stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// People are asked.
    Open,
    /// Settled, with the outcome.
    Settled(String),
    /// No longer needed.
    Withdrawn,
}

/// What a key was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// What was to be remembered.
    pub value: String,
    /// Digest of the request that it came with, if it was bound to one.
    pub digest: Option<String>,
}

/// An event that a run waits for, by its key or by what it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subscription {
    /// The event's type.
    pub kind: String,
    /// Its key, or one of its subjects.
    pub key: String,
}

/// Whether `event` is about one of `things`, or is of the type of one of `keys` and has its key or is
/// about it.
pub(super) fn is_for(event: &InboundEvent, things: &BTreeSet<String>, keys: &BTreeSet<Subscription>) -> bool {
    let is_meant = |key: &Subscription| {
        let is_named = Some(&key.key) == event.key.as_ref() || event.subjects.contains(&key.key);
        key.kind == event.kind && is_named
    };
    event.subjects.iter().any(|subject| things.contains(subject)) || keys.iter().any(is_meant)
}

/// An event that reached one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The event.
    pub event: EventId,
    /// A run's id, or `trigger:FLOW`.
    pub target: String,
}

/// A mark that can be set once: the store refuses a unit of work that sets it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// An event was delivered to a target.
    Delivered(Delivery),
    /// A key of a scope was used.
    Used {
        /// The scope.
        scope: String,
        /// The key.
        key: String,
    },
}

impl Mark {
    /// The mark that a write sets.
    pub fn of(write: &Write) -> Option<Self> {
        match write {
            Write::Delivered(delivery) => Some(Self::Delivered(delivery.clone())),
            Write::Once { scope, key, .. } => Some(Self::Used {
                scope: scope.clone(),
                key: key.clone(),
            }),
            _ => None,
        }
    }
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Delivered(Delivery { event, target }) => write!(f, "delivery of {event} to {target}"),
            Self::Used { scope, key } => write!(f, "{scope} {key}"),
        }
    }
}

/// A mail on its way. Links are not in it: they are derived when it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxMail {
    /// Its id; also its Message-ID.
    pub id: MailId,
    /// To whom: mail addresses.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The text; [`OutboxMail::LINK`] stands where the link of `grant` belongs, [`OutboxMail::CODE`] where its code does.
    pub text: String,
    /// The grant whose link belongs in the text.
    pub grant: Option<String>,
    /// The run it is about.
    pub run: Option<RunId>,
    /// When it was written.
    pub at: Timestamp,
    /// How it stands.
    pub state: MailState,
    /// Tries so far.
    pub attempts: u32,
    /// When a queued mail is tried, to the second; at once without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// Times stored.
    pub rev: u64,
}

impl OutboxMail {
    /// A mail that is to be sent, about no run and with no link.
    pub const fn queued(id: MailId, to: Vec<String>, subject: String, text: String, at: Timestamp) -> Self {
        Self {
            id,
            to,
            subject,
            text,
            grant: None,
            run: None,
            at,
            state: MailState::Queued,
            attempts: 0,
            next_at: None,
            error: None,
            rev: 0,
        }
    }

    /// Stands where the link belongs. Text that people write holds no control character, so that it cannot stand there.
    pub const LINK: &str = "\u{1}link\u{1}";
    /// Stands where the code belongs.
    pub const CODE: &str = "\u{1}code\u{1}";
    /// What stood there in mails that were queued before, where neither of the others stands.
    pub const EARLIER: [&str; 2] = ["{link}", "{code}"];
}

/// How a mail stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailState {
    /// To be sent.
    Queued,
    /// Handed to the mail server, answer not yet known.
    Sending,
    /// The mail server took it.
    Sent,
    /// It will not be sent.
    Failed,
    /// It is not known whether it was sent.
    InDoubt,
}

impl MailState {
    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::InDoubt => "in_doubt",
        }
    }
}

/// Why nothing of a unit of work happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Somebody else was faster: read again and decide anew.
    #[error("{what} was changed by somebody else")]
    Conflict {
        /// What.
        what: String,
    },
    /// A mark had been set before.
    #[error("{mark} was done before")]
    Duplicate {
        /// The mark. Only a caller that set it itself may take this for its own earlier success.
        mark: Mark,
        /// What `Write::Once` remembered.
        value: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the store did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No space is left.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The disk failed, or the system refuses access to it. Nothing was changed.
    #[error("the disk of the store cannot be used: {0}")]
    Disk(String),
    /// The disk failed while a change was made durable, so that nobody knows whether it is.
    #[error("{0}")]
    InDoubt(String),
    /// Another process uses the store.
    #[error("{0}")]
    Busy(String),
    /// A newer build wrote the store.
    #[error("the store has layout {found}, this build knows up to {known}: start a newer build")]
    Newer {
        /// Layout found.
        found: u32,
        /// Newest layout known.
        known: u32,
    },
    /// What is stored makes no sense.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// Anything else.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// A file, as a conflict names it: by what two people can both want.
pub(super) fn file_in_words(file: &File) -> String {
    format!("file {} in {}", file.name, file.folder)
}
