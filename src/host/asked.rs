//! Who hears of a task by mail, when, and how the mail begins.

use super::Host;
use crate::base::id::{RunId, TaskId};
use crate::engine::event::{DecisionRecord, Event};
use crate::engine::view::{AskKind, TaskPhase, TaskView};
use crate::engine::{EventRecord, RunMachine, TaskAct};
use crate::store::OutboxMail;

impl Host {
    /// The mails about a task that the first of `events` calls for; the others came after it and are not told of yet.
    pub(super) fn task_mails(&self, run: &RunId, machine: &RunMachine, events: &[EventRecord]) -> Vec<OutboxMail> {
        let Some((record, later)) = events.split_first() else {
            return Vec::new();
        };
        let view = task_of(&record.event).and_then(|task| machine.task(task));
        let Some(view) = view.filter(|view| view.phase == TaskPhase::Open) else {
            return Vec::new();
        };
        let mut people = told(&record.event, &view);
        people.retain(|person| !later.iter().any(|one| asks(&one.event, &view.id, person)));
        if people.is_empty() {
            return Vec::new();
        }
        let (subject, text) = self.task_words(machine, &view, words(&record.event, view.kind));
        let key = format!("task:{}:{}", view.id, record.seq);
        self.mail_each(run, &key, &people, &subject, &text, record.at)
    }
}

/// The task that an event is about, where somebody may have to hear of it.
fn task_of(event: &Event) -> Option<&TaskId> {
    match event {
        Event::TaskAssigned { task, .. }
        | Event::TaskActed { task, .. }
        | Event::DecisionRecorded { task, .. }
        | Event::DecisionsVoided { task, .. } => Some(task),
        _ => None,
    }
}

/// Who hears of the task by this event. Where people decide one after the other, nobody does before their turn.
fn told(event: &Event, view: &TaskView) -> Vec<String> {
    let mut people = match event {
        Event::DecisionRecorded { record, .. } => next_after(record, view),
        // whoever may no longer decide is not asked anew
        Event::DecisionsVoided { decided, .. } => {
            let asked = decided.iter().filter(|person| view.people.contains(person));
            asked.cloned().collect()
        }
        // a question is for whoever is asked, whatever their turn
        Event::TaskActed {
            act: TaskAct::Remark { to, .. },
            ..
        } => return to.iter().cloned().collect(),
        // what was assigned to one of them the others hear of only now
        Event::TaskActed {
            by,
            act: TaskAct::Release { .. },
            ..
        } => given_back(by, view),
        _ => newly_asked(event),
    };
    if let Some(turn) = &view.turn {
        people.retain(|person| !turn.later.contains(person));
    }
    people
}

/// Who hears of a task that `by` gave back: nobody where all were asked before, or somebody else gives it back
/// who took it since.
fn given_back(by: &String, view: &TaskView) -> Vec<String> {
    let Some(had) = &view.given_to else {
        return Vec::new();
    };
    if by != had && view.people.contains(by) {
        return Vec::new();
    }
    view.people.iter().filter(|person| *person != had).cloned().collect()
}

/// Whose turn it is by this decision, where people decide one after the other.
fn next_after(record: &DecisionRecord, view: &TaskView) -> Vec<String> {
    let Some(turn) = &view.turn else {
        return Vec::new();
    };
    // whoever joined or only has a veto waits for nobody, and nobody waits for them
    let whose = record.on_behalf_of.as_ref().unwrap_or(&record.by);
    let is_newest = view.decided.last() == Some(record);
    if is_newest && turn.order.contains(whose) {
        turn.now.clone()
    } else {
        Vec::new()
    }
}

/// Whether an event asks `person` about the task.
fn asks(event: &Event, task: &TaskId, person: &String) -> bool {
    matches!(event, Event::TaskAssigned { .. }) && task_of(event) == Some(task) && newly_asked(event).contains(person)
}

/// Who is asked by this event. Those who are stood in for are too: they may answer.
fn newly_asked(event: &Event) -> Vec<String> {
    match event {
        Event::TaskAssigned {
            assigned_to: Some(person),
            ..
        } => vec![person.clone()],
        Event::TaskAssigned {
            people, veto, deputies, ..
        } => {
            let deputies = deputies.iter().map(|one| &one.by);
            people.iter().chain(veto).chain(deputies).cloned().collect()
        }
        Event::TaskActed {
            act: TaskAct::Delegate { to, .. } | TaskAct::Reassign { to, .. },
            ..
        } => vec![to.clone()],
        _ => Vec::new(),
    }
}

/// What a mail about a task begins with, by what happened.
const fn words(event: &Event, kind: AskKind) -> &'static str {
    match (event, kind) {
        (
            Event::TaskActed {
                act: TaskAct::Remark { .. },
                ..
            },
            _,
        ) => "You are asked a question",
        (Event::DecisionsVoided { .. }, _) => "There is a newer version, and you are asked again",
        (Event::DecisionRecorded { .. }, _) => "It is your turn to decide",
        (_, AskKind::Approve) => "You are asked to decide",
        (_, AskKind::Review) => "You are asked to read",
        (_, AskKind::Todo) => "There is something to do",
        (_, AskKind::Form) => "You are asked to fill in a form",
    }
}
