//! API representation of pending deployments.

use crate::base::rights::FlowChange;
use crate::base::{FlowRight, Timestamp};
use crate::host::propose::{Pending, PendingAnswer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A change of a flow, as data and as text.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Change {
    /// The change as data.
    #[serde(flatten)]
    pub change: FlowChange,
    /// A description for people.
    pub words: String,
    /// Whether the change makes the deployment risky.
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

/// A right of a flow, as data and as text.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Right {
    /// The right as data.
    #[serde(flatten)]
    pub right: FlowRight,
    /// A description for people.
    pub words: String,
}

/// The answer to a pending deployment.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DeploymentAnswer {
    /// Who answered.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The reason, if one was given.
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

/// A pending deployment: a version that waits, or waited, for a second person.
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
    /// The version with which it was compared; absent if the flow is new.
    pub replaces: Option<String>,
    /// Who deployed it.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The differences from the version that it replaces.
    pub changes: Vec<Change>,
    /// All rights of the version.
    pub rights: Vec<Right>,
    /// The answer, once there is one.
    pub answer: Option<DeploymentAnswer>,
    /// The flow's text; only when a single deployment is requested.
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

/// The body of a rejection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectBody {
    /// The reason, for the deployer.
    pub reason: String,
}
