//! Elements of an `each`: begun, over, cancelled.
//!
//! Which elements have begun is no event: as many as the flow allows are under way as long as more
//! of them can change what comes of the `each`.

use super::super::each::{Each, RUNNING, Verdict};
use super::super::event::Event;
use super::super::frame::{Element, FrameId, Slot};
use super::super::state::Phase;
use super::{Applier, Impossible};
use crate::base::Value;
use crate::plan::{PlanEach, PlanVerb};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Applier<'_> {
    pub(super) fn each(&mut self, event: &Event) -> Result<(), Impossible> {
        match event {
            Event::EachOpened { step, round, items } => {
                let slot = self.ready_slot(step, *round)?;
                let planned = self.plan_each(slot);
                let in_order = planned
                    .ok_or_else(|| format!("step {step} does nothing for each of several"))?
                    .in_order;
                let step = self.state.step_mut(slot);
                let each = Each::new(items.clone(), &std::mem::take(&mut step.added), in_order);
                step.phase = Phase::Spreading(Box::new(each));
                self.begin_elements(slot);
                Ok(())
            }
            Event::EachPassed {
                step,
                round,
                outcome,
                output,
            } => {
                let slot = self.live_slot(step, *round)?;
                let output = self.with_results(slot, output, RUNNING);
                let each = self.each_mut(slot).filter(|each| each.passed.is_none());
                each.ok_or_else(|| format!("step {step} does not go on past its elements"))?
                    .passed = Some(outcome.clone());
                self.state.step_mut(slot).output = Arc::new(output);
                self.lead(slot, outcome);
                Ok(())
            }
            Event::ElementEnded {
                step,
                round,
                index,
                status,
                output,
            } => {
                let slot = self.live_slot(step, *round)?;
                let running = self.state.each(slot).and_then(|each| each.running.get(index));
                let frame = *running.ok_or_else(|| format!("element {index} of step {step} is not under way"))?;
                self.drop_element(frame);
                self.element_ended(slot, *index, status, output);
                self.begin_elements(slot);
                Ok(())
            }
            _ => Err("it is no event of an each".to_owned()),
        }
    }

    pub(super) fn plan_each(&self, slot: Slot) -> Option<&PlanEach> {
        match &self.planned(slot).verb {
            PlanVerb::Each(each) => Some(each),
            _ => None,
        }
    }

    fn each_mut(&mut self, slot: Slot) -> Option<&mut Each> {
        match &mut self.state.step_mut(slot).phase {
            Phase::Spreading(each) => Some(each),
            _ => None,
        }
    }

    fn element_ended(&mut self, slot: Slot, index: u32, status: &str, output: &Value) {
        if let Some(each) = self.each_mut(slot) {
            each.end(index, status, output);
        }
    }

    /// Lets as many elements begin as may, and takes down that the `each` is to be looked at.
    fn begin_elements(&mut self, slot: Slot) {
        self.fresh.eaches.push_back(slot);
        self.all_turns_change(slot);
        while let Some((index, plan)) = self.next_element(slot) {
            let body = plan.body;
            let element = Element {
                of: slot,
                index,
                prefix: self.state.prefix(self.plan, slot, index),
            };
            let frame = self.state.frames.open(self.plan, body, element, self.at);
            if let Some(each) = self.each_mut(slot) {
                each.next += 1;
                each.running.insert(index, frame);
            }
            if self.state.frame(frame).live == 0 {
                self.fresh.idle.push_back(frame);
            }
            self.begin_list(frame);
        }
    }

    /// The element that is to begin now.
    fn next_element(&self, slot: Slot) -> Option<(u32, &PlanEach)> {
        let (plan, each) = (self.plan_each(slot)?, self.state.each(slot)?);
        let begins = each.next < each.total()
            && each.running.len() < plan.parallel as usize
            && (plan.goes_on || each.verdict(plan.join, self.state.is_open(slot, plan)) == Verdict::Open);
        begins.then_some((each.next, plan))
    }

    /// What a step gives: for an `each`, the results of its elements as well.
    pub(super) fn with_results(&self, slot: Slot, output: &Value, under_way: &str) -> Value {
        let mut output = Cow::Borrowed(output);
        if let Some(each) = self.state.each(slot) {
            let mut fields = output.as_object().cloned().unwrap_or_default();
            fields.insert("results".to_owned(), each.results(under_way));
            output = Cow::Owned(Value::Object(fields));
        }
        output.into_owned()
    }

    /// Gives an `each` the element that `by` adds, if it does.
    pub(super) fn added(&mut self, by: Slot) {
        let plan = self.plan;
        let PlanVerb::Add { to, .. } = &self.state.planned(plan, by).verb else {
            return;
        };
        let (slot, output) = (by.sibling(*to), &self.state.step(by).output);
        let Some(item) = output.get("item").cloned() else {
            return;
        };
        if let Some(each) = self.each_mut(slot) {
            each.add(item);
            self.begin_elements(slot);
        }
    }

    /// Ends an `each` that the run has gone on past.
    pub(super) fn end_passed(&mut self, slot: Slot) -> bool {
        let Some(outcome) = self.state.each(slot).and_then(|each| each.passed.clone()) else {
            return false;
        };
        self.cancel(slot);
        self.state.step_mut(slot).phase = Phase::Finished(outcome);
        self.over(slot);
        true
    }

    /// Cancels the elements under way. What their steps acquired is released.
    pub(super) fn cancel_elements(&mut self, slot: Slot) {
        let Some(each) = self.each_mut(slot) else { return };
        let running: BTreeSet<FrameId> = std::mem::take(&mut each.running).into_values().collect();
        for frame in &running {
            self.drop_element(*frame);
        }
        self.state.owned.release_of_elements(&running);
    }

    /// Cancels what is left of an element, and forgets it.
    fn drop_element(&mut self, id: FrameId) {
        for step in self.plan.body(self.state.frame(id).body).steps {
            let slot = Slot {
                frame: id,
                step: step.index,
            };
            if !self.state.step(slot).phase.is_over() {
                self.cancel(slot);
            }
        }
        self.state.frames.close(id);
        self.state.jumps.retain(|jump| jump.from.frame != id);
    }

    /// All of it once more, as a new round: what the elements acquired is released. Whoever added elements is over,
    /// so these stay.
    pub(super) fn spread_again(&mut self, slot: Slot) {
        let added = self.state.each(slot).map(|each| each.added().to_vec());
        self.state.step_mut(slot).added = added.unwrap_or_default();
        self.cancel(slot);
        self.state.owned.release_of(|one| one == slot);
        self.state.step_mut(slot).round += 1;
        self.ready(slot);
    }
}
