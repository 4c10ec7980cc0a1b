//! A way back that does not lead back.

use crate::base::source::escape;
use crate::base::{Code, Diagnostic};
use crate::lint::paths::Paths;
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::plan::{Disposition, PlanStep};

const CODE: Code = Code {
    id: "GF307",
    name: "back-to-not-upstream",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Graph(check),
};

fn check(cx: &Context<'_>, graphs: &[Paths<'_>], report: &mut Report) {
    // An edge from or to a step that was not understood is not there.
    let graphs = if cx.spec.broken.is_empty() { graphs } else { &[] };
    for paths in graphs {
        for step in paths.steps {
            let back = |disposition: &Disposition| matches!(disposition, Disposition::BackTo { .. });
            for (outcome, disposition) in step.outcomes.iter().filter(|(_, disposition)| back(disposition)) {
                let pointer = format!("{}/outcomes/{}", step.pointer, escape(outcome));
                follow(cx, paths, step, disposition, &pointer, report);
            }
        }
    }
}

/// Looks at the target and at what happens after the last round, which may be another way back.
fn follow(
    cx: &Context<'_>,
    paths: &Paths<'_>,
    step: &PlanStep,
    disposition: &Disposition,
    pointer: &str,
    report: &mut Report,
) {
    let Disposition::BackTo { target, then, .. } = disposition else {
        return;
    };
    if *target != step.index && !paths.index.is_upstream(*target, step.index) {
        let to = &paths.steps[target.index()];
        let message = format!(
            "\"{}\" goes back to \"{}\", which does not come before it",
            step.title, to.title
        );
        report.push(
            Diagnostic::error(CODE, message, cx.value(&format!("{pointer}/back_to")))
                .with_related(cx.value(&format!("{}/id", to.pointer)), "this step")
                .with_help(format!(
                    "go forward with `after: {}.OUTCOME` at that step, or name an earlier step",
                    step.id
                )),
        );
    }
    follow(cx, paths, step, then, &format!("{pointer}/then"), report);
}
