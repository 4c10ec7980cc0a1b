//! Durable steps per second: the job that other engines were measured on, and in the same run
//! what the disk and SQLite give by themselves.
//!
//! `cargo bench --bench steps` takes about half a minute and wants a machine that does nothing
//! else; `-- --smoke` only shows that it works. `-- --only WORDS` runs the lines whose name holds
//! the words. `-- --in DIR` measures the disk that DIR lies on.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "figures for people"
)]
#![allow(clippy::print_stdout, reason = "a table is what it is for")]

#[path = "../common/allocator.rs"]
mod allocator;
#[path = "../common/host.rs"]
mod host;
mod job;
mod load;
mod probes;
mod sample;
mod writer;

use load::Figures;
use std::path::PathBuf;
use std::time::Duration;

/// How long each line is measured.
const TIME: Duration = Duration::from_secs(3);
const SMOKE_TIME: Duration = Duration::from_millis(150);

/// Runs in flight.
const IN_FLIGHT: [usize; 3] = [1, 64, 512];

/// Callers of the probes.
const PROBE_CALLERS: usize = 64;

/// Aims: steps a second at as many in flight as the probes have callers, by themselves and beside
/// the rows of SQLite in the same run; and how long 99 of 100 runs take at most, by runs in flight.
const STEPS_MIN: f64 = 40_000.0;
const RATIO_MIN: f64 = 0.4;
const P99_MAX_MS: [(usize, f64); 2] = [(1, 10.0), (64, 30.0)];

struct Options {
    time: Duration,
    only: Option<String>,
    folder: Option<PathBuf>,
}

impl Options {
    /// Cargo adds `--bench`, which says nothing.
    fn read() -> Self {
        let mut options = Self {
            time: TIME,
            only: None,
            folder: None,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--smoke" => options.time = SMOKE_TIME,
                "--only" => options.only = words.next(),
                "--in" => options.folder = words.next().map(PathBuf::from),
                _ => {}
            }
        }
        options
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|words| name.contains(words))
    }
}

/// One line of the table.
struct Line {
    name: String,
    in_flight: usize,
    figures: Figures,
    /// Rows or steps that one request stands for.
    each: u64,
    syncs: Option<u64>,
}

impl Line {
    fn each_per_second(&self) -> f64 {
        self.figures.per_second() * self.each as f64
    }

    fn print(&self) {
        let syncs = self.syncs.map_or(String::new(), |syncs| {
            format!("{:.3}", syncs as f64 / self.figures.count as f64)
        });
        println!(
            "{:<43} {:>9} {:>10.0} {:>12.0} {:>8.2} {:>8.2} {:>9} {:>10.0}",
            self.name,
            self.in_flight,
            self.figures.per_second(),
            self.each_per_second(),
            self.figures.percentile_ms(50),
            self.figures.percentile_ms(99),
            syncs,
            self.figures.processor_us(),
        );
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let options = Options::read();
    let folder = match &options.folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    };
    let folder = folder.expect("there is a folder for temporary files");
    println!("load of the machine before: {}", load_average());
    println!(
        "{:<43} {:>9} {:>10} {:>12} {:>8} {:>8} {:>9} {:>10}",
        "", "in flight", "requests/s", "rows|steps/s", "p50 ms", "p99 ms", "syncs/run", "cpu us/run"
    );
    let probe = measure_probes(&options, folder.path()).await;
    let jobs = measure_jobs(&options, folder.path()).await;
    println!("load of the machine after: {}", load_average());
    let missed = missed(probe, &jobs);
    // What is measured for a moment says nothing.
    assert!(options.time < TIME || missed.is_empty(), "{}", missed.join("; "));
}

/// Says how the job compares with the probe; gives the aims that it misses.
fn missed(probe: Option<f64>, jobs: &[Line]) -> Vec<String> {
    let mut missed = Vec::new();
    for job in jobs {
        let p99 = job.figures.percentile_ms(99);
        let aim = P99_MAX_MS.iter().find(|(in_flight, _)| *in_flight == job.in_flight);
        if let Some((in_flight, most)) = aim.filter(|(_, most)| p99 > *most) {
            missed.push(format!("p99 at {in_flight} in flight is {p99:.2} ms, more than {most}"));
        }
        if job.in_flight != PROBE_CALLERS {
            continue;
        }
        let steps = job.each_per_second();
        if steps < STEPS_MIN {
            missed.push(format!("{steps:.0} steps/s, fewer than {STEPS_MIN}"));
        }
        let Some(ratio) = probe.map(|probe| steps / probe) else {
            continue;
        };
        println!("steps/s at {PROBE_CALLERS} in flight: {ratio:.2} of the rows/s of SQLite by itself");
        if ratio < RATIO_MIN {
            missed.push(format!("{ratio:.2} of the rows/s of SQLite, less than {RATIO_MIN}"));
        }
    }
    missed
}

/// Rows per second of SQLite by itself, one row a request.
async fn measure_probes(options: &Options, folder: &std::path::Path) -> Option<f64> {
    let mut probe = None;
    let line = |name: &str, figures, each| Line {
        name: name.to_owned(),
        in_flight: PROBE_CALLERS,
        figures,
        each,
        syncs: None,
    };
    let name = "probe: file, rows of 300 bytes";
    if options.wants(name) {
        line(name, probes::raw(folder, PROBE_CALLERS, options.time).await, 1).print();
    }
    let name = "probe: SQLite, one event a request";
    if options.wants(name) {
        let line = line(name, probes::sqlite_rows(folder, PROBE_CALLERS, options.time).await, 1);
        line.print();
        probe = Some(line.each_per_second());
    }
    let name = "probe: SQLite, all rows of a run a request";
    if options.wants(name) {
        line(
            name,
            probes::sqlite_runs(folder, PROBE_CALLERS, options.time).await,
            sample::EVENTS + 2,
        )
        .print();
    }
    probe
}

/// The lines of the job.
async fn measure_jobs(options: &Options, folder: &std::path::Path) -> Vec<Line> {
    let mut jobs = Vec::new();
    for in_flight in IN_FLIGHT {
        let name = "store: the rows of a run";
        if options.wants(name) {
            let (figures, syncs) = job::on_store(folder, in_flight, options.time).await;
            line(name, in_flight, figures, syncs).print();
        }
    }
    for in_flight in IN_FLIGHT {
        let name = "job: ten steps on the host";
        if options.wants(name) {
            let (figures, syncs) = job::on_host(folder, in_flight, options.time).await;
            let line = line(name, in_flight, figures, syncs);
            line.print();
            jobs.push(line);
        }
    }
    jobs
}

fn line(name: &str, in_flight: usize, figures: Figures, syncs: u64) -> Line {
    Line {
        name: name.to_owned(),
        in_flight,
        figures,
        each: sample::STEPS,
        syncs: Some(syncs),
    }
}

fn load_average() -> String {
    std::fs::read_to_string("/proc/loadavg").map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}
