//! What people are asked beside a decision: a task, and the fields of a form.

use super::limits::{MAX_FIELDS, MAX_LINE, MAX_NAME, MAX_OPTIONS, MAX_PEOPLE, MAX_TEXT, NAME_PATTERN, RESERVED_FIELDS};
use super::reach::{Starts, VisibleSpec};
use super::{InputKind, InputSpec};
use crate::base::Value;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Work for people that is not a decision: whoever of those asked answers first settles it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Task")]
pub struct TaskSpec {
    /// What kind of work: `review` of a document, a `todo`, or a `form` to fill in. Default `todo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "todo"))]
    pub kind: Option<TaskKind>,
    /// Who is asked: `user:anna`, `role:records`, `group:…`, `email:…`, `${{ … }}`.
    #[schemars(length(min = 1, max = MAX_PEOPLE), inner(length(min = 1)), extend("examples" = [["role:records"]]))]
    pub to: Vec<String>,
    /// What people see in their list; without it, the step's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["File ${{ inputs.document.name }}"]))]
    pub title: Option<String>,
    /// What there is to do, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["Put the original on its shelf."]))]
    pub ask: Option<String>,
    /// The document it is about; an answer names the version that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["${{ inputs.document }}"]))]
    pub document: Option<String>,
    /// What to fill in, by name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_FIELDS, "propertyNames" = { "pattern": NAME_PATTERN, "maxLength": MAX_NAME, "not": { "enum": RESERVED_FIELDS } }))]
    pub form: IndexMap<String, FieldSpec>,
    /// People who may not do it: `initiator`, `uploader`, a step (everybody who completed it), or
    /// an expression that gives a person or a list of people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_PEOPLE), inner(length(min = 1)), extend("examples" = [["initiator", "${{ inputs.requester }}"]]))]
    pub exclude: Vec<String>,
    /// How it reaches them: `offer` to everybody, or `assign` to one. Default `offer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "offer"))]
    pub distribution: Option<Distribution>,
    /// Whom it is assigned to: `random`, `round_robin`, `shortest_queue` or `most_experienced`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pick: Option<Pick>,
    /// A step: whoever completed it gets this too, if they are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_NAME), extend("examples" = ["prepare"]))]
    pub prefer: Option<String>,
    /// Who may answer at all, however the task reaches them: by a deputy, by delegation, by escalation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_PEOPLE), inner(length(min = 1, max = MAX_TEXT)), extend("examples" = [["role:certified"]]))]
    pub only: Vec<String>,
    /// What comes first in lists: `urgent`, `high`, `normal` or `low`. Default `normal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["high"]), extend("default" = "normal"))]
    pub priority: Option<String>,
    /// How long after the step begins people hear of it, as `2 business hours`. The deadline goes on meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["2 business hours"]))]
    pub hold_back: Option<String>,
    /// When it counts as started without anybody saying so: as soon as it is `opened`, or `taken`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<Starts>,
    /// Who sees it beside those who are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = [{ "untaken": ["role:legal-lead"] }]))]
    pub visible: Option<VisibleSpec>,
    /// What people may do beside answering. Default `delegate`, `reassign`, `release`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true), extend("examples" = [["release"]]), extend("default" = ["delegate", "reassign", "release"]))]
    pub allow: Option<Vec<Detour>>,
}

impl TaskSpec {
    /// What can be answered: the first goes on.
    pub const ANSWERS: [&'static str; 2] = ["done", "declined"];
}

/// What kind of work a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Read a document.
    Review,
    /// Do something.
    #[default]
    Todo,
    /// Fill in a form.
    Form,
}

/// How a task reaches people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Everybody who is asked sees it, and may take it.
    #[default]
    Offer,
    /// One of them gets it.
    Assign,
}

/// Whom a task is assigned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// Anybody, by the run's seed.
    Random,
    /// Whoever has waited longest for one.
    RoundRobin,
    /// Whoever has the fewest open tasks.
    ShortestQueue,
    /// Whoever answered this step of this flow most often.
    MostExperienced,
}

/// What people may do about a task beside answering it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detour {
    /// Let somebody act for them.
    Delegate,
    /// Hand it over.
    Reassign,
    /// Give back what they took or were assigned.
    Release,
    /// Let it rest: nobody answers until it goes on.
    Suspend,
    /// Have the flow go on past it.
    Skip,
    /// Have it done again once it is settled.
    Redo,
}

impl Detour {
    /// What is allowed where the author says nothing.
    pub const USUAL: [Self; 3] = [Self::Delegate, Self::Reassign, Self::Release];

    /// As written in flows and views.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delegate => "delegate",
            Self::Reassign => "reassign",
            Self::Release => "release",
            Self::Suspend => "suspend",
            Self::Skip => "skip",
            Self::Redo => "redo",
        }
    }
}

/// Type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
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
    /// Several values of one type, given by `of`.
    List,
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Field")]
pub struct FieldSpec {
    /// The type.
    #[serde(rename = "type")]
    pub kind: FieldKind,
    /// What people see instead of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_LINE))]
    pub title: Option<String>,
    /// What to enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_TEXT))]
    pub description: Option<String>,
    /// Whether the answer that goes on needs it: `done`, or the first of the decisions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// The answers that need it, where it is not the one that goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = MAX_OPTIONS), inner(length(min = 1)), extend("examples" = [["approved", "rejected"]]))]
    pub required_for: Vec<String>,
    /// The value where none is given.
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
    pub of: Option<FieldKind>,
}

impl FieldSpec {
    /// The field as an input of the same type and limits.
    pub fn input(&self) -> InputSpec {
        InputSpec {
            kind: self.kind.into(),
            title: self.title.clone(),
            description: self.description.clone(),
            default: self.default.clone(),
            min: self.min,
            max: self.max,
            pattern: self.pattern.clone(),
            options: self.options.clone(),
            of: self.of.map(InputKind::from),
            accept: Vec::new(),
            max_size: None,
        }
    }

    /// The answers that need it. `goes_on` is the answer that goes on.
    pub fn needed_for(&self, goes_on: &str) -> Vec<String> {
        match (self.required_for.as_slice(), self.required) {
            ([], false) => Vec::new(),
            ([], true) => vec![goes_on.to_owned()],
            (answers, _) => answers.to_vec(),
        }
    }
}

impl From<FieldKind> for InputKind {
    fn from(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Text => Self::Text,
            FieldKind::Number => Self::Number,
            FieldKind::Integer => Self::Integer,
            FieldKind::Boolean => Self::Boolean,
            FieldKind::Date => Self::Date,
            FieldKind::Duration => Self::Duration,
            FieldKind::Email => Self::Email,
            FieldKind::Person => Self::Person,
            FieldKind::Choice => Self::Choice,
            FieldKind::List => Self::List,
        }
    }
}
