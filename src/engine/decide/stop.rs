//! Steps that stop others: `cancel` and `complete`.

use super::super::frame::Slot;
use super::Decider;
use crate::plan::StepId;
use serde_json::json;

impl Decider<'_> {
    /// Withdraws steps of the same list. That follows from the step being over; it says which were under way.
    pub(super) fn withdraw(&mut self, slot: Slot, steps: &[StepId]) {
        let is_under_way = |step: &&StepId| self.is_live(slot.sibling(**step)) && **step != slot.step;
        let under_way = steps.iter().filter(is_under_way);
        let cancelled: Vec<String> = under_way.map(|step| self.id(slot.sibling(*step))).collect();
        self.finish(slot, "done", json!({ "cancelled": cancelled }), None);
        self.forget_rendered();
    }

    /// Ends every `each` among these that is under way as done.
    pub(super) fn complete(&mut self, slot: Slot, steps: &[StepId]) {
        let mut completed = Vec::new();
        for step in steps {
            let each = slot.sibling(*step);
            if let Some(spreading) = self.state().each(each) {
                let outcome = spreading.passed.clone().unwrap_or_else(|| "done".to_owned());
                completed.push(self.id(each));
                self.finish(each, &outcome, json!({}), None);
            }
        }
        self.finish(slot, "done", json!({ "completed": completed }), None);
        self.forget_rendered();
    }
}
