//! How a run stands after an event: everything that deciding and asking look at.
//!
//! Invariant: changed by `apply` alone, so that the journal leads to it.

use super::event::{DecisionRecord, DocumentRef, Expected, StandIn, Timers};
use super::view::TaskPhase;
use crate::base::id::{EventId, RunId, TaskId};
use crate::base::{Timestamp, Value};
use crate::expr::SecretUse;
use crate::plan::{Plan, PlanStep, StepId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A step by position: those of the flow first, then the `always` steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(pub(super) u32);

impl Slot {
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One run as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct RunState {
    pub(super) run: RunId,
    pub(super) initiator: String,
    pub(super) seed: u64,
    pub(super) inputs: Value,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    /// Time of the last event. Never goes back.
    pub(super) now: Timestamp,
    /// Position of the last event.
    pub(super) seq: u64,
    pub(super) progress: Progress,
    pub(super) steps: Vec<StepState>,
    /// Steps of the flow that are not over.
    pub(super) live: usize,
    /// `always` steps that are not over.
    pub(super) live_always: usize,
    /// Steps that may have work outstanding.
    pub(super) working: BTreeSet<Slot>,
    /// Steps that wait for events.
    pub(super) waiting: BTreeSet<Slot>,
    /// Steps that ask people.
    pub(super) asking: BTreeSet<Slot>,
    pub(super) timers: BTreeSet<Timer>,
    /// Every task ever opened, in that order.
    pub(super) tasks: Vec<Task>,
    pub(super) task_index: BTreeMap<TaskId, usize>,
    /// Events that no wait has consumed, oldest first.
    pub(super) kept: Vec<KeptEvent>,
    /// Every event ever received.
    pub(super) seen: BTreeSet<EventId>,
    /// What is to be released, in the order of acquisition.
    pub(super) owned: Vec<Owned>,
    /// Calls whose step was cancelled while they might have acquired something.
    pub(super) abandoned: Vec<Abandoned>,
    /// By step, `release:THING` or `abandoned:STEP:ROUND`.
    pub(super) incidents: BTreeMap<String, Incident>,
    /// An outcome ended the run, which is not closing yet.
    pub(super) ending: Option<Ending>,
    /// Outcomes that lead back, not gone yet.
    pub(super) jumps: VecDeque<Jump>,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Progress {
    Running,
    Closing {
        status: String,
        /// Everything was released, `always` steps run.
        always: bool,
    },
    Ended {
        status: String,
        outputs: Value,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct StepState {
    pub(super) phase: Phase,
    /// From 1.
    pub(super) round: u32,
    /// By position in the step's `after`.
    pub(super) edges: Vec<EdgeState>,
    pub(super) arrived: usize,
    pub(super) dead: usize,
    /// When it became ready in this round.
    pub(super) since: Timestamp,
    /// What it gave in this round.
    pub(super) output: Value,
    /// What it gave in earlier rounds, oldest first.
    pub(super) rounds: Vec<Value>,
    /// How often each outcome led back, by how deep in its `then` the way back stands.
    pub(super) backs: BTreeMap<(String, u32), u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EdgeState {
    Pending,
    Arrived,
    Dead,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    Pending,
    /// The join is met and nothing is recorded of it yet. A pure action is called from here.
    Ready,
    Calling(Call),
    Waiting(Wait),
    /// Asks people: position in `RunState::tasks`.
    Asking(usize),
    Finished(String),
    Skipped,
    NotReached,
    Cancelled,
}

impl Phase {
    /// Whether nothing more happens to the step in this round.
    pub(super) const fn is_over(&self) -> bool {
        matches!(
            self,
            Self::Finished(_) | Self::Skipped | Self::NotReached | Self::Cancelled
        )
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) tries: Tries,
    /// The recorded input; a pure action has none, it follows from the plan.
    pub(super) input: Option<(Value, Vec<SecretUse>)>,
}

/// Where trying stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tries {
    /// The try that is due or in flight, from 1.
    pub(super) attempt: u32,
    /// Failed ones since the beginning, or since a person said to try again.
    pub(super) failed: u32,
    /// When to try again.
    pub(super) retry_at: Option<Timestamp>,
}

impl Tries {
    pub(super) const fn first() -> Self {
        Self {
            attempt: 1,
            failed: 0,
            retry_at: None,
        }
    }

    /// Another try with nothing held against it.
    pub(super) fn again(&mut self) {
        self.attempt += 1;
        self.failed = 0;
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wait {
    pub(super) expected: Vec<Expected>,
    /// Alternatives that happened, with the event's fields, where all are wanted.
    pub(super) met: Vec<(String, Value)>,
    pub(super) timers: Timers,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Task {
    pub(super) id: TaskId,
    pub(super) slot: Slot,
    pub(super) round: u32,
    pub(super) document: Option<DocumentRef>,
    pub(super) title: Option<String>,
    pub(super) ask: Option<String>,
    pub(super) by: Vec<String>,
    pub(super) veto_by: Vec<String>,
    pub(super) exclude: Vec<String>,
    pub(super) timers: Timers,
    pub(super) opened_at: Timestamp,
    /// Who was meant, in order.
    pub(super) people: Vec<String>,
    /// Who joined by escalation.
    pub(super) joined: Vec<String>,
    pub(super) veto: Vec<String>,
    /// Who stands in for whom: never somebody who is asked themselves, never twice.
    pub(super) deputies: Vec<StandIn>,
    /// Who has taken it.
    pub(super) claimed_by: Option<String>,
    /// Things done about it beside answering.
    pub(super) acts: usize,
    /// On the current version.
    pub(super) decisions: Vec<DecisionRecord>,
    /// Questions put to the directory so far.
    pub(super) questions: u32,
    /// Whether the last question is open.
    pub(super) unassigned: bool,
    /// Who joins, while the directory is asked.
    pub(super) joining: Option<Vec<String>>,
    pub(super) phase: TaskPhase,
    /// Position of the event that last changed it.
    pub(super) changed: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct KeptEvent {
    pub(super) id: EventId,
    pub(super) kind: String,
    pub(super) subjects: Vec<String>,
    pub(super) key: Option<String>,
    pub(super) data: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Owned {
    pub(super) kind: String,
    pub(super) id: String,
    /// The step that acquired it.
    pub(super) slot: Slot,
    /// Whether it is to be released now.
    pub(super) releasing: bool,
    pub(super) tries: Tries,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Abandoned {
    /// `abandoned:STEP:ROUND`.
    pub(super) name: String,
    pub(super) slot: Slot,
    pub(super) round: u32,
    pub(super) call: Call,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Incident {
    pub(super) error: String,
    pub(super) in_doubt: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ending {
    pub(super) status: String,
    pub(super) message: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Jump {
    pub(super) from: Slot,
    pub(super) outcome: String,
    pub(super) to: Slot,
    pub(super) depth: u32,
}

/// When the machine wants to be woken, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    pub(super) at: Timestamp,
    pub(super) of: TimerOf,
    pub(super) alarm: Alarm,
}

/// Whose timer it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TimerOf {
    Step(Slot),
    /// `release:THING` or `abandoned:STEP:ROUND`.
    Side(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    Retry,
    Remind(u32),
    Escalate,
    Due,
}

/// What an event made possible that has not been decided on. Beside the state, because replay
/// finds it decided already.
#[derive(Clone, Debug, Default)]
pub(super) struct Fresh {
    /// Steps that became ready.
    pub(super) ready: VecDeque<Slot>,
    /// Waits and tasks that opened: a kept event may be for them.
    pub(super) opened: VecDeque<Slot>,
    /// Events that came in.
    pub(super) events: VecDeque<EventId>,
}

impl RunState {
    /// The step at `slot`.
    pub(super) fn step(&self, slot: Slot) -> &StepState {
        &self.steps[slot.index()]
    }

    pub(super) fn step_mut(&mut self, slot: Slot) -> &mut StepState {
        &mut self.steps[slot.index()]
    }

    pub(super) const fn is_running(&self) -> bool {
        matches!(self.progress, Progress::Running)
    }

    pub(super) const fn is_ended(&self) -> bool {
        matches!(self.progress, Progress::Ended { .. })
    }

    /// The open task of `slot`, if it asks people.
    pub(super) fn task_of(&self, slot: Slot) -> Option<&Task> {
        match self.step(slot).phase {
            Phase::Asking(at) => self.tasks.get(at),
            _ => None,
        }
    }

    /// The timers that the step at `slot` was opened with.
    pub(super) fn timers_of(&self, slot: Slot) -> Option<&Timers> {
        match &self.step(slot).phase {
            Phase::Waiting(wait) => Some(&wait.timers),
            Phase::Asking(at) => self.tasks.get(*at).map(|task| &task.timers),
            _ => None,
        }
    }

    /// The thing that is to be released next: the one acquired last. While a cancelled call may
    /// still acquire something, nothing is released before it.
    pub(super) fn releasable(&self) -> Option<&Owned> {
        let waits = self
            .abandoned
            .iter()
            .any(|call| !self.incidents.contains_key(&call.name));
        if waits && !self.is_running() {
            return None;
        }
        self.owned
            .iter()
            .rev()
            .find(|thing| thing.releasing && !self.incidents.contains_key(&release_name(&thing.id)))
    }
}

/// How journals name the release of a thing.
pub(super) fn release_name(thing: &str) -> String {
    format!("release:{thing}")
}

/// How journals name a call whose step was cancelled.
pub(super) fn abandoned_name(step: &str, round: u32) -> String {
    format!("abandoned:{step}:{round}")
}

/// Looking up steps by slot, id and index.
pub(super) trait Slots {
    /// The step at `slot`.
    fn at(&self, slot: Slot) -> &PlanStep;
    /// Where the step called `id` is.
    fn slot(&self, id: &str) -> Option<Slot>;
    /// Whether `slot` is an `always` step.
    fn is_always(&self, slot: Slot) -> bool;
    /// Where the step is that a sibling of `slot` knows by `step`.
    fn sibling(&self, slot: Slot, step: StepId) -> Slot;
    /// Edges out of `slot`: the successor and which of its `after` the edge is.
    fn edges_out(&self, slot: Slot) -> impl Iterator<Item = (Slot, usize)>;
    /// Everything that comes after `slot`, without itself.
    fn downstream(&self, slot: Slot) -> Vec<Slot>;
}

impl Slots for Plan {
    fn at(&self, slot: Slot) -> &PlanStep {
        match slot.index().checked_sub(self.steps.len()) {
            None => &self.steps[slot.index()],
            Some(at) => &self.always[at],
        }
    }

    fn slot(&self, id: &str) -> Option<Slot> {
        u32::try_from(*self.positions.get(id)?).ok().map(Slot)
    }

    fn is_always(&self, slot: Slot) -> bool {
        slot.index() >= self.steps.len()
    }

    fn sibling(&self, slot: Slot, step: StepId) -> Slot {
        if self.is_always(slot) {
            let first = u32::try_from(self.steps.len()).expect("a plan has fewer than 2^32 steps");
            Slot(first + step.0)
        } else {
            Slot(step.0)
        }
    }

    fn edges_out(&self, slot: Slot) -> impl Iterator<Item = (Slot, usize)> {
        let index = if self.is_always(slot) {
            &self.always_index
        } else {
            &self.index
        };
        index.edges_out[self.at(slot).index.index()]
            .iter()
            .map(move |(step, edge)| (self.sibling(slot, *step), *edge))
    }

    fn downstream(&self, slot: Slot) -> Vec<Slot> {
        let index = if self.is_always(slot) {
            &self.always_index
        } else {
            &self.index
        };
        index.downstream[self.at(slot).index.index()]
            .iter()
            .map(|step| self.sibling(slot, step))
            .collect()
    }
}
