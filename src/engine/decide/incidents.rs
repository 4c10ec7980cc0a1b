//! A person answers an incident.

use super::super::event::{ByHand, Event};
use super::super::frame::Slot;
use super::super::input::{Refusal, Reply};
use super::super::limits::{MAX_PAYLOAD_BYTES, payload_bytes};
use super::super::state::Progress;
use super::Decider;
use crate::base::Value;
use crate::plan::{PlanStep, PlanVerb};
use serde_json::json;

impl Decider<'_> {
    pub(super) fn resolve(&mut self, step: String, how: &str, by: String, reason: String) -> Result<Reply, Refusal> {
        self.check_incident(&step)?;
        self.emit(Event::IncidentResolved {
            step,
            how: how.to_owned(),
            by,
            reason,
        });
        Ok(Reply::Accepted)
    }

    fn check_incident(&self, step: &str) -> Result<(), Refusal> {
        if let Progress::Ended { status, .. } = &self.state().progress {
            return Err(Refusal::RunEnded(status.clone()));
        }
        if !self.state().incidents.contains_key(step) {
            return Err(Refusal::NoIncident(step.to_owned()));
        }
        Ok(())
    }

    /// The step came to what a person says.
    pub(super) fn set(
        &mut self,
        step: String,
        outcome: Option<String>,
        output: Value,
        by_hand: ByHand,
    ) -> Result<Reply, Refusal> {
        self.check_incident(&step)?;
        let Some(slot) = self.find(&step) else {
            return Err(Refusal::NotSettable(format!(
                "{step} is no step: retry it, or skip it once it is done by hand"
            )));
        };
        let planned = self.step(slot);
        let possible = settable(planned)?;
        let outcome = match outcome {
            None => possible.first().map_or_else(String::new, |first| (*first).to_owned()),
            Some(given) if possible.contains(&given.as_str()) => given,
            Some(given) => {
                return Err(Refusal::NotSettable(format!(
                    "{step} does not come to {given:?}; it comes to {}",
                    possible.join(", ")
                )));
            }
        };
        self.check_unhandled(slot, &step, &outcome)?;
        if payload_bytes(&output) > MAX_PAYLOAD_BYTES {
            return Err(Refusal::NotSettable(format!(
                "the output is larger than {MAX_PAYLOAD_BYTES} bytes"
            )));
        }
        let output = if outcome == "failed" {
            json!({ "error": by_hand.reason, "failures": [by_hand.reason] })
        } else {
            output
        };
        self.machine.rendered.remove(&slot);
        self.emit(Event::StepFinished {
            round: self.round(slot),
            step,
            outcome,
            output,
            cause: None,
            in_doubt: false,
            by_hand: Some(by_hand),
        });
        Ok(Reply::Accepted)
    }

    /// What leads nowhere would be an incident again.
    fn check_unhandled(&self, slot: Slot, step: &str, outcome: &str) -> Result<(), Refusal> {
        if self.is_unhandled(slot, outcome) {
            return Err(Refusal::NotSettable(format!(
                "the flow does not say what comes after {outcome} of {step}: skip the step instead"
            )));
        }
        Ok(())
    }
}

/// What the step can be said to have come to, the usual first. Never what other people decide, or what
/// happens outside.
fn settable(step: &PlanStep) -> Result<Vec<&str>, Refusal> {
    match &step.verb {
        PlanVerb::Uses { .. } | PlanVerb::Choose(_) | PlanVerb::Check(_) => {
            Ok(step.outcomes.keys().map(String::as_str).collect())
        }
        _ => Err(Refusal::NotSettable(format!(
            "{} asks people, waits, or does steps of its own: nobody says for them what it came to; retry or skip it",
            step.id
        ))),
    }
}
