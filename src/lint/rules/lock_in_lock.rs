//! A section under a lock in which another section may wait, or a lock where elements take turns: two of them could wait
//! for each other for ever.

use crate::base::{Code, Diagnostic};
use crate::lint::paths::Paths;
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::plan::{BodyId, Certainty, PlanLock, PlanStep, PlanVerb, StepId};
use std::collections::BTreeSet;

const CODE: Code = Code {
    id: "GF316",
    name: "lock-in-lock",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Graph(check),
};

fn check(cx: &Context<'_>, graphs: &[Paths<'_>], report: &mut Report) {
    // An edge from or to a step that was not understood is not there.
    let graphs = if cx.spec.broken.is_empty() { graphs } else { &[] };
    let locked = || graphs.iter().flat_map(|paths| paths.steps).filter_map(section);
    let sections: BTreeSet<&str> = locked().map(|lock| lock.name.as_str()).collect();
    let mut found = BTreeSet::new();
    for paths in graphs {
        for step in paths.steps {
            for inner in in_turns(graphs, step) {
                if inner.lock.is_some() && found.insert(&inner.pointer) {
                    report.push(between_turns(cx, step, inner));
                }
            }
            let Some(lock) = &step.lock else { continue };
            if let Some(until) = lock.until
                && (until == step.index || paths.index.is_upstream(until, step.index))
            {
                report.push(backwards(cx, step, &paths.steps[until.index()]));
                continue;
            }
            for inner in within(graphs, paths, step, lock) {
                let is_section = |lock: &PlanLock| sections.contains(lock.name.as_str());
                if inner.lock.as_ref().is_some_and(is_section) && found.insert(&inner.pointer) {
                    report.push(nested(cx, step, inner));
                }
            }
        }
    }
}

/// The lock of a step that is more than one thing done: an `each`, or all up to another step.
fn section(step: &PlanStep) -> Option<&PlanLock> {
    let lock = step.lock.as_ref()?;
    (matches!(step.verb, PlanVerb::Each(_)) || lock.until.is_some()).then_some(lock)
}

/// The steps that must be over before the lock of `step` is free, as far as they may not be when it
/// is taken.
fn within<'p>(graphs: &'p [Paths<'p>], paths: &'p Paths<'p>, step: &'p PlanStep, lock: &PlanLock) -> Vec<&'p PlanStep> {
    let mut found = Vec::new();
    inside(graphs, step, &mut found);
    let sure = |id: StepId| paths.knowledge.before(paths.steps, step.index, id) != Certainty::Maybe;
    let up_to = |id: StepId| paths.index.upstream[id.index()].iter().chain([id]);
    // An `each` is not over before whoever may add to it.
    let added_by = |step: &PlanStep| match &step.verb {
        PlanVerb::Each(each) => each.adders.iter().copied().flat_map(up_to).collect(),
        _ => Vec::new(),
    };
    let mut awaited = added_by(step);
    awaited.extend(lock.until.into_iter().flat_map(up_to));
    let mut seen = BTreeSet::from([step.index]);
    while let Some(id) = awaited.pop() {
        let other = &paths.steps[id.index()];
        let kept = other.lock.as_ref().and_then(|lock| lock.until);
        if seen.insert(id) && !(sure(id) && kept.is_none_or(sure)) {
            found.push(other);
            inside(graphs, other, &mut found);
            awaited.extend(added_by(other));
        }
    }
    found.sort_by_key(|step| step.pointer.clone());
    found
}

/// The steps inside an `each` in order, however deep.
fn in_turns<'p>(graphs: &'p [Paths<'p>], step: &'p PlanStep) -> Vec<&'p PlanStep> {
    let mut found = Vec::new();
    if matches!(&step.verb, PlanVerb::Each(each) if each.in_order) {
        inside(graphs, step, &mut found);
    }
    found
}

/// The steps inside a step, however deep.
fn inside<'p>(graphs: &'p [Paths<'p>], step: &'p PlanStep, found: &mut Vec<&'p PlanStep>) {
    let PlanVerb::Each(each) = &step.verb else { return };
    let body: BodyId = each.body;
    for inner in graphs.get(body.index()).into_iter().flat_map(|paths| paths.steps) {
        found.push(inner);
        inside(graphs, inner, found);
    }
}

fn backwards(cx: &Context<'_>, step: &PlanStep, until: &PlanStep) -> Diagnostic {
    let message = format!(
        "\"{}\" keeps its lock until \"{}\", which does not come after it",
        step.title, until.title
    );
    let place = cx.value(&format!("{}/lock/until", step.pointer));
    Diagnostic::error(CODE, message, place)
        .with_help("name a later step, or write `lock: NAME` for a lock that is kept until this step is over")
}

fn between_turns(cx: &Context<'_>, step: &PlanStep, inner: &PlanStep) -> Diagnostic {
    let message = format!(
        "\"{}\" may wait for its lock while other elements of \"{}\" wait for it in order, so that all may wait for ever",
        inner.title, step.title
    );
    Diagnostic::error(CODE, message, cx.value(&format!("{}/lock", inner.pointer)))
        .with_related(cx.value(&format!("{}/each/in_order", step.pointer)), "in order")
        .with_help(
            "take the lock away: each step here takes one element at a time; or put it on the `each`, for all of them",
        )
}

fn nested(cx: &Context<'_>, step: &PlanStep, inner: &PlanStep) -> Diagnostic {
    let message = format!(
        "\"{}\" may wait for its lock while \"{}\" holds one until it is over, so that both may wait for ever",
        inner.title, step.title
    );
    Diagnostic::error(CODE, message, cx.value(&format!("{}/lock", inner.pointer)))
        .with_related(cx.value(&format!("{}/lock", step.pointer)), "held meanwhile")
        .with_help("inside a section, use only locks that single steps take, or none")
}
