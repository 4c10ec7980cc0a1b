//! Who hears of a task by mail, when, and how the mail begins.

use super::Host;
use super::words::document_command;
use crate::base::Timestamp;
use crate::base::id::{RunId, TaskId};
use crate::engine::event::Event;
use crate::engine::view::{AskKind, TaskPhase, TaskView};
use crate::engine::{EventRecord, RunMachine, TaskAct};
use crate::store::OutboxMail;

impl Host {
    /// The mails about a task that an event calls for.
    pub(super) fn task_mails(&self, run: &RunId, machine: &RunMachine, record: &EventRecord) -> Vec<OutboxMail> {
        let view = task_of(&record.event).and_then(|task| machine.task(task));
        let Some(view) = view.filter(|view| view.phase == TaskPhase::Open) else {
            return Vec::new();
        };
        let key = format!("task:{}:{}", view.id, record.seq);
        // a question is for whoever is asked, whatever their turn
        if let Event::TaskActed {
            by,
            act: TaskAct::Remark { to, text, .. },
            ..
        } = &record.event
        {
            let Some(to) = to else { return Vec::new() };
            let (subject, text) = self.question_words(machine, &view, by, text);
            return self.mail_each(run, &key, std::slice::from_ref(to), &subject, &text, record.at);
        }
        let people = told(machine, record, &view);
        self.mail_about(
            run,
            &key,
            machine,
            &view,
            &people,
            words(&record.event, &view),
            record.at,
        )
    }

    /// A mail about a task to each of `people`, which says for whom they may answer it.
    #[expect(clippy::too_many_arguments)]
    pub(super) fn mail_about(
        &self,
        run: &RunId,
        key: &str,
        machine: &RunMachine,
        view: &TaskView,
        people: &[String],
        words: &str,
        at: Timestamp,
    ) -> Vec<OutboxMail> {
        let mail = |person: &String| {
            let (subject, text) = self.task_words(machine, view, words, person);
            self.mail_each(run, key, std::slice::from_ref(person), &subject, &text, at)
        };
        people.iter().flat_map(mail).collect()
    }

    /// For whom somebody answers, where that is not for themselves; nothing where it is.
    pub(super) fn for_whom(&self, view: &TaskView, person: &str) -> Option<String> {
        let is_escalated = |one: &str| view.escalated.iter().any(|other| other == one);
        let place = view.place.as_ref().map(|place| self.called(place));
        if let Some(deputy) = view.deputies.iter().find(|one| one.by == person) {
            let whom = self.called(&deputy.on_behalf_of);
            return Some(match place.filter(|_| is_escalated(&deputy.on_behalf_of)) {
                Some(place) => {
                    format!(
                        "You stand in for {whom}, who may answer in the place of {place}, who has not answered yet."
                    )
                }
                None => format!("You stand in for {whom}: your answer counts for them."),
            });
        }
        let place = place.filter(|_| is_escalated(person))?;
        Some(format!(
            "You may answer in the place of {place}, who has not answered yet. They can no longer answer once you have."
        ))
    }

    /// What people call somebody: the name in the directory, or the address.
    fn called(&self, principal: &str) -> String {
        let address = || principal.split_once(':').map_or(principal, |(_, rest)| rest).to_owned();
        self.name_of(principal).unwrap_or_else(address)
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
        | Event::TaskMembersChanged { task, .. }
        | Event::TaskActed { task, .. }
        | Event::DecisionRecorded { task, .. }
        | Event::DecisionsVoided { task, .. } => Some(task),
        _ => None,
    }
}

/// Who hears of the task by this event: those who can answer it since then, and did not know of it. Of a newer version also
/// those whose answer it made void.
fn told(machine: &RunMachine, record: &EventRecord, view: &TaskView) -> Vec<String> {
    let heard = machine.heard(&view.id);
    let now = heard.iter().filter(|(_, by)| *by == record.seq);
    let mut people: Vec<String> = now.map(|(person, _)| person.clone()).collect();
    match &record.event {
        // whoever does something about it knows of it
        Event::TaskActed { by, .. } => people.retain(|person| person != by),
        Event::DecisionsVoided { decided, .. } if view.suspended.is_none() => {
            // whoever may no longer decide is not asked anew, nor who has answered about the newest version meanwhile, or is
            // asked of it by a later event
            let is_asked = |person: &&String| {
                view.people.contains(person)
                    && view.decided.iter().all(|answer| answer.by != **person)
                    && view.turn.as_ref().is_none_or(|turn| !turn.later.contains(person))
                    && heard.iter().all(|(one, by)| one != *person || *by < record.seq)
            };
            people.extend(decided.iter().filter(is_asked).cloned());
        }
        _ => {}
    }
    people
}

/// What a mail about a task begins with, by what happened.
const fn words(event: &Event, view: &TaskView) -> &'static str {
    match (event, view.kind) {
        (Event::DecisionsVoided { .. }, _) => "There is a newer version, and you are asked again",
        (Event::DecisionRecorded { .. }, _) if view.turn.is_some() => "It is your turn to decide",
        (Event::TaskAssigned { escalated: true, .. }, _) => "An answer is late, and you may give it",
        (_, AskKind::Approve) => "You are asked to decide",
        (_, AskKind::Review) => "You are asked to read",
        (_, AskKind::Todo) => "There is something to do",
        (_, AskKind::Form) => "You are asked to fill in a form",
    }
}
