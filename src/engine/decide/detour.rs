//! What people do about a task beside answering it: take it, give it back, pass it on.

use super::super::event::{Event, TaskAct};
use super::super::input::{Acting, Refusal, Reply};
use super::super::limits::{MAX_REMARK_CHARS, MAX_REMARKS, MAX_TASK_ACTS};
use super::super::state::Task;
use super::super::view::TaskPhase;
use super::ask::may;
use super::{Decider, course, work};
use crate::base::Semantics;
use crate::plan::{Detour, PlanAsk};

impl Decider<'_> {
    pub(super) fn act(&mut self, acting: Acting) -> Result<Reply, Refusal> {
        let at = self.state().task_index.get(&acting.task).copied();
        let task = at
            .and_then(|at| self.state().tasks.get(at))
            .ok_or(Refusal::NoSuchTask)?;
        let ask = task.asked(self.plan).ok_or(Refusal::NoSuchTask)?;
        let is_in = task.seat_of(&acting.by).is_some() || task.is_consulted(&acting.by) || task.rests_by(&acting.by);
        if let TaskAct::Redo { reason } = &acting.act {
            self.check_redo(task, ask, &acting, reason)?;
            self.emit(Event::TaskActed {
                task: acting.task,
                by: acting.by,
                act: acting.act,
            });
            self.forget_rendered();
            return Ok(Reply::Accepted);
        }
        let has_left = task.phase == TaskPhase::Open && task.has_left(&acting.by);
        if has_left && !acting.admin {
            return Err(Refusal::NoLongerAsked);
        }
        if !is_in && !acting.admin {
            return Err(Refusal::NoSuchTask);
        }
        match &task.phase {
            TaskPhase::Open => {}
            TaskPhase::Settled(outcome) => return Err(Refusal::TaskClosed(outcome.clone())),
            TaskPhase::Withdrawn => return Err(Refusal::TaskClosed("withdrawn".to_owned())),
        }
        if task.timers.due.is_some_and(|due| due <= self.now) {
            return Err(Refusal::TaskClosed("expired".to_owned()));
        }
        if task.acts >= MAX_TASK_ACTS {
            return Err(Refusal::TooManyActs);
        }
        if check(task, ask, &acting, self.state().semantics)? == Reply::AlreadyDone {
            return Ok(Reply::AlreadyDone);
        }
        self.emit(Event::TaskActed {
            task: acting.task,
            by: acting.by,
            act: acting.act,
        });
        if let Some(at) = at {
            self.look_at_places(at);
        }
        Ok(Reply::Accepted)
    }
}

/// Whether it can be done, was done before, or why it cannot.
fn check(task: &Task, ask: &PlanAsk, acting: &Acting, semantics: Semantics) -> Result<Reply, Refusal> {
    match &acting.act {
        TaskAct::Claim => claim(task, ask, &acting.by),
        TaskAct::Start => work::start(task, ask, &acting.by),
        TaskAct::Save { form } => work::save(task, ask, &acting.by, form, semantics),
        TaskAct::Suspend { reason } => {
            allowed(ask, Detour::Suspend)?;
            course::suspend(task, acting, reason)
        }
        TaskAct::Resume { reason } => course::resume(task, acting, reason.as_deref()),
        TaskAct::Skip { reason } => {
            allowed(ask, Detour::Skip)?;
            course::skip(task, ask, acting, reason)
        }
        TaskAct::Redo { .. } => Err(Refusal::NotAllowed("only what is settled is done again")),
        TaskAct::Release { reason } => {
            allowed(ask, Detour::Release)?;
            match task.holder() {
                None => Ok(Reply::AlreadyDone),
                Some(person) if *person == acting.by => Ok(Reply::Accepted),
                Some(_) => by_admin(acting, reason.as_deref(), "release"),
            }
        }
        TaskAct::Remark { text, to, answers } => remark(task, &acting.by, text, to.as_deref(), *answers),
        TaskAct::Delegate { of, to, reason } => {
            allowed(ask, Detour::Delegate)?;
            let same = task.deputies.iter().any(|one| one.by == *to && one.on_behalf_of == *of);
            hand_on(task, acting, of, to, reason.as_deref(), same)
        }
        TaskAct::Reassign { of, to, reason, .. } => {
            allowed(ask, Detour::Reassign)?;
            hand_on(task, acting, of, to, reason.as_deref(), false)
        }
    }
}

fn claim(task: &Task, ask: &PlanAsk, by: &str) -> Result<Reply, Refusal> {
    task.check_rests()?;
    if task.seat_of(by).is_none() {
        return Err(Refusal::NoSuchTask);
    }
    if !ask.settles_alone() {
        return Err(Refusal::NotAllowed(
            "several people answer this task: nobody can take it alone",
        ));
    }
    work::has_not_answered(task, by)?;
    match task.holder() {
        None => Ok(Reply::Accepted),
        Some(person) if person == by => Ok(Reply::AlreadyDone),
        Some(_) => Err(Refusal::Taken),
    }
}

/// Whether it can be said.
fn remark(task: &Task, by: &str, text: &str, to: Option<&str>, answers: Option<u32>) -> Result<Reply, Refusal> {
    let refuse = |why: String| Err(Refusal::BadRemark(why));
    if text.trim().is_empty() {
        return refuse("say something: the remark is empty".to_owned());
    }
    if text.chars().count() > MAX_REMARK_CHARS {
        return refuse(format!("the remark is longer than {MAX_REMARK_CHARS} characters"));
    }
    if task.thread.len() >= MAX_REMARKS {
        return refuse(format!(
            "there are {MAX_REMARKS} remarks, which is as many as a task may have"
        ));
    }
    if to.is_some() && answers.is_some() {
        return refuse("a remark asks or answers, and not both".to_owned());
    }
    if to == Some(by) {
        return refuse("ask somebody else".to_owned());
    }
    let Some(number) = answers else {
        return Ok(Reply::Accepted);
    };
    let question = (number as usize).checked_sub(1).and_then(|at| task.thread.get(at));
    if question.is_none_or(|question| question.to.as_deref() != Some(by)) {
        return refuse(format!("remark {number} asks nothing of you"));
    }
    match task.thread.iter().find(|remark| remark.answers == answers) {
        Some(answer) if answer.text == text => Ok(Reply::AlreadyDone),
        Some(_) => refuse(format!("remark {number} is answered already")),
        None => Ok(Reply::Accepted),
    }
}

/// Whether the place of `of` can go on to `to`.
fn hand_on(
    task: &Task,
    acting: &Acting,
    of: &str,
    to: &str,
    reason: Option<&str>,
    same: bool,
) -> Result<Reply, Refusal> {
    if !task.is_asked(of) && !task.left_a_place(of) {
        return Err(Refusal::NotEligible(format!("{of} is not asked")));
    }
    if acting.by != of {
        by_admin(acting, reason, "passing on the task of somebody else")?;
    }
    if task.has_decided(of) {
        return Err(Refusal::NotEligible(format!("{of} has answered already")));
    }
    if same {
        return Ok(Reply::AlreadyDone);
    }
    let is_excluded = |name: &str| task.exclude.iter().any(|one| one == name);
    let excluded = is_excluded(to) || (is_excluded(of) && !task.left_a_place(of));
    if !may(to, task.only.as_deref()) {
        return Err(Refusal::NotEligible(format!(
            "{to} is not one of those who may answer this task"
        )));
    }
    if excluded {
        return Err(Refusal::NotEligible(format!("{to} may not answer this task")));
    }
    let twice = task.seat_of(to).is_some() || task.decisions.iter().any(|record| record.by == to);
    if twice {
        return Err(Refusal::NotEligible(format!("{to} would count twice")));
    }
    Ok(Reply::Accepted)
}

/// Whether somebody who is not asked may, with a reason.
pub(super) fn by_admin(acting: &Acting, reason: Option<&str>, what: &str) -> Result<Reply, Refusal> {
    if !acting.admin {
        return Err(Refusal::NotAllowed(
            "only the person asked may do that, or an administrator",
        ));
    }
    if reason.is_none_or(|reason| reason.trim().is_empty()) {
        return Err(Refusal::ReasonMissing(what.to_owned()));
    }
    Ok(Reply::Accepted)
}

pub(super) fn allowed(ask: &PlanAsk, detour: Detour) -> Result<(), Refusal> {
    if ask.allow.contains(&detour) {
        return Ok(());
    }
    Err(Refusal::NotAllowed("the flow does not allow that for this task"))
}
