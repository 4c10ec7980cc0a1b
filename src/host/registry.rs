//! The stored registry of people: which person had which user name, and when.
//!
//! Invariant: tokens, grants and tasks made for a person are never valid for somebody who gets the
//! same user name later.

use super::by_hand::check_given;
use super::{Host, HostError, lock};
use crate::audit::{AccessEntry, AccessKind, Origin};
use crate::base::Timestamp;
use crate::people::Directory;
use crate::people::registry::{KnownPerson, Registry};
use crate::store::Write;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Scope of the key under which the registry is stored.
const SCOPE: &str = "people";
/// See [`SCOPE`].
const KEY: &str = "registry";
/// Scope of the keys for facts about the whole installation.
const INSTALLATION: &str = "installation";
/// Key of the time at which `gatefold serve` first ran.
const SERVED: &str = "served";
/// Prefix of person ids.
const PREFIX: &str = "per";

/// The stored value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    registry: Registry,
    /// The directory that was last in force.
    directory: Directory,
}

/// The result of updating the registry from the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// The id of the person who has each user name now.
    pub current: BTreeMap<String, String>,
    /// Up to when what was made for a user name belongs to an earlier person of that name.
    pub earlier: BTreeMap<String, Timestamp>,
    /// Whether anything has changed since the last update.
    pub is_changed: bool,
}

impl Host {
    /// The directory that was last in force, even before a restart.
    pub async fn last_directory(&self) -> Result<Option<Directory>, HostError> {
        Ok(self.kept_people().await?.map(|kept| kept.directory))
    }

    /// Updates the registry from the directory and records who came and who left.
    pub async fn follow_people(self: &Arc<Self>, directory: &Directory) -> Result<Followed, HostError> {
        let before = self.kept_people().await?;
        let is_first = before.is_none();
        let mut kept = before.unwrap_or_default();
        let is_changed = is_first || kept.directory != *directory;
        let changes = kept
            .registry
            .follow(directory, self.now(), || format!("{PREFIX}_{}", self.new_id()));
        if is_changed || !changes.is_empty() {
            kept.directory = directory.clone();
            self.keep_people(&kept, Vec::new(), !is_first).await?;
            for user in &changes.left {
                tracing::info!(
                    user,
                    "a person is no longer in the directory: their tokens, links and tasks are suspended"
                );
            }
        }
        let (current, earlier) = (kept.registry.all_current(), kept.registry.all_earlier());
        *lock(&self.registry) = Some(kept.registry);
        Ok(Followed {
            current,
            earlier,
            is_changed: is_changed && !is_first,
        })
    }

    /// Makes a removal final: anybody who gets the user name later is a new person.
    pub async fn remove_person(self: &Arc<Self>, user: &str, by: &str, reason: &str) -> Result<(), HostError> {
        check_given(reason)?;
        let mut kept = self.kept_people().await?.unwrap_or_default();
        let removed = kept.registry.remove(user);
        removed.map_err(|error| HostError::Conflict(error.to_string()))?;
        let entry = AccessEntry {
            at: self.now(),
            actor: by.to_owned(),
            kind: AccessKind::Administer,
            share: None,
            file: None,
            version: None,
            sha256: None,
            refused: None,
            run: None,
            origin: Origin {
                what: Some(format!("person {user}: {reason}")),
                ..Origin::default()
            },
            has_link_only: false,
        };
        self.keep_people(&kept, vec![Write::Access(entry)], true).await?;
        tracing::warn!(user, by, reason, "the removal of a person is final");
        *lock(&self.registry) = Some(kept.registry);
        Ok(())
    }

    /// Everybody who has ever been in the directory, in the order in which they were first seen.
    pub async fn known_people(&self) -> Result<Vec<KnownPerson>, HostError> {
        Ok(self.kept_people().await?.unwrap_or_default().registry.people)
    }

    /// Whether the current holder of the user name is in the directory and already had the name at
    /// `since`. Every check whether a link, a grant or a task still belongs to a person uses this.
    pub fn is_still(&self, user: &str, since: Timestamp) -> bool {
        self.directory().users.contains_key(user) && !self.is_later_than(user, since)
    }

    /// Whether an earlier person had the user name at `since`.
    pub(super) fn is_later_than(&self, user: &str, since: Timestamp) -> bool {
        let earlier = self.earlier_until_of(user);
        earlier.is_some_and(|until| since <= until)
    }

    /// Up to when an earlier person had the user name of `person`, as `user:anna`, if one had.
    pub fn earlier_until(&self, person: &str) -> Option<Timestamp> {
        self.earlier_until_of(person.strip_prefix("user:")?)
    }

    fn earlier_until_of(&self, user: &str) -> Option<Timestamp> {
        lock(&self.registry).as_ref()?.earlier_until(user)
    }

    /// Takes down that people are served on this data: from now on nobody decides on its machine in their name.
    pub async fn mark_served(self: &Arc<Self>) -> Result<(), HostError> {
        if self.has_served().await? {
            return Ok(());
        }
        self.record(vec![Write::Once {
            scope: INSTALLATION.to_owned(),
            key: SERVED.to_owned(),
            value: self.now().to_string(),
            digest: None,
            until: None,
        }])
        .await
    }

    /// Whether `gatefold serve` has ever run on this data.
    pub async fn has_served(&self) -> Result<bool, HostError> {
        Ok(self.parts().store.is_used(INSTALLATION, SERVED).await?)
    }

    async fn kept_people(&self) -> Result<Option<Kept>, HostError> {
        let found = self.parts().store.used_for(SCOPE, KEY).await?;
        let kept = found.map(|used| serde_json::from_str(&used.value)).transpose();
        kept.map_err(|error| HostError::Damaged {
            what: "the registry of people".to_owned(),
            why: error.to_string(),
        })
    }

    async fn keep_people(self: &Arc<Self>, kept: &Kept, more: Vec<Write>, replaces: bool) -> Result<(), HostError> {
        let forget = replaces.then(|| Write::ForgetKey {
            scope: SCOPE.to_owned(),
            key: KEY.to_owned(),
        });
        let once = Write::Once {
            scope: SCOPE.to_owned(),
            key: KEY.to_owned(),
            value: serde_json::to_string(kept).expect("people have text keys"),
            digest: None,
            until: None,
        };
        self.record(forget.into_iter().chain([once]).chain(more).collect())
            .await
    }
}
