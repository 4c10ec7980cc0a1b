//! The runs that somebody means by names: where none fits, a name that nothing has is told, with the nearest.

use super::{Host, HostError};
use crate::base::diagnostic::nearest;
use crate::base::id::RunId;
use crate::plan::Plan;
use crate::store::{RunFilter, RunRow};

impl Host {
    /// Runs that fit, newest first, and the one to go on after where there may be more. With `step`, those whose
    /// plan has such a step; it is named by its id, or by its full name in an element.
    ///
    /// # Errors
    /// [`HostError::NotFound`] where none fits at all and there is no such flow, version or step;
    /// [`HostError::Invalid`] for a step without its flow.
    pub async fn runs_meant(
        &self,
        filter: &RunFilter,
        step: Option<&str>,
    ) -> Result<(Vec<RunRow>, Option<RunId>), HostError> {
        if step.is_some() && filter.flow.is_none() {
            return Err(HostError::Invalid(
                "a step is one of a flow: name the flow too".to_owned(),
            ));
        }
        let mut rows = self.list_runs(filter).await?;
        let next = rows.last().filter(|_| rows.len() == filter.limit);
        let next = next.map(|row| row.id.clone());
        if let Some(step) = step {
            let mut fitting = Vec::with_capacity(rows.len());
            for row in rows {
                // of a plan that this build cannot read nobody knows that it lacks the step
                if self.plan(&row.plan).await.map_or(true, |plan| has_step(&plan, step)) {
                    fitting.push(row);
                }
            }
            rows = fitting;
        }
        if rows.is_empty() && filter.before.is_none() {
            self.check_names(filter, step).await?;
        }
        Ok((rows, next))
    }

    async fn check_names(&self, filter: &RunFilter, step: Option<&str>) -> Result<(), HostError> {
        let Some(flow) = &filter.flow else { return Ok(()) };
        let mut versions = self.parts().store.deployments_of(flow).await?;
        let Some(latest) = self.parts().store.latest_deployment(flow).await? else {
            return Err(self.no_flow(flow).await?);
        };
        if let Some(version) = &filter.version {
            if versions.iter().all(|one| one.version != *version) {
                let near = nearest(version, versions.iter().map(|one| one.version.as_str()));
                let near = near.map_or(format!("; the latest is {}", latest.version), meant);
                return Err(HostError::NotFound(format!("version {version} of flow {flow}{near}")));
            }
            versions.retain(|one| one.version == *version);
        }
        let Some(step) = step.filter(|step| !step.contains(':')) else {
            return Ok(());
        };
        let mut plans = Vec::with_capacity(versions.len());
        for version in &versions {
            match self.plan(&version.hash).await {
                Ok(plan) if !has_step(&plan, step) => plans.push(plan),
                // it has the step, or this build cannot tell
                _ => return Ok(()),
            }
        }
        let ids = plans
            .iter()
            .flat_map(|plan| plan.all_steps().map(|one| one.id.as_str()));
        let near = nearest(id_of(step), ids).map_or(String::new(), meant);
        Err(HostError::NotFound(format!("step {step} in flow {flow}{near}")))
    }

    /// What is said of a flow that is not there, with the nearest.
    pub(super) async fn no_flow(&self, flow: &str) -> Result<HostError, HostError> {
        let all = self.flows().await?;
        let near = nearest(flow, all.iter().map(|one| one.flow.as_str())).map_or(String::new(), meant);
        Ok(HostError::NotFound(format!("flow {flow}{near}")))
    }
}

fn meant(near: &str) -> String {
    format!("; did you mean {near}?")
}

/// The id of a step that is named in full, as `departments[3].sign`.
fn id_of(step: &str) -> &str {
    let id = step.rsplit_once('.').map_or(step, |(_, id)| id);
    id.split('[').next().unwrap_or(id)
}

fn has_step(plan: &Plan, step: &str) -> bool {
    // what is taken back has a name of its own, which no plan has
    step.contains(':') || plan.all_steps().any(|one| one.id == id_of(step))
}
