//! What each trigger of a flow gives to its inputs.

use super::places::EventScope;
use super::shapes::Shapes;
use crate::base::Value;
use crate::expr::Type;
use crate::spec::FlowSpec;
use crate::spec::catalog::DOCUMENT_EXPIRING;
use indexmap::IndexMap;

/// One trigger that gives inputs.
#[derive(Debug)]
pub struct Trigger<'a> {
    /// Its key under `on`.
    pub key: &'static str,
    /// What it says that the inputs are. Empty where it gives what has the name of an input.
    pub map: &'a IndexMap<String, Value>,
    /// What it gives by name where it says nothing.
    pub fields: Type,
}

/// The triggers of `spec`, but for `manual`, by which inputs are as given.
pub fn triggers<'a>(spec: &'a FlowSpec, shapes: &Shapes) -> Vec<Trigger<'a>> {
    let on = &spec.on;
    let of = |scope| shapes.event_in(scope).unwrap_or(Type::Any);
    let webhook = on.webhook.iter().map(|trigger| ("webhook", &trigger.inputs, Type::Any));
    let event = on.event.iter();
    let event = event.map(|trigger| ("event", &trigger.inputs, of(EventScope::Kind(&trigger.kind))));
    let schedule = on.schedule.iter();
    let schedule = schedule.map(|trigger| ("schedule", &trigger.inputs, of(EventScope::Moment)));
    // What another flow gives at its end is in another file.
    let flow = on.flow.iter().map(|trigger| ("flow", &trigger.inputs, Type::Any));
    let document = on.document.iter();
    let document = document.map(|trigger| ("document", &trigger.inputs, of(EventScope::Kind(DOCUMENT_EXPIRING))));
    let all = webhook.chain(event).chain(schedule).chain(flow).chain(document);
    all.map(|(key, map, fields)| Trigger { key, map, fields }).collect()
}
