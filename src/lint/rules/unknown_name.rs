//! An expression uses a name that means nothing there.

use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Value};
use crate::expr::check::ExprFindingKind;
use crate::lint::rule::{Check, Context, Report, Rule, StepView, suggest};
use crate::lint::uses::{Meaning, Use, Wrong};

const CODE: Code = Code {
    id: "GF210",
    name: "unknown-name",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for one in &cx.uses {
        for wrong in &one.wrong {
            match wrong.kind {
                ExprFindingKind::UnknownRoot => report.push(root(cx, one, wrong)),
                ExprFindingKind::UnknownField => {
                    let finding = Diagnostic::error(CODE, wrong.message.clone(), wrong.span);
                    report.push(match &wrong.nearest {
                        Some(near) => finding.with_help(format!("did you mean `{near}`?")),
                        None => finding,
                    });
                }
                ExprFindingKind::UnknownFunction | ExprFindingKind::Mismatch => {}
            }
        }
    }
    set(cx, report);
    settings(cx, report);
    for (_, name) in cx.names().filter(|(_, name)| name.path[0] != "steps") {
        let Meaning::NoField(position, candidates) = &name.meaning else {
            continue;
        };
        let word = &name.path[*position];
        let message = format!("`{}` has no `{word}`", name.path[..*position].join("."));
        let finding = Diagnostic::error(CODE, message, name.span);
        report.push_with(|| suggest(finding, word, candidates.iter().map(String::as_str), "it has"));
    }
}

/// What a step gives is a value that the flow has.
fn set(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let unknown = step.spec.set.iter().flatten().map(|(name, _)| name);
        for name in unknown.filter(|name| !cx.spec.values.contains_key(*name)) {
            let span = cx.key(&step.at(&format!("set/{}", escape(name))));
            let finding = Diagnostic::error(CODE, format!("the flow has no value `{name}`"), span);
            report.push(if cx.spec.values.is_empty() {
                finding.with_help(format!("add it at the top: `values: {{ {name}: {{ type: text }} }}`"))
            } else {
                suggest(
                    finding,
                    name,
                    cx.spec.values.keys().map(String::as_str),
                    "its values are",
                )
            });
        }
    }
}

/// What a step gives the runs to come is a setting that the flow has.
fn settings(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let unknown = given_settings(step).filter(|(name, _)| !cx.spec.settings.contains_key(*name));
        for (name, _) in unknown {
            let span = cx.key(&step.at(&format!("with/settings/{}", escape(name))));
            let finding = Diagnostic::error(CODE, format!("the flow has no setting `{name}`"), span);
            let known = cx.spec.settings.keys().map(String::as_str);
            report.push(suggest(finding, name, known, "its settings are"));
        }
    }
}

/// The settings that a step gives, as written.
pub(super) fn given_settings<'a>(step: &'a StepView<'_>) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let is_it = step.spec.uses.as_deref() == Some("workflow.set_settings");
    let with = step.spec.with.as_ref().filter(|_| is_it);
    let given = with.and_then(|with| with.get("settings")?.as_object());
    given.into_iter().flatten()
}

fn root(cx: &Context<'_>, one: &Use, wrong: &Wrong) -> Diagnostic {
    let word = cx
        .document
        .text
        .get(wrong.span.start..wrong.span.end)
        .unwrap_or_default();
    match word {
        "event" => Diagnostic::error(CODE, "there is no `event` here", wrong.span)
            .with_help("`event` is known in `where` and in a trigger's `inputs`; a step's event is `steps.ID`"),
        "item" | "index" => Diagnostic::error(CODE, format!("there is no `{word}` here"), wrong.span)
            .with_help(format!("`{word}` is known inside `each`")),
        _ => bare(cx, one, wrong, word),
    }
}

/// A name without its root is the commonest slip: `document` for `inputs.document`.
fn bare(cx: &Context<'_>, one: &Use, wrong: &Wrong, word: &str) -> Diagnostic {
    let finding = Diagnostic::error(CODE, wrong.message.clone(), wrong.span);
    if cx.spec.inputs.contains_key(word) {
        let meant = format!("inputs.{word}");
        return finding
            .with_help(format!("did you mean `{meant}`?"))
            .with_fix(wrong.span, meant);
    }
    if cx.spec.settings.contains_key(word) {
        let meant = format!("settings.{word}");
        return finding
            .with_help(format!("did you mean `{meant}`?"))
            .with_fix(wrong.span, meant);
    }
    if cx.spec.values.contains_key(word) {
        let meant = format!("values.{word}");
        return finding
            .with_help(format!("did you mean `{meant}`?"))
            .with_fix(wrong.span, meant);
    }
    if cx.step(word).is_some() {
        let meant = format!("steps.{word}");
        return finding
            .with_help(format!("did you mean `{meant}`?"))
            .with_fix(wrong.span, meant);
    }
    let roots = cx.places[one.place].roots();
    suggest(finding, word, roots, "the names to begin with are")
}
