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
    for (index, guarantee) in cx.spec.guarantees.iter().enumerate() {
        guaranteed(cx, guarantee, &format!("/guarantees/{index}"), report);
    }
}

/// The steps that a guarantee names, as `sign_off.approved`, behind its first word.
fn guaranteed(cx: &Context<'_>, text: &str, pointer: &str, report: &mut Report) {
    for word in text.split_whitespace().skip(1) {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
        let Some((id, outcome)) = word.split_once('.') else {
            continue;
        };
        // An action is named in the same way.
        let is_action = cx.catalog.action(word).is_some();
        if is_action || outcome.is_empty() || cx.step(id).is_some() || cx.spec.broken.iter().any(|step| step == id) {
            continue;
        }
        let message = format!("the flow has no step `{id}`, which this guarantee is about");
        let ids: Vec<&str> = cx.steps.iter().map(|step| step.spec.id.as_str()).collect();
        let mut finding = suggest(
            Diagnostic::warning(CODE, message, cx.value(pointer)),
            id,
            ids,
            "its steps are",
        );
        finding.fix = None;
        report.push(finding);
    }
}
