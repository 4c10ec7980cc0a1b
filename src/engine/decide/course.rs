//! The course of a task by people: it rests and goes on, the flow goes on past it, it is done again.

use super::super::event::DecisionRecord;
use super::super::input::{Acting, Refusal, Reply};
use super::super::limits::MAX_REDONE;
use super::super::state::{Phase, Task};
use super::super::view::TaskPhase;
use super::Decider;
use super::detour::{allowed, by_admin};
use crate::plan::{Detour, PlanAsk};

impl Task {
    /// Refuses what cannot be done while the task rests.
    pub(super) fn check_rests(&self) -> Result<(), Refusal> {
        match &self.suspended {
            None => Ok(()),
            Some(rest) => Err(Refusal::Suspended {
                at: rest.at,
                reason: rest.reason.clone(),
            }),
        }
    }

    /// Whether it rests by this person.
    pub(super) fn rests_by(&self, person: &str) -> bool {
        self.suspended.as_ref().is_some_and(|rest| rest.by == person)
    }
}

pub(super) fn suspend(task: &Task, acting: &Acting, reason: &str) -> Result<Reply, Refusal> {
    if task.rests_by(&acting.by) {
        return Ok(Reply::AlreadyDone);
    }
    task.check_rests()?;
    needs_reason(reason, "suspending a task")?;
    holder_or_admin(task, acting, reason)
}

pub(super) fn resume(task: &Task, acting: &Acting, reason: Option<&str>) -> Result<Reply, Refusal> {
    match &task.suspended {
        None => Ok(Reply::AlreadyDone),
        Some(rest) if rest.by == acting.by => Ok(Reply::Accepted),
        Some(_) if acting.admin => by_admin(acting, reason, "resuming what somebody else let rest"),
        Some(_) => Err(Refusal::NotAllowed(
            "only whoever let the task rest lets it go on, or an administrator",
        )),
    }
}

pub(super) fn skip(task: &Task, ask: &PlanAsk, acting: &Acting, reason: &str) -> Result<Reply, Refusal> {
    needs_reason(reason, "skipping a task")?;
    if !acting.admin {
        task.check_rests()?;
        if !ask.settles_alone() {
            return Err(Refusal::NotAllowed(
                "several people answer this task: only an administrator skips it",
            ));
        }
    }
    holder_or_admin(task, acting, reason)
}

/// Whether it is one of those who could answer now, or an administrator. `reason` is not empty.
fn holder_or_admin(task: &Task, acting: &Acting, reason: &str) -> Result<Reply, Refusal> {
    let taken = task.holder().is_some_and(|holder| *holder != acting.by);
    if task.seat_of(&acting.by).is_some() && !taken {
        return Ok(Reply::Accepted);
    }
    by_admin(acting, Some(reason), "it")
}

fn needs_reason(reason: &str, what: &str) -> Result<(), Refusal> {
    if reason.trim().is_empty() {
        return Err(Refusal::ReasonMissing(what.to_owned()));
    }
    Ok(())
}

impl Decider<'_> {
    /// Whether the step of a settled task can be done again.
    pub(super) fn check_redo(&self, task: &Task, ask: &PlanAsk, acting: &Acting, reason: &str) -> Result<(), Refusal> {
        let answered = |record: &DecisionRecord| record.is_answer_of(&acting.by);
        if !acting.admin && !task.decisions.iter().any(answered) && task.seat_of(&acting.by).is_none() {
            return Err(Refusal::NoSuchTask);
        }
        allowed(ask, Detour::Redo)?;
        needs_reason(reason, "doing a task again")?;
        if !acting.admin && !task.decisions.iter().any(answered) {
            return Err(Refusal::NotAllowed(
                "only whoever answered the task has it done again, or an administrator",
            ));
        }
        if !self.state().is_running() {
            return Err(Refusal::NotAllowed("the run is over: nothing of it is done again"));
        }
        match &task.phase {
            TaskPhase::Open => return Err(Refusal::NotAllowed("the task is open: answer it")),
            TaskPhase::Withdrawn => return Err(Refusal::TaskClosed("withdrawn".to_owned())),
            TaskPhase::Settled(_) => {}
        }
        let step = self.state().get(task.slot).filter(|step| step.round == task.round);
        let Some(step) = step.filter(|step| matches!(step.phase, Phase::Finished(_))) else {
            return Err(Refusal::NotAllowed("that round is over: a later one took its place"));
        };
        if step.redone >= MAX_REDONE {
            return Err(Refusal::NotAllowed(
                "the step was done again ten times, which is as often as it may be",
            ));
        }
        Ok(())
    }
}
