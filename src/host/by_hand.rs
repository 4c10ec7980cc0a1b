//! What people do to runs by hand: cancel one, and answer its incidents. Each with a reason that the
//! journal keeps.

use super::slots::Loaded;
use super::tasks::check_reason;
use super::{Host, HostError};
use crate::base::diagnostic::nearest;
use crate::base::id::RunId;
use crate::base::{Actor, Value, Via};
use crate::engine::view::RunPhase;
use crate::engine::{Input, Refusal};
use crate::plan::PlanVerb;
use serde_json::Map;
use std::sync::Arc;

/// What a step came to, as a person says it.
#[derive(Clone, Debug, PartialEq)]
pub struct SetStep {
    /// The step.
    pub step: String,
    /// Its outcome; without it, the one that goes on.
    pub outcome: Option<String>,
    /// What it gives.
    pub output: Map<String, Value>,
    /// Who says so.
    pub by: Actor,
    /// Why.
    pub reason: String,
}

impl Host {
    /// Cancels a run.
    pub async fn cancel_run(
        self: &Arc<Self>,
        run: &RunId,
        by: impl Into<Actor>,
        reason: &str,
    ) -> Result<(), HostError> {
        check_given(reason)?;
        let Actor { principal, via } = by.into();
        let input = Input::Cancel {
            by: principal,
            reason: reason.to_owned(),
        };
        self.drive_via(run, input, Vec::new(), via).await.map(|_| ())
    }

    /// Whether cancelling a run would be refused. Nothing is changed.
    pub async fn try_cancel(&self, run: &RunId) -> Result<(), HostError> {
        match self.looked_at(run, |loaded| loaded.machine.status()).await? {
            RunPhase::Ended { status } => Err(HostError::Refused(Refusal::RunEnded(status))),
            RunPhase::Running | RunPhase::Closing { .. } => Ok(()),
        }
    }

    /// Whether trying a failed step again, or going on past it, would be refused. Nothing is changed.
    pub async fn try_answer(&self, run: &RunId, step: &str) -> Result<(), HostError> {
        self.try_cancel(run).await?;
        let names_it = |loaded: &Loaded| loaded.machine.has_incident_at(step);
        if self.looked_at(run, names_it).await? {
            return Ok(());
        }
        Err(self.no_incident(run, step.to_owned()).await?)
    }

    /// Tries a failed step again.
    pub async fn retry_step(
        self: &Arc<Self>,
        run: &RunId,
        step: &str,
        by: impl Into<Actor>,
        reason: &str,
    ) -> Result<(), HostError> {
        check_given(reason)?;
        let Actor { principal, via } = by.into();
        let input = Input::Retry {
            step: step.to_owned(),
            by: principal,
            reason: reason.to_owned(),
        };
        self.answer_incident(run, input, via).await
    }

    /// Goes on past a failed step.
    pub async fn skip_step(
        self: &Arc<Self>,
        run: &RunId,
        step: &str,
        by: impl Into<Actor>,
        reason: &str,
    ) -> Result<(), HostError> {
        check_given(reason)?;
        let Actor { principal, via } = by.into();
        let input = Input::Skip {
            step: step.to_owned(),
            by: principal,
            reason: reason.to_owned(),
        };
        self.answer_incident(run, input, via).await
    }

    /// Lets a failed step come to what a person says. What it is said to give must be what its action
    /// gives.
    pub async fn set_step(self: &Arc<Self>, run: &RunId, set: SetStep) -> Result<(), HostError> {
        check_given(&set.reason)?;
        let output = Value::Object(set.output);
        self.check_output(run, &set.step, set.outcome.as_deref(), &output)
            .await?;
        let input = Input::Set {
            step: set.step,
            outcome: set.outcome,
            output,
            by: set.by.principal,
            reason: set.reason,
        };
        self.answer_incident(run, input, set.by.via).await
    }

    /// Hands in an answer to an incident.
    async fn answer_incident(self: &Arc<Self>, run: &RunId, input: Input, via: Option<Via>) -> Result<(), HostError> {
        let step = match self.drive_via(run, input, Vec::new(), via).await {
            Err(HostError::Refused(Refusal::NoIncident(step))) => step,
            done => return done.map(|_| ()),
        };
        Err(self.no_incident(run, step).await?)
    }

    /// What is said of a step at which nobody is needed. Where the flow has no such step, the nearest is told.
    async fn no_incident(&self, run: &RunId, step: String) -> Result<HostError, HostError> {
        let plan = self.plan_of_run(run).await?;
        let id = step.rsplit_once('.').map_or(step.as_str(), |(_, id)| id);
        let mut ids = plan.all_steps().map(|one| one.id.as_str());
        if ids.any(|one| one == id) || !is_id(id) {
            return Ok(HostError::Refused(Refusal::NoIncident(step)));
        }
        let near = nearest(id, plan.all_steps().map(|one| one.id.as_str()));
        let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
        Ok(HostError::NotFound(format!("step {step} in this run{near}")))
    }

    /// Whether the step's action gives such a thing. A step that calls nothing, or that is said to have
    /// failed, gives nothing.
    async fn check_output(
        &self,
        run: &RunId,
        step: &str,
        outcome: Option<&str>,
        output: &Value,
    ) -> Result<(), HostError> {
        let plan = self.plan_of_run(run).await?;
        let action = match plan.step(step).map(|step| &step.verb) {
            Some(PlanVerb::Uses { action, .. }) if outcome != Some("failed") => action,
            _ if output.as_object().is_none_or(Map::is_empty) => return Ok(()),
            _ => {
                return Err(HostError::Invalid(format!(
                    "{step} gives nothing then: leave out the output"
                )));
            }
        };
        let Some(registered) = self.parts().registry.get(action) else {
            return Err(HostError::Invalid(format!(
                "there is no action {action} any more: skip the step"
            )));
        };
        let schema = &registered.info.output;
        let validator = jsonschema::draft202012::options().offline().build(schema);
        let validator = validator.map_err(|error| HostError::Invalid(format!("the outputs of {action}: {error}")))?;
        let faults: Vec<String> = validator.iter_errors(output).map(|error| error.to_string()).collect();
        if faults.is_empty() {
            return Ok(());
        }
        let given = schema["properties"].as_object().into_iter().flatten();
        let given: Vec<&str> = given.map(|(name, _)| name.as_str()).collect();
        let given = match given.as_slice() {
            [] => String::new(),
            names => format!("; {step} gives {}", names.join(", ")),
        };
        Err(HostError::Invalid(format!(
            "{action} gives no such thing: {}{given}",
            faults.join("; ")
        )))
    }
}

/// Whether it may be the id of a step, and not the name of something that is taken back.
fn is_id(name: &str) -> bool {
    !name.contains(':')
}

/// Whether there is a reason that a journal can keep.
pub(super) fn check_given(reason: &str) -> Result<(), HostError> {
    if reason.trim().is_empty() {
        return Err(HostError::Invalid(
            "say why: the reason goes into the journal and is empty".to_owned(),
        ));
    }
    check_reason(Some(reason))
}
