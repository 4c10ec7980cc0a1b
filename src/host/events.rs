//! Events: recorded once, delivered once to every run and trigger that they concern.
//!
//! An event is recorded in the transaction of what it tells of. Delivery to a run is one
//! transaction with what the run makes of it, and so is the start of a run by an event.

use super::once::{self, OnceKey};
use super::runs::StartRun;
use super::{Host, HostError};
use crate::base::Value;
use crate::base::id::RunId;
use crate::engine::{InboundEvent, Input, Refusal};
use crate::expr::{Expression, Scope, Tree};
use crate::plan::Plan;
use crate::store::{Delivery, Write, fault};
use indexmap::IndexMap;
use secrecy::SecretString;
use serde_json::{Map, json};
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

    /// A webhook call for `flow`, already checked: its signature is right and fresh. The same
    /// `delivery` starts one run, however often it is sent; with another body it is refused.
    pub async fn webhook(self: &Arc<Self>, flow: &str, delivery: &str, body: Value) -> Result<RunId, HostError> {
        let plan = self.latest_plan(flow).await?;
        let trigger = plan.triggers.webhook.as_ref();
        let trigger = trigger.ok_or_else(|| HostError::NotFound(format!("webhook of flow {flow}")))?;
        let inputs = trigger_inputs(&plan, &trigger.inputs, &body)?;
        let once = OnceKey {
            name: "delivery id",
            scope: format!("webhook:{flow}"),
            key: delivery.to_owned(),
            digest: Some(once::digest(&body)),
        };
        self.start_run(StartRun {
            flow: flow.to_owned(),
            inputs,
            initiator: "trigger:webhook".to_owned(),
            trigger: "webhook".to_owned(),
            once: Some(once),
        })
        .await
    }

    /// The secret that signs webhook calls for `flow`.
    pub async fn webhook_secret(&self, flow: &str) -> Result<SecretString, HostError> {
        let plan = self.latest_plan(flow).await?;
        let trigger = plan.triggers.webhook.as_ref();
        let secret = trigger.and_then(|trigger| self.parts().secrets.get(&trigger.secret));
        secret
            .cloned()
            .ok_or_else(|| HostError::NotFound(format!("webhook of flow {flow}")))
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
        for plan in self.plans_with_event_trigger().await? {
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

    async fn deliver_to_trigger(self: &Arc<Self>, event: &InboundEvent, plan: &Plan) -> Result<(), HostError> {
        let Some(trigger) = plan
            .triggers
            .event
            .as_ref()
            .filter(|trigger| trigger.kind == event.kind)
        else {
            return Ok(());
        };
        let target = format!("trigger:{}", plan.flow);
        if self.parts().store.is_delivered(&event.id, &target).await? {
            return Ok(());
        }
        let delivery = Write::Delivered(Delivery {
            event: event.id.clone(),
            target,
        });
        let fields = event_fields(event);
        let wanted = trigger
            .filter
            .as_deref()
            .map_or(Ok(true), |filter| holds(filter, &fields));
        let started = match wanted {
            Ok(true) => self.start_by_event(plan, event, &fields, delivery.clone()).await,
            Ok(false) => return self.commit_alone(vec![delivery]).await,
            Err(why) => Err(HostError::Invalid(why)),
        };
        match started {
            Ok(()) => Ok(()),
            // the event will not become another one: it is told once and not tried again
            Err(error @ (HostError::BadInputs { .. } | HostError::Invalid(_))) => {
                tracing::error!(flow = plan.flow, event = %event.id, %error, "the event could not start a run");
                self.commit_alone(vec![delivery]).await
            }
            Err(error) => Err(error),
        }
    }

    async fn start_by_event(
        self: &Arc<Self>,
        plan: &Plan,
        event: &InboundEvent,
        fields: &Value,
        delivery: Write,
    ) -> Result<(), HostError> {
        let trigger = plan.triggers.event.as_ref().expect("asked by the caller");
        let start = StartRun {
            flow: plan.flow.clone(),
            inputs: trigger_inputs(plan, &trigger.inputs, fields)?,
            initiator: "trigger:event".to_owned(),
            trigger: "event".to_owned(),
            // an event is what was recorded under its id; what the trigger makes of it may change
            once: Some(OnceKey {
                name: "event id",
                scope: format!("event:{}", plan.flow),
                key: event.id.to_string(),
                digest: None,
            }),
        };
        self.metrics().events_delivered.add(1);
        self.start_run_with(start, vec![delivery]).await.map(|_| ())
    }
}

/// The event as expressions see it: its own fields, and `id`, `type`, `key`.
fn event_fields(event: &InboundEvent) -> Value {
    let mut fields = event.data.as_object().cloned().unwrap_or_default();
    fields.insert("id".to_owned(), json!(event.id));
    fields.insert("type".to_owned(), json!(event.kind));
    if let Some(key) = &event.key {
        fields.insert("key".to_owned(), json!(key));
    }
    Value::Object(fields)
}

/// The inputs of a run that an event or a call starts: as the trigger maps them, or else the
/// fields that bear the names of inputs.
fn trigger_inputs(plan: &Plan, map: &IndexMap<String, Value>, fields: &Value) -> Result<Value, HostError> {
    if map.is_empty() {
        let named = plan
            .inputs
            .keys()
            .filter_map(|name| Some((name.clone(), fields.get(name)?.clone())));
        return Ok(Value::Object(named.collect()));
    }
    let mut inputs = Map::new();
    for (name, value) in map {
        let wrong = |why: String| HostError::BadInputs {
            problems: vec![(name.clone(), why)],
        };
        let tree = Tree::parse(value).map_err(|errors| {
            wrong(
                errors
                    .into_iter()
                    .map(|(_, error)| error.to_string())
                    .collect::<Vec<_>>()
                    .join("; "),
            )
        })?;
        let (value, _) = tree
            .eval(&EventScope(fields))
            .map_err(|error| wrong(error.to_string()))?;
        inputs.insert(name.clone(), value);
    }
    Ok(Value::Object(inputs))
}

fn holds(filter: &str, fields: &Value) -> Result<bool, String> {
    let expression = Expression::parse(filter).map_err(|error| error.to_string())?;
    expression.holds(&EventScope(fields)).map_err(|error| error.to_string())
}

/// `event` and nothing else.
struct EventScope<'a>(&'a Value);

impl Scope for EventScope<'_> {
    fn get(&self, path: &[&str]) -> Option<Value> {
        let (root, rest) = path.split_first()?;
        if *root != "event" {
            return None;
        }
        rest.iter().try_fold(self.0, |value, name| value.get(name)).cloned()
    }
}
