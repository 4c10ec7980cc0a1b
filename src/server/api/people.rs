//! Routes for administrators to list people, make removals final, and confirm large changes.

use crate::base::Timestamp;
use crate::people::registry::KnownPerson;
use crate::server::dto::ReasonBody;
use crate::server::extract::{Answer, Done, JsonBody, Path, State};
use crate::server::{Caller, Problem};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A person who is or was in the directory.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PersonOverTime {
    /// Their id, which is never reused.
    id: String,
    /// The user name.
    user: String,
    /// The mail address.
    email: String,
    /// When they were first seen in the directory.
    #[schemars(with = "String")]
    first_seen: Timestamp,
    /// When they left the directory.
    #[schemars(with = "Option<String>")]
    left_at: Option<Timestamp>,
    /// Whether an administrator has made the removal final.
    removed: bool,
}

/// Everybody who has ever been in the directory.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PeopleAnswer {
    /// The people, in the order in which they were first seen.
    items: Vec<PersonOverTime>,
    /// Number of people that a change removes which is waiting for confirmation; absent if none is
    /// waiting.
    held: Option<usize>,
}

/// Identifies the change to confirm.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBody {
    /// Number of people that the change removes, as shown under `held` in the list of people.
    removes: usize,
}

impl From<KnownPerson> for PersonOverTime {
    fn from(person: KnownPerson) -> Self {
        Self {
            id: person.id,
            user: person.user,
            email: person.email,
            first_seen: person.first_seen,
            left_at: person.left_at,
            removed: person.is_removed,
        }
    }
}

/// Lists people.
pub async fn list(State(server): State) -> Result<Answer<PeopleAnswer>, Problem> {
    let people = server.host.known_people().await?;
    Ok(Answer(PeopleAnswer {
        items: people.into_iter().map(PersonOverTime::from).collect(),
        held: server.accounts.held(),
    }))
}

/// Makes the removal of a person final.
pub async fn remove(
    State(server): State,
    caller: Caller,
    Path(user): Path<String>,
    JsonBody(body): JsonBody<ReasonBody>,
) -> Result<Done, Problem> {
    server
        .host
        .remove_person(&user, &caller.principal(), &body.reason)
        .await?;
    Ok(Done)
}

/// Confirms a change of the directory that removes many people.
pub async fn confirm(
    State(server): State,
    caller: Caller,
    JsonBody(body): JsonBody<ConfirmBody>,
) -> Result<Done, Problem> {
    if !server.accounts.confirm(body.removes) {
        let detail = match server.accounts.held() {
            Some(held) => format!("the change that is waiting removes {held} people: confirm that number"),
            None => "no change of the directory waits for a confirmation".to_owned(),
        };
        return Err(Problem::new(StatusCode::CONFLICT, "no-such-change", detail));
    }
    tracing::warn!(
        removes = body.removes,
        by = caller.principal(),
        "a change that removes many people is in force"
    );
    server.refresh_accounts().await;
    Ok(Done)
}
