//! What follows from a run's events for lists, lookups and mails; committed with the events.

use super::slots::{Loaded, Stored};
use super::{Host, HostError};
use crate::base::id::{FileId, RunId, TaskId};
use crate::engine::event::Event;
use crate::engine::view::{RunPhase, TaskPhase, TaskView};
use crate::engine::{EventRecord, RunMachine};
use crate::store::{RunRow, RunStatus, Subscription, TaskRow, TaskState, Write};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Things and tasks of a run up to which builds for tests look whether what changed is all that is otherwise.
const LOOKED_AT: usize = 100;

impl Stored {
    /// Of a run that was read.
    pub(super) fn of(machine: &RunMachine, task_revs: BTreeMap<TaskId, u64>) -> Self {
        let about = about(machine);
        let things = machine.owned().into_iter().map(|thing| thing.id);
        Self {
            owned: Arc::new(things.chain(about.iter().cloned()).collect()),
            about,
            locked: locked(machine),
            subscriptions: Arc::new(awaited(machine)),
            task_revs,
        }
    }
}

impl Host {
    /// The run as lists show it and what else is written because of `events`, the last ones of `loaded`. What is
    /// stored of the run counts as written from here on.
    pub(super) async fn project(
        &self,
        run: &RunId,
        loaded: &mut Loaded,
        events: &[EventRecord],
    ) -> Result<(RunRow, Vec<Write>), HostError> {
        let mut writes = Vec::new();
        if events.is_empty() {
            return Ok((row(&loaded.machine, &loaded.row), writes));
        }
        let mut changes = loaded.machine.take_changes();
        let (machine, stored) = (&loaded.machine, &mut loaded.stored);
        if events
            .iter()
            .any(|record| matches!(record.event, Event::Migrated { .. }))
        {
            // the machine is another one
            changes.things.extend(stored.owned.iter().cloned());
            changes.things.extend(machine.owned().into_iter().map(|thing| thing.id));
            changes.waits = true;
        }
        write_owned(run, machine, stored, changes.things, &mut writes);
        let views = machine.tasks_since(loaded.row.seq);
        if !views.is_empty() {
            let before = std::mem::replace(&mut stored.locked, locked(machine));
            write_locked(run, &before, &stored.locked, &mut writes);
        }
        if changes.waits {
            write_awaited(run, awaited(machine), &mut stored.subscriptions, &mut writes);
        }
        debug_assert!(
            stored.owned.len().max(stored.task_revs.len()) > LOOKED_AT
                || *stored == Stored::of(machine, stored.task_revs.clone())
        );
        for view in views {
            let rev = stored.task_revs.entry(view.id.clone()).or_default();
            let because = machine.why_due(&view.id);
            let row = task_row(run, &loaded.row.flow, view, *rev);
            writes.push(Write::PutTask(TaskRow { because, ..row }));
            *rev += 1;
        }
        writes.extend(self.stand_of_items(machine, events).await?);
        writes.extend(self.accepted(events).await?);
        writes.extend(self.told_end(machine, events).await?);
        writes.extend(self.mails(run, machine, events).await?.into_iter().map(Write::PutMail));
        Ok((row(machine, &loaded.row), writes))
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

/// Ids of what events go to the run about beside what it owns: the runs that it is starting, and the documents it asks people
/// about, wherever their next version comes from.
fn about(machine: &RunMachine) -> BTreeSet<String> {
    let documents = machine.asked_about().map(|(document, _)| document.id.clone());
    let starting = machine.starting().into_iter().map(|run| run.0);
    documents.chain(starting).collect()
}

/// Files that take no new version while people decide on the one they have.
pub(super) fn locked(machine: &RunMachine) -> BTreeSet<FileId> {
    let locking = machine.asked_about().filter(|(_, locks)| *locks);
    locking.map(|(document, _)| FileId(document.id.clone())).collect()
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
fn awaited(machine: &RunMachine) -> BTreeSet<Subscription> {
    let awaited = machine.subscriptions().into_iter().chain(machine.interests());
    awaited.map(|(kind, key)| Subscription { kind, key }).collect()
}

fn write_awaited(
    run: &RunId,
    after: BTreeSet<Subscription>,
    stored: &mut Arc<BTreeSet<Subscription>>,
    writes: &mut Vec<Write>,
) {
    if after != **stored {
        writes.push(Write::Subscribe {
            run: run.clone(),
            to: after.difference(stored).cloned().collect(),
            no_longer: stored.difference(&after).cloned().collect(),
        });
        *stored = Arc::new(after);
    }
}

/// Looks at what may be otherwise: `things`, and what the run asks about or is starting.
fn write_owned(
    run: &RunId,
    machine: &RunMachine,
    stored: &mut Stored,
    mut things: BTreeSet<String>,
    writes: &mut Vec<Write>,
) {
    let about = about(machine);
    things.extend(about.symmetric_difference(&stored.about).cloned());
    stored.about = about;
    if things.is_empty() {
        return;
    }
    let owned = Arc::make_mut(&mut stored.owned);
    for thing in things {
        let run = run.clone();
        if machine.owns(&thing) || stored.about.contains(&thing) {
            if owned.insert(thing.clone()) {
                writes.push(Write::Own { thing, run });
            }
        } else if owned.remove(&thing) {
            writes.push(Write::Disown { thing, run });
        }
    }
}

/// The run as lists show it, after what its machine decided.
fn row(machine: &RunMachine, before: &RunRow) -> RunRow {
    let (status, outcome) = match machine.status() {
        RunPhase::Running => (RunStatus::Running, None),
        RunPhase::Closing { status } => (RunStatus::Closing, Some(status)),
        RunPhase::Ended { status } => (RunStatus::Ended, Some(status)),
    };
    let mut calls = machine.due().filter(|due| due.action().is_some());
    RunRow {
        version: machine.plan().version.clone(),
        plan: machine.plan().hash.clone(),
        status,
        outcome,
        ended_at: machine.ended_at(),
        wakeup_at: machine.next_wakeup(),
        busy: status != RunStatus::Ended && calls.any(|due| due.work().next().is_some()),
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
        escalated: view.escalated,
        place: view.place,
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
        voided: view.voided,
        due: view.due,
        because: None,
        opened_at: view.opened_at,
        state: match view.phase {
            TaskPhase::Open => TaskState::Open,
            TaskPhase::Settled(outcome) => TaskState::Settled(outcome),
            TaskPhase::Withdrawn => TaskState::Withdrawn,
        },
        rev,
    }
}
