//! How the installation stands: health, time, damaged files.

use crate::base::Timestamp;
use crate::host::damage::DamagedVersion;
use schemars::JsonSchema;
use serde::Serialize;

/// How the server stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// What is wrong with the system clock, if something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
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
    /// SHA-256 that its bytes had.
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

/// The time that the installation goes by.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Time {
    /// The time now. It never runs backwards.
    #[schemars(with = "String")]
    pub now: Timestamp,
    /// Whether timers and expiries stand still.
    pub is_held: bool,
    /// What is wrong with the system clock, if something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
}
