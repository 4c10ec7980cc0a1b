//! An expression reads a value that is not there on every path.

use crate::base::{Code, Diagnostic, Severity};
use crate::lint::paths::Paths;
use crate::lint::places::{Form, Owner};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::lint::uses::{Meaning, Missing, Name, Use};
use crate::plan::{StepId, WayBack};
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
        report.push(match cx.places[one.place].owner {
            Owner::Outputs | Owner::Element(_) => of_output(name, finding(cx, name, missing)),
            Owner::Step(index) if missing != Missing::Optional => {
                led_past(cx, index, name).unwrap_or_else(|| finding(cx, name, missing))
            }
            Owner::Trigger | Owner::Step(_) => finding(cx, name, missing),
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

/// The finding where the value is missing because a way back leads to a branch that the run has not taken.
fn led_past(cx: &Context<'_>, index: usize, name: &Name) -> Option<Diagnostic> {
    let id = name.path.get(1)?;
    let paths = cx.paths.iter().find(|paths| named(paths, id).is_some())?;
    let other = named(paths, id)?;
    // What stands around an `each` is known in it as it is known where the `each` starts.
    let mut own = Some(index);
    while let Some(at) = own.filter(|at| named(paths, &cx.steps[*at].spec.id).is_none()) {
        own = cx.steps[at].each;
    }
    let step = named(paths, &cx.steps[own?].spec.id)?;
    let back: WayBack = paths.knowledge.led_past(paths.index, step, other)?;
    let (from, to) = (&paths.steps[back.from.index()], &paths.steps[back.to.index()]);
    let (path, way) = (
        name.path.join("."),
        format!("{}.{}", from.id, back.outcome(paths.steps)),
    );
    let message = format!(
        "`{path}` may be missing: `{way}` leads back to step \"{}\", and step {} need not have run then",
        to.title,
        cx.title_of(id)
    );
    let instead = if paths.index.is_upstream(other, back.from) {
        format!("lead `{way}` back to `{id}` or to what comes before it")
    } else {
        "read from a step that comes before both".to_owned()
    };
    Some(
        Diagnostic::error(CODE, message, name.span)
            .with_related(cx.value(&format!("{}/id", from.pointer)), "it leads back from here")
            .with_help(format!(
                "say what to take instead, as `{path} or inputs.…`, or {instead}"
            )),
    )
}

/// The step of the list that is called so.
fn named(paths: &Paths<'_>, id: &str) -> Option<StepId> {
    paths.steps.iter().find(|step| step.id == id).map(|step| step.index)
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
