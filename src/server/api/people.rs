//! Who is and was in the directory, for administrators.

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
    /// Their id, which no other person gets.
    id: String,
    /// The user name.
    user: String,
    /// The mail address.
    email: String,
    /// When they were first seen in the directory.
    #[schemars(with = "String")]
    first_seen: Timestamp,
    /// Since when they are no longer in it.
    #[schemars(with = "Option<String>")]
    left_at: Option<Timestamp>,
    /// Whether an administrator has made that final.
    removed: bool,
}

/// Everybody who has ever been in the directory.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PeopleAnswer {
    /// In the order in which they were first seen.
    items: Vec<PersonOverTime>,
    /// How many people a change of the directory removes that waits for a confirmation.
    held: Option<usize>,
}

/// Which change is confirmed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBody {
    /// How many people it removes, as the list of people says under `held`.
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

/// Makes it final that a person has left.
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

/// Puts a change of the directory in force that removes many people.
pub async fn confirm(
    State(server): State,
    caller: Caller,
    JsonBody(body): JsonBody<ConfirmBody>,
) -> Result<Done, Problem> {
    if !server.accounts.confirm(body.removes) {
        let detail = match server.accounts.held() {
            Some(held) => format!("the change that waits removes {held} people: confirm that number"),
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
