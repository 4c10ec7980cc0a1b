//! A document that may be due for renewal as it is given.

use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Period, Timestamp, calendar};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::spec::{ItemSpec, NeedSpec};

const CODE: Code = Code {
    id: "GF406",
    name: "due-at-once",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let Some(collect) = &step.spec.collect else { continue };
        for (name, item) in &collect.items {
            let Some(why) = due_at_once(item) else { continue };
            let pointer = step.at(&format!("collect/items/{}/renew_before", escape(name)));
            let before = item.renew_before.as_deref().unwrap_or_default();
            let message = format!("item `{name}` may be due for renewal as it is given: {why}");
            report.push(
                Diagnostic::warning(CODE, message, cx.value(&pointer))
                    .with_help(format!("write `at_least: {before}`, or more")),
            );
        }
    }
}

/// Why an item takes a document that is due at once, if it does. What is no length of time, and
/// a day that need not be entered, are findings of their own.
fn due_at_once(item: &ItemSpec) -> Option<String> {
    let before = length(item.renew_before.as_deref()?)?;
    if item.valid_until != Some(NeedSpec::Required) {
        return None;
    }
    let Some(at_least) = &item.at_least else {
        return Some("nothing says how far ahead the day must lie".to_owned());
    };
    (length(at_least)? < before).then(|| format!("the day need not lie further ahead than {at_least}"))
}

/// When a length of time is over that begins at the beginning of time: enough to compare two.
fn length(text: &str) -> Option<Timestamp> {
    let period = Period::parse(text).ok()?;
    calendar::after(Timestamp::UNIX_EPOCH, &period, None).ok()
}
