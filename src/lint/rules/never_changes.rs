//! A step waits until something holds that cannot change any more.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::lint::uses::Use;

const CODE: Code = Code {
    id: "GF312",
    name: "never-changes",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    let waits = |one: &&Use| cx.places[one.place].pointer.ends_with("/wait/when");
    for one in cx.uses.iter().filter(waits) {
        if one.names.iter().any(|name| name.path[0] == "values") {
            continue;
        }
        let span = cx.value(&cx.places[one.place].pointer);
        let finding = Diagnostic::error(CODE, "nothing in this condition changes while the step waits", span);
        report.push(if cx.spec.values.is_empty() {
            finding.with_help("only `values` change: add some at the top, `values: { arrived: { type: boolean, default: false } }`, and name one here")
        } else {
            let values: Vec<String> = cx.spec.values.keys().map(|name| format!("`values.{name}`")).collect();
            finding.with_help(format!("name one of {}, or branch with `choose` or `if`", values.join(", ")))
        });
    }
}
