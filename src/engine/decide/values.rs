//! What changes while a run goes on: given by steps and by the outside, and looked at by waits.

use super::super::event::Event;
use super::super::frame::Slot;
use super::super::input::{Refusal, Reply};
use super::super::limits::{MAX_VALUES_BYTES, payload_bytes};
use super::Decider;
use crate::base::Value;
use crate::base::diagnostic::nearest;
use crate::expr::Tree;
use crate::plan::PlanVerb;
use crate::spec::values::check_for;
use crate::spec::{InputKind, InputSpec};
use serde_json::{Map, json};

/// Name of a value, and what is wrong with it.
type Fault = (String, String);

impl Decider<'_> {
    /// The step gives values.
    pub(super) fn set_values(&mut self, slot: Slot, wanted: &[(String, Tree)]) {
        let scope = self.scope(slot);
        let given = wanted.iter().map(|(name, value)| match value.eval(&scope) {
            Ok((value, _)) => Ok((name.clone(), value)),
            Err(error) => Err(format!("{name}: {}", error.message)),
        });
        let given: Result<Map<String, Value>, String> = given.collect();
        let checked = given.and_then(|given| self.checked(&given).map_err(|faults| sentence(&faults)));
        match checked {
            Ok(values) => {
                let values = self.changed(values);
                if !values.is_empty() {
                    let step = Some(self.id(slot));
                    self.emit(Event::ValuesSet {
                        values,
                        step,
                        by: None,
                        reason: None,
                    });
                    self.render_anew();
                }
                self.finish(slot, "done", json!({}), None);
            }
            Err(error) => self.raise(slot, &error, false, 0),
        }
    }

    /// Somebody outside gives values. A file comes through the file space and a step alone: nobody
    /// makes a run work on a file that they only name.
    pub(super) fn set_by(&mut self, given: &Map<String, Value>, by: String, reason: String) -> Result<Reply, Refusal> {
        if !self.state().is_running() {
            return Err(Refusal::RunEnded("its values are what they were at its end".to_owned()));
        }
        let files = given
            .keys()
            .filter(|name| self.plan.values.get(*name).is_some_and(holds_files));
        let why = "is a file, which a step alone can set: put it into a share or a folder of the run";
        let files: Vec<Fault> = files.map(|name| (name.clone(), why.to_owned())).collect();
        if !files.is_empty() {
            return Err(Refusal::Values(files));
        }
        let values = self.checked(given).map_err(Refusal::Values)?;
        let values = self.changed(values);
        if values.is_empty() {
            return Ok(Reply::AlreadyDone);
        }
        self.emit(Event::ValuesSet {
            values,
            step: None,
            by: Some(by),
            reason: Some(reason),
        });
        self.render_anew();
        Ok(Reply::Accepted)
    }

    /// Inputs of pure actions are recorded nowhere: they follow from what is so now, in a replay too.
    fn render_anew(&mut self) {
        let rendered = std::mem::take(&mut self.machine.rendered);
        self.machine.fresh.ready.extend(rendered.into_keys());
    }

    /// The values as they are recorded; every fault is told.
    fn checked(&self, given: &Map<String, Value>) -> Result<Map<String, Value>, Vec<Fault>> {
        let mut checked = Map::new();
        let mut faults = Vec::new();
        for (name, value) in given {
            let spec = self.plan.values.get(name);
            match spec.map(|spec| check_for(spec, value, self.plan.calendar.is_some(), self.state().semantics)) {
                Some(Ok(value)) => {
                    checked.insert(name.clone(), value);
                }
                Some(Err(why)) => faults.push((name.clone(), why)),
                None => faults.push((name.clone(), self.unknown(name))),
            }
        }
        let mut all = self.state().values.clone();
        all.extend(checked.clone());
        let bytes = payload_bytes(&Value::Object(all));
        if bytes > MAX_VALUES_BYTES {
            let why = format!("would have {bytes} bytes together; {MAX_VALUES_BYTES} is the most");
            faults.push(("the values".to_owned(), why));
        }
        if faults.is_empty() { Ok(checked) } else { Err(faults) }
    }

    /// What is other than it was.
    fn changed(&self, values: Map<String, Value>) -> Map<String, Value> {
        let now = &self.state().values;
        let is_new = |(name, value): &(String, Value)| now.get(name) != Some(value);
        values.into_iter().filter(is_new).collect()
    }

    fn unknown(&self, name: &str) -> String {
        let names = || self.plan.values.keys().map(String::as_str);
        match nearest(name, names()) {
            Some(near) => format!("is no value of this flow; did you mean {near}?"),
            None if self.plan.values.is_empty() => "is no value of this flow, which has none".to_owned(),
            None => {
                let all: Vec<&str> = names().collect();
                format!("is no value of this flow; there are {}", all.join(", "))
            }
        }
    }

    /// Ends the first wait whose condition holds. One that has no answer does not hold: nobody
    /// outside can stop a run by the values that they give. At its due moment a wait is over, whatever holds from then on.
    pub(super) fn look_at_values(&mut self) -> bool {
        let in_time = |slot: Slot| {
            let due = self.state().timers_of(slot).and_then(|timers| timers.due);
            due.is_none_or(|due| self.now < due)
        };
        let holds = |slot: &Slot| match &self.step(*slot).verb {
            PlanVerb::Wait(wait) if in_time(*slot) => {
                let when = wait.when.as_ref();
                when.is_some_and(|when| when.holds(&self.scope(*slot)).unwrap_or(false))
            }
            _ => false,
        };
        let Some(slot) = self.state().watching.iter().copied().find(holds) else {
            return false;
        };
        self.finish(slot, "received", json!({}), None);
        true
    }
}

fn holds_files(spec: &InputSpec) -> bool {
    spec.kind == InputKind::File || spec.of == Some(InputKind::File)
}

fn sentence(faults: &[Fault]) -> String {
    let each: Vec<String> = faults.iter().map(|(name, why)| format!("{name} {why}")).collect();
    each.join("; ")
}
