//! One more element for an `each`.

use super::super::frame::Slot;
use super::super::limits::{MAX_PAYLOAD_BYTES, payload_bytes};
use super::super::state::Phase;
use super::Decider;
use crate::base::Value;
use crate::expr::Tree;
use crate::plan::StepId;
use crate::spec::limits::MAX_ELEMENTS;
use serde_json::json;

impl Decider<'_> {
    /// Adds an element, where the `each` is under way and nothing is decided of it.
    pub(super) fn add(&mut self, slot: Slot, to: StepId, item: &Tree) {
        let each = slot.sibling(to);
        let step = self.state().step(each);
        if step.outcome().is_some() || step.phase.is_over() {
            return self.finish(slot, "closed", json!({}), None);
        }
        let Phase::Spreading(spreading) = &step.phase else {
            let error = format!(
                "`{}` has not begun: let this step come after what it comes after",
                self.id(each)
            );
            return self.raise(slot, &error, false, 0);
        };
        let index = spreading.items.len();
        match self.element_to_add(slot, item, index, spreading.item_bytes) {
            Ok(item) => self.finish(slot, "done", json!({ "index": index, "item": item }), None),
            Err(error) => self.raise(slot, &error, false, 0),
        }
    }

    /// `count` elements of so many `bytes` are there.
    fn element_to_add(&self, slot: Slot, item: &Tree, count: usize, bytes: usize) -> Result<Value, String> {
        if count >= MAX_ELEMENTS {
            return Err(format!("there are {MAX_ELEMENTS} elements, which is the most"));
        }
        let (value, _) = item.eval(&self.scope(slot)).map_err(|error| error.message)?;
        let bytes = bytes + payload_bytes(&value);
        if bytes > MAX_PAYLOAD_BYTES {
            return Err(format!(
                "the elements would have {bytes} bytes; {MAX_PAYLOAD_BYTES} is the most"
            ));
        }
        Ok(value)
    }
}
