//! A trigger that does not give what a run needs: no run can ever start by it.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::lint::shapes::{Lookup, field_of};
use crate::lint::triggers::{Trigger, triggers};

const CODE: Code = Code {
    id: "GF109",
    name: "input-not-given",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for trigger in triggers(cx.spec, &cx.shapes) {
        let needed = cx.spec.inputs.iter().filter(|(_, input)| !input.is_optional());
        for (name, _) in needed {
            if let Some(finding) = not_given(cx, &trigger, name) {
                report.push(finding);
            }
        }
    }
}

fn not_given(cx: &Context<'_>, trigger: &Trigger<'_>, name: &str) -> Option<Diagnostic> {
    let Trigger { key, map, fields } = trigger;
    let (why, place) = if map.is_empty() {
        let why = match field_of(fields, name) {
            Lookup::Known(field) if !field.optional => return None,
            Lookup::Known(_) => format!("what comes does not always give input `{name}`"),
            Lookup::Missing | Lookup::NoFields => format!("what comes gives no input `{name}`"),
        };
        (why, format!("/on/{key}"))
    } else if map.contains_key(name) {
        return None;
    } else {
        (format!("it does not give input `{name}`"), format!("/on/{key}/inputs"))
    };
    let message = format!("no run can start by this `{key}`: {why}");
    Some(
        Diagnostic::error(CODE, message, cx.key(&place))
            .with_related(cx.key(&format!("/inputs/{name}")), "it has no `default`")
            .with_help(format!(
                "say what it is, as `inputs: {{ {name}: \"${{{{ event.… }}}}\" }}`, or give the input a `default`"
            )),
    )
}
