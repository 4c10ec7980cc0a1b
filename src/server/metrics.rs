//! Counts for Prometheus. Labels are routes and classes of status, never what users send.

use crate::host::{self, Host};
use crate::store::Standing;
use axum::http::Method;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Media type of the counts.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Upper bounds of answer times, in seconds.
const BUCKETS: [f64; 10] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: String,
    route: String,
    status: &'static str,
}

/// What was asked and answered since the process started.
pub struct Metrics {
    registry: Registry,
    requests: Family<Asked, Counter>,
    took: Histogram,
    open: [(Gauge<i64>, Open); OPEN.len()],
}

/// Reads one number of how much is open.
type Open = fn(&Standing) -> u64;

/// What is open now: name, meaning, number. Unlike counts these are true after a restart.
const OPEN: [(&str, &str, Open); 5] = [
    ("runs_open", "Runs that have not ended", |open| open.runs),
    ("incidents_open", "Runs that need a person", |open| open.incidents),
    ("tasks_open", "Tasks that people are asked to answer", |open| open.tasks),
    ("mails_queued", "Mails to be sent", |open| open.mails_queued),
    ("mails_given_up", "Mails that failed or are in doubt", |open| {
        open.mails_failed
    }),
];

impl Metrics {
    /// Nothing asked yet; what the host did is read from it whenever the counts are written.
    pub fn new(host: &Arc<Host>) -> Self {
        let mut registry = Registry::with_prefix("gatefold");
        let requests = Family::<Asked, Counter>::default();
        let took = Histogram::new(BUCKETS);
        registry.register("http_requests", "Requests that were answered", requests.clone());
        registry.register_collector(Box::new(HostCounts(Arc::downgrade(host))));
        let open = OPEN.map(|(name, help, open)| {
            let gauge = Gauge::<i64>::default();
            registry.register(name, help, gauge.clone());
            (gauge, open)
        });
        registry.register("http_request_seconds", "Time to the head of the answer", took.clone());
        Self {
            registry,
            requests,
            took,
            open,
        }
    }

    /// A request was answered.
    pub fn answered(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let status = match status {
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        // Whatever a caller makes up as a method counts as one.
        let method = match *method {
            Method::GET | Method::POST | Method::HEAD => method.as_str(),
            _ => "other",
        };
        let asked = Asked {
            method: method.to_owned(),
            route: route.to_owned(),
            status,
        };
        self.requests.get_or_create(&asked).inc();
        self.took.observe(took.as_secs_f64());
    }

    /// All counts as text, with how much is open now.
    pub fn text(&self, standing: Standing) -> String {
        for (gauge, open) in &self.open {
            gauge.set(i64::try_from(open(&standing)).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string succeeds");
        text
    }
}

/// Name, description and value of all counters of the host.
fn counts(counts: &host::Metrics) -> [(&'static str, &'static str, &host::metrics::Counter); 21] {
    [
        ("runs_started", "Runs started", &counts.runs_started),
        ("runs_ended", "Runs ended", &counts.runs_ended),
        (
            "steps_finished",
            "Steps that came to an outcome",
            &counts.steps_finished,
        ),
        (
            "events_journaled",
            "Journal events made durable",
            &counts.events_journaled,
        ),
        ("calls_done", "Outside calls that succeeded", &counts.calls_done),
        ("calls_failed", "Outside calls that failed", &counts.calls_failed),
        ("incidents", "Incidents raised", &counts.incidents),
        ("decisions", "Decisions recorded", &counts.decisions),
        (
            "events_delivered",
            "Events delivered to a run or a trigger",
            &counts.events_delivered,
        ),
        (
            "events_put_off",
            "Tries to deliver an event that failed",
            &counts.events_put_off,
        ),
        (
            "events_kept",
            "Events kept as nobody waited for them yet",
            &counts.events_kept,
        ),
        (
            "events_given_up",
            "Kept events that nobody came to wait for",
            &counts.events_given_up,
        ),
        (
            "rows_verified",
            "Stored rows verified in the background",
            &counts.rows_verified,
        ),
        (
            "rows_damaged",
            "Stored rows found damaged in the background",
            &counts.rows_damaged,
        ),
        ("mails_sent", "Mails that the mail server took", &counts.mails_sent),
        ("mails_failed", "Mails that did not surely arrive", &counts.mails_failed),
        ("uploaded_bytes", "Bytes uploaded", &counts.bytes_uploaded),
        ("blobs_damaged", "Blobs found to be damaged", &counts.blobs_damaged),
        (
            "moments_passed_over",
            "Recurring moments that started no run",
            &counts.moments_passed_over,
        ),
        (
            "runs_not_started",
            "Events, ends and moments that should have started a run and could not",
            &counts.runs_not_started,
        ),
        (
            "accesses_refused",
            "Accesses to shares that were refused",
            &counts.accesses_refused,
        ),
    ]
}

/// What the host did. Weak, as the host outlives no server that it would keep alive.
#[derive(Debug)]
struct HostCounts(Weak<Host>);

impl Collector for HostCounts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(host) = self.0.upgrade() else {
            return Ok(());
        };
        for (name, help, count) in counts(host.metrics()) {
            let metric = ConstCounter::new(count.get());
            let descriptor = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(descriptor)?;
        }
        Ok(())
    }
}
