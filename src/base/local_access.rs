//! Access by an operating system account that opens the data folder directly, without a server that
//! authenticates people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An operating system account that acts as a person in the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalAccess {
    /// The account, as `local:1000`.
    pub account: String,
    /// The reason given with `--break-glass`, if the account decided after a server had run on the
    /// data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<String>,
}
