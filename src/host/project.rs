//! What follows from a run's events for lists, lookups and mails; committed with the events.

use super::slots::{Loaded, Stored};
use super::{Host, HostError};
use crate::base::id::{FileId, MailId, RunId, ShareId};
use crate::base::{Timestamp, moment};
use crate::engine::event::{Event, TimerKind};
use crate::engine::view::{AskKind, RunPhase, TaskPhase, TaskView};
use crate::engine::{EventRecord, RunMachine, TaskAct, Work};
use crate::plan::PlanVerb;
use crate::space::{Grant, Principal, State};
use crate::spec::step::OnNewVersion;
use crate::store::{MailState, OutboxMail, RunRow, RunStatus, Subscription, TaskRow, TaskState, Write};
use std::collections::BTreeSet;

/// What a commit stores beside the events.
pub(super) struct Projected {
    pub row: RunRow,
    pub stored: Stored,
    pub writes: Vec<Write>,
}

impl Host {
    /// What follows from `events`, the last ones of `loaded`.
    pub(super) async fn project(
        &self,
        run: &RunId,
        loaded: &Loaded,
        events: &[EventRecord],
    ) -> Result<Projected, HostError> {
        let machine = &loaded.machine;
        let row = row(machine, &loaded.row);
        let mut writes = Vec::new();
        let mut stored = Stored {
            task_revs: loaded.stored.task_revs.clone(),
            ..Stored::default()
        };
        if events.is_empty() {
            stored = loaded.stored.clone();
            return Ok(Projected { row, stored, writes });
        }
        stored.owned = owned(machine);
        stored.subscriptions = machine.subscriptions();
        write_owned(run, &loaded.stored.owned, &stored.owned, &mut writes);
        stored.locked = locked(machine);
        write_locked(run, &loaded.stored.locked, &stored.locked, &mut writes);
        if stored.subscriptions != loaded.stored.subscriptions {
            let to = stored
                .subscriptions
                .iter()
                .cloned()
                .map(|(kind, key)| Subscription { kind, key })
                .collect();
            writes.push(Write::Subscribe { run: run.clone(), to });
        }
        for view in machine.tasks().into_iter().filter(|view| view.changed > loaded.row.seq) {
            let rev = stored.task_revs.entry(view.id.clone()).or_default();
            writes.push(Write::PutTask(task_row(run, &row.flow, view, *rev)));
            *rev += 1;
        }
        writes.extend(self.told_end(machine, events).await?);
        writes.extend(self.mails(run, machine, events).await?.into_iter().map(Write::PutMail));
        Ok(Projected { row, stored, writes })
    }

    /// Counts what `events` say.
    pub(super) fn count(&self, events: &[EventRecord]) {
        let metrics = self.metrics();
        metrics.events_journaled.add(events.len() as u64);
        for record in events {
            match record.event {
                Event::RunStarted { .. } => metrics.runs_started.add(1),
                Event::RunEnded { .. } => metrics.runs_ended.add(1),
                Event::StepFinished { .. } => metrics.steps_finished.add(1),
                Event::IncidentRaised { .. } => metrics.incidents.add(1),
                Event::DecisionRecorded { .. } => metrics.decisions.add(1),
                _ => {}
            }
        }
    }

    /// Mails that `events` call for: a task for somebody, a reminder, an escalation.
    async fn mails(
        &self,
        run: &RunId,
        machine: &RunMachine,
        events: &[EventRecord],
    ) -> Result<Vec<OutboxMail>, HostError> {
        let mut mails = Vec::new();
        for record in events {
            match &record.event {
                Event::TaskAssigned { task, .. } | Event::TaskActed { task, .. } => {
                    let Some(view) = machine.task(task).filter(|view| view.phase == TaskPhase::Open) else {
                        continue;
                    };
                    let (subject, text) = self.task_words(machine, &view, asked(view.kind));
                    let key = format!("task:{task}:{}", record.seq);
                    let people = newly_asked(&record.event);
                    mails.extend(self.mail_each(run, &key, &people, &subject, &text, record.at));
                }
                Event::TimerFired { step, timer, to } if *timer != TimerKind::Retry => {
                    let words = match timer {
                        TimerKind::Escalate => "An answer is late",
                        _ => "Reminder: your answer is missing",
                    };
                    let (subject, text) = self.step_words(machine, step, words);
                    let key = format!("timer:{run}:{}", record.seq);
                    mails.extend(self.mail_each(run, &key, to, &subject, &text, record.at));
                    if matches!(timer, TimerKind::Remind(_)) {
                        let awaited = self.awaited_grants(machine, step).await?;
                        let mail = |grant| self.remind(run, &key, &grant, &subject, &text, record.at);
                        mails.extend(awaited.into_iter().flat_map(mail));
                    }
                }
                _ => {}
            }
        }
        Ok(mails)
    }

    /// Who can bring what a step waits for: everybody let into the shares that it is about.
    async fn awaited_grants(&self, machine: &RunMachine, step: &str) -> Result<Vec<Grant>, HostError> {
        let about: BTreeSet<&str> = machine
            .expected(step)
            .iter()
            .filter_map(|expected| expected.on.as_deref())
            .collect();
        let mut grants = Vec::new();
        for thing in about {
            grants.extend(self.parts().store.grants_of(&ShareId::from(thing)).await?);
        }
        grants.retain(|grant| grant.state == State::Live && grant.to != Principal::Link);
        Ok(grants)
    }

    /// The reminder with the way back in. The link is put in when it is sent.
    fn remind(
        &self,
        run: &RunId,
        key: &str,
        grant: &Grant,
        subject: &str,
        text: &str,
        at: Timestamp,
    ) -> Vec<OutboxMail> {
        let to = [grant.to.to_string()];
        let text = format!("{text}\nOpen it here: {{link}}\n");
        let mails = self.mail_each(run, key, &to, subject, &text, at);
        mails
            .into_iter()
            .map(|mail| OutboxMail {
                grant: Some(grant.id.to_string()),
                ..mail
            })
            .collect()
    }

    fn task_words(&self, machine: &RunMachine, view: &TaskView, words: &str) -> (String, String) {
        let subject = format!("{words}: {}", view.title);
        let mut text = format!("{words}: {}\n\n", view.title);
        if let Some(ask) = &view.ask {
            text.push_str(&format!("{ask}\n\n"));
        }
        if let Some(document) = &view.document {
            text.push_str(&format!("Document: {}, version {}\n", document.name, document.version));
        }
        text.push_str(&format!("Flow:     {}\n", machine.plan().title));
        if let Some(due) = view.due {
            text.push_str(&format!("Due:      {}\n", in_words(machine, due)));
        }
        text.push_str(&format!("\nYour tasks: {}/tasks\n", self.parts().links.base_url()));
        (subject, text)
    }

    fn step_words(&self, machine: &RunMachine, step: &str, words: &str) -> (String, String) {
        let open = |view: &TaskView| view.step == step && view.phase == TaskPhase::Open;
        if let Some(view) = machine.tasks().into_iter().find(open) {
            return self.task_words(machine, &view, words);
        }
        let view = machine.steps().into_iter().find(|view| view.id == step);
        let title = view.as_ref().map_or(step, |view| view.title.as_str());
        let mut text = format!("{words}: {title}\n\nFlow: {}\n", machine.plan().title);
        if let Some(due) = view.as_ref().and_then(|view| view.due) {
            text.push_str(&format!("Due:  {}\n", in_words(machine, due)));
        }
        (format!("{words}: {title}"), text)
    }

    /// One mail for each of `people`, so that nobody sees who else is asked.
    fn mail_each(
        &self,
        run: &RunId,
        key: &str,
        people: &[String],
        subject: &str,
        text: &str,
        at: Timestamp,
    ) -> Vec<OutboxMail> {
        let directory = self.directory();
        let people = directory.resolve(people, &[]).unwrap_or_else(|error| {
            tracing::warn!(%run, %error, "nobody can be told by mail");
            Vec::new()
        });
        let mail = |person: &String| {
            Some(OutboxMail {
                id: MailId::derived(&format!("{key}:{person}")),
                to: vec![directory.email_of(person)?],
                subject: subject.to_owned(),
                text: text.to_owned(),
                grant: None,
                run: Some(run.clone()),
                at,
                state: MailState::Queued,
                attempts: 0,
                next_at: None,
                error: None,
                rev: 0,
            })
        };
        people.iter().filter_map(mail).collect()
    }
}

/// Ids of what events go to the run about: what it owns, and the documents it asks people about,
/// wherever their next version comes from.
pub(super) fn owned(machine: &RunMachine) -> BTreeSet<String> {
    let open = machine.tasks().into_iter().filter(|task| task.phase == TaskPhase::Open);
    let documents = open.filter_map(|task| Some(task.document?.id));
    machine
        .owned()
        .into_iter()
        .map(|thing| thing.id)
        .chain(documents)
        .collect()
}

/// Who hears of a task by this event. Those who are stood in for hear of it too: they may answer.
fn newly_asked(event: &Event) -> Vec<String> {
    match event {
        Event::TaskAssigned {
            assigned_to: Some(person),
            ..
        } => vec![person.clone()],
        Event::TaskAssigned { people, deputies, .. } => {
            let deputies = deputies.iter().map(|one| &one.by);
            people.iter().chain(deputies).cloned().collect()
        }
        Event::TaskActed {
            act: TaskAct::Delegate { to, .. } | TaskAct::Reassign { to, .. },
            ..
        } => vec![to.clone()],
        _ => Vec::new(),
    }
}

/// What a mail about a new task begins with.
const fn asked(kind: AskKind) -> &'static str {
    match kind {
        AskKind::Approve => "You are asked to decide",
        AskKind::Review => "You are asked to read",
        AskKind::Todo => "There is something to do",
        AskKind::Form => "You are asked to fill in a form",
    }
}

/// Files that take no new version while people decide on the one they have.
pub(super) fn locked(machine: &RunMachine) -> BTreeSet<FileId> {
    let locks = |step: &str| match machine.plan().step(step).map(|step| &step.verb) {
        Some(PlanVerb::Ask(ask)) => ask.on_new_version == OnNewVersion::Lock,
        _ => false,
    };
    let tasks = machine.tasks().into_iter();
    tasks
        .filter(|task| task.phase == TaskPhase::Open && locks(&task.step))
        .filter_map(|task| Some(FileId(task.document?.id)))
        .collect()
}

fn write_locked(run: &RunId, before: &BTreeSet<FileId>, after: &BTreeSet<FileId>, writes: &mut Vec<Write>) {
    let lock = after.difference(before).map(|file| Write::Lock {
        file: file.clone(),
        run: run.clone(),
    });
    let unlock = before.difference(after).map(|file| Write::Unlock {
        file: file.clone(),
        run: run.clone(),
    });
    writes.extend(lock);
    writes.extend(unlock);
}

fn write_owned(run: &RunId, before: &BTreeSet<String>, after: &BTreeSet<String>, writes: &mut Vec<Write>) {
    let own = after.difference(before).map(|thing| Write::Own {
        thing: thing.clone(),
        run: run.clone(),
    });
    let disown = before.difference(after).map(|thing| Write::Disown {
        thing: thing.clone(),
        run: run.clone(),
    });
    writes.extend(own);
    writes.extend(disown);
}

/// The run as lists show it, after what its machine decided.
fn row(machine: &RunMachine, before: &RunRow) -> RunRow {
    let (status, outcome) = match machine.status() {
        RunPhase::Running => (RunStatus::Running, None),
        RunPhase::Closing { status } => (RunStatus::Closing, Some(status)),
        RunPhase::Ended { status } => (RunStatus::Ended, Some(status)),
    };
    let is_call = |work: &Work| matches!(work, Work::Call { .. });
    RunRow {
        status,
        outcome,
        ended_at: machine.ended_at(),
        wakeup_at: machine.next_wakeup(),
        busy: status != RunStatus::Ended && machine.outstanding().iter().any(is_call),
        incident: machine.incident(),
        seq: machine.seq(),
        ..before.clone()
    }
}

/// A moment in the zone of the flow's calendar.
fn in_words(machine: &RunMachine, at: Timestamp) -> String {
    let calendar = machine.plan().calendar.as_ref();
    moment::in_words(at, calendar.map_or("UTC", |calendar| calendar.zone.as_str()))
}

fn task_row(run: &RunId, flow: &str, view: TaskView, rev: u64) -> TaskRow {
    TaskRow {
        id: view.id,
        run: run.clone(),
        flow: flow.to_owned(),
        step: view.step,
        title: view.title,
        kind: view.kind,
        ask: view.ask,
        document: view.document,
        form: view.form,
        decisions: view.decisions,
        reason: view.reason,
        people: view.people,
        deputies: view.deputies,
        claimed_by: view.claimed_by,
        decided: view.decided,
        due: view.due,
        opened_at: view.opened_at,
        state: match view.phase {
            TaskPhase::Open => TaskState::Open,
            TaskPhase::Settled(outcome) => TaskState::Settled(outcome),
            TaskPhase::Withdrawn => TaskState::Withdrawn,
        },
        rev,
    }
}
