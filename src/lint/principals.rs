//! Everywhere that a flow names people by a text that is known before a run.

use super::rule::{Context, StepView};
use crate::base::source::escape;
use crate::base::{Span, Value};
use crate::spec::{DeadlineSpec, EscalationSpec, Verb};

/// Somebody named in a flow.
#[derive(Debug)]
pub struct Named<'a> {
    /// JSON pointer of the text.
    pub pointer: String,
    /// The text, without `${{ }}`.
    pub text: &'a str,
    /// Whether it stands under `with` of an action, where a bare mail address and `anyone` will do.
    pub in_with: bool,
    /// Whether the text is a key.
    pub is_key: bool,
}

impl Named<'_> {
    /// Where the text stands.
    pub fn span(&self, cx: &Context<'_>) -> Span {
        if self.is_key {
            cx.key(&self.pointer)
        } else {
            cx.value(&self.pointer)
        }
    }
}

/// Who the step names, as far as that does not depend on the run.
pub fn literals<'a>(cx: &'a Context<'_>, step: &'a StepView<'_>) -> Vec<Named<'a>> {
    let mut found = Vec::new();
    if let Some(approve) = &step.spec.approve {
        found.extend(approve.weights.keys().map(|text| Named {
            pointer: step.at(&format!("approve/weights/{}", escape(text))),
            text,
            in_with: false,
            is_key: true,
        }));
    }
    let mut list = |path: &str, people: &'a [String]| {
        found.extend(people.iter().enumerate().map(|(index, text)| Named {
            pointer: step.at(&format!("{path}/{index}")),
            text,
            in_with: false,
            is_key: false,
        }));
    };
    if let Some(approve) = &step.spec.approve {
        list("approve/by", &approve.by);
        list("approve/veto", &approve.veto);
    }
    if let Some(task) = &step.spec.task {
        list("task/to", &task.to);
    }
    for (verb, reach) in step.spec.reaches() {
        list(&format!("{verb}/only"), reach.only);
        if let Some(visible) = reach.visible {
            list(&format!("{verb}/visible/untaken"), &visible.untaken);
            list(&format!("{verb}/visible/taken"), &visible.taken);
        }
    }
    if let Some(collect) = &step.spec.collect {
        for (name, item) in &collect.items {
            list(&format!("collect/items/{}/review", escape(name)), &item.review);
        }
    }
    if let Some(DeadlineSpec::Due(deadline)) = &step.spec.deadline {
        for (place, escalate) in deadline.escalate.iter().flat_map(EscalationSpec::each) {
            list(&format!("deadline/escalate{place}/to"), &escalate.to);
        }
    }
    if let Some(Verb::Uses(action, Some(with))) = step.spec.verb() {
        let info = cx.catalog.action(action);
        let properties = info.and_then(|info| info.input.get("properties"));
        let format = |key: &str| properties?.get(key)?.get("format")?.as_str();
        for (key, value) in with.as_object().into_iter().flatten() {
            let names_people = format(key) == Some("principal") || action == "mail.send" && key == "to";
            if names_people {
                in_with(&step.at(&format!("with/{key}")), value, &mut found);
            }
        }
    }
    if let Some(collect) = &step.spec.collect {
        found.push(Named {
            pointer: step.at("collect/from"),
            text: &collect.from,
            in_with: false,
            is_key: false,
        });
    }
    found.retain(|named| !named.text.contains("${{"));
    found
}

fn in_with<'a>(pointer: &str, value: &'a Value, found: &mut Vec<Named<'a>>) {
    match value {
        Value::String(text) => found.push(Named {
            pointer: pointer.to_owned(),
            text,
            in_with: true,
            is_key: false,
        }),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                in_with(&format!("{pointer}/{index}"), item, found);
            }
        }
        _ => {}
    }
}
