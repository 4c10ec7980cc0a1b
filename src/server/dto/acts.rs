//! What is done about a task beside answering it, and about a step in the place of the run.

use crate::base::{Timestamp, Value};
use crate::engine::event::{Draft, Started, Suspension};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;

/// What a failed step came to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetStepBody {
    /// One of the step's outcomes; without it, the one that goes on.
    #[serde(default)]
    pub outcome: Option<String>,
    /// What it gives: what its action gives, by name.
    #[serde(default)]
    pub output: Map<String, Value>,
    /// In a sentence; it goes into the journal.
    pub reason: String,
}

/// A task that rests.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskRest {
    /// Who lets it rest.
    pub by: String,
    /// Since when.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

impl From<Suspension> for TaskRest {
    fn from(rest: Suspension) -> Self {
        Self {
            by: rest.by,
            at: rest.at,
            reason: rest.reason,
        }
    }
}

/// Somebody who works on a task.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskStart {
    /// Who.
    pub by: String,
    /// Since when.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl From<Started> for TaskStart {
    fn from(started: Started) -> Self {
        Self {
            by: started.by,
            at: started.at,
        }
    }
}

/// What was filled in and kept before the answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskDraft {
    /// Who kept it last.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// By the names of the fields.
    pub form: Map<String, Value>,
}

impl From<Draft> for TaskDraft {
    fn from(draft: Draft) -> Self {
        Self {
            by: draft.by,
            at: draft.at,
            form: draft.form,
        }
    }
}

/// What is filled in and kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveBody {
    /// By the names of the fields; what was kept of others stays.
    pub form: Map<String, Value>,
}

/// Somebody else for a task.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOnBody {
    /// Who, as `user:ben`.
    pub to: String,
    /// In whose place; without it, in the caller's own.
    #[serde(default)]
    pub of: Option<String>,
    /// Why; administrators need one.
    #[serde(default)]
    pub reason: Option<String>,
    /// For handing over: whether they begin anew, and what was kept is forgotten.
    #[serde(default)]
    pub afresh: bool,
}

/// Why a task is given back.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseBody {
    /// Administrators need one.
    #[serde(default)]
    pub reason: Option<String>,
}
