//! Through what a person acts where nobody saw them themselves: an API token, or an account of the machine.

use super::LocalAccess;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Through what a person acted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// An API token, by its id, as `tok_0123456789ab`. The id tells nothing of the token itself.
    Token(String),
    /// An account of the machine that holds the data.
    Local(LocalAccess),
}

/// Who acts, and through what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// Who, as `user:anna`.
    pub principal: String,
    /// Through what, where that is known.
    pub via: Option<Via>,
}

impl From<&str> for Actor {
    fn from(principal: &str) -> Self {
        Self {
            principal: principal.to_owned(),
            via: None,
        }
    }
}

impl From<&String> for Actor {
    fn from(principal: &String) -> Self {
        Self::from(principal.as_str())
    }
}

impl fmt::Display for Via {
    /// To stand behind what somebody did, with a blank before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(id) => write!(f, "with the token {id}"),
            Self::Local(local) => {
                write!(f, "as {} on the machine", local.account)?;
                match &local.break_glass {
                    Some(reason) => write!(f, ", with --break-glass: {reason}"),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_stored_as_data_and_told_in_words() {
        let local = |break_glass: Option<&str>| {
            Via::Local(LocalAccess {
                account: "local:1000".to_owned(),
                break_glass: break_glass.map(str::to_owned),
            })
        };
        for (via, data, words) in [
            (
                Via::Token("tok_1".to_owned()),
                json!({ "token": "tok_1" }),
                "with the token tok_1",
            ),
            (
                local(None),
                json!({ "local": { "account": "local:1000" } }),
                "as local:1000 on the machine",
            ),
            (
                local(Some("fire")),
                json!({ "local": { "account": "local:1000", "break_glass": "fire" } }),
                "as local:1000 on the machine, with --break-glass: fire",
            ),
        ] {
            assert_eq!(json!(via), data);
            assert_eq!(serde_json::from_value::<Via>(data).unwrap(), via);
            assert_eq!(via.to_string(), words);
        }
    }
}
