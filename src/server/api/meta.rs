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

/// Requests are answered.
pub async fn readiness(State(server): State) -> Result<Answer<Health>, Problem> {
    if server.is_ready() {
        return Ok(Answer(ok()));
    }
    Err(Problem::unavailable("not-ready", "the server is starting or stopping"))
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
        text: server.metrics.text(),
    })
}
