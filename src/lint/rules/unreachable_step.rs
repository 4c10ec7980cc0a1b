//! A step that no path leads to, or a way to a step that never opens.

use crate::base::{Code, Diagnostic};
use crate::lint::paths::Paths;
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::plan::{DeadEdge, Edge, PlanStep};
use crate::spec::JoinSpec;

const CODE: Code = Code {
    id: "GF301",
    name: "unreachable-step",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Graph(check),
};

fn check(cx: &Context<'_>, graphs: &[Paths<'_>], report: &mut Report) {
    for paths in graphs {
        for step in paths.steps {
            let dead: Vec<(&Edge, DeadEdge)> = step
                .after
                .iter()
                .filter_map(|edge| Some((edge, paths.knowledge.dead(paths.steps, edge)?)))
                .collect();
            // Where a step before it can never start, that one has the finding; an outcome that
            // does not exist has one as well.
            let explained = dead
                .iter()
                .any(|(_, why)| matches!(why, DeadEdge::NeverStarts | DeadEdge::NoSuchOutcome));
            if dead.is_empty() || explained {
                continue;
            }
            if dead.len() == step.after.len() {
                // A way back begins it all the same.
                if !paths.knowledge.can_start(step.index) {
                    report.push(finding(cx, paths, step, &dead));
                }
            } else if matches!(step.join, JoinSpec::Any | JoinSpec::Settled) {
                report.push(closed_way(cx, paths, step, dead[0].0));
            }
        }
    }
}

/// The step can run, only not this way.
fn closed_way(cx: &Context<'_>, paths: &Paths<'_>, step: &PlanStep, edge: &Edge) -> Diagnostic {
    let name = paths.name(edge);
    let message = format!("step \"{}\" comes after `{name}`, which never gets here", step.title);
    Diagnostic::warning(CODE, message, cx.value(&format!("{}/after", step.pointer))).with_help(format!(
        "take `{name}` out of `after`, or let the outcome go on instead of ending or going back"
    ))
}

fn finding(cx: &Context<'_>, paths: &Paths<'_>, step: &PlanStep, dead: &[(&Edge, DeadEdge)]) -> Diagnostic {
    let after = format!("{}/after", step.pointer);
    let written = cx.document.spans.get(&after).is_some();
    let span = if written {
        cx.value(&after)
    } else {
        cx.value(&format!("{}/id", step.pointer))
    };
    let (edge, why) = dead[0];
    let from = paths.from(edge);
    let reason = match (why, &edge.outcome) {
        (DeadEdge::LeadsAway, Some(outcome)) => {
            format!(
                "outcome `{outcome}` of step \"{}\" leads elsewhere every time",
                from.title
            )
        }
        _ => format!("step \"{}\" above it ends every path", from.title),
    };
    let help = if written {
        format!(
            "name an outcome that goes on, or take `{}` out of `outcomes` of \"{}\"",
            paths.name(edge),
            from.title
        )
    } else {
        "say what it comes after, as `after: STEP` or `after: STEP.OUTCOME`".to_owned()
    };
    Diagnostic::error(CODE, format!("step \"{}\" can never run: {reason}", step.title), span)
        .with_related(cx.value(&format!("{}/id", from.pointer)), "the step before it")
        .with_help(help)
}
