//! A value under `with` that the action cannot take.

use crate::base::{Code, Diagnostic, Value};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::lint::rules::expression_as_text::is_slip;
use crate::lint::schema::Problem;

const CODE: Code = Code {
    id: "GF604",
    name: "wrong-with-value",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for (step, problem) in cx.with_problems() {
        let Problem::WrongValue { pointer, message, help } = problem else {
            continue;
        };
        let written = cx.document.value.pointer(pointer).and_then(Value::as_str);
        // A text that lacks the braces of an expression has a finding of its own.
        if written.is_some_and(is_slip) {
            continue;
        }
        let key = pointer
            .strip_prefix(&step.at("with"))
            .unwrap_or_default()
            .trim_start_matches('/');
        let message = match key {
            "" => format!("`with` of step {} {message}", step.title()),
            key => format!("`{}` of step {} {message}", key.replace('/', "."), step.title()),
        };
        let finding = Diagnostic::error(CODE, message, cx.value(pointer));
        report.push(match help {
            Some(help) => finding.with_help(help.clone()),
            None => finding,
        });
    }
}
