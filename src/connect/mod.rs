//! The port of all that a flow can call.
//!
//! Three kinds of action, by what they do to the world. A pure one computes. A local one is a
//! function from what the store holds to what it shall hold: its writes commit together with the
//! journal event that records it. An outside one leaves the process: the journal event that
//! announces it is durable before, and its idempotency key is the same for every try.

pub mod hosts;
pub mod links;
pub mod mail;
pub mod passwords;
pub mod registry;

pub use links::Links;
pub use mail::{Mailer, OutgoingMail};
pub use registry::{Handler, Registered, Registry};

use crate::base::id::RunId;
use crate::base::{Calendar, FlowRight, FlowRights, Semantics, Timestamp, Value};
use crate::store::{Store, Write};
use std::sync::Arc;

/// What a call knows of its surroundings.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// The run. In its first transaction the store does not hold it yet.
    pub run: RunId,
    /// The name of its flow.
    pub flow: String,
    /// The step.
    pub step: String,
    /// The idempotency key: the same for every try of the same work.
    pub key: String,
    /// The try, from 1.
    pub attempt: u32,
    /// Now.
    pub now: Timestamp,
    /// Who started the run.
    pub initiator: String,
    /// The rights with which the flow acts.
    pub rights: Arc<FlowRights>,
    /// Working time of the flow, if it names a calendar.
    pub calendar: Option<Calendar>,
    /// The evaluation rules that the run follows.
    pub semantics: Semantics,
}

impl CallContext {
    /// Refuses a right that was not accepted when the flow was deployed.
    pub fn check(&self, right: &FlowRight) -> Result<(), ActionError> {
        if self.rights.include(right) {
            return Ok(());
        }
        let flow = &self.flow;
        Err(ActionError::Permanent(format!(
            "flow {flow} has no accepted right to {right}: deploy a version that names it"
        )))
    }
}

/// Why a call failed, by what can be done about it. Messages are stored and shown: no secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// Trying again may help.
    #[error("{0}")]
    Transient(String),
    /// Trying again will not help.
    #[error("{0}")]
    Permanent(String),
    /// It is not known whether the effect happened.
    #[error("{0}")]
    InDoubt(String),
}

/// What a local action does: its output and its writes.
#[derive(Clone, Debug)]
pub struct LocalEffect {
    /// The output.
    pub output: Value,
    /// What the store shall hold, in the same transaction as the journal event.
    pub writes: Vec<Write>,
}

/// An action on what the store holds.
#[async_trait::async_trait]
pub trait LocalAction: Send + Sync {
    /// Decides what to write. Nothing is written where this fails. It may be asked again where
    /// somebody else was faster.
    async fn call(&self, cx: &CallContext, store: &dyn Store, input: Value) -> Result<LocalEffect, ActionError>;
}

/// An action that leaves the process.
#[async_trait::async_trait]
pub trait OutsideAction: Send + Sync {
    /// Does it. Secrets are in `input` by now; they must not reach errors, logs or the output.
    async fn call(&self, cx: &CallContext, input: Value) -> Result<Value, ActionError>;

    /// Whether this very call may be made twice, for an action that not every input lets repeat.
    fn is_repeatable(&self, _input: &Value) -> bool {
        false
    }
}

/// Reads an action's input. The flow was checked against the same schema, so a failure here
/// comes from a value that was only known at run time.
pub fn read_input<T: serde::de::DeserializeOwned>(input: Value) -> Result<T, ActionError> {
    serde_path_to_error::deserialize(input)
        .map_err(|error| ActionError::Permanent(format!("{}: {}", error.path(), error.inner())))
}
