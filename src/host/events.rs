//! Events: recorded once, delivered once to every run and trigger that they concern.
//!
//! An event is recorded in the transaction of what it tells of. Delivery to a run is one
//! transaction with what the run makes of it.

use super::{Host, HostError};
use crate::base::id::RunId;
use crate::engine::{InboundEvent, Input, Refusal};
use crate::store::{Delivery, Write, fault};
use std::sync::Arc;
use std::time::Duration;

/// Longest id, type and key of an event from outside, in characters.
pub const NAME_CHARS: usize = 256;
/// Events read at once.
const BATCH: usize = 64;
/// Pause before events are looked for again where one could not be delivered.
const AGAIN: Duration = Duration::from_secs(2);
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
        let what = |event: &InboundEvent| (event.kind.clone(), event.key.clone(), event.data.clone());
        match recorded {
            Some(first) if what(&first) != what(&event) => Err(HostError::KeyReused { name: "event id" }),
            _ => Ok(()),
        }
    }

    /// Delivers events until the host stops.
    pub(super) async fn run_events(self: Arc<Self>) {
        loop {
            let pause = match self.deliver_pending().await {
                Ok(true) => LOOK,
                Ok(false) => AGAIN,
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

    /// Delivers what is recorded. `false` where some of it could not be delivered.
    pub(super) async fn deliver_pending(self: &Arc<Self>) -> Result<bool, HostError> {
        loop {
            let events = self.parts().store.pending_events(BATCH).await?;
            if events.is_empty() {
                return Ok(true);
            }
            let mut delivered_some = false;
            for event in &events {
                match self.deliver(event).await {
                    Ok(()) => delivered_some = true,
                    Err(error) => tracing::error!(event = %event.id, %error, "an event could not be delivered"),
                }
                if self.stop.is_cancelled() {
                    return Ok(false);
                }
            }
            if !delivered_some {
                return Ok(false);
            }
        }
    }

    async fn deliver(self: &Arc<Self>, event: &InboundEvent) -> Result<(), HostError> {
        let store = &self.parts().store;
        let mut runs = store.owners_of(&event.subjects).await?;
        if let Some(key) = &event.key {
            runs.extend(store.subscribers(&event.kind, key).await?);
        }
        runs.sort();
        runs.dedup();
        let mut failed = None;
        for run in runs {
            if let Err(error) = self.deliver_to_run(event, &run).await {
                failed = Some(error);
            }
        }
        for plan in self
            .plans_triggered(|on| on.event.is_some() || on.flow.is_some())
            .await?
        {
            if let Err(error) = self.deliver_to_trigger(event, &plan).await {
                failed = Some(error);
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        fault::point("host-after-delivery");
        self.commit_alone(vec![Write::EventDone(event.id.clone())]).await
    }

    async fn deliver_to_run(self: &Arc<Self>, event: &InboundEvent, run: &RunId) -> Result<(), HostError> {
        if self.parts().store.is_delivered(&event.id, run.as_str()).await? {
            return Ok(());
        }
        let delivery = Delivery {
            event: event.id.clone(),
            target: run.to_string(),
        };
        fault::point("host-before-delivery");
        self.metrics().events_delivered.add(1);
        match self
            .drive(run, Input::Event(event.clone()), vec![Write::Delivered(delivery)])
            .await
        {
            Ok(_) | Err(HostError::Refused(Refusal::RunEnded(_))) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
