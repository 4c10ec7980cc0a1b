//! Deploying flows: the same verdict as `gatefold lint`.

use super::{Host, HostError};
use crate::base::{Calendars, Diagnostic};
use crate::lint::{self, Flows, Surroundings, Verdict, may_run_others};
use crate::plan::Plan;
use crate::plan::rights::rights_of;
use crate::spec::Catalog;
use crate::spec::TriggerSpec;
use crate::store::{CommitError, Deployment, StoreError, UnitOfWork, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Names of secrets in a flow's text: `secrets.NAME` in braces, and the `secret` of a webhook.
fn secrets_in(source: &str) -> std::collections::BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let code = source.lines().filter(|line| !line.trim_start().starts_with('#'));
    code.flat_map(|line| {
        ["secrets.", "secret: "]
            .into_iter()
            .flat_map(move |mark| line.split(mark).skip(1))
    })
    .map(|rest| rest.split(|c| !is_name(c)).next().unwrap_or_default())
    .filter(|name| !name.is_empty())
    .collect()
}

/// What keeps this build from starting a flow that an older one deployed.
#[derive(Debug)]
pub struct Broken {
    /// In a sentence.
    pub why: String,
    /// What is found in its text now.
    pub findings: Vec<Diagnostic>,
}

impl Host {
    /// What runs of a flow need and this installation does not have, a sentence each: secrets, and settings that nobody
    /// has given.
    pub async fn lacking(&self, deployment: &Deployment) -> Result<Vec<String>, HostError> {
        let mut lacking = self.missing_secrets(deployment);
        let plan = self.plan(&deployment.hash).await?;
        lacking.extend(self.forbidden(&plan));
        match self.settings_for(&plan).await {
            Err(HostError::BadSettings { problems }) => {
                lacking.extend(problems.iter().map(|(name, why)| format!("the setting {name} {why}")));
            }
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        Ok(lacking)
    }

    fn missing_secrets(&self, deployment: &Deployment) -> Vec<String> {
        let names = secrets_in(&deployment.source);
        let reserved = &self.parts.policy.secrets.reserved;
        let missing = names
            .into_iter()
            .filter(|name| !self.parts.secrets.contains_key(*name) && !reserved.contains(*name));
        let sentence = |name: &str| {
            format!(
                "the secret {name} is not there: set GATEFOLD_SECRET_{name}, or put it into secrets/{name} of the data folder, and start anew"
            )
        };
        missing.map(sentence).collect()
    }

    /// Why runs of a flow may not use secrets that it names, one sentence each. Bindings may have
    /// changed since the flow was deployed.
    fn forbidden(&self, plan: &Plan) -> Vec<String> {
        let rights = rights_of(plan);
        let forbidden = rights
            .0
            .iter()
            .filter_map(|right| self.parts.policy.forbids(&plan.flow, right));
        forbidden.collect()
    }

    /// Says which secrets of a flow are not there: a run would find out half-way.
    pub(super) fn warn_of_missing_secrets(&self, deployment: &Deployment) {
        for sentence in self.missing_secrets(deployment) {
            tracing::warn!(flow = deployment.flow, "{sentence}");
        }
    }

    /// Warns of missing secrets, and of secrets that a binding forbids, for the latest version of
    /// every flow.
    pub(super) async fn warn_of_all_missing_secrets(&self) -> Result<(), HostError> {
        for deployment in self.parts.store.deployments().await? {
            self.warn_of_missing_secrets(&deployment);
            if secrets_in(&deployment.source).is_empty() {
                continue;
            }
            let flow = deployment.flow.clone();
            if let Ok(plan) = self.plan_of(deployment).await {
                for sentence in self.forbidden(&plan) {
                    tracing::warn!(flow, "{sentence}");
                }
            }
        }
        Ok(())
    }

    pub(super) fn deployment_of(&self, plan: &Plan, source: &str, by: &str) -> Deployment {
        let used = plan.calendar.as_ref();
        let calendars: Calendars = self
            .parts
            .calendars
            .clone()
            .into_iter()
            .filter(|(_, one)| Some(one) == used)
            .collect();
        Deployment {
            flow: plan.flow.clone(),
            version: plan.version.clone(),
            hash: plan.hash.clone(),
            source: source.to_owned(),
            calendars,
            semantics: plan.semantics,
            by: by.to_owned(),
            at: self.now(),
        }
    }

    /// The verdict on a flow, reached on a thread of its own: a large one takes a while, and nobody
    /// else shall wait for it.
    pub(super) async fn check(&self, name: &str, source: &str) -> Result<Verdict, HostError> {
        let (name, source) = (name.to_owned(), source.to_owned());
        let (catalog, calendars) = (self.catalog.clone(), self.parts.calendars.clone());
        let people = self.directory();
        let secrets = self.parts().policy.secrets.clone();
        let others = self.flows_named_in(&source).await?;
        let check = move || {
            let mut surroundings = Surroundings {
                catalog: &catalog,
                calendars: &calendars,
                people: Some(&*people),
                flows: None,
                secrets: Some(&secrets),
            };
            let mut flows = Flows::default();
            for other in &others {
                if let Some(outline) = lint::outline(&other.flow, &other.source, surroundings) {
                    flows.add(Arc::new(outline));
                }
            }
            if may_run_others(&source) {
                if let Some(own) = lint::outline(&name, &source, surroundings) {
                    flows.add(Arc::new(own));
                }
                surroundings.flows = Some(&flows);
            }
            lint::check(&name, &source, surroundings)
        };
        tokio::task::spawn_blocking(check)
            .await
            .map_err(|error| broke_off(&error))
    }

    /// Every version of the flows that the text may run, and of those that they may run.
    async fn flows_named_in(&self, source: &str) -> Result<Vec<Deployment>, HostError> {
        let mut found = Vec::new();
        if !may_run_others(source) {
            return Ok(found);
        }
        let mut left = self.parts.store.deployments().await?;
        let mut texts = vec![source.to_owned()];
        while let Some(text) = texts.pop() {
            let (named, others): (Vec<_>, _) = left.into_iter().partition(|one| text.contains(&one.flow));
            left = others;
            for latest in named {
                found.extend(self.parts.store.deployments_of(&latest.flow).await?);
                texts.extend(may_run_others(&latest.source).then_some(latest.source));
            }
        }
        Ok(found)
    }

    /// The latest deployment of every flow, by name.
    pub async fn flows(&self) -> Result<Vec<Deployment>, HostError> {
        Ok(self.parts.store.deployments().await?)
    }

    /// The latest deployment of a flow, and what keeps this build from starting it, where something does. Where there is
    /// none of that name, the nearest is told.
    pub async fn flow_meant(&self, flow: &str) -> Result<(Deployment, Option<Broken>), HostError> {
        let Some(deployment) = self.parts.store.latest_deployment(flow).await? else {
            return Err(self.no_flow(flow).await?);
        };
        let why = match self.plan_of(deployment.clone()).await {
            Err(HostError::Damaged { why, .. }) => why,
            Err(error) => return Err(error),
            Ok(_) => return Ok((deployment, None)),
        };
        let (catalog, broken) = (self.catalog.clone(), deployment.clone());
        let findings = tokio::task::spawn_blocking(move || deployed(&catalog, &broken).findings);
        let findings = findings.await.map_err(|error| broke_off(&error))?;
        Ok((deployment, Some(Broken { why, findings })))
    }

    /// The plan of a flow for whoever may see which flows there are: where there is none of that name, the nearest is told.
    pub async fn plan_meant(&self, flow: &str) -> Result<Arc<Plan>, HostError> {
        let found = self.latest_plan(flow).await;
        if !matches!(found, Err(HostError::NotFound(_))) {
            return found;
        }
        Err(self.no_flow(flow).await?)
    }

    /// The plan of the latest deployment of a flow.
    pub async fn latest_plan(&self, flow: &str) -> Result<Arc<Plan>, HostError> {
        if let Some(plan) = super::lock(&self.latest).get(flow) {
            return Ok(Arc::clone(plan));
        }
        let deployment = self.parts.store.latest_deployment(flow).await?;
        let deployment = deployment.ok_or_else(|| HostError::NotFound(format!("flow {flow}")))?;
        let plan = self.plan_of(deployment).await?;
        // somebody may have deployed a newer one meanwhile; that one stays
        Ok(Arc::clone(
            super::lock(&self.latest).entry(flow.to_owned()).or_insert(plan),
        ))
    }

    /// The latest plans of the flows whose triggers are `meant`, by name. A flow that this build
    /// cannot compile is told of once at each start and left out.
    pub(super) async fn plans_triggered(
        &self,
        meant: impl Fn(&TriggerSpec) -> bool + Send,
    ) -> Result<Vec<Arc<Plan>>, HostError> {
        if !self.all_latest_known.load(Ordering::Acquire) {
            for deployment in self.parts.store.deployments().await? {
                if let Err(error) = self.latest_plan(&deployment.flow).await {
                    tracing::error!(flow = deployment.flow, %error, "nothing but people can start this flow");
                }
            }
            self.all_latest_known.store(true, Ordering::Release);
        }
        let mut plans: Vec<Arc<Plan>> = super::lock(&self.latest)
            .values()
            .filter(|plan| meant(&plan.triggers))
            .cloned()
            .collect();
        plans.sort_by(|a, b| a.flow.cmp(&b.flow));
        Ok(plans)
    }

    /// The plan that a run is pinned to.
    pub async fn plan(&self, hash: &str) -> Result<Arc<Plan>, HostError> {
        if let Some(plan) = self.known_plan(hash) {
            return Ok(plan);
        }
        let deployment = self.parts.store.deployment(hash).await?;
        let deployment = deployment.ok_or_else(|| HostError::NotFound(format!("deployment {hash}")))?;
        self.plan_of(deployment).await
    }

    /// The plan of a deployment, from memory or compiled.
    async fn plan_of(&self, deployment: Deployment) -> Result<Arc<Plan>, HostError> {
        if let Some(plan) = self.known_plan(&deployment.hash) {
            return Ok(plan);
        }
        let text_bytes = deployment.source.len();
        let plan = self.compiled(deployment).await?;
        Ok(self.remember_plan(plan, text_bytes))
    }

    /// Compiles a deployment in its original environment, on a separate thread.
    pub(super) async fn compiled(&self, deployment: Deployment) -> Result<Plan, HostError> {
        let catalog = self.catalog.clone();
        let compile = move || {
            let plan = deployed(&catalog, &deployment).plan;
            let damaged = |why: String| HostError::Damaged {
                what: format!("flow {} {}", deployment.flow, deployment.version),
                why,
            };
            if !deployment.semantics.is_known() {
                return Err(damaged(format!(
                    "it follows the evaluation rules {}, which this build does not know: start a newer build",
                    deployment.semantics
                )));
            }
            let plan = plan.filter(|plan| plan.hash == deployment.hash);
            let plan =
                plan.ok_or_else(|| damaged("what was deployed can no longer be compiled by this build".to_owned()))?;
            Ok(Plan {
                semantics: deployment.semantics,
                ..plan
            })
        };
        tokio::task::spawn_blocking(compile)
            .await
            .map_err(|error| broke_off(&error))?
    }

    fn known_plan(&self, hash: &str) -> Option<Arc<Plan>> {
        self.plans.get(hash)
    }

    /// Caches a plan. If the cache is full, evicts unused plans, and drops waiting runs from memory
    /// so that theirs become unused.
    pub(super) fn remember_plan(&self, plan: Plan, text_bytes: usize) -> Arc<Plan> {
        let plan = self.plans.put(plan, text_bytes);
        self.plans.make_room();
        if self.plans.are_too_many() {
            self.slots.forget_idle();
            self.plans.make_room();
        }
        plan
    }

    /// Commits what is not about a run.
    pub(super) async fn commit_alone(&self, writes: Vec<Write>) -> Result<(), HostError> {
        self.parts
            .store
            .commit(UnitOfWork { run: None, writes })
            .await
            .map_err(|error| match error {
                CommitError::Store(error) => HostError::Store(error),
                CommitError::Conflict { what } => {
                    HostError::Conflict(format!("{what} was changed at the same time: look again and repeat"))
                }
                CommitError::Duplicate { mark, .. } => HostError::Conflict(format!("{mark} was done before")),
            })
    }
}

/// What this build finds in what was deployed, in the surroundings that it was deployed in.
fn deployed(catalog: &Catalog, deployment: &Deployment) -> Verdict {
    let surroundings = Surroundings {
        catalog,
        calendars: &deployment.calendars,
        people: None,
        flows: None,
        secrets: None,
    };
    lint::check(&deployment.flow, &deployment.source, surroundings)
}

fn broke_off(error: &tokio::task::JoinError) -> HostError {
    HostError::Store(StoreError::Failed(format!("checking the flow broke off: {error}")))
}

#[cfg(test)]
mod tests {
    use super::secrets_in;
    use crate::spec::run::order_of_version as number;

    #[test]
    fn secrets_are_found_where_a_flow_names_them() {
        let source = "on: { webhook: { secret: HOOK_SECRET } }\n# secrets.OLD\n\
                      a: ${{ secrets.ERP_TOKEN }}\nb: \"${{ secrets.A1 }}\"\nc: my secret: none\n";
        let found: Vec<&str> = secrets_in(source).into_iter().collect();
        assert_eq!(found, ["A1", "ERP_TOKEN", "HOOK_SECRET"]);
    }

    #[test]
    fn versions_are_ordered_as_numbers() {
        assert!(number("1.10.0") > number("1.9.9") && number("2.0.0") > number("1.99.0"));
    }
}
