//! A `cancel`, a `complete` or an `add` that can do nothing.

use crate::base::{Code, Diagnostic};
use crate::lint::paths::Paths;
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::plan::{Certainty, PlanEach, PlanStep, PlanVerb, StepId};

const CODE: Code = Code {
    id: "GF315",
    name: "bad-cancel",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Graph(check),
};

fn check(cx: &Context<'_>, graphs: &[Paths<'_>], report: &mut Report) {
    // An edge from or to a step that was not understood is not there.
    let graphs = if cx.spec.broken.is_empty() { graphs } else { &[] };
    for (at, paths) in graphs.iter().enumerate() {
        let around = in_order(graphs, at);
        for step in paths.steps {
            let (word, named) = match &step.verb {
                PlanVerb::Cancel(named) => ("cancel", named.as_slice()),
                PlanVerb::Complete(named) => ("complete", named.as_slice()),
                PlanVerb::Add { to, .. } => ("add", std::slice::from_ref(to)),
                _ => continue,
            };
            for id in named {
                let fault = fault(paths, step, *id);
                if let Some((message, help)) = fault.or_else(|| out_of_turn(paths, step, *id, around?)) {
                    let place = cx.value(&pointer(cx, step, word, &paths.steps[id.index()].id));
                    report.push(Diagnostic::error(CODE, message, place).with_help(help));
                }
            }
        }
    }
}

/// The `each` that takes several elements in order by the list of steps at this place, if there is one.
fn in_order<'p>(graphs: &'p [Paths<'p>], at: usize) -> Option<&'p PlanStep> {
    let has = |each: &PlanEach| each.in_order && each.parallel > 1 && each.body.index() == at;
    let mut steps = graphs.iter().flat_map(|paths| paths.steps);
    steps.find(|step| matches!(&step.verb, PlanVerb::Each(each) if has(each)))
}

/// Why a step that adds has its turn too early: it is through with the element before, and the `each` is not.
fn out_of_turn(paths: &Paths<'_>, step: &PlanStep, id: StepId, around: &PlanStep) -> Option<(String, String)> {
    let other = &paths.steps[id.index()];
    if !matches!(step.verb, PlanVerb::Add { .. }) {
        return None;
    }
    let message = format!(
        "step \"{}\" would add to step \"{}\" while that waits for its turn, for \"{}\" takes its elements in order",
        step.title, other.title, around.title
    );
    let help = format!(
        "leave `in_order` of `{}` out, or take one element at once: `parallel: 1`",
        around.id
    );
    Some((message, help))
}

/// Where the id stands in the text.
fn pointer(cx: &Context<'_>, step: &PlanStep, word: &str, id: &str) -> String {
    if word == "add" {
        return format!("{}/add/to", step.pointer);
    }
    let spec = cx.step(&step.id).map(|view| view.spec);
    let written = spec.and_then(|spec| spec.cancel.as_ref().or(spec.complete.as_ref()));
    let at = written.and_then(|ids| ids.iter().position(|one| one == id));
    format!("{}/{word}/{}", step.pointer, at.unwrap_or(0))
}

/// Why nothing can come of it, and what to do.
fn fault(paths: &Paths<'_>, step: &PlanStep, id: StepId) -> Option<(String, String)> {
    let other = &paths.steps[id.index()];
    let is_each = matches!(other.verb, PlanVerb::Each(_));
    if id == step.index {
        let message = format!("step \"{}\" names itself", step.title);
        return Some((message, "name the steps that are meant".to_owned()));
    }
    if matches!(step.verb, PlanVerb::Add { .. }) && !is_each {
        let message = format!("step \"{}\" is no `each`, and only an `each` has elements", other.title);
        return Some((message, "name an `each`".to_owned()));
    }
    if matches!(step.verb, PlanVerb::Complete(_)) && !is_each {
        let message = format!(
            "step \"{}\" is no `each`, and only an `each` can be completed",
            other.title
        );
        return Some((message, format!("write `cancel: [{}]` to withdraw it", other.id)));
    }
    if paths.knowledge.before(paths.steps, id, step.index) != Certainty::Maybe {
        let message = format!(
            "step \"{}\" begins only after step \"{}\", which would have it never begin",
            other.title, step.title
        );
        let message = match step.verb {
            PlanVerb::Cancel(_) => message,
            _ => format!(
                "step \"{}\" has not begun whenever step \"{}\" does",
                other.title, step.title
            ),
        };
        let help = format!(
            "let `{}` begin without waiting for `{}`, or name another step",
            other.id, step.id
        );
        return Some((message, help));
    }
    if paths.knowledge.before(paths.steps, step.index, id) != Certainty::Maybe {
        let message = format!(
            "step \"{}\" is over whenever step \"{}\" begins",
            other.title, step.title
        );
        let help = format!(
            "let `{}` come after something else, or leave `{}` out",
            step.id, other.id
        );
        return Some((message, help));
    }
    None
}
