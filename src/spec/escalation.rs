//! Who else is told and asked when an answer is late: once, or onwards step by step.

use super::limits::{MAX_ESCALATIONS, MAX_PEOPLE, MAX_TEXT};
use super::shape::must_be;
use crate::base::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::borrow::Cow;

/// Who else is told, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Escalate")]
pub struct EscalateSpec {
    /// How long after the step's start.
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["3 business days"]))]
    pub after: String,
    /// Who is told and may decide as well.
    #[schemars(length(min = 1, max = MAX_PEOPLE), inner(length(min = 1)), extend("examples" = [["role:legal-lead"]]))]
    pub to: Vec<String>,
}

/// The escalations of one deadline. Written as one map, or as a list of at most [`MAX_ESCALATIONS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum EscalationSpec {
    /// One.
    One(EscalateSpec),
    /// One after the other.
    Onwards(Vec<EscalateSpec>),
}

impl EscalationSpec {
    /// Each of them with where it stands below `escalate`: nothing, or `/0`.
    pub fn each(&self) -> impl Iterator<Item = (String, &EscalateSpec)> {
        let (list, numbered) = match self {
            Self::One(one) => (std::slice::from_ref(one), false),
            Self::Onwards(several) => (several.as_slice(), true),
        };
        let place = move |at: usize| if numbered { format!("/{at}") } else { String::new() };
        list.iter().enumerate().map(move |(at, one)| (place(at), one))
    }
}

impl TryFrom<Value> for EscalationSpec {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        const EXPECTED: &str = "a map as `{ after: 3 days, to: [role:lead] }`, or a list of such maps";
        let understood = |error: serde_json::Error| format!("is not understood: {error}");
        match &value {
            Value::Object(_) => serde_json::from_value(value).map(Self::One).map_err(understood),
            Value::Array(list) if list.is_empty() => Err(format!("must be {EXPECTED}, found an empty list")),
            Value::Array(list) if list.len() > MAX_ESCALATIONS => Err(format!(
                "must be at most {MAX_ESCALATIONS} escalations, found {}",
                list.len()
            )),
            Value::Array(_) => serde_json::from_value(value).map(Self::Onwards).map_err(understood),
            _ => Err(must_be(EXPECTED, &value)),
        }
    }
}

impl From<EscalationSpec> for Value {
    fn from(escalation: EscalationSpec) -> Self {
        match escalation {
            EscalationSpec::One(one) => json!(one),
            EscalationSpec::Onwards(several) => json!(several),
        }
    }
}

impl JsonSchema for EscalationSpec {
    fn schema_name() -> Cow<'static, str> {
        "Escalation".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<EscalateSpec>();
        json_schema!({
            "title": "escalate",
            "description": "Who else is told, and when: once, or a list of which each comes later than the one before.",
            "oneOf": [
                one,
                { "type": "array", "items": one, "minItems": 1, "maxItems": MAX_ESCALATIONS },
            ],
            "examples": [
                { "after": "3 business days", "to": ["role:legal-lead"] },
                [
                    { "after": "3 business days", "to": ["role:legal-lead"] },
                    { "after": "4 business days", "to": ["role:board"] },
                ],
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(after: usize) -> Value {
        json!({ "after": format!("{after} days"), "to": ["role:lead"] })
    }

    fn several(count: usize) -> Value {
        Value::Array((1..=count).map(one).collect())
    }

    #[test]
    fn one_and_several_are_read_written_and_found_where_they_stand() {
        for (value, places) in [
            (one(3), vec![""]),
            (several(1), vec!["/0"]),
            (several(2), vec!["/0", "/1"]),
        ] {
            let read = EscalationSpec::try_from(value.clone()).expect("it is fine");
            assert_eq!(read.each().map(|(place, _)| place).collect::<Vec<_>>(), places);
            assert_eq!(Value::from(read), value);
        }
    }

    #[test]
    fn the_limit_holds_at_the_limit_and_not_past_it() {
        assert!(EscalationSpec::try_from(several(MAX_ESCALATIONS)).is_ok());
        let refused = EscalationSpec::try_from(several(MAX_ESCALATIONS + 1)).expect_err("one too many");
        assert_eq!(refused, "must be at most 10 escalations, found 11");
    }

    #[test]
    fn anything_else_is_refused_with_what_is_wanted() {
        for (value, words) in [
            (json!("role:lead"), "found the text `role:lead`"),
            (json!([]), "found an empty list"),
            (json!([{ "after": "3 days" }]), "missing field `to`"),
            (
                json!({ "after": "3 days", "to": [], "until": 1 }),
                "unknown field `until`",
            ),
        ] {
            let refused = EscalationSpec::try_from(value).expect_err("refused");
            assert!(refused.contains(words), "{refused}");
        }
    }
}
