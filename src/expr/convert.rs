//! Our values as minijinja's and back.

use super::eval::{MAX_RESULT_BYTES, MAX_RESULT_DEPTH};
use crate::base::Value;
use minijinja::value::ValueKind;
use serde_json::Number;

/// A value of ours as one of minijinja's.
pub(super) fn to_minijinja(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(value) => minijinja::Value::from(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), _, _) => minijinja::Value::from(whole),
            (_, Some(whole), _) => minijinja::Value::from(whole),
            (_, _, float) => minijinja::Value::from(float.unwrap_or(f64::NAN)),
        },
        Value::String(text) => minijinja::Value::from(text.as_str()),
        Value::Array(items) => minijinja::Value::from_object(items.iter().map(to_minijinja).collect::<Vec<_>>()),
        Value::Object(fields) => {
            minijinja::Value::from_pairs(fields.iter().map(|(name, value)| (name.as_str(), to_minijinja(value))))
        }
    }
}

/// Why a value of minijinja's is none of ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It, or something in it, has no value.
    Missing,
    /// What it is, to be read after the expression.
    Because(String),
}

fn because<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::Because(why.into()))
}

/// A value of minijinja's as one of ours.
pub(super) fn from_minijinja(value: &minijinja::Value) -> Result<Value, Refused> {
    let mut budget = MAX_RESULT_BYTES;
    convert(value, &mut budget, MAX_RESULT_DEPTH)
}

/// Bytes that are counted for anything but a text.
const SMALL: usize = 8;

fn convert(value: &minijinja::Value, budget: &mut usize, depth: usize) -> Result<Value, Refused> {
    let size = value.as_str().map_or(SMALL, |text| text.len().max(SMALL));
    let Some(left) = budget.checked_sub(size) else {
        return because(format!("gives more than {MAX_RESULT_BYTES} bytes"));
    };
    *budget = left;
    let Some(deeper) = depth.checked_sub(1) else {
        return because(format!("gives a value nested deeper than {MAX_RESULT_DEPTH} levels"));
    };
    match value.kind() {
        ValueKind::Undefined => Err(Refused::Missing),
        ValueKind::None => Ok(Value::Null),
        ValueKind::Bool => Ok(Value::Bool(value.is_true())),
        ValueKind::Number => number(value),
        ValueKind::String => Ok(Value::String(value.as_str().unwrap_or_default().to_owned())),
        ValueKind::Seq | ValueKind::Iterable => {
            let mut items = Vec::new();
            for item in each(value)? {
                items.push(convert(&item, budget, deeper)?);
            }
            Ok(Value::Array(items))
        }
        ValueKind::Map => {
            let mut fields = serde_json::Map::new();
            for key in each(value)? {
                let Some(name) = key.as_str() else {
                    return because("gives an object whose names are not all texts");
                };
                let field = value.get_item(&key).map_err(|_| Refused::Missing)?;
                *budget = budget.saturating_sub(name.len());
                fields.insert(name.to_owned(), convert(&field, budget, deeper)?);
            }
            Ok(Value::Object(fields))
        }
        _ => because("gives nothing that can be stored"),
    }
}

fn each(value: &minijinja::Value) -> Result<minijinja::value::ValueIter, Refused> {
    value
        .try_iter()
        .map_err(|_| Refused::Because("gives nothing that can be stored".to_owned()))
}

fn number(value: &minijinja::Value) -> Result<Value, Refused> {
    let whole = if value.is_integer() {
        i64::try_from(value.clone())
            .map(Number::from)
            .or_else(|_| u64::try_from(value.clone()).map(Number::from))
            .ok()
    } else {
        f64::try_from(value.clone()).ok().and_then(Number::from_f64)
    };
    whole.map_or_else(
        || because("gives a number that is out of range"),
        |number| Ok(Value::Number(number)),
    )
}

/// What `value` is, with its article.
pub(super) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "none",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Writes `value` into a text.
pub(super) fn print(text: &mut String, value: &Value) {
    use std::fmt::Write;
    let written = match value {
        Value::Null => Ok(()),
        Value::String(value) => text.write_str(value),
        // A whole number reads the same whether a division made it or not.
        Value::Number(number) => match number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0) {
            Some(float) => write!(text, "{float}"),
            None => write!(text, "{number}"),
        },
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => write!(text, "{value}"),
    };
    written.expect("writing to a string succeeds");
}
