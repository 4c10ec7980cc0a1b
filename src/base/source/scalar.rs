//! What a word without quotes means: the YAML 1.2 core schema, minus what others read differently.

use crate::base::Value;
use serde_json::Number;

/// A plain scalar, resolved.
#[derive(Debug, PartialEq)]
pub(super) enum Plain {
    /// Data.
    Is(Value),
    /// Text that other readers of YAML take for something else: what they take it for.
    Ambiguous(&'static str),
    /// Text.
    Text,
}

/// Resolves a scalar written without quotes and without a tag.
pub(super) fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Is(Value::Null),
        "true" | "True" | "TRUE" => return Plain::Is(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Plain::Is(Value::Bool(false)),
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Plain::Ambiguous("true"),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Plain::Ambiguous("false"),
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Plain::Ambiguous("infinity"),
        ".nan" | ".NaN" | ".NAN" if unsigned == text => return Plain::Ambiguous("no number at all"),
        _ => {}
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Plain::Text;
    }
    number(text, unsigned)
}

fn number(text: &str, unsigned: &str) -> Plain {
    if let Some(meaning) = other_notation(unsigned) {
        return Plain::Ambiguous(meaning);
    }
    let Some(float) = core_number(unsigned) else {
        return Plain::Text;
    };
    let whole = unsigned.split(['.', 'e', 'E']).next().unwrap_or_default();
    if whole.len() > 1 && whole.starts_with('0') {
        return Plain::Ambiguous("a number without its leading zero, or one to the base 8");
    }
    if float {
        return match text.parse::<f64>().ok().and_then(Number::from_f64) {
            Some(number) => Plain::Is(Value::Number(number)),
            None => Plain::Ambiguous("a number too large to be kept"),
        };
    }
    let signed = text.strip_prefix('+').unwrap_or(text);
    if let Ok(number) = signed.parse::<i64>() {
        Plain::Is(number.into())
    } else if let Ok(number) = signed.parse::<u64>() {
        Plain::Is(number.into())
    } else {
        Plain::Ambiguous("a number too large to be kept exactly")
    }
}

/// Whether the text is a number of the core schema, and if so whether one with a fraction.
fn core_number(unsigned: &str) -> Option<bool> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    if let Some(exponent) = exponent {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if exponent.is_empty() || !digits(exponent) {
            return None;
        }
    }
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let some = !whole.is_empty() || fraction.is_some_and(|fraction| !fraction.is_empty());
    let valid = some && digits(whole) && fraction.is_none_or(digits);
    valid.then_some(fraction.is_some() || exponent.is_some())
}

/// What YAML 1.1, or the core schema itself, makes of notations that flows do without.
fn other_notation(unsigned: &str) -> Option<&'static str> {
    let bytes = unsigned.as_bytes();
    let rest = unsigned.get(2..).unwrap_or_default();
    let all = |text: &str, allowed: fn(&u8) -> bool| !text.is_empty() && text.bytes().all(|b| allowed(&b) || b == b'_');
    match (bytes.first(), bytes.get(1)) {
        (Some(b'0'), Some(b'x')) if all(rest, u8::is_ascii_hexdigit) => return Some("a number to the base 16"),
        (Some(b'0'), Some(b'o')) if all(rest, |b| (b'0'..=b'7').contains(b)) => return Some("a number to the base 8"),
        (Some(b'0'), Some(b'b')) if all(rest, |b| matches!(b, b'0' | b'1')) => return Some("a number to the base 2"),
        _ => {}
    }
    if unsigned.contains('_') && core_number(&unsigned.replace('_', "")).is_some() {
        return Some("a number without its `_`");
    }
    is_sexagesimal(unsigned).then_some("a number to the base 60")
}

/// `1:30` or `190:20:30.15`, which YAML 1.1 takes for numbers; `09:30` it does not.
fn is_sexagesimal(unsigned: &str) -> bool {
    let mut parts = unsigned.split(':');
    let first = parts.next().unwrap_or_default();
    let starts = first.bytes().all(|b| b.is_ascii_digit()) && !first.is_empty() && !first.starts_with('0');
    let mut others = 0;
    let valid = parts.all(|part| {
        others += 1;
        let whole = part.split_once('.').map_or(part, |(whole, _)| whole);
        matches!(whole.len(), 1 | 2)
            && whole.bytes().all(|b| b.is_ascii_digit())
            && whole.parse::<u8>().is_ok_and(|number| number < 60)
    });
    starts && others > 0 && valid
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn core_scalars_are_data() {
        let cases = [
            ("", json!(null)),
            ("~", json!(null)),
            ("null", json!(null)),
            ("true", json!(true)),
            ("FALSE", json!(false)),
            ("0", json!(0)),
            ("-7", json!(-7)),
            ("+7", json!(7)),
            ("18446744073709551615", json!(u64::MAX)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("1.10", json!(1.1)),
            ("0.5", json!(0.5)),
            (".5", json!(0.5)),
            ("1e3", json!(1000.0)),
            ("-1.5E-2", json!(-0.015)),
        ];
        for (text, value) in cases {
            assert_eq!(resolve(text), Plain::Is(value), "{text}");
        }
    }

    #[test]
    fn what_others_read_differently_is_ambiguous() {
        for text in [
            "012",
            "-012",
            "01.5",
            "1_000",
            "1_000.5",
            ".inf",
            "-.INF",
            ".nan",
            "0o7",
            "0x1F",
            "0b101",
            "1:30",
            "190:20:30.15",
            "18446744073709551616",
            "-9223372036854775809",
            "1e400",
            "yes",
            "No",
            "ON",
            "off",
        ] {
            assert!(matches!(resolve(text), Plain::Ambiguous(_)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_text() {
        for text in [
            "y",
            "n",
            "nO",
            "09:30",
            "09:00-17:00",
            "1:60",
            "2026-12-25",
            "1.0.0",
            "1.2.3.4",
            "-",
            "+",
            ".",
            "..",
            "e5",
            "1e",
            "1e+",
            "_1",
            "0x",
            "0xZZ",
            "12px",
            "-.nan",
            "$",
            "a_b",
            "10 days",
        ] {
            assert_eq!(resolve(text), Plain::Text, "{text}");
        }
    }
}
