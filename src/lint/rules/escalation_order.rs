//! An escalation that comes no later than one before it, or names whom one has named already.

use super::reminder_after_due::at_least;
use crate::base::{Code, Diagnostic, Period};
use crate::lint::rule::{Check, Context, Report, Rule, StepView};
use crate::spec::{DeadlineSpec, EscalateSpec, EscalationSpec};

const CODE: Code = Code {
    id: "GF408",
    name: "escalation-order",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let Some(DeadlineSpec::Due(deadline)) = &step.spec.deadline else {
            continue;
        };
        let all: Vec<_> = deadline.escalate.iter().flat_map(EscalationSpec::each).collect();
        for (at, next) in all.iter().enumerate() {
            too_early(cx, step, &all[..at], next, report);
        }
        named_again(cx, step, &all, report);
    }
}

/// An escalation, and where it stands below `escalate`.
type Placed<'a> = (String, &'a EscalateSpec);

/// The nearest one before it is named; not all can be compared, so it need not be the one right before.
fn too_early(cx: &Context<'_>, step: &StepView<'_>, before: &[Placed<'_>], next: &Placed<'_>, report: &mut Report) {
    let is_late = |first: &&Placed<'_>| match (Period::parse(&first.1.after), Period::parse(&next.1.after)) {
        (Ok(before), Ok(after)) => at_least(&before, &after),
        _ => false,
    };
    let Some(first) = before.iter().rfind(is_late) else {
        return;
    };
    let place = |placed: &Placed<'_>| cx.value(&step.at(&format!("deadline/escalate{}/after", placed.0)));
    let message = format!(
        "step {} is escalated {} after its start, which is not later than an escalation before it",
        step.title(),
        next.1.after,
    );
    report.push(
        Diagnostic::error(CODE, message, place(next))
            .with_related(place(first), "it comes no earlier")
            .with_help("put them in order; each `after` counts from the start of the step, not from the one before"),
    );
}

/// Whoever joins a decision by an escalation is asked from then on, and reminded: naming them again asks nobody.
/// What only tells may tell the same people again later.
fn named_again(cx: &Context<'_>, step: &StepView<'_>, all: &[Placed<'_>], report: &mut Report) {
    let asks = step.spec.approve.is_some() || step.spec.task.is_some();
    let mut named: Vec<(&str, String)> = Vec::new();
    for (place, escalate) in all {
        if !asks {
            named.clear();
        }
        for (index, who) in escalate.to.iter().enumerate() {
            let pointer = step.at(&format!("deadline/escalate{place}/to/{index}"));
            match named.iter().find(|(before, _)| before == who) {
                Some((_, first)) => report.push(
                    Diagnostic::warning(CODE, format!("{who} is asked already by then"), cx.value(&pointer))
                        .with_related(cx.value(first), "since here")
                        .with_help("take it out, or name somebody else"),
                ),
                None => named.push((who, pointer)),
            }
        }
    }
}
