//! Values that people and programs give: of the right type, within their limits.

use super::{InputKind, InputSpec};
use crate::base::address::mail_address;
use crate::base::{Period, Semantics, Value, moment};

/// The value as `spec` wants it; texts from a command line become numbers and booleans.
///
/// # Errors
/// What it must be, as the end of a sentence that begins with the name.
pub fn check_value(spec: &InputSpec, value: &Value, semantics: Semantics) -> Result<Value, String> {
    let value = check_kind(spec.kind, value, semantics)?;
    let value = check_option(spec, spec.kind, value)?;
    match (spec.kind, &value) {
        (InputKind::List, Value::Array(elements)) => return check_list(spec, elements, semantics),
        (InputKind::File, _) => check_file(spec, &value)?,
        _ => {}
    }
    check_size(spec, &value)?;
    check_pattern(spec, &value)?;
    Ok(value)
}

/// [`check_value`], and business time only where there is a calendar to count it in.
///
/// # Errors
/// As [`check_value`].
pub fn check_for(spec: &InputSpec, value: &Value, has_calendar: bool, semantics: Semantics) -> Result<Value, String> {
    let value = check_value(spec, value, semantics)?;
    if !has_calendar && needs_calendar(spec, &value) {
        return Err("is business time, and this flow names no calendar to count it in: give hours or days".to_owned());
    }
    Ok(value)
}

/// Whether there is business time in a checked value.
fn needs_calendar(spec: &InputSpec, value: &Value) -> bool {
    let counts = |value: &Value| {
        let period = value.as_str().map(Period::parse);
        period.is_some_and(|period| period.is_ok_and(|period| period.needs_calendar()))
    };
    match (spec.kind, spec.of) {
        (InputKind::Duration, _) => counts(value),
        (InputKind::List, Some(InputKind::Duration)) => value.as_array().is_some_and(|list| list.iter().any(counts)),
        _ => false,
    }
}

fn check_option(spec: &InputSpec, kind: InputKind, value: Value) -> Result<Value, String> {
    match &value {
        Value::String(text) if kind == InputKind::Choice && !spec.options.contains(text) => {
            Err(format!("must be one of {}", spec.options.join(", ")))
        }
        _ => Ok(value),
    }
}

fn check_list(spec: &InputSpec, elements: &[Value], semantics: Semantics) -> Result<Value, String> {
    check_size(spec, &Value::Array(elements.to_vec()))?;
    let Some(of) = spec.of else {
        return Ok(Value::Array(elements.to_vec()));
    };
    let checked = elements
        .iter()
        .enumerate()
        .map(|(index, element)| {
            let checked = check_kind(of, element, semantics).and_then(|value| check_option(spec, of, value));
            checked.map_err(|why| format!("element {} {why}", index + 1))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Value::Array(checked))
}

/// The value as the kind wants it; texts from a command line become numbers and booleans.
fn check_kind(kind: InputKind, value: &Value, semantics: Semantics) -> Result<Value, String> {
    let refused = || match value {
        Value::Number(_) | Value::Bool(_) if kind == InputKind::Text => format!("must be a text: write \"{value}\""),
        Value::Number(_) | Value::Bool(_) if kind == InputKind::Choice => {
            format!("must be one of its options as a text: write \"{value}\"")
        }
        _ => format!("must be {}", wanted(kind)),
    };
    let value = match (kind, value.as_str()) {
        (InputKind::Number | InputKind::Integer | InputKind::Boolean, Some(text)) => {
            let number = serde_json::from_str(text.trim()).map_err(|_| refused())?;
            if semantics.has_exact_times() && loses_digits(text.trim(), &number) {
                return Err(INEXACT.to_owned());
            }
            number
        }
        // addresses are compared in lower case
        (InputKind::Email, Some(text)) => mail_address(text).map_or_else(|| value.clone(), Value::String),
        _ => value.clone(),
    };
    let text = value.as_str();
    let fits = match kind {
        InputKind::Text | InputKind::Choice => text.is_some(),
        InputKind::Number => value.is_number(),
        InputKind::Integer => value.is_i64() || value.is_u64(),
        InputKind::Boolean => value.is_boolean(),
        InputKind::Date => text.is_some_and(|text| moment::day(text, semantics).is_ok()),
        InputKind::Duration => text.is_some_and(|text| Period::parse(text).is_ok()),
        InputKind::Email => text.is_some_and(|text| mail_address(text).is_some()),
        InputKind::Person => text.is_some_and(|text| text.starts_with("user:") && text.len() > 5),
        InputKind::File => value.get("id").is_some_and(Value::is_string),
        InputKind::List => value.is_array(),
        InputKind::Object => value.is_object(),
    };
    let is_number = matches!(kind, InputKind::Number | InputKind::Integer);
    if is_number && semantics.has_exact_times() && is_inexact(&value) {
        return Err(INEXACT.to_owned());
    }
    if fits { Ok(value) } else { Err(refused()) }
}

/// What is said of a number that cannot be kept as it was given.
const INEXACT: &str = "has more digits than a number can keep: give at most 15, or a text";

/// Numbers without a fraction are exact up to this one.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// Whether a number may have lost digits already when it was read: one without a fraction that is too large.
fn is_inexact(value: &Value) -> bool {
    let number = value.as_number().filter(|number| number.is_f64());
    number
        .and_then(serde_json::Number::as_f64)
        .is_some_and(|number| number.abs() > LARGEST_EXACT)
}

/// Whether the number read from `text` has other digits than the text.
fn loses_digits(text: &str, number: &Value) -> bool {
    number.is_f64() && digits(text) != digits(&number.to_string())
}

/// The digits of a decimal number from the first to the last that counts, without sign, point and exponent.
fn digits(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// What a value of the kind is, after "must be".
pub const fn wanted(kind: InputKind) -> &'static str {
    match kind {
        InputKind::Text => "a text",
        InputKind::Choice => "one of its options",
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
    let counted = |limit: f64| match what.strip_suffix('s') {
        Some(one) if (limit - 1.0).abs() < f64::EPSILON => format!("{limit}{one}"),
        _ => format!("{limit}{what}"),
    };
    match (spec.min, spec.max) {
        (Some(min), _) if size < min => Err(format!("must be at least {}", counted(min))),
        (_, Some(max)) if size > max => Err(format!("must be at most {}", counted(max))),
        _ => Ok(()),
    }
}

fn check_pattern(spec: &InputSpec, value: &Value) -> Result<(), String> {
    let Some(pattern) = spec.pattern.as_ref().filter(|_| value.is_string()) else {
        return Ok(());
    };
    let schema = serde_json::json!({ "type": "string", "pattern": format!("^(?:{pattern})$") });
    match jsonschema::validator_for(&schema) {
        Ok(validator) if validator.is_valid(value) => Ok(()),
        Ok(_) => Err(format!("must match {pattern}")),
        Err(_) => Err(format!(
            "cannot be checked: the flow says pattern: {pattern}, which is no regular expression"
        )),
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

    #[test]
    fn business_time_needs_a_calendar_to_count_it_in() {
        let spec = |spec| serde_json::from_value::<InputSpec>(spec).unwrap();
        let one = spec(serde_json::json!({ "type": "duration" }));
        let list = spec(serde_json::json!({ "type": "list", "of": "duration" }));
        for (spec, value) in [
            (&one, serde_json::json!("3 business days")),
            (&list, serde_json::json!(["2 hours", "2 business hours"])),
        ] {
            assert_eq!(check_for(spec, &value, true, Semantics::CURRENT), Ok(value.clone()));
            let why = check_for(spec, &value, false, Semantics::CURRENT).unwrap_err();
            assert!(why.contains("names no calendar"), "{why}");
        }
        assert!(check_for(&one, &serde_json::json!("3 days"), false, Semantics::CURRENT).is_ok());
    }

    #[test]
    fn what_is_no_text_is_told_how_to_be_written_as_one() {
        let text = serde_json::from_value::<InputSpec>(serde_json::json!({ "type": "text" })).unwrap();
        let why = |value| check_value(&text, &value, Semantics::CURRENT).unwrap_err();
        assert_eq!(why(serde_json::json!(7)), "must be a text: write \"7\"");
        assert_eq!(why(serde_json::json!(true)), "must be a text: write \"true\"");
        assert_eq!(why(serde_json::json!([7])), "must be a text");
    }

    #[test]
    fn a_day_and_a_number_are_taken_exactly_or_refused() {
        let of = |kind: &str| serde_json::from_value::<InputSpec>(serde_json::json!({ "type": kind })).unwrap();
        let check = |kind: &str, value: serde_json::Value, semantics| check_value(&of(kind), &value, semantics);
        for text in [
            "20260310",
            "+012026-03-10",
            "2026-03-10T12:00",
            "2026-03-10 12:00",
            "2026-03-10[Europe/Madrid]",
        ] {
            let why = check("date", text.into(), Semantics::CURRENT).unwrap_err();
            assert_eq!(why, "must be a day, as 2026-11-23", "{text}");
        }
        for text in ["20260310", "2026-03-10T12:00"] {
            assert!(check("date", text.into(), Semantics::FIRST).is_ok(), "{text}");
        }
        assert!(check("date", "2026-03-10".into(), Semantics::CURRENT).is_ok());
        for text in [
            "12345678901234567890123",
            "0.12345678901234567890",
            "9007199254740993.5",
            "1e400",
        ] {
            assert!(check("number", text.into(), Semantics::CURRENT).is_err(), "{text}");
        }
        for text in [
            "0.1",
            "-1.50",
            "1e3",
            "9007199254740993",
            "18446744073709551615",
            "0",
            "100.0",
        ] {
            assert!(check("number", text.into(), Semantics::CURRENT).is_ok(), "{text}");
        }
        let large = serde_json::from_str::<serde_json::Value>("12345678901234567890123").unwrap();
        assert_eq!(check("number", large.clone(), Semantics::CURRENT).unwrap_err(), INEXACT);
        assert!(check("number", large, Semantics::FIRST).is_ok());
    }

    #[test]
    fn one_is_counted_as_one() {
        let list = |min: u8| serde_json::from_value::<InputSpec>(serde_json::json!({ "type": "list", "min": min }));
        let why = |min| check_value(&list(min).unwrap(), &serde_json::json!([]), Semantics::CURRENT).unwrap_err();
        assert_eq!(why(1), "must be at least 1 element");
        assert_eq!(why(2), "must be at least 2 elements");
    }

    #[test]
    fn every_size_that_the_schema_allows_is_held() {
        for (text, size) in [
            ("7 B", 7),
            ("1 kB", 1_000),
            ("10MB", 10_000_000),
            ("1 GB", 1_000_000_000),
            ("1kiB", 1_024),
            ("2 MiB", 2 << 20),
            ("1 GiB", 1 << 30),
        ] {
            assert_eq!(bytes(text), Some(size), "{text}");
        }
        // anything else is no size, and not a size of nothing
        for text in [
            "1 KiB",
            "1 KB",
            "1 mb",
            "10",
            "MB",
            "",
            "-1 MB",
            "1.5 MB",
            "99999999999 GB",
        ] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
