//! An input, or a field of a form, whose limits or default contradict its type or each other.

use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Semantics, Value};
use crate::lint::rule::{Check, Context, Report, Rule, list_words, suggest};
use crate::spec::values::{bytes, check_value, wanted};
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
            let message = format!("`{key}` means nothing for {what}, which is {}", wanted(input.kind));
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
        && bytes(size).is_none()
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
    let Some(why) = misfit(input, value) else {
        return;
    };
    let message = format!("the default of {what} {why}");
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

/// What is wrong with a value that stands in the flow, by the verdict that a start comes to. A text
/// from a command line may stand for a number; one in a flow may not.
pub(super) fn misfit(input: &InputSpec, value: &Value) -> Option<String> {
    let chooses = input.kind == InputKind::Choice || input.of == Some(InputKind::Choice);
    if chooses && input.options.is_empty() {
        // That is a finding of its own.
        return None;
    }
    match check_value(input, value, Semantics::CURRENT) {
        Ok(checked) if checked == *value => None,
        Ok(_) => Some(format!("must be {}", wanted(input.kind))),
        Err(why) => Some(why),
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
