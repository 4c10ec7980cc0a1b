//! What names in expressions mean while a run is at a certain state.

use super::frame::FrameId;
use super::state::{KeptEvent, Phase, RunState, StepState};
use crate::base::id::EventId;
use crate::base::{Semantics, Timestamp, Value};
use crate::expr::{Found, Rows, Scope, dig};
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
    pub(super) results: Option<&'a Rows>,
}

impl Scope for RunScope<'_> {
    fn get(&self, path: &[&str]) -> Option<Found> {
        let found = match path {
            // what may be long, and is asked for by many, is not copied
            ["inputs", rest @ ..] => return Found::within(&self.state.inputs, rest),
            ["results", rest @ ..] => return Found::among(self.results?, rest),
            ["steps", id, rest @ ..] => {
                let slot = self.state.seen_from(self.plan, self.frame, id)?;
                return step(self.state.step(slot), rest);
            }
            ["settings"] => Some(Value::Object(self.state.settings.clone())),
            ["settings", name, rest @ ..] => dig(self.state.settings.get(*name)?, rest).cloned(),
            ["values"] => Some(Value::Object(self.state.values.clone())),
            ["values", name, rest @ ..] => dig(self.state.values.get(*name)?, rest).cloned(),
            ["run", rest @ ..] => self.run(rest),
            ["item", rest @ ..] => dig(self.state.element(self.frame)?.1, rest).cloned(),
            ["index"] => Some(json!(self.state.element(self.frame)?.0)),
            ["event", rest @ ..] => event(self.event?, rest),
            _ => None,
        };
        found.map(Found::from)
    }

    fn semantics(&self) -> Semantics {
        self.state.semantics
    }
}

impl RunScope<'_> {
    fn run(&self, path: &[&str]) -> Option<Value> {
        let text = |text: &str| Some(Value::String(text.to_owned()));
        match path {
            ["id"] => text(self.state.run.as_str()),
            ["flow"] => text(&self.plan.flow),
            ["version"] => text(&self.plan.version),
            ["initiator"] => text(self.state.started_by()),
            ["started_at"] => Some(json!(self.state.started_at)),
            ["now"] => Some(json!(self.now)),
            [] => Some(json!({
                "id": self.state.run,
                "flow": self.plan.flow,
                "version": self.plan.version,
                "initiator": self.state.started_by(),
                "started_at": self.state.started_at,
                "now": self.now,
            })),
            _ => None,
        }
    }
}

/// A step is nothing before it finished in its current round.
fn step(step: &StepState, path: &[&str]) -> Option<Found> {
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
            let rounds: Vec<&Value> = step.rounds.iter().map(AsRef::as_ref).collect();
            fields.insert("rounds".to_owned(), json!(rounds));
            Some(Value::Object(fields).into())
        }
        ["outcome"] => Some(Value::String(outcome.to_owned()).into()),
        ["round"] => Some(json!(step.round).into()),
        ["rounds", rest @ ..] => Found::among(&step.rounds, rest),
        _ => Found::within(&step.output, path),
    }
}

/// A step's output with its outcome, as `steps.ID` and `steps.ID.rounds` show it.
pub(super) fn fields(outcome: &str, output: &Value) -> Map<String, Value> {
    let mut fields = output.as_object().cloned().unwrap_or_default();
    fields.insert("outcome".to_owned(), Value::String(outcome.to_owned()));
    fields
}

/// `event` as every expression sees it, in waits and in triggers: `id`, `type` and `key`, if it has one,
/// and its own fields, which come first where they are called the same.
pub fn event_fields(id: &EventId, kind: &str, key: Option<&str>, data: &Value) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("id".to_owned(), json!(id));
    fields.insert("type".to_owned(), json!(kind));
    fields.extend(key.map(|key| ("key".to_owned(), json!(key))));
    fields.extend(data.as_object().cloned().unwrap_or_default());
    fields
}

fn event(event: &KeptEvent, path: &[&str]) -> Option<Value> {
    let is_own = path.first().is_some_and(|name| event.data.get(*name).is_some());
    if is_own {
        return dig(&event.data, path).cloned();
    }
    let fields = event_fields(&event.id, &event.kind, event.key.as_deref(), &event.data);
    dig(&Value::Object(fields), path).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_own_fields_first_in_waits_as_in_triggers() {
        let data = json!({ "type": "urgent", "by": { "name": "Rosa" } });
        let kept = KeptEvent {
            id: EventId::from("evt_1"),
            kind: "crm.signed".to_owned(),
            subjects: Vec::new(),
            key: Some("order-7".to_owned()),
            data: data.clone(),
            came: (Timestamp::UNIX_EPOCH, 0),
        };
        let fields = event_fields(&kept.id, &kept.kind, kept.key.as_deref(), &data);
        let fields = Value::Object(fields);
        for (path, value) in [
            (&["type"][..], json!("urgent")),
            (&["id"], json!("evt_1")),
            (&["key"], json!("order-7")),
            (&["by", "name"], json!("Rosa")),
            (&[], fields.clone()),
        ] {
            assert_eq!(event(&kept, path).as_ref(), Some(&value), "{path:?}");
            assert_eq!(dig(&fields, path), Some(&value), "{path:?}");
        }
        assert_eq!(event(&kept, &["type", "id"]), None);
    }
}
