//! How long a test of a month takes in virtual time: every case of `definitions/` that spans two weeks or more, many times.
//!
//! `cargo bench --bench rehearse`; with `-- --smoke` twice only, to see that it runs.

#![allow(clippy::print_stdout, reason = "the numbers are the result")]

#[path = "common/allocator.rs"]
mod allocator;

use gatefold::rehearsal::{ENDING, FileReport, rehearse};
use jiff::SignedDuration;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const ROUNDS: usize = 41;
const SMOKE_ROUNDS: usize = 2;
/// The shortest case that is looked at, in virtual time.
const SHORTEST: SignedDuration = SignedDuration::from_hours(14 * 24);
/// At least one of them is as long as this.
const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);
/// What half of all times of a case must stay below.
const TARGET: Duration = Duration::from_millis(20);

/// The tests of the examples.
fn tests() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("definitions");
    let files = std::fs::read_dir(folder).expect("the examples are there");
    let paths = files.map(|file| file.expect("it can be listed").path());
    let mut tests: Vec<PathBuf> = paths.filter(|path| path.to_string_lossy().ends_with(ENDING)).collect();
    tests.sort();
    tests
}

fn play(path: &Path, text: &str, case: Option<&str>) -> FileReport {
    let report = rehearse(path, &path.to_string_lossy(), text, case);
    assert!(report.is_good(), "{} passes", path.display());
    report
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    let is_smoke = std::env::args().any(|argument| argument == "--smoke");
    let rounds = if is_smoke { SMOKE_ROUNDS } else { ROUNDS };
    let (mut longest, mut slowest) = (SignedDuration::ZERO, Duration::ZERO);
    for path in tests() {
        let text = std::fs::read_to_string(&path).expect("the test can be read");
        for case in play(&path, &text, None).cases {
            if case.passed < SHORTEST {
                continue;
            }
            let (mut played, mut whole) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                let begun = Instant::now();
                let report = play(&path, &text, Some(&case.name));
                whole.push(begun.elapsed());
                played.extend(report.cases.first().map(|case| case.took));
            }
            let (played, whole) = (median(played), median(whole));
            println!(
                "rehearse: {:>4} days in {:>6.2} ms, {:>6.2} ms with reading and judging the flow: {}",
                case.passed.as_hours() / 24,
                played.as_secs_f64() * 1e3,
                whole.as_secs_f64() * 1e3,
                case.name,
            );
            longest = longest.max(case.passed);
            slowest = slowest.max(played);
        }
    }
    println!("rehearse: the slowest of {rounds} rounds each: {slowest:?} (aim: {TARGET:?})");
    assert!(longest >= MONTH, "there is a case of a month");
    assert!(is_smoke || slowest < TARGET, "a test takes too long");
}
