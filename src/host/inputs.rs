//! Inputs of a run: complete, of the right type, within their limits.

use crate::base::address::mail_address;
use crate::base::{Period, Value, diagnostic};
use crate::spec::{InputKind, InputSpec};
use indexmap::IndexMap;

/// Name of an input, and what is wrong with it.
pub type Problem = (String, String);

/// Checks `given` against what a flow wants and fills in defaults. Every problem is told.
///
/// # Errors
/// Every input that is unknown, missing, of the wrong type or beyond its limits.
pub fn check(wanted: &IndexMap<String, InputSpec>, given: &Value) -> Result<Value, Vec<Problem>> {
    let empty = serde_json::Map::new();
    let given = match given {
        Value::Object(given) => given,
        Value::Null => &empty,
        _ => {
            return Err(vec![(
                "*".to_owned(),
                "inputs are an object of names and values".to_owned(),
            )]);
        }
    };
    let mut problems: Vec<Problem> = given
        .keys()
        .filter(|name| !wanted.contains_key(*name))
        .map(|name| (name.clone(), unknown(name, wanted)))
        .collect();
    let mut checked = serde_json::Map::new();
    for (name, spec) in wanted {
        match given
            .get(name)
            .filter(|value| !value.is_null())
            .or(spec.default.as_ref())
        {
            None => problems.push((name.clone(), "is missing".to_owned())),
            Some(value) => match check_value(spec, value) {
                Ok(value) => {
                    checked.insert(name.clone(), value);
                }
                Err(why) => problems.push((name.clone(), why)),
            },
        }
    }
    if problems.is_empty() {
        Ok(Value::Object(checked))
    } else {
        Err(problems)
    }
}

fn unknown(name: &str, wanted: &IndexMap<String, InputSpec>) -> String {
    let names = wanted.keys().map(String::as_str);
    match diagnostic::nearest(name, names) {
        Some(near) => format!("is not an input of this flow; did you mean {near}?"),
        None if wanted.is_empty() => "is not an input of this flow, which has none".to_owned(),
        None => {
            let all: Vec<&str> = wanted.keys().map(String::as_str).collect();
            format!("is not an input of this flow; there are {}", all.join(", "))
        }
    }
}

fn check_value(spec: &InputSpec, value: &Value) -> Result<Value, String> {
    let value = check_kind(spec.kind, value)?;
    match (spec.kind, &value) {
        (InputKind::Choice, Value::String(text)) if !spec.options.contains(text) => {
            return Err(format!("must be one of {}", spec.options.join(", ")));
        }
        (InputKind::List, Value::Array(elements)) => return check_list(spec, elements),
        (InputKind::File, _) => check_file(spec, &value)?,
        _ => {}
    }
    check_size(spec, &value)?;
    check_pattern(spec, &value)?;
    Ok(value)
}

fn check_list(spec: &InputSpec, elements: &[Value]) -> Result<Value, String> {
    check_size(spec, &Value::Array(elements.to_vec()))?;
    let Some(of) = spec.of else {
        return Ok(Value::Array(elements.to_vec()));
    };
    let checked = elements
        .iter()
        .enumerate()
        .map(|(index, element)| check_kind(of, element).map_err(|why| format!("element {} {why}", index + 1)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Value::Array(checked))
}

/// The value as the kind wants it; texts from a command line become numbers and booleans.
fn check_kind(kind: InputKind, value: &Value) -> Result<Value, String> {
    let refused = || format!("must be {}", wanted(kind));
    let value = match (kind, value.as_str()) {
        (InputKind::Number | InputKind::Integer | InputKind::Boolean, Some(text)) => {
            serde_json::from_str(text.trim()).map_err(|_| refused())?
        }
        _ => value.clone(),
    };
    let text = value.as_str();
    let fits = match kind {
        InputKind::Text | InputKind::Choice => text.is_some(),
        InputKind::Number => value.is_number(),
        InputKind::Integer => value.is_i64() || value.is_u64(),
        InputKind::Boolean => value.is_boolean(),
        InputKind::Date => text.is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok()),
        InputKind::Duration => text.is_some_and(|text| Period::parse(text).is_ok()),
        InputKind::Email => text.is_some_and(|text| mail_address(text).is_some()),
        InputKind::Person => text.is_some_and(|text| text.starts_with("user:") && text.len() > 5),
        InputKind::File => value.get("id").is_some_and(Value::is_string),
        InputKind::List => value.is_array(),
        InputKind::Object => value.is_object(),
    };
    if fits { Ok(value) } else { Err(refused()) }
}

const fn wanted(kind: InputKind) -> &'static str {
    match kind {
        InputKind::Text | InputKind::Choice => "a text",
        InputKind::Number => "a number",
        InputKind::Integer => "a whole number",
        InputKind::Boolean => "true or false",
        InputKind::Date => "a day, as 2026-11-23",
        InputKind::Duration => "a length of time, as 10 business days",
        InputKind::Email => "a mail address",
        InputKind::Person => "a person of the directory, as user:anna",
        InputKind::File => "a file of the file space",
        InputKind::List => "a list",
        InputKind::Object => "an object",
    }
}

fn check_size(spec: &InputSpec, value: &Value) -> Result<(), String> {
    #[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
    let (size, what) = match value {
        Value::Number(number) => (number.as_f64().unwrap_or(f64::NAN), ""),
        Value::String(text) if spec.kind == InputKind::Text => (text.chars().count() as f64, " characters"),
        Value::Array(elements) => (elements.len() as f64, " elements"),
        _ => return Ok(()),
    };
    if spec.min.is_some_and(|min| size < min) {
        return Err(format!("must be at least {}{what}", spec.min.unwrap_or_default()));
    }
    if spec.max.is_some_and(|max| size > max) {
        return Err(format!("must be at most {}{what}", spec.max.unwrap_or_default()));
    }
    Ok(())
}

fn check_pattern(spec: &InputSpec, value: &Value) -> Result<(), String> {
    let (Some(pattern), Some(text)) = (&spec.pattern, value.as_str()) else {
        return Ok(());
    };
    let schema = serde_json::json!({ "type": "string", "pattern": format!("^(?:{pattern})$") });
    if jsonschema::is_valid(&schema, &Value::String(text.to_owned())) {
        Ok(())
    } else {
        Err(format!("must match {pattern}"))
    }
}

fn check_file(spec: &InputSpec, value: &Value) -> Result<(), String> {
    let name = value
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let accepted =
        |ending: &String| name.ends_with(&format!(".{}", ending.trim_start_matches('.').to_ascii_lowercase()));
    if !spec.accept.is_empty() && !spec.accept.iter().any(accepted) {
        return Err(format!("must be a file of type {}", spec.accept.join(", ")));
    }
    let size = value.get("size").and_then(Value::as_u64).unwrap_or_default();
    let Some(max_size) = spec.max_size.as_deref() else {
        return Ok(());
    };
    match bytes(max_size) {
        None => Err(format!(
            "cannot be checked: the flow says max_size: {max_size}, which is no size"
        )),
        Some(limit) if size > limit => Err(format!(
            "must be at most {}",
            spec.max_size.as_deref().unwrap_or_default()
        )),
        _ => Ok(()),
    }
}

/// `10 MB` as bytes: powers of ten, as disks are sold, and `MiB` powers of 1,024.
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: u64 = text[..digits].parse().ok()?;
    let factor = match text[digits..].trim() {
        "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "kiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wanted(spec: &Value) -> IndexMap<String, InputSpec> {
        serde_json::from_value(spec.clone()).unwrap()
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let wanted = wanted(&json!({
            "amount": { "type": "integer", "min": 1 }, "reviewer": { "type": "email" },
            "kind": { "type": "choice", "options": ["a", "b"] }, "note": { "type": "text", "default": "x" },
        }));
        let problems = check(&wanted, &json!({ "amount": 0, "kind": "c", "reviewr": "x" })).unwrap_err();
        let names: Vec<&str> = problems.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["reviewr", "amount", "reviewer", "kind"]);
        assert!(problems[0].1.contains("did you mean reviewer?"), "{problems:?}");
    }

    #[test]
    fn texts_from_a_command_line_become_what_is_wanted() {
        let wanted =
            wanted(&json!({ "n": { "type": "integer" }, "b": { "type": "boolean" }, "t": { "type": "text" } }));
        let checked = check(&wanted, &json!({ "n": "12", "b": "true", "t": "12" })).unwrap();
        assert_eq!(checked, json!({ "n": 12, "b": true, "t": "12" }));
    }

    #[test]
    fn what_only_looks_like_a_number_is_refused() {
        let wanted = wanted(&json!({ "n": { "type": "number", "max": 100 }, "i": { "type": "integer", "max": 10 } }));
        for bad in [
            "+5", "+5000", "-.5", ".5", "5.", "007", "NaN", "inf", "", "1 2", "\"5\"", "5000",
        ] {
            assert!(check(&wanted, &json!({ "n": bad, "i": 1 })).is_err(), "{bad:?}");
            assert!(check(&wanted, &json!({ "n": 1, "i": bad })).is_err(), "{bad:?}");
        }
        let checked = check(&wanted, &json!({ "n": "1e1", "i": "-5" })).unwrap();
        assert_eq!(checked, json!({ "n": 10.0, "i": -5 }));
    }

    #[test]
    fn every_size_that_the_schema_allows_is_held() {
        for (text, size) in [
            ("1 kB", 1_000),
            ("1 KiB", 0),
            ("1kiB", 1_024),
            ("2 MiB", 2 << 20),
            ("1 GiB", 1 << 30),
        ] {
            assert_eq!(bytes(text).unwrap_or(0), size, "{text}");
        }
    }

    #[test]
    fn addresses_cannot_carry_a_second_header() {
        let wanted = wanted(&json!({ "to": { "type": "email" } }));
        for bad in ["a@b.c\r\nBcc: x@y.z", "a@@b", "@b", "a b@c.d", ""] {
            assert!(check(&wanted, &json!({ "to": bad })).is_err(), "{bad:?}");
        }
        assert!(check(&wanted, &json!({ "to": "rita@reviewers.example" })).is_ok());
    }

    #[test]
    fn files_are_held_to_type_and_size() {
        let wanted = wanted(&json!({ "f": { "type": "file", "accept": ["pdf"], "max_size": "1 kB" } }));
        let file = |name: &str, size: u64| json!({ "f": { "id": "fil_1", "name": name, "size": size } });
        assert!(check(&wanted, &file("a.PDF", 1_000)).is_ok());
        assert!(check(&wanted, &file("a.pdf", 1_001)).is_err());
        assert!(check(&wanted, &file("a.exe", 1)).is_err());
    }

    #[test]
    fn patterns_match_the_whole_text() {
        let wanted = wanted(&json!({ "order": { "type": "text", "pattern": "[A-Z]{2}[0-9]+" } }));
        assert!(check(&wanted, &json!({ "order": "AB12" })).is_ok());
        assert!(check(&wanted, &json!({ "order": "xAB12" })).is_err());
    }
}
