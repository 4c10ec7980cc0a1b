//! Shapes of requests: what whoever was asked sees of each item. Who looks at it is not among it.

use super::dto::{Comment, Document, SharedView};
use crate::base::ItemState;
use crate::host::files::ShareView;
use crate::space::request::{Given, Item, Need};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

impl SharedView {
    /// Whether something is asked for through it.
    pub fn is_request(&self) -> bool {
        !self.items.is_empty()
    }
}

impl From<ShareView> for SharedView {
    fn from(view: ShareView) -> Self {
        Self {
            share: view.share.0,
            name: view.name,
            role: view.role,
            expires_at: view.expires_at,
            zone: view.zone,
            files: view.files.into_iter().map(Document::from).collect(),
            next: None,
            comments: view.comments.into_iter().map(Comment::from).collect(),
            next_comment: None,
            withdrawn: view.withdrawn,
            items: view
                .request
                .into_iter()
                .flat_map(|request| request.items)
                .map(AskedItem::from)
                .collect(),
        }
    }
}

/// One item that you are asked for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct AskedItem {
    /// Its name, to send a file for it.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What to send, and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Types of files that are taken, as ends of names; any where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<String>,
    /// Largest file, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// The same as its author wrote it, as `50 MB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Option<String>,
    /// Fewest files.
    pub min: u32,
    /// Most files.
    pub max: u32,
    /// Whether it can be left out.
    pub optional: bool,
    /// Whether you may say why it does not apply.
    pub may_not_apply: bool,
    /// Whether the day until which it is valid is entered with it: `required` or `optional`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Need>,
    /// How far ahead that day has to lie at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<String>,
    /// What is said of a file that does not fit, beside its type and size: each file is checked for it.
    pub checks: Vec<String>,
    /// How it stands.
    pub state: ItemState,
    /// Why it was sent back, or does not apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether you sent again, as it was, what had been sent back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
    /// Whether somebody has accepted it, so that it stays as it is.
    pub is_final: bool,
    /// What you gave.
    pub files: Vec<GivenFile>,
}

/// A file that you gave.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GivenFile {
    /// The file.
    pub file: Document,
    /// The day until which it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
}

impl From<Item> for AskedItem {
    fn from(item: Item) -> Self {
        Self {
            is_final: item.reviewed && item.state == ItemState::Accepted,
            max_size: item.largest(),
            may_not_apply: item.optional || item.or_because,
            name: item.name,
            title: item.title,
            instructions: item.instructions,
            accept: item.accept,
            max_bytes: item.max_bytes,
            min: item.min,
            max: item.max,
            optional: item.optional,
            valid_until: item.valid_until,
            at_least: item.at_least,
            checks: item.checks.into_iter().map(|check| check.message).collect(),
            state: item.state,
            reason: item.reason,
            unchanged: item.unchanged,
            files: item.files.into_iter().map(GivenFile::from).collect(),
        }
    }
}

impl From<Given> for GivenFile {
    fn from(given: Given) -> Self {
        Self {
            file: given.file.into(),
            valid_until: given.valid_until,
        }
    }
}

/// A file to take back.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeBackBody {
    /// The file.
    pub file: String,
}

/// Why an item does not apply.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BecauseBody {
    /// The reason.
    pub because: String,
}

/// Why nothing will be given.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawBody {
    /// The reason.
    pub reason: String,
}
