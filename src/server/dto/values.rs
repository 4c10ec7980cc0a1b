//! Values that the outside gives.

use crate::base::Value;
use schemars::JsonSchema;
use serde::Deserialize;
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
