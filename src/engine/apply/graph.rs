//! Steps that come to an end, and what that makes of the steps after them.

use super::super::each::CANCELLED;
use super::super::frame::{Slot, edges_out};
use super::super::leads::{Leads, leads};
use super::super::state::{Abandoned, Alarm, EdgeState, Ending, Jump, Phase, Timer, TimerOf, abandoned_name, alarms};
use super::super::view::TaskPhase;
use super::{Applier, Impossible};
use crate::base::Value;
use crate::base::id::EventId;
use crate::plan::PlanVerb;
use crate::spec::{CollectSpec, JoinSpec};
use std::sync::Arc;

/// What a join says, given how its edges stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Joined {
    Ready,
    Never,
    Open,
}

pub(in super::super) fn joined(join: JoinSpec, total: usize, arrived: usize, dead: usize) -> Joined {
    if join == JoinSpec::Settled && arrived + dead < total {
        return Joined::Open;
    }
    let needed = join.needed(total);
    if arrived >= needed {
        Joined::Ready
    } else if total - dead < needed {
        Joined::Never
    } else {
        Joined::Open
    }
}

impl Applier<'_> {
    pub(super) fn finished(
        &mut self,
        slot: Slot,
        outcome: &str,
        output: &Value,
        cause: Option<&EventId>,
    ) -> Result<(), Impossible> {
        if let Some(cause) = cause {
            self.consume(cause)?;
        }
        if self.end_passed(slot) {
            return Ok(());
        }
        let output = self.with_results(slot, output, CANCELLED);
        match self.state.step(slot).phase {
            Phase::Asking(at) => self.close_task(at, TaskPhase::Settled(outcome.to_owned())),
            Phase::Collecting(_) => {
                if outcome == CollectSpec::COMPLETE {
                    self.state.owned.complete(slot);
                }
                self.close_collect(slot);
            }
            Phase::Child(_) => self.forget_child(slot),
            Phase::Spreading(_) => self.cancel_elements(slot),
            _ => {}
        }
        self.leave(slot);
        let step = self.planned(slot);
        let acquires = matches!(&step.verb, PlanVerb::Uses { acquires: Some(_), .. }) && outcome == "done";
        let ends = matches!(step.verb, PlanVerb::End { .. }) && !slot.is_always();
        if acquires {
            let place = (self.state.frame(slot.frame).body, slot.step);
            self.acquire(place, self.state.chain(slot), &output, false);
        }
        let ended = ends.then(|| {
            let text = |name: &str| output[name].as_str().map(str::to_owned);
            (text("status").unwrap_or_else(|| "ended".to_owned()), text("message"))
        });
        let step = self.state.step_mut(slot);
        step.phase = Phase::Finished(outcome.to_owned());
        step.output = Arc::new(output);
        self.over(slot);
        self.withdraw(slot);
        self.added(slot);
        match ended {
            Some((status, message)) => self.end(slot, status, message),
            None => self.lead(slot, outcome),
        }
        Ok(())
    }

    /// Lets the run go where the outcome of a step leads.
    pub(super) fn lead(&mut self, slot: Slot, outcome: &str) {
        match leads(self.plan, self.state, slot, outcome) {
            Leads::End(status) => self.end(slot, status.to_owned(), None),
            Leads::Back { to, depth } => self.state.jumps.push_back(Jump {
                from: slot,
                outcome: outcome.to_owned(),
                to,
                depth,
            }),
            Leads::On | Leads::Named | Leads::Nowhere => self.propagate(slot),
        }
    }

    pub(super) fn skipped(&mut self, id: &str, round: u32) -> Result<(), Impossible> {
        let slot = self.ready_slot(id, round)?;
        self.skip(slot);
        Ok(())
    }

    /// The flow goes on past the step.
    pub(super) fn skip(&mut self, slot: Slot) {
        match self.state.step(slot).phase {
            Phase::Asking(at) => self.close_task(at, TaskPhase::Withdrawn),
            Phase::Collecting(_) => self.close_collect(slot),
            Phase::Child(_) => self.release_child(slot),
            Phase::Spreading(_) => self.cancel_elements(slot),
            _ => {}
        }
        self.leave(slot);
        self.state.step_mut(slot).phase = Phase::Skipped;
        self.over(slot);
        self.propagate(slot);
    }

    /// The run ends, or the element that the step stands in. The first reason to end counts.
    fn end(&mut self, slot: Slot, status: String, message: Option<String>) {
        let frame = self.state.frame_mut(slot.frame);
        frame.ending.get_or_insert(Ending { status, message });
        if slot.frame.is_element() {
            self.fresh.ending.push_back(slot.frame);
        }
    }

    /// One step fewer to be done.
    pub(super) fn over(&mut self, slot: Slot) {
        if let PlanVerb::Add { to, .. } = &self.planned(slot).verb {
            let each = slot.sibling(*to);
            self.fresh.eaches.push_back(each);
        }
        self.turn_changes(slot);
        let frame = self.state.frame_mut(slot.frame);
        frame.live -= 1;
        if frame.live == 0 && slot.frame.is_element() {
            self.fresh.idle.push_back(slot.frame);
        }
    }

    /// One step more to be done.
    pub(super) fn again(&mut self, slot: Slot) {
        self.state.frame_mut(slot.frame).live += 1;
    }

    /// Takes the step out of every list of what is to be done or waited for.
    pub(super) fn leave(&mut self, slot: Slot) {
        self.queue_no_more(slot);
        self.state.working.remove(&slot);
        self.fresh.changes.waits |= self.state.waiting.remove(&slot);
        self.state.watching.remove(&slot);
        self.state.asking.remove(&slot);
        if !self.state.incidents.is_empty() {
            self.state.incidents.remove(&self.state.name(self.plan, slot));
        }
        self.stop_timers(slot);
    }

    fn stop_timers(&mut self, slot: Slot) {
        if self.state.timers.is_empty() {
            return;
        }
        let mut stopped: Vec<_> = self.state.timers_of(slot).into_iter().flat_map(alarms).collect();
        if let Phase::Calling(call) = &self.state.step(slot).phase {
            stopped.extend(call.tries.retry_at.map(|at| (at, Alarm::Retry)));
        }
        for (at, alarm) in stopped {
            self.state.timers.remove(&Timer {
                at,
                of: TimerOf::Step(slot),
                alarm,
            });
        }
    }

    /// The step will not be done in this round.
    pub(super) fn cancel(&mut self, slot: Slot) {
        match self.state.step(slot).phase {
            Phase::Asking(at) => self.close_task(at, TaskPhase::Withdrawn),
            Phase::Collecting(_) => self.close_collect(slot),
            Phase::Calling(_) => self.abandon(slot, false),
            Phase::Child(_) => self.release_child(slot),
            Phase::Spreading(_) => self.cancel_elements(slot),
            _ => {}
        }
        self.leave(slot);
    }

    /// A call that may have acquired something is followed up although its step is over; by another
    /// try if the last one `failed`.
    pub(super) fn abandon(&mut self, slot: Slot, failed: bool) {
        let step = self.planned(slot);
        let acquires = step.acquires().is_some() && !step.keep;
        let state = self.state.step(slot);
        let Phase::Calling(call) = &state.phase else {
            return;
        };
        if !acquires || call.input.is_none() {
            return;
        }
        let (mut call, round) = (call.clone(), state.round);
        let step = self.state.name(self.plan, slot);
        let name = abandoned_name(&step, round);
        match self.state.incidents.remove(&step) {
            // A person looks into it as before.
            Some(incident) if incident.in_doubt => {
                self.state.incidents.insert(name.clone(), incident);
            }
            Some(_) => call.tries.again(),
            None if failed => call.tries.again(),
            None => {}
        }
        if let Some(at) = call.tries.retry_at {
            self.state.timers.insert(Timer {
                at,
                of: TimerOf::Side(name.clone()),
                alarm: Alarm::Retry,
            });
        }
        self.state.abandoned.push(Abandoned {
            name,
            step,
            place: (self.state.frame(slot.frame).body, slot.step),
            round,
            call,
        });
    }

    /// Settles the edges out of a step that is over, and of every step that cannot be reached now.
    pub(super) fn propagate(&mut self, slot: Slot) {
        let plan = self.plan;
        let body = self.state.frame(slot.frame).body;
        let mut over = vec![slot];
        while let Some(from) = over.pop() {
            for (to, edge) in edges_out(plan, body, from) {
                let wanted = plan.body(body).step(to.step).after[edge].outcome.as_deref();
                let arrives = self.arrives(from, wanted);
                let step = self.state.step_mut(to);
                if step.edges[edge] != EdgeState::Pending {
                    continue;
                }
                step.edges[edge] = if arrives {
                    step.arrived += 1;
                    EdgeState::Arrived
                } else {
                    step.dead += 1;
                    EdgeState::Dead
                };
                self.turn_changes(to);
                if self.settle_join(to) == Joined::Never {
                    over.push(to);
                }
            }
        }
    }

    /// Whether an edge out of `from`, which is over, arrives.
    fn arrives(&self, from: Slot, wanted: Option<&str>) -> bool {
        let step = self.state.step(from);
        match (&step.phase, step.outcome()) {
            (Phase::Skipped, _) => wanted.is_none(),
            (_, Some(outcome)) => match leads(self.plan, self.state, from, outcome) {
                Leads::On => wanted.is_none_or(|wanted| wanted == outcome),
                Leads::Named | Leads::Nowhere => wanted.is_some_and(|wanted| wanted == outcome),
                Leads::End(_) | Leads::Back { .. } => false,
            },
            _ => false,
        }
    }

    /// Looks whether a pending step can begin, or never will.
    fn settle_join(&mut self, slot: Slot) -> Joined {
        let step = self.state.step(slot);
        if step.phase != Phase::Pending {
            return Joined::Open;
        }
        let joined = match self.joined(slot) {
            Joined::Never if step.called => Joined::Ready,
            joined => joined,
        };
        match joined {
            Joined::Ready => self.ready(slot),
            Joined::Never => {
                self.state.step_mut(slot).phase = Phase::NotReached;
                self.over(slot);
            }
            Joined::Open => {}
        }
        joined
    }

    /// What the step's join says, whether or not a way back calls it.
    pub(super) fn joined(&self, slot: Slot) -> Joined {
        let step = self.state.step(slot);
        joined(self.planned(slot).join, step.edges.len(), step.arrived, step.dead)
    }

    /// Looks at a pending step anew, and at what follows where it can never begin.
    pub(super) fn reconsider(&mut self, slot: Slot) {
        if self.settle_join(slot) == Joined::Never {
            self.propagate(slot);
        }
    }

    /// The step may begin.
    pub(super) fn ready(&mut self, slot: Slot) {
        let at = self.at;
        let step = self.state.step_mut(slot);
        step.phase = Phase::Ready;
        step.since = at;
        self.queue(slot);
        if self.state.may_begin(self.plan, slot) {
            self.begin(slot);
        }
    }

    /// Nothing keeps the step from beginning.
    pub(super) fn begin(&mut self, slot: Slot) {
        if matches!(self.planned(slot).verb, PlanVerb::Uses { pure: true, .. }) {
            self.state.working.insert(slot);
        }
        self.fresh.ready.push_back(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::{Joined, joined};
    use crate::spec::JoinSpec;

    #[test]
    fn a_join_is_met_out_of_reach_or_open() {
        let cases = [
            (JoinSpec::All, 0, 0, 0, Joined::Ready),
            (JoinSpec::All, 2, 1, 0, Joined::Open),
            (JoinSpec::All, 2, 2, 0, Joined::Ready),
            (JoinSpec::All, 2, 1, 1, Joined::Never),
            (JoinSpec::Any, 2, 0, 1, Joined::Open),
            (JoinSpec::Any, 2, 1, 0, Joined::Ready),
            (JoinSpec::Any, 2, 0, 2, Joined::Never),
            (JoinSpec::Count(2), 3, 1, 1, Joined::Open),
            (JoinSpec::Count(2), 3, 2, 0, Joined::Ready),
            (JoinSpec::Count(2), 3, 1, 2, Joined::Never),
            (JoinSpec::Count(0), 2, 0, 2, Joined::Never),
            (JoinSpec::Count(4), 3, 0, 0, Joined::Never),
            (JoinSpec::Settled, 2, 1, 0, Joined::Open),
            (JoinSpec::Settled, 2, 1, 1, Joined::Ready),
            (JoinSpec::Settled, 2, 0, 2, Joined::Never),
        ];
        for (join, total, arrived, dead, expected) in cases {
            assert_eq!(
                joined(join, total, arrived, dead),
                expected,
                "{join:?} {total} {arrived} {dead}"
            );
        }
    }
}
