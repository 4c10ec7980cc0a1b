//! The run of another flow: started, ended.

use super::super::child::RUN_ENDED;
use super::super::event::Event;
use super::super::frame::Slot;
use super::super::input::{InboundEvent, Reply};
use super::super::limits::{MAX_PAYLOAD_BYTES, payload_bytes};
use super::super::state::Phase;
use super::Decider;
use crate::base::Value;
use crate::base::id::RunId;
use crate::plan::PlanVerb;
use crate::spec::RunSpec;
use serde::Deserialize;
use serde_json::{Map, json};

/// What is told of a run that was started.
#[derive(Deserialize)]
struct Started {
    run: RunId,
    version: String,
}

/// How it ended.
#[derive(Deserialize)]
struct Ended {
    outcome: String,
    #[serde(default)]
    outputs: Map<String, Value>,
}

impl Decider<'_> {
    /// The child is there: from now on its end is waited for.
    pub(super) fn child_started(&mut self, slot: Slot, output: &Value) {
        match Started::deserialize(output) {
            Ok(started) => self.tell_child(slot, started.run, started.version),
            Err(error) => self.raise(slot, &format!("no run was started: {error}"), false, 0),
        }
    }

    fn tell_child(&mut self, slot: Slot, run: RunId, version: String) {
        let PlanVerb::Run(planned) = &self.step(slot).verb else {
            return;
        };
        self.emit(Event::ChildStarted {
            step: self.id(slot),
            round: self.round(slot),
            flow: planned.flow.clone(),
            child: run,
            version,
        });
    }

    /// What `event` means where it tells of the end of a child. It may come before the answer that
    /// the child has started.
    pub(super) fn child_ended(&mut self, event: &InboundEvent) -> Option<Reply> {
        if event.kind != RUN_ENDED {
            return None;
        }
        let run = event.data.get("run")?.as_str()?;
        let slot = self.state().waits_for(self.plan, run)?;
        let ended = Ended::deserialize(&event.data).ok()?;
        match self.state().step(slot).phase {
            Phase::Calling(_) => {
                let version = event.data.get("version").and_then(Value::as_str).unwrap_or_default();
                self.tell_child(slot, RunId::from(run), version.to_owned());
            }
            // its end is known and waits for a person
            _ if self.has_incident(slot) => return Some(Reply::AlreadyDone),
            _ => {}
        }
        self.child_over(slot, ended);
        Some(Reply::Accepted)
    }

    /// The child came to its end, which is the step's outcome. One that leads nowhere is for a
    /// person: whoever wrote this flow did not know of it.
    fn child_over(&mut self, slot: Slot, ended: Ended) {
        let Phase::Child(run) = self.state().step(slot).phase.clone() else {
            return;
        };
        let Ended { outcome, mut outputs } = ended;
        let bytes = payload_bytes(&Value::Object(outputs.clone()));
        if bytes > MAX_PAYLOAD_BYTES {
            let error = format!("the outputs of run {run} have {bytes} bytes; {MAX_PAYLOAD_BYTES} is the most");
            return self.child_failed(slot, &run, &error);
        }
        if self.is_unhandled(slot, &outcome) {
            let error = format!("run {run} ended as `{outcome}`, and this flow does not say what happens then");
            return self.raise(slot, &error, false, 0);
        }
        outputs.insert(RunSpec::RUN.to_owned(), json!(run));
        self.finish(slot, &outcome, Value::Object(outputs), None);
    }

    fn child_failed(&mut self, slot: Slot, run: &RunId, error: &str) {
        if self.is_unhandled(slot, RunSpec::FAILED) {
            return self.raise(slot, error, false, 0);
        }
        let output = json!({ "error": error, RunSpec::RUN: run });
        self.finish(slot, RunSpec::FAILED, output, None);
    }
}
