//! State × input → events. Every event is applied at once, so that the next decision sees it.
//!
//! `settle` brings the run to rest: afterwards nothing happens without an input.

mod action;
mod add;
mod ask;
mod branch;
mod child;
mod closing;
mod collect;
mod course;
mod decision;
mod detour;
mod due;
mod each;
mod events;
pub(super) mod exclude;
mod form;
mod incidents;
pub(super) mod members;
mod pick;
mod retry;
pub(super) mod rule;
mod start;
mod stop;
mod timers;
mod values;
mod wait;
mod work;

pub(super) use due::{because, escalated_next};
pub(super) use start::rendered;

use super::apply;
use super::event::{ByHand, Event, EventRecord, JOURNAL_VERSION};
use super::frame::{FrameId, Slot};
use super::input::{Input, Refusal, Reply};
use super::limits::max_events;
use super::machine::RunMachine;
use super::scope::RunScope;
use super::state::{KeptEvent, Phase, RunState};
use crate::base::Timestamp;
use crate::plan::{Plan, PlanStep};
use std::sync::Arc;

/// One input being decided on.
pub(super) struct Decider<'m> {
    pub(super) machine: &'m mut RunMachine,
    /// Now; never before the last event.
    pub(super) now: Timestamp,
    /// Shared apart from the machine, so that steps of the plan can be looked at while it changes.
    pub(super) plan: &'m Plan,
}

/// Decides on one input.
pub(super) fn handle(machine: &mut RunMachine, now: Timestamp, input: Input) -> Result<Reply, Refusal> {
    let plan = Arc::clone(&machine.plan);
    let told = now;
    let now = now.max(machine.state.now);
    let mut decider = Decider {
        machine,
        now,
        plan: &plan,
    };
    let reply = match input {
        Input::Finished { work, attempt, result } => decider.work_finished(&work, attempt, result),
        Input::Assigned { work, assignment } => decider.assigned(&work, &assignment),
        Input::Event(event) => decider.event(event, told),
        Input::Newer { task, document } => decider.newer(&task, document),
        Input::Members { task, members } => decider.members(&task, &members),
        Input::NobodyGives { request } => decider.nobody_gives(&request),
        Input::Decide(decision) => decider.decide(decision)?,
        Input::Act(acting) => decider.act(acting)?,
        Input::Wake => decider.wake(),
        Input::Cancel { by, reason } => decider.cancel(by, reason)?,
        Input::Change { values, by, reason } => decider.set_by(&values, by, reason)?,
        Input::Retry { step, by, reason } => decider.resolve(step, "retry", by, reason)?,
        Input::Skip { step, by, reason } => decider.resolve(step, "skip", by, reason)?,
        Input::Set {
            step,
            outcome,
            output,
            by,
            reason,
        } => decider.set(step, outcome, output, ByHand { by, reason })?,
    };
    decider.settle();
    Ok(reply)
}

/// Brings the run to rest, at the time of its last event.
pub(super) fn settle(machine: &mut RunMachine) {
    let plan = Arc::clone(&machine.plan);
    let now = machine.state.now;
    Decider {
        machine,
        now,
        plan: &plan,
    }
    .settle();
}

impl<'m> Decider<'m> {
    /// The step at `slot`, borrowed from the plan and not from the machine.
    pub(super) fn step(&self, slot: Slot) -> &'m PlanStep {
        self.state().planned(self.plan, slot)
    }

    /// Its name, to be written into an event.
    pub(super) fn id(&self, slot: Slot) -> String {
        self.state().name(self.plan, slot)
    }

    /// Where the step is that journals name so.
    pub(super) fn find(&self, name: &str) -> Option<Slot> {
        self.state().find(self.plan, name)
    }

    /// Whether a person must look at the step.
    pub(super) fn has_incident(&self, slot: Slot) -> bool {
        self.state().has_incident(self.plan, slot)
    }

    pub(super) fn state(&self) -> &RunState {
        &self.machine.state
    }

    pub(super) fn round(&self, slot: Slot) -> u32 {
        self.state().step(slot).round
    }

    /// What names mean to the step at `slot`: time is when it became ready, so that asking again
    /// gives the same answer.
    pub(super) fn scope(&self, slot: Slot) -> RunScope<'_> {
        step_scope(self.plan, self.state(), slot)
    }

    /// What names mean to the step at `slot` while `event` is looked at.
    pub(super) fn event_scope<'s>(&'s self, slot: Slot, event: &'s KeptEvent) -> RunScope<'s> {
        RunScope {
            plan: self.plan,
            state: self.state(),
            frame: slot.frame,
            now: self.now,
            event: Some(event),
            results: None,
        }
    }

    /// Says what happened.
    pub(super) fn emit(&mut self, event: Event) {
        let state = &mut self.machine.state;
        let record = EventRecord {
            run: state.run.clone(),
            seq: state.seq + 1,
            at: self.now,
            v: JOURNAL_VERSION,
            via: None,
            event,
        };
        apply::apply(self.plan, state, &record, &mut self.machine.fresh)
            .unwrap_or_else(|why| panic!("the engine decided what cannot happen, {:?}: {why}", record.event));
        self.machine.pending.push(record);
        if let Some(traced) = &mut self.machine.traced {
            traced.push(self.machine.state.clone());
        }
    }

    /// Decides on everything that follows until nothing does.
    pub(super) fn settle(&mut self) {
        loop {
            if self.state().is_ended() {
                let changes = std::mem::take(&mut self.machine.fresh.changes);
                self.machine.fresh = super::state::Fresh {
                    changes,
                    ..Default::default()
                };
                self.machine.rendered.clear();
                return;
            }
            if self.state().is_running() && self.must_close() {
                continue;
            }
            if self.end_element()
                || self.go_back()
                || self.complete_element()
                || self.join_elements()
                || self.look_at_items()
            {
                continue;
            }
            if let Some(slot) = self.machine.fresh.ready.pop_front() {
                self.start(slot);
            } else if let Some(event) = self.machine.fresh.events.pop_front() {
                self.offer(&event);
            } else if let Some(slot) = self.machine.fresh.opened.pop_front() {
                self.look_for_kept(slot);
            } else if !self.look_at_values() && !self.look_again() && !self.finish_run() {
                return;
            }
        }
    }

    /// Offers everything kept once more: what a condition rejected, it may take now that time has
    /// passed or other steps have got on. Replay does the same, and so never decides what was not.
    fn look_again(&mut self) -> bool {
        let Some(event) = self.taken_now().map(|kept| kept.id.clone()) else {
            self.machine.fresh.look_at_all = false;
            return false;
        };
        let before = self.state().seq;
        self.offer(&event);
        self.state().seq > before
    }

    /// The first kept event that something open takes now. All were offered when they came, and when
    /// something opened; since then only a condition on what changes can have changed its mind.
    fn taken_now(&self) -> Option<&KeptEvent> {
        let (state, all) = (self.state(), self.machine.fresh.look_at_all);
        if state.kept.is_empty() {
            return None;
        }
        let waiting = state.waiting.iter().copied();
        let waiting: Vec<Slot> = waiting.filter(|slot| all || self.may_change_its_mind(*slot)).collect();
        let asking: Vec<Slot> = state.asking.iter().copied().filter(|_| all).collect();
        if waiting.is_empty() && asking.is_empty() {
            return None;
        }
        state.kept.iter().find(|event| self.takes(&waiting, &asking, event))
    }

    /// Closes the run if an outcome or a limit says so.
    fn must_close(&mut self) -> bool {
        if let Some(ending) = self.state().frame(FrameId::FLOW).ending.clone() {
            self.close(ending.status, ending.message, None);
            return true;
        }
        let most = max_events(self.plan);
        if self.state().seq >= most {
            let message = format!("The journal has {most} events, which is as many as a run may have.");
            self.close("too_long".to_owned(), Some(message), None);
            return true;
        }
        false
    }

    /// Starts the round that an outcome asked for.
    fn go_back(&mut self) -> bool {
        let Some(jump) = self.state().jumps.front() else {
            return false;
        };
        let event = Event::WentBack {
            from: self.id(jump.from),
            outcome: jump.outcome.clone(),
            to: self.id(jump.to),
        };
        self.emit(event);
        self.forget_rendered();
        true
    }

    /// Whether the step is at something that has not ended.
    pub(super) fn is_live(&self, slot: Slot) -> bool {
        let phase = self.state().get(slot).map(|step| &step.phase);
        phase.is_some_and(|phase| !phase.is_over() && *phase != Phase::Pending)
    }
}

/// What names mean to the step at `slot`.
pub(super) fn step_scope<'s>(plan: &'s Plan, state: &'s RunState, slot: Slot) -> RunScope<'s> {
    RunScope {
        plan,
        state,
        frame: slot.frame,
        now: state.step(slot).since,
        event: None,
        results: None,
    }
}
