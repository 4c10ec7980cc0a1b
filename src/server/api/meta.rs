//! The API about itself.

use crate::base::Value;
use crate::host::Host;
use crate::server::dto::{Health, Time};
use crate::server::extract::{Answer, State, Text};
use crate::server::{Caller, Problem, metrics};

/// What everybody may know of a change of people that waits.
const PEOPLE_WAIT: &str = "people.yaml removes many people and is not in force: an administrator can confirm it with \
                           `gatefold people confirm`";

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
    Ok(Answer(Health {
        clock: server.host.parts().clock.standing().in_words(),
        people: server.accounts.held().map(|_| PEOPLE_WAIT.to_owned()),
        ..ok()
    }))
}

fn ok() -> Health {
    Health {
        status: "ok".to_owned(),
        clock: None,
        people: None,
    }
}

/// Shows the time that the server uses.
pub async fn time(State(server): State) -> Result<Answer<Time>, Problem> {
    Ok(Answer(time_of(&server.host)))
}

/// Confirms the system clock after it jumped ahead.
pub async fn confirm_time(State(server): State, caller: Caller) -> Result<Answer<Time>, Problem> {
    server.host.confirm_clock(&caller.principal(), caller.origin()).await?;
    Ok(Answer(time_of(&server.host)))
}

fn time_of(host: &Host) -> Time {
    let standing = host.parts().clock.standing();
    Time {
        now: host.now(),
        is_held: standing.is_held(),
        clock: standing.in_words(),
    }
}

/// Counts, for Prometheus.
pub async fn metrics(State(server): State) -> Result<Text, Problem> {
    Ok(Text {
        media_type: metrics::MEDIA_TYPE,
        text: server.metrics.text(server.host.standing().await?),
    })
}
