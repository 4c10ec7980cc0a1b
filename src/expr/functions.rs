//! Filters, tests and methods of the language: the whole list, and the methods' code.
//!
//! Everything here is pure and cheap. What is not listed does not exist, whatever minijinja knows.

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use std::sync::LazyLock;

/// Fuel of one evaluation: about this many simple operations, or 64 times as many bytes made.
pub const MAX_FUEL: u64 = 50_000;

/// Filters, as in `name | lower`.
pub const FILTERS: [&str; 25] = [
    "abs", "bool", "d", "default", "first", "float", "int", "join", "last", "length", "list", "lower", "map", "max",
    "min", "replace", "reverse", "round", "sort", "split", "string", "sum", "trim", "unique", "upper",
];

/// Tests, as in `inputs.note is defined`.
pub const TESTS: [&str; 8] = [
    "boolean",
    "defined",
    "integer",
    "mapping",
    "none",
    "number",
    "string",
    "undefined",
];

/// Methods of texts, as in `name.endswith('.pdf')`.
pub const METHODS: [&str; 9] = [
    "endswith",
    "lower",
    "removeprefix",
    "removesuffix",
    "replace",
    "split",
    "startswith",
    "strip",
    "upper",
];

/// Every filter that minijinja brings along.
const BUILTIN_FILTERS: [&str; 46] = [
    "safe",
    "escape",
    "e",
    "lower",
    "upper",
    "title",
    "capitalize",
    "replace",
    "length",
    "count",
    "dictsort",
    "items",
    "reverse",
    "trim",
    "join",
    "split",
    "lines",
    "default",
    "d",
    "round",
    "abs",
    "int",
    "float",
    "attr",
    "first",
    "last",
    "min",
    "max",
    "sort",
    "list",
    "string",
    "bool",
    "batch",
    "slice",
    "sum",
    "indent",
    "select",
    "reject",
    "selectattr",
    "rejectattr",
    "map",
    "groupby",
    "unique",
    "chain",
    "zip",
    "pprint",
];

/// Where every expression is compiled and evaluated.
pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    // Errors would otherwise carry the values that were looked at.
    environment.set_debug(false);
    environment.set_fuel(Some(MAX_FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_unknown_method_callback(|_, value, method, args| call(value, method, args));
    for global in ["range", "dict", "debug", "namespace"] {
        environment.remove_global(global);
    }
    for filter in BUILTIN_FILTERS.iter().chain(&["format", "tojson"]) {
        if !FILTERS.contains(filter) {
            environment.remove_filter(filter);
        }
    }
    environment
});

/// How many arguments a method takes at least and at most.
pub(super) fn arity(method: &str) -> (usize, usize) {
    match method {
        "endswith" | "startswith" | "removeprefix" | "removesuffix" => (1, 1),
        "replace" => (2, 2),
        "split" => (0, 1),
        _ => (0, 0),
    }
}

fn call(value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let unknown = || Error::from(ErrorKind::UnknownMethod);
    let text = value
        .as_str()
        .filter(|_| METHODS.contains(&method))
        .ok_or_else(unknown)?;
    let (least, most) = arity(method);
    if args.len() < least {
        return Err(Error::from(ErrorKind::MissingArgument));
    }
    if args.len() > most {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    let mut words = Vec::with_capacity(args.len());
    for arg in args {
        words.push(arg.as_str().ok_or_else(|| Error::from(ErrorKind::InvalidOperation))?);
    }
    Ok(match (method, words.as_slice()) {
        ("endswith", [end]) => Value::from(text.ends_with(end)),
        ("startswith", [start]) => Value::from(text.starts_with(start)),
        ("removeprefix", [prefix]) => Value::from(text.strip_prefix(prefix).unwrap_or(text)),
        ("removesuffix", [suffix]) => Value::from(text.strip_suffix(suffix).unwrap_or(text)),
        ("lower", []) => Value::from(text.to_lowercase()),
        ("upper", []) => Value::from(text.to_uppercase()),
        ("strip", []) => Value::from(text.trim()),
        ("split", []) => text.split_whitespace().collect(),
        ("split", [separator]) if !separator.is_empty() => text.split(separator).collect(),
        ("replace", [from, to]) if grows_little(text, from, to) => Value::from(text.replace(from, to)),
        _ => return Err(Error::from(ErrorKind::InvalidOperation)),
    })
}

/// Whether a replacement stays within what an expression may make.
fn grows_little(text: &str, from: &str, to: &str) -> bool {
    let most = if from.is_empty() {
        text.len() + 1
    } else {
        text.len() / from.len()
    };
    most.saturating_mul(to.len()) <= super::eval::MAX_RESULT_BYTES
}
