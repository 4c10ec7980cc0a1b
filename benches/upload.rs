//! An upload of 2 GB: how fast, and how much memory.
//!
//! `cargo bench --bench upload`; `-- --smoke` takes 64 MB.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]
#![allow(clippy::print_stdout, reason = "a table is what it is for")]

#[path = "common/memory.rs"]
mod memory;

use gatefold::store::Blobs;
use memory::memory;
use std::time::Instant;
use tokio::io::AsyncReadExt;

/// Most that resident memory may grow by.
const GROWTH_MAX: u64 = 20 << 20;

async fn upload(blobs: &Blobs, bytes: u64) {
    let source = tokio::io::repeat(7).take(bytes);
    let begin = Instant::now();
    let stored = blobs.put(source, u64::MAX).await.expect("the disk has space");
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!(stored.size, bytes);
    println!(
        "{:>6} MB in {seconds:.2} s: {:.0} MB/s",
        bytes >> 20,
        bytes as f64 / seconds / 1e6
    );
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let is_smoke = std::env::args().any(|word| word == "--smoke");
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let blobs = Blobs::open(folder.path()).expect("the folder can be made");
    // Threads and buffers that the first upload brings about are there afterwards.
    upload(&blobs, 1 << 20).await;
    let before = memory("VmRSS:");
    upload(&blobs, if is_smoke { 64 << 20 } else { 2 << 30 }).await;
    let growth = memory("VmHWM:").saturating_sub(before);
    println!(
        "resident memory: {:.1} MB before, {:.1} MB more at most",
        before as f64 / 1e6,
        growth as f64 / 1e6
    );
    assert!(growth < GROWTH_MAX, "an upload takes memory");
}
