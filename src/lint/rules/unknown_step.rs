//! An expression reads from a step that the flow does not have. (`after`, `back_to` and `exclude`
//! are resolved by the plan, under the same code.)

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule, suggest};
use crate::lint::uses::Meaning;
use crate::plan::codes::UNKNOWN_STEP;

const CODE: Code = UNKNOWN_STEP;

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for (_, name) in cx.names().filter(|(_, name)| name.meaning == Meaning::NoStep) {
        let word = &name.path[1];
        let finding = Diagnostic::error(CODE, format!("the flow has no step `{word}`"), name.span);
        let ids: Vec<&str> = cx.steps.iter().map(|step| step.spec.id.as_str()).collect();
        report.push_with(|| suggest(finding, word, ids, "its steps are"));
    }
}
