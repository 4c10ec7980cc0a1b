//! An event that a run tells and that nobody can hear, as it is written.

use super::unknown_event::CODE;
use crate::base::{Diagnostic, Value};
use crate::lint::flows::{Events, Flows, TELL};
use crate::lint::rule::{Check, Context, Report, Rule, StepView};
use crate::spec::catalog::OWN_CONNECTIONS;

/// How many letters a slip may be off. A type of event shares most of them with others of its system.
const SLIP: usize = 2;

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    let tells = |step: &&StepView<'_>| step.spec.uses.as_deref() == Some(TELL);
    let mut telling = cx.steps.iter().filter(tells).peekable();
    if telling.peek().is_none() {
        return;
    }
    let mut known = Events::of(cx.spec);
    for events in cx.flows.into_iter().flat_map(Flows::events) {
        known.add(events);
    }
    for step in telling {
        let Some(with) = &step.spec.with else { continue };
        let Some(kind) = with.get("type").and_then(Value::as_str) else {
            continue;
        };
        if !kind.contains("${{") {
            one(cx, step, kind, with.get("key").is_some(), &known, report);
        }
    }
}

fn one(cx: &Context<'_>, step: &StepView<'_>, kind: &str, has_key: bool, known: &Events, report: &mut Report) {
    let span = cx.value(&step.at("with/type"));
    let parts = kind.split_once('.');
    let Some((connection, _)) = parts.filter(|(connection, word)| !connection.is_empty() && !word.is_empty()) else {
        let message = format!("`{kind}` is no type of event");
        report.push(Diagnostic::error(CODE, message, span).with_help("write it as `purchasing.order_placed`"));
        return;
    };
    if OWN_CONNECTIONS.contains(&connection) {
        let message = format!("events of `{connection}` come from this server alone, and no run tells them");
        report.push(Diagnostic::error(CODE, message, span).with_help("choose another word before the dot"));
        return;
    }
    if known.waited_for.contains(kind) || known.starting.contains(kind) {
        if !has_key && !known.starting.contains(kind) {
            let message = format!("`{kind}` is told without a key, and waits find it by its key alone");
            let help = "add `key:` with what the wait names, as `key: ${{ inputs.order }}`";
            report.push(Diagnostic::warning(CODE, message, span).with_help(help));
        }
        return;
    }
    let heard = known.waited_for.union(&known.starting);
    let untold = heard.filter(|heard| !known.told.contains(*heard));
    let near = untold
        .map(|heard| (strsim::damerau_levenshtein(kind, heard), heard))
        .filter(|(distance, _)| *distance <= SLIP)
        .min();
    if let Some((_, near)) = near {
        let message = format!("no flow that is known here hears of `{kind}`, and one hears of `{near}`");
        report.push(
            Diagnostic::warning(CODE, message, span)
                .with_help(format!("did you mean `{near}`?"))
                .with_fix(span, near.as_str()),
        );
    }
}
