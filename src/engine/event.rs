//! The vocabulary of the journal: what happened in a run, as facts.
//!
//! Stored events are public API. A change of meaning is a new version, never an edit; golden
//! histories under `tests/data/histories/` keep every version readable.

use super::child::Parent;
pub use super::decision_record::{DecisionRecord, Weight, for_whom};
use crate::base::id::{EventId, RunId, TaskId};
use crate::base::{FileRef, ItemState, Semantics, Timestamp, Value, Via};
use crate::expr::SecretUse;
use crate::plan::Priority;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;
use std::collections::BTreeMap;

/// Version of the vocabulary that this build writes.
pub const JOURNAL_VERSION: u32 = 1;

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventRecord {
    /// The run.
    pub run: RunId,
    /// Position in the run's journal, from 1, without gaps.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// Version of the vocabulary.
    pub v: u32,
    /// Through what the person acted whose act this is, where that is known. A decision has it in its record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// A file that was given for an item of a checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemFile {
    /// The file.
    pub file: FileRef,
    /// The day until which it is valid, as `2026-11-23`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
}

/// The timers of a step that waits, as computed when it opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timers {
    /// When it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The moment that a wait with a deadline of its own is for; `due` is the earlier of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When reminders go out, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remind: Vec<Timestamp>,
    /// When it is escalated first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate: Option<Timestamp>,
    /// When it is escalated onwards, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub onwards: Vec<Timestamp>,
    /// When people hear of it, where that is later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tell: Option<Timestamp>,
}

impl Timers {
    /// When it is escalated, the first time and onwards.
    pub fn escalations(&self) -> impl Iterator<Item = Timestamp> {
        self.escalate.into_iter().chain(self.onwards.iter().copied())
    }
}

/// Who sees a task beside those who are asked, as written, evaluated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Watchers {
    /// While nobody has taken it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untaken: Vec<String>,
    /// While somebody has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<String>,
}

impl Watchers {
    /// Whether nobody does.
    pub fn is_nobody(&self) -> bool {
        self.untaken.is_empty() && self.taken.is_empty()
    }
}

/// Somebody who works on a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Who.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
}

/// What was filled in and kept before the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Who kept it last.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// By the names of the fields.
    pub form: Map<String, Value>,
}

/// One event that a step waits for, with its templates evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Expected {
    /// Name of the alternative.
    pub name: String,
    /// The event's type.
    pub event: String,
    /// What it must be about: one of the event's subjects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Something said about a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// Who said it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The words.
    pub text: String,
    /// Who is asked, where it is a question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Which remark it answers, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<u32>,
}

/// Somebody who stands in for somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StandIn {
    /// Who acts.
    pub by: String,
    /// For whom.
    pub on_behalf_of: String,
}

/// What a person did in the place of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ByHand {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A task that rests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Who lets it rest.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// What somebody does about a task beside answering it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum TaskAct {
    /// Takes it: the others do not see it until it is given back.
    Claim,
    /// Works on it from now on; takes it where one answer settles it.
    Start,
    /// Keeps what was filled in so far.
    Save {
        /// By the names of the fields; what was kept of others stays.
        form: Map<String, Value>,
    },
    /// Gives it back to all who are asked.
    Release {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Says something, asks somebody, or answers what was asked.
    Remark {
        /// The words.
        text: String,
        /// Who is asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// Which remark it answers, counted from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answers: Option<u32>,
    },
    /// Lets somebody act for one who is asked and stays accountable.
    Delegate {
        /// Who is asked.
        of: String,
        /// Who acts for them.
        to: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Hands the place of one who is asked over to somebody else.
    Reassign {
        /// Who was asked.
        of: String,
        /// Who is asked from now.
        to: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Whether they begin anew: what was kept is forgotten.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        afresh: bool,
    },
    /// Lets it rest: nobody answers until it goes on. Its timers go on.
    Suspend {
        /// Why.
        reason: String,
    },
    /// Lets it go on.
    Resume {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Has the flow go on past the step.
    Skip {
        /// Why.
        reason: String,
    },
    /// Has the step done again that was settled, and everything after it.
    Redo {
        /// Why.
        reason: String,
    },
}

/// A version of a flow that runs go by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VersionRef {
    /// The version.
    pub version: String,
    /// Hash of its plan.
    pub plan: String,
    /// The evaluation rules that its runs follow.
    #[serde(default, skip_serializing_if = "Semantics::is_first")]
    pub semantics: Semantics,
}

/// Which timer of a step fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "timer", content = "index")]
pub enum TimerKind {
    /// A reminder, by its position.
    Remind(u32),
    /// The first escalation.
    Escalate,
    /// A later one, by its position among those.
    Onwards(u32),
    /// People are to hear of it.
    Tell,
    /// The pause before another try is over.
    Retry,
}

impl TimerKind {
    /// The escalation at this position among all of the step.
    pub(super) const fn escalation(position: u32) -> Self {
        match position.checked_sub(1) {
            None => Self::Escalate,
            Some(later) => Self::Onwards(later),
        }
    }

    /// Which of the step's escalations it is, if it is one.
    pub const fn as_escalation(self) -> Option<u32> {
        match self {
            Self::Escalate => Some(0),
            Self::Onwards(later) => later.checked_add(1),
            _ => None,
        }
    }
}

/// What happened. Steps are named by id, so that a journal can be read without its plan; a step of an
/// element is named `departments[3].grant`, in the second round of `departments`
/// `departments#2[3].grant`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The run began.
    RunStarted {
        /// Name of the flow.
        flow: String,
        /// Its version.
        version: String,
        /// Hash of the plan the run is pinned to.
        plan: String,
        /// The evaluation rules that the run follows: those of its version.
        #[serde(default, skip_serializing_if = "Semantics::is_first")]
        semantics: Semantics,
        /// Inputs, defaults included.
        inputs: Value,
        /// What runs of the flow shared at that moment.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        settings: Map<String, Value>,
        /// Who started it, as `user:anna` or `trigger:webhook`.
        initiator: String,
        /// The person who started the first run of the chain, as `user:anna`, if `initiator` is a
        /// run or a system.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        starter: Option<String>,
        /// What started it: `manual`, `webhook`, `event`.
        trigger: String,
        /// Seed of every random choice of the run.
        seed: u64,
        /// The step of another run that started it, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<Parent>,
    },
    /// An action is about to be called for the first time. Durable before the call.
    ActionScheduled {
        /// The step.
        step: String,
        /// Its round, from 1.
        round: u32,
        /// The input; `***` where a secret belongs.
        input: Value,
        /// Where secrets belong.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        secrets: Vec<SecretUse>,
    },
    /// A try failed and there is another one.
    AttemptFailed {
        /// The step, or `release:THING`.
        step: String,
        /// The try, from 1.
        attempt: u32,
        /// What went wrong.
        error: String,
        /// When to try again.
        retry_at: Timestamp,
    },
    /// A step waits for events.
    WaitOpened {
        /// The step.
        step: String,
        /// Its round.
        round: u32,
        /// What it waits for.
        expected: Vec<Expected>,
        /// Its timers; `due` is also the moment of an `until`.
        timers: Timers,
    },
    /// A step asks people.
    TaskOpened {
        /// The step.
        step: String,
        /// Its round.
        round: u32,
        /// The task.
        task: TaskId,
        /// The item of the step's checklist that it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<String>,
        /// The document it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<FileRef>,
        /// What people see in their list, if not the step's title.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// The question.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ask: Option<String>,
        /// Who decides, as written, evaluated.
        by: Vec<String>,
        /// Who can veto, as written, evaluated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        veto: Vec<String>,
        /// Persons who may not decide.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        exclude: Vec<String>,
        /// Who may answer at all, as written, evaluated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        only: Vec<String>,
        /// Who else sees it.
        #[serde(default, skip_serializing_if = "Watchers::is_nobody")]
        visible: Watchers,
        /// What comes first in lists, where it is not as usual.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        priority: Option<Priority>,
        /// Its timers.
        timers: Timers,
    },
    /// The directory told who is meant.
    TaskAssigned {
        /// The task.
        task: TaskId,
        /// Who may decide, in the order listed, without the excluded.
        people: Vec<String>,
        /// Whose other decision than the first settles it alone.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        veto: Vec<String>,
        /// Who stands in for whom.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        deputies: Vec<StandIn>,
        /// How much the decision of some counts, where it is not 1.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        weights: Vec<Weight>,
        /// The excluded as the directory knows them, where that is another name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        exclude: Vec<String>,
        /// Who may answer at all, where not everybody may.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<Vec<String>>,
        /// Whom it was assigned to, picked or preferred.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        assigned_to: Option<String>,
        /// The escalated part: people who joined later.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        escalated: bool,
    },
    /// The people of an open task changed in the directory. The number of answers needed stays the
    /// same, except that under `all` those who left no longer count.
    TaskMembersChanged {
        /// The task.
        task: TaskId,
        /// Persons added to those who may decide.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        people: Vec<String>,
        /// Persons added to those who may veto.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        veto: Vec<String>,
        /// Persons added to those to whom the task was escalated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        joined: Vec<String>,
        /// Weights of added persons, if not 1.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        weights: Vec<Weight>,
        /// Persons who can no longer answer, because they left the directory or lost the required
        /// role.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left: Vec<String>,
        /// The new set of persons who may answer (`only`), if it changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<Vec<String>>,
        /// Additional persons who may not decide.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        exclude: Vec<String>,
    },
    /// Somebody did something about a task beside answering it.
    TaskActed {
        /// The task.
        task: TaskId,
        /// Who.
        by: String,
        /// What.
        #[serde(flatten)]
        act: TaskAct,
    },
    /// A person decided.
    DecisionRecorded {
        /// The task.
        task: TaskId,
        /// The decision.
        record: DecisionRecord,
    },
    /// A newer version made the decisions so far void.
    DecisionsVoided {
        /// The task.
        task: TaskId,
        /// The version that is decided on from now.
        document: FileRef,
        /// Persons who may not decide on it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        exclude: Vec<String>,
        /// Who had decided, and for whom: they are asked anew.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        decided: Vec<String>,
        /// The event that told.
        cause: EventId,
    },
    /// Something happened outside the run that it owns or waits for.
    EventReceived {
        /// The event.
        id: EventId,
        /// Its type.
        kind: String,
        /// What it is about.
        subjects: Vec<String>,
        /// Its key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// Its fields.
        data: Value,
        /// When it happened, if before it was recorded here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        happened: Option<Timestamp>,
        /// The kept event that is kept no longer, because as many are kept as may be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        displaced: Option<EventId>,
    },
    /// A kept event met an alternative of a wait for all of several.
    AlternativeMet {
        /// The step.
        step: String,
        /// The alternative.
        name: String,
        /// The event.
        event: EventId,
    },
    /// A reminder, an escalation or another try is due.
    TimerFired {
        /// The step, or `release:THING`.
        step: String,
        /// Which.
        #[serde(flatten)]
        timer: TimerKind,
        /// Who is told, as written, evaluated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        to: Vec<String>,
    },
    /// A step came to an outcome.
    StepFinished {
        /// The step.
        step: String,
        /// Its round.
        round: u32,
        /// The outcome.
        outcome: String,
        /// What it gives.
        output: Value,
        /// The kept event that settled it, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<EventId>,
        /// Whether it failed without it being known that nothing happened. What it may have
        /// acquired is followed up and released.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        in_doubt: bool,
        /// The person who said so, where it is the answer to an incident.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by_hand: Option<ByHand>,
    },
    /// A call came back whose step was cancelled meanwhile. What it acquired is released.
    CallAbandoned {
        /// The step.
        step: String,
        /// The round that was cancelled.
        round: u32,
        /// What it gave; nothing where it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Value>,
    },
    /// A step asks somebody for documents.
    CollectOpened {
        /// The step.
        step: String,
        /// Its round.
        round: u32,
        /// The request: what belongs to the run from now on, and what events are about.
        request: String,
        /// Its timers.
        timers: Timers,
    },
    /// An item of a checklist stands otherwise than before.
    ItemChanged {
        /// The step.
        step: String,
        /// Its round.
        round: u32,
        /// The item.
        item: String,
        /// How it stands from now on.
        state: ItemState,
        /// The files that were given for it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<ItemFile>,
        /// Why it was sent back, or does not apply.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Number of the change in the file space that led here.
        change: u64,
        /// The event that told; nothing where a person has decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<EventId>,
    },
    /// A step has started the run of another flow, and waits for its end.
    ChildStarted {
        /// The step.
        step: String,
        /// Its round.
        round: u32,
        /// The other flow.
        flow: String,
        /// The version of it that runs.
        version: String,
        /// Its run, which belongs to this one from now on.
        child: RunId,
    },
    /// A step does its own steps for each of these elements, so many at once as the flow says.
    EachOpened {
        /// The step.
        step: String,
        /// Its round.
        round: u32,
        /// The elements, in order.
        items: Vec<Value>,
    },
    /// The run goes on past a step whose elements are not all over: they go on too, and nobody waits
    /// for them. The step is over when they are.
    EachPassed {
        /// The step.
        step: String,
        /// Its round.
        round: u32,
        /// The outcome.
        outcome: String,
        /// What it gives.
        output: Value,
    },
    /// An element is over.
    ElementEnded {
        /// The step.
        step: String,
        /// Its round.
        round: u32,
        /// Which element, from 0.
        index: u32,
        /// How it ended: `completed`, or as an `end` among its steps says.
        status: String,
        /// What it gives.
        output: Value,
    },
    /// A step's condition was false.
    StepSkipped {
        /// The step.
        step: String,
        /// Its round.
        round: u32,
    },
    /// Values of the run are others than before.
    ValuesSet {
        /// Those that changed, by name.
        values: Map<String, Value>,
        /// The step that gave them, where one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<String>,
        /// Who gave them, where somebody did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The run goes by another version of its flow. What happened before is read by that version's plan
    /// from now on, its steps under the names that they have there.
    Migrated {
        /// What it went by so far.
        from: VersionRef,
        /// What it goes by from now on.
        to: VersionRef,
        /// Steps that have another name from now on: what they were called, and what they are called.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        steps: BTreeMap<String, String>,
        /// Inputs that the version wants and the run did not have.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        inputs: Map<String, Value>,
        /// What runs of the flow share now and the run did not have.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        settings: Map<String, Value>,
        /// Values that stay as they are although the version begins with others.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        values: Map<String, Value>,
        /// Who moved it.
        by: String,
        /// Why.
        reason: String,
    },
    /// A new round of a step and everything downstream of it.
    WentBack {
        /// The step whose outcome led back.
        from: String,
        /// The outcome.
        outcome: String,
        /// The step that starts the round.
        to: String,
    },
    /// A step failed and nothing handles it: a person must.
    IncidentRaised {
        /// The step, or `release:THING`, or `abandoned:STEP:ROUND` for a call whose step was cancelled.
        step: String,
        /// What went wrong.
        error: String,
        /// Whether it is not known if the effect happened.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        in_doubt: bool,
        /// Tries so far.
        attempts: u32,
    },
    /// A person answered an incident.
    IncidentResolved {
        /// The step.
        step: String,
        /// `retry` or `skip`.
        how: String,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// The run is over but for releasing what it owns and its `always` steps.
    RunClosing {
        /// The status it will end with.
        status: String,
        /// A sentence for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Who cancelled it, if somebody did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Something the run owned was released.
    Released {
        /// Kind of the thing.
        kind: String,
        /// Its id.
        id: String,
    },
    /// The run ended.
    RunEnded {
        /// The status.
        status: String,
        /// Its outputs.
        outputs: Value,
        /// Outputs that could not be computed, and why.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        failed_outputs: BTreeMap<String, String>,
    },
}

/// Name of the incident of a run whose outputs cannot be computed: what `Retry` and `Skip` name.
pub const OUTPUTS: &str = "outputs:run";
