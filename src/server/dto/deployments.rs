//! Deployments that wait for a second person, as the API shows them.

use crate::base::rights::FlowChange;
use crate::base::{FlowRight, Timestamp};
use crate::host::propose::{Pending, PendingAnswer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A change of a flow, as data and in words.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Change {
    /// The change as data.
    #[serde(flatten)]
    pub change: FlowChange,
    /// The same in words.
    pub words: String,
    /// Whether it is one for which a second person is asked.
    pub risky: bool,
}

impl From<FlowChange> for Change {
    fn from(change: FlowChange) -> Self {
        Self {
            words: change.to_string(),
            risky: change.is_risky(),
            change,
        }
    }
}

/// A right of a flow, as data and in words.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Right {
    /// The right as data.
    #[serde(flatten)]
    pub right: FlowRight,
    /// The same in words.
    pub words: String,
}

/// What was said of a deployment.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DeploymentAnswer {
    /// Who answered.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Why, where something was said.
    pub reason: Option<String>,
}

impl From<PendingAnswer> for DeploymentAnswer {
    fn from(answer: PendingAnswer) -> Self {
        Self {
            by: answer.by,
            at: answer.at,
            reason: answer.reason,
        }
    }
}

/// A version of a flow that waits for a second person, or waited.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PendingDeployment {
    /// Its id.
    pub id: String,
    /// The flow.
    pub flow: String,
    /// The version.
    pub version: String,
    /// `pending`, `accepted` or `rejected`.
    pub state: String,
    /// The version that it was compared with; nothing where the flow is new.
    pub replaces: Option<String>,
    /// Who deployed it.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What it does differently from the version before it.
    pub changes: Vec<Change>,
    /// All rights of the version.
    pub rights: Vec<Right>,
    /// The answer, once there is one.
    pub answer: Option<DeploymentAnswer>,
    /// The text, where one deployment is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl From<Pending> for PendingDeployment {
    fn from(pending: Pending) -> Self {
        let state = pending.state().to_owned();
        let right = |right: FlowRight| Right {
            words: right.to_string(),
            right,
        };
        Self {
            id: pending.id,
            flow: pending.flow,
            version: pending.version,
            state,
            replaces: pending.replaces,
            by: pending.by,
            at: pending.at,
            changes: pending.changes.into_iter().map(Change::from).collect(),
            rights: pending.rights.0.into_iter().map(right).collect(),
            answer: pending.answer.map(DeploymentAnswer::from),
            source: None,
        }
    }
}

/// Why a deployment shall not be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectBody {
    /// The reason, for the deployer.
    pub reason: String,
}
