//! What can happen to a run, and how it answers.

use super::child::Parent;
use super::event::TaskAct;
use super::members::Members;
use super::work::{Assignment, WorkKey};
use crate::base::id::{EventId, RunId, TaskId};
use crate::base::{FileRef, Timestamp, Value, Via};
use serde::{Deserialize, Serialize};
use serde_json::Map;

/// How a run begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// The run.
    pub run: RunId,
    /// The inputs as given, already checked against the plan; defaults are filled in.
    pub inputs: Value,
    /// What runs of the flow share, as it is now; checked, with defaults filled in.
    pub settings: Map<String, Value>,
    /// Who starts it.
    pub initiator: String,
    /// The person who started the first run of the chain, if `initiator` is a run or a system.
    pub starter: Option<String>,
    /// What starts it.
    pub trigger: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// The step of another run that starts it, if one does.
    pub parent: Option<Parent>,
}

/// What can happen to a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Work is done.
    Finished {
        /// Which.
        work: WorkKey,
        /// The try, from 1.
        attempt: u32,
        /// What came of it.
        result: Result<Value, Failure>,
    },
    /// The directory told who is meant by a task.
    Assigned {
        /// Which work.
        work: WorkKey,
        /// Who.
        assignment: Assignment,
    },
    /// Something happened outside.
    Event(InboundEvent),
    /// The document of a task has a version that is newer than the one people are asked about, and
    /// that the run was never told of or told of too early: who gave it made it before the task opened.
    Newer {
        /// The task.
        task: TaskId,
        /// The newest version.
        document: FileRef,
    },
    /// The directory's current answer about the people of an open task.
    Members {
        /// The task.
        task: TaskId,
        /// The answer.
        members: Members,
    },
    /// Nobody who was asked for documents can give any: they have left, or their links were revoked.
    NobodyGives {
        /// The request.
        request: String,
    },
    /// A person decides.
    Decide(Decision),
    /// A person does something else about a task.
    Act(Acting),
    /// Time passed.
    Wake,
    /// A person cancels the run.
    Cancel {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// The outside gives values of the run.
    Change {
        /// By name.
        values: Map<String, Value>,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// A person wants a failed step tried again.
    Retry {
        /// The step.
        step: String,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// A person says what a failed step came to.
    Set {
        /// The step.
        step: String,
        /// Its outcome; without it, the first one.
        outcome: Option<String>,
        /// What it gives; whoever asks has checked it against what the action gives.
        output: Value,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// A person wants the run to go on past a failed step.
    Skip {
        /// The step.
        step: String,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

/// Field of an outside event that names its sender. The server writes it and overrides any value
/// that the sender gave.
pub const SENT_BY: &str = "sent_by";

/// Something that happened outside a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InboundEvent {
    /// Its id; an event is delivered once however often it is sent.
    pub id: EventId,
    /// Its type, as `file360.file_uploaded`.
    pub kind: String,
    /// Ids of what it is about: the share, the file, the workspace …
    pub subjects: Vec<String>,
    /// Its key, for events from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its fields.
    pub data: Value,
    /// When it happened.
    pub at: Timestamp,
}

/// A person's decision on a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The task.
    pub task: TaskId,
    /// Who decides, as `user:anna`.
    pub by: String,
    /// For whom, if not for themselves.
    pub on_behalf_of: Option<String>,
    /// What.
    pub decision: String,
    /// Why.
    pub reason: Option<String>,
    /// SHA-256 of the version they saw, where there is a document.
    pub sha256: Option<String>,
    /// What they filled in, by the names of the fields.
    pub form: Map<String, Value>,
    /// Through what they decide, where that is known.
    pub via: Option<Via>,
}

/// Something that a person does about a task beside answering it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acting {
    /// The task.
    pub task: TaskId,
    /// Who.
    pub by: String,
    /// Whether they administer, so that they may act for others with a reason.
    pub admin: bool,
    /// What; persons in it are as the directory knows them.
    pub act: TaskAct,
}

/// Why work failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the engine can do about it.
    pub kind: FailureKind,
    /// What went wrong, fit to be stored and shown: no secrets.
    pub message: String,
}

/// What can be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Trying again may help.
    Transient,
    /// Trying again will not help.
    Permanent,
    /// It is not known whether the effect happened: a person must look.
    InDoubt,
}

/// How the run took an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It counted.
    Accepted,
    /// It had counted before, or the run no longer needs it; nothing changed. A result taken so
    /// must leave no trace: the writes of a local action are dropped.
    AlreadyDone,
}

/// Why the run did not take an input. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such task, or not one of this person's.
    #[error("there is no such task for you")]
    NoSuchTask,
    /// The person was asked but has left the directory or lost the required role.
    #[error("you can no longer answer this task: you no longer have the required role, or are excluded from it")]
    NoLongerAsked,
    /// The task is settled or withdrawn.
    #[error("the task is closed: {0}")]
    TaskClosed(String),
    /// The person decided otherwise before.
    #[error("you have already decided {0}")]
    AlreadyDecided(String),
    /// The person saw another version than the one to decide on.
    #[error("the document is now version {}: read it before deciding", current.version)]
    OtherVersion {
        /// The version to decide on.
        current: Box<FileRef>,
    },
    /// The answer does not say which version of the document it is about.
    #[error("say which version you read: an answer to this task names its SHA-256")]
    VersionMissing,
    /// What was filled in does not fit: names of fields, and what is wrong with each.
    #[error("{}", faults(.0))]
    Form(Vec<(String, String)>),
    /// Values of the run that are not there or do not fit: names, and what is wrong with each.
    #[error("{}", faults(.0))]
    Values(Vec<(String, String)>),
    /// Somebody else has taken the task.
    #[error("somebody else has taken this task: it is open again when they give it back")]
    Taken,
    /// Somebody who was escalated to has answered in the person's place.
    #[error(
        "you had not answered, and somebody who was escalated to has answered in your place: yours can no longer count"
    )]
    PlaceTaken,
    /// Who was escalated to answers in the place of another, and there is none.
    #[error(
        "you would answer in the place of somebody who was asked: all of them have answered, or it is not known yet who is asked"
    )]
    NoPlace,
    /// Somebody lets the task rest.
    #[error("this task rests since {at}, because {reason}: whoever let it rest or an administrator lets it go on")]
    Suspended {
        /// Since when.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// That cannot be done about this task, or not by this person.
    #[error("{0}")]
    NotAllowed(&'static str),
    /// Somebody cannot be asked in another's place.
    #[error("{0}")]
    NotEligible(String),
    /// What was said about a task is no remark.
    #[error("{0}")]
    BadRemark(String),
    /// Too much was done about the task beside answering it.
    #[error("too much was done about this task already: answer it")]
    TooManyActs,
    /// The people decide one after the other, and others come first.
    #[error("it is not your turn yet")]
    NotYourTurn,
    /// No such decision here.
    #[error("there is no decision {given:?} here; there are {}", possible.join(", "))]
    NoSuchDecision {
        /// What was given.
        given: String,
        /// What is possible.
        possible: Vec<String>,
    },
    /// The decision needs a reason.
    #[error("{0} needs a reason")]
    ReasonMissing(String),
    /// There is no incident at the step.
    #[error("step {0} has no incident")]
    NoIncident(String),
    /// What the step came to cannot be said by hand, or not so.
    #[error("{0}")]
    NotSettable(String),
    /// The run has ended.
    #[error("the run has ended: {0}")]
    RunEnded(String),
}

/// What is wrong with a form, in a sentence for each field.
fn faults(faults: &[(String, String)]) -> String {
    let each: Vec<String> = faults.iter().map(|(name, why)| format!("{name} {why}")).collect();
    each.join("; ")
}
