//! `each` over up to 10,000 elements, fifty at once: time and memory per element must not grow, whether its steps only
//! compute, take the elements in order, a condition looks at all results so far, something is acquired for each in the
//! store, or people are asked.
//! Nobody else waits for long meanwhile, on the one thread that there is for everybody.
//!
//! `cargo bench --bench each`; `-- --smoke` takes a hundred at most.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]
#![allow(clippy::print_stdout, reason = "a table is what it is for")]

#[path = "common/allocator.rs"]
mod allocator;
#[path = "common/host.rs"]
mod host;
#[path = "common/memory.rs"]
mod memory;

use gatefold::engine::Decision;
use gatefold::host::Host;
use gatefold::store::sqlite::SqliteStore;
use gatefold::store::{RunStatus, Store};
use host::{open, start};
use memory::memory;
use serde_json::json;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SIZES: [usize; 4] = [1_250, 2_500, 5_000, 10_000];
const SMOKE_SIZES: [usize; 2] = [50, 100];
/// How much more an element of the largest list may take than one of the smallest.
const GROWTH_MAX: f64 = 1.5;
/// For how much of the time that the longest list takes others may have to wait at once. It is all of it where nobody
/// lets them go on.
const PAUSE_MAX: f64 = 0.25;
/// How often others have something to do.
const TICK: Duration = Duration::from_millis(1);

/// What is done for each element, with the steps that do it.
const KINDS: [(&str, &str); 5] = [
    (
        "pure",
        "        - { id: first, uses: data.set, with: { value: \"${{ item }}\" } }
        - { id: last, uses: data.set, with: { value: \"${{ steps.first.value }}\" } }
",
    ),
    (
        "until",
        "        - { id: last, uses: data.set, with: { value: \"${{ (inputs.list | length) - item }}\" } }
      until: results | length > 20000 or results[-1].value == 20000
",
    ),
    (
        "order",
        "        - { id: first, uses: data.set, with: { value: \"${{ item }}\" } }
        - { id: last, uses: data.set, with: { value: \"${{ steps.first.value }}\" } }
      in_order: true
",
    ),
    (
        "local",
        "        - { id: room, uses: file360.create_workspace, with: { name: \"Room ${{ item }}\" } }
        - { id: last, uses: data.set, with: { value: \"${{ steps.room.workspace }}\" } }
",
    ),
    (
        "task",
        "        - id: asked
          task: { to: [\"user:ana\"] }
          deadline: none
          because: nobody is in a hurry here
          outcomes: { declined: continue }
        - { id: last, uses: data.set, with: { value: \"${{ item }}\" } }
",
    ),
];

fn flow(kind: &str) -> String {
    let steps = KINDS
        .iter()
        .find(|(name, _)| *name == kind)
        .expect("there is such a kind")
        .1;
    format!(
        "flow: many
version: 1.0.0
owner: bench@example.com
inputs:
  list: {{ type: list, of: integer }}
outputs: {{ results: \"${{{{ steps.all.results | length }}}}\" }}
steps:
  - id: all
    each:
      in: ${{{{ inputs.list }}}}
      parallel: 50
      steps:
{steps}      outputs: {{ value: \"${{{{ steps.last.value }}}}\" }}
    outcomes: {{ failed: {{ end: failed }} }}
"
    )
}

/// Says yes to everybody who asks, until nobody does.
async fn answer_all(host: &Arc<Host>, store: &SqliteStore) {
    loop {
        let open = store.open_tasks(None).await.expect("the store answers");
        if open.is_empty() {
            return;
        }
        for task in open {
            let decision = Decision {
                task: task.id,
                by: "user:ana".to_owned(),
                on_behalf_of: None,
                decision: "done".to_owned(),
                reason: None,
                sha256: None,
                form: serde_json::Map::new(),
                via: None,
            };
            host.decide(decision).await.expect("the answer is taken");
        }
    }
}

/// For how long the threads of this process have worked so far, in nanoseconds: what others do beside takes nothing of it.
fn busy() -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").expect("this is Linux");
    let worked = threads.filter_map(|thread| {
        let path = thread.ok()?.path().join("schedstat");
        std::fs::read_to_string(path)
            .ok()?
            .split_whitespace()
            .next()?
            .parse::<u64>()
            .ok()
    });
    worked.sum()
}

/// The longest time for which somebody with little to do did not get round to it, in nanoseconds.
async fn wait_and_see(longest: Arc<AtomicU64>) {
    loop {
        let begin = Instant::now();
        tokio::time::sleep(TICK).await;
        let late = begin.elapsed().saturating_sub(TICK);
        longest.fetch_max(u64::try_from(late.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// One run over `count` elements in a process of its own; prints its time, its memory and for how long others waited.
async fn one(kind: &str, count: usize) {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let store = open(folder.path(), "each.db");
    let host = host::host(Arc::clone(&store), folder.path());
    host.deploy("many.flow.yaml", &flow(kind), "user:bench")
        .await
        .unwrap_or_else(|error| panic!("the flow is fit to be deployed: {error} {error:#?}"));
    host.recover().await.expect("an empty store recovers");
    let list: Vec<usize> = (0..count).collect();
    let longest = Arc::new(AtomicU64::new(0));
    let before = memory("VmRSS:");
    tokio::spawn(wait_and_see(Arc::clone(&longest)));
    let (begin, busy_before) = (Instant::now(), busy());
    let run = {
        let (host, store) = (Arc::clone(&host), Arc::clone(&store));
        let work = async move {
            let run = host.start_run(start("many", json!({ "list": list }))).await;
            answer_all(&host, &store).await;
            run.expect("the run starts")
        };
        tokio::spawn(work).await.expect("it does not panic")
    };
    let (seconds, worked) = (begin.elapsed().as_secs_f64(), busy() - busy_before);
    let grown = memory("VmHWM:").saturating_sub(before);
    let row = store
        .run(&run)
        .await
        .expect("the store answers")
        .expect("the run is there");
    assert_eq!(row.status, RunStatus::Ended);
    assert_eq!(row.outcome.as_deref(), Some("completed"));
    let waited = longest.load(Ordering::Relaxed);
    println!("{seconds} {grown} {} {waited} {worked}", row.seq);
}

/// Seconds of work and bytes an element, and for how much of the time others waited at once.
fn in_another_process(kind: &str, count: usize) -> (f64, f64, f64) {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args(["--kind", kind, "--count", &count.to_string()])
        .output()
        .expect("this program can be started again");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let (seconds, grown, lines) = (figures[0], figures[1], figures[2]);
    let (waited, worked) = (figures[3] / 1e9, figures[4] / 1e9);
    println!(
        "{kind:<6} {count:>6} elements {:>9.1} ms {:>7.1} us of work each {:>7.1} MB {:>7.2} kB each {lines:>8} lines, others wait {:>5.1} ms",
        seconds * 1e3,
        worked * 1e6 / count as f64,
        grown / 1e6,
        grown / 1e3 / count as f64,
        waited * 1e3,
    );
    (worked / count as f64, grown / count as f64, waited / seconds)
}

fn all_sizes(kind: &str, is_smoke: bool) {
    let sizes = if is_smoke { &SMOKE_SIZES[..] } else { &SIZES };
    let figures: Vec<_> = sizes.iter().map(|size| in_another_process(kind, *size)).collect();
    let (first, last) = (figures[0], figures[figures.len() - 1]);
    let (time, space) = (last.0 / first.0, last.1 / first.1);
    println!(
        "{kind:<6} an element of the longest list takes {time:.2} of the time and {space:.2} of the memory of one of the shortest"
    );
    if is_smoke {
        return;
    }
    assert!(time < GROWTH_MAX, "{kind}: time per element grows with the list");
    assert!(space < GROWTH_MAX, "{kind}: memory per element grows with the list");
    assert!(
        last.2 < PAUSE_MAX,
        "{kind}: others waited for {:.2} of the time",
        last.2
    );
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    let after = |name: &str| words.iter().skip_while(|word| *word != name).nth(1).map(String::as_str);
    if let (Some(kind), Some(count)) = (after("--kind"), after("--count")) {
        return one(kind, count.parse().expect("a number")).await;
    }
    let is_smoke = words.iter().any(|word| word == "--smoke");
    for (kind, _) in KINDS {
        all_sizes(kind, is_smoke);
    }
}
