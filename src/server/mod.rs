//! HTTP: the API under `/api/v1`, links for people outside, health and metrics.
//!
//! Invariants: every route is a line of one table and declares there who may call it; the guard
//! made from that line is the only way to a handler. A GET changes nothing but the access log;
//! `/readyz` stores a trial record and forgets it.
//! Answers and log lines hold no token, no path of a link and no inner detail of a failure.

pub mod access;
pub mod api;
pub mod connections;
pub mod drain;
pub mod dto;
pub mod extract;
pub mod flight;
pub mod form;
pub mod frame;
pub mod head;
pub mod items;
pub mod listen;
pub mod live;
pub mod metrics;
pub mod openapi;
pub mod operation;
pub mod page;
pub mod patience;
pub mod problem;
pub mod range;
pub mod readiness;
pub mod remote;
pub mod routes;
pub mod sent;
pub mod signature;
pub mod tokens;
pub mod transfer;
pub mod wire;

pub use access::{Access, Caller};
pub use listen::{ServeError, serve, show};
pub use problem::Problem;
pub use routes::{Route, routes};

use crate::config::{Accounts, Resolved};
use crate::host::{Host, HostError, throttle};
use crate::people::Directory;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What the server needs to know of its configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Largest upload, in bytes.
    pub upload_bytes: u64,
    /// Largest other request, in bytes.
    pub body_bytes: usize,
    /// Longest time to answer an ordinary request.
    pub request_timeout: Duration,
    /// Open connections at once.
    pub room: connections::Room,
    /// Limits of concurrent requests and of memory for their bodies.
    pub most: flight::Most,
    /// Proxies whose `X-Forwarded-For` is read.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Whether `/metrics` answers everybody.
    pub metrics_public: bool,
    /// Whether people reach the server over TLS, in front of it.
    pub behind_tls: bool,
}

impl From<&Resolved> for Settings {
    fn from(config: &Resolved) -> Self {
        let limits = &config.limits;
        // whatever the other limits are, nobody may use more than half of all connections
        let half = |limit: usize| limit.min(limits.connections.div_ceil(2));
        Self {
            upload_bytes: limits.upload_bytes,
            body_bytes: limits.body_bytes,
            request_timeout: Duration::from_millis(limits.request_timeout_ms),
            room: connections::Room {
                all: limits.connections,
                per_address: half(limits.connections_per_address),
            },
            most: flight::Most {
                per_address: half(limits.connections_per_address),
                per_person: half(limits.requests_per_person),
                streams_per_person: half(limits.streams_per_person),
                per_link: half(limits.requests_per_link),
                body_memory_bytes: limits.body_memory_bytes.max(limits.body_bytes),
            },
            trusted_proxies: config.http.trusted_proxies.clone(),
            metrics_public: config.http.metrics_public,
            behind_tls: config.base_url.starts_with("https://"),
        }
    }
}

/// Whether this server records changes of people, and the directory that it recorded last.
#[derive(Debug, Default)]
enum Following {
    /// It is read-only.
    #[default]
    No,
    /// It records changes.
    Since(Option<Arc<Directory>>),
}

/// What all handlers share.
pub struct Server {
    /// Does what is asked.
    pub host: Arc<Host>,
    /// Who calls.
    pub accounts: Arc<Accounts>,
    /// Limits.
    pub settings: Settings,
    /// Cancelled when the server stops: live streams end then.
    pub stop: CancellationToken,
    /// Counts what was asked.
    pub metrics: metrics::Metrics,
    /// Whether anything can be stored.
    pub readiness: readiness::Readiness,
    /// The directory that was recorded last.
    followed: tokio::sync::Mutex<Following>,
    /// Slows down who fails to prove who they are.
    pub throttle: throttle::Throttle,
    /// Requests in flight.
    pub flights: Arc<flight::Flights>,
}

impl Server {
    /// A server for `host`. It listens to nothing yet.
    pub fn new(host: Arc<Host>, accounts: Arc<Accounts>, settings: Settings, stop: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            metrics: metrics::Metrics::new(&host),
            readiness: readiness::Readiness::default(),
            followed: tokio::sync::Mutex::default(),
            throttle: throttle::Throttle::new(throttle::PROOFS),
            flights: flight::Flights::new(settings.most),
            host,
            accounts,
            settings,
            stop,
        })
    }

    /// Takes changes of people and tokens over. Reading the files keeps nobody else from being answered.
    pub async fn refresh_accounts(&self) {
        if self.accounts.is_stale() {
            let accounts = Arc::clone(&self.accounts);
            if let Err(error) = tokio::task::spawn_blocking(move || accounts.refresh()).await {
                tracing::error!(%error, "people and tokens could not be read again and stay as they were");
            }
        }
        self.follow_people().await;
    }

    /// Starts recording changes of people. Tokens of earlier persons are invalidated before anybody
    /// can sign in with the user name, and open tasks are updated.
    pub async fn start_following(&self) -> Result<(), HostError> {
        if let Some(before) = self.host.last_directory().await? {
            self.accounts.hold_to(before);
        }
        self.load_token_owners().await?;
        *self.followed.lock().await = Following::Since(None);
        self.follow_people().await;
        Ok(())
    }

    async fn follow_people(&self) {
        let directory = self.host.directory();
        let mut followed = self.followed.lock().await;
        match &*followed {
            Following::No => return,
            Following::Since(Some(known)) if Arc::ptr_eq(known, &directory) => return self.bind_tokens().await,
            Following::Since(_) => {}
        }
        match self.host.follow_people(&directory).await {
            Ok(new) => {
                self.accounts.follow(new.current, new.earlier);
                *followed = Following::Since(Some(Arc::clone(&directory)));
                if new.is_changed {
                    self.host.tell_tasks_of_people();
                } else {
                    self.host.note_followed(directory);
                }
                // a start does so once everything is taken up
                if new.is_changed && self.host.is_ready() {
                    self.host.invite_new_members_beside();
                }
            }
            Err(error) => {
                return tracing::error!(%error, "a change of people could not be recorded; this will be retried");
            }
        }
        self.bind_tokens().await;
    }

    /// Whether requests are answered: the host has recovered, and nobody has told the server to stop.
    pub fn is_ready(&self) -> bool {
        self.host.is_ready() && !self.stop.is_cancelled()
    }

    /// Every route of the table behind its guard, in the frame that all requests pass.
    pub fn router(self: &Arc<Self>) -> Router {
        let mut router = Router::new();
        for route in routes() {
            let (path, endpoint) = route.guarded(self);
            router = router.route(path, endpoint);
        }
        router
            .fallback(|request: Request| async move {
                let page = page::elsewhere(&request);
                page.unwrap_or_else(|| {
                    Problem::new(
                        StatusCode::NOT_FOUND,
                        "not-found",
                        "there is nothing at this address; /api/v1/openapi.json names every one",
                    )
                    .into_response()
                })
            })
            .method_not_allowed_fallback(|request: Request| async move {
                let page = page::elsewhere(&request);
                page.unwrap_or_else(|| {
                    Problem::new(
                        StatusCode::METHOD_NOT_ALLOWED,
                        "method-not-allowed",
                        "this address takes other methods, which the Allow header names",
                    )
                    .into_response()
                })
            })
            .layer(axum::middleware::from_fn_with_state(Arc::clone(self), frame::frame))
            .with_state(Arc::clone(self))
    }
}
