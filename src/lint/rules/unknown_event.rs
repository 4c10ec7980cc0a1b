//! An event that nobody emits, or that can never find the wait.

use crate::base::source::escape;
use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule, suggest};
use crate::spec::catalog::OWN_CONNECTIONS;

pub(super) const CODE: Code = Code {
    id: "GF605",
    name: "unknown-event",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    if let Some(event) = &cx.spec.on.event {
        one(cx, &event.kind, "/on/event/type", report);
    }
    for step in &cx.steps {
        let Some(wait) = &step.spec.wait else { continue };
        if let Some(event) = &wait.event {
            one(cx, event, &step.at("wait/event"), report);
            findable(cx, event, wait.key.is_some(), &step.at("wait"), report);
        }
        for (group, alternatives) in [("any", &wait.any), ("all", &wait.all)] {
            for (name, alternative) in alternatives {
                let pointer = step.at(&format!("wait/{group}/{}", escape(name)));
                one(cx, &alternative.event, &format!("{pointer}/event"), report);
                findable(cx, &alternative.event, alternative.key.is_some(), &pointer, report);
            }
        }
    }
}

fn one(cx: &Context<'_>, event: &str, pointer: &str, report: &mut Report) {
    if cx.catalog.event(event).is_some() {
        return;
    }
    let (connection, word) = event.split_once('.').unwrap_or(("", event));
    // Events of other systems come in through the API; their kinds are not known here.
    if !connection.is_empty() && !word.is_empty() && !is_built_in(cx, connection) {
        return;
    }
    let finding = Diagnostic::error(CODE, format!("nobody emits the event `{event}`"), cx.value(pointer));
    let names: Vec<&str> = cx.catalog.events.keys().map(String::as_str).collect();
    report.push_with(|| suggest(finding, event, names, "events are"));
}

/// An event from outside finds a wait by its key and by nothing else; one of the file space has none.
fn findable(cx: &Context<'_>, event: &str, has_key: bool, wait: &str, report: &mut Report) {
    let connection = event.split_once('.').map_or("", |(connection, _)| connection);
    let is_ours = is_built_in(cx, connection);
    if !is_ours && !connection.is_empty() && !has_key {
        let message = format!("`{event}` comes from outside and finds a wait by its key, which is missing");
        let finding = Diagnostic::error(CODE, message, cx.value(&format!("{wait}/event")));
        report.push(finding.with_help("add `key:` with what the other system sends, as `key: ${{ inputs.order }}`"));
    }
    if is_ours && has_key && cx.catalog.event(event).is_some() {
        let finding = Diagnostic::error(CODE, format!("`{event}` has no key"), cx.key(&format!("{wait}/key")));
        report.push(finding.with_help("say with `on` what it must be about"));
    }
}

fn is_built_in(cx: &Context<'_>, connection: &str) -> bool {
    let names = cx.catalog.actions.keys().chain(cx.catalog.events.keys());
    OWN_CONNECTIONS.contains(&connection)
        || names
            .filter_map(|name| name.split_once('.'))
            .any(|(of, _)| of == connection)
}
