//! The job: ten steps one after the other, each of which computes about twenty bytes.

use crate::host::{host, open, start};
use crate::load::{Figures, closed_loop};
use crate::sample;
use gatefold::store::{RunStatus, Store, UnitOfWork};
use serde_json::json;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn flow() -> String {
    let mut text = "flow: ten\nversion: 1.0.0\nowner: bench@example.com\non:\n  manual: {}\nsteps:\n".to_owned();
    for step in 1..=sample::STEPS {
        let line = format!("  - {{ id: step_{step}, uses: data.set, with: {{ value: about twenty b. }} }}");
        writeln!(text, "{line}").expect("writing to a string succeeds");
    }
    text
}

/// Runs of the job, each acknowledged when it has ended durably. Also how often the disk was
/// synced.
pub async fn on_host(folder: &Path, callers: usize, time: Duration) -> (Figures, u64) {
    let store = open(folder, &format!("host-{callers}.db"));
    let host = host(Arc::clone(&store), folder);
    host.deploy("ten.flow.yaml", &flow(), "user:bench")
        .await
        .expect("the flow is fit to be deployed");
    host.recover().await.expect("an empty store recovers");
    let before = store.commits();
    let looping = Arc::clone(&host);
    let figures = closed_loop(callers, time, move |_| {
        let host = Arc::clone(&looping);
        async move {
            host.start_run(start("ten", json!({}))).await.expect("the run starts");
        }
    })
    .await;
    let syncs = store.commits() - before;
    all_ended(&*store, figures.count).await;
    (figures, syncs)
}

/// A benchmark of runs that did not run would be fast.
async fn all_ended(store: &dyn Store, count: u64) {
    let filter = gatefold::store::RunFilter {
        limit: usize::MAX,
        ..gatefold::store::RunFilter::default()
    };
    let runs = store.runs(&filter).await.expect("runs can be listed");
    assert_eq!(runs.len() as u64, count, "every run that was acknowledged is stored");
    assert!(runs.iter().all(|run| run.status == RunStatus::Ended), "and has ended");
    let last = store
        .journal(&runs[0].id, 0, 100)
        .await
        .expect("the journal can be read");
    assert_eq!(last.len() as u64, runs[0].seq);
    assert!(runs[0].seq > sample::STEPS, "with an event for each step");
}

/// The same rows through the store, with no host and no engine.
pub async fn on_store(folder: &Path, callers: usize, time: Duration) -> (Figures, u64) {
    let store = open(folder, &format!("store-{callers}.db"));
    let before = store.commits();
    let looping = Arc::clone(&store);
    let figures = closed_loop(callers, time, move |_| {
        let store = Arc::clone(&looping);
        let unit = UnitOfWork {
            run: Some(sample::run()),
            writes: Vec::new(),
        };
        async move { store.commit(unit).await.expect("the unit is accepted") }
    })
    .await;
    (figures, store.commits() - before)
}
