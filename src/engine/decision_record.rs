//! A recorded decision of one person, with the person for whom it counts.

use crate::base::{LocalAccess, Timestamp, Value, Via};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;

/// One decision of one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionRecord {
    /// The person who decided, as `user:anna`.
    pub by: String,
    /// The person for whom they decided, if not for themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// The person to whom the task was escalated, if the decision replaces that of somebody who was
    /// asked and had not answered. Either this person or their deputy decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated_to: Option<String>,
    /// What.
    pub decision: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// SHA-256 of the version that they saw, if the task has a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The form values that they entered, by field name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub form: Map<String, Value>,
    /// The operating system account that decided as this person, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalAccess>,
    /// The id of the API token that it was made with, where that was so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl DecisionRecord {
    /// Through what it was made, where that is known.
    pub fn via(&self) -> Option<Via> {
        let token = self.token.clone().map(Via::Token);
        token.or_else(|| self.local.clone().map(Via::Local))
    }

    /// Everybody in it: who answered, for whom, and who was escalated to.
    pub fn persons(&self) -> impl Iterator<Item = &String> {
        let others = [&self.on_behalf_of, &self.escalated_to];
        std::iter::once(&self.by).chain(others.into_iter().flatten())
    }

    /// Whether this is the answer of `person`, given by themselves or by a deputy. False for a
    /// person whose place was taken by escalation.
    pub fn is_answer_of(&self, person: &str) -> bool {
        let whose = self.escalated_to.as_ref().or(self.on_behalf_of.as_ref());
        self.by == person || whose.is_some_and(|one| one == person)
    }

    /// A phrase such as ` for Anna` that follows the name of the person who answered; empty if they
    /// answered for themselves. `name` returns the display name of a person.
    pub fn for_whom(&self, name: impl Fn(&str) -> String) -> String {
        for_whom(
            &self.by,
            self.on_behalf_of.as_deref(),
            self.escalated_to.as_deref(),
            name,
        )
    }
}

/// A phrase that says for whom the answer of `by` counts: see [`DecisionRecord::for_whom`].
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

/// The weight of a person's decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Weight {
    /// Who.
    pub person: String,
    /// The weight, at least 1.
    pub weight: u32,
}
