//! The rows of one run of the job, as the engine writes them.

use gatefold::base::id::RunId;
use gatefold::base::{Semantics, Timestamp};
use gatefold::engine::{Event, EventRecord};
use gatefold::store::{RunCommit, RunRow, RunStatus};
use serde_json::json;
use std::collections::BTreeMap;

/// Steps in a run.
pub const STEPS: u64 = 10;

/// Events in the journal of a run: its start, its steps, its end.
pub const EVENTS: u64 = STEPS + 3;

/// A whole run that nobody has run.
pub fn run() -> RunCommit {
    let id = RunId(format!("{}_{}", RunId::PREFIX, uuid::Uuid::now_v7().simple()));
    let started = Event::RunStarted {
        flow: "ten".to_owned(),
        version: "1.0.0".to_owned(),
        plan: "ab".repeat(32),
        inputs: json!({}),
        settings: serde_json::Map::new(),
        initiator: "user:bench".to_owned(),
        starter: None,
        trigger: "manual".to_owned(),
        seed: 7,
        parent: None,
        semantics: Semantics::CURRENT,
    };
    let closing = Event::RunClosing {
        status: "completed".to_owned(),
        message: None,
        by: None,
    };
    let ended = Event::RunEnded {
        status: "completed".to_owned(),
        outputs: json!({}),
        failed_outputs: BTreeMap::new(),
    };
    let steps = (1..=STEPS).map(step);
    let events = std::iter::once(started).chain(steps).chain([closing, ended]);
    let events = (1..).zip(events).map(|(seq, event)| record(&id, seq, event)).collect();
    RunCommit {
        events,
        row: run_row(id.as_str()),
    }
}

fn step(number: u64) -> Event {
    Event::StepFinished {
        step: format!("step_{number}"),
        round: 1,
        outcome: "done".to_owned(),
        output: json!({"value": "about twenty b."}),
        cause: None,
        in_doubt: false,
        by_hand: None,
    }
}

fn record(run: &RunId, seq: u64, event: Event) -> EventRecord {
    EventRecord {
        run: run.clone(),
        seq,
        at: Timestamp::now(),
        v: 1,
        via: None,
        event,
    }
}

/// The row of a run that ended.
pub fn run_row(id: &str) -> RunRow {
    let now = Timestamp::now();
    RunRow {
        id: RunId::from(id),
        flow: "ten".to_owned(),
        version: "1.0.0".to_owned(),
        plan: "ab".repeat(32),
        status: RunStatus::Ended,
        outcome: Some("completed".to_owned()),
        initiator: "user:bench".to_owned(),
        started_at: now,
        ended_at: Some(now),
        wakeup_at: None,
        busy: false,
        incident: false,
        seq: EVENTS,
    }
}

/// Time and body of an event, as they are stored.
pub fn columns_of(record: &EventRecord) -> (String, String) {
    let body = serde_json::to_string(&record.event).expect("an event is JSON");
    (format!("{:.9}", record.at), body)
}

/// Time and body of the event of a step.
pub fn event_columns() -> (String, String) {
    columns_of(&record(&RunId::from("run_1"), 1, step(1)))
}
