//! API representation of tokens; never includes the token itself or its hash.

use crate::base::Timestamp;
use crate::config::{Scope, TokenLine};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// An API token.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Token {
    /// Its id, which is not the token.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// The id of the person that it is bound to, once a server has seen it.
    pub person: Option<String>,
    /// What it is for.
    pub label: Option<String>,
    /// Its scopes: `read`, `write`, `decide`, `deploy`, `admin`.
    pub scopes: Vec<String>,
    /// Whether it was made before scopes existed and therefore has all of them.
    pub before_scopes: bool,
    /// When it was made.
    #[schemars(with = "String")]
    pub created: Timestamp,
    /// When it expires.
    #[schemars(with = "Option<String>")]
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    #[schemars(with = "Option<String>")]
    pub revoked: Option<Timestamp>,
    /// When it was last used, to within ten minutes.
    #[schemars(with = "Option<String>")]
    pub last_used: Option<Timestamp>,
    /// `good`, `expired`, `revoked`, or `left` where its person is not in people.yaml any more.
    pub state: String,
}

/// Whose a token is.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The id of the person, where it is bound.
    pub person: Option<String>,
    /// Whether that person has the user name now and is in the directory.
    pub is_here: bool,
}

impl Token {
    /// A token as it stands now.
    pub fn of(line: TokenLine, owner: Owner, used: &BTreeMap<String, Timestamp>, now: Timestamp) -> Self {
        let scopes = Scope::ALL.into_iter().filter(|scope| line.has(*scope));
        let state = match line.revoked {
            Some(_) => "revoked",
            None if line.is_over(now) => "expired",
            None if !owner.is_here => "left",
            None => "good",
        };
        Self {
            last_used: used.get(&line.id()).copied(),
            id: line.id(),
            scopes: scopes.map(|scope| scope.as_str().to_owned()).collect(),
            before_scopes: line.scopes.is_none(),
            user: line.user,
            person: owner.person,
            label: line.label,
            created: line.created,
            expires: line.expires,
            revoked: line.revoked,
            state: state.to_owned(),
        }
    }
}
