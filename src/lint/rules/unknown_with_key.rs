//! A key under `with` that the action does not know.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule, suggest};
use crate::lint::schema::Problem;

const CODE: Code = Code {
    id: "GF602",
    name: "unknown-with-key",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for (step, problem) in cx.with_problems() {
        let Problem::UnknownKey { pointer, key, known } = problem else {
            continue;
        };
        let action = step.spec.uses.as_deref().unwrap_or_default();
        let finding = Diagnostic::error(CODE, format!("`{action}` knows no `{key}`"), cx.key(pointer));
        report.push_with(|| suggest(finding, key, known.iter().map(String::as_str), "it knows"));
    }
}
