//! Events from outside.

use crate::base::Value;
use crate::base::id::EventId;
use crate::engine::{InboundEvent, SENT_BY};
use crate::server::dto::{EventAnswer, EventBody};
use crate::server::extract::{Accepted, JsonBody, State};
use crate::server::{Caller, Problem};
use crate::spec::catalog::OWN_CONNECTIONS;
use axum::http::StatusCode;

/// The id of an event, derived from sender, type and the given id, so that no sender can take an id
/// that belongs to somebody else. The lengths separate sender and type.
fn id_of(sender: &str, kind: &str, id: &str) -> EventId {
    EventId::derived(&format!("api:{}:{sender}:{}:{kind}:{id}", sender.len(), kind.len()))
}

/// Records an event with its sender and delivers it. An event with the same sender, id and type is
/// recorded once; different data under the same id is refused. Ids of different senders are
/// independent.
pub async fn publish(
    State(server): State,
    caller: Caller,
    JsonBody(body): JsonBody<EventBody>,
) -> Result<Accepted<EventAnswer>, Problem> {
    let unfit = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "event", detail);
    let Some((connection, name)) = body.kind.split_once('.') else {
        return Err(unfit(format!(
            "{:?} is no type of event: write it as crm.deal_signed",
            body.kind
        )));
    };
    if connection.is_empty() || name.is_empty() || body.id.is_empty() {
        return Err(unfit("id and type must not be empty".to_owned()));
    }
    if OWN_CONNECTIONS.contains(&connection) {
        return Err(unfit(format!("events of {connection} come from this server alone")));
    }
    let id = id_of(&caller.principal(), &body.kind, &body.id);
    let mut data = body.data;
    data.insert(SENT_BY.to_owned(), Value::String(caller.principal()));
    let event = InboundEvent {
        id: id.clone(),
        kind: body.kind,
        subjects: Vec::new(),
        key: body.key,
        data: Value::Object(data),
        at: server.host.now(),
    };
    server.host.publish_event(event).await?;
    Ok(Accepted(EventAnswer { event: id.0 }))
}

#[cfg(test)]
mod tests {
    use super::id_of;

    #[test]
    fn each_sender_has_ids_of_their_own() {
        let mine = id_of("user:anna", "crm.signed", "1");
        assert_eq!(mine, id_of("user:anna", "crm.signed", "1"));
        for other in [
            id_of("user:ben", "crm.signed", "1"),
            id_of("user:anna", "crm.sold", "1"),
            id_of("user:anna", "crm.signed", "2"),
            id_of("user:anna:10", "crm.signed", "1"),
        ] {
            assert_ne!(mine, other);
        }
    }
}
