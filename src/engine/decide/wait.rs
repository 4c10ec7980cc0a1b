//! Opening a wait, and events that meet it.

use super::super::event::{Event, Expected};
use super::super::frame::Slot;
use super::super::state::{KeptEvent, Phase, Wait};
use super::Decider;
use super::branch::text_of;
use super::due::timers;
use crate::base::Value;
use crate::expr::{EvalError, Template};
use crate::plan::{PlanVerb, PlanWait};
use serde_json::{Map, json};

impl Decider<'_> {
    pub(super) fn start_wait(&mut self, slot: Slot, wait: &PlanWait) {
        let opened = self
            .expected(slot, wait)
            .map_err(|error| error.message)
            .and_then(|expected| {
                Ok((
                    expected,
                    timers(self.plan, self.state(), slot, wait.until.as_ref(), &self.scope(slot))?,
                ))
            });
        match opened {
            Ok((expected, timers)) => self.emit(Event::WaitOpened {
                step: self.id(slot),
                round: self.round(slot),
                expected,
                timers,
            }),
            Err(error) => self.raise(slot, &error, false, 0),
        }
    }

    fn expected(&self, slot: Slot, wait: &PlanWait) -> Result<Vec<Expected>, EvalError> {
        let scope = self.scope(slot);
        let text = |template: &Option<Template>| {
            let value = template.as_ref().map(|template| template.eval(&scope)).transpose()?;
            Ok(value.as_ref().map(text_of))
        };
        wait.alternatives
            .iter()
            .map(|(name, alternative)| {
                let on = alternative.on.as_ref().map(|on| on.eval(&scope)).transpose()?;
                Ok(Expected {
                    name: name.clone(),
                    event: alternative.event.clone(),
                    on: on.as_ref().map(thing_of),
                    key: text(&alternative.key)?,
                })
            })
            .collect()
    }

    /// The alternative of the open wait at `slot` that `event` meets.
    pub(super) fn met_by(&self, slot: Slot, event: &KeptEvent) -> Option<String> {
        let Phase::Waiting(wait) = &self.state().step(slot).phase else {
            return None;
        };
        let PlanVerb::Wait(plan) = &self.step(slot).verb else {
            return None;
        };
        if self.is_own(event) {
            return None;
        }
        wait.expected
            .iter()
            .filter(|expected| wait.met.iter().all(|(met, _)| *met != expected.name))
            .filter(|expected| fits(expected, event))
            .filter(|expected| plan.keeps(&expected.name) || wait.is_open_for(event))
            .find(|expected| {
                let alternative = plan.alternatives.get(&expected.name);
                let filter = alternative.and_then(|plan| plan.filter.as_ref());
                // downloads are counted in the share that the wait is about; a wait about a file
                // counts only that file
                let is_on_share = expected.on.as_deref() == event.data["share"].as_str() && expected.on.is_some();
                let min_files = alternative.and_then(|plan| plan.min_files).filter(|_| is_on_share);
                if min_files.is_some_and(|min| !min.is_met_by(&event.data)) {
                    return false;
                }
                // A condition that this event gives no answer to does not hold: nobody outside can
                // stop a run by sending odd data.
                filter.is_none_or(|filter| filter.holds(&self.event_scope(slot, event)).unwrap_or(false))
            })
            .map(|expected| expected.name.clone())
    }

    /// Whether the wait at `slot` may take an event that it has rejected: its condition looks at what
    /// other steps came to, or at the time.
    pub(super) fn may_change_its_mind(&self, slot: Slot) -> bool {
        let PlanVerb::Wait(wait) = &self.step(slot).verb else {
            return false;
        };
        let changes = |path: &[String]| match path.first().map(String::as_str) {
            Some("event" | "inputs" | "item" | "index") => false,
            Some("run") => path.get(1).is_none_or(|name| name == "now"),
            _ => true,
        };
        let filters = wait.alternatives.values().filter_map(|one| one.filter.as_ref());
        filters
            .flat_map(|filter| &filter.references)
            .any(|reference| changes(&reference.path))
    }

    /// Whether the run did it itself: nobody waits for what they did. A new version of a document
    /// that is decided on counts all the same.
    fn is_own(&self, event: &KeptEvent) -> bool {
        let by = event.data.get("by").and_then(Value::as_str);
        by.and_then(|by| by.strip_prefix("run:")) == Some(self.state().run.as_str())
    }

    /// Uses `event` up for the alternative called `name`.
    pub(super) fn meet(&mut self, slot: Slot, name: String, event: &KeptEvent) {
        let PlanVerb::Wait(plan) = &self.step(slot).verb else {
            return;
        };
        if !plan.all {
            let output = fields(event.data.clone());
            return self.finish(slot, &name, output, Some(event.id.clone()));
        }
        self.emit(Event::AlternativeMet {
            step: self.id(slot),
            name,
            event: event.id.clone(),
        });
        if self.met(slot).len() == plan.alternatives.len() {
            let output = self.met_output(slot);
            self.finish(slot, "received", output, None);
        }
    }

    fn met(&self, slot: Slot) -> &[(String, Value)] {
        match &self.state().step(slot).phase {
            Phase::Waiting(wait) => &wait.met,
            _ => &[],
        }
    }

    /// What happened so far of all that is waited for.
    pub(super) fn met_output(&self, slot: Slot) -> Value {
        let met = self.met(slot).iter();
        Value::Object(
            met.map(|(name, data)| (name.clone(), data.clone()))
                .collect::<Map<_, _>>(),
        )
    }

    /// Looks whether a kept event is for the wait or the task that opened at `slot`.
    pub(super) fn look_for_kept(&mut self, slot: Slot) {
        if self.state().kept.is_empty() || !self.is_live(slot) {
            return;
        }
        let is_for_it = |event: &&KeptEvent| self.met_by(slot, event).is_some() || self.concerns(slot, event);
        let kept: Vec<KeptEvent> = self.state().kept.iter().filter(is_for_it).cloned().collect();
        for event in kept {
            if let Some(name) = self.met_by(slot, &event) {
                self.meet(slot, name, &event);
            } else {
                self.void_by(slot, &event);
                self.collect_by(slot, &event);
            }
        }
    }
}

/// What names a thing: its id, also where a whole file is given.
fn thing_of(value: &Value) -> String {
    value
        .get("id")
        .and_then(Value::as_str)
        .map_or_else(|| text_of(value), str::to_owned)
}

impl PlanWait {
    /// Whether an event that came before the wait opened counts for this alternative.
    fn keeps(&self, name: &str) -> bool {
        self.alternatives.get(name).is_none_or(|alternative| alternative.kept)
    }
}

impl Wait {
    /// Whether the wait was open when `event` came.
    fn is_open_for(&self, event: &KeptEvent) -> bool {
        event.came.0 >= self.opened.0 && event.came.1 > self.opened.1
    }
}

/// Whether `event` is of the kind and about what is expected.
fn fits(expected: &Expected, event: &KeptEvent) -> bool {
    expected.event == event.kind
        && expected.on.as_ref().is_none_or(|on| event.subjects.contains(on))
        && expected.key.as_ref().is_none_or(|key| event.key.as_ref() == Some(key))
}

/// An output always has fields.
fn fields(data: Value) -> Value {
    match data {
        Value::Object(_) => data,
        Value::Null => json!({}),
        other => json!({ "value": other }),
    }
}
