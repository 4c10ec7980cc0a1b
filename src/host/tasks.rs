//! Tasks: look and decide.

use super::{Host, HostError};
use crate::base::id::TaskId;
use crate::engine::{Decision, Reply};
use crate::store::TaskRow;
use std::sync::Arc;

impl Host {
    /// Open tasks of a person (`user:anna`), or of everybody, oldest first.
    pub async fn open_tasks(&self, person: Option<&str>) -> Result<Vec<TaskRow>, HostError> {
        let _ = person;
        todo!()
    }

    /// One task.
    pub async fn task(&self, task: &TaskId) -> Result<TaskRow, HostError> {
        let _ = task;
        todo!()
    }

    /// Decides a task: the only way in, whatever the door. When this returns, it is durable.
    pub async fn decide(self: &Arc<Self>, decision: Decision) -> Result<Reply, HostError> {
        let _ = decision;
        todo!()
    }
}
