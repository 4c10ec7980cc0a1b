//! Mails on their way, for administrators.

use crate::base::id::MailId;
use crate::server::Problem;
use crate::server::dto::{Mail, Page};
use crate::server::extract::{Answer, Done, Path, Query, State};
use crate::store::MailState;
use schemars::JsonSchema;
use serde::Deserialize;

/// Most mails in an answer.
const MAILS_MAX: usize = 200;

/// Which mails.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailsQuery {
    /// `queued`, `sending`, `sent`, `failed` or `in_doubt`; without it, those that need a person.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    state: Option<MailState>,
    /// At most so many, up to 200.
    #[serde(default)]
    limit: Option<usize>,
}

/// Mails, oldest first.
pub async fn list(State(server): State, Query(query): Query<MailsQuery>) -> Result<Answer<Page<Mail>>, Problem> {
    let limit = query.limit.unwrap_or(MAILS_MAX).clamp(1, MAILS_MAX);
    let states = match query.state {
        Some(state) => vec![state],
        None => vec![MailState::Failed, MailState::InDoubt],
    };
    let mails = server.host.mails_in(&states, limit).await?;
    Ok(Answer(Page {
        items: mails.into_iter().map(Mail::from).collect(),
        next: None,
    }))
}

/// Queues a mail anew.
pub async fn retry(State(server): State, Path(mail): Path<MailId>) -> Result<Done, Problem> {
    server.host.retry_mail(&mail).await?;
    Ok(Done)
}
