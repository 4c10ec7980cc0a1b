//! Runs that steps of other runs start: each begins once, tells its parent of its end, and is
//! cancelled where the parent no longer wants it.
//!
//! Invariant: the id of such a run follows from the step and its round, so that no crash in
//! between can start two.

use super::documents::Giver;
use super::drive::Stop;
use super::lineage::Descent;
use super::runs::StartRun;
use super::{Host, HostError, inputs};
use crate::base::Value;
use crate::base::id::RunId;
use crate::connect::ActionError;
use crate::engine::{Failure, Input, Parent, Refusal};
use crate::plan::Plan;
use crate::plan::run::{CANCEL_ACTION, START_ACTION};
use crate::spec::run::{admits, order_of_version};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Most runs that stand inside each other, the outermost one included.
pub const MAX_NESTED: u32 = 16;

/// What starts a run from a step.
pub(super) const TRIGGER: &str = "run";

/// What a step calls [`START_ACTION`] with.
#[derive(Deserialize)]
struct Wanted {
    flow: String,
    version: Option<String>,
    with: Value,
}

/// What a step calls [`CANCEL_ACTION`] with.
#[derive(Deserialize)]
struct Unwanted {
    run: RunId,
}

/// What the calls of a run about other runs need to know of it.
pub(super) struct Caller {
    pub run: RunId,
    pub step: String,
    /// The key of the work.
    pub key: String,
    pub initiator: String,
    /// How many runs stand above it.
    pub depth: u32,
    /// Whether the step is one of those that runs take at their end.
    pub is_always: bool,
}

/// Whether the host does it itself.
pub(super) fn is_about_runs(action: &str) -> bool {
    action == START_ACTION || action == CANCEL_ACTION
}

impl Host {
    /// Does what a step wants of another run.
    pub(super) async fn about_run(
        self: &Arc<Self>,
        caller: &Caller,
        action: &str,
        input: Value,
    ) -> Result<Value, Failure> {
        let done = if action == START_ACTION {
            self.start_child(caller, input).await
        } else {
            self.cancel_child(caller, input).await
        };
        done.map_err(|error| super::drive::failure(&error))
    }

    async fn start_child(self: &Arc<Self>, caller: &Caller, input: Value) -> Result<Value, ActionError> {
        let wanted: Wanted = crate::connect::read_input(input)?;
        let child = RunId::derived(&caller.key);
        self.one_child(caller, &child, wanted).await.map_err(unclear)?;
        let row = self
            .parts()
            .store
            .run(&child)
            .await
            .map_err(|error| unclear(error.into()))?;
        Ok(json!({ "run": child, "version": row.map(|row| row.version) }))
    }

    async fn one_child(self: &Arc<Self>, caller: &Caller, child: &RunId, wanted: Wanted) -> Result<(), HostError> {
        match self.parts().store.run(child).await? {
            Some(_) => Ok(()),
            None => self.begin_child(caller, child, wanted).await,
        }
    }

    async fn begin_child(self: &Arc<Self>, caller: &Caller, child: &RunId, wanted: Wanted) -> Result<(), HostError> {
        let depth = caller.depth + 1;
        if depth >= MAX_NESTED {
            return Err(HostError::Invalid(format!(
                "{MAX_NESTED} runs stand inside each other, which is as many as may: look for flows that run each \
                 other in a circle"
            )));
        }
        self.check_wanted(caller).await?;
        let plan = self.plan_admitted(&wanted.flow, wanted.version.as_deref()).await?;
        let mut start = StartRun {
            flow: wanted.flow,
            inputs: wanted.with,
            initiator: caller.initiator.clone(),
            trigger: TRIGGER.to_owned(),
            ..StartRun::default()
        };
        start.cause = self.person_behind(&start).await?;
        let parent = Parent {
            run: caller.run.clone(),
            step: caller.step.clone(),
            depth,
        };
        let given = self
            .with_documents(&plan, &start.inputs, &Giver::Step(&caller.run))
            .await?;
        let checked = inputs::check(&plan.inputs, &given, plan.calendar.is_some(), plan.semantics);
        let checked = checked.map_err(|problems| HostError::BadInputs { problems })?;
        let settings = self.settings_for(&plan).await?;
        let descent = self.descend(&caller.run, child, Some(caller)).await?;
        let (host, child) = (Arc::clone(self), child.clone());
        self.to_its_end(format!("run {child}"), async move {
            let Descent { writes, place } = descent;
            let begun = host
                .begin_run(&plan, &child, &start, Some(parent), (checked, settings), writes)
                .await;
            match begun {
                // the id comes of the step's key, so the run that is there was begun by the same step, which was faster
                Err(Stop::Conflict | Stop::Duplicate(_)) if host.parts().store.run(&child).await?.is_some() => Ok(()),
                Err(Stop::Conflict | Stop::Duplicate(_)) => Err(HostError::Conflict(
                    "others changed the same files at the same time: repeat".to_owned(),
                )),
                Err(Stop::Host(error)) => Err(error),
                Ok(()) => {
                    place.keep();
                    Ok(())
                }
            }
        })
        .await
    }

    /// The plan that a run of `flow` takes, of the versions that are admitted: the newest.
    async fn plan_admitted(&self, flow: &str, range: Option<&str>) -> Result<Arc<Plan>, HostError> {
        let Some(range) = range else {
            return self.latest_plan(flow).await;
        };
        let deployments = self.parts().store.deployments_of(flow).await?;
        let admitted = deployments.into_iter().filter(|one| admits(range, &one.version));
        match admitted.max_by_key(|one| order_of_version(&one.version)) {
            Some(deployment) => self.plan(&deployment.hash).await,
            None => Err(HostError::NotFound(format!("version {range} of flow {flow}"))),
        }
    }

    async fn cancel_child(self: &Arc<Self>, caller: &Caller, input: Value) -> Result<Value, ActionError> {
        let Unwanted { run } = crate::connect::read_input(input)?;
        let cancel = Input::Cancel {
            by: format!("run:{}", caller.run),
            reason: format!("step {} of run {} no longer wants it", caller.step, caller.run),
        };
        match self.drive(&run, cancel, Vec::new()).await {
            Ok(_) | Err(HostError::Refused(Refusal::RunEnded(_))) => Ok(json!({})),
            Err(error) => Err(unclear(error)),
        }
    }
}

/// Whether it can help to try again.
fn unclear(error: HostError) -> ActionError {
    match error {
        HostError::Store(_) | HostError::Conflict(_) | HostError::ShuttingDown => {
            ActionError::Transient(error.to_string())
        }
        _ => ActionError::Permanent(error.to_string()),
    }
}
