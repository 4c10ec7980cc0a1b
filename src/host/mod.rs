//! Drives runs with tokio: timers, triggers, events, outbox, shutdown. Knows ports, no adapter.
//!
//! Invariant: what a run decided is durable before anything outside is done about it.

pub mod clock;
pub mod deploy;
pub mod drive;
pub mod error;
pub mod events;
pub mod files;
pub mod outbox;
pub mod project;
pub mod runs;
pub mod tasks;
pub mod timers;

pub use clock::Clock;
pub use error::HostError;

use crate::base::Calendars;
use crate::connect::{Links, Mailer, Registry};
use crate::people::Directory;
use crate::store::{Blobs, Store};
use std::sync::{Arc, RwLock};

/// Secrets by name. Values are never stored, logged or shown.
pub type Secrets = std::collections::BTreeMap<String, secrecy::SecretString>;

/// What a host is put together from.
pub struct Parts {
    /// All that is durable.
    pub store: Arc<dyn Store>,
    /// Bytes of files.
    pub blobs: Blobs,
    /// What flows can call.
    pub registry: Registry,
    /// Sends mails.
    pub mailer: Arc<dyn Mailer>,
    /// Derives links.
    pub links: Links,
    /// Who there is; replaced as a whole when people.yaml changes.
    pub directory: Arc<RwLock<Arc<Directory>>>,
    /// Calendars that flows may name.
    pub calendars: Calendars,
    /// Secrets by name.
    pub secrets: Secrets,
    /// Tells the time.
    pub clock: Clock,
    /// Limits.
    pub limits: Limits,
}

/// What a host refuses to exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest upload, in bytes.
    pub upload_bytes: u64,
    /// Outside calls in flight at once.
    pub calls_in_flight: usize,
    /// Longest outside call, in milliseconds.
    pub call_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            upload_bytes: 4 << 30,
            calls_in_flight: 64,
            call_timeout_ms: 60_000,
        }
    }
}

/// Drives everything. Cheap to clone the handle around.
pub struct Host {
    parts: Parts,
}

impl Host {
    /// Puts a host together. Nothing runs before `recover` and `serve`.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self { parts })
    }

    /// Takes up everything that a crash or a shutdown left: work in flight, timers, events, mails.
    /// The host is ready when this returns.
    pub async fn recover(self: &Arc<Self>) -> Result<(), HostError> {
        todo!()
    }

    /// Runs timers, event delivery and the outbox until `stop` is cancelled, then lets calls in
    /// flight finish for at most `grace`.
    pub async fn serve(self: Arc<Self>, stop: tokio_util::sync::CancellationToken, grace: std::time::Duration) {
        let _ = (stop, grace);
        todo!()
    }

    /// What it is put together from.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// What time it is.
    pub fn now(&self) -> crate::base::Timestamp {
        self.parts.clock.now()
    }
}
