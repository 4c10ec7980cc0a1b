//! Tasks: look and decide.

use super::{Host, HostError};
use crate::base::id::TaskId;
use crate::engine::{Acting, Decision, Input, Refusal, Reply, TaskAct};
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
        too_long(decision.reason.as_deref())?;
        let task = self.parts().store.task(&decision.task).await?;
        let task = task.ok_or(HostError::Refused(Refusal::NoSuchTask))?;
        self.drive(&task.run, Input::Decide(decision), Vec::new()).await
    }

    /// Does something else about a task. Persons may be named as flows name them.
    pub async fn act(self: &Arc<Self>, mut acting: Acting) -> Result<Reply, HostError> {
        if let TaskAct::Delegate { of, to, reason } | TaskAct::Reassign { of, to, reason } = &mut acting.act {
            too_long(reason.as_deref())?;
            *of = self.one_person(of)?;
            *to = self.one_person(to)?;
        }
        if let TaskAct::Release { reason } = &acting.act {
            too_long(reason.as_deref())?;
        }
        let task = self.parts().store.task(&acting.task).await?;
        let task = task.ok_or(HostError::Refused(Refusal::NoSuchTask))?;
        self.drive(&task.run, Input::Act(acting), Vec::new()).await
    }
}

/// Refuses a reason that is longer than it may be.
fn too_long(reason: Option<&str>) -> Result<(), HostError> {
    if reason.is_some_and(|reason| reason.chars().count() > REASON_CHARS) {
        return Err(HostError::Invalid(format!(
            "the reason is longer than {REASON_CHARS} characters"
        )));
    }
    Ok(())
}
