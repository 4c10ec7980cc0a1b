//! A file as flows, journals and people know it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file at one exact version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FileRef {
    /// The file.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The version, from 1.
    #[schemars(range(min = 1))]
    pub version: u64,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    #[serde(default)]
    pub size: u64,
    /// Media type, as `application/pdf`.
    #[serde(default)]
    pub media_type: String,
    /// Who put the version: `user:…`, `email:…`, `run:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}
