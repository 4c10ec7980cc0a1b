//! What people do about tasks beside answering them, as tests say it.

use crate::base::{Actor, Value};
use crate::engine::TaskAct;
use crate::host::by_hand::SetStep;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Map;

/// Something else that a person does about a task beside answering it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Act")]
pub struct ActSpec {
    /// Who: a user name or an address.
    pub by: String,
    /// What.
    #[serde(rename = "do")]
    pub what: ActWord,
    /// The step that asks. Without it, the only task that the person has.
    pub step: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What they keep, by the names of the fields.
    #[serde(default)]
    pub form: Map<String, Value>,
}

/// What a person says that a failed step came to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Set")]
pub struct SetSpec {
    /// The step.
    pub step: String,
    /// Who, by user name.
    pub by: String,
    /// Why.
    pub reason: String,
    /// What it came to. Without it, the outcome that goes on.
    pub outcome: Option<String>,
    /// What it gives.
    #[serde(default)]
    pub output: Map<String, Value>,
}

impl SetSpec {
    pub(super) fn of(&self, by: String) -> SetStep {
        SetStep {
            step: self.step.clone(),
            outcome: self.outcome.clone(),
            output: self.output.clone(),
            by: Actor::from(&by),
            reason: self.reason.clone(),
        }
    }
}

/// What else people do about a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActWord {
    /// Work on it from now on.
    Start,
    /// Keep `form`, what is filled in so far.
    Save,
    /// Let it rest.
    Suspend,
    /// Let it go on.
    Resume,
    /// Have the flow go on past the step.
    Skip,
    /// Have the step done again.
    Redo,
}

impl ActSpec {
    /// What they do.
    pub(super) fn act(&self) -> TaskAct {
        let why = || self.reason.clone().unwrap_or_default();
        match self.what {
            ActWord::Start => TaskAct::Start,
            ActWord::Save => TaskAct::Save {
                form: self.form.clone(),
            },
            ActWord::Suspend => TaskAct::Suspend { reason: why() },
            ActWord::Resume => TaskAct::Resume {
                reason: self.reason.clone(),
            },
            ActWord::Skip => TaskAct::Skip { reason: why() },
            ActWord::Redo => TaskAct::Redo { reason: why() },
        }
    }
}
