//! An expression reads an input that the flow does not have.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule, suggest};
use crate::lint::uses::Meaning;

const CODE: Code = Code {
    id: "GF202",
    name: "unknown-input",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for (_, name) in cx.names().filter(|(_, name)| name.meaning == Meaning::NoInput) {
        let word = &name.path[1];
        let finding = Diagnostic::error(CODE, format!("the flow has no input `{word}`"), name.span);
        let inputs = cx.spec.inputs.keys().map(String::as_str);
        report.push(if cx.spec.inputs.is_empty() {
            finding.with_help(format!("add it: `inputs: {{ {word}: {{ type: text }} }}`"))
        } else {
            suggest(finding, word, inputs, "its inputs are")
        });
    }
}
