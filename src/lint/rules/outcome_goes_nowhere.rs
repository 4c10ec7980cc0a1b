//! An outcome after which the flow does not say what happens.

use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Span, Value};
use crate::lint::paths::Paths;
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::plan::{Disposition, PlanStep, PlanVerb};
use crate::spec::RunSpec;
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
    for paths in graphs {
        for step in paths.steps {
            let untaken = untaken(cx, paths, step);
            for (outcome, disposition) in &step.outcomes {
                if *disposition != Disposition::Nowhere && !untaken.contains(&outcome.as_str()) {
                    continue;
                }
                let name = format!("{}.{outcome}", step.id);
                if named.contains(name.as_str()) || is_misnamed(cx, step) {
                    continue;
                }
                match disposition {
                    // A failure that nothing handles stops the run as an incident, which a person settles.
                    Disposition::Nowhere if is_incident(step, outcome) => {
                        if matches!(step.verb, PlanVerb::Check(_)) {
                            report.push(stopped(cx, step));
                        }
                    }
                    _ => report.push(finding(cx, step, outcome)),
                }
            }
        }
    }
}

fn is_incident(step: &PlanStep, outcome: &str) -> bool {
    match step.verb {
        PlanVerb::Uses { .. } | PlanVerb::Check(_) | PlanVerb::Each(_) => outcome == "failed",
        PlanVerb::Run(_) => outcome == RunSpec::FAILED || outcome == RunSpec::CANCELLED,
        _ => false,
    }
}

/// Outcomes that go on by themselves and lead to no step, while others of their kind are told
/// apart: who names one branch has to say of each.
fn untaken<'p>(cx: &Context<'_>, paths: &Paths<'p>, step: &'p PlanStep) -> Vec<&'p str> {
    // A step that was not understood may be the one that comes after.
    if !cx.spec.broken.is_empty() {
        return Vec::new();
    }
    let edges = paths.index.edges_out(step.index);
    let taken: Vec<Option<&str>> = edges
        .map(|(next, at)| paths.steps[next.index()].after[at].outcome.as_deref())
        .collect();
    if taken.contains(&None) || taken.is_empty() {
        return Vec::new();
    }
    let is_written = |outcome: &str| {
        let pointer = format!("{}/outcomes/{}", step.pointer, escape(outcome));
        cx.document.spans.get(&pointer).is_some()
    };
    let going_on = step
        .outcomes
        .iter()
        .filter(|(outcome, disposition)| **disposition == Disposition::GoOn && !is_written(outcome));
    let (named, open): (Vec<&str>, Vec<&str>) = going_on
        .map(|(outcome, _)| outcome.as_str())
        .partition(|outcome| taken.contains(&Some(*outcome)));
    if named.is_empty() { Vec::new() } else { open }
}

/// Whether an `after` names an outcome that the step does not have: that has a finding, and was
/// meant to be one of these.
fn is_misnamed(cx: &Context<'_>, step: &PlanStep) -> bool {
    let after = cx.steps.iter().filter_map(|other| other.spec.after.as_ref());
    let mut names = after.flat_map(|after| &after.0).filter_map(|name| name.split_once('.'));
    names.any(|(id, outcome)| id == step.id && !step.outcomes.contains_key(outcome))
}

/// A check that holds a run up instead of leading it elsewhere.
fn stopped(cx: &Context<'_>, step: &PlanStep) -> Diagnostic {
    let message = format!(
        "where a condition of step \"{}\" does not hold, the run stops there until an administrator retries or skips it",
        step.title
    );
    Diagnostic::warning(CODE, message, place(cx, step, "failed")).with_help(format!(
        "say what happens then: `outcomes: {{ failed: {{ end: refused }} }}`, or a step with `after: {}.failed`",
        step.id
    ))
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
    let goes_on = step.outcomes.get(outcome) == Some(&Disposition::GoOn);
    let line = if goes_on {
        format!("{outcome}: continue")
    } else {
        format!("{outcome}: {{ end: {outcome} }}")
    };
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
        [
            "uses", "wait", "approve", "task", "collect", "choose", "check", "each", "end",
        ]
        .into_iter()
        .find_map(key)
    };
    own.or_else(deadline)
        .or_else(verb)
        .unwrap_or_else(|| cx.value(&step.pointer))
}
