//! Values of runs and settings of flows.

use crate::base::{Timestamp, Value};
use crate::host::settings::SettingView;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;

/// Values of a run that the outside gives.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValuesBody {
    /// By name; those that are not named stay as they are.
    #[schemars(length(min = 1))]
    pub values: Map<String, Value>,
    /// In a sentence; it goes into the journal.
    pub reason: String,
}

/// Settings of a flow that somebody gives.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsBody {
    /// By name; those that are not named stay as they are.
    #[schemars(length(min = 1))]
    pub settings: Map<String, Value>,
}

/// A setting of a flow.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Setting")]
pub struct SettingRow {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What runs get that start now; nothing where it has neither been given nor a default.
    pub value: Option<Value>,
    /// Who gave it; nothing where it is the default.
    pub by: Option<String>,
    /// When.
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
}

impl From<SettingView> for SettingRow {
    fn from(view: SettingView) -> Self {
        let (by, at) = view.given.map(|given| (given.by, given.at)).unzip();
        Self {
            name: view.name,
            title: view.title,
            value: view.value,
            by,
            at,
        }
    }
}
