//! The top level of a flow file.

use super::step::StepSpec;
use crate::base::{Period, Value};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A document process: who does what with which documents, by when, and what if not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowSpec {
    /// Name of the flow, unique in an installation.
    pub flow: String,
    /// Version of the flow, as MAJOR.MINOR.PATCH.
    pub version: String,
    /// What people see instead of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the flow is for, in Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who answers for the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Words to find the flow by.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub labels: IndexMap<String, String>,
    /// The calendar that business days and hours are counted in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// What starts the flow.
    #[serde(default)]
    pub on: TriggerSpec,
    /// What a run needs to know at its start.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub inputs: IndexMap<String, InputSpec>,
    /// What a run gives at its end; each value may hold `${{ }}`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub outputs: IndexMap<String, Value>,
    /// The steps, in the order of the list unless `after` says otherwise.
    pub steps: Vec<StepSpec>,
    /// Steps that run last, however the run ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub always: Vec<StepSpec>,
    /// Sentences that must hold on every path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guarantees: Vec<String>,
    /// Ids of steps that were written but not understood, so that nobody reports them as missing.
    #[serde(skip)]
    pub broken: Vec<String>,
}

/// What starts runs of a flow. Without any, only `manual`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TriggerSpec {
    /// A person or a program with the right to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manual: Option<ManualTrigger>,
    /// A signed HTTP call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookTrigger>,
    /// Something that happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventTrigger>,
}

/// Start by hand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManualTrigger {}

/// Start by a signed HTTP call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookTrigger {
    /// Name of the secret that signs the call.
    pub secret: String,
    /// Inputs from the call's body, as `event.…` expressions. Without it, the body's own keys.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub inputs: IndexMap<String, Value>,
}

/// Start by an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventTrigger {
    /// The event's type, as `file360.file_uploaded`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Bare expression over `event` that must hold.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Inputs from the event, as `event.…` expressions. Without it, the event's fields of the same name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub inputs: IndexMap<String, Value>,
}

/// Type of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// Any text.
    Text,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A day, as `2026-11-23`.
    Date,
    /// A length of time, as `10 business days`.
    Duration,
    /// A mail address.
    Email,
    /// A person of the directory, as `user:anna`.
    Person,
    /// One of `options`.
    Choice,
    /// A file of the file space.
    File,
    /// Several values of one type, given by `of`.
    List,
    /// Data of any shape.
    Object,
}

/// What a run needs to know at its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// The type.
    #[serde(rename = "type")]
    pub kind: InputKind,
    /// What people see instead of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What to enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The value where none is given. Without it the input must be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Smallest number, or fewest characters or elements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest number, or most characters or elements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Regular expression that a text must match as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// What a choice may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Type of a list's elements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<InputKind>,
    /// File types that may be given, as `pdf`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<String>,
    /// Largest file, as `10 MB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<String>,
}

impl InputSpec {
    /// Whether a run can start without it.
    pub fn is_optional(&self) -> bool {
        self.default.is_some()
    }

    /// The default of a duration, if it is one.
    pub fn default_period(&self) -> Option<Period> {
        self.default
            .as_ref()?
            .as_str()
            .and_then(|text| Period::parse(text).ok())
    }
}
