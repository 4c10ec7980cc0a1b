//! State × event → state. The only place where the state of a run changes.
//!
//! Readiness and `not_reached` are not events: they follow from the events here. An event that
//! cannot have happened is refused with the reason and leaves the state in no promised shape.

mod back;
mod calls;
mod child;
mod closing;
mod collect;
mod each;
pub(super) mod graph;
mod heard;
mod incidents;
mod locks;
mod members;
mod migrated;
mod stop;
mod tasks;
mod turns;
mod values;
mod waits;

use super::event::{Event, EventRecord};
use super::frame::{FrameId, Frames, Slot};
use super::holdings::Holdings;
use super::state::{EdgeState, Fresh, Phase, Progress, RunState, StepState};
use crate::base::{Timestamp, Value};
use crate::expr::Rows;
use crate::plan::{Plan, PlanStep, StepId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Why an event cannot have happened.
pub(super) type Impossible = String;

/// One event being applied.
pub(super) struct Applier<'a> {
    plan: &'a Plan,
    state: &'a mut RunState,
    fresh: &'a mut Fresh,
    at: Timestamp,
    /// Steps whose turn may pass on: of which `each` in order, which of the steps inside.
    turns: BTreeSet<(Slot, StepId)>,
}

/// The state after a run's first event.
pub(super) fn begin(plan: &Plan, record: &EventRecord, fresh: &mut Fresh) -> Result<RunState, Impossible> {
    let Event::RunStarted {
        plan: hash,
        semantics,
        inputs,
        settings,
        initiator,
        starter,
        seed,
        parent,
        ..
    } = &record.event
    else {
        return Err("a run begins with run_started".to_owned());
    };
    if *hash != plan.hash {
        return Err(format!("the run is pinned to plan {hash}, not to {}", plan.hash));
    }
    if !semantics.is_known() {
        return Err(format!(
            "the run follows the evaluation rules {semantics}, which this build does not know: start a newer build"
        ));
    }
    let mut state = RunState {
        run: record.run.clone(),
        initiator: initiator.clone(),
        starter: starter.clone(),
        seed: *seed,
        semantics: *semantics,
        parent: parent.clone(),
        inputs: Arc::new(inputs.clone()),
        settings: settings.clone(),
        values: values::first(plan),
        started_at: record.at,
        ended_at: None,
        now: record.at,
        seq: record.seq,
        progress: Progress::Running,
        ends_without_outputs: false,
        frames: Frames::new(plan, record.at),
        working: BTreeSet::new(),
        waiting: BTreeSet::new(),
        watching: BTreeSet::new(),
        asking: BTreeSet::new(),
        timers: BTreeSet::new(),
        tasks: Vec::new(),
        task_index: BTreeMap::new(),
        task_changes: BTreeSet::new(),
        kept: Vec::new(),
        seen: BTreeSet::new(),
        owned: Holdings::default(),
        abandoned: Vec::new(),
        incidents: BTreeMap::new(),
        jumps: VecDeque::new(),
        locks: BTreeMap::new(),
    };
    let at = record.at;
    let mut applier = Applier {
        plan,
        state: &mut state,
        fresh,
        at,
        turns: BTreeSet::new(),
    };
    applier.begin_list(FrameId::FLOW);
    Ok(state)
}

/// The state after one more event.
pub(super) fn apply(
    plan: &Plan,
    state: &mut RunState,
    record: &EventRecord,
    fresh: &mut Fresh,
) -> Result<(), Impossible> {
    if record.run != state.run {
        return Err(format!("it is of {}, the journal of {}", record.run, state.run));
    }
    if record.seq != state.seq + 1 {
        return Err(format!("it follows event {}", state.seq));
    }
    if state.is_ended() {
        return Err("the run has ended".to_owned());
    }
    state.seq = record.seq;
    state.now = record.at;
    let mut applier = Applier {
        plan,
        state,
        fresh,
        at: record.at,
        turns: BTreeSet::new(),
    };
    applier.event(&record.event)?;
    applier.advance();
    applier.pass_locks_on();
    applier.pass_turns_on();
    Ok(())
}

impl Applier<'_> {
    fn event(&mut self, event: &Event) -> Result<(), Impossible> {
        match event {
            Event::RunStarted { .. } => Err("the run has begun already".to_owned()),
            Event::ActionScheduled { .. }
            | Event::AttemptFailed { .. }
            | Event::CallAbandoned { .. }
            | Event::Released { .. } => self.call(event),
            Event::WaitOpened { .. }
            | Event::EventReceived { .. }
            | Event::AlternativeMet { .. }
            | Event::TimerFired { .. } => self.wait(event),
            Event::TaskOpened { .. }
            | Event::TaskAssigned { .. }
            | Event::TaskMembersChanged { .. }
            | Event::TaskActed { .. }
            | Event::DecisionRecorded { .. }
            | Event::DecisionsVoided { .. } => self.task(event),
            Event::StepFinished {
                step,
                round,
                outcome,
                output,
                cause,
                in_doubt,
                ..
            } => {
                let slot = self.live_slot(step, *round)?;
                if *in_doubt {
                    self.abandon(slot, true);
                }
                self.finished(slot, outcome, output, cause.as_ref())
            }
            Event::CollectOpened { .. } | Event::ItemChanged { .. } => self.collect(event),
            Event::ChildStarted { step, round, child, .. } => self.child_started(step, *round, child),
            Event::EachOpened { .. } | Event::EachPassed { .. } | Event::ElementEnded { .. } => self.each(event),
            Event::StepSkipped { step, round } => self.skipped(step, *round),
            Event::ValuesSet { values, .. } => self.values_set(values),
            Event::Migrated {
                inputs,
                settings,
                values,
                ..
            } => self.migrated(inputs, settings, values),
            Event::WentBack { from, outcome, to } => self.went_back(from, outcome, to),
            Event::IncidentRaised {
                step,
                error,
                in_doubt,
                attempts,
            } => self.incident(step, error, *in_doubt, *attempts),
            Event::IncidentResolved { step, how, .. } => self.resolved(step, how),
            Event::RunClosing { status, .. } => self.closing(status),
            Event::RunEnded { status, outputs, .. } => self.ended(status, outputs),
        }
    }

    /// Where the step called `id` is.
    fn slot(&self, id: &str) -> Result<Slot, Impossible> {
        self.find(id).ok_or_else(|| format!("there is no step {id}"))
    }

    fn find(&self, id: &str) -> Option<Slot> {
        self.state.find(self.plan, id)
    }

    /// The step at `slot` as the plan has it.
    fn planned(&self, slot: Slot) -> &PlanStep {
        self.state.planned(self.plan, slot)
    }

    /// Lets the steps of a list begin that come after nothing.
    fn begin_list(&mut self, id: FrameId) {
        let steps = self.plan.body(self.state.frame(id).body).steps;
        for step in steps.iter().filter(|step| step.after.is_empty()) {
            self.ready(Slot {
                frame: id,
                step: step.index,
            });
        }
    }

    /// Where the step called `id` is, if it is at `round` and not over.
    fn live_slot(&mut self, id: &str, round: u32) -> Result<Slot, Impossible> {
        let slot = self.slot(id)?;
        let step = self.state.step(slot);
        if step.round != round {
            return Err(format!("step {id} is in round {}, not {round}", step.round));
        }
        self.unspend(slot);
        let step = self.state.step(slot);
        if step.phase.is_over() || step.phase == Phase::Pending {
            return Err(format!("step {id} has not begun or is over"));
        }
        Ok(slot)
    }

    /// The step at `slot`, which has to be ready.
    fn ready_slot(&mut self, id: &str, round: u32) -> Result<Slot, Impossible> {
        let slot = self.live_slot(id, round)?;
        if self.state.step(slot).phase == Phase::Ready {
            Ok(slot)
        } else {
            Err(format!("step {id} was opened before"))
        }
    }
}

impl StepState {
    /// A step that nothing is known of but what `nothing` says, which a list of steps shares.
    pub(super) fn new(step: &PlanStep, at: Timestamp, (output, rounds): &(Arc<Value>, Rows)) -> Self {
        Self {
            phase: Phase::Pending,
            round: 1,
            called: false,
            edges: vec![EdgeState::Pending; step.after.len()],
            arrived: 0,
            dead: 0,
            since: at,
            output: Arc::clone(output),
            rounds: Arc::clone(rounds),
            backs: BTreeMap::new(),
            redone: 0,
            added: Vec::new(),
        }
    }
}
