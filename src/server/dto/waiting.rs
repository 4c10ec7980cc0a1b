//! Runs of earlier versions that a deployment finds waiting.

use crate::host::touched::Touched;
use schemars::JsonSchema;
use serde::Serialize;

/// Runs of one earlier version that wait at one step.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Waiting {
    /// Their version, with which they go on.
    pub version: String,
    /// The step, by its id.
    pub step: String,
    /// How many runs.
    pub runs: u32,
    /// What became of the step in the new version: `same`, `changed` or `gone`.
    pub change: String,
}

impl From<Touched> for Waiting {
    fn from(touched: Touched) -> Self {
        Self {
            version: touched.version,
            step: touched.step,
            runs: touched.runs,
            change: touched.change.as_str().to_owned(),
        }
    }
}
