//! What follows from a checklist's events: how its items stand for whoever gives, and the mails that
//! tell them what is missing or was sent back. Who looks at items is not told outside.

use super::{Host, HostError};
use crate::base::ItemState;
use crate::base::id::{RunId, ShareId};
use crate::engine::event::{Event, TimerKind};
use crate::engine::view::RunPhase;
use crate::engine::{ChecklistView, EventRecord, Input, RunMachine};
use crate::space::{Share, State};
use crate::spec::RunSpec;
use crate::store::{OutboxMail, Write};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What stands above the items that are missing.
const STILL_MISSING: &str = "This is still missing:";

impl Host {
    /// The requests whose items stand otherwise after `events`.
    pub(super) async fn stand_of_items(
        &self,
        machine: &RunMachine,
        events: &[EventRecord],
    ) -> Result<Vec<Write>, HostError> {
        let steps: BTreeSet<&str> = events.iter().filter_map(|record| changed(&record.event)).collect();
        let mut writes = Vec::new();
        for step in steps {
            // Once the step is over, its request closes, which the action that closes it stores.
            let Some((open, share)) = self.open_request(machine, step).await? else {
                continue;
            };
            let Some(before) = &share.request else { continue };
            let mut request = before.clone();
            for item in &open.items {
                let stands = request.clone();
                let reason = item.reason.as_deref();
                request = stands
                    .looked_at(&item.name, item.change, item.state, reason)
                    .unwrap_or(request);
            }
            if request != *before {
                let request = Some(request);
                writes.push(Write::PutShare(Share { request, ..share }));
            }
        }
        Ok(writes)
    }

    /// Tells the run of checklists of which something was sent back that nobody can give again. Whether there are any.
    pub(super) async fn tell_of_lost_givers(
        &self,
        machine: &mut RunMachine,
        steps: &BTreeSet<String>,
    ) -> Result<bool, HostError> {
        let before = machine.seq();
        for step in steps {
            let Some((open, share)) = self.open_request(machine, step).await? else {
                continue;
            };
            if !self.can_be_given(&share, self.now()).await? {
                let request = open.request;
                // one that has an incident already takes no notice
                let _ = machine.handle(self.now(), Input::NobodyGives { request });
            }
        }
        Ok(machine.seq() > before)
    }

    /// The checklist that `step` has open, with the request as it is stored.
    async fn open_request(
        &self,
        machine: &RunMachine,
        step: &str,
    ) -> Result<Option<(ChecklistView, Share)>, HostError> {
        let Some(open) = machine.checklist(step) else {
            return Ok(None);
        };
        let share = self.parts().store.share(&ShareId::from(open.request.as_str())).await?;
        Ok(share.map(|share| (open, share)))
    }

    /// Mails that an event of a checklist calls for. Nothing where it is none.
    pub(super) async fn item_mails(
        &self,
        run: &RunId,
        machine: &RunMachine,
        record: &EventRecord,
    ) -> Result<Vec<OutboxMail>, HostError> {
        match &record.event {
            Event::ItemChanged {
                step,
                item,
                state: ItemState::SentBack,
                reason,
                cause: None,
                ..
            } => {
                let words = |share: &Share, _: &ChecklistView| {
                    let title = title_of(share, item);
                    let reason = reason.as_deref().unwrap_or_default();
                    let text = format!("“{title}” was sent back:\n\n{reason}\n");
                    Some((format!("Please send again: {title}"), text))
                };
                self.tell_givers(run, machine, step, record, words).await
            }
            Event::TimerFired {
                step,
                timer: TimerKind::Remind(_),
                ..
            } => {
                let words = |share: &Share, open: &ChecklistView| missing(share, open);
                let mut mails = self.tell_givers(run, machine, step, record, words).await?;
                mails.extend(self.remind_reviewers(run, machine, step, record));
                Ok(mails)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The names of the items that are missing of the checklist that `step` has open, and nothing else of them; nothing where
    /// it has none open, or nothing is missing.
    pub(super) async fn still_missing(&self, machine: &RunMachine, step: &str) -> Result<Option<String>, HostError> {
        let Some((open, share)) = self.open_request(machine, step).await? else {
            return Ok(None);
        };
        let missing = open.items.iter().filter(|item| is_missing(item.state, item.optional));
        let names: String = missing
            .map(|item| format!("- {}\n", title_of(&share, &item.name)))
            .collect();
        Ok((!names.is_empty()).then(|| format!("{STILL_MISSING}\n\n{names}")))
    }

    async fn tell_givers(
        &self,
        run: &RunId,
        machine: &RunMachine,
        step: &str,
        record: &EventRecord,
        words: impl Fn(&Share, &ChecklistView) -> Option<(String, String)>,
    ) -> Result<Vec<OutboxMail>, HostError> {
        let Some((open, share)) = self.open_request(machine, step).await? else {
            return Ok(Vec::new());
        };
        let Some((subject, mut text)) = words(&share, &open) else {
            return Ok(Vec::new());
        };
        if let Some(due) = machine.step(step).and_then(|view| view.due) {
            let _ = write!(text, "\nDue: {}\n", super::words::in_words(machine, due));
        }
        let key = format!("request:{run}:{}", record.seq);
        let grants = self.parts().store.grants_of(&share.id).await?;
        let mails = self.reminded(&share, grants, self.now());
        Ok(mails
            .iter()
            .flat_map(|grant| self.remind(run, &key, grant, &subject, &text, record.at))
            .collect())
    }

    /// Whoever is asked to look at an item and has not answered is reminded of that one.
    fn remind_reviewers(&self, run: &RunId, machine: &RunMachine, step: &str, record: &EventRecord) -> Vec<OutboxMail> {
        let tasks = machine.open_tasks().into_iter();
        let reviews = tasks.filter(|task| task.step == step && machine.checklist(step).is_some());
        let mails = reviews.flat_map(|task| {
            let key = format!("timer:{run}:{}:{}", record.seq, task.id);
            let words = "Reminder: your answer is missing";
            self.mail_about(run, &key, machine, &task, &task.people, words, record.at)
        });
        mails.collect()
    }
}

/// A request that closes because nothing is left to be given says so: whoever gave is told that, and not that it was
/// taken back.
pub(super) fn mark_complete(machine: &RunMachine, writes: &mut [Write]) {
    for write in writes {
        if let Write::PutShare(share) = write
            && share.state == State::Revoked
            && let Some(request) = &mut share.request
        {
            request.complete = machine.is_complete(share.id.as_str());
        }
    }
}

/// Marks a share as revoked by the end of its run. If a person cancels the run, the share counts as
/// revoked by that person.
pub(super) fn mark_ended(machine: &RunMachine, input: &Input, writes: &mut [Write]) {
    let is_release = matches!(input, Input::Finished { work, .. } if work.is_release(machine.run()));
    let is_cancelled = matches!(machine.status(), RunPhase::Closing { status } if status == RunSpec::CANCELLED);
    if !is_release || is_cancelled {
        return;
    }
    for write in writes {
        if let Write::PutShare(share) = write {
            share.has_ended_with_run = share.state == State::Revoked;
        }
    }
}

/// The steps of whose checklists something was sent back.
pub(super) fn sent_back(events: &[EventRecord]) -> BTreeSet<String> {
    let steps = events.iter().filter_map(|record| match &record.event {
        Event::ItemChanged {
            step,
            state: ItemState::SentBack,
            ..
        } => Some(step.clone()),
        _ => None,
    });
    steps.collect()
}

/// The step whose checklist the event changes.
fn changed(event: &Event) -> Option<&str> {
    match event {
        Event::ItemChanged { step, .. }
        | Event::TaskOpened {
            step, item: Some(_), ..
        } => Some(step),
        _ => None,
    }
}

fn title_of<'s>(share: &'s Share, item: &'s str) -> &'s str {
    let items = share.request.iter().flat_map(|request| &request.items);
    let mut found = items.filter(|one| one.name == item);
    found.next().map_or(item, |one| one.title.as_str())
}

/// Whether an item is still to be given.
const fn is_missing(state: ItemState, optional: bool) -> bool {
    match state {
        ItemState::Missing => !optional,
        other => other.is_wanted(),
    }
}

/// A reminder that names what is missing and nothing else; none where nothing is.
fn missing(share: &Share, open: &ChecklistView) -> Option<(String, String)> {
    let mut text = String::new();
    for item in open.items.iter().filter(|item| is_missing(item.state, item.optional)) {
        let _ = write!(text, "- {}", title_of(share, &item.name));
        let _ = match (item.state, &item.reason) {
            (ItemState::SentBack, Some(reason)) => writeln!(text, ", which was sent back: {reason}"),
            (ItemState::MoreNeeded, _) => writeln!(text, ", of which there are too few files"),
            _ => writeln!(text),
        };
    }
    let subject = format!("Reminder: {}", share.name);
    (!text.is_empty()).then(|| (subject, format!("{STILL_MISSING}\n\n{text}")))
}
