//! Acts on the machine that holds the data, without a server that knows who somebody is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An account of the machine that acts as a person of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalAccess {
    /// The account, as `local:1000`.
    pub account: String,
    /// Why it decides although a server has run on the data, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<String>,
}
