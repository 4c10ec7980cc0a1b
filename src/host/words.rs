//! Mails about a run: to whom, and in which words.

use super::{Host, HostError};
use crate::base::address::mail_address;
use crate::base::id::{MailId, RunId, TaskId};
use crate::base::{Timestamp, moment};
use crate::engine::event::Event;
use crate::engine::view::TaskView;
use crate::engine::{EventRecord, RunMachine};
use crate::people::roles;
use crate::plan::Plan;
use crate::space::Grant;
use crate::store::OutboxMail;
use std::collections::BTreeSet;

impl Host {
    /// Mails that `events` call for: a task for somebody, a reminder, an escalation.
    pub(super) async fn mails(
        &self,
        run: &RunId,
        machine: &RunMachine,
        events: &[EventRecord],
    ) -> Result<Vec<OutboxMail>, HostError> {
        let mut mails = Vec::new();
        for record in events {
            mails.extend(self.task_mails(run, machine, record));
            mails.extend(self.item_mails(run, machine, record).await?);
            match &record.event {
                Event::TimerFired { step, timer, to } => {
                    mails.extend(self.timer_mails(machine, record, step, *timer, to).await?);
                }
                Event::IncidentRaised {
                    step, error, attempts, ..
                } => {
                    let (subject, text) = self.incident_words(machine, step, error, *attempts);
                    let key = format!("incident:{run}:{}", record.seq);
                    mails.extend(self.mail_each(
                        run,
                        &key,
                        &looked_after_by(machine.plan()),
                        &subject,
                        &text,
                        record.at,
                    ));
                }
                _ => {}
            }
        }
        Ok(mails)
    }

    /// The reminder with the way back in. The link is put in when it is sent.
    pub(super) fn remind(
        &self,
        run: &RunId,
        key: &str,
        grant: &Grant,
        subject: &str,
        text: &str,
        at: Timestamp,
    ) -> Vec<OutboxMail> {
        let to = [grant.to.to_string()];
        let text = format!("{text}\nOpen it here: {}\n", OutboxMail::LINK);
        let mails = self.mail_each(run, key, &to, subject, &text, at);
        mails
            .into_iter()
            .map(|mail| OutboxMail {
                grant: Some(grant.id.to_string()),
                ..mail
            })
            .collect()
    }

    /// What a task has somebody told, and how they answer it.
    pub(super) fn task_words(
        &self,
        machine: &RunMachine,
        view: &TaskView,
        words: &str,
        person: &str,
    ) -> (String, String) {
        let subject = format!("{words}: {}", view.title);
        let mut text = format!("{subject}\n\n");
        for sentence in view.ask.iter().chain(&self.for_whom(view, person)) {
            text.push_str(&format!("{sentence}\n\n"));
        }
        text.push_str(&self.facts(machine, view));
        text.push_str(&self.how_to_answer(view));
        (subject, text)
    }

    /// What a task is about, of which flow, by when: a line for each.
    pub(super) fn facts(&self, machine: &RunMachine, view: &TaskView) -> String {
        let mut text = String::new();
        if let Some(document) = &view.document {
            text.push_str(&format!("Document: {}, version {}\n", document.name, document.version));
        }
        text.push_str(&format!("Flow:     {}\n", machine.plan().title));
        if let Some(name) = self.name_of(machine.started_by()) {
            text.push_str(&format!("Asked by: {name}\n"));
        }
        if let Some(due) = view.due {
            text.push_str(&format!("Due:      {}\n", in_words(machine, due)));
        }
        text
    }

    /// What people call a person of the directory; nothing where it is none.
    pub(super) fn name_of(&self, principal: &str) -> Option<String> {
        let directory = self.directory();
        let user = principal.strip_prefix("user:")?;
        Some(directory.users.get(user)?.name.clone())
    }

    /// How a task is answered as long as there is no page for it. Every command is one that works.
    fn how_to_answer(&self, view: &TaskView) -> String {
        let (task, server) = (&view.id, self.parts().links.base_url());
        if view.suspended.is_some() {
            return format!(
                "\nThe task rests. To let it go on, with a token of yours in GATEFOLD_TOKEN:\n  gatefold tasks resume {task} --server {server}\n"
            );
        }
        let mut text = format!(
            "\nTo answer, with a token of yours in GATEFOLD_TOKEN:\n  gatefold tasks show {task} --server {server}\n"
        );
        let file = if view.document.is_some() {
            text.push_str(&document_command(task, server));
            " --file FILE"
        } else {
            ""
        };
        text.push_str(&format!(
            "  gatefold tasks decide ANSWER --task {task}{file} --server {server}\n"
        ));
        let answer = |decision: &String| {
            if view.reason.contains(decision) {
                format!("{decision} (with --reason)")
            } else {
                decision.clone()
            }
        };
        let answers: Vec<String> = view.decisions.iter().map(answer).collect();
        text.push_str(&format!("ANSWER is {}.\n", answers.join(" or ")));
        if !view.form.is_empty() {
            text.push_str("What is to be filled in goes with --field NAME=VALUE.\n");
        }
        text
    }

    fn incident_words(&self, machine: &RunMachine, step: &str, error: &str, attempts: u32) -> (String, String) {
        let view = machine.step(step);
        let title = view.map_or_else(|| step.to_owned(), |view| view.title);
        let (run, server) = (machine.run(), self.parts().links.base_url());
        let subject = format!("A run needs a person: {title}");
        let tries = match attempts {
            0 | 1 => String::new(),
            tries => format!("It was tried {tries} times.\n\n"),
        };
        let text = format!(
            "{subject}\n\n{error}\n\n{tries}Flow: {} {}\nRun:  {run}\nStep: {step}\n\nLook at it, and once the cause is \
             mended let an administrator try again, go on past the step, or say what it came to:\n  gatefold runs show {run} --server {server}\n  \
             gatefold runs retry {run} {step} --reason TEXT --server {server}\n  \
             gatefold runs skip {run} {step} --reason TEXT --server {server}\n  \
             gatefold runs set {run} {step} --output NAME=VALUE --reason TEXT --server {server}\n",
            machine.plan().flow,
            machine.plan().version,
        );
        (subject, text)
    }

    /// Who is meant by `people`, each once. Whoever is not known is left out.
    pub(super) fn meant(&self, run: &RunId, people: &[String]) -> Vec<String> {
        let directory = self.directory();
        let mut meant: Vec<String> = Vec::new();
        for party in people {
            match directory.resolve(std::slice::from_ref(party), &[]) {
                Ok(found) => meant.extend(found),
                Err(error) => tracing::warn!(%run, %error, "somebody cannot be told by mail"),
            }
        }
        let mut told = BTreeSet::new();
        meant.retain(|person| told.insert(person.clone()));
        meant
    }

    /// One mail for each of `people`, so that nobody sees who else is asked. Whoever cannot be told
    /// keeps nobody else from being told.
    pub(super) fn mail_each(
        &self,
        run: &RunId,
        key: &str,
        people: &[String],
        subject: &str,
        text: &str,
        at: Timestamp,
    ) -> Vec<OutboxMail> {
        let directory = self.directory();
        let meant = self.meant(run, people);
        let mail = |person: &String| {
            let Some(address) = directory.email_of(person) else {
                tracing::warn!(%run, person, "has no mail address and cannot be told");
                return None;
            };
            Some(OutboxMail {
                run: Some(run.clone()),
                ..OutboxMail::queued(
                    MailId::derived(&format!("{key}:{person}")),
                    vec![address],
                    subject.to_owned(),
                    text.to_owned(),
                    at,
                )
            })
        };
        meant.iter().filter_map(mail).collect()
    }
}

/// How the version that a task is about is fetched.
pub(super) fn document_command(task: &TaskId, server: &str) -> String {
    format!("  gatefold tasks document {task} --output FILE --server {server}\n")
}

/// Who is told of an incident: the flow's owner, where that is a mail address, and whoever may mend it.
pub(super) fn looked_after_by(plan: &Plan) -> Vec<String> {
    let owner = plan.owner.as_deref().and_then(mail_address);
    let administrators = format!("role:{}", roles::ADMIN);
    owner.into_iter().chain([administrators]).collect()
}

/// A moment in the zone of the flow's calendar.
pub(super) fn in_words(machine: &RunMachine, at: Timestamp) -> String {
    let calendar = machine.plan().calendar.as_ref();
    moment::in_words(at, calendar.map_or("UTC", |calendar| calendar.zone.as_str()))
}
