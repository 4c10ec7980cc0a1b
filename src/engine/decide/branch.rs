//! Steps that are done as soon as they begin: `choose`, `check`, `end`.

use super::super::frame::Slot;
use super::Decider;
use crate::base::Value;
use crate::expr::{Expression, Template};
use crate::plan::Outcome;
use serde_json::json;

impl Decider<'_> {
    pub(super) fn choose(&mut self, slot: Slot, branches: &[(Option<Expression>, Outcome)]) {
        for (when, outcome) in branches {
            let holds = when.as_ref().map_or(Ok(true), |when| when.holds(&self.scope(slot)));
            match holds {
                Ok(true) => return self.finish(slot, outcome, json!({}), None),
                Ok(false) => {}
                Err(error) => return self.raise(slot, &error.message, false, 0),
            }
        }
        self.raise(slot, "no branch holds and there is no `otherwise`", false, 0);
    }

    pub(super) fn check(&mut self, slot: Slot, checks: &[(Expression, String)]) {
        let mut failures = Vec::new();
        for (that, message) in checks {
            match that.holds(&self.scope(slot)) {
                Ok(true) => {}
                Ok(false) => failures.push(message.as_str()),
                Err(error) => return self.raise(slot, &error.message, false, 0),
            }
        }
        if failures.is_empty() {
            return self.finish(slot, "passed", json!({}), None);
        }
        if self.is_unhandled(slot, "failed") {
            return self.raise(slot, &failures.join(" "), false, 0);
        }
        let output = json!({ "error": failures.join(" "), "failures": failures });
        self.finish(slot, "failed", output, None);
    }

    pub(super) fn end(&mut self, slot: Slot, status: &str, message: Option<&Template>) {
        let rendered = message.map(|message| message.eval(&self.scope(slot))).transpose();
        match rendered {
            Ok(message) => {
                let mut output = json!({ "status": status });
                if let Some(message) = message {
                    output["message"] = Value::String(text_of(&message));
                }
                self.finish(slot, "ended", output, None);
            }
            Err(error) => self.raise(slot, &error.message, false, 0),
        }
    }

    /// Whether the outcome leads nowhere at all.
    pub(super) fn is_unhandled(&self, slot: Slot, outcome: &str) -> bool {
        use crate::plan::Disposition;
        self.step(slot)
            .outcomes
            .get(outcome)
            .is_none_or(|disposition| *disposition == Disposition::Nowhere)
    }
}

/// A value as it reads in a sentence.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
