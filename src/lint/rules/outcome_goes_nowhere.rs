//! An outcome after which the flow does not say what happens.

use crate::base::{Code, Diagnostic, Span, Value};
use crate::lint::paths::Paths;
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::plan::{Disposition, PlanStep, PlanVerb};
use std::collections::HashSet;

const CODE: Code = Code {
    id: "GF304",
    name: "outcome-goes-nowhere",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Graph(check),
};

fn check(cx: &Context<'_>, graphs: &[Paths<'_>], report: &mut Report) {
    let named = named_by_broken(cx);
    for step in graphs.iter().flat_map(|paths| paths.steps) {
        for (outcome, disposition) in &step.outcomes {
            // A failure that nothing handles stops the run as an incident, which a person settles.
            let handled = *disposition != Disposition::Nowhere || is_incident(step, outcome);
            if !handled && !named.contains(format!("{}.{outcome}", step.id).as_str()) {
                report.push(finding(cx, step, outcome));
            }
        }
    }
}

fn is_incident(step: &PlanStep, outcome: &str) -> bool {
    matches!(
        step.verb,
        PlanVerb::Uses { .. } | PlanVerb::Check(_) | PlanVerb::Each(_)
    ) && outcome == "failed"
}

/// What steps come after, as written, where some of them were not understood.
fn named_by_broken<'a>(cx: &'a Context<'_>) -> HashSet<&'a str> {
    let mut named = HashSet::new();
    if !cx.spec.broken.is_empty() {
        let lists = ["steps", "always"].into_iter();
        lists.for_each(|key| written_after(cx.document.value.get(key), &mut named));
    }
    named
}

/// What the steps of a list come after, and those inside them.
fn written_after<'a>(list: Option<&'a Value>, named: &mut HashSet<&'a str>) {
    for step in list.and_then(Value::as_array).into_iter().flatten() {
        let after = step.get("after").into_iter();
        let after = after.flat_map(|after| after.as_array().map_or(std::slice::from_ref(after), Vec::as_slice));
        named.extend(after.filter_map(Value::as_str));
        written_after(step.get("each").and_then(|each| each.get("steps")), named);
    }
}

fn finding(cx: &Context<'_>, step: &PlanStep, outcome: &str) -> Diagnostic {
    let message = format!("outcome `{outcome}` of step \"{}\" goes nowhere", step.title);
    let written = cx.document.spans.get(&format!("{}/outcomes", step.pointer)).is_some();
    let line = format!("{outcome}: {{ end: {outcome} }}");
    let help = if written {
        format!(
            "say what happens then: add `{line}` to its `outcomes`, or a step with `after: {}.{outcome}`",
            step.id
        )
    } else {
        format!(
            "say what happens then: add `outcomes: {{ {line} }}`, or a step with `after: {}.{outcome}`",
            step.id
        )
    };
    Diagnostic::error(CODE, message, place(cx, step, outcome)).with_help(help)
}

/// Where the outcome comes from: its alternative, its branch, the deadline, or else the verb.
fn place(cx: &Context<'_>, step: &PlanStep, outcome: &str) -> Span {
    let key = |path: &str| {
        let pointer = format!("{}/{path}", step.pointer);
        cx.document.spans.get(&pointer).map(|_| cx.key(&pointer))
    };
    let own = match &step.verb {
        PlanVerb::Wait(_) => key(&format!("wait/any/{outcome}")),
        PlanVerb::Choose(branches) => branches
            .iter()
            .position(|(_, name)| name == outcome)
            .and_then(|position| {
                key(&format!("choose/{position}/outcome")).or_else(|| key(&format!("choose/{position}/otherwise")))
            }),
        _ => None,
    };
    let deadline = || if outcome == "expired" { key("deadline") } else { None };
    let verb = || {
        ["uses", "wait", "approve", "choose", "check", "each", "end"]
            .into_iter()
            .find_map(key)
    };
    own.or_else(deadline)
        .or_else(verb)
        .unwrap_or_else(|| cx.value(&step.pointer))
}
