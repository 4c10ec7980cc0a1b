//! The top level of a flow file.

use super::limits::{
    FLOW_PATTERN, FOLDER_PATTERN, MAX_GUARANTEES, MAX_INPUTS, MAX_LABELS, MAX_LINE, MAX_NAME, MAX_OPTIONS,
    MAX_OUTCOMES, MAX_STEPS, MAX_TEXT, MAX_VALUES, NAME_PATTERN, SIZE_PATTERN, VERSION_PATTERN,
};
use super::step::StepSpec;
use crate::base::schedule::MAX_PATTERN;
use crate::base::{Period, Value};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A document process: who does what with which documents, by when, and what if not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Flow")]
pub struct FlowSpec {
    /// Name of the flow, unique in an installation.
    #[schemars(regex(pattern = FLOW_PATTERN), length(max = MAX_NAME), extend("examples" = ["external-review"]))]
    pub flow: String,
    /// Version of the flow, as MAJOR.MINOR.PATCH.
    #[schemars(regex(pattern = VERSION_PATTERN), extend("examples" = ["1.0.0"]))]
    pub version: String,
    /// What people see instead of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["External review of a contract"]))]
    pub title: Option<String>,
    /// What the flow is for, in Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_TEXT))]
    pub description: Option<String>,
    /// Who answers for the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["legal-operations@example.com"]))]
    pub owner: Option<String>,
    /// Words to find the flow by.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_LABELS))]
    pub labels: IndexMap<String, String>,
    /// The calendar that business days and hours are counted in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_NAME), extend("examples" = ["corporate"]))]
    pub calendar: Option<String>,
    /// Whether the tasks of a run go to one person: to whoever first took, was given or answered one of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub same_person: bool,
    /// What starts the flow.
    #[serde(default)]
    pub on: TriggerSpec,
    /// What a run needs to know at its start.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_INPUTS, "propertyNames" = { "pattern": NAME_PATTERN, "maxLength": MAX_NAME }))]
    pub inputs: IndexMap<String, InputSpec>,
    /// What all runs of the flow share, whatever its version: an administrator sets it, a run reads it at its start as
    /// `settings.NAME`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_VALUES, "propertyNames" = { "pattern": NAME_PATTERN, "maxLength": MAX_NAME }))]
    pub settings: IndexMap<String, InputSpec>,
    /// What changes while a run goes on: set by its steps and by the outside, read as `values.NAME`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_VALUES, "propertyNames" = { "pattern": NAME_PATTERN, "maxLength": MAX_NAME }))]
    pub values: IndexMap<String, InputSpec>,
    /// What a run gives at its end; each value may hold `${{ }}`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_INPUTS, "propertyNames" = { "pattern": NAME_PATTERN, "maxLength": MAX_NAME }))]
    pub outputs: IndexMap<String, Value>,
    /// The steps, in the order of the list unless `after` says otherwise.
    #[schemars(length(min = 1, max = MAX_STEPS))]
    pub steps: Vec<StepSpec>,
    /// Steps that run last, however the run ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_STEPS))]
    pub always: Vec<StepSpec>,
    /// Sentences that must hold on every path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_GUARANTEES), extend("examples" = [["file360.publish only after approval.approved"]]))]
    pub guarantees: Vec<String>,
    /// Ids of steps that were written but not understood, so that nobody reports them as missing.
    #[serde(skip)]
    pub broken: Vec<String>,
}

/// What starts runs of a flow. Without any, only `manual`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Triggers")]
pub struct TriggerSpec {
    /// A person or a program with the right to.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "nothing_is_default"
    )]
    pub manual: Option<ManualTrigger>,
    /// A signed HTTP call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookTrigger>,
    /// Something that happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventTrigger>,
    /// A recurring moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleTrigger>,
    /// The end of a run of another flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowTrigger>,
    /// A document that will not be valid much longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentTrigger>,
}

/// `manual:` with nothing behind it is as good as `manual: {}`.
fn nothing_is_default<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<ManualTrigger>, D::Error> {
    Ok(Some(Option::deserialize(deserializer)?.unwrap_or_default()))
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
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["HOOK_SECRET"]))]
    pub secret: String,
    /// Inputs from the call's body, as `event.…` expressions. Without it, the body's own keys.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_INPUTS))]
    pub inputs: IndexMap<String, Value>,
}

/// Start by an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventTrigger {
    /// The event's type, as `file360.file_uploaded`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["file360.file_uploaded"]))]
    pub kind: String,
    /// Bare expression over `event` that must hold.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["event.folder == '/contracts/outbox'"]))]
    pub filter: Option<String>,
    /// Inputs from the event, as `event.…` expressions. Without it, the event's fields of the same name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_INPUTS))]
    pub inputs: IndexMap<String, Value>,
}

/// Start at recurring moments. `event.scheduled_at` is the moment that was meant, `event.date` its
/// day in the zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleTrigger {
    /// Minute, hour, day of month, month and day of week, as in crontab.
    #[schemars(length(min = 1, max = MAX_PATTERN), extend("examples" = ["0 8 * * MON-FRI"]))]
    pub cron: String,
    /// IANA name of the zone it is meant in. Without it, the zone of the flow's calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["Europe/Madrid"]))]
    pub zone: Option<String>,
    /// Which moments are made up for that passed while nothing ran.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// What happens at a moment while the run of an earlier one still goes on.
    #[serde(default)]
    pub overlap: Overlap,
    /// Inputs, as `event.…` expressions.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_INPUTS))]
    pub inputs: IndexMap<String, Value>,
}

/// Which moments are made up for that passed while nothing ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// None.
    None,
    /// The last one.
    #[default]
    Last,
    /// All of them, oldest first.
    All,
}

/// What happens at a moment while the run of an earlier one still goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// Another run starts beside it.
    #[default]
    Allow,
    /// The moment is passed over.
    Skip,
}

/// Start when a run of another flow has ended. `event.run`, `event.flow`, `event.version`,
/// `event.outcome`, `event.outputs` and `event.initiator` tell of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowTrigger {
    /// The other flow.
    #[schemars(regex(pattern = FLOW_PATTERN), length(max = MAX_NAME), extend("examples" = ["supplier-papers"]))]
    pub name: String,
    /// The statuses it must have ended with. Without it, any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_OUTCOMES), inner(regex(pattern = NAME_PATTERN)), extend("examples" = [["completed"]]))]
    pub outcome: Vec<String>,
    /// Bare expression over `event` that must hold.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["event.outputs.amount > 1000"]))]
    pub filter: Option<String>,
    /// Inputs from what the other run gave, as `event.…` expressions. Without it, its outputs of
    /// the same name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_INPUTS))]
    pub inputs: IndexMap<String, Value>,
}

/// Start before a document expires, once for each version of it. `event` has the fields of
/// `file360.document_expiring`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentTrigger {
    /// How long before the day until which the document is valid, as `30 days`. Without it, as long before as
    /// the item says through which it was given, under `renew_before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["30 days", "10 business days"]))]
    pub expires_within: Option<String>,
    /// The folder of the main workspace that the document lies in or below, as `/suppliers`. Without it, anywhere.
    #[serde(rename = "in", default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = FOLDER_PATTERN), length(max = MAX_LINE), extend("examples" = ["/suppliers"]))]
    pub folder: Option<String>,
    /// Bare expression over `event` that must hold.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["event.item == 'insurance'"]))]
    pub filter: Option<String>,
    /// Inputs from the document, as `event.…` expressions. Without it, the event's fields of the same name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_INPUTS))]
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
#[schemars(rename = "Input")]
pub struct InputSpec {
    /// The type.
    #[serde(rename = "type")]
    pub kind: InputKind,
    /// What people see instead of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_LINE))]
    pub title: Option<String>,
    /// What to enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_TEXT))]
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
    #[schemars(length(min = 1, max = MAX_LINE))]
    pub pattern: Option<String>,
    /// What a choice may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_OPTIONS))]
    pub options: Vec<String>,
    /// Type of a list's elements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<InputKind>,
    /// File types that may be given, as `pdf`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_OPTIONS), extend("examples" = [["pdf"]]))]
    pub accept: Vec<String>,
    /// Largest file, as `10 MB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = SIZE_PATTERN), extend("examples" = ["10 MB"]))]
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
