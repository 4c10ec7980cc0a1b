//! What flows may call and wait for, as data: names, shapes, effects. No code.
//!
//! The built-in catalogue is generated from the connectors into `schema/catalog.json`, so that
//! reading and checking know every action without linking one.

use crate::base::Value;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// Connections that are built in: what happens under their names, this server tells and nobody else.
pub const OWN_CONNECTIONS: [&str; 6] = ["file360", "mail", "http", "data", "workflow", "gatefold"];

/// The event that tells of a document that is due for renewal; what a `document` trigger sees has its fields.
pub const DOCUMENT_EXPIRING: &str = "file360.document_expiring";

/// What an action does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing: the output follows from the input alone. Need not wait for an fsync.
    Pure,
    /// Looks at something.
    Read,
    /// Changes something.
    Write,
    /// Lets others see something.
    Share,
    /// Makes something final and visible.
    Publish,
    /// Tells somebody.
    Notify,
}

/// What an action acquires for the run, and how the run gives it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acquires {
    /// The kind of thing: `share`, `grant`, `workspace`.
    pub kind: String,
    /// The output that names the thing.
    pub output: String,
    /// The action that releases it.
    pub release: String,
    /// The key of that action's `with` that takes the name.
    pub with: String,
}

/// One action of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionInfo {
    /// `CONNECTION.ACTION`.
    pub name: String,
    /// One line for lists.
    pub summary: String,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether doing it twice with the same key does it once.
    pub idempotent: bool,
    /// Whether it happens in the same transaction as its record in the journal.
    pub local: bool,
    /// What it acquires, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acquires: Option<Acquires>,
    /// JSON Schema of `with`.
    pub input: Value,
    /// JSON Schema of the outputs.
    pub output: Value,
}

/// One kind of event that a flow may wait for or start on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventInfo {
    /// `CONNECTION.EVENT`.
    pub name: String,
    /// One line for lists.
    pub summary: String,
    /// JSON Schema of the event's fields.
    pub data: Value,
}

/// Everything that flows may call and wait for, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Actions by name.
    pub actions: IndexMap<String, ActionInfo>,
    /// Events by name.
    pub events: IndexMap<String, EventInfo>,
}

impl Catalog {
    /// The catalogue of the connectors that are built in.
    pub fn builtin() -> &'static Self {
        static BUILTIN: std::sync::LazyLock<Catalog> = std::sync::LazyLock::new(|| {
            serde_json::from_str(include_str!("../../schema/catalog.json"))
                .expect("schema/catalog.json is generated and tested")
        });
        &BUILTIN
    }

    /// The action called `name`.
    pub fn action(&self, name: &str) -> Option<&ActionInfo> {
        self.actions.get(name)
    }

    /// The event called `name`.
    pub fn event(&self, name: &str) -> Option<&EventInfo> {
        self.events.get(name)
    }
}
