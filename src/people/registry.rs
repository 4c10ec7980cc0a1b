//! Registry of all people who have ever been in the directory: which person had which user name,
//! and until when.
//!
//! Invariant: an id is never reused, and a person whose removal is final never returns. Several
//! persons can have the same user name one after another; a later one never gets what belonged to
//! an earlier one.

use super::Directory;
use crate::base::Timestamp;
use crate::base::address::mail_address;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Days within which a person who left can return with the same user name and mail address.
pub const RETURN_DAYS: i64 = 30;
/// A change needs confirmation only if it removes at least this many people.
pub const MANY_PEOPLE: usize = 10;
/// A change needs confirmation only if it removes more than this percentage of all people.
pub const MANY_PERCENT: usize = 10;

/// A person who is or was in the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPerson {
    /// Their id.
    pub id: String,
    /// The user name, as `anna`.
    pub user: String,
    /// The mail address in normalized form.
    pub email: String,
    /// When they were first seen in the directory.
    pub first_seen: Timestamp,
    /// When they left the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Timestamp>,
    /// Whether an administrator has made the removal final.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_removed: bool,
}

impl KnownPerson {
    /// Whether the removal is final.
    fn has_ended(&self, now: Timestamp) -> bool {
        let Some(left_at) = self.left_at else { return false };
        let until = left_at.saturating_add(SignedDuration::from_hours(24 * RETURN_DAYS));
        self.is_removed || until.is_ok_and(|until| until <= now)
    }
}

/// Everybody who has ever been in the directory, in the order in which they were first seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registry {
    /// The persons.
    pub people: Vec<KnownPerson>,
}

/// People affected by a change of the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New persons, by user name.
    pub new: Vec<String>,
    /// Persons who returned.
    pub returned: Vec<String>,
    /// Persons who left.
    pub left: Vec<String>,
}

impl Changes {
    /// Whether nobody is affected.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.returned.is_empty() && self.left.is_empty()
    }
}

impl Registry {
    /// Updates the registry from the directory at `now`. `new_id` makes the id of a new person.
    pub fn follow(&mut self, directory: &Directory, now: Timestamp, mut new_id: impl FnMut() -> String) -> Changes {
        let mut changes = Changes::default();
        for person in self.people.iter_mut().filter(|person| person.left_at.is_none()) {
            if !directory.users.contains_key(&person.user) {
                person.left_at = Some(now);
                changes.left.push(person.user.clone());
            }
        }
        for (user, person) in &directory.users {
            let email = mail_address(&person.email).unwrap_or_else(|| person.email.clone());
            match self.people.iter_mut().rev().find(|known| known.user == *user) {
                Some(known) if known.left_at.is_none() => known.email = email,
                Some(known) if !known.has_ended(now) && known.email == email => {
                    known.left_at = None;
                    changes.returned.push(user.clone());
                }
                _ => {
                    changes.new.push(user.clone());
                    self.people.push(KnownPerson {
                        id: new_id(),
                        user: user.clone(),
                        email,
                        first_seen: now,
                        left_at: None,
                        is_removed: false,
                    });
                }
            }
        }
        changes
    }

    /// The person who has the user name now.
    pub fn current(&self, user: &str) -> Option<&KnownPerson> {
        let newest = self.people.iter().rev().find(|person| person.user == user);
        newest.filter(|person| person.left_at.is_none())
    }

    /// The id of the person who has each user name now.
    pub fn all_current(&self) -> BTreeMap<String, String> {
        let here = self.people.iter().filter(|person| person.left_at.is_none());
        here.map(|person| (person.user.clone(), person.id.clone())).collect()
    }

    /// Makes it final that the last person of this user name has left.
    ///
    /// # Errors
    /// If nobody ever had the user name, or its holder is still in the directory.
    pub fn remove(&mut self, user: &str) -> Result<(), NotRemovable> {
        let newest = self.people.iter_mut().rev().find(|person| person.user == user);
        match newest {
            None => Err(NotRemovable::Unknown(user.to_owned())),
            Some(person) if person.left_at.is_none() => Err(NotRemovable::StillThere(user.to_owned())),
            Some(person) => {
                person.is_removed = true;
                Ok(())
            }
        }
    }

    /// The time up to which everything made for a user name belongs to an earlier person. `None` if
    /// its current holder is the only one.
    pub fn earlier_until(&self, user: &str) -> Option<Timestamp> {
        let current = self.current(user)?;
        let earlier = self
            .people
            .iter()
            .filter(|person| person.user == user && person.id != current.id);
        earlier.filter_map(|person| person.left_at).max()
    }

    /// [`Registry::earlier_until`] of every user name that has had several persons.
    pub fn all_earlier(&self) -> BTreeMap<String, Timestamp> {
        let users = self.people.iter().map(|person| person.user.as_str());
        users
            .filter_map(|user| Some((user.to_owned(), self.earlier_until(user)?)))
            .collect()
    }
}

/// Why a removal cannot be made final.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRemovable {
    /// Nobody with this user name was ever in the directory.
    #[error("nobody with the user name {0:?} has ever been in people.yaml")]
    Unknown(String),
    /// The person is still in the directory.
    #[error("{0} is still in people.yaml: delete the entry there first")]
    StillThere(String),
}

/// Whether a change of the directory removes so many people that an administrator must confirm it.
pub fn removes_many(before: &Directory, after: &Directory) -> bool {
    let removed = before
        .users
        .keys()
        .filter(|user| !after.users.contains_key(*user))
        .count();
    removed >= MANY_PEOPLE && removed * 100 > before.users.len() * MANY_PERCENT
}

#[cfg(test)]
mod tests {
    use super::super::Person;
    use super::*;

    fn directory(users: &[(&str, &str)]) -> Directory {
        let person = |(user, email): &(&str, &str)| {
            let person = Person {
                email: (*email).to_owned(),
                ..Person::default()
            };
            ((*user).to_owned(), person)
        };
        Directory {
            users: users.iter().map(person).collect(),
        }
    }

    fn day(day: i64) -> Timestamp {
        "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * day)
    }

    /// Applies one directory after another, each on its day.
    fn followed(steps: &[(i64, &[(&str, &str)])]) -> Registry {
        let mut registry = Registry::default();
        for (at, users) in steps {
            let count = registry.people.len();
            let mut number = count;
            registry.follow(&directory(users), day(*at), || {
                number += 1;
                format!("per_{number}")
            });
        }
        registry
    }

    const BEN: &[(&str, &str)] = &[("ben", "ben@corp.example")];

    #[test]
    fn whoever_returns_in_time_with_the_same_address_is_the_same_person() {
        for (away, address, same) in [
            (RETURN_DAYS - 1, "Ben@corp.EXAMPLE", true),
            (RETURN_DAYS, "ben@corp.example", false),
            (1, "ben.new@corp.example", false),
        ] {
            let registry = followed(&[(0, BEN), (10, &[]), (10 + away, &[("ben", address)])]);
            assert_eq!(
                registry.current("ben").unwrap().id == "per_1",
                same,
                "{away} days, {address}"
            );
            let earlier = registry.earlier_until("ben");
            assert_eq!(earlier, (!same).then(|| day(10)), "{away} days, {address}");
        }
    }

    #[test]
    fn a_removed_person_never_returns() {
        let mut registry = followed(&[(0, BEN), (1, &[])]);
        registry.remove("ben").unwrap();
        registry.follow(&directory(BEN), day(2), || "per_2".to_owned());
        assert_eq!(registry.current("ben").unwrap().id, "per_2");
        assert_eq!(registry.remove("ben"), Err(NotRemovable::StillThere("ben".to_owned())));
        assert_eq!(registry.remove("eve"), Err(NotRemovable::Unknown("eve".to_owned())));
    }

    #[test]
    fn a_change_of_the_address_makes_nobody_another_person() {
        let registry = followed(&[(0, BEN), (1, &[("ben", "other@corp.example")])]);
        assert_eq!(registry.people.len(), 1);
        assert_eq!(registry.current("ben").unwrap().email, "other@corp.example");
    }

    #[test]
    fn only_the_removal_of_many_needs_a_confirmation() {
        let of = |count: usize| Directory {
            users: (0..count)
                .map(|number| (format!("u{number}"), Person::default()))
                .collect(),
        };
        // one fewer than MANY_PEOPLE, then exactly MANY_PEOPLE
        assert!(!removes_many(&of(20), &of(20 - (MANY_PEOPLE - 1))));
        assert!(removes_many(&of(20), &of(20 - MANY_PEOPLE)));
        // exactly MANY_PERCENT, then one more
        let tenth = 200 * MANY_PERCENT / 100;
        assert!(!removes_many(&of(200), &of(200 - tenth)));
        assert!(removes_many(&of(200), &of(200 - tenth - 1)));
        assert!(!removes_many(&of(5), &of(0)));
    }
}
