//! API representation of health, time and damaged files.

use crate::base::Timestamp;
use crate::host::damage::DamagedVersion;
use schemars::JsonSchema;
use serde::Serialize;

/// The health of the server.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// A problem of the system clock, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// That a change of people.yaml is not in force, where one waits for a confirmation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<String>,
}

/// A version of a file whose bytes have changed on the disk.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DamagedFile {
    /// Id of the file.
    pub file: String,
    /// Its folder and name.
    pub path: String,
    /// Number of the version.
    pub version: u64,
    /// SHA-256 of the original bytes.
    pub sha256: String,
}

impl From<DamagedVersion> for DamagedFile {
    fn from(damaged: DamagedVersion) -> Self {
        Self {
            file: damaged.file,
            path: damaged.path,
            version: damaged.version,
            sha256: damaged.sha256,
        }
    }
}

/// The time that the server uses.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Time {
    /// The time now. It never runs backwards.
    #[schemars(with = "String")]
    pub now: Timestamp,
    /// Whether timers and expiries are stopped.
    pub is_held: bool,
    /// A problem of the system clock, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
}
