//! A step became ready: skip it, do it at once, or open it.

use super::super::event::Event;
use super::super::frame::Slot;
use super::super::limits::{MAX_PAYLOAD_BYTES, payload_bytes, shorten};
use super::super::state::{Phase, RunState};
use super::due::timers;
use super::{Decider, step_scope};
use crate::base::Value;
use crate::expr::SecretUse;
use crate::plan::{Plan, PlanVerb};
use serde_json::json;

impl Decider<'_> {
    pub(super) fn start(&mut self, slot: Slot) {
        let is_ready = self.state().get(slot).is_some_and(|step| step.phase == Phase::Ready);
        if !is_ready || self.has_incident(slot) || !self.state().may_begin(self.plan, slot) {
            return;
        }
        let step = self.step(slot);
        if let Some(condition) = &step.condition {
            match condition.holds(&self.scope(slot)) {
                Ok(true) => {}
                Ok(false) => {
                    let round = self.round(slot);
                    let step = self.id(slot);
                    return self.emit(Event::StepSkipped { step, round });
                }
                Err(error) => return self.fail(slot, &error.message, 0),
            }
        }
        match &step.verb {
            PlanVerb::Uses { pure, .. } => self.start_action(slot, *pure),
            PlanVerb::Collect(_) | PlanVerb::Run(_) => self.start_action(slot, false),
            PlanVerb::Wait(wait) => self.start_wait(slot, wait),
            PlanVerb::Ask(ask) => self.start_ask(slot, ask),
            PlanVerb::Choose(branches) => self.choose(slot, branches),
            PlanVerb::Check(checks) => self.check(slot, checks),
            PlanVerb::Each(each) => self.start_each(slot, each),
            PlanVerb::Set(values) => self.set_values(slot, values),
            PlanVerb::Cancel(steps) => self.withdraw(slot, steps),
            PlanVerb::Complete(steps) => self.complete(slot, steps),
            PlanVerb::Add { to, item } => self.add(slot, *to, item),
            PlanVerb::End { status, message } => self.end(slot, status, message.as_ref()),
        }
    }

    fn start_action(&mut self, slot: Slot, pure: bool) {
        let rendered = rendered(self.plan, self.state(), slot);
        let round = self.round(slot);
        match rendered {
            Err(error) => self.fail(slot, &error, 0),
            Ok(rendered) if pure => {
                self.machine.rendered.insert(slot, (round, rendered));
            }
            Ok((input, secrets)) => self.emit(Event::ActionScheduled {
                step: self.id(slot),
                round,
                input,
                secrets,
            }),
        }
    }

    /// The step cannot be done. An action or another flow comes to the outcome `failed`; where that leads nowhere,
    /// and for every other verb, a person must look.
    pub(super) fn fail(&mut self, slot: Slot, error: &str, attempts: u32) {
        self.give_up(slot, error, attempts, false);
    }

    /// The same after the last try: `in_doubt` if that one may have had its effect.
    pub(super) fn give_up(&mut self, slot: Slot, error: &str, attempts: u32, in_doubt: bool) {
        let action = matches!(self.step(slot).verb, PlanVerb::Uses { .. } | PlanVerb::Run(_));
        if !action || self.is_unhandled(slot, "failed") {
            return self.raise(slot, error, false, attempts);
        }
        self.machine.rendered.remove(&slot);
        let event = Event::StepFinished {
            step: self.id(slot),
            round: self.round(slot),
            outcome: "failed".to_owned(),
            output: json!({ "error": shorten(error) }),
            cause: None,
            in_doubt,
            by_hand: None,
        };
        self.emit(event);
    }

    /// A person must look at the step.
    pub(super) fn raise(&mut self, slot: Slot, error: &str, in_doubt: bool, attempts: u32) {
        let step = self.id(slot);
        if self.state().incidents.contains_key(&step) {
            return;
        }
        self.emit(Event::IncidentRaised {
            step,
            error: shorten(error),
            in_doubt,
            attempts,
        });
    }

    /// The step came to an outcome.
    pub(super) fn finish(&mut self, slot: Slot, outcome: &str, output: Value, cause: Option<crate::base::id::EventId>) {
        self.machine.rendered.remove(&slot);
        let event = Event::StepFinished {
            step: self.id(slot),
            round: self.round(slot),
            outcome: outcome.to_owned(),
            output,
            cause,
            in_doubt: false,
            by_hand: None,
        };
        self.emit(event);
    }
}

/// The input of the action at `slot`, with the places where secrets belong.
pub(in super::super) fn rendered(plan: &Plan, state: &RunState, slot: Slot) -> Result<(Value, Vec<SecretUse>), String> {
    let scope = step_scope(plan, state, slot);
    let with = match &state.planned(plan, slot).verb {
        PlanVerb::Uses { with, .. } => with,
        PlanVerb::Collect(collect) => &collect.with,
        PlanVerb::Run(run) => &run.input,
        _ => return Err("it is no action".to_owned()),
    };
    let (mut input, secrets) = with.eval(&scope).map_err(|error| error.message)?;
    if let PlanVerb::Collect(_) = &state.planned(plan, slot).verb
        && let Some(due) = timers(plan, state, slot, None, &scope)?.due
    {
        input["expires_at"] = json!(due);
    }
    let bytes = payload_bytes(&input);
    if bytes > MAX_PAYLOAD_BYTES {
        return Err(format!("the input has {bytes} bytes; {MAX_PAYLOAD_BYTES} is the most"));
    }
    Ok((input, secrets))
}
