//! A hundred thousand runs that wait on three timers each: how long a restart takes, how much
//! memory, and how long an event takes to find its run.
//!
//! `cargo bench --bench waiting`; `-- --smoke` takes a thousand. The runs are made by one process
//! and taken up by another, so that the memory is that of a restart.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]
#![allow(clippy::print_stdout, reason = "a table is what it is for")]

#[path = "common/allocator.rs"]
mod allocator;
#[path = "common/host.rs"]
mod host;
#[path = "common/memory.rs"]
mod memory;

use gatefold::base::Timestamp;
use gatefold::base::id::{EventId, RunId};
use gatefold::engine::InboundEvent;
use gatefold::host::Host;
use gatefold::store::{RunFilter, RunStatus, Store};
use host::{open, start};
use memory::memory;
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const RUNS: usize = 100_000;
const SMOKE_RUNS: usize = 1_000;
const STORE: &str = "waiting.db";
/// Callers who start runs at once.
const CALLERS: usize = 512;
/// Events that are looked for, one after the other.
const EVENTS: usize = 1_000;

/// Aims: until ready, resident, and at the store.
const READY_MAX: Duration = Duration::from_secs(2);
const RESIDENT_MAX: u64 = 250 << 20;
const FOUND_MAX: Duration = Duration::from_millis(1);

/// Waits 30 days: two reminders and the end make three timers.
const FLOW: &str = "flow: patience
version: 1.0.0
owner: bench@example.com
inputs:
  key: { type: text }
steps:
  - id: answer
    wait: { event: erp.answered, key: \"${{ inputs.key }}\" }
    deadline: { due: 30 days, remind: [10 days before, 3 days before] }
    outcomes: { expired: { end: expired } }
";

fn key(number: usize) -> String {
    format!("order-{number}")
}

/// Starts `runs` runs in `folder`.
async fn make(folder: &Path, runs: usize) {
    let host = host::host(open(folder, STORE), folder);
    host.deploy("patience.flow.yaml", FLOW, "user:bench")
        .await
        .expect("the flow is fit to be deployed");
    host.recover().await.expect("an empty store recovers");
    let begin = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS.min(runs) {
        let (host, next) = (Arc::clone(&host), Arc::clone(&next));
        callers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= runs {
                    return;
                }
                let inputs = json!({ "key": key(number) });
                host.start_run(start("patience", inputs)).await.expect("the run starts");
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.expect("the caller does not fail");
    }
    let rate = runs as f64 / begin.elapsed().as_secs_f64();
    println!(
        "started   {runs} runs that wait on {} timers, {rate:.0} a second",
        3 * runs
    );
}

/// Takes up what stands in `folder`, as a server does that starts.
async fn take_up(folder: &Path, runs: usize) {
    let before = memory("VmRSS:");
    let begin = Instant::now();
    let store = open(folder, STORE);
    let host = host::host(Arc::clone(&store), folder);
    host.recover().await.expect("the store recovers");
    let ready = begin.elapsed();
    let resident = memory("VmRSS:");
    println!(
        "ready     after {} ms, {:.1} MB resident, {:.1} MB of it before",
        ready.as_millis(),
        resident as f64 / 1e6,
        before as f64 / 1e6
    );
    let stop = CancellationToken::new();
    let serving = tokio::spawn(Arc::clone(&host).serve(stop.clone(), Duration::ZERO));
    let (lookup, delivery) = deliver(&host, &*store, runs).await;
    println!(
        "an event  finds its run in {:.0} us at the store (99 of 100), and is with it after {:.2} ms in the middle",
        lookup.as_secs_f64() * 1e6,
        delivery.as_secs_f64() * 1e3
    );
    stop.cancel();
    serving.await.expect("the host stops");
    assert!(ready < READY_MAX, "a restart takes too long");
    assert!(resident < RESIDENT_MAX, "runs that wait take memory");
    assert!(lookup < FOUND_MAX, "an event takes long to find its run");
}

/// Sends events to runs here and there: the 99th percentile of looking them up, and the median of
/// the whole delivery.
async fn deliver(host: &Arc<Host>, store: &dyn Store, runs: usize) -> (Duration, Duration) {
    let events = EVENTS.min(runs);
    let (mut lookups, mut deliveries) = (Vec::new(), Vec::new());
    for number in 0..events {
        let key = key(number * (runs / events));
        let begin = Instant::now();
        let found = store
            .subscribers("erp.answered", &key)
            .await
            .expect("the store answers");
        lookups.push(begin.elapsed());
        assert_eq!(found.len(), 1, "each key belongs to one run");
        let begin = Instant::now();
        let event = InboundEvent {
            id: EventId(format!("bench:{number}")),
            kind: "erp.answered".to_owned(),
            subjects: Vec::new(),
            key: Some(key),
            data: json!({}),
            at: Timestamp::now(),
        };
        host.publish_event(event).await.expect("the event is taken");
        while !has_ended(store, &found[0]).await {
            tokio::task::yield_now().await;
        }
        deliveries.push(begin.elapsed());
    }
    let ended = RunFilter {
        status: Some(RunStatus::Ended),
        limit: usize::MAX,
        ..RunFilter::default()
    };
    let ended = store.runs(&ended).await.expect("runs can be listed");
    assert_eq!(ended.len(), events, "nobody else hears of it");
    lookups.sort_unstable();
    deliveries.sort_unstable();
    (lookups[events * 99 / 100], deliveries[events / 2])
}

async fn has_ended(store: &dyn Store, run: &RunId) -> bool {
    let row = store.run(run).await.expect("the store answers");
    row.expect("the run is there").status == RunStatus::Ended
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    let is_smoke = words.iter().any(|word| word == "--smoke");
    let runs = if is_smoke { SMOKE_RUNS } else { RUNS };
    if let Some(folder) = words.iter().skip_while(|word| *word != "--take-up").nth(1) {
        return take_up(Path::new(folder), runs).await;
    }
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    make(folder.path(), runs).await;
    let mut other = Command::new(&words[0]);
    other.arg("--take-up").arg(folder.path());
    if is_smoke {
        other.arg("--smoke");
    }
    let ended = other.status().expect("this program can be started again");
    assert!(ended.success(), "the runs are not taken up as they should be");
}
