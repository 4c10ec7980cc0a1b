//! Turns of an `each` in order: each of its steps takes the elements one at a time, in the order of the list.
//!
//! Whose turn it is at a step is no event: it is the first element that the step is not through with. An element that
//! has begun the step keeps its turn until the step is through with it, also where an earlier one comes back.

use super::super::each::Each;
use super::super::frame::{FrameId, Slot};
use super::super::state::Phase;
use super::Applier;
use crate::plan::StepId;

impl Applier<'_> {
    /// Something changed at the step that may pass its turn on.
    pub(super) fn turn_changes(&mut self, slot: Slot) {
        if let Some(of) = self.takes_turns(slot.frame) {
            self.turns.insert((of, slot.step));
        }
    }

    /// The same for all steps of an element.
    pub(super) fn turns_change(&mut self, frame: FrameId) {
        if let Some(of) = self.takes_turns(frame) {
            self.all_turns_change(of);
        }
    }

    /// The same for all steps of an `each`.
    pub(super) fn all_turns_change(&mut self, of: Slot) {
        if self.state.each(of).is_none_or(|each| each.turns.is_none()) {
            return;
        }
        if let Some(body) = self.plan_each(of).map(|planned| planned.body) {
            let steps = self.plan.body(body).steps;
            self.turns.extend(steps.iter().map(|step| (of, step.index)));
        }
    }

    /// The `each` whose elements take turns, if the list is such an element.
    fn takes_turns(&self, frame: FrameId) -> Option<Slot> {
        let of = self.state.frame(frame).element.as_ref()?.of;
        self.state.each(of)?.turns.as_ref()?;
        Some(of)
    }

    /// Passes turns on where something changed. Time counts for a step from when it has its turn.
    pub(super) fn pass_turns_on(&mut self) {
        for (of, step) in std::mem::take(&mut self.turns) {
            let Some(each) = self.state.each(of) else { continue };
            let Some(turns) = &each.turns else { continue };
            let next = self.whose_turn(each, step);
            if next == turns.get(&step).copied() {
                continue;
            }
            let slot = next.and_then(|index| slot_of(each, index, step));
            self.set_turn(of, step, next);
            let Some(slot) = slot else { continue };
            if self.state.step(slot).phase == Phase::Ready && self.state.may_begin(self.plan, slot) {
                self.state.step_mut(slot).since = self.at;
                self.begin(slot);
            }
        }
    }

    fn set_turn(&mut self, of: Slot, step: StepId, next: Option<u32>) {
        let Phase::Spreading(each) = &mut self.state.step_mut(of).phase else {
            return;
        };
        let Some(turns) = &mut each.turns else { return };
        match next {
            Some(index) => turns.insert(step, index),
            None => turns.remove(&step),
        };
    }

    /// The element under way that the step takes now: the one that it is at, or the first that it is not through with.
    fn whose_turn(&self, each: &Each, step: StepId) -> Option<u32> {
        let held = each.turns.as_ref()?.get(&step).copied();
        let is_at = |index: &u32| {
            let slot = slot_of(each, *index, step);
            slot.is_some_and(|slot| self.state.step(slot).phase != Phase::Pending && !self.is_through(slot))
        };
        let waiting = || {
            let mut under_way = each
                .running
                .iter()
                .map(|(index, frame)| (*index, Slot { frame: *frame, step }));
            under_way.find(|(_, slot)| !self.is_through(*slot))
        };
        held.filter(is_at).or_else(|| waiting().map(|(index, _)| index))
    }

    /// Whether the step is over, nothing more comes to it, and its element is not about to go back to it or before it.
    fn is_through(&self, slot: Slot) -> bool {
        let step = self.state.step(slot);
        let index = &self.plan.body(self.state.frame(slot.frame).body).index;
        let mut jumps = self.state.jumps.iter().filter(|jump| jump.from.frame == slot.frame);
        step.phase.is_over()
            && step.arrived + step.dead == step.edges.len()
            && !jumps.any(|jump| jump.to == slot || index.is_upstream(jump.to.step, slot.step))
    }
}

/// The step of an element, if that is under way.
fn slot_of(each: &Each, index: u32, step: StepId) -> Option<Slot> {
    let frame = *each.running.get(&index)?;
    Some(Slot { frame, step })
}
