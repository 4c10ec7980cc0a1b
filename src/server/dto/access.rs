//! API representation of access log entries.

use crate::audit::AccessEntry;
use crate::base::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// An entry of the access log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Access {
    /// Its position in the log.
    pub position: u64,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Who: `user:…`, `email:…`, `link:…`, `run:…`.
    pub actor: String,
    /// What was done: `open`, `list`, `download` (bytes were requested), `downloaded` (every byte
    /// was sent), `upload`, `remove`, `decline`, `comment`, `administer`, `publish`,
    /// `authenticate`, `call`.
    pub kind: String,
    /// The share, if it was through one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
    /// The file, if it was about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The version, if it was about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// SHA-256 of the bytes, if it was about some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Why it was refused; absent if it was allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The run on whose behalf it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Whether the actor had only a link, so that somebody else may have used it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub has_link_only: bool,
    /// The client's address, for administration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The id of the token, for administration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The subject, if it is neither a share nor a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// How often it happened within a minute, if it is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

impl From<(u64, AccessEntry)> for Access {
    fn from((position, entry): (u64, AccessEntry)) -> Self {
        Self {
            position,
            at: entry.at,
            actor: entry.actor,
            kind: entry.kind.as_str().to_owned(),
            share: entry.share,
            file: entry.file,
            version: entry.version,
            sha256: entry.sha256,
            refused: entry.refused,
            run: entry.run,
            has_link_only: entry.has_link_only,
            from: entry.origin.from,
            token: entry.origin.token,
            what: entry.origin.what,
            times: entry.origin.times,
        }
    }
}
