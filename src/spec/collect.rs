//! A checklist of documents from somebody.

use super::limits::{
    MAX_BRANCHES, MAX_ITEM_FILES, MAX_ITEMS, MAX_LINE, MAX_NAME, MAX_OPTIONS, MAX_PEOPLE, MAX_TEXT, NAME_PATTERN,
    SIZE_PATTERN,
};
use crate::base::Value;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A checklist of documents that somebody is asked for, item by item. They get a link to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Collect")]
pub struct CollectSpec {
    /// Who gives: `user:anna`, `role:sales`, `email:…`, `${{ … }}`.
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["${{ inputs.supplier }}"]))]
    pub from: String,
    /// Where the files go: a folder of the main workspace, as `/suppliers`, or a workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["/suppliers", "${{ steps.room.workspace }}"]))]
    pub into: Option<String>,
    /// Whether whoever opens the link enters a code that is sent to them by mail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub code_by_mail: bool,
    /// What is asked for, by name.
    #[schemars(extend("minProperties" = 1, "maxProperties" = MAX_ITEMS, "propertyNames" = { "pattern": NAME_PATTERN, "maxLength": MAX_NAME }))]
    pub items: IndexMap<String, ItemSpec>,
}

impl CollectSpec {
    /// Everything is there.
    pub const COMPLETE: &'static str = "complete";
    /// The deadline came first.
    pub const INCOMPLETE: &'static str = "incomplete";
    /// Whoever was asked gives nothing.
    pub const WITHDRAWN: &'static str = "withdrawn";
}

/// One item of a checklist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Item")]
pub struct ItemSpec {
    /// What people see; may hold `${{ }}`.
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["Tax form"]))]
    pub title: String,
    /// What to send, and how; may hold `${{ }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["Form W-9, signed this year."]))]
    pub instructions: Option<String>,
    /// File types that are taken, as `pdf`; by what is in the file, not by its name alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_OPTIONS), inner(length(min = 1, max = MAX_NAME)), extend("examples" = [["pdf", "jpeg"]]))]
    pub accept: Vec<String>,
    /// Largest file, as `10 MB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = SIZE_PATTERN), extend("examples" = ["10 MB"]))]
    pub max_size: Option<String>,
    /// Fewest files. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_ITEM_FILES), extend("default" = 1))]
    pub min: Option<u32>,
    /// Most files. Default `min`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_ITEM_FILES), extend("examples" = [3]))]
    pub max: Option<u32>,
    /// Whether the checklist is complete without it. Whoever gives may then say that it does not apply.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Whether whoever gives may say instead why it does not apply.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub or_because: bool,
    /// Whether a day until which the document is valid is entered with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<NeedSpec>,
    /// How far ahead that day has to lie at least, as `30 days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["30 days"]))]
    pub at_least: Option<String>,
    /// How long before that day the document is due for renewal, as `30 days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["30 days"]))]
    pub renew_before: Option<String>,
    /// A word, or a list of words, that is kept with each file, as `confidential`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<LabelSpec>,
    /// Who looks at it before it counts; the first of them who answers decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_PEOPLE), inner(length(min = 1)), extend("examples" = [["role:tax"]]))]
    pub review: Vec<String>,
    /// What must hold of each file, each with its sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_BRANCHES))]
    pub checks: Vec<ItemCheckSpec>,
}

impl ItemSpec {
    /// Fewest and most files.
    pub fn counts(&self) -> (u32, u32) {
        let min = self.min.unwrap_or(1);
        (min, self.max.unwrap_or(min))
    }

    /// Whether whoever gives may say that it does not apply.
    pub const fn may_not_apply(&self) -> bool {
        self.optional || self.or_because
    }
}

/// What files are labelled with. Written as a word or a list of words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct LabelSpec(pub Vec<String>);

/// Whether something is to be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Need")]
pub enum NeedSpec {
    /// It has to be.
    Required,
    /// It may be.
    Optional,
}

/// What must hold of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ItemCheck")]
pub struct ItemCheckSpec {
    /// Bare expression over `file` that must hold.
    #[serde(rename = "where")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["'W-9' in file.name"]))]
    pub condition: String,
    /// What to say to whoever gives where it does not.
    #[serde(rename = "else")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["Please put W-9 into the name."]))]
    pub message: String,
}
