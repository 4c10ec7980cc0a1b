//! The server as people run it: how soon it is ready, what it takes when nothing happens, what an
//! upload of 2 GB takes, and how soon it is back after it was killed under a thousand runs.
//!
//! `cargo bench --bench serve`; `-- --smoke` uploads 64 MB and kills it under twenty runs.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]
#![allow(clippy::print_stdout, reason = "the numbers are the result")]

#[path = "common/memory.rs"]
mod memory;
#[allow(dead_code, reason = "the tests that kill a server need more of it")]
#[path = "../tests/crash/process.rs"]
mod process;

use gatefold::cli::client::Client;
use memory::memory_of;
use process::{Server, furnish};
use serde_json::json;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

/// Starts on an empty store; the one in the middle counts.
const STARTS: usize = 9;
const UPLOAD_BYTES: u64 = 2 << 30;
const SMOKE_UPLOAD_BYTES: u64 = 64 << 20;
const RUNS: usize = 1_000;
const SMOKE_RUNS: usize = 20;

/// Aims.
const READY_MAX: Duration = Duration::from_millis(100);
const IDLE_MAX: u64 = 60 << 20;
const GROWTH_MAX: u64 = 20 << 20;
const BACK_MAX: Duration = Duration::from_millis(500);

const FLOW: &str = "flow: patience
version: 1.0.0
owner: bench@example.com
steps:
  - id: answer
    wait: { event: erp.answered, key: \"${{ run.id }}\" }
    deadline: { due: 30 days }
    outcomes: { expired: { end: expired } }
";

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// From the start of the process until it says that it is ready, in the middle of some.
fn ready() -> Duration {
    let mut times: Vec<Duration> = (0..STARTS)
        .map(|_| {
            let folder = tempfile::tempdir().expect("there is a folder for temporary files");
            furnish(folder.path(), &[]);
            let begin = Instant::now();
            let server = Server::start_sound(folder.path());
            let took = begin.elapsed();
            drop(server);
            took
        })
        .collect();
    times.sort_unstable();
    times[STARTS / 2]
}

/// How much more memory the server takes, at most, while it is given a file of `bytes`.
async fn upload(server: &Server, client: &Client, folder: &Path, bytes: u64) -> u64 {
    let small = folder.join("small.bin");
    File::create(&small)
        .and_then(|file| file.set_len(1 << 20))
        .expect("it can be made");
    // Threads and buffers that the first upload brings about are there afterwards.
    client.put_file("/bench", &small, None).await.expect("it is taken");
    let large = folder.join("large.bin");
    File::create(&large)
        .and_then(|file| file.set_len(bytes))
        .expect("it can be made");
    let before = memory_of(server.child.id(), "VmRSS:");
    let begin = Instant::now();
    let put = client.put_file("/bench", &large, None).await.expect("it is taken");
    let seconds = begin.elapsed().as_secs_f64();
    let growth = memory_of(server.child.id(), "VmHWM:").saturating_sub(before);
    println!(
        "upload    {:.0} MB in {seconds:.2} s, {:.0} MB/s; {:.1} MB resident before, {:.1} MB more at most",
        megabytes(bytes),
        megabytes(bytes) / seconds,
        megabytes(before),
        megabytes(growth)
    );
    download(server, client, put["id"].as_str().expect("the file has an id"), bytes).await;
    growth
}

/// Downloads a file of `bytes` and drops what comes.
async fn download(server: &Server, client: &Client, file: &str, bytes: u64) {
    let before = memory_of(server.child.id(), "VmHWM:");
    let mut counted = Counted(0);
    let begin = Instant::now();
    client
        .pour(&format!("/api/v1/files/{file}"), &mut counted)
        .await
        .expect("it is given");
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!(counted.0, bytes, "the whole file comes");
    println!(
        "download  {:.0} MB in {seconds:.2} s, {:.0} MB/s; {:.1} MB more at most",
        megabytes(bytes),
        megabytes(bytes) / seconds,
        megabytes(memory_of(server.child.id(), "VmHWM:").saturating_sub(before))
    );
}

/// Counts the bytes written to it and drops them.
struct Counted(u64);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// How long a server takes to be back after it was killed under `runs` runs that wait.
async fn back(server: Server, folder: &Path, token: &str, runs: usize) -> Duration {
    let client = server.client(token);
    client
        .deploy("patience.flow.yaml", FLOW)
        .await
        .expect("the flow is fit");
    for _ in 0..runs {
        client
            .start("patience", &json!({}), None)
            .await
            .expect("the run starts");
    }
    drop(server);
    let begin = Instant::now();
    let server = Server::start_sound(folder);
    let took = begin.elapsed();
    let client = server.client(token);
    let mut waiting = 0;
    let mut before = String::new();
    loop {
        let page = client
            .get(&format!("/api/v1/runs?status=running&limit=200{before}"))
            .await;
        let page = page.expect("the list is there");
        let items = page["items"].as_array().expect("a list").clone();
        waiting += items.len();
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert_eq!(waiting, runs, "all of them still wait");
    took
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let is_smoke = std::env::args().any(|word| word == "--smoke");
    let ready = ready();
    println!(
        "ready     after {:.0} ms with an empty store",
        ready.as_secs_f64() * 1e3
    );
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let token = furnish(folder.path(), &["admin"]).remove(0);
    let server = Server::start_sound(folder.path());
    let client = server.client(&token);
    client.get("/api/v1/runs").await.expect("it answers");
    let idle = memory_of(server.child.id(), "VmRSS:");
    println!("idle      {:.1} MB resident", megabytes(idle));
    let bytes = if is_smoke { SMOKE_UPLOAD_BYTES } else { UPLOAD_BYTES };
    let growth = upload(&server, &client, folder.path(), bytes).await;
    let runs = if is_smoke { SMOKE_RUNS } else { RUNS };
    let back = back(server, folder.path(), &token, runs).await;
    println!(
        "back      {:.0} ms after a kill with {runs} runs waiting",
        back.as_secs_f64() * 1e3
    );
    assert!(growth < GROWTH_MAX, "an upload takes memory");
    // In a smoke the program is not optimized, and most of what is resident is its code.
    assert!(is_smoke || idle < IDLE_MAX, "a server that does nothing takes memory");
    assert!(is_smoke || ready < READY_MAX, "a start takes too long");
    assert!(is_smoke || back < BACK_MAX, "a restart takes too long");
}
