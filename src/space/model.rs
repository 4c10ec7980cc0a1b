//! What the file space holds. Every record carries `rev`: 0 before it is stored, then the
//! number of times it was; a commit that read another `rev` than the stored one is refused.

use super::code::Codes;
use super::life::Revocation;
use super::{Paper, Request, Role};
use crate::base::Timestamp;
use crate::base::id::{CommentId, FileId, GrantId, RunId, ShareId, WorkspaceId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place that holds folders and files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// What people call it.
    pub name: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Whether it still lives.
    pub state: State,
    /// Times stored.
    pub rev: u64,
}

impl Workspace {
    /// The workspace that every installation has.
    pub const MAIN: &'static str = "wsp_main";

    /// The workspace closed; `None` where it was closed already.
    pub fn closed(mut self) -> Option<Self> {
        (self.state == State::Live).then(|| {
            self.state = State::Revoked;
            self
        })
    }
}

/// A file, which is the chain of its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its id.
    pub id: FileId,
    /// Where it lies.
    pub workspace: WorkspaceId,
    /// The folder, as `/contracts/final`; the root is `/`.
    pub folder: String,
    /// Its name within the folder.
    pub name: String,
    /// Its versions, oldest first; never empty.
    pub versions: Vec<Version>,
    /// Times stored.
    pub rev: u64,
}

/// One version of a file. Never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// From 1.
    pub number: u64,
    /// SHA-256 of the bytes, in hexadecimal; names the blob.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// Media type.
    pub media_type: String,
    /// Who put it: `user:…`, `email:…`, `link:…`, `run:…`.
    pub by: String,
    /// The uploader of the bytes, if a run copied them from another file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded_by: Option<String>,
    /// Who put the same bytes here again, which made no version of its own. Each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_by: Vec<String>,
    /// When.
    pub at: Timestamp,
    /// What is known of it as a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<Paper>,
}

/// Files shared with people until a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Its id.
    pub id: ShareId,
    /// What people call it.
    pub name: String,
    /// Where uploads go.
    pub workspace: WorkspaceId,
    /// The folder that uploads go to.
    pub folder: String,
    /// The versions in the share: those that were shared and those that were uploaded through it.
    pub files: Vec<SharedVersion>,
    /// Which versions of these files the share shows.
    #[serde(default, skip_serializing_if = "Follow::is_exact")]
    pub follow: Follow,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Whether it still lives.
    pub state: State,
    /// Files that somebody has downloaded completely.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub downloaded: Vec<FileId>,
    /// Whether it was revoked by the end of its run and not by a person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_ended_with_run: bool,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// The run that owns it.
    pub run: Option<RunId>,
    /// What is asked for through it, if it is a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// Times stored.
    pub rev: u64,
}

/// One version of a file, as a share holds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SharedVersion {
    /// The file.
    pub file: FileId,
    /// Its version.
    pub version: u64,
}

/// Which versions of its files a share shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    /// The versions that were shared and those that were uploaded through the share.
    #[default]
    Exact,
    /// Only the newest version of each file at the moment of access, no matter who stored it.
    Newest,
}

impl Follow {
    /// Whether it is [`Follow::Exact`].
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    const fn is_exact(&self) -> bool {
        matches!(self, Self::Exact)
    }
}

/// Whether something still lives. There is no way back to `Live`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It does.
    Live,
    /// Somebody ended it.
    Revoked,
    /// Its time is over.
    Expired,
}

/// The right of one party in one share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The share.
    pub share: ShareId,
    /// Who.
    pub to: Principal,
    /// The role or group through which they got the grant. The grant is valid only while they have
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Principal>,
    /// What they may do.
    pub role: Role,
    /// SHA-256 of the link's token, in hexadecimal. The token itself is never stored.
    pub token_hash: String,
    /// Argon2id hash of the link's password, in PHC format.
    pub password_hash: Option<String>,
    /// Wrong passwords since the last right one.
    pub failed_passwords: u32,
    /// The codes by mail, where its link asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codes: Option<Codes>,
    /// When it ends by itself, if before the share.
    pub expires_at: Option<Timestamp>,
    /// Whether it still lives.
    pub state: State,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its link was first opened.
    pub opened_at: Option<Timestamp>,
    /// Their reason for declining the request, once they have declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    /// Who revoked it individually, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
    /// How its holder heard of it last, so that a later member of the same role hears of it likewise; nothing in what an
    /// older build stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced: Option<Announcement>,
    /// Times stored.
    pub rev: u64,
}

/// How somebody hears that they have a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Whether the link goes out by mail.
    pub is_mailed: bool,
    /// A few words of the flow for that mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Default for Announcement {
    fn default() -> Self {
        Self {
            is_mailed: true,
            message: None,
        }
    }
}

/// A party.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// A person of the directory.
    User(String),
    /// Everybody with a role.
    Role(String),
    /// Everybody of a group.
    Group(String),
    /// Somebody outside, by mail address.
    Email(String),
    /// Whoever has the link.
    Link,
}

/// A remark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The share it was made in.
    pub share: ShareId,
    /// The file it is about, if one.
    pub file: Option<FileId>,
    /// The words.
    pub text: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}
