//! A secret stands where it would be stored, logged or shown.

use crate::base::{Code, Diagnostic};
use crate::lint::places::Purpose;
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::lint::uses::Meaning;

const CODE: Code = Code {
    id: "GF702",
    name: "secret-out-of-place",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for (one, name) in cx.names().filter(|(_, name)| name.meaning == Meaning::Secret) {
        if cx.places[one.place].purpose != Purpose::With {
            report.push(
                Diagnostic::error(CODE, "a secret stands where it would be stored and shown", name.span)
                    .with_help("secrets may be used only under `with` of an action"),
            );
        }
    }
}
