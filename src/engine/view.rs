//! What a host may show and store of a run: questions whose answers change only with events.

use super::RunMachine;
use super::event::{DecisionRecord, DocumentRef};
use crate::base::id::{RunId, TaskId};
use crate::base::{Timestamp, Value};
use crate::plan::Plan;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunPhase {
    /// Something is to be done or waited for.
    Running,
    /// It releases what it owns and runs its `always` steps.
    Closing {
        /// The status it will end with.
        status: String,
    },
    /// It is over.
    Ended {
        /// The status it ended with.
        status: String,
    },
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepPhase {
    /// Its predecessors have not settled.
    Pending,
    /// It is being done or waited for.
    Active,
    /// It came to an outcome.
    Finished,
    /// Its condition was false, or a person skipped it.
    Skipped,
    /// Its join can no longer be met.
    NotReached,
    /// A person must look.
    Incident,
    /// The run closed before it was done.
    Cancelled,
}

impl StepPhase {
    /// As written in views and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Finished => "finished",
            Self::Skipped => "skipped",
            Self::NotReached => "not_reached",
            Self::Incident => "incident",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A step as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepView {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// How it stands.
    pub phase: StepPhase,
    /// Its outcome, if it came to one in this round.
    pub outcome: Option<String>,
    /// Its round, from 1.
    pub round: u32,
    /// When it expires.
    pub due: Option<Timestamp>,
    /// What is wrong, where a person must look or the outcome is `failed`.
    pub error: Option<String>,
}

/// A thing that the run owns and will release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnedView {
    /// Kind of the thing, as `share`.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// How a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskPhase {
    /// People are asked.
    Open,
    /// Settled, with the outcome.
    Settled(String),
    /// No longer needed.
    Withdrawn,
}

/// A task as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskView {
    /// The task.
    pub id: TaskId,
    /// The step.
    pub step: String,
    /// What people call the step.
    pub title: String,
    /// The step's round.
    pub round: u32,
    /// The question.
    pub ask: Option<String>,
    /// The version to decide on.
    pub document: DocumentRef,
    /// The decisions that are possible.
    pub decisions: Vec<String>,
    /// Decisions that need a reason.
    pub reason: Vec<String>,
    /// Who may decide; empty until the directory has told.
    pub people: Vec<String>,
    /// What was decided so far on this version.
    pub decided: Vec<DecisionRecord>,
    /// When it expires.
    pub due: Option<Timestamp>,
    /// When it opened.
    pub opened_at: Timestamp,
    /// How it stands.
    pub phase: TaskPhase,
    /// Position in the journal of the event that last changed it: whoever stored the run at an
    /// earlier `seq` stores the task anew.
    pub changed: u64,
}

impl RunMachine {
    /// The run.
    pub fn run(&self) -> &RunId {
        todo!()
    }

    /// The plan it is pinned to.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Position of the last event decided, durable or not.
    pub fn seq(&self) -> u64 {
        todo!()
    }

    /// How the run stands.
    pub fn status(&self) -> RunPhase {
        todo!()
    }

    /// Who started it.
    pub fn initiator(&self) -> &str {
        todo!()
    }

    /// When it started.
    pub fn started_at(&self) -> Timestamp {
        todo!()
    }

    /// When it ended.
    pub fn ended_at(&self) -> Option<Timestamp> {
        todo!()
    }

    /// Its inputs, defaults included.
    pub fn inputs(&self) -> &Value {
        todo!()
    }

    /// Its outputs, once it ended.
    pub fn outputs(&self) -> Option<&Value> {
        todo!()
    }

    /// Whether a person must look.
    pub fn incident(&self) -> bool {
        todo!()
    }

    /// Its steps in the order of the file, `always` steps last.
    pub fn steps(&self) -> Vec<StepView> {
        todo!()
    }

    /// What it owns now, in the order of acquisition. Events about these go to the run.
    pub fn owned(&self) -> Vec<OwnedView> {
        todo!()
    }

    /// The events from outside that it waits for now: type and key.
    pub fn subscriptions(&self) -> BTreeSet<(String, String)> {
        todo!()
    }

    /// Every task it ever opened, in the order of opening; look at `phase` and `changed`.
    pub fn tasks(&self) -> Vec<TaskView> {
        todo!()
    }

    /// One task.
    pub fn task(&self, task: &TaskId) -> Option<TaskView> {
        let _ = task;
        todo!()
    }
}
