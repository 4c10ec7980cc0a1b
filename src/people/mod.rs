//! The directory: who there is, which roles and groups they have, who is meant.
//!
//! Invariant: one person is one name, however a flow refers to them.

mod absence;
pub mod registry;

pub use absence::{Absence, MAX_DEPUTIES, StandIn};

use crate::base::address::mail_address;
use crate::base::diagnostic::nearest;
use indexmap::IndexSet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A person of the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// What people call them.
    pub name: String,
    /// Where mails go.
    pub email: String,
    /// Roles, as `legal`.
    #[serde(default)]
    pub roles: BTreeSet<String>,
    /// Groups, as `board`.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// What they are able to do, as `spanish`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub skills: BTreeSet<String>,
    /// Their manager's user name.
    #[serde(default)]
    pub manager: Option<String>,
    /// When they are away, and who stands in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<Absence>,
}

/// Everybody, by user name. Read from `people.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// Persons by user name, as `anna`.
    pub users: BTreeMap<String, Person>,
}

/// Roles that open the product's own doors, as against roles of the business.
pub mod roles {
    /// May do everything, incidents included.
    pub const ADMIN: &str = "admin";
    /// May deploy flows.
    pub const AUTHOR: &str = "author";
    /// May start runs and see them.
    pub const OPERATOR: &str = "operator";
}

/// Why nobody could be meant: a sentence that names what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownPrincipal(pub String);

impl Directory {
    /// The persons meant by `principals` (`user:`, `role:`, `group:`, `skill:`, `manager_of:USER`, `email:`,
    /// or a bare mail address), each once, in the order listed (members of a role in the order of
    /// their names), as `user:NAME` or `email:ADDRESS`, without `exclude`.
    ///
    /// The address of somebody of the directory means that person: nobody counts as two, neither
    /// among those who decide nor among those who may not.
    pub fn resolve(&self, principals: &[String], exclude: &[String]) -> Result<Vec<String>, UnknownPrincipal> {
        let excluded: BTreeSet<String> = exclude.iter().map(|party| self.canonical(party)).collect();
        let mut people: IndexSet<String> = IndexSet::new();
        for principal in principals {
            people.extend(self.members(principal.trim())?);
        }
        people.retain(|person| !excluded.contains(person));
        Ok(people.into_iter().collect())
    }

    /// The mail address of `user:NAME` or `email:ADDRESS`.
    pub fn email_of(&self, principal: &str) -> Option<String> {
        match principal.trim().split_once(':') {
            Some(("user", name)) => mail_address(&self.users.get(name)?.email),
            Some(("email", address)) => mail_address(address),
            _ => None,
        }
    }

    /// Whether `person` (`user:anna`) is in the directory and, if `through` is given
    /// (`role:legal`), still has that role or group.
    pub fn is_entitled(&self, person: &str, through: Option<&str>) -> bool {
        let Some(found) = person.strip_prefix("user:").and_then(|name| self.users.get(name)) else {
            return false;
        };
        match through.map(|through| through.split_once(':')) {
            None => true,
            Some(Some(("role", role))) => found.roles.contains(role),
            Some(Some(("group", group))) => found.groups.contains(group),
            Some(_) => false,
        }
    }

    fn members(&self, principal: &str) -> Result<Vec<String>, UnknownPrincipal> {
        let Some((kind, name)) = principal.split_once(':') else {
            return self.outside(principal, principal);
        };
        match kind {
            "user" => self.person(name).map(|_| vec![user(name)]),
            "role" => self.everybody("role", name, |person| &person.roles),
            "group" => self.everybody("group", name, |person| &person.groups),
            "skill" => self.everybody("skill", name, |person| &person.skills),
            "manager_of" => self.manager(name),
            "email" => self.outside(name, principal),
            _ => Err(UnknownPrincipal(format!(
                "{principal:?} names nobody: write user:NAME, role:NAME, group:NAME, skill:NAME, manager_of:NAME or a mail address"
            ))),
        }
    }

    fn person(&self, name: &str) -> Result<&Person, UnknownPrincipal> {
        self.users.get(name).ok_or_else(|| {
            let hint = did_you_mean(name, self.users.keys());
            UnknownPrincipal(format!("there is no user {name:?} in people.yaml{hint}"))
        })
    }

    fn everybody(
        &self,
        kind: &str,
        name: &str,
        words: impl Fn(&Person) -> &BTreeSet<String>,
    ) -> Result<Vec<String>, UnknownPrincipal> {
        let members: Vec<String> = self
            .users
            .iter()
            .filter(|(_, person)| words(person).contains(name))
            .map(|(name, _)| user(name))
            .collect();
        if members.is_empty() {
            let known: BTreeSet<&String> = self.users.values().flat_map(words).collect();
            let hint = did_you_mean(name, known);
            return Err(UnknownPrincipal(format!(
                "nobody has the {kind} {name:?}{hint}; give it to somebody in people.yaml"
            )));
        }
        Ok(members)
    }

    fn manager(&self, of: &str) -> Result<Vec<String>, UnknownPrincipal> {
        let name = of.strip_prefix("user:").unwrap_or(of);
        let Some(manager) = &self.person(name)?.manager else {
            return Err(UnknownPrincipal(format!(
                "{name} has no manager; name one in people.yaml"
            )));
        };
        self.person(manager)
            .map(|_| vec![user(manager)])
            .map_err(|unknown| UnknownPrincipal(format!("the manager of {name}: {unknown}")))
    }

    fn outside(&self, address: &str, written: &str) -> Result<Vec<String>, UnknownPrincipal> {
        match mail_address(address) {
            Some(address) => Ok(vec![self.by_address(&address)]),
            None => Err(UnknownPrincipal(format!(
                "{written:?} names nobody: write user:NAME, role:NAME, group:NAME, skill:NAME, manager_of:NAME or a mail address"
            ))),
        }
    }

    /// The canonical form of a party for comparison: the mail address of somebody in the directory
    /// becomes that person.
    pub fn canonical(&self, party: &str) -> String {
        let party = party.trim();
        match mail_address(party.strip_prefix("email:").unwrap_or(party)) {
            Some(address) => self.by_address(&address),
            None => party.to_owned(),
        }
    }

    fn by_address(&self, address: &str) -> String {
        let is_theirs = |person: &Person| mail_address(&person.email).as_deref() == Some(address);
        self.users
            .iter()
            .find(|(_, person)| is_theirs(person))
            .map_or_else(|| format!("email:{address}"), |(name, _)| user(name))
    }
}

fn user(name: &str) -> String {
    format!("user:{name}")
}

fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a String>) -> String {
    nearest(word, known.into_iter().map(String::as_str))
        .map(|near| format!(" (did you mean {near:?}?)"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> Directory {
        let person = |name: &str, roles: &[&str], groups: &[&str], manager: Option<&str>| Person {
            name: name.to_owned(),
            email: format!("{name}@Corp.example"),
            roles: roles.iter().map(ToString::to_string).collect(),
            groups: groups.iter().map(ToString::to_string).collect(),
            skills: BTreeSet::new(),
            manager: manager.map(str::to_owned),
            absent: Vec::new(),
        };
        let people = [
            person("anna", &["legal", "legal-lead"], &[], None),
            person("ben", &["legal"], &["board"], Some("anna")),
            person("carla", &["finance"], &["board"], Some("dora")),
        ];
        Directory {
            users: people.into_iter().map(|person| (person.name.clone(), person)).collect(),
        }
    }

    fn resolve(principals: &[&str], exclude: &[&str]) -> Result<Vec<String>, String> {
        let text = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        directory()
            .resolve(&text(principals), &text(exclude))
            .map_err(|unknown| unknown.to_string())
    }

    #[test]
    fn everybody_is_meant_once_in_the_order_listed() {
        assert_eq!(
            resolve(&["role:finance", "role:legal", "user:carla"], &[]).unwrap(),
            ["user:carla", "user:anna", "user:ben"]
        );
        assert_eq!(
            resolve(&["group:board", "eve@example.com"], &[]).unwrap(),
            ["user:ben", "user:carla", "email:eve@example.com"]
        );
        assert_eq!(resolve(&["manager_of:ben"], &[]).unwrap(), ["user:anna"]);
        assert_eq!(resolve(&["manager_of:user:ben"], &[]).unwrap(), ["user:anna"]);
        assert_eq!(resolve(&[], &[]).unwrap(), [""; 0]);
    }

    #[test]
    fn a_skill_means_everybody_who_has_it() {
        let mut directory = directory();
        let ben = directory.users.get_mut("ben").expect("he is there");
        ben.skills.insert("spanish".to_owned());
        let spanish = ["skill:spanish".to_owned()];
        assert_eq!(directory.resolve(&spanish, &[]).unwrap(), ["user:ben"]);
        let unknown = directory.resolve(&["skill:spanisch".to_owned()], &[]).unwrap_err();
        assert!(unknown.to_string().contains("did you mean \"spanish\""), "{unknown}");
    }

    #[test]
    fn a_right_needs_the_person_and_what_it_came_through() {
        let directory = directory();
        for (person, through, expected) in [
            ("user:anna", None, true),
            ("user:anna", Some("role:legal"), true),
            ("user:anna", Some("role:finance"), false),
            ("user:anna", Some("group:board"), false),
            ("user:ben", Some("group:board"), true),
            ("user:ben", Some("skill:spanish"), false),
            ("user:ben", Some("board"), false),
            ("user:nobody", None, false),
            ("user:nobody", Some("role:legal"), false),
            ("email:anna@corp.example", None, false),
            ("anna", None, false),
        ] {
            assert_eq!(directory.is_entitled(person, through), expected, "{person} {through:?}");
        }
    }

    #[test]
    fn nobody_is_two_people_because_of_an_address() {
        assert_eq!(
            resolve(&["email:anna@corp.example", "user:anna", "ANNA@corp.EXAMPLE"], &[]).unwrap(),
            ["user:anna"]
        );
        assert_eq!(
            resolve(&["role:legal"], &["email:ben@corp.example"]).unwrap(),
            ["user:anna"]
        );
        assert_eq!(
            resolve(&["eve@example.com"], &["email:Eve@example.com"]).unwrap(),
            [""; 0]
        );
    }

    #[test]
    fn whoever_is_excluded_need_not_be_known() {
        assert_eq!(
            resolve(&["role:legal"], &["user:anna", "trigger:webhook", "run:run_1", ""]).unwrap(),
            ["user:ben"]
        );
    }

    #[test]
    fn who_is_not_there_is_told_with_the_nearest_and_what_to_do() {
        for (principal, sentence) in [
            (
                "user:ana",
                "there is no user \"ana\" in people.yaml (did you mean \"anna\"?)",
            ),
            (
                "role:leagl",
                "nobody has the role \"leagl\" (did you mean \"legal\"?); give it to somebody in people.yaml",
            ),
            (
                "group:tax",
                "nobody has the group \"tax\"; give it to somebody in people.yaml",
            ),
            ("manager_of:anna", "anna has no manager; name one in people.yaml"),
            (
                "manager_of:carla",
                "the manager of carla: there is no user \"dora\" in people.yaml",
            ),
        ] {
            assert_eq!(resolve(&[principal], &[]).unwrap_err(), sentence);
        }
        for principal in ["", "anna", "boss:anna", "email:anna", "role:"] {
            assert!(resolve(&[principal], &[]).is_err(), "{principal:?}");
        }
    }

    #[test]
    fn addresses_are_those_of_the_directory_or_the_given() {
        let directory = directory();
        assert_eq!(directory.email_of("user:anna").as_deref(), Some("anna@corp.example"));
        assert_eq!(
            directory.email_of("email:Eve@example.com").as_deref(),
            Some("eve@example.com")
        );
        assert_eq!(directory.email_of("user:nobody"), None);
        assert_eq!(directory.email_of("role:legal"), None);
    }
}
