//! Who hears of a task by mail, when, and how the mail begins.

use super::Host;
use super::words::document_command;
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
        let (subject, text) = match &record.event {
            Event::TaskActed {
                by,
                act: TaskAct::Remark { text, .. },
                ..
            } => self.question_words(machine, &view, by, text),
            event => self.task_words(machine, &view, words(event, view.kind)),
        };
        let key = format!("task:{}:{}", view.id, record.seq);
        self.mail_each(run, &key, &people, &subject, &text, record.at)
    }

    /// A question about a task, and how it is answered: whoever is asked it does not decide the task.
    fn question_words(&self, machine: &RunMachine, view: &TaskView, by: &str, question: &str) -> (String, String) {
        let (task, server) = (&view.id, self.parts().links.base_url());
        let who = self.name_of(by).unwrap_or_else(|| by.to_owned());
        let subject = format!("You are asked a question: {}", view.title);
        let number = number_of(view, by, question);
        let mut text = format!("{subject}\n\n{who} asks:\n{question}\n\n");
        text.push_str(&self.facts(machine, view));
        text.push_str(&format!(
            "\nTo answer, with a token of yours in GATEFOLD_TOKEN:\n  gatefold tasks show {task} --server {server}\n"
        ));
        if view.document.is_some() {
            text.push_str(&document_command(task, server));
        }
        text.push_str(&format!(
            "  gatefold tasks remark {task} TEXT --answers {number} --server {server}\n"
        ));
        (subject, text)
    }
}

/// The number of the newest remark that says so, from 1.
fn number_of(view: &TaskView, by: &str, text: &str) -> usize {
    let at = view
        .thread
        .iter()
        .rposition(|remark| remark.by == by && remark.text == text);
    at.map_or(view.thread.len(), |at| at + 1)
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
            // who has answered about the newest version meanwhile is not asked
            let has_answered = |person: &str| view.decided.iter().any(|record| record.by == person);
            let asked = decided.iter().filter(|person| view.people.contains(person));
            asked.filter(|person| !has_answered(person)).cloned().collect()
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
        (Event::DecisionsVoided { .. }, _) => "There is a newer version, and you are asked again",
        (Event::DecisionRecorded { .. }, _) => "It is your turn to decide",
        (_, AskKind::Approve) => "You are asked to decide",
        (_, AskKind::Review) => "You are asked to read",
        (_, AskKind::Todo) => "There is something to do",
        (_, AskKind::Form) => "You are asked to fill in a form",
    }
}
