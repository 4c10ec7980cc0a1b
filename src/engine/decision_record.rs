//! One decision of one person as the journal keeps it, and for whom it counts.

use crate::base::{LocalAccess, Timestamp, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;

/// One decision of one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionRecord {
    /// Who, as `user:anna`.
    pub by: String,
    /// For whom, if not for themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// Who was escalated to, where it takes the place of somebody who was asked and had not answered. They answered
    /// themselves, or whoever stands in for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated_to: Option<String>,
    /// What.
    pub decision: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// SHA-256 of the version they saw, where there is a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What they filled in, by the names of the fields.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub form: Map<String, Value>,
    /// Which account of the machine made it as this person, where that was so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalAccess>,
    /// When.
    pub at: Timestamp,
}

impl DecisionRecord {
    /// Everybody in it: who answered, for whom, and who was escalated to.
    pub fn persons(&self) -> impl Iterator<Item = &String> {
        let others = [&self.on_behalf_of, &self.escalated_to];
        std::iter::once(&self.by).chain(others.into_iter().flatten())
    }

    /// Whether `person` answered so, or had it answered: not whether their place was taken.
    pub fn is_answer_of(&self, person: &str) -> bool {
        let whose = self.escalated_to.as_ref().or(self.on_behalf_of.as_ref());
        self.by == person || whose.is_some_and(|one| one == person)
    }

    /// For whom it counts, to stand behind the name of who answered, with a blank before it; empty where they answered
    /// for themselves. `name` says what people are called.
    pub fn for_whom(&self, name: impl Fn(&str) -> String) -> String {
        for_whom(
            &self.by,
            self.on_behalf_of.as_deref(),
            self.escalated_to.as_deref(),
            name,
        )
    }
}

/// For whom the answer of `by` counts: see [`DecisionRecord::for_whom`].
pub fn for_whom(
    by: &str,
    on_behalf_of: Option<&str>,
    escalated_to: Option<&str>,
    name: impl Fn(&str) -> String,
) -> String {
    let Some(whom) = on_behalf_of.map(&name) else {
        return String::new();
    };
    match escalated_to {
        None => format!(" for {whom}"),
        Some(one) if one == by => format!(" in the place of {whom}, who had not answered,"),
        Some(one) => format!(" for {}, in the place of {whom}, who had not answered,", name(one)),
    }
}

/// How much somebody's decision counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Weight {
    /// Who.
    pub person: String,
    /// How much, from 1.
    pub weight: u32,
}
