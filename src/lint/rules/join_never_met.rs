//! A join that wants more than can ever arrive.

use crate::base::{Code, Diagnostic, Span};
use crate::lint::paths::Paths;
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::plan::{DeadEdge, Edge, PlanStep};
use crate::spec::JoinSpec;

const CODE: Code = Code {
    id: "GF303",
    name: "join-never-met",
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
            let dead: Vec<Option<DeadEdge>> = step
                .after
                .iter()
                .map(|edge| paths.knowledge.dead(paths.steps, edge))
                .collect();
            let live: Vec<&Edge> = step
                .after
                .iter()
                .zip(&dead)
                .filter(|(_, dead)| dead.is_none())
                .map(|(e, _)| e)
                .collect();
            let explained = dead
                .iter()
                .flatten()
                .any(|why| matches!(why, DeadEdge::NeverStarts | DeadEdge::NoSuchOutcome));
            if explained || (live.is_empty() && !matches!(step.join, JoinSpec::Count(0))) {
                continue;
            }
            let finding = match step.join {
                JoinSpec::All if live.len() < step.after.len() => dead_edge(cx, paths, step, &dead),
                JoinSpec::All => exclusive(cx, paths, step),
                JoinSpec::Count(wanted) => too_few(cx, paths, step, wanted, &live),
                JoinSpec::Any | JoinSpec::Settled => None,
            };
            if let Some(finding) = finding {
                report.push(finding);
            }
        }
    }
}

/// Where the join is written, or else what it joins, or else the step.
fn place(cx: &Context<'_>, step: &PlanStep) -> Span {
    let written = |key: &str| {
        let pointer = format!("{}/{key}", step.pointer);
        cx.document.spans.get(&pointer).map(|_| cx.value(&pointer))
    };
    written("join")
        .or_else(|| written("after"))
        .unwrap_or_else(|| cx.value(&format!("{}/id", step.pointer)))
}

fn dead_edge(cx: &Context<'_>, paths: &Paths<'_>, step: &PlanStep, dead: &[Option<DeadEdge>]) -> Option<Diagnostic> {
    let edge = step.after.iter().zip(dead).find_map(|(edge, why)| why.map(|_| edge))?;
    let message = format!(
        "step \"{}\" waits for `{}`, which never gets here",
        step.title,
        paths.name(edge)
    );
    Some(Diagnostic::error(CODE, message, place(cx, step)).with_help(format!(
        "take `{}` out of `after`, or let the outcome go on instead of ending or going back",
        paths.name(edge)
    )))
}

fn exclusive(cx: &Context<'_>, paths: &Paths<'_>, step: &PlanStep) -> Option<Diagnostic> {
    let (a, b, shared) = paths.torn(&step.after)?;
    let message = format!(
        "step \"{}\" waits for both `{}` and `{}`, and \"{}\" can have only one outcome",
        step.title,
        paths.name(a),
        paths.name(b),
        shared.title
    );
    Some(
        Diagnostic::error(CODE, message, place(cx, step))
            .with_related(cx.value(&format!("{}/id", shared.pointer)), "has one outcome at a time")
            .with_help("add `join: any` to go on with the first that arrives"),
    )
}

fn too_few(cx: &Context<'_>, paths: &Paths<'_>, step: &PlanStep, wanted: u32, live: &[&Edge]) -> Option<Diagnostic> {
    let possible = paths.most_together(live);
    if wanted == 0 {
        let message = format!("step \"{}\" waits for none of what it comes after", step.title);
        return Some(
            Diagnostic::error(CODE, message, place(cx, step)).with_help("write `join: any` or a number from 1"),
        );
    }
    if possible >= wanted as usize {
        return None;
    }
    let message = match step.after.len() {
        all if all < wanted as usize => format!("step \"{}\" waits for {wanted} of {all}", step.title),
        _ => format!(
            "step \"{}\" waits for {wanted}, and at most {possible} can arrive in one run",
            step.title
        ),
    };
    Some(
        Diagnostic::error(CODE, message, place(cx, step))
            .with_help(format!("write `join: {}` or less", possible.max(1))),
    )
}
