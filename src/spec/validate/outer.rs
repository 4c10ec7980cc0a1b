//! The flow without its steps: read, told, and repaired where it is broken, so that the rest of
//! the file can still be checked.

use super::place::{Place, unescape};
use super::{Reader, SCHEMAS};
use crate::base::{Diagnostic, Value};
use crate::spec::{FlowSpec, codes};
use serde::Deserialize;
use serde_json::{Map, json};

impl Reader<'_> {
    /// Everything but the steps. Nothing where there is no list of steps, or too much is wrong.
    pub(super) fn outer(&mut self, root: &Map<String, Value>) -> Option<FlowSpec> {
        let place = Place::flow(self.document);
        let told = self.check(&SCHEMAS.outer, &self.document.value, &place);
        if told.untold > 0 || !root.get("steps").is_some_and(Value::is_array) {
            return None;
        }
        let mut map: Map<_, _> = root
            .iter()
            .filter(|(key, _)| !key.starts_with("x-") && !["steps", "always"].contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        // Entries of lists from behind, so that the numbers of those before stay true.
        for wrong in told.wrong.iter().rev().filter(|wrong| wrong.unusable) {
            let segments: Vec<_> = wrong.pointer.split('/').skip(1).map(unescape).collect();
            leave_out(&mut map, &segments);
        }
        for (key, value) in [
            ("flow", json!("unnamed")),
            ("version", json!("0.0.0")),
            ("steps", json!([])),
        ] {
            map.entry(key).or_insert(value);
        }
        match FlowSpec::deserialize(Value::Object(map)) {
            Ok(flow) => Some(flow),
            Err(error) => {
                let message = format!("this flow is not understood: {error}");
                self.say("", Diagnostic::error(codes::WRONG_VALUE, message, place.span("")));
                None
            }
        }
    }
}

/// Takes the least out of `map` that rids it of what `path` names.
fn leave_out(map: &mut Map<String, Value>, path: &[String]) {
    match path {
        [] => {}
        [top, name, ..] if ["inputs", "settings", "values"].contains(&top.as_str()) => {
            if let Some(input) = map.get_mut(top).and_then(|inputs| inputs.get_mut(name)) {
                let kind = input.get("type").filter(|kind| is_kind(kind)).cloned();
                *input = json!({ "type": kind.unwrap_or_else(|| json!("object")) });
            }
        }
        [top, name, ..] if ["outputs", "labels", "on"].contains(&top.as_str()) => {
            if let Some(entries) = map.get_mut(top).and_then(Value::as_object_mut) {
                entries.remove(name);
            }
        }
        [top, index, ..] if top == "guarantees" => {
            let list = map.get_mut(top).and_then(Value::as_array_mut);
            if let (Some(list), Ok(index)) = (list, index.parse::<usize>())
                && index < list.len()
            {
                list.remove(index);
            }
        }
        [top, ..] => {
            map.remove(top);
        }
    }
}

fn is_kind(kind: &Value) -> bool {
    crate::spec::InputKind::deserialize(kind).is_ok()
}
