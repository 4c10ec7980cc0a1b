//! A step waits for people or the world without saying until when.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule, StepView};
use crate::spec::{DeadlineSpec, Verb};

const CODE: Code = Code {
    id: "GF401",
    name: "no-deadline",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let verb = match step.spec.verb() {
            Some(Verb::Approve(_)) => "approve",
            Some(Verb::Task(_)) => "task",
            Some(Verb::Collect(_)) => "collect",
            Some(Verb::Wait(wait)) if wait.until.is_none() => "wait",
            _ => continue,
        };
        match step.spec.deadline {
            None => report.push(missing(cx, step, verb)),
            Some(DeadlineSpec::None) if step.spec.because.is_none() => report.push(unexplained(cx, step)),
            Some(_) => {}
        }
    }
}

fn missing(cx: &Context<'_>, step: &StepView<'_>, verb: &str) -> Diagnostic {
    let message = format!("step {} has no deadline: it could wait for ever", step.title());
    Diagnostic::error(CODE, message, cx.key(&step.at(verb)))
        .with_help("add `deadline: { due: 5 business days }`, or `deadline: none` with a `because:`")
}

fn unexplained(cx: &Context<'_>, step: &StepView<'_>) -> Diagnostic {
    let message = format!("step {} has no deadline and does not say why", step.title());
    Diagnostic::error(CODE, message, cx.value(&step.at("deadline"))).with_help("add `because:` with the reason")
}
