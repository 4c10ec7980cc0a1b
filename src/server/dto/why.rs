//! What a run waits for.

use crate::base::Timestamp;
use crate::engine::{self, Why};
use schemars::JsonSchema;
use serde::Serialize;

/// One thing that a run waits for; at most 200 are told.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Reason {
    /// The step; of an element its full name, as `departments[3].sign`.
    pub step: String,
    /// What people call it.
    pub title: String,
    /// What it waits for.
    pub what: String,
    /// For whom, as `user:anna`; nobody where no person is waited for.
    pub whom: Vec<String>,
    /// Who was added by escalation and has not answered.
    pub escalated: Vec<String>,
    /// In whose place the next of them answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_place_of: Option<String>,
    /// Since when.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Until when, where that is certain.
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// Why then, as `10 business days after it began`, where a step says until when.
    pub because: Option<String>,
    /// What happens then, or what helps.
    pub then: Option<String>,
    /// Who else is told next, where an escalation is still ahead.
    pub escalation: Option<NextEscalation>,
    /// All of it in a sentence, with moments in the zone of the flow's calendar.
    pub sentence: String,
}

/// The next escalation of a step that waits.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NextEscalation {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Who is told, as `role:legal-lead`.
    pub to: Vec<String>,
}

impl Reason {
    /// Everything that is told.
    pub fn all(why: Why) -> Vec<Self> {
        why.reasons.into_iter().map(Self::from).collect()
    }
}

impl From<engine::Reason> for Reason {
    fn from(reason: engine::Reason) -> Self {
        Self {
            sentence: reason.to_string(),
            step: reason.step,
            title: reason.title,
            what: reason.what,
            whom: reason.whom,
            escalated: reason.escalated,
            in_place_of: reason.place,
            since: reason.since,
            until: reason.until,
            because: reason.because,
            then: reason.then,
            escalation: reason.escalation.map(|next| NextEscalation {
                at: next.at,
                to: next.to,
            }),
        }
    }
}
