//! Who may do what, now.

use super::{Grant, Share};
use crate::base::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a party may do in a share. Each role includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See the list of files.
    View,
    /// Fetch them.
    Download,
    /// Write comments.
    Comment,
    /// Put new files and versions.
    Contribute,
    /// Change the share.
    Manage,
}

/// One thing that somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// See the list of files.
    List,
    /// Fetch bytes.
    Download,
    /// Write comments.
    Comment,
    /// Put files and versions.
    Upload,
    /// Change or revoke the share.
    Administer,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Denial {
    /// The share or the grant was revoked.
    #[error("the share has been revoked")]
    Revoked,
    /// Its time is over.
    #[error("the share has expired")]
    Expired,
    /// The role does not include it.
    #[error("your role in the share does not allow that")]
    Role,
}

/// Whether the holder of `grant` may do `right` in `share` at `now`.
pub fn decide(share: &Share, grant: &Grant, right: Right, now: Timestamp) -> Result<(), Denial> {
    let _ = (share, grant, right, now);
    todo!()
}
