//! What follows from a run's events for lists, lookups and mails; committed with the events.

use super::slots::{Loaded, Stored};
use super::{Host, HostError};
use crate::base::id::{FileId, RunId};
use crate::engine::event::Event;
use crate::engine::view::{RunPhase, TaskPhase, TaskView};
use crate::engine::{EventRecord, RunMachine, Work};
use crate::plan::PlanVerb;
use crate::spec::step::OnNewVersion;
use crate::store::{RunRow, RunStatus, Subscription, TaskRow, TaskState, Write};
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
        stored.subscriptions = awaited(machine);
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
        for view in machine.tasks_since(loaded.row.seq) {
            let rev = stored.task_revs.entry(view.id.clone()).or_default();
            writes.push(Write::PutTask(task_row(run, &row.flow, view, *rev)));
            *rev += 1;
        }
        writes.extend(self.stand_of_items(machine, events).await?);
        writes.extend(self.accepted(events).await?);
        writes.extend(self.told_end(machine, events).await?);
        writes.extend(self.mails(run, machine, events).await?.into_iter().map(Write::PutMail));
        Ok(Projected { row, stored, writes })
    }

    /// Counts what happened to a run and is durable.
    pub(super) fn count(&self, run: &RunId, tally: &Tally) {
        let metrics = self.metrics();
        metrics.events_journaled.add(tally.events);
        metrics.runs_started.add(tally.started);
        metrics.runs_ended.add(tally.ended);
        metrics.steps_finished.add(tally.finished);
        metrics.decisions.add(tally.decisions);
        metrics.incidents.add(tally.incidents.len() as u64);
        for (step, error) in &tally.incidents {
            tracing::warn!(%run, step, error, "a run needs a person: an administrator retries or skips the step");
        }
    }
}

/// How many of what there are among events that are about to be stored.
#[derive(Debug, Default)]
pub(super) struct Tally {
    events: u64,
    started: u64,
    ended: u64,
    finished: u64,
    decisions: u64,
    /// Steps, and what is wrong with them.
    incidents: Vec<(String, String)>,
}

impl Tally {
    pub(super) fn of(events: &[EventRecord]) -> Self {
        let mut tally = Self {
            events: events.len() as u64,
            ..Self::default()
        };
        for record in events {
            match &record.event {
                Event::RunStarted { .. } => tally.started += 1,
                Event::RunEnded { .. } => tally.ended += 1,
                Event::StepFinished { .. } => tally.finished += 1,
                Event::DecisionRecorded { .. } => tally.decisions += 1,
                Event::IncidentRaised { step, error, .. } => tally.incidents.push((step.clone(), error.clone())),
                _ => {}
            }
        }
        tally
    }
}

/// Ids of what events go to the run about: what it owns, the runs that it is starting, and the documents it asks people about,
/// wherever their next version comes from.
pub(super) fn owned(machine: &RunMachine) -> BTreeSet<String> {
    let documents = machine.open_tasks().into_iter();
    let documents = documents.filter_map(|task| Some(task.document?.id));
    machine
        .owned()
        .into_iter()
        .map(|thing| thing.id)
        .chain(documents)
        .chain(machine.starting().into_iter().map(|run| run.0))
        .collect()
}

/// Files that take no new version while people decide on the one they have.
pub(super) fn locked(machine: &RunMachine) -> BTreeSet<FileId> {
    let locks = |step: &str| match machine.plan().step(step).map(|step| &step.verb) {
        Some(PlanVerb::Ask(ask)) => ask.on_new_version == OnNewVersion::Lock,
        _ => false,
    };
    let tasks = machine.open_tasks().into_iter();
    tasks
        .filter(|task| locks(&task.step))
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

/// The events that the run waits for: type, and key or what it is about.
pub(super) fn awaited(machine: &RunMachine) -> BTreeSet<(String, String)> {
    let mut awaited = machine.subscriptions();
    awaited.extend(machine.interests());
    awaited
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
        version: machine.plan().version.clone(),
        plan: machine.plan().hash.clone(),
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

pub(super) fn task_row(run: &RunId, flow: &str, view: TaskView, rev: u64) -> TaskRow {
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
        given_to: view.given_to,
        suspended: view.suspended,
        allow: view.allow,
        started: view.started,
        draft: view.draft,
        visible: view.visible,
        priority: view.priority,
        thread: view.thread,
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
