//! `keep` on a step that acquires nothing.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::spec::Verb;

const CODE: Code = Code {
    id: "GF311",
    name: "nothing-to-keep",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in cx.steps.iter().filter(|step| step.spec.keep.is_some()) {
        let acquires = match step.spec.verb() {
            // An action that is not known has a finding of its own.
            Some(Verb::Uses(name, _)) => cx.catalog.action(name).is_none_or(|action| action.acquires.is_some()),
            None => true,
            Some(_) => false,
        };
        if !acquires {
            let message = format!("step {} acquires nothing that could be kept", step.title());
            report.push(
                Diagnostic::warning(CODE, message, cx.key(&step.at("keep")))
                    .with_help("put `keep` at the step that makes the share, the grant or the workspace"),
            );
        }
    }
}
