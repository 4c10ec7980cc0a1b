//! A checklist that is complete before anybody has seen it.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule};

const CODE: Code = Code {
    id: "GF313",
    name: "complete-at-once",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let Some(collect) = &step.spec.collect else { continue };
        if collect.items.is_empty() || !collect.items.values().all(|item| item.optional) {
            continue;
        }
        let message = format!(
            "step {} is complete as soon as it begins: every item is optional",
            step.title()
        );
        let finding = Diagnostic::warning(CODE, message, cx.key(&step.at("collect/items")));
        report.push(
            finding.with_help("leave `optional` out and write `or_because: true`: then whoever is asked says why not"),
        );
    }
}
