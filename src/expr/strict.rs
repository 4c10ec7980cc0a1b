//! Order and format of values as expressions have them: only two numbers or two texts have an order, and a value has
//! one format in texts, whoever makes the text.

use super::eval::MAX_RESULT_BYTES;
use super::functions::ENVIRONMENT;
use super::{convert, rewrite};
use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, filters};
use std::cmp::Ordering;
use std::sync::LazyLock;

/// How the detail of an error begins whose message is shown to the author.
pub(super) const TOLD: &str = "it ";

/// Where rewritten expressions are compiled and evaluated.
pub(super) static STRICT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = ENVIRONMENT.clone();
    environment.add_function(rewrite::COMPARED, compared);
    environment.add_function(rewrite::JOINED, joined);
    environment.add_filter("sort", sort);
    environment.add_filter("min", min);
    environment.add_filter("max", max);
    environment.add_filter("string", string);
    environment.add_filter("join", join);
    environment
});

/// `a < b <= c` as `a, "<", b, "<=", c`. The first part that does not hold decides.
fn compared(args: Rest<Value>) -> Result<bool, Error> {
    for part in args.windows(3).step_by(2) {
        let [left, sign, right] = part else { continue };
        let holds = match sign.as_str().unwrap_or_default() {
            "==" => left == right,
            "!=" => left != right,
            "in" => contains(right, left)?,
            "not in" => !contains(right, left)?,
            "<" => order(left, right)?.is_lt(),
            "<=" => order(left, right)?.is_le(),
            ">" => order(left, right)?.is_gt(),
            _ => order(left, right)?.is_ge(),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The order of two values, which must be two numbers or two texts.
fn order(left: &Value, right: &Value) -> Result<Ordering, Error> {
    same_order(left.kind(), right.kind())?;
    Ok(left.cmp(right))
}

fn same_order(left: ValueKind, right: ValueKind) -> Result<(), Error> {
    match (left, right) {
        (ValueKind::Number, ValueKind::Number) | (ValueKind::String, ValueKind::String) => Ok(()),
        _ => Err(no_order(left, right)),
    }
}

fn no_order(left: ValueKind, right: ValueKind) -> Error {
    let (left, right) = (words(left), words(right));
    told(format!(
        "compares {left} with {right}, and only two numbers or two texts have an order"
    ))
}

/// An error whose message the author reads, after the expression and "it".
fn told(what: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("{TOLD}{what}"))
}

const fn words(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Undefined => "a missing value",
        ValueKind::None => "none",
        ValueKind::Bool => "true or false",
        ValueKind::Number => "a number",
        ValueKind::String => "a text",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map => "an object",
        _ => "a value without a type",
    }
}

/// Whether `needle` is in a text, a list or the names of an object.
fn contains(container: &Value, needle: &Value) -> Result<bool, Error> {
    match (container.kind(), container.as_str(), needle.as_str()) {
        (ValueKind::String, Some(text), Some(part)) => Ok(text.contains(part)),
        (ValueKind::Seq | ValueKind::Iterable | ValueKind::Map, ..) => {
            Ok(container.try_iter()?.any(|element| element == *needle))
        }
        (kind, ..) => Err(told(format!("looks for {} in {}", words(needle.kind()), words(kind)))),
    }
}

fn joined(args: Rest<Value>) -> Result<String, Error> {
    let mut text = String::new();
    for value in &*args {
        print(&mut text, value)?;
    }
    Ok(text)
}

/// Writes a value into a text as `${{ }}` does.
fn print(text: &mut String, value: &Value) -> Result<(), Error> {
    let value = convert::from_minijinja(value).map_err(|why| match why {
        convert::Refused::Missing => Error::from(ErrorKind::UndefinedError),
        convert::Refused::Because(why) => told(why),
    })?;
    convert::print(text, &value);
    if text.len() > MAX_RESULT_BYTES {
        return Err(told(format!("gives more than {MAX_RESULT_BYTES} bytes")));
    }
    Ok(())
}

fn string(value: &Value) -> Result<String, Error> {
    let mut text = String::new();
    print(&mut text, value)?;
    Ok(text)
}

fn join(
    value: &Value,
    separator: Option<String>,
    attribute: Option<String>,
    arguments: Kwargs,
) -> Result<String, Error> {
    let attribute = match attribute {
        Some(attribute) => Some(attribute),
        None => arguments.get::<Option<String>>("attribute")?,
    };
    arguments.assert_all_used()?;
    let separator = separator.unwrap_or_default();
    let mut text = String::new();
    for (at, element) in value.try_iter()?.enumerate() {
        if at > 0 {
            text.push_str(&separator);
        }
        let element = match &attribute {
            Some(path) => at_path(&element, path),
            None => element,
        };
        print(&mut text, &element)?;
    }
    Ok(text)
}

fn sort(state: &State<'_, '_>, value: Value, arguments: Kwargs) -> Result<Value, Error> {
    let attribute = arguments.peek::<Option<String>>("attribute")?;
    let keys = attribute.as_deref().map(|written| written.split(',').map(str::trim));
    let keys: Vec<&str> = keys.into_iter().flatten().filter(|key| !key.is_empty()).collect();
    check_order(&value, &keys)?;
    filters::sort(state, value, arguments)
}

fn min(state: &State<'_, '_>, value: Value, arguments: Kwargs) -> Result<Value, Error> {
    let attribute = arguments.peek::<Option<String>>("attribute")?;
    check_order(&value, &attribute.iter().map(String::as_str).collect::<Vec<_>>())?;
    filters::min(state, value, arguments)
}

fn max(state: &State<'_, '_>, value: Value, arguments: Kwargs) -> Result<Value, Error> {
    let attribute = arguments.peek::<Option<String>>("attribute")?;
    check_order(&value, &attribute.iter().map(String::as_str).collect::<Vec<_>>())?;
    filters::max(state, value, arguments)
}

/// Refuses a list whose elements, or their fields `keys`, have no order among themselves.
fn check_order(list: &Value, keys: &[&str]) -> Result<(), Error> {
    if !matches!(list.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Ok(());
    }
    let elements: Vec<Value> = list.try_iter()?.collect();
    let check = |kinds: &mut dyn Iterator<Item = ValueKind>| {
        let mut first = None;
        for kind in kinds {
            same_order(*first.get_or_insert(kind), kind)?;
        }
        Ok(())
    };
    if keys.is_empty() {
        return check(&mut elements.iter().map(Value::kind));
    }
    keys.iter()
        .try_for_each(|key| check(&mut elements.iter().map(|element| at_path(element, key).kind())))
}

/// The value at the end of a dotted path in `value`, if there is one.
fn at_path(value: &Value, path: &str) -> Value {
    path.split('.')
        .try_fold(value.clone(), |value, name| match name.parse::<usize>() {
            Ok(position) => value.get_item_by_index(position),
            Err(_) => value.get_attr(name),
        })
        .unwrap_or_default()
}
