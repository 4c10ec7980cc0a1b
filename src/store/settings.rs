//! What the runs of a flow share, as it is stored: by flow and name, under the keys that are remembered for good.

use super::{Store, StoreError, Write};
use crate::base::id::EventId;
use crate::base::{Timestamp, Value};
use crate::engine::InboundEvent;
use crate::space::SpaceEvent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A setting that somebody has given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// Who gave it: `user:…`, `run:…`.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A setting of a flow is another than before.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SettingChanged {
    /// The flow.
    pub flow: String,
    /// The setting.
    pub name: String,
    /// Its value from now on.
    pub value: Value,
    /// Who gave it: `user:…`, `run:…`.
    pub by: String,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

impl SpaceEvent for SettingChanged {
    const KIND: &'static str = "workflow.setting_changed";
    const SUMMARY: &'static str = "A setting of a flow is another than before.";

    fn subjects(&self) -> Vec<String> {
        vec![self.flow.clone()]
    }
}

fn scope(flow: &str) -> String {
    format!("setting:{flow}")
}

/// A setting, if somebody has given it.
///
/// # Errors
/// The store does not answer, or holds what this build cannot read.
pub async fn setting(store: &dyn Store, flow: &str, name: &str) -> Result<Option<Setting>, StoreError> {
    let found = store.used_for(&scope(flow), name).await?;
    found
        .map(|used| serde_json::from_str(&used.value))
        .transpose()
        .map_err(|error| StoreError::Failed(format!("setting {name} of flow {flow} cannot be read: {error}")))
}

/// What makes it so, with the event that tells of it; `key` makes that event another one than those before.
pub fn change(flow: &str, name: &str, setting: &Setting, key: &str) -> Vec<Write> {
    let changed = SettingChanged {
        flow: flow.to_owned(),
        name: name.to_owned(),
        value: setting.value.clone(),
        by: setting.by.clone(),
        at: setting.at,
    };
    vec![
        Write::ForgetKey {
            scope: scope(flow),
            key: name.to_owned(),
        },
        Write::Once {
            scope: scope(flow),
            key: name.to_owned(),
            value: serde_json::to_string(setting).expect("a setting has text keys"),
            digest: None,
            until: None,
        },
        Write::Event(InboundEvent {
            id: EventId::derived(&format!("setting:{flow}:{name}:{key}")),
            kind: SettingChanged::KIND.to_owned(),
            subjects: changed.subjects(),
            key: None,
            data: changed.data(),
            at: setting.at,
        }),
    ]
}
