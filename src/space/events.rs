//! What happens in the space, as flows hear of it: one struct an event, with its name and with
//! what it is about. Whoever records one of these events builds it here, so that the fields a
//! flow may use are the same whoever did the thing.

use super::Given;
use crate::base::{FileRef, ItemState, Timestamp, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An event of the space.
pub trait SpaceEvent: Serialize + JsonSchema {
    /// Its name, as `file360.file_uploaded`.
    const KIND: &'static str;
    /// One line for lists.
    const SUMMARY: &'static str;
    /// Ids of what it is about.
    fn subjects(&self) -> Vec<String>;
    /// Its fields.
    fn data(&self) -> Value {
        serde_json::to_value(self).expect("events have text keys")
    }
}

/// A remark, within an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CommentRef {
    /// The comment.
    pub id: String,
    /// The words.
    pub text: String,
}

/// A new file or version is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FileUploaded {
    /// The share through which it came, if through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
    /// The workspace.
    pub workspace: String,
    /// The folder, as `/contracts/outbox`.
    pub folder: String,
    /// The file at its new version.
    pub file: FileRef,
    /// Whether these are the bytes of the version that was there already, sent again. No version was made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
    /// Who: `user:…`, `email:…`, `link:…`, `run:…`.
    pub by: String,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// Every byte of a file was sent to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FileDownloaded {
    /// The share through which it went, if through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
    /// The file at the version that was sent.
    pub file: FileRef,
    /// Number of files of the share that have been downloaded so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_downloaded: Option<u64>,
    /// Number of files in the share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_shared: Option<u64>,
    /// Who.
    pub by: String,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// Somebody wrote a comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CommentAdded {
    /// The share.
    pub share: String,
    /// The comment.
    pub comment: CommentRef,
    /// The file it is about, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileRef>,
    /// Who.
    pub by: String,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// Somebody opened their link for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ShareOpened {
    /// The share.
    pub share: String,
    /// Who.
    pub by: String,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// Somebody ended a share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ShareRevoked {
    /// The share.
    pub share: String,
    /// Who.
    pub by: String,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// Somebody revoked one grant of a share, so its link no longer works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GrantRevoked {
    /// The share.
    pub share: String,
    /// The grant.
    pub grant: String,
    /// Who held it: `user:…`, `email:…`, or `anyone`.
    pub to: String,
    /// Who revoked it.
    pub by: String,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// The time of a share is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ShareExpired {
    /// The share.
    pub share: String,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// A file was given for an item of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ItemReceived {
    /// The request.
    pub request: String,
    /// The item.
    pub item: String,
    /// The file.
    pub file: FileRef,
    /// The day until which it is valid, as `2026-11-23`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// How the item stands now.
    pub state: ItemState,
    /// Every file of the item.
    pub files: Vec<Given>,
    /// Number of the change, from 1.
    pub change: u64,
    /// Whether these are the bytes of the version that was there already, sent again. No version was made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
    /// Who.
    pub by: String,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// A file was taken back from an item of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ItemRemoved {
    /// The request.
    pub request: String,
    /// The item.
    pub item: String,
    /// The file.
    pub file: FileRef,
    /// How the item stands now.
    pub state: ItemState,
    /// Every file of the item.
    pub files: Vec<Given>,
    /// Number of the change, from 1.
    pub change: u64,
    /// Who.
    pub by: String,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// Somebody said why an item of a request does not apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ItemNotApplicable {
    /// The request.
    pub request: String,
    /// The item.
    pub item: String,
    /// Why.
    pub because: String,
    /// How the item stands now.
    pub state: ItemState,
    /// Every file of the item: none.
    pub files: Vec<Given>,
    /// Number of the change, from 1.
    pub change: u64,
    /// Who.
    pub by: String,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// Whoever was asked said that they give nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RequestWithdrawn {
    /// The request.
    pub request: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// A document is due for renewal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DocumentExpiring {
    /// The document, at the version that is valid until that day.
    pub file: FileRef,
    /// The day until which it is valid, as `2026-11-23`.
    pub valid_until: String,
    /// The workspace.
    pub workspace: String,
    /// The folder, as `/suppliers`.
    pub folder: String,
    /// Who gave it: `user:…`, `email:…`.
    pub from: String,
    /// The request through which it was given; empty where through none.
    pub request: String,
    /// What people call that request; empty where there is none.
    pub request_name: String,
    /// The item of that request; empty where there is none.
    pub item: String,
    /// What it is labelled with.
    pub label: Vec<String>,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

impl SpaceEvent for DocumentExpiring {
    const KIND: &'static str = "file360.document_expiring";
    const SUMMARY: &'static str = "A document is due for renewal: its item said with `renew_before` how long before.";
    fn subjects(&self) -> Vec<String> {
        let about = [self.request.clone(), self.file.id.clone()];
        about.into_iter().filter(|id| !id.is_empty()).collect()
    }
}

impl SpaceEvent for ItemReceived {
    const KIND: &'static str = "file360.item_received";
    const SUMMARY: &'static str = "A file was given for an item of a request.";
    fn subjects(&self) -> Vec<String> {
        vec![self.request.clone(), self.file.id.clone()]
    }
}

impl SpaceEvent for ItemRemoved {
    const KIND: &'static str = "file360.item_removed";
    const SUMMARY: &'static str = "A file was taken back from an item of a request.";
    fn subjects(&self) -> Vec<String> {
        vec![self.request.clone(), self.file.id.clone()]
    }
}

impl SpaceEvent for ItemNotApplicable {
    const KIND: &'static str = "file360.item_not_applicable";
    const SUMMARY: &'static str = "Somebody said why an item of a request does not apply.";
    fn subjects(&self) -> Vec<String> {
        vec![self.request.clone()]
    }
}

impl SpaceEvent for RequestWithdrawn {
    const KIND: &'static str = "file360.request_withdrawn";
    const SUMMARY: &'static str = "Whoever was asked for documents said that they give nothing.";
    fn subjects(&self) -> Vec<String> {
        vec![self.request.clone()]
    }
}

impl SpaceEvent for FileUploaded {
    const KIND: &'static str = "file360.file_uploaded";
    const SUMMARY: &'static str = "A new file or a new version of one is there.";
    fn subjects(&self) -> Vec<String> {
        let about = [self.file.id.clone(), self.workspace.clone()];
        self.share.iter().cloned().chain(about).collect()
    }
}

impl SpaceEvent for FileDownloaded {
    const KIND: &'static str = "file360.file_downloaded";
    const SUMMARY: &'static str = "Somebody downloaded a whole file, with the button on the page or with a POST. A GET does not \
                                   count, because mail scanners follow links. A part of a file or an interrupted \
                                   response does not count either.";
    fn subjects(&self) -> Vec<String> {
        self.share.iter().cloned().chain([self.file.id.clone()]).collect()
    }
}

impl SpaceEvent for CommentAdded {
    const KIND: &'static str = "file360.comment_added";
    const SUMMARY: &'static str = "Somebody wrote a comment.";
    fn subjects(&self) -> Vec<String> {
        let file = self.file.iter().map(|file| file.id.clone());
        std::iter::once(self.share.clone()).chain(file).collect()
    }
}

impl SpaceEvent for ShareOpened {
    const KIND: &'static str = "file360.share_opened";
    const SUMMARY: &'static str = "Somebody opened their link for the first time.";
    fn subjects(&self) -> Vec<String> {
        vec![self.share.clone()]
    }
}

impl SpaceEvent for ShareRevoked {
    const KIND: &'static str = "file360.share_revoked";
    const SUMMARY: &'static str = "Somebody ended a share.";
    fn subjects(&self) -> Vec<String> {
        vec![self.share.clone()]
    }
}

impl SpaceEvent for GrantRevoked {
    const KIND: &'static str = "file360.grant_revoked";
    const SUMMARY: &'static str =
        "Somebody revoked one grant of a share. The share and its other grants stay as they are.";
    fn subjects(&self) -> Vec<String> {
        vec![self.share.clone()]
    }
}

impl SpaceEvent for ShareExpired {
    const KIND: &'static str = "file360.share_expired";
    const SUMMARY: &'static str = "The time of a share is over.";
    fn subjects(&self) -> Vec<String> {
        vec![self.share.clone()]
    }
}
