//! Runs: start, look, watch, cancel, retry, skip.

use super::{Host, HostError};
use crate::base::Value;
use crate::base::id::RunId;
use crate::engine::EventRecord;
use crate::store::{RunFilter, RunRow};
use std::sync::Arc;

/// How a run is started.
#[derive(Clone, Debug, PartialEq)]
pub struct StartRun {
    /// The flow.
    pub flow: String,
    /// Its inputs, as an object.
    pub inputs: Value,
    /// Who starts it, as `user:anna` or `trigger:webhook`.
    pub initiator: String,
    /// `manual`, `webhook` or `event`.
    pub trigger: String,
    /// The same key starts one run, however often it is sent: scope and key.
    pub once: Option<(String, String)>,
}

/// A run with its steps, as people see it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct RunView {
    /// How it stands.
    pub run: RunRow,
    /// Its steps in the order of the file.
    pub steps: Vec<StepView>,
    /// Inputs.
    pub inputs: Value,
    /// Outputs, once it ended.
    pub outputs: Option<Value>,
}

/// A step as people see it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct StepView {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// `pending`, `active`, `finished`, `skipped`, `not_reached`, `incident`.
    pub state: String,
    /// Its outcome.
    pub outcome: Option<String>,
    /// Its round, from 1.
    pub round: u32,
    /// When it expires.
    pub due: Option<crate::base::Timestamp>,
    /// What is wrong, where a person must look.
    pub error: Option<String>,
}

impl Host {
    /// Starts a run. When this returns, its start is durable. With `once`, a second call gives
    /// the first run.
    pub async fn start_run(self: &Arc<Self>, start: StartRun) -> Result<RunId, HostError> {
        let _ = start;
        todo!()
    }

    /// One run.
    pub async fn run_view(&self, run: &RunId) -> Result<RunView, HostError> {
        let _ = run;
        todo!()
    }

    /// Runs, newest first.
    pub async fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, HostError> {
        let _ = filter;
        todo!()
    }

    /// The journal of a run after position `after`, at most `limit` lines.
    pub async fn journal(&self, run: &RunId, after: u64, limit: usize) -> Result<Vec<EventRecord>, HostError> {
        let _ = (run, after, limit);
        todo!()
    }

    /// Told of every durable event of every run from now on. A slow listener misses some and must
    /// read the journal again.
    pub fn watch(&self) -> tokio::sync::broadcast::Receiver<Arc<EventRecord>> {
        todo!()
    }

    /// Cancels a run.
    pub async fn cancel_run(self: &Arc<Self>, run: &RunId, by: &str, reason: &str) -> Result<(), HostError> {
        let _ = (run, by, reason);
        todo!()
    }

    /// Tries a failed step again.
    pub async fn retry_step(
        self: &Arc<Self>,
        run: &RunId,
        step: &str,
        by: &str,
        reason: &str,
    ) -> Result<(), HostError> {
        let _ = (run, step, by, reason);
        todo!()
    }

    /// Goes on past a failed step.
    pub async fn skip_step(self: &Arc<Self>, run: &RunId, step: &str, by: &str, reason: &str) -> Result<(), HostError> {
        let _ = (run, step, by, reason);
        todo!()
    }
}
