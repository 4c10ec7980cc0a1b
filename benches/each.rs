//! `each` over up to 10,000 elements, fifty at once: time and memory per element must not grow.
//!
//! `cargo bench --bench each`; `-- --smoke` takes a hundred at most.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]
#![allow(clippy::print_stdout, reason = "a table is what it is for")]

#[path = "common/host.rs"]
mod host;
#[path = "common/memory.rs"]
mod memory;

use gatefold::store::{RunStatus, Store};
use host::{open, start};
use memory::memory;
use serde_json::json;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

const SIZES: [usize; 4] = [1_250, 2_500, 5_000, 10_000];
const SMOKE_SIZES: [usize; 2] = [50, 100];
/// How much more an element of the largest list may take than one of the smallest.
const GROWTH_MAX: f64 = 2.0;

const FLOW: &str = "flow: many
version: 1.0.0
owner: bench@example.com
inputs:
  list: { type: list, of: integer }
outputs: { results: \"${{ steps.all.results | length }}\" }
steps:
  - id: all
    each:
      in: ${{ inputs.list }}
      parallel: 50
      steps:
        - { id: first, uses: data.set, with: { value: \"${{ item }}\" } }
        - { id: second, uses: data.set, with: { value: \"${{ steps.first.value }}\" } }
      outputs: { value: \"${{ steps.second.value }}\" }
    outcomes: { failed: { end: failed } }
";

/// One run over `count` elements in a process of its own; prints its time and its memory.
async fn one(count: usize) {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let store = open(folder.path(), "each.db");
    let host = host::host(Arc::clone(&store), folder.path());
    host.deploy("many.flow.yaml", FLOW, "user:bench")
        .await
        .expect("the flow is fit to be deployed");
    host.recover().await.expect("an empty store recovers");
    let list: Vec<usize> = (0..count).collect();
    let before = memory("VmRSS:");
    let begin = Instant::now();
    let run = host
        .start_run(start("many", json!({ "list": list })))
        .await
        .expect("the run starts");
    let seconds = begin.elapsed().as_secs_f64();
    let grown = memory("VmHWM:").saturating_sub(before);
    let row = store
        .run(&run)
        .await
        .expect("the store answers")
        .expect("the run is there");
    assert_eq!(row.status, RunStatus::Ended);
    assert_eq!(row.outcome.as_deref(), Some("completed"));
    println!("{seconds} {grown} {}", row.seq);
}

fn in_another_process(count: usize) -> (f64, f64) {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args(["--count", &count.to_string()])
        .output()
        .expect("this program can be started again");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let (seconds, grown, lines) = (figures[0], figures[1], figures[2]);
    println!(
        "{count:>6} elements {:>9.1} ms {:>7.1} us each {:>7.1} MB {:>7.2} kB each {lines:>8} lines",
        seconds * 1e3,
        seconds * 1e6 / count as f64,
        grown / 1e6,
        grown / 1e3 / count as f64,
    );
    (seconds / count as f64, grown / count as f64)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let Some(count) = words.iter().skip_while(|word| *word != "--count").nth(1) {
        return one(count.parse().expect("a number")).await;
    }
    let is_smoke = words.iter().any(|word| word == "--smoke");
    let sizes = if is_smoke { &SMOKE_SIZES[..] } else { &SIZES };
    let figures: Vec<(f64, f64)> = sizes.iter().map(|size| in_another_process(*size)).collect();
    let (first, last) = (figures[0], figures[figures.len() - 1]);
    let (time, space) = (last.0 / first.0, last.1 / first.1);
    println!(
        "an element of the longest list takes {time:.2} of the time and {space:.2} of the memory of one of the shortest"
    );
    assert!(is_smoke || time < GROWTH_MAX, "time per element grows with the list");
    assert!(is_smoke || space < GROWTH_MAX, "memory per element grows with the list");
}
