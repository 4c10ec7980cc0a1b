//! `data`: pure computation.

use super::action::{Action, info};
use crate::base::Value;
use crate::connect::{ActionError, Handler, Registered, read_input};
use crate::spec::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;

/// Input of `data.set`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetInput {
    /// Any value; `${{ }}` inside it is evaluated.
    value: Value,
}

/// Output of `data.set`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SetOutput {
    /// The value.
    value: Value,
}

struct Set;

impl Action for Set {
    const NAME: &'static str = "data.set";
    const SUMMARY: &'static str = "Give a computed value a name.";
    const EFFECT: Effect = Effect::Pure;
    type Input = SetInput;
    type Output = SetOutput;
}

/// Input of `data.merge`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeInput {
    /// Objects; where two have the same key, the later one counts.
    values: Vec<Map<String, Value>>,
}

/// Output of `data.merge`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MergeOutput {
    /// One object with the keys of all.
    value: Map<String, Value>,
}

struct Merge;

impl Action for Merge {
    const NAME: &'static str = "data.merge";
    const SUMMARY: &'static str = "Make one object of several.";
    const EFFECT: Effect = Effect::Pure;
    type Input = MergeInput;
    type Output = MergeOutput;
}

fn set(input: Value) -> Result<Value, ActionError> {
    let SetInput { value } = read_input(input)?;
    super::output(SetOutput { value })
}

fn merge(input: Value) -> Result<Value, ActionError> {
    let MergeInput { values } = read_input(input)?;
    let value = values.into_iter().flatten().collect();
    super::output(MergeOutput { value })
}

/// The actions of `data`.
pub(super) fn actions() -> [Registered; 2] {
    [
        Registered {
            info: info::<Set>(true, false),
            handler: Handler::Pure(set),
        },
        Registered {
            info: info::<Merge>(true, false),
            handler: Handler::Pure(merge),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn set_gives_its_value() {
        assert_eq!(
            set(json!({"value": [1, {"a": null}]})),
            Ok(json!({"value": [1, {"a": null}]}))
        );
    }

    #[test]
    fn merge_lets_the_later_count() {
        let input = json!({"values": [{"a": 1, "b": 1}, {"b": 2, "c": {"d": 1}}]});
        assert_eq!(merge(input), Ok(json!({"value": {"a": 1, "b": 2, "c": {"d": 1}}})));
    }

    #[test]
    fn wrong_input_is_told_by_its_place() {
        let error = merge(json!({"values": [{"a": 1}, 2]})).unwrap_err();
        assert!(
            matches!(&error, ActionError::Permanent(text) if text.starts_with("values[1]: ")),
            "{error}"
        );
        assert!(set(json!({"value": 1, "vlaue": 2})).is_err());
    }
}
