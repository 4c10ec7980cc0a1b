//! API representation of grants.

use crate::base::Timestamp;
use crate::host::grants::ListedGrant;
use crate::space::access::Denial;
use crate::space::{Role, State};
use schemars::JsonSchema;
use serde::Serialize;

/// The permissions of one party in one share. The address of its link is never shown.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GrantRow {
    /// The grant.
    pub id: String,
    /// The share.
    pub share: String,
    /// The name of the share.
    pub share_name: String,
    /// The run that owns the share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Who holds it: `user:…`, `email:…`, or `anyone`.
    pub to: String,
    /// The role or group through which they got the grant and which they need to use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// The role in the share, which determines what it allows.
    pub role: Role,
    /// `live`, `revoked`, `expired`, or `lost` while its holder is not in the directory or has lost the role.
    pub state: String,
    /// Whether the link requires a password.
    pub has_password: bool,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it expires.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// When its link was first opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub opened_at: Option<Timestamp>,
    /// Who revoked it, if it was revoked individually.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub revoked_at: Option<Timestamp>,
}

impl From<ListedGrant> for GrantRow {
    fn from(listed: ListedGrant) -> Self {
        let ListedGrant { grant, share, denial } = listed;
        let state = match (grant.state, share.state, denial) {
            (State::Revoked, ..) => "revoked",
            (_, _, None) => "live",
            (_, _, Some(Denial::Expired)) => "expired",
            (_, _, Some(Denial::Lost)) => "lost",
            _ => "revoked",
        };
        Self {
            expires_at: grant.expires_at.map_or(share.expires_at, |at| at.min(share.expires_at)),
            id: grant.id.0,
            share: share.id.0,
            share_name: share.name,
            run: share.run.map(|run| run.0),
            to: grant.to.to_string(),
            through: grant.through.map(|through| through.to_string()),
            role: grant.role,
            state: state.to_owned(),
            has_password: grant.password_hash.is_some(),
            created_at: grant.created_at,
            opened_at: grant.opened_at,
            revoked_by: grant.revocation.as_ref().map(|revocation| revocation.by.clone()),
            revoked_at: grant.revocation.map(|revocation| revocation.at),
        }
    }
}

/// The result of revoking a grant.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GrantRevocation {
    /// Whether this call revoked it; false if it had already ended.
    pub revoked: bool,
}
