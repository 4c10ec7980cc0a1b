//! How a checklist stands.

use super::event::{ItemFile, Timers};
use super::frame::Slot;
use super::state::{Phase, RunState, Task};
use crate::base::{FileRef, ItemState, Value};
use crate::plan::{Plan, PlanAsk, PlanCollect, PlanVerb};
use serde_json::{Map, json};
use std::collections::BTreeMap;

/// A checklist that somebody was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Collecting {
    /// The request: what events are about.
    pub(super) request: String,
    pub(super) timers: Timers,
    pub(super) items: BTreeMap<String, Item>,
}

/// One item as it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Item {
    pub(super) state: ItemState,
    pub(super) files: Vec<ItemFile>,
    /// Why it was sent back, or does not apply.
    pub(super) reason: Option<String>,
    /// Number of the change that led here, as the file space counts them.
    pub(super) change: u64,
    /// Who looks at it is asked: position in `RunState::tasks`.
    pub(super) review: Option<usize>,
}

impl Collecting {
    /// Nothing is there yet.
    pub(super) fn new(plan: &PlanCollect, request: String, timers: Timers) -> Self {
        let items = plan.items.keys().map(|name| (name.clone(), Item::default()));
        Self {
            request,
            timers,
            items: items.collect(),
        }
    }

    /// Whether nothing is left to be done.
    pub(super) fn is_complete(&self, plan: &PlanCollect) -> bool {
        self.items.iter().all(|(name, item)| {
            let optional = plan.items.get(name).is_some_and(|item| item.optional);
            item.state.is_settled() || (optional && !item.state.is_looked_at())
        })
    }

    /// Whether somebody has to give something.
    pub(super) fn wants_more(&self, plan: &PlanCollect) -> bool {
        self.items.iter().any(|(name, item)| {
            let optional = plan.items.get(name).is_some_and(|item| item.optional);
            match item.state {
                ItemState::Missing => !optional,
                other => other.is_wanted(),
            }
        })
    }

    /// What the step gives.
    pub(super) fn output(&self, plan: &PlanCollect) -> Map<String, Value> {
        let items = plan.items.keys().filter_map(|name| self.items.get_key_value(name));
        let items: Map<_, _> = items.map(|(name, item)| (name.clone(), item.output())).collect();
        Map::from_iter([("items".to_owned(), Value::Object(items))])
    }
}

impl Item {
    fn output(&self) -> Value {
        let files: Vec<&FileRef> = self.files.iter().map(|given| &given.file).collect();
        let mut output = json!({ "state": self.state, "files": files });
        let why = match self.state {
            ItemState::NotApplicable => "because",
            _ => "reason",
        };
        let until = self.files.iter().filter_map(|given| given.valid_until.as_ref()).min();
        let more = [
            ("file", files.first().map(|file| json!(file))),
            ("valid_until", until.map(|until| json!(until))),
            (why, self.reason.as_ref().map(|reason| json!(reason))),
        ];
        for (key, value) in more {
            if let Some(value) = value {
                output[key] = value;
            }
        }
        output
    }
}

impl RunState {
    /// The checklist at `slot`, if one is open there.
    pub(super) fn collecting(&self, slot: Slot) -> Option<&Collecting> {
        match &self.get(slot)?.phase {
            Phase::Collecting(collecting) => Some(collecting),
            _ => None,
        }
    }

    /// The open tasks of the step at `slot`, by their positions.
    pub(super) fn tasks_at(&self, slot: Slot) -> Vec<usize> {
        match self.get(slot).map(|step| &step.phase) {
            Some(Phase::Asking(at)) => vec![*at],
            Some(Phase::Collecting(collecting)) => collecting.items.values().filter_map(|item| item.review).collect(),
            _ => Vec::new(),
        }
    }
}

impl Task {
    /// What people are asked, as the plan has it.
    pub(super) fn asked<'p>(&self, plan: &'p Plan) -> Option<&'p PlanAsk> {
        match (&plan.body(self.place.0).step(self.place.1).verb, &self.item) {
            (PlanVerb::Ask(ask), None) => Some(ask),
            (PlanVerb::Collect(collect), Some(item)) => collect.items.get(item)?.review.as_ref(),
            _ => None,
        }
    }
}

/// How questions about an item are named, which no step can be.
pub(super) fn review_name(step: &str, item: &str, change: u64) -> String {
    format!("{step}/{item}/{change}")
}
