//! What starts runs beside people: webhooks, events, the end of other runs.
//!
//! The start of a run by an event is one transaction with the delivery of the event.

use super::once::{self, OnceKey};
use super::runs::{FilesFrom, StartRun};
use super::{Host, HostError};
use crate::base::id::{EventId, RunId};
use crate::base::secret_rules::PREVIOUS;
use crate::base::{FlowRight, Value};
use crate::engine::{Event, EventRecord, InboundEvent, RunMachine, SENT_BY, event_fields};
use crate::expr::{DataScope, Expression, Tree};
use crate::plan::Plan;
use crate::spec::catalog::OWN_CONNECTIONS;
use crate::store::{Delivery, Write};
use indexmap::IndexMap;
use secrecy::SecretString;
use serde_json::{Map, json};
use std::sync::Arc;

pub use crate::engine::RUN_ENDED;
/// Most runs that start one another by what they do or by their ends, the first one included.
pub const MAX_CHAIN: usize = 32;

/// What the target of a delivery begins with that is no run.
pub(super) const TRIGGER: &str = "trigger:";

/// How an initiator names a run.
pub(super) const BY_RUN: &str = "run:";

/// The secrets that sign webhook calls.
#[derive(Clone, Debug)]
pub struct WebhookSecrets {
    /// The secret that the flow names.
    pub current: SecretString,
    /// The previous secret, while senders change to the new one.
    pub previous: Option<SecretString>,
    /// Whether another flow also names the secret.
    pub is_shared: bool,
}

/// What a trigger makes of an event.
struct Start<'p> {
    /// `event` or `flow`.
    trigger: &'static str,
    filter: Option<&'p str>,
    inputs: &'p IndexMap<String, Value>,
    initiator: String,
}

impl Host {
    /// A webhook call for `flow`, already checked: its signature is right and fresh. The same
    /// `delivery` starts one run, however often it is sent; with another body it is refused.
    pub async fn webhook(self: &Arc<Self>, flow: &str, delivery: &str, body: Value) -> Result<RunId, HostError> {
        let plan = self.latest_plan(flow).await?;
        let trigger = plan.triggers.webhook.as_ref();
        let trigger = trigger.ok_or_else(|| HostError::NotFound(format!("webhook of flow {flow}")))?;
        let inputs = trigger_inputs(&plan, &trigger.inputs, &body, &body)?;
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
            ..StartRun::default()
        })
        .await
    }

    /// The secrets that sign webhook calls for `flow`.
    pub async fn webhook_secrets(&self, flow: &str) -> Result<WebhookSecrets, HostError> {
        let none = || HostError::NotFound(format!("webhook of flow {flow}"));
        let plan = self.latest_plan(flow).await?;
        let name = &plan.triggers.webhook.as_ref().ok_or_else(none)?.secret;
        let right = FlowRight::SecretInside { name: name.clone() };
        if self.parts().policy.forbids(flow, &right).is_some() {
            return Err(none());
        }
        let secrets = &self.parts().secrets;
        let others = self
            .plans_triggered(|on| on.webhook.as_ref().is_some_and(|webhook| webhook.secret == *name))
            .await?;
        Ok(WebhookSecrets {
            current: secrets.get(name).cloned().ok_or_else(none)?,
            previous: secrets.get(&format!("{name}{PREVIOUS}")).cloned(),
            is_shared: others.iter().any(|other| other.flow != flow),
        })
    }

    /// Starts a run of `plan` if one of its triggers is for `event`. Whether it has started one.
    pub(super) async fn deliver_to_trigger(
        self: &Arc<Self>,
        event: &InboundEvent,
        plan: &Plan,
    ) -> Result<bool, HostError> {
        let Some(start) = start_of(plan, event) else {
            return Ok(false);
        };
        let delivery = Write::Delivered(Delivery {
            event: event.id.clone(),
            target: trigger_target(plan),
        });
        if self.is_of(&start.initiator, &plan.flow).await? {
            tracing::debug!(flow = plan.flow, event = %event.id, "a flow is not started by what its own runs do");
            self.commit_alone(vec![delivery]).await?;
            return Ok(false);
        }
        let fields = event_fields(&event.id, &event.kind, event.key.as_deref(), &event.data);
        let fields = Value::Object(fields);
        let wanted = start.filter.map_or(Ok(true), |filter| holds(plan, filter, &fields));
        let started = match wanted {
            Ok(true) => self.start_by_event(plan, event, start, &fields, delivery.clone()).await,
            Ok(false) => {
                self.commit_alone(vec![delivery]).await?;
                return Ok(false);
            }
            Err(why) => Err(HostError::Invalid(why)),
        };
        match started {
            Ok(()) => Ok(true),
            // the event will not become another one: it is told once and not tried again
            Err(error @ (HostError::BadInputs { .. } | HostError::BadSettings { .. } | HostError::Invalid(_))) => {
                tracing::error!(flow = plan.flow, event = %event.id, %error, "the event could not start a run");
                let mut writes = self.tell_unstarted(plan, &event.kind, &error).await?;
                writes.push(delivery);
                self.commit_alone(writes).await?;
                self.mails_queued.notify_one();
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn start_by_event(
        self: &Arc<Self>,
        plan: &Plan,
        event: &InboundEvent,
        start: Start<'_>,
        fields: &Value,
        delivery: Write,
    ) -> Result<(), HostError> {
        let unmapped = match start.trigger {
            "flow" => &event.data["outputs"],
            _ => fields,
        };
        self.bounded_chain(&start.initiator).await?;
        let start = StartRun {
            flow: plan.flow.clone(),
            inputs: trigger_inputs(plan, start.inputs, fields, unmapped)?,
            initiator: start.initiator,
            trigger: start.trigger.to_owned(),
            // an event is what was recorded under its id; what the trigger makes of it may change
            once: Some(OnceKey {
                name: "event id",
                scope: trigger_scope(plan),
                key: event.id.to_string(),
                digest: None,
            }),
            files_from: match event.data.get(SENT_BY) {
                Some(_) => FilesFrom::Event(event.data.clone()),
                None => FilesFrom::Flow,
            },
            cause: None,
            via: None,
        };
        self.start_run_with(start, vec![delivery]).await?;
        self.metrics().events_delivered.add(1);
        Ok(())
    }

    /// Whether the initiator is a run of `flow`.
    async fn is_of(&self, initiator: &str, flow: &str) -> Result<bool, HostError> {
        let Some(run) = initiator.strip_prefix(BY_RUN) else {
            return Ok(false);
        };
        let run = self.parts().store.run(&RunId::from(run)).await?;
        Ok(run.is_some_and(|run| run.flow == flow))
    }

    /// Refuses another run where too many have started one another already.
    async fn bounded_chain(&self, initiator: &str) -> Result<(), HostError> {
        let mut by = initiator.to_owned();
        for _ in 1..MAX_CHAIN {
            let Some(before) = by.strip_prefix(BY_RUN) else {
                return Ok(());
            };
            match self.parts().store.run(&RunId::from(before)).await? {
                Some(run) => by = run.initiator,
                None => return Ok(()),
            }
        }
        if !by.starts_with(BY_RUN) {
            return Ok(());
        }
        Err(HostError::Invalid(format!(
            "{MAX_CHAIN} runs have started one another, which is as many as may: look for flows that \
             start each other in a circle"
        )))
    }

    /// The event that tells of the end of the run, where another flow starts on it or a step waits for it.
    pub(super) async fn told_end(
        &self,
        machine: &RunMachine,
        events: &[EventRecord],
    ) -> Result<Option<Write>, HostError> {
        let Some(EventRecord {
            run,
            at,
            event: Event::RunEnded { status, outputs, .. },
            ..
        }) = events.last()
        else {
            return Ok(None);
        };
        let flow = &machine.plan().flow;
        let follows = self
            .plans_triggered(|on| on.flow.as_ref().is_some_and(|trigger| trigger.name == *flow))
            .await?;
        let parent = machine.parent();
        if follows.is_empty() && parent.is_none() {
            return Ok(None);
        }
        Ok(Some(Write::Event(InboundEvent {
            id: EventId::derived(&format!("run_ended:{run}")),
            kind: RUN_ENDED.to_owned(),
            // whoever owns the run hears of it
            subjects: parent.map(|_| run.to_string()).into_iter().collect(),
            key: None,
            data: json!({
                "run": run,
                "flow": flow,
                "version": machine.plan().version,
                "outcome": status,
                "outputs": outputs,
                "initiator": machine.started_by(),
            }),
            at: *at,
        })))
    }
}

/// Whether one of the triggers of `plan` is for `event`.
pub(super) fn starts_on(plan: &Plan, event: &InboundEvent) -> bool {
    start_of(plan, event).is_some()
}

/// The target of deliveries to the triggers of a flow.
pub(super) fn trigger_target(plan: &Plan) -> String {
    format!("{TRIGGER}{}", plan.flow)
}

/// Scope of the keys that make an event start one run of the flow.
pub(super) fn trigger_scope(plan: &Plan) -> String {
    format!("event:{}", plan.flow)
}

/// The trigger of `plan` that is for `event`.
fn start_of<'p>(plan: &'p Plan, event: &InboundEvent) -> Option<Start<'p>> {
    // What was sent again is nothing new.
    if event.kind.starts_with("file360.") && event.data.get("unchanged") == Some(&Value::Bool(true)) {
        return None;
    }
    if let Some(trigger) = &plan.triggers.event
        && trigger.kind == event.kind
    {
        return Some(Start {
            trigger: "event",
            filter: trigger.filter.as_deref(),
            inputs: &trigger.inputs,
            initiator: done_by(event).unwrap_or_else(|| "trigger:event".to_owned()),
        });
    }
    let trigger = plan.triggers.flow.as_ref().filter(|_| event.kind == RUN_ENDED)?;
    let text = |name: &str| event.data.get(name).and_then(Value::as_str);
    let outcome = text("outcome")?;
    let is_meant = trigger.outcome.is_empty() || trigger.outcome.iter().any(|one| one == outcome);
    (text("flow")? == trigger.name && is_meant).then(|| Start {
        trigger: "flow",
        filter: trigger.filter.as_deref(),
        inputs: &trigger.inputs,
        initiator: format!("{BY_RUN}{}", text("run").unwrap_or_default()),
    })
}

/// The initiator for an event: the sender of an outside event, whatever its other fields say, or
/// the person or run that an event of this server names. `None` for an anonymous holder of a link.
fn done_by(event: &InboundEvent) -> Option<String> {
    if let Some(sender) = event.data.get(SENT_BY).and_then(Value::as_str) {
        return Some(sender.to_owned());
    }
    let by = event.data.get("by")?.as_str()?;
    let connection = event.kind.split('.').next().unwrap_or_default();
    let is_known = by.starts_with(BY_RUN)
        || (OWN_CONNECTIONS.contains(&connection) && (by.starts_with("user:") || by.starts_with("email:")));
    is_known.then(|| by.to_owned())
}

/// The inputs of a run: as the trigger maps the `fields` of its event, or else what bears the names
/// of inputs in `unmapped`.
pub(super) fn trigger_inputs(
    plan: &Plan,
    map: &IndexMap<String, Value>,
    fields: &Value,
    unmapped: &Value,
) -> Result<Value, HostError> {
    if map.is_empty() {
        let named = plan
            .inputs
            .keys()
            .filter_map(|name| Some((name.clone(), unmapped.get(name)?.clone())));
        return Ok(Value::Object(named.collect()));
    }
    let mut inputs = Map::new();
    let scope = scope_of(plan, fields);
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
        let (value, _) = tree.eval(&scope).map_err(|error| wrong(error.to_string()))?;
        inputs.insert(name.clone(), value);
    }
    Ok(Value::Object(inputs))
}

/// Names in the expressions of a trigger: `event` with these fields.
fn scope_of(plan: &Plan, fields: &Value) -> DataScope {
    DataScope {
        data: json!({ "event": fields }),
        semantics: plan.semantics,
    }
}

pub(super) fn holds(plan: &Plan, filter: &str, fields: &Value) -> Result<bool, String> {
    let expression = Expression::parse(filter).map_err(|error| error.to_string())?;
    let scope = scope_of(plan, fields);
    expression.holds(&scope).map_err(|error| error.to_string())
}
