//! Routes for pending deployments.

use crate::server::dto::{Page, PendingDeployment, RejectBody};
use crate::server::extract::{Answer, JsonBody, Path, Query, State};
use crate::server::{Caller, Problem};
use schemars::JsonSchema;
use serde::Deserialize;

/// Filter for listing deployments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentsQuery {
    /// `pending`, `accepted` or `rejected`; `pending` if not given.
    #[serde(default)]
    state: Option<String>,
    /// Start after this deployment, in the order of the list.
    #[serde(default)]
    after: Option<String>,
    /// Maximum number of results, up to 200.
    #[serde(default)]
    limit: Option<usize>,
}

/// Lists pending deployments, newest first.
pub async fn list(
    State(server): State,
    Query(query): Query<DeploymentsQuery>,
) -> Result<Answer<Page<PendingDeployment>>, Problem> {
    let state = query.state.unwrap_or_else(|| "pending".to_owned());
    if !["pending", "accepted", "rejected"].contains(&state.as_str()) {
        let detail = format!("{state:?} is not a state: use pending, accepted or rejected");
        return Err(Problem::bad_request("state", detail));
    }
    let all = server.host.pending_deployments().await?;
    let all = all.into_iter().filter(|one| one.state() == state);
    let page = Page::after(
        all.map(PendingDeployment::from).collect(),
        query.after.as_deref(),
        query.limit,
        |one: &PendingDeployment| one.id.clone(),
    )?;
    Ok(Answer(page))
}

/// Shows one deployment with its text.
pub async fn get(State(server): State, Path(id): Path<String>) -> Result<Answer<PendingDeployment>, Problem> {
    let pending = server.host.pending_deployment(&id).await?;
    let source = pending.source.clone();
    Ok(Answer(PendingDeployment {
        source: Some(source),
        ..pending.into()
    }))
}

/// Accepts a deployment, which new runs use from then on.
pub async fn approve(
    State(server): State,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer<PendingDeployment>, Problem> {
    let accepted = server
        .host
        .accept_deployment(&id, &caller.principal(), caller.origin())
        .await?;
    Ok(Answer(accepted.into()))
}

/// Rejects a deployment.
pub async fn reject(
    State(server): State,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<RejectBody>,
) -> Result<Answer<PendingDeployment>, Problem> {
    let by = caller.principal();
    let rejected = server
        .host
        .reject_deployment(&id, &by, &body.reason, caller.origin())
        .await?;
    Ok(Answer(rejected.into()))
}
