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
        let (id, Some(own)) = (&name.path[1], cx.owner(one)) else {
            continue;
        };
        let title = cx.title_of(id);
        let (message, help) = if own.spec.id == *id {
            (
                format!("step {title} reads its own result"),
                "read from a step that comes before".to_owned(),
            )
        } else {
            (
                format!("step {title} does not come before step {}", own.title()),
                format!("order them with `after: {id}`, or read from a step that comes before"),
            )
        };
        let mut finding = Diagnostic::error(CODE, message, name.span).with_help(help);
        if let Some(step) = cx.step(id) {
            finding = finding.with_related(cx.value(&step.at("id")), "this step");
        }
        report.push(finding);
    }
}
