//! An expression reads from a step that does not come before.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::lint::uses::Meaning;

const CODE: Code = Code {
    id: "GF207",
    name: "not-upstream",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for (one, name) in cx.names().filter(|(_, name)| name.meaning == Meaning::NotUpstream) {
        let title = cx.title_of(&name.path[1]);
        let message = match cx.owner(one) {
            Some(own) if own.spec.id == name.path[1] => format!("step {title} reads its own result"),
            Some(own) => format!("step {title} does not come before step {}", own.title()),
            None => format!("step {title} has not run when a trigger is evaluated"),
        };
        let mut finding = Diagnostic::error(CODE, message, name.span);
        if let Some(step) = cx.step(&name.path[1]) {
            finding = finding.with_related(cx.value(&step.at("id")), "this step");
        }
        report.push(match cx.owner(one) {
            Some(own) if own.spec.id == name.path[1] => finding.with_help("read from a step that comes before"),
            Some(_) => finding.with_help(format!(
                "order them with `after: {}`, or read from a step that comes before",
                name.path[1]
            )),
            None => finding.with_help("a trigger knows only `event`"),
        });
    }
}
