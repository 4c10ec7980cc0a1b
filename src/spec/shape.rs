//! Keys that may be written in more than one shape: a word, a number, a list or a map.
//!
//! Invariant: what a type is written as (`Into<Value>`) is read back as the same type, and its
//! schema accepts exactly what `TryFrom<Value>` accepts. The messages are the ends of a sentence
//! that begins with the key: "`join` must be …".

use super::collect::LabelSpec;
use super::limits::{LABEL_PATTERN, MAX_ITEM_LABELS, MAX_NAME, NAME_PATTERN, RESERVED_STATUSES};
use super::step::{AfterSpec, BackToSpec, DeadlineSpec, DispositionSpec, DueSpec, JoinSpec, LockSpec, RuleSpec};
use crate::base::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, json};
use std::borrow::Cow;

/// Most predecessors that one `after` may name.
pub const MAX_AFTER: usize = 100;
/// Largest number a `join` or a `rule` may ask for.
pub const MAX_COUNT: u32 = 1_000;
/// Most rounds that one way back may lead to.
pub const MAX_ROUNDS: u32 = 100;
/// How many `then` may stand inside each other.
pub const MAX_THEN_DEPTH: usize = 8;

/// What a value is, in an author's words.
pub fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(flag) => format!("`{flag}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.chars().count() > 40 => {
            format!("the text `{}…`", text.chars().take(40).collect::<String>())
        }
        Value::String(text) => format!("the text `{text}`"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}

/// `must be EXPECTED, found FOUND`.
pub(super) fn must_be(expected: &str, found: &Value) -> String {
    format!("must be {expected}, found {}", describe(found))
}

/// The value as a count from 1 to `limit`.
pub(super) fn count(value: &Value, limit: u32) -> Option<u32> {
    let number = value.as_u64().or_else(|| whole(value.as_f64()?))?;
    u32::try_from(number).ok().filter(|count| (1..=limit).contains(count))
}

/// A number without a fraction, as `2.0`, which JSON Schema takes for an integer.
fn whole(number: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be small and whole"
    )]
    let whole = || number as u64;
    (number.fract() == 0.0 && (0.0..1e9).contains(&number)).then(whole)
}

impl TryFrom<Value> for AfterSpec {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        const EXPECTED: &str = "a step, an outcome as `response.expired`, a list of them, or `start`";
        let text = |value: &Value| match value.as_str() {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(must_be(EXPECTED, value)),
        };
        match &value {
            Value::Array(list) if list.is_empty() => Err(format!("must be {EXPECTED}, found an empty list")),
            Value::Array(list) if list.len() > MAX_AFTER => {
                Err(format!("must name at most {MAX_AFTER} steps, found {}", list.len()))
            }
            Value::Array(list) => Ok(Self(list.iter().map(text).collect::<Result<_, _>>()?)),
            other => Ok(Self(vec![text(other)?])),
        }
    }
}

impl From<AfterSpec> for Value {
    fn from(after: AfterSpec) -> Self {
        match after.0.as_slice() {
            [one] => json!(one),
            several => json!(several),
        }
    }
}

impl JsonSchema for AfterSpec {
    fn schema_name() -> Cow<'static, str> {
        "After".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "after",
            "description": "What the step comes after, if not the step above it: a step, one of its outcomes \
                (`response.expired`), a list of them, or `start`.",
            "oneOf": [
                { "type": "string", "minLength": 1 },
                { "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1, "maxItems": MAX_AFTER },
            ],
            "examples": ["start", "response.expired", ["legal.approved", "finance.approved"]],
        })
    }
}

impl TryFrom<Value> for LabelSpec {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        const EXPECTED: &str =
            "a word of small letters, digits, `-` and `_`, as `confidential`, or a list of such words";
        let word = |value: &Value| match value.as_str() {
            Some(text) if is_label(text) => Ok(text.to_owned()),
            _ => Err(must_be(EXPECTED, value)),
        };
        match &value {
            Value::Array(list) if list.is_empty() => Err(format!("must be {EXPECTED}, found an empty list")),
            Value::Array(list) if list.len() > MAX_ITEM_LABELS => {
                Err(format!("must be at most {MAX_ITEM_LABELS} words, found {}", list.len()))
            }
            Value::Array(list) => Ok(Self(list.iter().map(word).collect::<Result<_, _>>()?)),
            other => Ok(Self(vec![word(other)?])),
        }
    }
}

/// Whether `text` is a word to label documents with.
pub fn is_label(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = text.len() <= MAX_NAME && text.bytes().next().is_some_and(is_plain);
    fits && text.bytes().all(|byte| is_plain(byte) || byte == b'_' || byte == b'-')
}

impl From<LabelSpec> for Value {
    fn from(label: LabelSpec) -> Self {
        match label.0.as_slice() {
            [one] => json!(one),
            several => json!(several),
        }
    }
}

impl JsonSchema for LabelSpec {
    fn schema_name() -> Cow<'static, str> {
        "Label".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let word = json!({ "type": "string", "pattern": LABEL_PATTERN, "maxLength": MAX_NAME });
        json_schema!({
            "title": "label",
            "description": "A word, or a list of words, that is kept with each file.",
            "oneOf": [
                word,
                { "type": "array", "items": word, "minItems": 1, "maxItems": MAX_ITEM_LABELS },
            ],
            "examples": ["confidential", ["confidential", "personal"]],
        })
    }
}

impl TryFrom<Value> for LockSpec {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        const EXPECTED: &str = "a name as `desk`, or a map as `{ name: desk, until: STEP }`";
        let name = |value: Option<&Value>| match value.and_then(Value::as_str) {
            Some(name) if is_name(name) => Ok(name.to_owned()),
            other => Err(other.map_or_else(
                || must_be(EXPECTED, &value_of(value)),
                |name| must_be(EXPECTED, &json!(name)),
            )),
        };
        let Value::Object(map) = &value else {
            let name = name(Some(&value))?;
            return Ok(Self { name, until: None });
        };
        if let Some(other) = map.keys().find(|key| !["name", "until"].contains(&key.as_str())) {
            return Err(format!("knows no key `{other}`, only `name` and `until`"));
        }
        Ok(Self {
            name: name(map.get("name"))?,
            until: Some(name(map.get("until"))?),
        })
    }
}

/// The value, or nothing.
fn value_of(value: Option<&Value>) -> Value {
    value.cloned().unwrap_or(Value::Null)
}

/// Whether a text fits the pattern of names.
fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.len() <= MAX_NAME && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(fits)
}

impl From<LockSpec> for Value {
    fn from(lock: LockSpec) -> Self {
        match lock.until {
            None => json!(lock.name),
            Some(until) => json!({ "name": lock.name, "until": until }),
        }
    }
}

impl JsonSchema for LockSpec {
    fn schema_name() -> Cow<'static, str> {
        "Lock".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let name = json!({ "type": "string", "pattern": NAME_PATTERN, "maxLength": MAX_NAME });
        json_schema!({
            "title": "lock",
            "description": "A name: of the steps of a run with the same lock, one at most is under way, the first that \
                was ready first. `until` keeps it until that step is over too.",
            "oneOf": [
                name,
                {
                    "type": "object",
                    "properties": { "name": name, "until": name },
                    "required": ["name", "until"],
                    "additionalProperties": false,
                },
            ],
            "examples": ["desk", { "name": "desk", "until": "signed" }],
        })
    }
}

impl TryFrom<Value> for JoinSpec {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value.as_str() {
            Some("all") => Ok(Self::All),
            Some("any") => Ok(Self::Any),
            Some("settled") => Ok(Self::Settled),
            _ => count(&value, MAX_COUNT)
                .map(Self::Count)
                .ok_or_else(|| must_be("`all`, `any`, `settled` or a number from 1", &value)),
        }
    }
}

impl From<JoinSpec> for Value {
    fn from(join: JoinSpec) -> Self {
        match join {
            JoinSpec::All => json!("all"),
            JoinSpec::Any => json!("any"),
            JoinSpec::Count(count) => json!(count),
            JoinSpec::Settled => json!("settled"),
        }
    }
}

impl JsonSchema for JoinSpec {
    fn schema_name() -> Cow<'static, str> {
        "Join".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "join",
            "description": "How many of several predecessors it takes before the step runs.",
            "default": "all",
            "oneOf": [
                { "const": "all", "description": "Every one arrived." },
                { "const": "any", "description": "The first one; later ones are absorbed." },
                { "const": "settled", "description": "None can still arrive, and at least one did." },
                { "type": "integer", "minimum": 1, "maximum": MAX_COUNT, "description": "This many." },
            ],
            "examples": ["all", "any", 2],
        })
    }
}

impl TryFrom<Value> for RuleSpec {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let percent = |text: &str| {
            let number = text.strip_suffix('%')?;
            let plain = !number.starts_with('0') && number.bytes().all(|b| b.is_ascii_digit());
            let percent = number
                .parse()
                .ok()
                .filter(|percent| plain && (1..=100).contains(percent));
            percent.map(Self::Percent)
        };
        let read = match value.as_str() {
            Some("all") => Some(Self::All),
            Some("any") => Some(Self::Any),
            Some("majority") => Some(Self::Majority),
            Some("in_order") => Some(Self::InOrder),
            Some(text) => percent(text),
            None => count(&value, MAX_COUNT).map(Self::Count),
        };
        read.ok_or_else(|| {
            must_be(
                "`all`, `any`, `majority`, `in_order`, a number from 1 or a share as `60%`",
                &value,
            )
        })
    }
}

impl From<RuleSpec> for Value {
    fn from(rule: RuleSpec) -> Self {
        match rule {
            RuleSpec::All => json!("all"),
            RuleSpec::Any => json!("any"),
            RuleSpec::Majority => json!("majority"),
            RuleSpec::Count(count) => json!(count),
            RuleSpec::Percent(percent) => json!(format!("{percent}%")),
            RuleSpec::InOrder => json!("in_order"),
        }
    }
}

impl JsonSchema for RuleSpec {
    fn schema_name() -> Cow<'static, str> {
        "Rule".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "rule",
            "description": "How many must agree.",
            "default": "any",
            "oneOf": [
                { "const": "all", "description": "Everybody." },
                { "const": "any", "description": "One of them." },
                { "const": "majority", "description": "More than half." },
                { "const": "in_order", "description": "Everybody, one after the other, as listed." },
                { "type": "integer", "minimum": 1, "maximum": MAX_COUNT, "description": "This many." },
                { "type": "string", "pattern": "^([1-9][0-9]?|100)%$", "description": "At least this share of them." },
            ],
            "examples": ["any", 2, "60%", "in_order"],
        })
    }
}

impl TryFrom<Value> for DeadlineSpec {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match &value {
            Value::String(word) if word == "none" => Ok(Self::None),
            Value::Object(_) => serde_json::from_value::<DueSpec>(value)
                .map(Self::Due)
                .map_err(|error| format!("is not understood: {error}")),
            _ => Err(must_be(
                "a map as `{ due: 10 business days }`, or `none` with a `because`",
                &value,
            )),
        }
    }
}

impl From<DeadlineSpec> for Value {
    fn from(deadline: DeadlineSpec) -> Self {
        match deadline {
            DeadlineSpec::None => json!("none"),
            DeadlineSpec::Due(due) => serde_json::to_value(due).expect("a deadline is plain data"),
        }
    }
}

impl JsonSchema for DeadlineSpec {
    fn schema_name() -> Cow<'static, str> {
        "Deadline".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let due = generator.subschema_for::<DueSpec>();
        json_schema!({
            "title": "deadline",
            "description": "By when, with reminders and escalation; or `none`, with a `because` beside it.",
            "oneOf": [
                { "const": "none", "description": "No deadline. Say why in `because`." },
                due,
            ],
            "examples": [{ "due": "10 business days", "remind": ["3 business days before"] }, "none"],
        })
    }
}

impl TryFrom<Value> for DispositionSpec {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        disposition(&value, 0)
    }
}

const DISPOSITIONS: &str = "`continue`, `{ end: STATUS }` or `{ back_to: STEP, max_rounds: N, then: … }`";

fn disposition(value: &Value, depth: usize) -> Result<DispositionSpec, String> {
    match value {
        Value::String(word) if word == "continue" => Ok(DispositionSpec::Continue),
        Value::Object(map) if map.contains_key("end") && map.len() == 1 => Ok(DispositionSpec::End(status(map)?)),
        Value::Object(map) if map.contains_key("back_to") => back_to(map, depth),
        _ => Err(must_be(DISPOSITIONS, value)),
    }
}

/// A status of the author's own.
fn status(map: &Map<String, Value>) -> Result<String, String> {
    let status = word(map, "end")?;
    if RESERVED_STATUSES.contains(&status.as_str()) {
        return Err(format!(
            "ends as `{status}`, which says what happened without the author: choose another word"
        ));
    }
    if !is_name(&status) {
        return Err(format!(
            "needs a name after `end`, of small letters, digits and `_`, found `{}`",
            status.escape_debug()
        ));
    }
    Ok(status)
}

fn back_to(map: &Map<String, Value>, depth: usize) -> Result<DispositionSpec, String> {
    if let Some(key) = map
        .keys()
        .find(|key| !["back_to", "max_rounds", "then"].contains(&key.as_str()))
    {
        return Err(format!(
            "knows no key `{key}` beside `back_to`: it takes `max_rounds` and `then`"
        ));
    }
    if depth >= MAX_THEN_DEPTH {
        return Err(format!("has more than {MAX_THEN_DEPTH} `then` inside each other"));
    }
    let rounds = map
        .get("max_rounds")
        .ok_or("needs `max_rounds` beside `back_to`: how many rounds there may be in all")?;
    let then = map
        .get("then")
        .ok_or("needs `then` beside `back_to`: where it leads after the last round, as `{ end: rejected }`")?;
    Ok(DispositionSpec::BackTo(BackToSpec {
        back_to: word(map, "back_to")?,
        max_rounds: count(rounds, MAX_ROUNDS).ok_or_else(|| {
            format!(
                "needs `max_rounds` as a number from 1 to {MAX_ROUNDS}, found {}",
                describe(rounds)
            )
        })?,
        then: Box::new(disposition(then, depth + 1)?),
    }))
}

fn word(map: &Map<String, Value>, key: &str) -> Result<String, String> {
    let value = map.get(key).unwrap_or(&Value::Null);
    match value.as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("needs a word after `{key}`, found {}", describe(value))),
    }
}

impl From<DispositionSpec> for Value {
    fn from(disposition: DispositionSpec) -> Self {
        match disposition {
            DispositionSpec::Continue => json!("continue"),
            DispositionSpec::End(status) => json!({ "end": status }),
            DispositionSpec::BackTo(back) => json!({
                "back_to": back.back_to,
                "max_rounds": back.max_rounds,
                "then": Self::from(*back.then),
            }),
        }
    }
}

impl JsonSchema for DispositionSpec {
    fn schema_name() -> Cow<'static, str> {
        "Disposition".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let then = generator.subschema_for::<Self>();
        json_schema!({
            "title": "where an outcome leads",
            "description": "`continue`, `{ end: STATUS }` or `{ back_to: STEP, max_rounds: N, then: … }`.",
            "oneOf": [
                { "const": "continue", "description": "On to what comes after." },
                {
                    "type": "object",
                    "title": "end",
                    "description": "The run ends with this status.",
                    "properties": {
                        "end": {
                            "type": "string",
                            "pattern": NAME_PATTERN,
                            "maxLength": MAX_NAME,
                            "not": { "enum": RESERVED_STATUSES },
                            "description": "The status: a word of your own.",
                        },
                    },
                    "required": ["end"],
                    "additionalProperties": false,
                },
                {
                    "type": "object",
                    "title": "back_to",
                    "description": "A new round from an earlier step on.",
                    "properties": {
                        "back_to": {
                            "type": "string",
                            "minLength": 1,
                            "description": "The step that starts the new round.",
                        },
                        "max_rounds": {
                            "type": "integer",
                            "minimum": 1,
                            "maximum": MAX_ROUNDS,
                            "description": "Rounds in all, the first one included.",
                        },
                        "then": then,
                    },
                    "required": ["back_to", "max_rounds", "then"],
                    "additionalProperties": false,
                },
            ],
            "examples": ["continue", { "end": "rejected" }, { "back_to": "response", "max_rounds": 3, "then": { "end": "rejected" } }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal<T: TryFrom<Value, Error = String> + std::fmt::Debug>(value: Value) -> String {
        T::try_from(value).expect_err("refused")
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads well with json!")]
    fn round_trip<T>(value: Value)
    where
        T: TryFrom<Value, Error = String> + Into<Value>,
    {
        let read = T::try_from(value.clone()).unwrap_or_else(|error| panic!("{value}: {error}"));
        assert_eq!(read.into(), value);
    }

    #[test]
    fn every_shape_is_read_and_written() {
        round_trip::<AfterSpec>(json!("start"));
        round_trip::<AfterSpec>(json!(["a", "b.rejected"]));
        round_trip::<LabelSpec>(json!("confidential"));
        round_trip::<LabelSpec>(json!(["confidential", "for-2_years"]));
        round_trip::<LockSpec>(json!("desk"));
        round_trip::<LockSpec>(json!({ "name": "desk", "until": "signed" }));
        for join in [json!("all"), json!("any"), json!("settled"), json!(2), json!(MAX_COUNT)] {
            round_trip::<JoinSpec>(join);
        }
        for rule in [
            json!("all"),
            json!("majority"),
            json!("in_order"),
            json!(2),
            json!("60%"),
            json!("100%"),
        ] {
            round_trip::<RuleSpec>(rule);
        }
        round_trip::<DeadlineSpec>(json!("none"));
        round_trip::<DeadlineSpec>(json!({"due": "3 days", "remind": ["1 day before"]}));
        round_trip::<DispositionSpec>(json!("continue"));
        round_trip::<DispositionSpec>(json!({"end": "rejected"}));
        round_trip::<DispositionSpec>(json!({"back_to": "a", "max_rounds": 3, "then": {"end": "rejected"}}));
        assert_eq!(JoinSpec::try_from(json!(2.0)), Ok(JoinSpec::Count(2)));
    }

    #[test]
    fn refusals_say_what_is_expected_and_what_was_found() {
        assert_eq!(
            refusal::<JoinSpec>(json!("both")),
            "must be `all`, `any`, `settled` or a number from 1, found the text `both`"
        );
        assert_eq!(
            refusal::<DeadlineSpec>(json!(["3 days"])),
            "must be a map as `{ due: 10 business days }`, or `none` with a `because`, found a list"
        );
        assert!(refusal::<AfterSpec>(json!([])).contains("an empty list"));
        assert!(refusal::<AfterSpec>(json!(["a", 3])).contains("the number 3"));
        for wrong in [
            json!("Top Secret"),
            json!(""),
            json!("-x"),
            json!([]),
            json!(["a", 3]),
            json!(3),
        ] {
            assert!(refusal::<LabelSpec>(wrong).contains("as `confidential`"));
        }
        assert!(refusal::<LockSpec>(json!("The Desk")).contains("a name as `desk`"));
        assert!(refusal::<LockSpec>(json!({ "name": "desk" })).contains("`{ name: desk, until: STEP }`"));
        assert!(refusal::<LockSpec>(json!({ "name": "desk", "till": "b" })).contains("knows no key `till`"));
        assert!(refusal::<RuleSpec>(json!("0%")).contains("`60%`"));
        assert!(refusal::<RuleSpec>(json!("101%")).contains("`60%`"));
        assert!(refusal::<RuleSpec>(json!(0)).contains("a number from 1"));
        assert!(refusal::<RuleSpec>(json!(1.5)).contains("a number from 1"));
        assert!(refusal::<DispositionSpec>(json!({"back_to": "a"})).contains("max_rounds"));
        assert!(refusal::<DispositionSpec>(json!({"back_to": "a", "max_rounds": 2})).contains("`then`"));
        assert!(refusal::<DispositionSpec>(json!({"end": 3})).contains("a word after `end`"));
        for wrong in [
            "${{ inputs.x }}",
            "not-ok",
            "a b",
            "x\"]:::<script>",
            "cancelled",
            "running",
        ] {
            let why = refusal::<DispositionSpec>(json!({ "end": wrong }));
            assert!(
                why.contains("name after `end`") || why.contains("another word"),
                "{wrong}: {why}"
            );
        }
        assert!(refusal::<DispositionSpec>(json!({"back_to": "a", "rounds": 2})).contains("knows no key `rounds`"));
    }

    #[test]
    fn limits_hold_at_the_limit_and_not_past_it() {
        assert!(AfterSpec::try_from(json!(vec!["a"; MAX_AFTER])).is_ok());
        assert!(refusal::<AfterSpec>(json!(vec!["a"; MAX_AFTER + 1])).contains("at most"));
        assert!(LabelSpec::try_from(json!(vec!["a"; MAX_ITEM_LABELS])).is_ok());
        assert!(refusal::<LabelSpec>(json!(vec!["a"; MAX_ITEM_LABELS + 1])).contains("at most"));
        assert!(LabelSpec::try_from(json!("a".repeat(MAX_NAME))).is_ok());
        assert!(LabelSpec::try_from(json!("a".repeat(MAX_NAME + 1))).is_err());
        assert!(JoinSpec::try_from(json!(MAX_COUNT)).is_ok());
        assert!(JoinSpec::try_from(json!(MAX_COUNT + 1)).is_err());
        let back = |rounds: u32, then: Value| json!({"back_to": "a", "max_rounds": rounds, "then": then});
        assert!(DispositionSpec::try_from(back(MAX_ROUNDS, json!("continue"))).is_ok());
        assert!(refusal::<DispositionSpec>(back(MAX_ROUNDS + 1, json!("continue"))).contains("max_rounds"));
        let nested = |depth: usize| (0..depth).fold(json!("continue"), |then, _| back(2, then));
        assert!(DispositionSpec::try_from(nested(MAX_THEN_DEPTH)).is_ok());
        assert!(refusal::<DispositionSpec>(nested(MAX_THEN_DEPTH + 1)).contains("inside each other"));
    }
}
