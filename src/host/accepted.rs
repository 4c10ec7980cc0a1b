//! Accepted rights of flow versions, with which their runs act.

use super::{Host, HostError, lock};
use crate::base::{FlowRights, Timestamp};
use crate::plan::Plan;
use crate::plan::rights::rights_of;
use crate::store::{Deployment, StoreError, Write};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Scope of the keys for stored rights; the key is the hash of the plan.
const SCOPE: &str = "accepted_rights";
/// The actor recorded for versions that were deployed before rights existed.
const UPGRADE: &str = "system:upgrade";

/// Rights by the hash of the plan.
pub(super) type RightsByPlan = Mutex<HashMap<String, Arc<FlowRights>>>;

/// The accepted rights of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The rights.
    pub rights: FlowRights,
    /// The person who accepted them: the deployer or the second person.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Host {
    /// The write that records the rights of a version as accepted.
    pub(super) fn accept(plan: &Plan, by: &str, at: Timestamp) -> Write {
        let accepted = Accepted {
            rights: rights_of(plan),
            by: by.to_owned(),
            at,
        };
        Write::Once {
            scope: SCOPE.to_owned(),
            key: plan.hash.clone(),
            value: serde_json::to_string(&accepted).expect("rights are plain data"),
            digest: None,
            until: None,
        }
    }

    /// Caches the rights that were just accepted.
    pub(super) fn remember_rights(&self, plan: &Plan) {
        lock(&self.rights_by_plan).insert(plan.hash.clone(), Arc::new(rights_of(plan)));
    }

    /// The recorded rights for the plan with this hash, if any.
    pub(super) async fn rights_accepted(&self, hash: &str) -> Result<Option<Accepted>, HostError> {
        let found = self.parts().store.used_for(SCOPE, hash).await?;
        let read = found.map(|used| serde_json::from_str(&used.value)).transpose();
        read.map_err(|error| {
            let why = format!("the rights of version {hash} cannot be read: {error}");
            HostError::Store(StoreError::Damaged(why))
        })
    }

    /// The rights with which runs of this version act.
    pub(super) async fn rights(&self, plan: &Plan) -> Result<Arc<FlowRights>, HostError> {
        if let Some(known) = lock(&self.rights_by_plan).get(&plan.hash) {
            return Ok(Arc::clone(known));
        }
        let accepted = self.rights_accepted(&plan.hash).await?;
        // one that is not recorded was deployed before rights were accepted
        let rights = accepted.map_or_else(|| rights_of(plan), |accepted| accepted.rights);
        let rights = Arc::new(rights);
        lock(&self.rights_by_plan).insert(plan.hash.clone(), Arc::clone(&rights));
        Ok(rights)
    }

    /// The rights of the flow version that new runs use.
    pub async fn rights_in_force(&self, flow: &str) -> Result<Arc<FlowRights>, HostError> {
        let plan = self.latest_plan(flow).await?;
        self.rights(&plan).await
    }

    /// Records rights for every version that was deployed before rights existed: those that its
    /// text names.
    pub(super) async fn record_earlier_rights(&self) -> Result<(), HostError> {
        let store = &self.parts().store;
        for latest in store.deployments().await? {
            for deployment in store.deployments_of(&latest.flow).await? {
                if !store.is_used(SCOPE, &deployment.hash).await? {
                    self.record_rights_of(deployment).await?;
                }
            }
        }
        Ok(())
    }

    async fn record_rights_of(&self, deployment: Deployment) -> Result<(), HostError> {
        let (flow, version) = (deployment.flow.clone(), deployment.version.clone());
        match self.compiled(deployment).await {
            Ok(plan) => {
                let accepted = Self::accept(&plan, UPGRADE, self.now());
                self.commit_alone(vec![accepted]).await?;
                tracing::info!(
                    flow,
                    version,
                    "the rights that this version names were recorded as accepted"
                );
            }
            Err(error @ HostError::Damaged { .. }) => {
                tracing::warn!(flow, version, %error, "the rights of this version could not be recorded");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
