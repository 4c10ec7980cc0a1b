//! The access log, for administrators.

use crate::base::id::ShareId;
use crate::server::Problem;
use crate::server::dto::{Access, Page};
use crate::server::extract::{Answer, Query, State};
use schemars::JsonSchema;
use serde::Deserialize;

/// Most lines in an answer.
const LINES_MAX: usize = 1000;

/// Which lines.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessQuery {
    /// About this share alone.
    #[serde(default)]
    share: Option<String>,
    /// After this position.
    #[serde(default)]
    after: u64,
    /// At most so many, up to 1000.
    #[serde(default)]
    limit: Option<usize>,
}

/// Who did what with which file, and what was refused; oldest first.
pub async fn list(State(server): State, Query(query): Query<AccessQuery>) -> Result<Answer<Page<Access>>, Problem> {
    let limit = query.limit.unwrap_or(LINES_MAX).clamp(1, LINES_MAX);
    let share = query.share.map(ShareId);
    let lines = server.host.access_log(share.as_ref(), query.after, limit).await?;
    let next = lines
        .last()
        .filter(|_| lines.len() == limit)
        .map(|(position, _)| position.to_string());
    let items = lines.into_iter().map(Access::from).collect();
    Ok(Answer(Page { items, next }))
}
