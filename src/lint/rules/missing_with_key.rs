//! A key under `with` that the action cannot do without.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::lint::schema::Problem;

const CODE: Code = Code {
    id: "GF603",
    name: "missing-with-key",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for (step, problem) in cx.with_problems() {
        let Problem::MissingKey {
            pointer,
            key,
            description,
        } = problem
        else {
            continue;
        };
        let action = step.spec.uses.as_deref().unwrap_or_default();
        let with = step.at("with");
        let span = match cx.document.spans.get(&with) {
            None => cx.value(&step.at("uses")),
            Some(_) => cx.key(pointer),
        };
        let place = pointer.strip_prefix(&with).unwrap_or_default();
        let message = match place {
            "" => format!("`{action}` needs `{key}` under `with`"),
            inner => format!("`{action}` needs `{key}` in `with{}`", inner.replace('/', ".")),
        };
        let what = description
            .as_deref()
            .and_then(|text| text.lines().next())
            .unwrap_or_default();
        let help = format!("add `{key}: …`: {what}");
        report.push(Diagnostic::error(CODE, message, span).with_help(help.trim_end_matches([':', ' '])));
    }
}
