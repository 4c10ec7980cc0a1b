//! Events on their way, deliveries, used keys, and what is forgotten of them.

use super::{Attempt, Table, Tables, conflict};
use crate::base::Timestamp;
use crate::base::id::{EventId, RunId};
use crate::engine::InboundEvent;
use crate::store::model::{
    CommitError, KeptEvents, MailState, Mark, Outdated, PendingEvent, StoreError, Subscription, Used, Write,
};
use std::collections::BTreeSet;

/// When a new event is due: before every other one.
const AT_ONCE: Timestamp = Timestamp::UNIX_EPOCH;

/// An event and how it stands.
#[derive(Clone)]
pub(super) struct Recorded {
    pub event: InboundEvent,
    attempts: u32,
    bytes: u64,
    stands: Stands,
}

#[derive(Clone, Copy)]
enum Stands {
    /// It is to be delivered, then.
    Due(Timestamp),
    /// It is kept for a run that may subscribe to its key, until then.
    Kept(Timestamp),
    /// It was done, then.
    Done(Timestamp),
}

impl Attempt<'_> {
    pub(super) fn write_delivery(&mut self, write: Write) -> Result<(), CommitError> {
        match write {
            Write::Subscribe { run, to, no_longer } => self.subscribe(run, to, &no_longer),
            Write::Event(event) => return self.record_event(event),
            Write::Delivered(delivery) => {
                let mark = Mark::Delivered(delivery.clone());
                let delivered = (delivery.event, delivery.target);
                if !self.tables.deliveries.insert(delivered.clone()) {
                    let value = String::new();
                    return Err(CommitError::Duplicate { mark, value });
                }
                self.undo(move |tables| _ = tables.deliveries.remove(&delivered));
            }
            Write::EventDone { event, at } => self.change_event(&event, |recorded| {
                if !matches!(recorded.stands, Stands::Done(_)) {
                    recorded.stands = Stands::Done(at);
                }
            }),
            Write::EventLater { event, due } => self.change_event(&event, |recorded| {
                if matches!(recorded.stands, Stands::Due(_)) {
                    recorded.attempts += 1;
                    recorded.stands = Stands::Due(due);
                }
            }),
            Write::EventsDue => {
                let is_later = |recorded: &&Recorded| matches!(recorded.stands, Stands::Due(due) if due > AT_ONCE);
                self.change_events(is_later, Stands::Due(AT_ONCE));
            }
            Write::KeepEvent { event, until } => return self.keep_event(&event, until),
            Write::Once {
                scope,
                key,
                value,
                digest,
                until,
            } => return self.once((scope, key), Used { value, digest }, until),
            Write::ForgetKey { scope, key } => {
                let key = (scope, key);
                if let Some(used) = self.tables.used.remove(&key) {
                    self.undo(move |tables| drop(tables.used.insert(key, used)));
                }
            }
            Write::Forget { what, at_most } => self.forget(what, at_most),
            other => return Err(StoreError::Failed(format!("no way to write {other:?}")).into()),
        }
        Ok(())
    }

    fn subscribe(&mut self, run: RunId, to: Vec<Subscription>, no_longer: &[Subscription]) {
        let to: BTreeSet<Subscription> = to.into_iter().collect();
        let is_for = |recorded: &&Recorded| {
            matches!(recorded.stands, Stands::Kept(_))
                && subscription_to(&recorded.event).is_some_and(|it| to.contains(&it))
        };
        self.change_events(is_for, Stands::Due(AT_ONCE));
        let has = self.tables.subscriptions.entry(run.clone()).or_default();
        let gone: Vec<_> = no_longer.iter().filter_map(|it| has.take(it)).collect();
        let new: Vec<_> = to.into_iter().filter(|it| has.insert(it.clone())).collect();
        self.undo(move |tables| {
            let has = tables.subscriptions.entry(run).or_default();
            for it in &new {
                has.remove(it);
            }
            has.extend(gone);
        });
    }

    fn record_event(&mut self, event: InboundEvent) -> Result<(), CommitError> {
        let id = event.id.clone();
        if self.tables.events.get(id.as_str()).is_some() {
            return Ok(());
        }
        let text = serde_json::to_string(&event).map_err(|error| StoreError::Failed(error.to_string()))?;
        let recorded = Recorded {
            event,
            attempts: 0,
            bytes: text.len() as u64,
            stands: Stands::Due(AT_ONCE),
        };
        self.tables.events.set(id.as_str(), recorded);
        self.undo(move |tables| tables.events.unset(id.as_str(), None));
        Ok(())
    }

    fn keep_event(&mut self, id: &EventId, until: Timestamp) -> Result<(), CommitError> {
        let Some(recorded) = self.tables.events.get(id.as_str()) else {
            return conflict(format!("event {id}"));
        };
        let wanted = subscription_to(&recorded.event);
        let is_wanted = wanted.is_some_and(|it| self.tables.subscriptions.values().any(|to| to.contains(&it)));
        if is_wanted || !matches!(recorded.stands, Stands::Due(_)) {
            return conflict(format!("event {id}"));
        }
        self.change_event(id, |recorded| recorded.stands = Stands::Kept(until));
        Ok(())
    }

    fn change_event(&mut self, id: &EventId, change: impl FnOnce(&mut Recorded)) {
        let Some(before) = self.tables.events.get(id.as_str()).cloned() else {
            return;
        };
        let mut after = before.clone();
        change(&mut after);
        self.tables.events.set(id.as_str(), after);
        let id = id.clone();
        self.undo(move |tables| drop(tables.events.set(id.as_str(), before)));
    }

    fn change_events(&mut self, which: impl Fn(&&Recorded) -> bool, stands: Stands) {
        let meant = self.tables.events.iter().filter(which);
        let meant: Vec<EventId> = meant.map(|recorded| recorded.event.id.clone()).collect();
        for id in meant {
            self.change_event(&id, |recorded| recorded.stands = stands);
        }
    }

    fn once(&mut self, used: (String, String), by: Used, until: Option<Timestamp>) -> Result<(), CommitError> {
        if let Some((first, _)) = self.tables.used.get(&used) {
            let value = first.value.clone();
            let (scope, key) = used;
            let mark = Mark::Used { scope, key };
            return Err(CommitError::Duplicate { mark, value });
        }
        self.tables.used.insert(used.clone(), (by, until));
        self.undo(move |tables| drop(tables.used.remove(&used)));
        Ok(())
    }

    fn forget(&mut self, what: Outdated, at_most: usize) {
        match what {
            Outdated::Events { done } => {
                let over = self.tables.events_by(|stands| match stands {
                    Stands::Done(at) if at <= done => Some(at),
                    _ => None,
                });
                let over: BTreeSet<EventId> = over.into_iter().take(at_most).collect();
                let deliveries = self.tables.deliveries.clone();
                self.tables.deliveries.retain(|(event, _)| !over.contains(event));
                self.undo(move |tables| tables.deliveries = deliveries);
                let before = self.tables.events.keep(|recorded| !over.contains(&recorded.event.id));
                self.undo(move |tables| tables.events = before);
            }
            Outdated::Kept { until, at } => {
                let over = self.tables.events_by(|stands| match stands {
                    Stands::Kept(end) if end <= until => Some(end),
                    _ => None,
                });
                for id in over.into_iter().take(at_most) {
                    self.change_event(&id, |recorded| recorded.stands = Stands::Done(at));
                }
            }
            Outdated::Mails { written } => {
                let sent = self.tables.mails.iter().filter(|mail| mail.state == MailState::Sent);
                let mut over: Vec<_> = sent
                    .filter(|mail| mail.at <= written)
                    .map(|mail| (mail.at, mail.id.clone()))
                    .collect();
                over.sort_by_key(|(at, _)| *at);
                let over: BTreeSet<_> = over.into_iter().take(at_most).map(|(_, id)| id).collect();
                let before = self.tables.mails.keep(|mail| !over.contains(&mail.id));
                self.undo(move |tables| tables.mails = before);
            }
            Outdated::UsedKeys { now } => {
                let used = self.tables.used.iter();
                let mut over: Vec<_> = used
                    .filter_map(|(key, (_, until))| Some(((*until)?, key.clone())))
                    .collect();
                over.retain(|(until, _)| *until <= now);
                over.sort();
                for (_, key) in over.into_iter().take(at_most) {
                    let used = self.tables.used.remove(&key).expect("looked at just now");
                    self.undo(move |tables| drop(tables.used.insert(key, used)));
                }
            }
        }
    }
}

impl Tables {
    /// Ids of the events that stand so, in the order of the time that `when` gives.
    fn events_by(&self, when: impl Fn(Stands) -> Option<Timestamp>) -> Vec<EventId> {
        let meant = self.events.iter();
        let mut meant: Vec<_> = meant
            .filter_map(|recorded| Some((when(recorded.stands)?, recorded.event.id.clone())))
            .collect();
        meant.sort_by_key(|(at, _)| *at);
        meant.into_iter().map(|(_, id)| id).collect()
    }

    pub(super) fn pending_events(&self, now: Timestamp, limit: usize) -> Vec<PendingEvent> {
        let due = self.events_by(|stands| match stands {
            Stands::Due(due) if due <= now => Some(due),
            _ => None,
        });
        let due = due.iter().take(limit).filter_map(|id| self.events.get(id.as_str()));
        due.map(|recorded| PendingEvent {
            event: recorded.event.clone(),
            attempts: recorded.attempts,
        })
        .collect()
    }

    /// Events that are to be delivered, now or later, in the order in which they came.
    pub(super) fn due_events(&self) -> impl Iterator<Item = &InboundEvent> {
        let due = self.events.iter();
        let due = due.filter(|recorded| matches!(recorded.stands, Stands::Due(_)));
        due.map(|recorded| &recorded.event)
    }

    pub(super) fn next_event_due(&self) -> Option<Timestamp> {
        let due = self.events.iter().filter_map(|recorded| match recorded.stands {
            Stands::Due(due) => Some(due),
            _ => None,
        });
        due.min()
    }

    pub(super) fn kept_events(&self) -> KeptEvents {
        let kept = self.events.iter();
        let kept = kept.filter(|recorded| matches!(recorded.stands, Stands::Kept(_)));
        kept.fold(KeptEvents::default(), |kept, recorded| KeptEvents {
            count: kept.count + 1,
            bytes: kept.bytes + recorded.bytes,
        })
    }

    pub(super) fn has_outdated(&self, what: Outdated) -> bool {
        let mut events = self.events.iter();
        match what {
            Outdated::Events { done } => events.any(|it| matches!(it.stands, Stands::Done(at) if at <= done)),
            Outdated::Kept { until, .. } => events.any(|it| matches!(it.stands, Stands::Kept(end) if end <= until)),
            Outdated::Mails { written } => {
                let mut sent = self.mails.iter().filter(|mail| mail.state == MailState::Sent);
                sent.any(|mail| mail.at <= written)
            }
            Outdated::UsedKeys { now } => {
                let mut ends = self.used.values().filter_map(|(_, until)| *until);
                ends.any(|until| until <= now)
            }
        }
    }
}

impl<T: Clone> Table<T> {
    /// Keeps only these records, and gives the table as it was.
    fn keep(&mut self, is_kept: impl Fn(&T) -> bool) -> Self {
        let before = self.clone();
        *self = Self::default();
        let mut places: Vec<_> = before.places.iter().collect();
        places.sort_by_key(|(_, place)| **place);
        for (id, place) in places {
            let record = &before.records[*place];
            if is_kept(record) {
                self.set(id, record.clone());
            }
        }
        before
    }
}

/// What a run subscribes to that waits for the event by its key.
fn subscription_to(event: &InboundEvent) -> Option<Subscription> {
    Some(Subscription {
        kind: event.kind.clone(),
        key: event.key.clone()?,
    })
}
