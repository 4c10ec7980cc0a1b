//! Tasks: look and decide.

use super::{Host, HostError};
use crate::base::id::TaskId;
use crate::engine::{Decision, Input, Refusal, Reply};
use crate::store::TaskRow;
use std::sync::Arc;

/// Longest reason of a decision, in characters.
pub const REASON_CHARS: usize = 10_000;

impl Host {
    /// Open tasks of a person (`user:anna`), or of everybody, oldest first.
    pub async fn open_tasks(&self, person: Option<&str>) -> Result<Vec<TaskRow>, HostError> {
        Ok(self.parts().store.open_tasks(person).await?)
    }

    /// One task.
    pub async fn task(&self, task: &TaskId) -> Result<TaskRow, HostError> {
        self.parts()
            .store
            .task(task)
            .await?
            .ok_or_else(|| HostError::NotFound(format!("task {task}")))
    }

    /// Decides a task: the only way in, whatever the door. When this returns, it is durable.
    pub async fn decide(self: &Arc<Self>, decision: Decision) -> Result<Reply, HostError> {
        if decision
            .reason
            .as_ref()
            .is_some_and(|reason| reason.chars().count() > REASON_CHARS)
        {
            return Err(HostError::Invalid(format!(
                "the reason is longer than {REASON_CHARS} characters"
            )));
        }
        let task = self.parts().store.task(&decision.task).await?;
        let task = task.ok_or(HostError::Refused(Refusal::NoSuchTask))?;
        self.drive(&task.run, Input::Decide(decision), Vec::new()).await
    }
}
