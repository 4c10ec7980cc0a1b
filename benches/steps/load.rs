//! A closed loop: so many callers, each of whom asks again as soon as the answer is there.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a loop measured.
pub struct Figures {
    /// Requests that were answered.
    pub count: u64,
    /// In this time.
    pub elapsed: Duration,
    /// Processor time that this process took meanwhile.
    pub processor: Duration,
    latencies: Vec<Duration>,
}

impl Figures {
    /// Requests per second.
    pub fn per_second(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64()
    }

    /// Processor time per request, in microseconds.
    pub fn processor_us(&self) -> f64 {
        self.processor.as_secs_f64() * 1e6 / self.count as f64
    }

    /// The time in milliseconds that this part of the requests, in percent, did not exceed.
    pub fn percentile_ms(&self, percent: usize) -> f64 {
        let place = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies
            .get(place)
            .map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
    }
}

/// Lets `callers` call `request` with their number for `time`. What is under way at the end is
/// awaited and counted.
pub async fn closed_loop<F, R>(callers: usize, time: Duration, request: F) -> Figures
where
    F: Fn(usize) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send,
{
    let request = Arc::new(request);
    let processor = processor_time();
    let begin = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let request = Arc::clone(&request);
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while begin.elapsed() < time {
                let asked = Instant::now();
                request(caller).await;
                latencies.push(asked.elapsed());
            }
            latencies
        });
    }
    let mut latencies = tasks.join_all().await.concat();
    let elapsed = begin.elapsed();
    let processor = processor_time().saturating_sub(processor);
    latencies.sort_unstable();
    Figures {
        count: latencies.len() as u64,
        elapsed,
        processor,
        latencies,
    }
}

/// Processor time of this process, in user and kernel, to a hundredth of a second. It says more
/// than the clock on a machine that has other things to do.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|word| word.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}
