//! Parties as text: `user:anna`, `role:legal`, `group:board`, `email:eve@example.com`, `anyone`.

use super::Principal;
use crate::base::address::mail_address;
use std::fmt;

/// What flows write for whoever has the link.
pub const ANYONE: &str = "anyone";

/// Why a text names no party.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names nobody: write user:NAME, role:NAME, group:NAME, a mail address, or anyone")]
pub struct NoPrincipal(pub String);

impl Principal {
    /// Reads a party. A bare mail address is somebody outside.
    pub fn parse(text: &str) -> Result<Self, NoPrincipal> {
        let text = text.trim();
        let refused = || NoPrincipal(text.to_owned());
        if text == ANYONE {
            return Ok(Self::Link);
        }
        let Some((kind, name)) = text.split_once(':') else {
            return mail_address(text).map(Self::Email).ok_or_else(refused);
        };
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
        match kind {
            "email" => mail_address(name).map(Self::Email).ok_or_else(refused),
            "user" if is_name => Ok(Self::User(name.to_owned())),
            "role" if is_name => Ok(Self::Role(name.to_owned())),
            "group" if is_name => Ok(Self::Group(name.to_owned())),
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::Role(name) => write!(f, "role:{name}"),
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Email(address) => write!(f, "email:{address}"),
            Self::Link => f.write_str(ANYONE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parties_are_read_and_written_alike() {
        for text in [
            "user:anna",
            "role:legal-lead",
            "group:board",
            "email:eve@example.com",
            "anyone",
        ] {
            assert_eq!(Principal::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_bare_address_is_somebody_outside() {
        let outside = Principal::Email("anna@example.com".into());
        assert_eq!(Principal::parse("Anna@Example.com"), Ok(outside.clone()));
        assert_eq!(Principal::parse(" email:anna@example.com"), Ok(outside));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "anna",
            "user:",
            "user:a b",
            "user:a:b",
            "boss:anna",
            "email:anna",
            "everyone",
            "role:\n",
        ] {
            assert!(Principal::parse(text).is_err(), "{text:?}");
        }
    }
}
