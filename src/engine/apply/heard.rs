//! Who has heard of a task: everybody who could answer it at some moment, and by which event. It follows from what
//! happened to the task, so that nobody is asked by two mails, and nobody by none.

use super::super::event::{Event, TaskAct};
use super::super::state::Task;
use super::super::view::TaskPhase;
use super::Applier;
use crate::base::id::TaskId;
use crate::plan::{Plan, PlanAsk};

impl Applier<'_> {
    /// After `event`, those who can answer `id` now and did not know of it hear of it.
    pub(super) fn hear(&mut self, id: &TaskId, event: &Event) {
        let (plan, seq) = (self.plan, self.state.seq);
        let at = self.state.task_index.get(id);
        let Some(task) = at.and_then(|at| self.state.tasks.get_mut(*at)) else {
            return;
        };
        if !may_widen(event, task, plan) {
            return;
        }
        let able: Vec<String> = able(task, plan).into_iter().cloned().collect();
        let in_order = task.asked(plan).is_some_and(PlanAsk::in_order);
        if in_order && matches!(event, Event::DecisionsVoided { .. }) {
            // it begins with the first again, and the others hear of the new version when it is their turn
            task.heard.retain(|(person, _)| able.contains(person));
        }
        let has_heard = |person: &String| task.heard.iter().any(|(one, _)| one == person);
        let new = able.into_iter().filter(|person| !has_heard(person));
        let new: Vec<(String, u64)> = new.map(|person| (person, seq)).collect();
        task.heard.extend(new);
    }
}

/// Whether more people than before may be able to answer after the event.
fn may_widen(event: &Event, task: &Task, plan: &Plan) -> bool {
    match event {
        Event::TaskAssigned { .. } | Event::TaskMembersChanged { .. } | Event::DecisionsVoided { .. } => true,
        // the next in order, or the others where whoever has it settled nothing
        Event::DecisionRecorded { .. } => task.claimed_by.is_some() || task.asked(plan).is_some_and(PlanAsk::in_order),
        Event::TaskActed { act, .. } => matches!(
            act,
            TaskAct::Release { .. } | TaskAct::Delegate { .. } | TaskAct::Reassign { .. } | TaskAct::Resume { .. }
        ),
        _ => false,
    }
}

/// Who can answer the task as it is now, each once. Nobody while it rests, or it is not known who is asked.
fn able<'t>(task: &'t Task, plan: &Plan) -> Vec<&'t String> {
    if task.phase != TaskPhase::Open || task.unassigned || task.suspended.is_some() {
        return Vec::new();
    }
    let in_order = task.asked(plan).is_some_and(PlanAsk::in_order);
    let holder = task.holder();
    let is_next = |person: &&String| holder.is_none() && (!in_order || task.is_turn_of(person));
    let asked = task.people.iter().filter(is_next);
    let seats: Vec<&String> = asked.chain(&task.joined).chain(&task.veto).collect();
    let acting = task.deputies.iter().filter(|one| seats.contains(&&one.on_behalf_of));
    let acting = acting
        .filter(|one| !task.has_decided(&one.on_behalf_of))
        .map(|one| &one.by);
    let mut able: Vec<&String> = Vec::with_capacity(seats.len());
    for person in holder.into_iter().chain(seats.iter().copied()).chain(acting) {
        if !able.contains(&person) && !task.exclude.contains(person) && !task.has_decided(person) {
            able.push(person);
        }
    }
    able
}
