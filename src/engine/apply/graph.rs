//! Steps that come to an end, and what that makes of the steps after them.

use super::super::leads::{Leads, leads};
use super::super::state::{Abandoned, Alarm, EdgeState, Ending, Jump, Phase, Slot, Slots, Timer, TimerOf};
use super::super::state::{Owned, Tries, abandoned_name};
use super::super::view::TaskPhase;
use super::{Applier, Impossible};
use crate::base::Value;
use crate::base::id::EventId;
use crate::plan::PlanVerb;
use crate::spec::JoinSpec;

/// What a join says, given how its edges stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joined {
    Ready,
    Never,
    Open,
}

fn joined(join: JoinSpec, total: usize, arrived: usize, dead: usize) -> Joined {
    let needed = match join {
        _ if total == 0 => 0,
        JoinSpec::Settled if arrived + dead < total => return Joined::Open,
        JoinSpec::Any | JoinSpec::Settled => 1,
        JoinSpec::Count(count) => (count as usize).max(1),
        JoinSpec::All => total,
    };
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
        if let Phase::Asking(at) = self.state.step(slot).phase {
            self.close_task(at, TaskPhase::Settled(outcome.to_owned()));
        }
        self.leave(slot);
        let step = self.state.step_mut(slot);
        step.phase = Phase::Finished(outcome.to_owned());
        step.output = output.clone();
        if outcome == "done" {
            self.acquire(slot, output, false);
        }
        self.over(slot);
        if matches!(self.plan.at(slot).verb, PlanVerb::End { .. }) && !self.plan.is_always(slot) {
            self.end(output["status"].as_str().unwrap_or("ended"), output["message"].as_str());
            return Ok(());
        }
        match leads(self.plan, self.state, slot, outcome) {
            Leads::End(status) => self.end(status, None),
            Leads::Back { to, depth } => self.state.jumps.push_back(Jump {
                from: slot,
                outcome: outcome.to_owned(),
                to,
                depth,
            }),
            Leads::On | Leads::Named | Leads::Nowhere => self.propagate(slot),
        }
        Ok(())
    }

    pub(super) fn skipped(&mut self, id: &str, round: u32) -> Result<(), Impossible> {
        let slot = self.ready_slot(id, round)?;
        self.skip(slot);
        Ok(())
    }

    /// The flow goes on past the step.
    pub(super) fn skip(&mut self, slot: Slot) {
        if let Phase::Asking(at) = self.state.step(slot).phase {
            self.close_task(at, TaskPhase::Withdrawn);
        }
        self.leave(slot);
        self.state.step_mut(slot).phase = Phase::Skipped;
        self.over(slot);
        self.propagate(slot);
    }

    /// The first reason to end counts.
    fn end(&mut self, status: &str, message: Option<&str>) {
        self.state.ending.get_or_insert_with(|| Ending {
            status: status.to_owned(),
            message: message.map(str::to_owned),
        });
    }

    /// One step fewer to be done.
    pub(super) fn over(&mut self, slot: Slot) {
        if self.plan.is_always(slot) {
            self.state.live_always -= 1;
        } else {
            self.state.live -= 1;
        }
    }

    /// One step more to be done.
    pub(super) fn again(&mut self, slot: Slot) {
        if self.plan.is_always(slot) {
            self.state.live_always += 1;
        } else {
            self.state.live += 1;
        }
    }

    /// Takes the step out of every list of what is to be done or waited for.
    pub(super) fn leave(&mut self, slot: Slot) {
        self.state.working.remove(&slot);
        self.state.waiting.remove(&slot);
        self.state.asking.remove(&slot);
        if !self.state.incidents.is_empty() {
            self.state.incidents.remove(&self.plan.at(slot).id);
        }
        self.stop_timers(slot);
    }

    fn stop_timers(&mut self, slot: Slot) {
        if self.state.timers.is_empty() {
            return;
        }
        let mut alarms = Vec::new();
        if let Some(timers) = self.state.timers_of(slot) {
            alarms.extend(timers.due.map(|at| (at, Alarm::Due)));
            alarms.extend(timers.escalate.map(|at| (at, Alarm::Escalate)));
            alarms.extend((0..).zip(&timers.remind).map(|(index, at)| (*at, Alarm::Remind(index))));
        }
        if let Phase::Calling(call) = &self.state.step(slot).phase {
            alarms.extend(call.tries.retry_at.map(|at| (at, Alarm::Retry)));
        }
        for (at, alarm) in alarms {
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
            Phase::Calling(_) => self.abandon(slot, false),
            _ => {}
        }
        self.leave(slot);
    }

    /// A call that may have acquired something is followed up although its step is over; by another
    /// try if the last one `failed`.
    pub(super) fn abandon(&mut self, slot: Slot, failed: bool) {
        let step = self.plan.at(slot);
        let acquires = matches!(&step.verb, PlanVerb::Uses { acquires: Some(_), .. }) && !step.keep;
        let state = self.state.step(slot);
        let Phase::Calling(call) = &state.phase else {
            return;
        };
        if !acquires || call.input.is_none() {
            return;
        }
        let (mut call, round) = (call.clone(), state.round);
        let name = abandoned_name(&step.id, round);
        match self.state.incidents.remove(&step.id) {
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
            slot,
            round,
            call,
        });
    }

    /// What the output of an action names belongs to the run from now on.
    pub(super) fn acquire(&mut self, slot: Slot, output: &Value, releasing: bool) {
        let step = self.plan.at(slot);
        let PlanVerb::Uses {
            acquires: Some(acquires),
            ..
        } = &step.verb
        else {
            return;
        };
        let Some(id) = output.get(&acquires.output).and_then(Value::as_str) else {
            return;
        };
        if step.keep || self.state.owned.iter().any(|thing| thing.id == id) {
            return;
        }
        self.state.owned.push(Owned {
            kind: acquires.kind.clone(),
            id: id.to_owned(),
            slot,
            releasing,
            tries: Tries::first(),
        });
    }

    /// Settles the edges out of a step that is over, and of every step that cannot be reached now.
    pub(super) fn propagate(&mut self, slot: Slot) {
        let plan = self.plan;
        let mut over = vec![slot];
        while let Some(from) = over.pop() {
            for (to, edge) in plan.edges_out(from) {
                let arrives = self.arrives(from, plan.at(to).after[edge].outcome.as_deref());
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
                if self.settle_join(to) == Joined::Never {
                    over.push(to);
                }
            }
        }
    }

    /// Whether an edge out of `from`, which is over, arrives.
    fn arrives(&self, from: Slot, wanted: Option<&str>) -> bool {
        match &self.state.step(from).phase {
            Phase::Skipped => wanted.is_none(),
            Phase::Finished(outcome) => match leads(self.plan, self.state, from, outcome) {
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
        let joined = joined(self.plan.at(slot).join, step.edges.len(), step.arrived, step.dead);
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
        if matches!(self.plan.at(slot).verb, PlanVerb::Uses { pure: true, .. }) {
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
