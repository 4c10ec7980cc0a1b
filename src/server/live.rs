//! The journal of a run as it grows, as server-sent events. An event's id is its position, so a
//! listener that comes back with `Last-Event-ID` misses nothing and hears nothing twice.

use super::operation::{Described, Shape};
use super::{Problem, Server};
use crate::base::id::RunId;
use crate::engine::{Event, EventRecord};
use crate::host::HostError;
use crate::store::RunStatus;
use axum::http::StatusCode;
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use schemars::SchemaGenerator;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// A sign of life where nothing happens, so that what lies between does not hang up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Journal lines read at once.
const LINES: usize = 500;

/// Live events on their way out.
pub struct Live(Response);

impl IntoResponse for Live {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Described for Live {
    fn describe(shape: &mut Shape, _: &mut SchemaGenerator) {
        shape.parameters.push(serde_json::json!({
            "name": "Last-Event-ID",
            "in": "header",
            "description": "Position of the last event that was heard; 204 where there will be no other, 416 where there is no such position.",
            "schema": { "type": "integer" },
        }));
        shape.answer(
            StatusCode::OK,
            "text/event-stream",
            serde_json::json!({ "type": "string" }),
        );
    }
}

/// What is still to be told of a run.
struct Listener {
    server: Arc<Server>,
    run: RunId,
    receiver: Receiver<Arc<EventRecord>>,
    /// Read from the journal, not told yet.
    waiting: VecDeque<EventRecord>,
    /// Position of the last event told.
    told: u64,
    ended: bool,
}

/// Tells what happened in a run after `told`, and what happens until it ends.
pub async fn listen(server: &Arc<Server>, run: &RunId, told: u64) -> Result<Live, Problem> {
    // Listening begins before reading, so that nothing falls in between.
    let receiver = server.host.watch();
    let view = server.host.run_view(run).await?;
    if told > view.run.seq {
        return Err(past_the_end(told, view.run.seq));
    }
    if view.run.status == RunStatus::Ended && view.run.seq == told {
        return Ok(Live(StatusCode::NO_CONTENT.into_response()));
    }
    let mut listener = Listener {
        server: Arc::clone(server),
        run: run.clone(),
        receiver,
        waiting: VecDeque::new(),
        told,
        ended: false,
    };
    listener.read_journal().await?;
    let events = futures_util::stream::unfold(listener, |mut listener| async move {
        let record = listener.next().await?;
        let event = sse::Event::default()
            .id(record.seq.to_string())
            .event("journal")
            .json_data(&record)
            .ok()?;
        Some((Ok::<_, std::convert::Infallible>(event), listener))
    });
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(Live(sse.into_response()))
}

/// Somebody heard what never happened here: in another installation, or before a backup was put back.
fn past_the_end(told: u64, last: u64) -> Problem {
    let detail = format!(
        "Last-Event-ID is {told}, and the journal of this run ends at {last}: forget what was heard, and begin again \
         without Last-Event-ID"
    );
    Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "past-the-end", detail)
}

impl Listener {
    /// The next event, or nothing where the run has ended or the server stops.
    async fn next(&mut self) -> Option<EventRecord> {
        let record = loop {
            if self.ended {
                return None;
            }
            if let Some(record) = self.waiting.pop_front() {
                break record;
            }
            let heard = tokio::select! {
                () = self.server.stop.cancelled() => return None,
                heard = self.receiver.recv() => heard,
            };
            match heard {
                // The next one in order; a later one means that some were missed.
                Ok(record) if record.run != self.run || record.seq <= self.told => {}
                Ok(record) if record.seq == self.told + 1 => break record.as_ref().clone(),
                Ok(_) | Err(RecvError::Lagged(_)) => {
                    if let Err(error) = self.read_journal().await {
                        tracing::warn!(%error, "a listener was sent away: the journal cannot be read");
                        return None;
                    }
                }
                Err(RecvError::Closed) => return None,
            }
        };
        self.told = record.seq;
        self.ended = matches!(record.event, Event::RunEnded { .. });
        Some(record)
    }

    async fn read_journal(&mut self) -> Result<(), HostError> {
        let mut after = self.told;
        loop {
            let lines = self.server.host.journal(&self.run, after, LINES).await?;
            let is_last = lines.len() < LINES;
            after = lines.last().map_or(after, |line| line.seq);
            self.waiting.extend(lines);
            if is_last {
                return Ok(());
            }
        }
    }
}
