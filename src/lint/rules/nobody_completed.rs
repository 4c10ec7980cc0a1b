//! `exclude` or `prefer` names a step that no person has completed by then.

use crate::base::{Code, Diagnostic, Value};
use crate::lint::paths::Paths;
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::plan::{Exclusion, PlanStep, PlanVerb, StepId};

const CODE: Code = Code {
    id: "GF504",
    name: "nobody-completed",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Graph(check),
};

fn check(cx: &Context<'_>, graphs: &[Paths<'_>], report: &mut Report) {
    let graphs = if cx.spec.broken.is_empty() { graphs } else { &[] };
    for paths in graphs {
        for step in paths.steps {
            let PlanVerb::Ask(ask) = &step.verb else { continue };
            let verb = if ask.rule.is_some() { "approve" } else { "task" };
            for exclusion in &ask.exclude {
                if let Exclusion::Step(other) = exclusion {
                    let list = format!("{}/{verb}/exclude", step.pointer);
                    let id = &paths.steps[other.index()].id;
                    let written = cx.document.value.pointer(&list).and_then(Value::as_array);
                    let at = written
                        .and_then(|list| list.iter().position(|one| one == id))
                        .unwrap_or(0);
                    one(cx, paths, step, *other, &format!("{list}/{at}"), report);
                }
            }
            if let Some(other) = ask.prefer {
                one(
                    cx,
                    paths,
                    step,
                    other,
                    &format!("{}/{verb}/prefer", step.pointer),
                    report,
                );
            }
        }
    }
}

fn one(cx: &Context<'_>, paths: &Paths<'_>, step: &PlanStep, other: StepId, pointer: &str, report: &mut Report) {
    let to = &paths.steps[other.index()];
    let (message, help) = if !paths.index.is_upstream(other, step.index) {
        (
            format!("\"{}\" does not come before \"{}\"", to.title, step.title),
            "name a step that comes before",
        )
    } else if !matches!(to.verb, PlanVerb::Ask(_) | PlanVerb::Wait(_)) {
        (
            format!("no person completes \"{}\"", to.title),
            "name an `approve`, a `task` or a `wait`",
        )
    } else {
        return;
    };
    let finding = Diagnostic::error(CODE, message, cx.value(pointer));
    report.push(
        finding
            .with_related(cx.value(&format!("{}/id", to.pointer)), "this step")
            .with_help(help),
    );
}
