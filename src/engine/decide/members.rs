//! Decides what changes in an open task when the directory changes.

use super::super::event::{Event, Weight};
use super::super::input::Reply;
use super::super::members::Members;
use super::super::state::Task;
use super::super::view::TaskPhase;
use super::Decider;
use super::ask::may;
use super::rule::is_stuck;
use crate::base::id::TaskId;

/// Beginning of the incident text when too few people are left for a task.
const TOO_FEW_LEFT: &str = "Too few of the people who were asked are left";
/// Resolution of such an incident when enough people can answer again.
pub(in super::super) const ENOUGH: &str = "enough_people";
/// The actor that resolves it.
const SYSTEM: &str = "gatefold";

impl Decider<'_> {
    /// Updates the people of an open task from the directory.
    pub(super) fn members(&mut self, id: &TaskId, now: &Members) -> Reply {
        let at = self.state().task_index.get(id).copied();
        let open = at.filter(|at| {
            let task = &self.state().tasks[*at];
            task.phase == TaskPhase::Open && !task.unassigned
        });
        let Some(at) = open else { return Reply::AlreadyDone };
        let Some(changed) = changed(&self.state().tasks[at], now) else {
            return Reply::AlreadyDone;
        };
        self.emit(changed);
        self.settle_task(at);
        self.look_at_places(at);
        Reply::Accepted
    }

    /// Raises an incident if too few people can still answer, and resolves it if enough can again.
    pub(super) fn look_at_places(&mut self, at: usize) {
        let task = &self.state().tasks[at];
        if task.phase != TaskPhase::Open || task.unassigned {
            return;
        }
        let (slot, name) = (task.slot, self.id(task.slot));
        let tasks = self.state().tasks_at(slot);
        let is_stuck = |at: &usize| {
            let task = &self.state().tasks[*at];
            task.asked(self.plan).is_some_and(|ask| is_stuck(task, ask))
        };
        if let Some(stuck) = tasks.iter().find(|at| is_stuck(at)) {
            let error = too_few_left(&self.state().tasks[*stuck]);
            return self.raise(slot, &error, false, 0);
        }
        let incident = self.state().incidents.get(&name);
        if incident.is_some_and(|incident| incident.error.starts_with(TOO_FEW_LEFT)) {
            self.emit(Event::IncidentResolved {
                step: name,
                how: ENOUGH.to_owned(),
                by: SYSTEM.to_owned(),
                reason: "Enough people can answer the task again.".to_owned(),
            });
        }
    }
}

fn too_few_left(task: &Task) -> String {
    let gone: Vec<&str> = task.empty_places().map(String::as_str).collect();
    format!(
        "{TOO_FEW_LEFT}: {} can no longer answer. Hand their place on with `gatefold tasks reassign {} --of PERSON`, or \
         change people.yaml and retry the step.",
        gone.join(", "),
        task.id
    )
}

/// The event that records the differences, if there are any.
fn changed(task: &Task, now: &Members) -> Option<Event> {
    let exclude: Vec<String> = now
        .exclude
        .iter()
        .filter(|one| !task.exclude.contains(one))
        .cloned()
        .collect();
    let barred = |person: &String| {
        now.absent.contains(person)
            || !may(person, now.only.as_deref())
            || task.exclude.contains(person)
            || exclude.contains(person)
    };
    let is_meant = |person: &String| {
        [&now.people, &now.veto, &now.escalated]
            .into_iter()
            .any(|list| list.contains(person))
    };
    let is_lost = |person: &String| {
        task.members.resolved.contains(person) && !task.members.placed.contains(person) && !is_meant(person)
    };
    // a person who is represented by hand keeps their place although they cannot answer themselves
    let is_new = |person: &&String| !task.has_left(person);
    let everybody = task.everybody();
    let left: Vec<String> = everybody
        .iter()
        .filter(is_new)
        .filter(|one| barred(one) || is_lost(one))
        .cloned()
        .collect();
    let comes = |list: &[String]| -> Vec<String> {
        let fresh = |person: &&String| !everybody.contains(person) && !task.members.resolved.contains(person);
        let returns = |person: &&String| task.has_left(person) && !left.contains(person);
        let coming = list.iter().filter(|person| fresh(person) || returns(person));
        coming.filter(|person| !barred(person)).cloned().collect()
    };
    let mut people = comes(&now.people);
    let by_hand = task.members.gone.iter().map(|one| &one.person);
    let by_hand =
        by_hand.filter(|person| task.members.placed.contains(person) && !barred(person) && !people.contains(person));
    let by_hand: Vec<String> = by_hand.cloned().collect();
    people.extend(by_hand);
    let (veto, joined) = (comes(&now.veto), comes(&now.escalated));
    let only = now
        .only
        .clone()
        .filter(|_| is_other(task.only.as_deref(), now.only.as_deref()));
    if left.is_empty()
        && people.is_empty()
        && veto.is_empty()
        && joined.is_empty()
        && exclude.is_empty()
        && only.is_none()
    {
        return None;
    }
    let is_added = |weight: &&Weight| people.contains(&weight.person);
    Some(Event::TaskMembersChanged {
        task: task.id.clone(),
        weights: now.weights.iter().filter(is_added).cloned().collect(),
        people,
        veto,
        joined,
        left,
        only,
        exclude,
    })
}

/// Whether two lists name different people, regardless of order.
fn is_other(before: Option<&[String]>, now: Option<&[String]>) -> bool {
    let (before, now) = (before.unwrap_or_default(), now.unwrap_or_default());
    before.iter().any(|one| !now.contains(one)) || now.iter().any(|one| !before.contains(one))
}
