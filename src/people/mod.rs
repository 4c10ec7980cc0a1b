//! The directory: who there is, which roles and groups they have, who is meant.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A person of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Their manager's user name.
    #[serde(default)]
    pub manager: Option<String>,
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

/// Why nobody could be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownPrincipal(pub String);

impl Directory {
    /// The persons meant by `principals` (`user:`, `role:`, `group:`, `manager_of:USER`, `email:`),
    /// each once, in the order listed (members of a role in the order of their names), as
    /// `user:NAME` or `email:ADDRESS`, without `exclude`.
    pub fn resolve(&self, principals: &[String], exclude: &[String]) -> Result<Vec<String>, UnknownPrincipal> {
        let _ = (principals, exclude);
        todo!()
    }

    /// The mail address of `user:NAME` or `email:ADDRESS`.
    pub fn email_of(&self, principal: &str) -> Option<String> {
        let _ = principal;
        todo!()
    }
}
