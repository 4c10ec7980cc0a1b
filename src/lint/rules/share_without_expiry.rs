//! A share without a time at which it ends.

use crate::base::{Code, Diagnostic, Value};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::spec::Verb;

const CODE: Code = Code {
    id: "GF606",
    name: "share-without-expiry",
};

/// Keys of `with` that bound a share.
const EXPIRY: [&str; 2] = ["expires_in", "expires_at"];

/// Actions that refuse a share without an end.
const NEEDS_END: [&str; 1] = ["file360.create_share"];

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let Some(Verb::Uses(name, with)) = step.spec.verb() else {
            continue;
        };
        let Some(action) = cx.catalog.action(name) else {
            continue;
        };
        let shares = action
            .acquires
            .as_ref()
            .is_some_and(|acquires| acquires.kind == "share");
        if !shares {
            continue;
        }
        let known = |key: &&&str| action.input.pointer(&format!("/properties/{key}")).is_some();
        let Some(key) = EXPIRY.iter().find(known) else {
            continue;
        };
        let given = |key: &str| {
            with.and_then(Value::as_object)
                .is_some_and(|with| with.contains_key(key))
        };
        if !EXPIRY.iter().any(|key| given(key)) {
            let span = cx.value(&step.at("uses"));
            let finding = if NEEDS_END.contains(&name) {
                Diagnostic::error(CODE, format!("the share of step {} has no end", step.title()), span)
            } else {
                let message = format!("the share of step {} ends as late as possible", step.title());
                Diagnostic::warning(CODE, message, span)
            };
            report.push(finding.with_help(format!("add `{key}: 30 days` under `with`")));
        }
    }
}
