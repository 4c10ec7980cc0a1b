//! An expression calls a function, filter, test or method that the language does not have.

use crate::base::{Code, Diagnostic};
use crate::expr::check::ExprFindingKind;
use crate::lint::rule::{Check, Context, Report, Rule};

const CODE: Code = Code {
    id: "GF205",
    name: "unknown-function",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for wrong in cx.uses.iter().flat_map(|one| &one.wrong) {
        if wrong.kind != ExprFindingKind::UnknownFunction {
            continue;
        }
        let finding = Diagnostic::error(CODE, wrong.message.clone(), wrong.span);
        report.push(match &wrong.nearest {
            Some(near) => finding.with_help(format!("did you mean `{near}`?")),
            None => finding
                .with_help("the functions and filters are listed in docs/language.md, \"Values and expressions\""),
        });
    }
}
