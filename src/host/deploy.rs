//! Deploying flows: the same verdict as `gatefold lint`.

use super::{Host, HostError};
use crate::base::Diagnostic;
use crate::plan::Plan;
use crate::store::Deployment;
use std::sync::Arc;

impl Host {
    /// Checks and deploys the flow in `source`. Returns the deployment and its warnings. Deploying
    /// what is deployed already changes nothing; another source under the same version is refused.
    pub async fn deploy(&self, name: &str, source: &str, by: &str) -> Result<(Deployment, Vec<Diagnostic>), HostError> {
        let _ = (name, source, by);
        todo!()
    }

    /// The latest deployment of every flow, by name.
    pub async fn flows(&self) -> Result<Vec<Deployment>, HostError> {
        todo!()
    }

    /// The plan of the latest deployment of a flow.
    pub async fn latest_plan(&self, flow: &str) -> Result<Arc<Plan>, HostError> {
        let _ = flow;
        todo!()
    }

    /// The plan that a run is pinned to.
    pub async fn plan(&self, hash: &str) -> Result<Arc<Plan>, HostError> {
        let _ = hash;
        todo!()
    }
}
