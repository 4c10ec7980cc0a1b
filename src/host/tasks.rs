//! Tasks: look and decide.

use super::{Host, HostError};
use crate::base::id::TaskId;
use crate::engine::{Acting, Decision, Input, Refusal, Reply, TaskAct};
use crate::space::names;
use crate::store::TaskRow;
use std::sync::Arc;

/// Longest reason of a decision, in characters.
pub const REASON_CHARS: usize = 10_000;

/// Whether somebody's reason can stand in a journal and on a terminal.
pub(super) fn check_reason(reason: Option<&str>) -> Result<(), HostError> {
    let Some(reason) = reason else { return Ok(()) };
    if reason.chars().count() > REASON_CHARS {
        return Err(HostError::Invalid(format!(
            "the reason is longer than {REASON_CHARS} characters"
        )));
    }
    names::check_text(reason).map_err(|error| HostError::Invalid(format!("the reason: {error}")))
}

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
        check_reason(decision.reason.as_deref())?;
        let task = self.parts().store.task(&decision.task).await?;
        let task = task.ok_or(HostError::Refused(Refusal::NoSuchTask))?;
        self.drive(&task.run, Input::Decide(decision), Vec::new()).await
    }

    /// Does something else about a task. Persons may be named as flows name them.
    pub async fn act(self: &Arc<Self>, mut acting: Acting) -> Result<Reply, HostError> {
        if let TaskAct::Delegate { of, to, reason } | TaskAct::Reassign { of, to, reason } = &mut acting.act {
            check_reason(reason.as_deref())?;
            *of = self.one_person(of)?;
            *to = self.one_person(to)?;
        }
        if let TaskAct::Remark { to: Some(to), .. } = &mut acting.act {
            *to = self.one_person(to)?;
        }
        if let TaskAct::Release { reason } = &acting.act {
            check_reason(reason.as_deref())?;
        }
        let task = self.parts().store.task(&acting.task).await?;
        let task = task.ok_or(HostError::Refused(Refusal::NoSuchTask))?;
        self.drive(&task.run, Input::Act(acting), Vec::new()).await
    }
}
