//! Whom a task reaches, when, and who else sees it.

use super::limits::{MAX_PEOPLE, MAX_TEXT};
use super::step::{ApproveSpec, StepSpec};
use super::{Distribution, TaskSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who sees a task beside those who are asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Visible")]
pub struct VisibleSpec {
    /// Who sees it while nobody has taken it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_PEOPLE), inner(length(min = 1, max = MAX_TEXT)), extend("examples" = [["role:legal-lead"]]))]
    pub untaken: Vec<String>,
    /// Who sees it while somebody has it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_PEOPLE), inner(length(min = 1, max = MAX_TEXT)), extend("examples" = [["role:legal-lead"]]))]
    pub taken: Vec<String>,
}

/// What comes first in lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Before everything else.
    Urgent,
    /// Before what is usual.
    High,
    /// As usual.
    #[default]
    Normal,
    /// After everything else.
    Low,
}

impl Priority {
    /// All of them, the first in lists first.
    pub const ALL: [Self; 4] = [Self::Urgent, Self::High, Self::Normal, Self::Low];

    /// As written in flows and views.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// The priority written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// What can be written, for people.
    pub const WORDS: &'static str = "urgent, high, normal or low";
}

/// When a task counts as started without anybody saying so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Starts {
    /// As soon as it is there, for whom it is assigned to, or for the only one who is asked.
    Opened,
    /// As soon as somebody takes it or is given it.
    Taken,
}

/// What `approve` and `task` say of it alike.
#[derive(Clone, Copy, Debug)]
pub struct ReachSpec<'a> {
    /// Who may answer at all.
    pub only: &'a [String],
    /// Who else sees it.
    pub visible: Option<&'a VisibleSpec>,
    /// What comes first.
    pub priority: Option<&'a str>,
    /// How long it is held back.
    pub hold_back: Option<&'a str>,
    /// When it starts.
    pub starts: Option<Starts>,
    /// Whether it is offered or assigned.
    pub distribution: Option<Distribution>,
}

impl ApproveSpec {
    /// Whom it reaches.
    pub fn reach(&self) -> ReachSpec<'_> {
        ReachSpec {
            only: &self.only,
            visible: self.visible.as_ref(),
            priority: self.priority.as_deref(),
            hold_back: self.hold_back.as_deref(),
            starts: self.starts,
            distribution: self.distribution,
        }
    }
}

impl TaskSpec {
    /// Whom it reaches.
    pub fn reach(&self) -> ReachSpec<'_> {
        ReachSpec {
            only: &self.only,
            visible: self.visible.as_ref(),
            priority: self.priority.as_deref(),
            hold_back: self.hold_back.as_deref(),
            starts: self.starts,
            distribution: self.distribution,
        }
    }
}

impl StepSpec {
    /// Whom what the step asks reaches, by its verb.
    pub fn reaches(&self) -> impl Iterator<Item = (&'static str, ReachSpec<'_>)> {
        let approve = self.approve.iter().map(|approve| ("approve", approve.reach()));
        approve.chain(self.task.iter().map(|task| ("task", task.reach())))
    }
}
