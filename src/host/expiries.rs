//! Documents that will not be valid much longer: runs that start before they expire, and the event that
//! tells that one is due for renewal.
//!
//! A document counts from the transaction that accepts it until another one of its file does, or it is
//! taken back; the store keeps it in order of its moments, so nobody looks through files.
//!
//! Invariants: a version of a document starts one run of a flow at most, and is told of once: both are
//! used up in the transaction in which they happen. One document that cannot start a run keeps no other
//! from its own. How far each flow has come is known in memory alone; after a restart documents are
//! looked through again, but none that expired longer ago than `LOOK_BACK`.

use super::actors::put_by;
use super::files::inbound;
use super::runs::StartRun;
use super::timers::pause;
use super::triggers::{holds, trigger_inputs};
use super::{Host, HostError, lock};
use crate::base::id::{EventId, FileId};
use crate::base::{Semantics, Timestamp, Value, moment};
use crate::engine::event::Event;
use crate::engine::{EventRecord, InboundEvent, event_fields};
use crate::plan::Plan;
use crate::space::{Expiry, File, Request, State, Workspace};
use crate::spec::flow::DocumentTrigger;
use crate::store::{ExpiryOrder, Write};
use jiff::SignedDuration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// How long ago a document may have expired that still starts a run.
pub const LOOK_BACK: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Documents read at once.
const BATCH: usize = 64;
/// Pause before documents are looked at again after the store failed.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);
/// Pause before one document is looked at again that could not start a run, where nobody knows why.
const AGAIN_ONE: SignedDuration = SignedDuration::from_mins(10);
/// Who starts these runs.
const INITIATOR: &str = "trigger:document";

/// What is known of documents beside the store.
#[derive(Default)]
pub(super) struct Expiring {
    /// Documents that have begun to count and were not yet looked at.
    fresh: Mutex<Vec<FileId>>,
    /// Documents to be looked at again after a while.
    again: Mutex<Vec<FileId>>,
    /// When the next one is due, as far as that is known.
    next: Mutex<Option<Timestamp>>,
    /// Something else is due than before.
    pub(super) changed: Notify,
}

impl Expiring {
    /// Documents that begin to count with these writes.
    pub(super) fn begun(writes: &[Write]) -> Vec<FileId> {
        let begun = writes.iter().filter_map(|write| match write {
            Write::PutExpiry(expiry) => Some(expiry.file.clone()),
            _ => None,
        });
        begun.collect()
    }

    /// These documents count from now on.
    pub(super) fn add(&self, begun: Vec<FileId>) {
        if !begun.is_empty() {
            lock(&self.fresh).extend(begun);
            self.changed.notify_one();
        }
    }
}

/// How far a version of a flow has come: the hash of its plan, and the last document that it has dealt with.
type Reached = HashMap<String, (String, Option<(Timestamp, FileId)>)>;

/// A flow that starts before documents expire.
#[derive(Clone, Copy)]
struct Expected<'p> {
    plan: &'p Plan,
    trigger: &'p DocumentTrigger,
}

impl Expected<'_> {
    fn order(self) -> ExpiryOrder {
        match self.plan.expires_within {
            Some(_) => ExpiryOrder::Day,
            None => ExpiryOrder::Renewal,
        }
    }

    /// When the document starts a run; `None` where nobody can tell.
    fn starts_at(self, expiry: &Expiry, file: &File) -> Option<Timestamp> {
        let Some(within) = &self.plan.expires_within else {
            return expiry.renew_at;
        };
        let paper = file.version(expiry.version)?.paper.as_ref()?;
        paper.ahead(within, self.plan.calendar.as_ref())
    }

    /// Whether the file lies where the trigger says.
    fn covers(self, file: &File) -> bool {
        let Some(folder) = &self.trigger.folder else {
            return true;
        };
        let folder = folder.trim_end_matches('/');
        let below = file.folder.strip_prefix(folder);
        file.workspace.as_str() == Workspace::MAIN && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// What makes the version start one run at most.
    fn once(self, expiry: &Expiry) -> (String, String) {
        (
            format!("document:{}", self.plan.flow),
            format!("{}:{}", expiry.file, expiry.version),
        )
    }
}

impl Host {
    /// When the next document starts a run or is due for renewal, as far as that is known.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        *lock(&self.expiring.next)
    }

    /// Starts runs before documents expire, and tells of those that are due for renewal, until the host stops.
    pub(super) async fn run_expiries(self: Arc<Self>) {
        let mut reached = Reached::new();
        loop {
            let looked = if self.is_time_held() {
                Ok(None)
            } else {
                self.look_at_expiries(&mut reached).await
            };
            let next = match looked {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "documents that expire could not be looked at; it is tried again");
                    // what is not known to be dealt with is looked at again
                    reached.clear();
                    Some(self.now().checked_add(AGAIN).unwrap_or(Timestamp::MAX))
                }
            };
            *lock(&self.expiring.next) = next;
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.expiring.changed.notified() => {}
                () = tokio::time::sleep(pause(&self.parts().clock, next)) => {}
            }
        }
    }

    /// Deals with every document that is due; tells when the next one is.
    async fn look_at_expiries(self: &Arc<Self>, reached: &mut Reached) -> Result<Option<Timestamp>, HostError> {
        let mut fresh = std::mem::take(&mut *lock(&self.expiring.fresh));
        fresh.append(&mut lock(&self.expiring.again));
        let mut next = self.tell_renewals().await?;
        for plan in self.plans_triggered(|on| on.document.is_some()).await? {
            let Some(trigger) = &plan.triggers.document else {
                continue;
            };
            let expected = Expected { plan: &plan, trigger };
            let place = reached.entry(plan.flow.clone()).or_default();
            if place.0 != plan.hash {
                *place = (plan.hash.clone(), None);
            }
            for file in &fresh {
                self.look_at_fresh(expected, file, place.1.as_ref()).await?;
            }
            let now = self.now();
            let later = self.walk(expected, &mut place.1).await?;
            if expected.order() == ExpiryOrder::Renewal {
                // what is due by now is dealt with, or too old: the next walk goes on from here
                place.1 = place.1.take().max(Some((now, FileId(String::new()))));
            }
            next = [next, later].into_iter().flatten().min();
        }
        let has_again = !lock(&self.expiring.again).is_empty();
        let again = has_again.then(|| self.now().checked_add(AGAIN_ONE).unwrap_or(Timestamp::MAX));
        Ok([next, again].into_iter().flatten().min())
    }

    /// Deals with a document that has begun to count where the walk has passed already.
    async fn look_at_fresh(
        self: &Arc<Self>,
        expected: Expected<'_>,
        file: &FileId,
        passed: Option<&(Timestamp, FileId)>,
    ) -> Result<(), HostError> {
        let Some(expiry) = self.parts().store.expiry(file).await? else {
            return Ok(());
        };
        let place = expected.order().of(&expiry).map(|at| (at, expiry.file.clone()));
        if expiry.day >= self.looked_back() && place.is_some_and(|place| passed.is_some_and(|passed| place <= *passed))
        {
            self.deal_with(expected, &expiry).await?;
        }
        Ok(())
    }

    /// Goes on through the documents in their order to the first one that is not due yet; tells when that is.
    async fn walk(
        self: &Arc<Self>,
        expected: Expected<'_>,
        place: &mut Option<(Timestamp, FileId)>,
    ) -> Result<Option<Timestamp>, HostError> {
        let order = expected.order();
        loop {
            let store = &self.parts().store;
            let found = store.expiries(order, self.looked_back(), place.as_ref(), BATCH).await?;
            let is_last = found.len() < BATCH;
            for expiry in found {
                if self.stop.is_cancelled() {
                    return Ok(None);
                }
                if let Some(later) = self.deal_with(expected, &expiry).await? {
                    return Ok(Some(later));
                }
                *place = order.of(&expiry).map(|at| (at, expiry.file));
            }
            if is_last {
                return Ok(None);
            }
        }
    }

    /// Starts the run of a document, unless it has started one or is left out. `Some` where it is not due yet.
    async fn deal_with(
        self: &Arc<Self>,
        expected: Expected<'_>,
        expiry: &Expiry,
    ) -> Result<Option<Timestamp>, HostError> {
        let store = &self.parts().store;
        let Some(file) = store.file(&expiry.file).await? else {
            return Ok(None);
        };
        let now = self.now();
        match expected.starts_at(expiry, &file) {
            Some(at) if at > now => return Ok(Some(at)),
            Some(_) => {}
            None => return Ok(None),
        }
        let (scope, key) = expected.once(expiry);
        if !expected.covers(&file) || self.is_closed(&file).await? || store.is_used(&scope, &key).await? {
            return Ok(None);
        }
        let Some(event) = about(expiry, &file, now) else {
            return Ok(None);
        };
        match self.start_by_document(expected, expiry, &event).await {
            // the document may become another one, or the flow: it is told once now and looked at again then
            Err(error @ (HostError::BadInputs { .. } | HostError::BadSettings { .. } | HostError::Invalid(_))) => {
                tracing::error!(flow = expected.plan.flow, file = %file.id, %error, "the document could not start a run");
                Ok(None)
            }
            Err(error @ HostError::Store(_)) => Err(error),
            // one document does not keep the others from theirs
            Err(error) => {
                tracing::error!(
                    flow = expected.plan.flow, file = %file.id, again_in = %AGAIN_ONE, %error,
                    "the document could not start a run; it is tried again"
                );
                lock(&self.expiring.again).push(file.id);
                Ok(None)
            }
            Ok(()) => Ok(None),
        }
    }

    async fn start_by_document(
        self: &Arc<Self>,
        expected: Expected<'_>,
        expiry: &Expiry,
        event: &InboundEvent,
    ) -> Result<(), HostError> {
        let Expected { plan, trigger } = expected;
        let fields = Value::Object(event_fields(&event.id, &event.kind, event.key.as_deref(), &event.data));
        let wanted = trigger
            .filter
            .as_deref()
            .map_or(Ok(true), |filter| holds(plan, filter, &fields));
        if !wanted.map_err(HostError::Invalid)? {
            return Ok(());
        }
        let start = StartRun {
            flow: plan.flow.clone(),
            inputs: trigger_inputs(plan, &trigger.inputs, &fields, &fields)?,
            initiator: INITIATOR.to_owned(),
            trigger: "document".to_owned(),
            cause: put_by(&event.data),
            ..StartRun::default()
        };
        let (scope, key) = expected.once(expiry);
        let used = Write::Once {
            scope,
            key,
            value: String::new(),
            digest: None,
            until: expiry.day.checked_add(LOOK_BACK + LOOK_BACK).ok(),
        };
        self.start_run_with(start, vec![used]).await.map(|_| ())
    }

    /// Tells of every document that is due for renewal; gives when the next one is.
    async fn tell_renewals(self: &Arc<Self>) -> Result<Option<Timestamp>, HostError> {
        let store = &self.parts().store;
        loop {
            let untold = store.untold_expiries(BATCH).await?;
            if untold.is_empty() {
                return Ok(None);
            }
            for expiry in untold {
                let now = self.now();
                if let Some(at) = expiry.renew_at.filter(|at| *at > now) {
                    return Ok(Some(at));
                }
                let told = Write::ExpiryTold {
                    file: expiry.file.clone(),
                    version: expiry.version,
                };
                let file = store.file(&expiry.file).await?;
                let event = match file {
                    Some(file) if !self.is_closed(&file).await? => about(&expiry, &file, now),
                    _ => None,
                };
                // where another document counts by now, that one is found instead
                let writes = std::iter::once(told).chain(event.map(Write::Event));
                self.try_record(writes.collect()).await?;
            }
        }
    }

    /// Whether the workspace of the file takes nothing new any more.
    async fn is_closed(&self, file: &File) -> Result<bool, HostError> {
        let workspace = self.parts().store.workspace(&file.workspace).await?;
        Ok(workspace.is_some_and(|workspace| workspace.state != State::Live))
    }

    /// Documents that begin to count because people have accepted them.
    pub(super) async fn accepted(&self, events: &[EventRecord]) -> Result<Vec<Write>, HostError> {
        let mut writes = Vec::new();
        for record in events {
            let Event::ItemChanged {
                state: crate::base::ItemState::Accepted,
                cause: None,
                files,
                ..
            } = &record.event
            else {
                continue;
            };
            for given in files.iter().filter(|given| given.valid_until.is_some()) {
                let file = self.parts().store.file(&FileId::from(given.file.id.as_str())).await?;
                writes.extend(file.as_ref().and_then(|file| counts(file, given.file.version)));
            }
        }
        Ok(writes)
    }

    fn looked_back(&self) -> Timestamp {
        self.now().checked_sub(LOOK_BACK).unwrap_or(Timestamp::MIN)
    }
}

/// What makes a version of the file the document that counts in it, if it is one that expires.
pub(super) fn counts(file: &File, version: u64) -> Option<Write> {
    Expiry::of(file, file.version(version)?).map(Write::PutExpiry)
}

/// What ends with a change of a request: documents that were given and no longer are.
pub(super) fn ended(before: &Request, after: &Request) -> Vec<Write> {
    let still = |file: &str| {
        let files = after.items.iter().flat_map(|item| &item.files);
        let mut dated = files.filter(|given| given.valid_until.is_some());
        dated.any(|given| given.file.id == file)
    };
    let given = before.items.iter().flat_map(|item| &item.files);
    let gone = given.filter(|given| given.valid_until.is_some() && !still(&given.file.id));
    gone.map(|given| Write::EndExpiry {
        file: FileId(given.file.id.clone()),
    })
    .collect()
}

/// What tells of a document; its id follows from it, so that it is recorded once.
fn about(expiry: &Expiry, file: &File, now: Timestamp) -> Option<InboundEvent> {
    let event = expiry.event(file, now)?;
    let id = EventId::derived(&format!("expiring:{}:{}", expiry.file, expiry.version));
    Some(inbound(id, &event, now))
}

/// A day as it is kept, which is the only form that it is taken in.
pub(super) fn check_day(day: &str) -> Result<(), HostError> {
    match moment::day(day, Semantics::CURRENT) {
        Ok(_) => Ok(()),
        Err(_) => Err(HostError::Invalid(
            "valid_until must be a day, as 2026-11-23".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::space::SpaceEvent;
    use crate::space::events::DocumentExpiring;
    use crate::spec::catalog::DOCUMENT_EXPIRING;

    #[test]
    fn triggers_see_the_fields_of_the_event() {
        assert_eq!(DocumentExpiring::KIND, DOCUMENT_EXPIRING);
    }
}
