//! Children: started, no longer wanted, started anew.

use super::super::frame::Slot;
use super::super::state::Phase;
use super::{Applier, Impossible};
use crate::base::id::RunId;
use crate::plan::PlanVerb;
use serde_json::json;

impl Applier<'_> {
    pub(super) fn child_started(&mut self, step: &str, round: u32, run: &RunId) -> Result<(), Impossible> {
        let slot = self.live_slot(step, round)?;
        let planned = self.planned(slot);
        let (PlanVerb::Run(verb), Phase::Calling(_)) = (&planned.verb, &self.state.step(slot).phase) else {
            return Err(format!("step {step} starts no other flow"));
        };
        let output = json!({ verb.acquires.output.clone(): run });
        self.leave(slot);
        let place = (self.state.frame(slot.frame).body, slot.step);
        self.acquire(place, self.state.chain(slot), &output, false);
        self.state.step_mut(slot).phase = Phase::Child(run.clone());
        Ok(())
    }

    /// The child is over, and nothing of it is left to be released.
    pub(super) fn forget_child(&mut self, slot: Slot) {
        if let Phase::Child(run) = self.state.step(slot).phase.clone() {
            self.state.owned.remove(run.as_str());
            self.fresh.changes.things.insert(run.0);
        }
    }

    /// The child is no longer wanted.
    pub(super) fn release_child(&mut self, slot: Slot) {
        if let Phase::Child(run) = self.state.step(slot).phase.clone() {
            self.state.owned.release(run.as_str());
        }
    }

    /// Another child, as a new round.
    pub(super) fn run_again(&mut self, slot: Slot) {
        self.cancel(slot);
        self.state.step_mut(slot).round += 1;
        self.ready(slot);
    }
}
