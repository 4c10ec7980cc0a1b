//! What names in expressions mean while a run is at a certain state.

use super::frame::FrameId;
use super::state::{KeptEvent, Phase, RunState, StepState};
use crate::base::{Timestamp, Value};
use crate::expr::{Scope, dig};
use crate::plan::Plan;
use serde_json::{Map, json};

/// The names that expressions of a run may use.
pub(super) struct RunScope<'a> {
    pub(super) plan: &'a Plan,
    pub(super) state: &'a RunState,
    /// The list of steps that the expression stands in.
    pub(super) frame: FrameId,
    /// `run.now`: the recorded time of what is being handled.
    pub(super) now: Timestamp,
    /// `event`, where one is looked at.
    pub(super) event: Option<&'a KeptEvent>,
    /// `results`, where elements are looked at.
    pub(super) results: Option<&'a Value>,
}

impl Scope for RunScope<'_> {
    fn get(&self, path: &[&str]) -> Option<Value> {
        match path {
            ["inputs", rest @ ..] => dig(&self.state.inputs, rest).cloned(),
            ["settings"] => Some(Value::Object(self.state.settings.clone())),
            ["settings", name, rest @ ..] => dig(self.state.settings.get(*name)?, rest).cloned(),
            ["values"] => Some(Value::Object(self.state.values.clone())),
            ["values", name, rest @ ..] => dig(self.state.values.get(*name)?, rest).cloned(),
            ["run", rest @ ..] => self.run(rest),
            ["steps", id, rest @ ..] => {
                let slot = self.state.seen_from(self.plan, self.frame, id)?;
                step(self.state.step(slot), rest)
            }
            ["item", rest @ ..] => dig(self.state.element(self.frame)?.1, rest).cloned(),
            ["index"] => Some(json!(self.state.element(self.frame)?.0)),
            ["event", rest @ ..] => event(self.event?, rest),
            ["results", rest @ ..] => dig(self.results?, rest).cloned(),
            _ => None,
        }
    }
}

impl RunScope<'_> {
    fn run(&self, path: &[&str]) -> Option<Value> {
        let text = |text: &str| Some(Value::String(text.to_owned()));
        match path {
            ["id"] => text(self.state.run.as_str()),
            ["flow"] => text(&self.plan.flow),
            ["version"] => text(&self.plan.version),
            ["initiator"] => text(&self.state.initiator),
            ["started_at"] => Some(json!(self.state.started_at)),
            ["now"] => Some(json!(self.now)),
            [] => Some(json!({
                "id": self.state.run,
                "flow": self.plan.flow,
                "version": self.plan.version,
                "initiator": self.state.initiator,
                "started_at": self.state.started_at,
                "now": self.now,
            })),
            _ => None,
        }
    }
}

/// A step is nothing before it finished in its current round.
fn step(step: &StepState, path: &[&str]) -> Option<Value> {
    let outcome = match (step.outcome(), &step.phase) {
        (Some(outcome), _) => outcome,
        // What was withdrawn with something to show for it.
        (None, Phase::Cancelled) if !step.output.is_null() => "cancelled",
        _ => return None,
    };
    match path {
        [] => {
            let mut fields = fields(outcome, &step.output);
            fields.insert("round".to_owned(), json!(step.round));
            fields.insert("rounds".to_owned(), json!(step.rounds));
            Some(Value::Object(fields))
        }
        ["outcome"] => Some(Value::String(outcome.to_owned())),
        ["round"] => Some(json!(step.round)),
        ["rounds", rest @ ..] => match rest {
            [] => Some(Value::Array(step.rounds.clone())),
            _ => dig(&Value::Array(step.rounds.clone()), rest).cloned(),
        },
        _ => dig(&step.output, path).cloned(),
    }
}

/// A step's output with its outcome, as `steps.ID` and `steps.ID.rounds` show it.
pub(super) fn fields(outcome: &str, output: &Value) -> Map<String, Value> {
    let mut fields = output.as_object().cloned().unwrap_or_default();
    fields.insert("outcome".to_owned(), Value::String(outcome.to_owned()));
    fields
}

/// An event's own fields first, then what the envelope says.
fn event(event: &KeptEvent, path: &[&str]) -> Option<Value> {
    if let Some(found) = dig(&event.data, path) {
        return Some(found.clone());
    }
    match path {
        ["type"] => Some(Value::String(event.kind.clone())),
        ["key"] => event.key.clone().map(Value::String),
        _ => None,
    }
}
