//! Routes for administrators to list and revoke grants.

use crate::base::id::{GrantId, ShareId};
use crate::host::grants::GrantFilter;
use crate::server::dto::{GrantRevocation, GrantRow, Page};
use crate::server::extract::{Answer, Path, Query, State};
use crate::server::{Caller, Problem};
use schemars::JsonSchema;
use serde::Deserialize;

/// Maximum number of grants in a response.
const GRANTS_MAX: usize = 200;

/// Filter for listing grants.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantsQuery {
    /// Only grants of this share.
    #[serde(default)]
    share: Option<String>,
    /// Only grants that this party holds (`user:anna`, `email:rosa@example.com`) or that were given
    /// through it (`role:legal`).
    #[serde(default)]
    to: Option<String>,
    /// Also list grants whose link no longer works.
    #[serde(default)]
    all: bool,
    /// Start after this grant, in the order of the list.
    #[serde(default)]
    after: Option<String>,
    /// Maximum number of results, up to 200.
    #[serde(default)]
    limit: Option<usize>,
}

/// Lists grants, oldest first.
pub async fn list(State(server): State, Query(query): Query<GrantsQuery>) -> Result<Answer<Page<GrantRow>>, Problem> {
    let limit = query.limit.unwrap_or(GRANTS_MAX).clamp(1, GRANTS_MAX);
    let filter = GrantFilter {
        share: query.share.map(ShareId),
        to: query.to,
        all: query.all,
    };
    let after = query.after.map(GrantId);
    let grants = server.host.list_grants(&filter, after.as_ref(), limit).await?;
    let next = grants
        .last()
        .filter(|_| grants.len() == limit)
        .map(|listed| listed.grant.id.to_string());
    let items = grants.into_iter().map(GrantRow::from).collect();
    Ok(Answer(Page { items, next }))
}

/// Shows one grant.
pub async fn get(State(server): State, Path(grant): Path<GrantId>) -> Result<Answer<GrantRow>, Problem> {
    Ok(Answer(server.host.grant(&grant).await?.into()))
}

/// Revokes a grant.
pub async fn revoke(
    State(server): State,
    caller: Caller,
    Path(grant): Path<GrantId>,
) -> Result<Answer<GrantRevocation>, Problem> {
    let revoked = server.host.revoke_grant(&grant, &caller.principal()).await?;
    Ok(Answer(GrantRevocation { revoked }))
}
