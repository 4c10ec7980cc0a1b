//! The API about itself.

use crate::base::Value;
use crate::server::dto::Health;
use crate::server::extract::{Answer, State, Text};
use crate::server::{Problem, metrics};

/// The description of the API.
pub async fn openapi(State(_): State) -> Result<Answer<Value>, Problem> {
    Ok(Answer(crate::server::openapi::openapi()))
}

/// The process lives.
pub async fn health(State(_): State) -> Result<Answer<Health>, Problem> {
    Ok(Answer(ok()))
}

/// Requests are answered, and what they change can be stored.
pub async fn readiness(State(server): State) -> Result<Answer<Health>, Problem> {
    if !server.is_ready() {
        return Err(Problem::unavailable("not-ready", "the server is starting or stopping"));
    }
    if !server.readiness.can_store(&server.host).await {
        let detail = "nothing can be stored: look at the disk and the log of the server";
        return Err(Problem::unavailable("cannot-store", detail));
    }
    Ok(Answer(ok()))
}

fn ok() -> Health {
    Health {
        status: "ok".to_owned(),
    }
}

/// Counts, for Prometheus.
pub async fn metrics(State(server): State) -> Result<Text, Problem> {
    Ok(Text {
        media_type: metrics::MEDIA_TYPE,
        text: server.metrics.text(server.host.standing().await?),
    })
}
