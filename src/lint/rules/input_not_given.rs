//! A trigger that does not give what a run needs: no run can ever start by it.

use crate::base::{Code, Diagnostic, Value};
use crate::lint::places::EventScope;
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::lint::shapes::{Lookup, field_of};
use indexmap::IndexMap;

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
    if let Some(webhook) = &cx.spec.on.webhook {
        // Without a map the body gives what it likes.
        if !webhook.inputs.is_empty() {
            mapped(cx, "webhook", &webhook.inputs, report);
        }
    }
    if let Some(event) = &cx.spec.on.event {
        if event.inputs.is_empty() {
            from_event(cx, &event.kind, report);
        } else {
            mapped(cx, "event", &event.inputs, report);
        }
    }
}

/// The inputs without which no run starts.
fn needed<'a>(cx: &'a Context<'_>) -> impl Iterator<Item = &'a String> {
    let inputs = cx.spec.inputs.iter().filter(|(_, input)| !input.is_optional());
    inputs.map(|(name, _)| name)
}

fn mapped(cx: &Context<'_>, trigger: &str, map: &IndexMap<String, Value>, report: &mut Report) {
    for name in needed(cx).filter(|name| !map.contains_key(*name)) {
        let message = format!("no run can start by this `{trigger}`: it does not give input `{name}`");
        report.push(
            Diagnostic::error(CODE, message, cx.key(&format!("/on/{trigger}/inputs")))
                .with_related(cx.key(&format!("/inputs/{name}")), "it has no `default`")
                .with_help(format!("add `{name}: …` here, or give the input a `default`")),
        );
    }
}

/// Without a map an event gives its own fields to the inputs of the same name.
fn from_event(cx: &Context<'_>, kind: &str, report: &mut Report) {
    let Some(event) = cx.shapes.event_in(EventScope::Kind(kind)) else {
        return;
    };
    for name in needed(cx) {
        let why = match field_of(&event, name) {
            Lookup::Known(field) if !field.optional => continue,
            Lookup::Known(_) => format!("`{kind}` does not always give `{name}`"),
            Lookup::Missing | Lookup::NoFields => format!("`{kind}` gives no `{name}`"),
        };
        let message = format!("no run can start by this `event`: {why}, which the flow needs as an input");
        report.push(
            Diagnostic::error(CODE, message, cx.key("/on/event"))
                .with_related(cx.key(&format!("/inputs/{name}")), "it has no `default`")
                .with_help(format!(
                    "say where it comes from, as `inputs: {{ {name}: \"${{{{ event.… }}}}\" }}`, or give the input a `default`"
                )),
        );
    }
}
