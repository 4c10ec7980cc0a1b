//! A secret stands where it would be stored, logged or shown.

use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Value};
use crate::lint::places::{Place, Purpose};
use crate::lint::rule::{Check, Context, Report, Rule, list_words};
use crate::lint::uses::{Meaning, Use};
use crate::spec::{ActionInfo, Effect};

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
        let place = &cx.places[one.place];
        if place.purpose != Purpose::With {
            report.push(
                Diagnostic::error(CODE, "a secret stands where it would be stored and shown", name.span)
                    .with_help("secrets may be used only under `with` of an action"),
            );
        } else if let Some(action) = keeps(cx, one, place) {
            let message = if action.effect == Effect::Notify {
                format!("`{}` sends this value to people, and the secret with it", action.name)
            } else {
                format!("`{}` stores this value, and the secret with it", action.name)
            };
            let passwords = passwords(action);
            let help = if passwords.is_empty() {
                "secrets are for actions that call other services".to_owned()
            } else {
                let words = list_words(passwords);
                format!("of this action only {words} may hold one: of a password only the hash is kept")
            };
            report.push(Diagnostic::error(CODE, message, name.span).with_help(help));
        }
    }
}

/// The action there, if what it is given there becomes part of what is stored or is told to people: what happens inside
/// this process has no other end, but for passwords.
fn keeps<'a>(cx: &'a Context<'_>, one: &Use, place: &Place<'_>) -> Option<&'a ActionInfo> {
    let step = cx.owner(one)?;
    let action = cx.catalog.action(step.spec.uses.as_deref()?)?;
    let is_inside = action.local || matches!(action.effect, Effect::Pure | Effect::Notify);
    let holds = |name: &&str| place.pointer == step.at(&format!("with/{}", escape(name)));
    (is_inside && !passwords(action).iter().any(holds)).then_some(action)
}

/// The keys of `with` that take passwords.
fn passwords(action: &ActionInfo) -> Vec<&str> {
    let properties = action.input.get("properties").and_then(Value::as_object);
    let is_password = |field: &Value| field.get("format").and_then(Value::as_str) == Some("password");
    let fields = properties.into_iter().flatten().filter(|(_, field)| is_password(field));
    fields.map(|(name, _)| name.as_str()).collect()
}
