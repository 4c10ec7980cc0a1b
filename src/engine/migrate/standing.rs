//! Where replaying by another version leads, held against where the run stands.

use super::Check;
use super::names::renamed;
use crate::engine::frame::{Frame, FrameId, Slot, slots};
use crate::engine::leads::{Leads, leads};
use crate::engine::machine::RunMachine;
use crate::engine::state::{Phase, StepState};
use crate::plan::{BodyId, StepId};
use std::collections::BTreeSet;

impl Check<'_> {
    /// Whether `new`, the run replayed, stands where the run does.
    pub(super) fn standing(&mut self, new: &RunMachine) {
        for (id, frame) in self.old.state.frames.iter() {
            let Some(there) = self.frame_in(new, id, frame) else {
                let each = self.each_of(frame);
                let why = format!(
                    "element {} is under way, and would not have begun by {}",
                    frame.element.as_ref().map_or(0, |element| element.index),
                    self.version()
                );
                self.at_step(&each, why);
                continue;
            };
            self.list(new, id, there);
        }
        self.ends(new);
        self.turns(new);
        self.things(new);
    }

    /// The same list of steps in `new`.
    fn frame_in(&self, new: &RunMachine, id: FrameId, frame: &Frame) -> Option<FrameId> {
        let Some(element) = &frame.element else {
            return Some(id);
        };
        let prefix = renamed(&element.prefix, &self.steps);
        let mut all = new.state.frames.iter();
        let found = all.find(|(_, frame)| frame.element.as_ref().is_some_and(|element| element.prefix == prefix));
        found.map(|(id, _)| id)
    }

    fn each_of(&self, frame: &Frame) -> String {
        let old = self.old;
        let of = frame.element.as_ref().map(|element| element.of);
        of.map_or_else(String::new, |slot| old.state.planned(&old.plan, slot).id.clone())
    }

    fn list(&mut self, new: &RunMachine, id: FrameId, there: FrameId) {
        let old = self.old;
        for (slot, before) in slots(id, old.state.frame(id)) {
            let name = &old.state.planned(&old.plan, slot).id;
            let body = new.state.frame(there).body;
            let step = self.to.body(body).find(self.target(name));
            let after = step.map(|step| new.state.step(Slot { frame: there, step }));
            let stays = match after {
                Some(after) => stays(before, after, old.state.has_incident(&old.plan, slot)),
                None => not_begun(before) && !old.state.has_incident(&old.plan, slot),
            };
            if !stays {
                let is = after.map_or("gone", |after| word(&after.phase));
                let why = format!("it is {} and would be {is} by {}", word(&before.phase), self.version());
                self.at_step(name, why);
            }
        }
    }

    /// Whether an outcome from before would lead back now, or end the run or an element.
    fn ends(&mut self, new: &RunMachine) {
        for (id, frame) in new.state.frames.iter() {
            let jumps = new.state.jumps.iter().any(|jump| jump.from.frame == id);
            if frame.ending.is_none() && !jumps {
                continue;
            }
            let mut told = false;
            for (slot, step) in slots(id, frame) {
                let Some(outcome) = step.outcome() else { continue };
                let what = match leads(self.to, &new.state, slot, outcome) {
                    Leads::End(status) => format!("ends as {status}"),
                    Leads::Back { to, .. } => format!("goes back to {}", new.state.planned(self.to, to).id),
                    _ => continue,
                };
                let name = new.state.planned(self.to, slot).id.clone();
                let why = format!("it came to {outcome}, after which {} {what}", self.version());
                let name = self.source(&name).to_owned();
                self.at_step(&name, why);
                told = true;
            }
            if !told {
                let why = format!("by {} it would have ended, or gone back, before now", self.version());
                self.obstacle("run".to_owned(), why);
            }
        }
    }

    /// Whether two steps under way would hold one lock, or a step would be at two elements of an `each` in order, or at
    /// one whose turn it is not.
    fn turns(&mut self, new: &RunMachine) {
        for (id, frame) in new.state.frames.iter() {
            for (slot, step) in slots(id, frame) {
                let waits = matches!(step.phase, Phase::Pending | Phase::Ready) || step.phase.is_over();
                if waits || new.state.may_begin(self.to, slot) {
                    continue;
                }
                let planned = new.state.planned(self.to, slot);
                let name = self.source(&planned.id).to_owned();
                if let Some(first) = new.state.before_it(slot) {
                    let first = new.state.name(self.to, first);
                    let why = format!("it is under way, and by {} {first} is before it", self.version());
                    self.at_step(&name, why);
                    continue;
                }
                let lock = planned.lock.as_ref().map_or("", |lock| lock.name.as_str());
                let why = format!(
                    "it is under way, and so is another step that has the lock {lock} by {}",
                    self.version()
                );
                self.at_step(&name, why);
            }
        }
    }

    /// Whether what the run owns and looks after stays the same.
    fn things(&mut self, new: &RunMachine) {
        let of = |machine: &RunMachine| {
            let things = machine.state.owned.iter();
            let things = things.map(|thing| {
                let releasing = machine.state.owned.is_releasing(&thing.id);
                (thing.id.clone(), releasing, place(machine, thing.place))
            });
            let calls = machine.state.abandoned.iter();
            let calls = calls.map(|call| (renamed(&call.name, &self.steps), true, place(machine, call.place)));
            things.chain(calls).collect::<Vec<_>>()
        };
        let (before, after) = (of(self.old), of(new));
        let key = |all: &[(String, bool, String)]| -> BTreeSet<(String, bool)> {
            all.iter().map(|(id, releasing, _)| (id.clone(), *releasing)).collect()
        };
        let (kept, there) = (key(&before), key(&after));
        for (id, releasing, step) in before {
            if !there.contains(&(id.clone(), releasing)) {
                let why = format!(
                    "{id}, which it acquired, would not belong to the run as it does by {}",
                    self.version()
                );
                self.at_step(&step, why);
            }
        }
        for (id, releasing, step) in after {
            if !kept.contains(&(id.clone(), releasing)) {
                let why = format!(
                    "{id}, which it gave, does not belong to the run and would by {}",
                    self.version()
                );
                let step = self.source(&step).to_owned();
                self.at_step(&step, why);
            }
        }
    }

    /// The steps of the other version that begin with it, by their names.
    pub(super) fn begins(&self, new: &RunMachine) -> Vec<String> {
        let all = new.state.frames.iter().flat_map(|(id, frame)| slots(id, frame));
        let begin = all.filter(|(slot, step)| step.phase == Phase::Ready && new.state.may_begin(self.to, *slot));
        let before: BTreeSet<String> = self.ready().collect();
        begin
            .map(|(slot, _)| new.state.name(self.to, slot))
            .filter(|name| !before.contains(name))
            .collect()
    }

    /// What may begin already, by the names of the other version.
    fn ready(&self) -> impl Iterator<Item = String> + '_ {
        let old = self.old;
        let all = old.state.frames.iter().flat_map(|(id, frame)| slots(id, frame));
        let ready = all.filter(|(slot, step)| step.phase == Phase::Ready && old.state.may_begin(&old.plan, *slot));
        ready.map(|(slot, _)| renamed(&old.state.name(&old.plan, slot), &self.steps))
    }
}

fn place(machine: &RunMachine, (body, step): (BodyId, StepId)) -> String {
    machine.plan.body(body).step(step).id.clone()
}

/// Whether nothing is recorded of the step in this round.
fn not_begun(step: &StepState) -> bool {
    matches!(step.phase, Phase::Pending | Phase::NotReached | Phase::Ready)
}

/// Whether a step stands by the other version as it does now, or has not begun by either.
fn stays(before: &StepState, after: &StepState, incident: bool) -> bool {
    if not_begun(before) {
        let waits = !incident || after.phase == Phase::Ready;
        return waits && (not_begun(after) || after.phase == Phase::Cancelled);
    }
    let same = match (&before.phase, &after.phase) {
        (Phase::Finished(before), Phase::Finished(after)) => before == after,
        (Phase::Spreading(before), Phase::Spreading(after)) => {
            before.passed == after.passed && before.ended == after.ended && before.items == after.items
        }
        (before, after) => std::mem::discriminant(before) == std::mem::discriminant(after),
    };
    same && before.round == after.round
}

/// How a step stands, in a word.
fn word(phase: &Phase) -> &'static str {
    match phase {
        Phase::Pending => "not begun",
        Phase::Ready => "about to begin",
        Phase::Calling(_) => "being called",
        Phase::Waiting(_) => "waiting",
        Phase::Asking(_) => "asking people",
        Phase::Collecting(_) => "asking for documents",
        Phase::Child(_) => "waiting for another run",
        Phase::Spreading(_) => "going through its elements",
        Phase::Finished(_) => "finished",
        Phase::Skipped => "skipped",
        Phase::NotReached => "not reached",
        Phase::Cancelled => "withdrawn",
    }
}
