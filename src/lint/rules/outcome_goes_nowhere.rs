//! An outcome after which the flow does not say what happens.

use crate::base::{Code, Diagnostic, Span, Value};
use crate::lint::paths::Paths;
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::plan::{Disposition, PlanStep, PlanVerb};

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
    for step in graphs.iter().flat_map(|paths| paths.steps) {
        for (outcome, disposition) in &step.outcomes {
            // A failure that nothing handles stops the run as an incident, which a person settles.
            let handled = *disposition != Disposition::Nowhere || is_incident(step, outcome);
            if !handled && !named_by_broken(cx, &step.id, outcome) {
                report.push(finding(cx, step, outcome));
            }
        }
    }
}

fn is_incident(step: &PlanStep, outcome: &str) -> bool {
    matches!(step.verb, PlanVerb::Uses { .. } | PlanVerb::Check(_)) && outcome == "failed"
}

/// Whether a step that was not understood names the outcome in its `after`.
fn named_by_broken(cx: &Context<'_>, step: &str, outcome: &str) -> bool {
    let name = format!("{step}.{outcome}");
    let names_it = |after: &Value| match after {
        Value::String(text) => *text == name,
        Value::Array(list) => list.iter().any(|text| text.as_str() == Some(name.as_str())),
        _ => false,
    };
    let written = ["steps", "always"]
        .into_iter()
        .filter_map(|key| cx.document.value.get(key)?.as_array());
    !cx.spec.broken.is_empty() && written.flatten().filter_map(|step| step.get("after")).any(names_it)
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
        ["uses", "wait", "approve", "choose", "check", "end"]
            .into_iter()
            .find_map(key)
    };
    own.or_else(deadline)
        .or_else(verb)
        .unwrap_or_else(|| cx.value(&step.pointer))
}
