//! Steps once for each element: opened, element after element over, joined.

use super::super::each::{COMPLETED, TOO_LARGE, Verdict};
use super::super::event::Event;
use super::super::frame::{FrameId, Slot};
use super::super::limits::{MAX_PAYLOAD_BYTES, MAX_RESULTS_BYTES, payload_bytes};
use super::super::scope::RunScope;
use super::Decider;
use super::closing::{Outputs, outputs};
use crate::base::Value;
use crate::expr::Tree;
use crate::plan::{PlanEach, PlanVerb};
use crate::spec::limits::MAX_ELEMENTS;
use crate::spec::shape::describe;
use serde_json::json;

impl Decider<'_> {
    pub(super) fn start_each(&mut self, slot: Slot, each: &PlanEach) {
        match self.items(slot, &each.list) {
            Ok(items) => {
                let event = Event::EachOpened {
                    step: self.id(slot),
                    round: self.round(slot),
                    items,
                };
                self.emit(event);
            }
            Err(error) => self.raise(slot, &error, false, 0),
        }
    }

    fn items(&self, slot: Slot, list: &Tree) -> Result<Vec<Value>, String> {
        let (value, _) = list.eval(&self.scope(slot)).map_err(|error| error.message)?;
        let value = match value {
            // what was added before it is done again stays
            Value::Array(mut items) => {
                items.extend(self.state().step(slot).added.iter().cloned());
                Value::Array(items)
            }
            other => other,
        };
        let bytes = payload_bytes(&value);
        match value {
            Value::Array(items) if items.len() > MAX_ELEMENTS => Err(format!(
                "the list has {} elements; {MAX_ELEMENTS} is the most",
                items.len()
            )),
            Value::Array(_) if bytes > MAX_PAYLOAD_BYTES => {
                Err(format!("the list has {bytes} bytes; {MAX_PAYLOAD_BYTES} is the most"))
            }
            Value::Array(items) => Ok(items),
            other => Err(format!("`in` must give a list, and gave {}", describe(&other))),
        }
    }

    /// Ends an element that an outcome ended.
    pub(super) fn end_element(&mut self) -> bool {
        let Some(frame) = self.machine.fresh.ending.pop_front() else {
            return false;
        };
        let ending = self.state().frames.get(frame).and_then(|frame| frame.ending.as_ref());
        if let Some(status) = ending.map(|ending| ending.status.clone()) {
            self.element_ended(frame, status);
        }
        true
    }

    /// Ends an element with nothing left to do.
    pub(super) fn complete_element(&mut self) -> bool {
        let Some(frame) = self.machine.fresh.idle.pop_front() else {
            return false;
        };
        if self.state().frames.get(frame).is_some_and(|frame| frame.live == 0) {
            self.element_ended(frame, COMPLETED.to_owned());
        }
        true
    }

    fn element_ended(&mut self, frame: FrameId, mut status: String) {
        let Some(element) = self.state().frame(frame).element.clone() else {
            return;
        };
        let Outputs { values, failed } = self.element_output(frame, element.of);
        if let Some((name, why)) = failed.first_key_value()
            && self.state().semantics.has_strict_values()
            && status == COMPLETED
            && self.is_live(element.of)
        {
            let error = format!("output `{name}` of element {}: {why}", element.index);
            return self.raise(element.of, &error, false, 0);
        }
        let mut output = Value::Object(values);
        let taken = self.state().each(element.of).map_or(0, |each| each.bytes);
        if taken + payload_bytes(&output) > MAX_RESULTS_BYTES {
            (status, output) = (TOO_LARGE.to_owned(), json!({}));
        }
        let event = Event::ElementEnded {
            step: self.id(element.of),
            round: self.round(element.of),
            index: element.index,
            status,
            output,
        };
        self.emit(event);
        self.forget_rendered();
    }

    /// What an element gives. An output that this end has no value for is left out.
    fn element_output(&self, frame: FrameId, of: Slot) -> Outputs {
        let written = match &self.step(of).verb {
            PlanVerb::Each(each) => each.outputs.as_slice(),
            _ => &[],
        };
        let scope = RunScope {
            plan: self.plan,
            state: self.state(),
            frame,
            now: self.now,
            event: None,
            results: None,
        };
        outputs(written, &scope)
    }

    /// Brings an `each` to its outcome if the elements that are over say so.
    pub(super) fn join_elements(&mut self) -> bool {
        let Some(slot) = self.machine.fresh.eaches.pop_front() else {
            return false;
        };
        let plan = self.plan;
        let Some(each) = self.state().each(slot) else {
            return true;
        };
        let PlanVerb::Each(planned) = &self.state().planned(plan, slot).verb else {
            return true;
        };
        if let Some(passed) = each.passed.clone() {
            if each.is_over() {
                self.finish(slot, &passed, json!({}), None);
            }
            return true;
        }
        let open = self.state().is_open(slot, planned);
        match each.verdict(planned.join, open) {
            Verdict::Open if !self.is_enough(slot, planned) => return true,
            Verdict::Open | Verdict::Done => self.pass(slot, planned, "done", json!({})),
            Verdict::Failed => {
                let (ended, completed) = (each.ended.len(), each.completed.len());
                let error = format!(
                    "{completed} of {} elements completed and {} ended otherwise, so that too few can complete",
                    each.total(),
                    ended - completed
                );
                if self.is_unhandled(slot, "failed") {
                    self.raise(slot, &error, false, 0);
                } else {
                    self.pass(slot, planned, "failed", json!({ "error": error }));
                }
            }
        }
        self.forget_rendered();
        true
    }

    /// Whether the results so far are enough, as the author says. They are not where the condition has no
    /// value yet, as one about the third of two results: it is looked at again when another one is there.
    fn is_enough(&self, slot: Slot, planned: &PlanEach) -> bool {
        let (Some(until), Some(each)) = (&planned.until, self.state().each(slot)) else {
            return false;
        };
        if each.completed.is_empty() || self.has_incident(slot) {
            return false;
        }
        let scope = RunScope {
            results: Some(&each.completed),
            ..self.scope(slot)
        };
        until.holds(&scope).unwrap_or(false)
    }

    /// The `each` came to an outcome: it is over, or its elements go on and nobody waits for them.
    fn pass(&mut self, slot: Slot, planned: &PlanEach, outcome: &str, output: Value) {
        let over = self.state().each(slot).is_none_or(super::super::each::Each::is_over);
        if !planned.goes_on || over {
            return self.finish(slot, outcome, output, None);
        }
        let event = Event::EachPassed {
            step: self.id(slot),
            round: self.round(slot),
            outcome: outcome.to_owned(),
            output,
        };
        self.emit(event);
    }

    /// Inputs of pure actions whose element is over are no longer wanted.
    pub(super) fn forget_rendered(&mut self) {
        let state = &self.machine.state;
        let wanted = |slot: &Slot| state.get(*slot).is_some_and(|step| !step.phase.is_over());
        self.machine.rendered.retain(|slot, _| wanted(slot));
    }
}
