//! Flows that run each other in a circle, whatever is decided in them.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule};

const CODE: Code = Code {
    id: "GF614",
    name: "endless-runs",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for (pointer, flow) in &cx.sure_runs {
        let own = &cx.spec.flow;
        let others = cx.flows.is_some_and(|flows| flows.leads_to(flow, own));
        if flow != own && !others {
            continue;
        }
        let message = if flow == own {
            format!("`{own}` runs itself, whatever happens: that never ends")
        } else {
            format!("`{own}` runs `{flow}`, and that leads back to `{own}` whatever happens: that never ends")
        };
        let finding = Diagnostic::error(CODE, message, cx.value(&format!("{pointer}/run/flow")));
        report.push(finding.with_help("put an `if` or a `choose` before it that says when it is enough"));
    }
}
