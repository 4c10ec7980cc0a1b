//! How an item of a checklist stands: words that the engine and the file space share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an item of a checklist stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// Nothing is there.
    #[default]
    Missing,
    /// Some files are there, and fewer than are wanted.
    MoreNeeded,
    /// Everything is there, and nobody has been asked to look at it yet.
    Received,
    /// Somebody is asked to look at it.
    InReview,
    /// It counts.
    Accepted,
    /// Somebody looked at it and says why it does not count.
    SentBack,
    /// Whoever was asked says why there is none.
    NotApplicable,
}

impl ItemState {
    /// As written in views and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::MoreNeeded => "more_needed",
            Self::Received => "received",
            Self::InReview => "in_review",
            Self::Accepted => "accepted",
            Self::SentBack => "sent_back",
            Self::NotApplicable => "not_applicable",
        }
    }

    /// Whether nothing is left to be done about the item.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Accepted | Self::NotApplicable)
    }

    /// Whether whoever was asked has something to do about it.
    pub const fn is_wanted(self) -> bool {
        matches!(self, Self::Missing | Self::MoreNeeded | Self::SentBack)
    }

    /// Whether others have something to do about it.
    pub const fn is_looked_at(self) -> bool {
        matches!(self, Self::Received | Self::InReview)
    }
}
