//! How a run stands after an event: everything that deciding and asking look at.
//!
//! Invariant: changed by `apply` alone, so that the journal leads to it.

use super::child::Parent;
use super::collect::Collecting;
use super::each::Each;
use super::event::{DecisionRecord, Draft, Expected, Remark, StandIn, Started, Suspension, Timers, Watchers, Weight};
use super::frame::{FrameId, Frames, Slot};
use super::holdings::{Holdings, Owned};
use super::members::Membership;
use super::view::TaskPhase;
use crate::base::id::{EventId, RunId, TaskId};
use crate::base::{FileRef, Semantics, Timestamp, Value};
use crate::expr::{Rows, SecretUse};
use crate::plan::{BodyId, Plan, PlanEach, Priority, StepId};
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// One run as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct RunState {
    pub(super) run: RunId,
    pub(super) initiator: String,
    /// The person who started the first run of the chain, if `initiator` is a run or a system.
    pub(super) starter: Option<String>,
    pub(super) seed: u64,
    /// The evaluation rules that it follows.
    pub(super) semantics: Semantics,
    /// The step of another run that started it.
    pub(super) parent: Option<Parent>,
    pub(super) inputs: Arc<Value>,
    /// What runs of the flow shared when it started.
    pub(super) settings: Map<String, Value>,
    /// What changes while it goes on, as it is now.
    pub(super) values: Map<String, Value>,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    /// Time of the last event. Never goes back.
    pub(super) now: Timestamp,
    /// Position of the last event.
    pub(super) seq: u64,
    pub(super) progress: Progress,
    /// A person lets the run end although outputs of it cannot be computed.
    pub(super) ends_without_outputs: bool,
    pub(super) frames: Frames,
    /// Steps that may have work outstanding.
    pub(super) working: BTreeSet<Slot>,
    /// Steps that wait for events.
    pub(super) waiting: BTreeSet<Slot>,
    /// Those of them that wait until something holds.
    pub(super) watching: BTreeSet<Slot>,
    /// Steps that ask people, or for documents.
    pub(super) asking: BTreeSet<Slot>,
    pub(super) timers: BTreeSet<Timer>,
    /// Every task ever opened, in that order.
    pub(super) tasks: Vec<Task>,
    pub(super) task_index: BTreeMap<TaskId, usize>,
    /// Tasks by the event that last changed them.
    pub(super) task_changes: BTreeSet<(u64, usize)>,
    /// Events that no wait has consumed, oldest first.
    pub(super) kept: Vec<KeptEvent>,
    /// Every event ever received.
    pub(super) seen: BTreeSet<EventId>,
    /// What is to be released.
    pub(super) owned: Holdings,
    /// Calls whose step was cancelled while they might have acquired something.
    pub(super) abandoned: Vec<Abandoned>,
    /// By step, `release:THING` or `abandoned:STEP:ROUND`.
    pub(super) incidents: BTreeMap<String, Incident>,
    /// Outcomes that lead back, not gone yet.
    pub(super) jumps: VecDeque<Jump>,
    /// By lock, the step that holds it and those that wait for it, in the order in which they became ready.
    pub(super) locks: BTreeMap<String, VecDeque<Slot>>,
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
    /// A way back leads here, and what comes before it does not let it begin: it begins all the same.
    pub(super) called: bool,
    /// By position in the step's `after`.
    pub(super) edges: Vec<EdgeState>,
    pub(super) arrived: usize,
    pub(super) dead: usize,
    /// When it became ready in this round.
    pub(super) since: Timestamp,
    /// What it gave in this round.
    pub(super) output: Arc<Value>,
    /// What it gave in earlier rounds, oldest first.
    pub(super) rounds: Rows,
    /// How often each outcome led back, by how deep in its `then` the way back stands.
    pub(super) backs: BTreeMap<(String, u32), u32>,
    /// How often people had it done again.
    pub(super) redone: u32,
    /// Elements that steps added to an `each` before a person had it done again: they stay.
    pub(super) added: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EdgeState {
    Pending,
    Arrived,
    Dead,
    /// It arrived on another way into a loop, before a way back called a step that comes before this one: as good
    /// as dead until that is undone.
    Spent,
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
    /// Asks for documents, item by item.
    Collecting(Box<Collecting>),
    /// Waits for the end of this run, which it started.
    Child(RunId),
    /// Does its steps for each element.
    Spreading(Box<Each>),
    Finished(String),
    Skipped,
    NotReached,
    Cancelled,
}

impl StepState {
    /// The outcome with which the run went on past it, be it over or not.
    pub(super) fn outcome(&self) -> Option<&str> {
        match &self.phase {
            Phase::Finished(outcome) => Some(outcome),
            Phase::Spreading(each) => each.passed.as_deref(),
            _ => None,
        }
    }
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
    /// When, and by which event.
    pub(super) opened: (Timestamp, u64),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Task {
    pub(super) id: TaskId,
    /// Where the step is, or was.
    pub(super) slot: Slot,
    /// The step as the plan has it.
    pub(super) place: (BodyId, StepId),
    /// The step as journals name it.
    pub(super) step: String,
    pub(super) round: u32,
    /// The item of a checklist that it is about.
    pub(super) item: Option<String>,
    /// What questions to the directory are named by: the step, or something of it.
    pub(super) name: String,
    pub(super) document: Option<FileRef>,
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
    /// How much the decision of some counts, where it is not 1.
    pub(super) weights: Vec<Weight>,
    /// Membership changes while it is open.
    pub(super) members: Membership,
    /// What was said about it, in order.
    pub(super) thread: Vec<Remark>,
    /// Who has taken it.
    pub(super) claimed_by: Option<String>,
    /// Who has heard of it as somebody who can answer it, each with the event by which they did.
    pub(super) heard: Vec<(String, u64)>,
    /// Whom it was assigned to last, whatever became of it then.
    pub(super) given_to: Option<String>,
    /// Who lets it rest, if somebody does.
    pub(super) suspended: Option<Suspension>,
    /// Who works on it, since when.
    pub(super) started: Vec<Started>,
    /// What was filled in and kept before the answer.
    pub(super) draft: Option<Draft>,
    /// Who may answer at all, as written.
    pub(super) only_by: Vec<String>,
    /// Who may answer at all, where not everybody may.
    pub(super) only: Option<Vec<String>>,
    /// Who else sees it.
    pub(super) visible: Watchers,
    /// What comes first in lists.
    pub(super) priority: Priority,
    /// Whether nobody hears of it yet.
    pub(super) held: bool,
    /// Things done about it beside answering.
    pub(super) acts: usize,
    /// On the current version.
    pub(super) decisions: Vec<DecisionRecord>,
    /// What was decided on earlier versions, which newer ones made void.
    pub(super) voided: Vec<DecisionRecord>,
    /// Questions put to the directory so far.
    pub(super) questions: u32,
    /// Whether the last question is open.
    pub(super) unassigned: bool,
    /// Who joins, while the directory is asked, one escalation after the other.
    pub(super) joining: VecDeque<Joining>,
    pub(super) phase: TaskPhase,
    /// Position of the event that last changed it.
    pub(super) changed: u64,
}

/// Whom an escalation has asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Joining {
    /// Position of the escalation among those of the step.
    pub(super) position: u32,
    /// As written, evaluated.
    pub(super) to: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct KeptEvent {
    pub(super) id: EventId,
    pub(super) kind: String,
    pub(super) subjects: Vec<String>,
    pub(super) key: Option<String>,
    pub(super) data: Value,
    /// When it happened, and by which event it was recorded.
    pub(super) came: (Timestamp, u64),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Abandoned {
    /// `abandoned:STEP:ROUND`.
    pub(super) name: String,
    /// The step as journals name it.
    pub(super) step: String,
    /// The step as the plan has it.
    pub(super) place: (BodyId, StepId),
    pub(super) round: u32,
    pub(super) call: Call,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Incident {
    pub(super) error: String,
    pub(super) in_doubt: bool,
    /// Tries so far; 0 where nothing was called.
    pub(super) attempts: u32,
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
    Tell,
    Remind(u32),
    /// By its position.
    Escalate(u32),
    Due,
}

/// What wakes the machine for a step with these timers, and when.
pub(super) fn alarms(timers: &Timers) -> impl Iterator<Item = (Timestamp, Alarm)> {
    let due = timers.due.map(|at| (at, Alarm::Due));
    let escalate = (0..)
        .zip(timers.escalations())
        .map(|(position, at)| (at, Alarm::Escalate(position)));
    let tell = timers.tell.map(|at| (at, Alarm::Tell));
    let remind = (0..).zip(&timers.remind).map(|(index, at)| (*at, Alarm::Remind(index)));
    due.into_iter().chain(escalate).chain(tell).chain(remind)
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
    /// Elements that an outcome ended.
    pub(super) ending: VecDeque<FrameId>,
    /// Elements with nothing left to do.
    pub(super) idle: VecDeque<FrameId>,
    /// Checklists that were opened or of which an item changed.
    pub(super) collects: VecDeque<Slot>,
    /// Each `each` that was opened or of which an element ended.
    pub(super) eaches: VecDeque<Slot>,
    /// Whether it is not known what was looked at: after a replay every kept event may be for
    /// everything that is open.
    pub(super) look_at_all: bool,
    /// What may be otherwise since the host last asked.
    pub(super) changes: Changes,
}

/// What may be otherwise of what a host keeps beside a run, so that it need not look at all there is. Never too little.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Ids of things that became the run's, or no longer are.
    pub things: BTreeSet<String>,
    /// Whether the run waits for other events.
    pub waits: bool,
}

impl RunState {
    /// The person who started the run, or the run or system if no person is known.
    pub(super) fn started_by(&self) -> &str {
        self.starter.as_deref().unwrap_or(&self.initiator)
    }

    pub(super) const fn is_running(&self) -> bool {
        matches!(self.progress, Progress::Running)
    }

    pub(super) const fn is_ended(&self) -> bool {
        matches!(self.progress, Progress::Ended { .. })
    }

    /// The open task of `slot`, if it asks people.
    pub(super) fn task_of(&self, slot: Slot) -> Option<&Task> {
        match self.get(slot)?.phase {
            Phase::Asking(at) => self.tasks.get(at),
            _ => None,
        }
    }

    /// The timers that the step at `slot` was opened with.
    pub(super) fn timers_of(&self, slot: Slot) -> Option<&Timers> {
        match &self.get(slot)?.phase {
            Phase::Waiting(wait) => Some(&wait.timers),
            Phase::Asking(at) => self.tasks.get(*at).map(|task| &task.timers),
            Phase::Collecting(collecting) => Some(&collecting.timers),
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
            .releasing()
            .find(|thing| !self.incidents.contains_key(&release_name(&thing.id)))
    }

    /// Whether elements may still be added to the `each` at `slot`.
    pub(super) fn is_open(&self, slot: Slot, plan: &PlanEach) -> bool {
        let mut adders = plan.adders.iter();
        adders.any(|step| !self.step(slot.sibling(*step)).phase.is_over())
    }

    /// Whether the step at `slot` has its turn: as to its lock, and among the elements.
    pub(super) fn may_begin(&self, plan: &Plan, slot: Slot) -> bool {
        self.has_lock(plan, slot) && self.has_turn(slot)
    }

    /// Whether its element is the one that the step takes now, or elements need no turn at it.
    pub(super) fn has_turn(&self, slot: Slot) -> bool {
        let element = self.frame(slot.frame).element.as_ref();
        let turns = element.and_then(|element| Some((element.index, self.each(element.of)?.turns.as_ref()?)));
        turns.is_none_or(|(index, turns)| turns.get(&slot.step) == Some(&index))
    }

    /// The same step in the element whose turn it is, where that is another one.
    pub(super) fn before_it(&self, slot: Slot) -> Option<Slot> {
        let each = self.each(self.frame(slot.frame).element.as_ref()?.of)?;
        let frame = *each.running.get(each.turns.as_ref()?.get(&slot.step)?)?;
        (frame != slot.frame).then_some(Slot { frame, ..slot })
    }

    /// Whether the step at `slot` holds its lock, or needs none.
    pub(super) fn has_lock(&self, plan: &Plan, slot: Slot) -> bool {
        let Some(lock) = &self.planned(plan, slot).lock else {
            return true;
        };
        self.locks.get(&lock.name).and_then(VecDeque::front) == Some(&slot)
    }

    /// Whether a person must look at the step at `slot`.
    pub(super) fn has_incident(&self, plan: &Plan, slot: Slot) -> bool {
        !self.incidents.is_empty() && self.incidents.contains_key(&self.name(plan, slot))
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
