//! A branch of a `choose` whose condition stands before it already.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule};

const CODE: Code = Code {
    id: "GF317",
    name: "never-chosen",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let branches = step.spec.choose.iter().flatten().map(|branch| branch.when.as_deref());
        let branches: Vec<Option<&str>> = branches.map(|when| when.map(str::trim)).collect();
        for (at, when) in branches.iter().enumerate() {
            let Some(when) = when else { continue };
            let Some(first) = branches[..at].iter().position(|other| *other == Some(*when)) else {
                continue;
            };
            let place = |at: usize| cx.value(&step.at(&format!("choose/{at}/when")));
            let message = format!(
                "step {} never takes this branch: its condition stands before it",
                step.title()
            );
            report.push(
                Diagnostic::error(CODE, message, place(at))
                    .with_related(place(first), "where it holds, this one is taken")
                    .with_help("ask for something else, or leave the branch out"),
            );
        }
    }
}
