//! A password that comes from where everybody who sees the run can read it.

use super::secret_in_text::is_secret_key;
use crate::base::{Code, Diagnostic};
use crate::lint::places::Purpose;
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::lint::uses::Meaning;

const CODE: Code = Code {
    id: "GF703",
    name: "secret-in-journal",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for one in &cx.uses {
        let place = &cx.places[one.place];
        let key = place.pointer.rsplit('/').next().unwrap_or_default();
        let is_secret = one.names.iter().any(|name| name.meaning == Meaning::Secret);
        if place.purpose != Purpose::With || is_secret || !is_secret_key(key) {
            continue;
        }
        let message =
            format!("the value of `{key}` is kept in the run's journal, and shown to whoever may see the run");
        report.push(
            Diagnostic::warning(CODE, message, cx.locator.place(&place.pointer, one.part))
                .with_help("write `${{ secrets.NAME }}`: a secret is put in when the call is made, and kept nowhere"),
        );
    }
}
