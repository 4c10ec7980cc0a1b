//! What people do to runs by hand: cancel one, and answer its incidents. Each with a reason that the
//! journal keeps.

use super::tasks::check_reason;
use super::{Host, HostError};
use crate::base::Value;
use crate::base::id::RunId;
use crate::engine::Input;
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
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Host {
    /// Cancels a run.
    pub async fn cancel_run(self: &Arc<Self>, run: &RunId, by: &str, reason: &str) -> Result<(), HostError> {
        check_given(reason)?;
        let input = Input::Cancel {
            by: by.to_owned(),
            reason: reason.to_owned(),
        };
        self.drive(run, input, Vec::new()).await.map(|_| ())
    }

    /// Tries a failed step again.
    pub async fn retry_step(
        self: &Arc<Self>,
        run: &RunId,
        step: &str,
        by: &str,
        reason: &str,
    ) -> Result<(), HostError> {
        check_given(reason)?;
        let input = Input::Retry {
            step: step.to_owned(),
            by: by.to_owned(),
            reason: reason.to_owned(),
        };
        self.drive(run, input, Vec::new()).await.map(|_| ())
    }

    /// Goes on past a failed step.
    pub async fn skip_step(self: &Arc<Self>, run: &RunId, step: &str, by: &str, reason: &str) -> Result<(), HostError> {
        check_given(reason)?;
        let input = Input::Skip {
            step: step.to_owned(),
            by: by.to_owned(),
            reason: reason.to_owned(),
        };
        self.drive(run, input, Vec::new()).await.map(|_| ())
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
            by: set.by,
            reason: set.reason,
        };
        self.drive(run, input, Vec::new()).await.map(|_| ())
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
        Err(HostError::Invalid(format!(
            "{action} gives no such thing: {}",
            faults.join("; ")
        )))
    }
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
