//! Events from outside.

use crate::base::Value;
use crate::base::id::EventId;
use crate::engine::InboundEvent;
use crate::server::Problem;
use crate::server::dto::{EventAnswer, EventBody};
use crate::server::extract::{Accepted, JsonBody, State};
use crate::spec::catalog::OWN_CONNECTIONS;
use axum::http::StatusCode;

/// Records an event and delivers it. One of the same id and type is recorded once, and
/// another one under that id is refused.
pub async fn publish(
    State(server): State,
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
    // Derived, so that no sender can take an id that something else has; the length tells where the
    // type ends.
    let id = EventId::derived(&format!("api:{}:{}:{}", body.kind.len(), body.kind, body.id));
    let event = InboundEvent {
        id: id.clone(),
        kind: body.kind,
        subjects: Vec::new(),
        key: body.key,
        data: Value::Object(body.data),
        at: server.host.now(),
    };
    server.host.publish_event(event).await?;
    Ok(Accepted(EventAnswer { event: id.0 }))
}
