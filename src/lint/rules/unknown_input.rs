//! An expression reads an input that the flow does not have.

use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Span};
use crate::lint::rule::{Check, Context, Report, Rule, suggest};
use crate::lint::triggers::triggers;
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
    // What is written in another shape has a finding, and cannot be looked up.
    if cx
        .document
        .value
        .get("inputs")
        .is_some_and(|inputs| !inputs.is_object())
    {
        return;
    }
    for (_, name) in cx.names().filter(|(_, name)| name.meaning == Meaning::NoInput) {
        report.push_with(|| finding(cx, &name.path[1], name.span));
    }
    for trigger in triggers(cx.spec, &cx.shapes) {
        for word in trigger.map.keys().filter(|word| !cx.spec.inputs.contains_key(*word)) {
            let span = cx.key(&format!("/on/{}/inputs/{}", trigger.key, escape(word)));
            report.push_with(|| finding(cx, word, span));
        }
    }
}

fn finding(cx: &Context<'_>, word: &str, span: Span) -> Diagnostic {
    let finding = Diagnostic::error(CODE, format!("the flow has no input `{word}`"), span);
    if cx.spec.inputs.is_empty() {
        return finding.with_help(format!("add it: `inputs: {{ {word}: {{ type: text }} }}`"));
    }
    let inputs = cx.spec.inputs.keys().map(String::as_str);
    suggest(finding, word, inputs, "its inputs are")
}
