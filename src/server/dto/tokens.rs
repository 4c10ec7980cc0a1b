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
    /// `good` (valid), `expired` or `revoked`.
    pub state: String,
}

impl Token {
    /// Describes a token at the given time.
    pub fn of(line: TokenLine, used: &BTreeMap<String, Timestamp>, now: Timestamp) -> Self {
        let scopes = Scope::ALL.into_iter().filter(|scope| line.has(*scope));
        let state = match line.revoked {
            Some(_) => "revoked",
            None if line.is_over(now) => "expired",
            None => "good",
        };
        Self {
            last_used: used.get(&line.id()).copied(),
            id: line.id(),
            scopes: scopes.map(|scope| scope.as_str().to_owned()).collect(),
            before_scopes: line.scopes.is_none(),
            user: line.user,
            label: line.label,
            created: line.created,
            expires: line.expires,
            revoked: line.revoked,
            state: state.to_owned(),
        }
    }
}
