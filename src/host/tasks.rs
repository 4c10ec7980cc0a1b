//! Tasks: look and decide.

use super::touched::own_id;
use super::{Host, HostError};
use crate::base::id::TaskId;
use crate::base::{Actor, Via};
use crate::engine::{Acting, Decision, Input, Refusal, Reply, TaskAct};
use crate::space::names;
use crate::store::{TaskRow, TaskState};
use std::cmp::Ordering;
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
    names::check_text(reason).map_err(|error| HostError::Invalid(error.of("the reason")))
}

/// Which task comes after the one that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// The next one of the same run.
    SameRun,
    /// The next one of the same step, of whatever run.
    SameStep,
}

/// The order of a list of tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// What is urgent first, then what is due first, then the oldest.
    #[default]
    Priority,
    /// What is due first.
    Due,
    /// The oldest first.
    Oldest,
    /// The newest first.
    Newest,
}

impl Order {
    /// Puts tasks, the oldest first as they are, in this order.
    pub fn sort(self, tasks: &mut [TaskRow]) {
        tasks.sort_by(|one, other| self.compare(one, other));
    }

    /// Which of two tasks comes first; of equal ones the older as the store lists them.
    pub fn compare(self, one: &TaskRow, other: &TaskRow) -> Ordering {
        let due = |task: &TaskRow| (task.due.is_none(), task.due, task.opened_at);
        match self {
            Self::Priority => (one.priority, due(one)).cmp(&(other.priority, due(other))),
            Self::Due => due(one).cmp(&due(other)),
            Self::Oldest => one.opened_at.cmp(&other.opened_at),
            Self::Newest => other.opened_at.cmp(&one.opened_at),
        }
    }
}

impl Host {
    /// Open tasks of a person (`user:anna`), or of everybody, oldest first.
    pub async fn open_tasks(&self, person: Option<&str>) -> Result<Vec<TaskRow>, HostError> {
        Ok(self.parts().store.open_tasks(person).await?)
    }

    /// The open tasks that ask `person` something, as the directory is now, oldest first.
    pub async fn tasks_of(self: &Arc<Self>, person: &str) -> Result<Vec<TaskRow>, HostError> {
        let tasks = self.parts().store.open_tasks(Some(person)).await?;
        let mut tasks = self.up_to_date(tasks, Some(person)).await?;
        let since = self.earlier_until(person);
        tasks.retain(|task| task.state == TaskState::Open && task.asks(person, since));
        Ok(tasks)
    }

    /// One task, if `person` may look at it as the directory is now: it asks them something, they have answered it, or
    /// its flow lets them see it.
    pub async fn task_shown_to(self: &Arc<Self>, person: &str, task: &TaskId) -> Result<Option<TaskRow>, HostError> {
        let tasks = self.up_to_date(vec![self.task(task).await?], None).await?;
        let since = self.earlier_until(person);
        let is_shown = |task: &TaskRow| task.is_shown_to(person, since) || self.watches(person, task);
        Ok(tasks.into_iter().find(is_shown))
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

    /// Open tasks that `person` sees without being asked, because their flows say so.
    pub async fn watched_tasks(&self, person: &str) -> Result<Vec<TaskRow>, HostError> {
        let mut tasks = self.parts().store.open_tasks(None).await?;
        tasks.retain(|task| self.watches(person, task) && task.listed_for().all(|one| one != person));
        Ok(tasks)
    }

    /// Whether the flow lets `person` see the task although nobody asks them.
    pub fn watches(&self, person: &str, task: &TaskRow) -> bool {
        let (untaken, taken) = (&task.visible.untaken, &task.visible.taken);
        // the flow lets them see what is to be done, and not what somebody answered
        task.state == TaskState::Open && self.is_one_of(person, if task.claimed_by.is_some() { taken } else { untaken })
    }

    /// Takes and starts the next task for `person` after they answered `answered`: of the same run, or
    /// of the same step in any run, whichever element it is of. Nothing where there is none, or where it cannot be
    /// had: the answer counts all the same.
    pub async fn next_task(
        self: &Arc<Self>,
        person: impl Into<Actor>,
        answered: &TaskId,
        next: Next,
    ) -> Option<TaskId> {
        let taken = self.take_next(person.into(), answered, next).await;
        taken.unwrap_or_else(|error| {
            tracing::warn!(%answered, %error, "the next task could not be taken");
            None
        })
    }

    async fn take_next(
        self: &Arc<Self>,
        person: Actor,
        answered: &TaskId,
        next: Next,
    ) -> Result<Option<TaskId>, HostError> {
        let before = self.task(answered).await?;
        let fits = |task: &TaskRow| match next {
            Next::SameRun => task.run == before.run,
            Next::SameStep => task.flow == before.flow && own_id(&task.step) == own_id(&before.step),
        };
        let mut tasks = self.parts().store.open_tasks(Some(&person.principal)).await?;
        tasks.retain(|task| task.id != *answered && fits(task));
        Order::Priority.sort(&mut tasks);
        for task in tasks {
            let start = Acting {
                task: task.id.clone(),
                by: person.principal.clone(),
                admin: false,
                act: TaskAct::Start,
            };
            match self.act_via(start, person.via.clone()).await {
                Ok(_) => return Ok(Some(task.id)),
                // somebody else was faster, or they only help with it
                Err(HostError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Does something else about a task. Persons may be named as flows name them.
    pub async fn act(self: &Arc<Self>, acting: Acting) -> Result<Reply, HostError> {
        self.act_via(acting, None).await
    }

    /// The same for what a person does `via` something.
    pub async fn act_via(self: &Arc<Self>, mut acting: Acting, via: Option<Via>) -> Result<Reply, HostError> {
        if let TaskAct::Delegate { of, to, reason } | TaskAct::Reassign { of, to, reason, .. } = &mut acting.act {
            check_reason(reason.as_deref())?;
            // the person whose place it is may have left the directory; the task knows who was
            // asked
            *of = self.one_person(of).unwrap_or_else(|_| self.directory().canonical(of));
            *to = self.one_person(to)?;
        }
        if let TaskAct::Remark { to: Some(to), .. } = &mut acting.act {
            *to = self.one_person(to)?;
        }
        match &acting.act {
            TaskAct::Release { reason } | TaskAct::Resume { reason } => check_reason(reason.as_deref())?,
            TaskAct::Remark { text, .. } => {
                names::check_text(text).map_err(|error| HostError::Invalid(error.of("the remark")))?;
            }
            TaskAct::Suspend { reason } | TaskAct::Skip { reason } | TaskAct::Redo { reason } => {
                check_reason(Some(reason))?;
            }
            _ => {}
        }
        let task = self.parts().store.task(&acting.task).await?;
        let task = task.ok_or(HostError::Refused(Refusal::NoSuchTask))?;
        self.drive_via(&task.run, Input::Act(acting), Vec::new(), via).await
    }
}
