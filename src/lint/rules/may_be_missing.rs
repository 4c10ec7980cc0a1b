//! An expression reads a value that is not there on every path.

use crate::base::{Code, Diagnostic, Severity};
use crate::lint::places::{Form, Owner};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::lint::uses::{Meaning, Missing, Name, Use};
use crate::spec::InputKind;

const CODE: Code = Code {
    id: "GF208",
    name: "may-be-missing",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for (one, name) in cx.names().filter(|(_, name)| !name.guarded) {
        let Meaning::MayBeMissing(missing) = name.meaning else {
            continue;
        };
        let finding = finding(cx, name, missing);
        report.push(match cx.places[one.place].owner {
            Owner::Outputs | Owner::Element(_) => of_output(name, finding),
            Owner::Trigger | Owner::Step(_) => finding,
        });
    }
    for one in &cx.uses {
        elements(cx, one, report);
    }
}

/// One element of a list that may have fewer: a warning, for whoever gives the list may know better.
fn elements(cx: &Context<'_>, one: &Use, report: &mut Report) {
    for element in &one.elements {
        let Some(least) = fewest(cx, &element.list) else {
            continue;
        };
        if least >= element.wanted || is_asked_about(cx, &element.list) {
            continue;
        }
        let list = element.list.join(".");
        let taken = cx
            .document
            .text
            .get(element.span.start..element.span.end)
            .unwrap_or(&list);
        let why = match least {
            0 => format!("`{list}` may be empty"),
            some => format!("`{list}` may have only {some}"),
        };
        let message = format!("`{taken}` may be missing: {why}");
        report.push(Diagnostic::warning(CODE, message, element.span).with_help(format!(
            "say what to take instead, as `{taken} or …`, or give `{list}` a `min: {}`",
            element.wanted
        )));
    }
}

/// How many elements the list has at least; nothing where it is none that somebody gives.
fn fewest(cx: &Context<'_>, list: &[String]) -> Option<usize> {
    let path: Vec<&str> = list.iter().map(String::as_str).collect();
    let spec = match path.as_slice() {
        ["inputs", name] => cx.spec.inputs.get(*name)?,
        ["settings", name] => cx.spec.settings.get(*name)?,
        ["values", name] => cx.spec.values.get(*name)?,
        _ => return None,
    };
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of elements"
    )]
    let least = spec.min.unwrap_or_default().max(0.0).ceil() as usize;
    (spec.kind == InputKind::List).then_some(least)
}

/// Whether some condition of the flow is about the list: then who gets here may know that it has elements.
fn is_asked_about(cx: &Context<'_>, list: &[String]) -> bool {
    let is_condition = |one: &&Use| matches!(cx.places[one.place].form, Form::Condition(_));
    let mut names = cx.uses.iter().filter(is_condition).flat_map(|one| &one.names);
    names.any(|name| name.path == list)
}

/// A run goes on without an output that it cannot give; nobody may have meant that.
fn of_output(name: &Name, finding: Diagnostic) -> Diagnostic {
    let path = name.path.join(".");
    Diagnostic {
        severity: Severity::Warning,
        message: finding.message.replace("to here", "to the end"),
        ..finding
    }
    .with_help(format!(
        "where it is missing the run gives no such output; say what to give instead, as `{path} or none`"
    ))
}

fn finding(cx: &Context<'_>, name: &Name, missing: Missing) -> Diagnostic {
    let path = name.path.join(".");
    let title = name.path.get(1).map(|id| cx.title_of(id)).unwrap_or_default();
    let why = match missing {
        Missing::OtherPath => format!("step {title} does not run on every path to here"),
        Missing::Skipped => format!("step {title} is skipped where its `if` does not hold"),
        Missing::OtherOutcome => format!("step {title} gives it with some of its outcomes only"),
        Missing::Never => format!("no outcome of step {title} that leads here gives it"),
        Missing::Optional => "it is not always given".to_owned(),
    };
    let finding = Diagnostic::error(CODE, format!("`{path}` may be missing: {why}"), name.span);
    match missing {
        Missing::Never => finding.with_help("read from another step, or come here after another outcome"),
        _ => finding.with_help(format!(
            "say what to take instead, as `{path} or inputs.…`, or come here only after it is there"
        )),
    }
}
