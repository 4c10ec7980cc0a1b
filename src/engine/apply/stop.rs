//! A step that withdraws others.

use super::super::each::CANCELLED;
use super::super::frame::Slot;
use super::super::state::Phase;
use super::Applier;
use crate::base::Value;
use crate::plan::PlanVerb;
use std::sync::Arc;

impl Applier<'_> {
    /// Withdraws what a `cancel` names and what is not over: work under way is cancelled, what has
    /// not begun never will. What has finished keeps what it gave and what it acquired; of an `each`
    /// the elements that are over do.
    pub(super) fn withdraw(&mut self, by: Slot) {
        let plan = self.plan;
        let PlanVerb::Cancel(steps) = &self.state.planned(plan, by).verb else {
            return;
        };
        let others = steps.iter().map(|step| by.sibling(*step)).filter(|slot| *slot != by);
        for slot in others {
            if self.state.step(slot).phase.is_over() {
                continue;
            }
            if self.end_passed(slot) {
                continue;
            }
            let output = self.with_results(slot, &Value::Null, CANCELLED);
            self.cancel(slot);
            let step = self.state.step_mut(slot);
            step.output = Arc::new(output);
            step.phase = Phase::Cancelled;
            self.over(slot);
            self.propagate(slot);
        }
    }
}
