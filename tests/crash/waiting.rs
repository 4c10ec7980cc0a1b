//! A thousand runs that wait, and a process that is killed under them.

use super::patience::Patience;
use super::process::{Server, furnish};
use futures_util::StreamExt;
use gatefold::cli::client::{Answer, Client};
use gatefold::engine::event::Event;
use serde_json::json;
use std::time::{Duration, Instant};

const RUNS: usize = 1000;
/// Every so many runs one has its time over while the process is dead.
const SHORT_EVERY: usize = 50;
/// Long enough to start all of them, short enough to wait for.
const SHORT: Duration = Duration::from_secs(20);
/// Longest time for timers that are due to fire.
const FIRING_TIME_MAX: Duration = Duration::from_mins(1);
const IN_FLIGHT: usize = 32;

/// By when a server is ready again, in milliseconds: half a second as it is delivered. What is built
/// without optimization, beside other tests, may take five times as long.
const READY_MS: u64 = if cfg!(debug_assertions) { 2_500 } else { 500 };

const FLOW: &str = "flow: patience
version: 1.0.0
inputs:
  time: { type: duration }
steps:
  - id: answer
    wait: { event: erp.answered, key: \"${{ run.id }}\" }
    deadline: { due: \"${{ inputs.time }}\" }
    outcomes: { expired: { end: expired } }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_waiting_runs_survive_and_due_timers_fire_once() {
    let data = tempfile::tempdir().expect("a folder");
    let token = furnish(data.path(), &["admin"]).remove(0);
    let server = Server::start_sound(data.path());
    let client = server.client(&token);
    client
        .deploy("patience.flow.yaml", FLOW)
        .await
        .expect("the flow is fit to be deployed");
    let begun = Instant::now();
    let runs = start_all(&client).await;
    assert!(begun.elapsed() < SHORT, "all must wait before the first time is over");
    drop(server);
    // Real clocks cannot be hurried: the short times must be over while nobody is there.
    let over = begun + SHORT + Duration::from_millis(500);
    Patience::new(2 * SHORT, "the short times are not over")
        .until(async || (Instant::now() >= over).then_some(()))
        .await;

    let server = Server::start_sound(data.path());
    println!("ready after {} ms with {RUNS} runs waiting", server.ready_ms);
    assert!(server.ready_ms < READY_MS, "ready only after {} ms", server.ready_ms);
    let client = server.client(&token);
    let short: Vec<&String> = runs.iter().step_by(SHORT_EVERY).collect();
    wait_until_ended(&client, short.len()).await;
    for (index, run) in runs.iter().enumerate() {
        let view = client.run(run).await.expect("the run is there");
        let expected = if index % SHORT_EVERY == 0 { "ended" } else { "running" };
        assert_eq!(view["status"], expected, "run {index}");
    }
    for run in short {
        let journal = client.journal(run, 0).await.expect("the journal is there");
        let expired = journal
            .iter()
            .filter(|record| matches!(&record.event, Event::StepFinished { .. }))
            .count();
        assert_eq!(expired, 1, "{run}");
    }
}

/// Starts all runs, some with a short time, in this order.
async fn start_all(client: &Client) -> Vec<String> {
    let starts = (0..RUNS).map(|index| {
        let time = if index % SHORT_EVERY == 0 {
            format!("{} seconds", SHORT.as_secs())
        } else {
            "30 days".to_owned()
        };
        let client = client.clone();
        async move { client.start("patience", &json!({ "time": time }), None).await }
    });
    let started: Vec<Answer<String>> = futures_util::stream::iter(starts).buffered(IN_FLIGHT).collect().await;
    started.into_iter().map(|run| run.expect("the run starts")).collect()
}

async fn wait_until_ended(client: &Client, count: usize) {
    let ended = async || {
        let page = client.get("/api/v1/runs?status=ended&limit=200").await;
        let page = page.expect("the list is there");
        (page["items"].as_array().map_or(0, Vec::len) >= count).then_some(())
    };
    Patience::new(FIRING_TIME_MAX, "the timers that were due did not fire")
        .until(ended)
        .await;
}
