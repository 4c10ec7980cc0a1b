//! What is recorded of every access, allowed or refused. No record, no commit: the record is
//! part of the transaction that does the thing.

use crate::base::Timestamp;
use serde::{Deserialize, Serialize};

/// What somebody did, or tried to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessKind {
    /// Opened a share.
    Open,
    /// Saw the list of files.
    List,
    /// Requested the bytes of a file.
    Download,
    /// Received every byte of a file.
    Downloaded,
    /// Put a new file or version.
    Upload,
    /// Took back what was given to a request.
    Remove,
    /// Said why something that was asked for is not given.
    Decline,
    /// Wrote a comment.
    Comment,
    /// Created, changed or revoked a share or a grant.
    Administer,
    /// Published a file.
    Publish,
    /// Tried to authenticate.
    Authenticate,
    /// Asked for a change that only administrators make, or for something that their role or their token does not allow.
    Call,
    /// Deployed a flow, or answered a deployment.
    Deploy,
    /// Changed settings of a flow.
    Configure,
    /// Made or revoked a token.
    Token,
    /// Read the journal of a run.
    ReadJournal,
}

impl AccessKind {
    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::List => "list",
            Self::Download => "download",
            Self::Downloaded => "downloaded",
            Self::Upload => "upload",
            Self::Remove => "remove",
            Self::Decline => "decline",
            Self::Comment => "comment",
            Self::Administer => "administer",
            Self::Publish => "publish",
            Self::Authenticate => "authenticate",
            Self::Call => "call",
            Self::Deploy => "deploy",
            Self::Configure => "configure",
            Self::Token => "token",
            Self::ReadJournal => "read_journal",
        }
    }
}

/// One line of the access log. Never edited, never deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEntry {
    /// When.
    pub at: Timestamp,
    /// Who: `user:anna`, `email:…`, `link:GRANT`, `run:RUN`, `unknown`.
    pub actor: String,
    /// What.
    pub kind: AccessKind,
    /// The share, if it was through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
    /// The file, if it was about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The version, if it was about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// SHA-256 of the bytes, if it was about some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Why it was refused; `None` where it was allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The run on whose behalf it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Whether the actor had only a link. If so, an actor named by an address is anybody who has
    /// the link that was sent to that address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_link_only: bool,
    /// The address and the token of the request.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Where a request came from: the address and the token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The address of the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The id of the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The subject, if it is neither a share nor a file: a flow version, a route, or a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// How often it happened within a minute, if it is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

impl Origin {
    /// Returns this origin with a subject.
    #[must_use]
    pub fn about(self, what: impl Into<String>) -> Self {
        Self {
            what: Some(what.into()),
            ..self
        }
    }
}

impl AccessEntry {
    /// An entry about something that is neither a share nor a file.
    pub fn of(kind: AccessKind, actor: &str, origin: Origin, at: Timestamp) -> Self {
        Self {
            at,
            actor: actor.to_owned(),
            kind,
            share: None,
            file: None,
            version: None,
            sha256: None,
            refused: None,
            run: None,
            has_link_only: false,
            origin,
        }
    }
}
