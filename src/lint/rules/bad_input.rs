//! An input, or a field of a form, whose limits or default contradict its type or each other.

use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Period, Value};
use crate::lint::rule::{Check, Context, Report, Rule, list_words, suggest};
use crate::spec::{InputKind, InputSpec};

const CODE: Code = Code {
    id: "GF108",
    name: "bad-input",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for (name, input) in &cx.spec.inputs {
        one(
            cx,
            &format!("input `{name}`"),
            input,
            &format!("/inputs/{}", escape(name)),
            report,
        );
    }
    for (name, setting) in &cx.spec.settings {
        let pointer = format!("/settings/{}", escape(name));
        one(cx, &format!("setting `{name}`"), setting, &pointer, report);
        if setting.kind == InputKind::File || setting.of == Some(InputKind::File) {
            let message = format!("setting `{name}` cannot be a file");
            report.push(
                Diagnostic::error(CODE, message, cx.key(&pointer))
                    .with_help("name the folder that the file lies in: `type: text`"),
            );
        }
    }
    for (name, value) in &cx.spec.values {
        let pointer = format!("/values/{}", escape(name));
        one(cx, &format!("value `{name}`"), value, &pointer, report);
    }
    for step in &cx.steps {
        for (path, form) in [
            ("approve/form", step.spec.approve.as_ref().map(|approve| &approve.form)),
            ("task/form", step.spec.task.as_ref().map(|task| &task.form)),
        ] {
            for (name, field) in form.into_iter().flatten() {
                let pointer = step.at(&format!("{path}/{}", escape(name)));
                one(cx, &format!("field `{name}`"), &field.input(), &pointer, report);
            }
        }
    }
}

/// Checks `what` people call the input or field at `pointer`.
fn one(cx: &Context<'_>, what: &str, input: &InputSpec, pointer: &str, report: &mut Report) {
    let before = report.total();
    limits(cx, what, input, pointer, report);
    // A default is measured by its limits only where these make sense.
    if report.total() == before {
        default(cx, what, input, pointer, report);
    }
}

fn limits(cx: &Context<'_>, what: &str, input: &InputSpec, pointer: &str, report: &mut Report) {
    let at = |key: &str| cx.value(&format!("{pointer}/{key}"));
    let chooses = input.kind == InputKind::Choice || input.of == Some(InputKind::Choice);
    if chooses && input.options.is_empty() {
        let message = format!("{what} is a choice without `options`");
        report.push(
            Diagnostic::error(CODE, message, cx.value(&format!("{pointer}/type")))
                .with_help("add `options: [first, second]`"),
        );
    }
    if let (Some(min), Some(max)) = (input.min, input.max)
        && min > max
    {
        let message = format!("{what} must be at least {min} and at most {max}");
        report.push(
            Diagnostic::error(CODE, message, at("min"))
                .with_related(at("max"), "smaller than `min`")
                .with_help("swap the two"),
        );
    }
    for (key, is_set, kinds) in out_of_place(input) {
        let is_of_elements = key == "options" && input.of == Some(InputKind::Choice);
        if is_set && !kinds.contains(&input.kind) && !is_of_elements {
            let message = format!("`{key}` means nothing for {what}, which is {}", kind_name(input.kind));
            let help = format!(
                "`{key}` belongs to {}",
                list_words(kinds.iter().map(|kind| word(*kind)))
            );
            report.push(Diagnostic::error(CODE, message, cx.key(&format!("{pointer}/{key}"))).with_help(help));
        }
    }
    if let Some(pattern) = &input.pattern
        && input.kind == InputKind::Text
        && jsonschema::validator_for(&serde_json::json!({ "pattern": pattern })).is_err()
    {
        let message = format!("`pattern` of {what} is no regular expression");
        report.push(Diagnostic::error(CODE, message, at("pattern")).with_help("look for a bracket that is not closed"));
    }
    for (index, ending) in input
        .accept
        .iter()
        .enumerate()
        .filter(|(_, ending)| ending.contains('/'))
    {
        let message = format!("no file of {what} can end with `.{ending}`: `accept` holds endings of names");
        let last = ending.rsplit('/').next().unwrap_or_default();
        let help = match last {
            "*" | "" => "write endings, as `accept: [pdf, docx]`".to_owned(),
            "plain" => "write the ending: `txt`".to_owned(),
            last => format!("write the ending, as `{last}`; for the media type add a `check` of `media_type`"),
        };
        report.push(Diagnostic::error(CODE, message, at(&format!("accept/{index}"))).with_help(help));
    }
    if let Some(size) = &input.max_size
        && !is_size(size)
    {
        let message = format!("`{size}` is no size of a file");
        report.push(Diagnostic::error(CODE, message, at("max_size")).with_help("write it as `10 MB`"));
    }
}

type Limit = (&'static str, bool, &'static [InputKind]);

/// The limits of an input, and the types that each belongs to.
fn out_of_place(input: &InputSpec) -> [Limit; 7] {
    use InputKind::{Choice, File, Integer, List, Number, Text};
    [
        ("min", input.min.is_some(), &[Text, Number, Integer, List]),
        ("max", input.max.is_some(), &[Text, Number, Integer, List]),
        ("pattern", input.pattern.is_some(), &[Text]),
        ("options", !input.options.is_empty(), &[Choice]),
        ("of", input.of.is_some(), &[List]),
        ("accept", !input.accept.is_empty(), &[File]),
        ("max_size", input.max_size.is_some(), &[File]),
    ]
}

fn default(cx: &Context<'_>, what: &str, input: &InputSpec, pointer: &str, report: &mut Report) {
    let Some(value) = &input.default else { return };
    let span = cx.value(&format!("{pointer}/default"));
    let Some(expected) = misfit(input, input.kind, value) else {
        return;
    };
    let message = format!("the default of {what} must be {expected}");
    let finding = Diagnostic::error(CODE, message, span);
    report.push(match (input.kind, value.as_str()) {
        (InputKind::Choice, Some(word)) => suggest(
            finding,
            word,
            input.options.iter().map(String::as_str),
            "its options are",
        ),
        (InputKind::Boolean, Some("yes" | "on")) => finding.with_help("write `true`"),
        (InputKind::Boolean, Some("no" | "off")) => finding.with_help("write `false`"),
        _ => finding,
    });
}

/// What the value should be, where it is not.
pub(super) fn misfit(input: &InputSpec, kind: InputKind, value: &Value) -> Option<String> {
    let fits = match kind {
        InputKind::Text => value.is_string(),
        InputKind::Number => value.is_number(),
        InputKind::Integer => value.is_i64() || value.is_u64(),
        InputKind::Boolean => value.is_boolean(),
        InputKind::Date => value
            .as_str()
            .is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok()),
        InputKind::Duration => value.as_str().is_some_and(|text| Period::parse(text).is_ok()),
        InputKind::Email => value
            .as_str()
            .is_some_and(|text| text.contains('@') && !text.contains(' ')),
        InputKind::Person => value
            .as_str()
            .is_some_and(|text| text.starts_with("user:") || text.starts_with("email:")),
        InputKind::Choice => value
            .as_str()
            // A choice without options has a finding of its own.
            .is_some_and(|text| input.options.is_empty() || input.options.iter().any(|option| option == text)),
        InputKind::File | InputKind::Object => value.is_object(),
        InputKind::List => {
            let of = |item: &Value| input.of.is_none_or(|kind| misfit(input, kind, item).is_none());
            value.as_array().is_some_and(|items| items.iter().all(of))
        }
    };
    if !fits {
        return Some(match (kind, input.of) {
            (InputKind::List, Some(of)) => format!("a list, each of its values {}", kind_name(of)),
            _ => kind_name(kind).to_owned(),
        });
    }
    if kind != input.kind {
        return None;
    }
    out_of_bounds(input, value).or_else(|| unmatched(input, value))
}

/// The pattern, where the whole text does not match it.
fn unmatched(input: &InputSpec, value: &Value) -> Option<String> {
    let pattern = input.pattern.as_ref().filter(|_| input.kind == InputKind::Text)?;
    let schema = serde_json::json!({ "pattern": format!("^(?:{pattern})$") });
    let matches = jsonschema::validator_for(&schema).is_ok_and(|validator| validator.is_valid(value));
    (!matches).then(|| format!("a text that matches `{pattern}` as a whole"))
}

#[allow(clippy::cast_precision_loss, reason = "no text or list is that long")]
fn out_of_bounds(input: &InputSpec, value: &Value) -> Option<String> {
    let (measure, what) = match value {
        Value::Number(number) => (number.as_f64()?, ""),
        Value::String(text) if input.kind == InputKind::Text => (text.chars().count() as f64, " characters long"),
        Value::Array(items) => (items.len() as f64, " values long"),
        _ => return None,
    };
    if let Some(min) = input.min.filter(|min| measure < *min) {
        return Some(format!("at least {min}{what}"));
    }
    input
        .max
        .filter(|max| measure > *max)
        .map(|max| format!("at most {max}{what}"))
}

fn is_size(text: &str) -> bool {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end();
    let unit = text[number.len()..].trim_start();
    number.parse::<f64>().is_ok_and(|size| size > 0.0)
        && ["B", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB"].contains(&unit)
}

pub(super) const fn kind_name(kind: InputKind) -> &'static str {
    match kind {
        InputKind::Text => "text",
        InputKind::Number => "a number",
        InputKind::Integer => "a whole number",
        InputKind::Boolean => "`true` or `false`",
        InputKind::Date => "a day, as `2026-11-23`",
        InputKind::Duration => "a length of time, as `10 business days`",
        InputKind::Email => "a mail address",
        InputKind::Person => "a person, as `user:anna`",
        InputKind::Choice => "one of its options",
        InputKind::File => "a file",
        InputKind::List => "a list",
        InputKind::Object => "a map",
    }
}

const fn word(kind: InputKind) -> &'static str {
    match kind {
        InputKind::Text => "text",
        InputKind::Number => "number",
        InputKind::Integer => "integer",
        InputKind::Boolean => "boolean",
        InputKind::Date => "date",
        InputKind::Duration => "duration",
        InputKind::Email => "email",
        InputKind::Person => "person",
        InputKind::Choice => "choice",
        InputKind::File => "file",
        InputKind::List => "list",
        InputKind::Object => "object",
    }
}
