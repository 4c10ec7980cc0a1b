//! Events: recorded once, delivered once to every run and trigger that they concern.
//!
//! An event is recorded in the transaction of what it tells of. Delivery to a run is one
//! transaction with what the run makes of it. An event with a key that neither meets a wait nor
//! starts a run is kept for a wait that opens later.
//!
//! Invariant: an event that cannot be delivered blocks no other.

use super::triggers::{TRIGGER, starts_on, trigger_scope, trigger_target};
use super::{Host, HostError};
use crate::base::Timestamp;
use crate::base::id::RunId;
use crate::engine::{InboundEvent, Input, Refusal, Reply, SENT_BY};
use crate::store::{Delivery, Outdated, PendingEvent, Write, fault};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Longest id, type and key of an event from outside, in characters.
pub const NAME_CHARS: usize = 256;
/// For how long an event with a key is kept that no run waits for, in days since it happened.
pub const KEPT_DAYS: i64 = 30;
/// How many are kept at most.
pub const KEPT_EVENTS: usize = 10_000;
/// How many bytes of them are kept at most.
pub const KEPT_BYTES: u64 = 64 << 20;
/// Events read at once.
const BATCH: usize = 64;
/// Pause before an event is tried again that could not be delivered.
const AGAIN: Duration = Duration::from_secs(2);
/// The longest such pause.
const AGAIN_MAX: Duration = Duration::from_mins(10);
/// Pause before events are looked for again where nobody said that there are some.
const LOOK: Duration = Duration::from_mins(1);

impl Host {
    /// Records an event from outside and has it delivered. One of the same id is recorded once;
    /// another one under that id is refused.
    pub async fn publish_event(self: &Arc<Self>, event: InboundEvent) -> Result<(), HostError> {
        let names = [Some(event.id.as_str()), Some(&event.kind), event.key.as_deref()];
        let is_name = |name: &str| {
            let length = name.chars().count();
            (1..=NAME_CHARS).contains(&length) && !name.chars().any(char::is_control)
        };
        if !names.into_iter().flatten().all(is_name) {
            let why = format!("an event's id, type and key have 1 to {NAME_CHARS} characters, none of them a control");
            return Err(HostError::Invalid(why));
        }
        self.record(vec![Write::Event(event.clone())]).await?;
        // An id that was there stays with the first event, so what is stored tells which one that was.
        let recorded = self.parts().store.event(&event.id).await?;
        // the same event sent by two people is one event and belongs to the first sender
        let what = |event: &InboundEvent| {
            let mut data = event.data.clone();
            let _ = data.as_object_mut().map(|fields| fields.remove(SENT_BY));
            (event.kind.clone(), event.key.clone(), data)
        };
        match recorded {
            Some(first) if what(&first) != what(&event) => Err(HostError::KeyReused { name: "event id" }),
            _ => Ok(()),
        }
    }

    /// Delivers events until the host stops.
    pub(super) async fn run_events(self: Arc<Self>) {
        loop {
            let pause = match self.deliver_pending(usize::MAX).await {
                Ok(next) => self.until_due(next),
                Err(error) => {
                    tracing::error!(%error, "events could not be read; it is tried again");
                    AGAIN
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.events_recorded.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn until_due(&self, next: Option<Timestamp>) -> Duration {
        let until = next.map(|next| next.duration_since(self.now()));
        until.map_or(LOOK, |until| {
            Duration::try_from(until).unwrap_or(Duration::ZERO).min(LOOK)
        })
    }

    /// Lets every event be tried again now, however often it failed before.
    pub(super) async fn retry_events(&self) -> Result<(), HostError> {
        match self.parts().store.next_event_due().await? {
            Some(due) if due > self.now() => self.commit_alone(vec![Write::EventsDue]).await,
            _ => Ok(()),
        }
    }

    /// Delivers what is due, in order, so many at most. One that cannot be delivered is put off, so that it blocks no
    /// other. Gives when the next one is due.
    pub(super) async fn deliver_pending(self: &Arc<Self>, at_most: usize) -> Result<Option<Timestamp>, HostError> {
        let store = &self.parts().store;
        // once each: what is put off is due after this
        let now = self.now();
        let mut left = at_most;
        loop {
            let pending = store.pending_events(now, BATCH.min(left)).await?;
            left -= pending.len();
            if pending.is_empty() {
                return Ok(store.next_event_due().await?);
            }
            for PendingEvent { event, attempts } in pending {
                let event = Arc::new(event);
                let (host, to_deliver) = (Arc::clone(self), Arc::clone(&event));
                let what = format!("event {}", event.id);
                if let Err(error) = self
                    .to_its_end(what, async move { host.deliver(&to_deliver).await })
                    .await
                {
                    self.put_off(&event, attempts + 1, now, &error).await?;
                }
                if self.stop.is_cancelled() {
                    return Ok(None);
                }
            }
        }
    }

    async fn put_off(
        &self,
        event: &InboundEvent,
        attempts: u32,
        now: Timestamp,
        error: &HostError,
    ) -> Result<(), HostError> {
        let pause = pause_after(attempts);
        self.metrics().events_put_off.add(1);
        tracing::error!(
            event = %event.id, kind = event.kind, attempts, again_in = ?pause, %error,
            "an event could not be delivered; it is tried again"
        );
        let due = self
            .now()
            .max(now)
            .saturating_add(jiff::SignedDuration::try_from(pause).unwrap_or_default());
        let later = Write::EventLater {
            event: event.id.clone(),
            due: due.unwrap_or(Timestamp::MAX),
        };
        self.commit_alone(vec![later]).await
    }

    async fn deliver(self: &Arc<Self>, event: &InboundEvent) -> Result<(), HostError> {
        let store = &self.parts().store;
        let plans = self
            .plans_triggered(|on| on.event.is_some() || on.flow.is_some())
            .await?;
        let triggers: Vec<_> = plans.iter().filter(|plan| starts_on(plan, event)).collect();
        let reached = store.deliveries(&event.id).await?;
        let mut taken = reached.iter().any(|target| !target.starts_with(TRIGGER));
        let mut started = Vec::new();
        for plan in &triggers {
            let used = store.used_for(&trigger_scope(plan), event.id.as_str()).await?;
            started.extend(used.map(|used| RunId(used.value)));
        }
        taken |= !started.is_empty();
        let mut failed = None;
        for run in self.audience(event).await? {
            // a run that the event has started does not take it a second time
            if started.contains(&run) || reached.contains(&run.0) {
                continue;
            }
            match self.deliver_to_run(event, &run).await {
                Ok(delivered) => taken |= delivered,
                Err(error) => failed = Some(error),
            }
        }
        for plan in triggers {
            if reached.contains(&trigger_target(plan)) {
                continue;
            }
            match self.deliver_to_trigger(event, plan).await {
                Ok(has_started) => taken |= has_started,
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        fault::point("host-after-delivery");
        if event.key.is_some() && !taken {
            return self.keep(event).await;
        }
        let at = self.now();
        self.commit_alone(vec![Write::EventDone {
            event: event.id.clone(),
            at,
        }])
        .await
    }

    /// The runs that the event is for, as they stand now.
    async fn audience(&self, event: &InboundEvent) -> Result<BTreeSet<RunId>, HostError> {
        let store = &self.parts().store;
        let mut runs: BTreeSet<RunId> = store.owners_of(&event.subjects).await?.into_iter().collect();
        for awaited in event.key.iter().chain(&event.subjects) {
            runs.extend(store.subscribers(&event.kind, awaited).await?);
        }
        Ok(runs)
    }

    /// Keeps an event that nobody waits for yet; whoever begins to wait for its key makes it due
    /// again. The oldest give way where too many are kept.
    async fn keep(&self, event: &InboundEvent) -> Result<(), HostError> {
        let until = event
            .at
            .saturating_add(jiff::SignedDuration::from_hours(24 * KEPT_DAYS));
        self.commit_alone(vec![Write::KeepEvent {
            event: event.id.clone(),
            until: until.unwrap_or(Timestamp::MAX),
        }])
        .await?;
        self.metrics().events_kept.add(1);
        let mut before = usize::MAX;
        loop {
            let kept = self.parts().store.kept_events().await?;
            // those that are damaged never give way
            let is_stuck = std::mem::replace(&mut before, kept.count) <= kept.count;
            if is_stuck || (kept.count <= KEPT_EVENTS && kept.bytes <= KEPT_BYTES) {
                return Ok(());
            }
            tracing::warn!(
                events = kept.count,
                bytes = kept.bytes,
                "too many events that nobody waits for: the oldest is given up"
            );
            self.metrics().events_given_up.add(1);
            let what = Outdated::Kept {
                until: Timestamp::MAX,
                at: self.now(),
            };
            self.commit_alone(vec![Write::Forget { what, at_most: 1 }]).await?;
        }
    }

    /// Whether the run has taken it; it has not where it has ended.
    async fn deliver_to_run(self: &Arc<Self>, event: &InboundEvent, run: &RunId) -> Result<bool, HostError> {
        let delivery = Delivery {
            event: event.id.clone(),
            target: run.to_string(),
        };
        fault::point("host-before-delivery");
        match self
            .drive(run, Input::Event(event.clone()), vec![Write::Delivered(delivery)])
            .await
        {
            Ok(reply) => {
                let is_first = reply == Reply::Accepted;
                self.metrics().events_delivered.add(u64::from(is_first));
                Ok(true)
            }
            Err(HostError::Refused(Refusal::RunEnded(_))) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// How long an event is put off after so many tries: twice as long each time, up to a bound.
fn pause_after(attempts: u32) -> Duration {
    let factor = 2_u32.saturating_pow(attempts.saturating_sub(1));
    AGAIN.saturating_mul(factor).min(AGAIN_MAX)
}
