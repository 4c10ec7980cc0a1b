//! `workflow`: what a run tells other runs, and leaves to later ones.

use super::action::{Action, event_info, info};
use crate::base::id::EventId;
use crate::base::{Document, FlowRight, Reach, Value};
use crate::connect::{ActionError, CallContext, Handler, LocalAction, LocalEffect, Registered, read_input};
use crate::engine::{InboundEvent, SENT_BY};
use crate::spec::catalog::OWN_CONNECTIONS;
use crate::spec::values::check_value;
use crate::spec::{Effect, EventInfo, FlowSpec, read_flow};
use crate::store::settings::{self, Setting, SettingChanged};
use crate::store::{Store, StoreError, Write};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;
use std::sync::Arc;

/// Longest type and key of an event, in characters.
pub const NAME_CHARS: usize = 256;

/// What happened.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmitInput {
    /// Its type, as `purchasing.order_placed`.
    #[serde(rename = "type")]
    kind: String,
    /// Its key, which waits find it by. Without one it reaches no wait, and only starts flows.
    key: Option<String>,
    /// Its fields. `by` says which run it was, whatever stands there.
    #[serde(default)]
    data: Map<String, Value>,
}

/// What was told.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EmitOutput {
    /// The event's id.
    event: String,
}

/// Settings of the flow that calls it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsInput {
    /// By name. Runs that start from now on have them; those that run keep what they began with.
    settings: Map<String, Value>,
}

/// What is other than before.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SettingsOutput {
    /// Names of the settings that changed.
    changed: Vec<String>,
}

struct SetSettings;

impl Action for SetSettings {
    const NAME: &'static str = "workflow.set_settings";
    const SUMMARY: &'static str = "Give settings of this flow, for its runs that start from now on.";
    const EFFECT: Effect = Effect::Write;
    type Input = SettingsInput;
    type Output = SettingsOutput;
}

#[async_trait::async_trait]
impl LocalAction for SetSettings {
    async fn call(&self, cx: &CallContext, store: &dyn Store, input: Value) -> Result<LocalEffect, ActionError> {
        let input: SettingsInput = read_input(input)?;
        let flow = flow_of(cx, store).await?;
        let (mut changed, mut writes) = (Vec::new(), Vec::new());
        for (name, value) in &input.settings {
            let Some(spec) = flow.settings.get(name) else {
                let why = format!("settings: {name} is no setting of flow {}", flow.flow);
                return Err(ActionError::Permanent(why));
            };
            let checked = check_value(spec, value, cx.semantics);
            let value = checked.map_err(|why| ActionError::Permanent(format!("settings: {name} {why}")))?;
            let before = settings::setting(store, &flow.flow, name).await.map_err(failed)?;
            if before.is_some_and(|before| before.value == value) {
                continue;
            }
            let by = format!("run:{}", cx.run);
            let given = Setting { value, by, at: cx.now };
            writes.extend(settings::change(&flow.flow, name, &given, &cx.key));
            changed.push(name.clone());
        }
        Ok(LocalEffect {
            output: super::output(SettingsOutput { changed })?,
            writes,
        })
    }
}

/// The version of the run's flow that new runs take.
async fn flow_of(cx: &CallContext, store: &dyn Store) -> Result<FlowSpec, ActionError> {
    let gone = || ActionError::Permanent("the flow of this run is not deployed".to_owned());
    let deployed = store.latest_deployment(&cx.flow).await.map_err(failed)?;
    let (document, _) = Document::parse(&cx.flow, &deployed.ok_or_else(gone)?.source);
    read_flow(&document).0.ok_or_else(gone)
}

fn failed(error: StoreError) -> ActionError {
    ActionError::Transient(error.to_string())
}

struct Emit;

impl Action for Emit {
    const NAME: &'static str = "workflow.emit";
    const SUMMARY: &'static str = "Tell other runs, and flows that such an event starts, that something happened.";
    const EFFECT: Effect = Effect::Write;
    type Input = EmitInput;
    type Output = EmitOutput;
}

#[async_trait::async_trait]
impl LocalAction for Emit {
    async fn call(&self, cx: &CallContext, _: &dyn Store, input: Value) -> Result<LocalEffect, ActionError> {
        let EmitInput { kind, key, mut data } = read_input(input)?;
        check_kind(&kind)?;
        check_name("type", &kind)?;
        let event = Reach::only(&kind);
        cx.check(&FlowRight::Emit { event })?;
        if let Some(key) = &key {
            check_name("key", key)?;
        }
        data.insert("by".to_owned(), Value::String(format!("run:{}", cx.run)));
        data.remove(SENT_BY);
        let event = InboundEvent {
            id: EventId::derived(&cx.key),
            kind,
            subjects: Vec::new(),
            key,
            data: Value::Object(data),
            at: cx.now,
        };
        let output = EmitOutput {
            event: event.id.to_string(),
        };
        Ok(LocalEffect {
            output: super::output(output)?,
            writes: vec![Write::Event(event)],
        })
    }
}

/// What the connections here tell of, nobody else does.
fn check_kind(kind: &str) -> Result<(), ActionError> {
    let parts = kind
        .split_once('.')
        .filter(|(connection, name)| !connection.is_empty() && !name.is_empty());
    let Some((connection, _)) = parts else {
        let why = format!("type: {kind:?} is no type of event: write it as purchasing.order_placed");
        return Err(ActionError::Permanent(why));
    };
    if OWN_CONNECTIONS.contains(&connection) {
        let why =
            format!("type: events of {connection} come from this server alone: choose another word before the dot");
        return Err(ActionError::Permanent(why));
    }
    Ok(())
}

fn check_name(what: &str, name: &str) -> Result<(), ActionError> {
    let is_name = (1..=NAME_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    let why = || format!("{what}: has 1 to {NAME_CHARS} characters, none of them a control");
    is_name.then_some(()).ok_or_else(|| ActionError::Permanent(why()))
}

/// The events.
pub(super) fn events() -> Vec<EventInfo> {
    vec![event_info::<SettingChanged>()]
}

/// The actions.
pub(super) fn actions() -> Vec<Registered> {
    vec![
        Registered {
            info: info::<Emit>(true, true),
            handler: Handler::Local(Arc::new(Emit)),
        },
        Registered {
            info: info::<SetSettings>(true, true),
            handler: Handler::Local(Arc::new(SetSettings)),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_limit() {
        assert!(check_name("key", &"k".repeat(NAME_CHARS)).is_ok());
        for wrong in ["k".repeat(NAME_CHARS + 1), String::new(), "a\nb".to_owned()] {
            assert!(check_name("key", &wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn nobody_tells_what_the_server_tells() {
        assert!(check_kind("purchasing.order_placed").is_ok());
        for wrong in [
            "file360.file_uploaded",
            "workflow.x",
            "gatefold.run_ended",
            "order",
            ".x",
            "x.",
        ] {
            assert!(check_kind(wrong).is_err(), "{wrong}");
        }
    }
}
