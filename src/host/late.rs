//! What people are told when an answer is late: reminders, and escalation.

use super::words::in_words;
use super::{Host, HostError};
use crate::base::id::ShareId;
use crate::engine::event::TimerKind;
use crate::engine::view::{Reach, TaskView};
use crate::engine::{EventRecord, RunMachine};
use crate::space::Grant;
use crate::store::OutboxMail;
use std::collections::BTreeSet;

/// What the mail of an escalation begins with.
const LATE: &str = "An answer is late";
/// What a reminder begins with.
const MISSING: &str = "Reminder: your answer is missing";
/// What a reminder begins with to whoever lets a task rest.
const RESTS: &str = "Reminder: a task rests";

impl Host {
    /// The mails that a timer of a step calls for.
    pub(super) async fn timer_mails(
        &self,
        machine: &RunMachine,
        record: &EventRecord,
        step: &str,
        timer: TimerKind,
        to: &[String],
    ) -> Result<Vec<OutboxMail>, HostError> {
        let (run, at) = (machine.run(), record.at);
        let key = format!("timer:{run}:{}", record.seq);
        let escalated = match timer {
            TimerKind::Retry | TimerKind::Tell => return Ok(Vec::new()),
            TimerKind::Escalate | TimerKind::Onwards(_) => true,
            TimerKind::Remind(_) => false,
        };
        if let Some(view) = asking(machine, step) {
            let words = if view.suspended.is_some() { RESTS } else { MISSING };
            return Ok(if escalated {
                self.escalation_mails(machine, &view, record, to)
            } else {
                self.mail_about(run, &key, machine, &view, to, words, at)
            });
        }
        if escalated {
            let (subject, mut text) = step_words(machine, step, LATE);
            if let Some(missing) = self.still_missing(machine, step).await? {
                text.push_str(&format!("\n{missing}"));
            }
            return Ok(self.mail_each(run, &key, to, &subject, &text, at));
        }
        let (subject, text) = step_words(machine, step, MISSING);
        let mut mails = self.mail_each(run, &key, to, &subject, &text, at);
        let awaited = self.awaited_grants(machine, step).await?;
        let mail = |grant| self.remind(run, &key, &grant, &subject, &text, at);
        mails.extend(awaited.into_iter().flat_map(mail));
        Ok(mails)
    }

    /// Whoever is in the task already hears that it is late; whoever joins it is asked by one mail, once the directory has told
    /// that they do. Nobody is told to do what they cannot do.
    fn escalation_mails(
        &self,
        machine: &RunMachine,
        view: &TaskView,
        record: &EventRecord,
        to: &[String],
    ) -> Vec<OutboxMail> {
        let (run, at) = (machine.run(), record.at);
        let key = format!("timer:{run}:{}", record.seq);
        // they are asked by a later event of the same moment
        let is_asked = |person: &String| {
            let mut heard = machine.heard(&view.id).iter();
            heard.any(|(one, by)| one == person && *by > record.seq)
        };
        let mail = |person: &String| {
            let one = std::slice::from_ref(person);
            let why = match machine.reach(&view.id, person) {
                _ if is_asked(person) => return Vec::new(),
                Reach::Joins => return Vec::new(),
                Reach::Answers => return self.mail_about(run, &key, machine, view, one, LATE, at),
                Reach::Later => "Others come first: you are asked when it is your turn.".to_owned(),
                Reach::Told => view.suspended.as_ref().map_or_else(
                    || "This is for you to know: there is nothing that you can answer.".to_owned(),
                    |rest| {
                        let (since, reason) = (in_words(machine, rest.at), &rest.reason);
                        format!(
                            "The task rests since {since}, because {reason}. Whoever let it rest, or an administrator, lets it go on."
                        )
                    },
                ),
            };
            let subject = format!("{LATE}: {}", view.title);
            let text = format!("{subject}\n\n{why}\n\n{}", self.facts(machine, view));
            self.mail_each(run, &key, one, &subject, &text, at)
        };
        self.meant(run, to).iter().flat_map(mail).collect()
    }

    /// Who can bring what a step waits for: everybody let into the shares that it is about.
    async fn awaited_grants(&self, machine: &RunMachine, step: &str) -> Result<Vec<Grant>, HostError> {
        let about: BTreeSet<&str> = machine
            .expected(step)
            .iter()
            .filter_map(|expected| expected.on.as_deref())
            .collect();
        let mut grants = Vec::new();
        let store = &self.parts().store;
        for thing in about {
            let id = ShareId::from(thing);
            if let Some(share) = store.share(&id).await? {
                let of_share = store.grants_of(&id).await?;
                grants.extend(self.reminded(&share, of_share, self.now()));
            }
        }
        Ok(grants)
    }
}

/// The task by which a step asks, if it asks people and nobody for documents.
fn asking(machine: &RunMachine, step: &str) -> Option<TaskView> {
    let mut tasks = machine.open_tasks().into_iter();
    tasks.find(|view| view.step == step && machine.checklist(step).is_none())
}

/// What is said of a step that waits.
fn step_words(machine: &RunMachine, step: &str, words: &str) -> (String, String) {
    let view = machine.step(step);
    let title = view.as_ref().map_or(step, |view| view.title.as_str());
    let mut text = format!("{words}: {title}\n\nFlow: {}\n", machine.plan().title);
    if let Some(due) = view.as_ref().and_then(|view| view.due) {
        text.push_str(&format!("Due:  {}\n", in_words(machine, due)));
    }
    (format!("{words}: {title}"), text)
}
