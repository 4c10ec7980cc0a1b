//! Sockets: accepting, slow clients, many clients, shutting down.

use super::access::{Kept, Remote};
use super::patience::Patient;
use super::{Server, Settings};
use crate::config::Accounts;
use crate::host::{Host, HostError};
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Longest time for the head of a request to come in.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// Longest time in which a client may take nothing of an answer.
const STALL_MAX: Duration = Duration::from_mins(1);
/// Largest head of a request, from its first line to the empty one, in bytes.
pub const HEAD_BYTES_MAX: usize = 32 << 10;
/// Most header lines of a request.
pub const HEADERS_MAX: usize = 100;
/// Bytes of a connection that are read at once.
const READ_BYTES_MAX: usize = 64 << 10;
/// Longest time for answers in flight once the server stops.
const GRACE: Duration = Duration::from_secs(10);
/// Pause between two looks at the files with people and tokens.
const LOOK: Duration = Duration::from_secs(2);
/// How often wrong tokens are written to the access log.
const LOG_EVERY: Duration = Duration::from_mins(1);
/// Connections past `limits.connections`, for what everybody may ask: each for one request.
pub const KEPT_PLACES: usize = 4;
/// Pause after a failure to accept, as when no file handle is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why the server stopped before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// What a crash or a shutdown left could not be taken up.
    #[error("the server could not take up where it left: {0}")]
    Recover(#[from] HostError),
    /// The socket failed.
    #[error("the socket failed: {0}")]
    Socket(#[from] std::io::Error),
}

/// Answers requests on `listener`, takes up what was left, and drives the host, until `stop` is
/// cancelled; then lets what is in flight finish for a while. `/healthz` answers from the
/// beginning, everything else once the host has recovered.
pub async fn serve(
    host: Arc<Host>,
    accounts: Arc<Accounts>,
    settings: Settings,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    // A host that cannot recover stops the sockets too.
    let stop = stop.child_token();
    let server = Server::new(Arc::clone(&host), accounts, settings, stop.clone());
    server.start_following().await?;
    tokio::spawn(keep_fresh(Arc::clone(&server), stop.clone()));
    let sockets = tokio::spawn(accept(server, listener, stop.clone()));
    let driven = match host.recover().await {
        Ok(()) => {
            Arc::clone(&host).serve(stop.clone(), GRACE).await;
            Ok(())
        }
        Err(error) => Err(ServeError::Recover(error)),
    };
    stop.cancel();
    match sockets.await {
        Ok(()) => driven,
        Err(error) => driven.and(Err(std::io::Error::other(error).into())),
    }
}

/// Answers requests on `listener` until `stop` is cancelled, for callers that only look: nothing is
/// taken up, no timer fires, nothing is sent.
pub async fn show(
    host: Arc<Host>,
    accounts: Arc<Accounts>,
    settings: Settings,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let server = Server::new(Arc::clone(&host), accounts, settings, stop.clone());
    host.stand_still();
    accept(server, listener, stop).await;
    Ok(())
}

/// Takes changes of people and tokens over also where nobody asks: runs assign tasks by them.
async fn keep_fresh(server: Arc<Server>, stop: CancellationToken) {
    let mut logged = Instant::now();
    while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        server.refresh_accounts().await;
        if !server.is_ready() {
            continue;
        }
        let is_due = logged.elapsed() >= LOG_EVERY;
        if let Err(error) = keep_log(&server, is_due).await {
            tracing::warn!(%error, "what is known of tokens could not be stored; it is tried again");
        } else if is_due {
            logged = Instant::now();
        }
    }
    if let Err(error) = keep_log(&server, true).await {
        tracing::warn!(%error, "what is known of tokens could not be stored");
    }
}

/// Stores what is known of tokens beside requests.
async fn keep_log(server: &Server, is_due: bool) -> Result<(), HostError> {
    server.log_tokens().await?;
    server.store_token_uses().await?;
    if is_due {
        server.log_refusals().await?;
    }
    Ok(())
}

/// Accepts connections until `stop` is cancelled, then waits for them for a while.
pub async fn accept(server: Arc<Server>, listener: TcpListener, stop: CancellationToken) {
    let router = server.router();
    let places = Places::new(server.settings.connections);
    let graceful = GracefulShutdown::new();
    loop {
        let next = async {
            let place = places.next().await;
            let accepted = listener.accept().await;
            (places.better(place), accepted)
        };
        let (place, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            next = next => next,
        };
        match accepted {
            Ok((stream, remote)) => {
                let connection = connection(stream, Remote(remote.ip()), place.is_kept, router.clone());
                let connection = graceful.watch(connection);
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "a connection broke off");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were cut off");
    }
}

/// The places for connections: as many as the configuration says, and a few that are kept for
/// looking whether the server lives, however many hold the others.
struct Places {
    all: Arc<Semaphore>,
    kept: Arc<Semaphore>,
}

/// What a connection holds as long as it is open.
struct Place {
    is_kept: bool,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    fn new(connections: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(connections)),
            kept: Arc::new(Semaphore::new(KEPT_PLACES)),
        }
    }

    async fn next(&self) -> Place {
        let (permit, is_kept) = tokio::select! {
            biased;
            permit = Arc::clone(&self.all).acquire_owned() => (permit, false),
            permit = Arc::clone(&self.kept).acquire_owned() => (permit, true),
        };
        Place {
            is_kept,
            _permit: permit.expect("the semaphores are never closed"),
        }
    }

    /// An ordinary place instead of a kept one, where one has become free.
    fn better(&self, place: Place) -> Place {
        match Arc::clone(&self.all).try_acquire_owned() {
            Ok(permit) if place.is_kept => Place {
                is_kept: false,
                _permit: permit,
            },
            _ => place,
        }
    }
}

fn connection(
    stream: TcpStream,
    remote: Remote,
    is_kept: bool,
    router: axum::Router,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send {
    // Small answers go out at once instead of waiting to be joined by others.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "small answers may be late");
    }
    let service = router.map_request(move |mut request: hyper::Request<Incoming>| -> Request {
        request.extensions_mut().insert(remote);
        if is_kept {
            request.extensions_mut().insert(Kept);
        }
        request.map(axum::body::Body::new)
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(!is_kept)
        .header_read_timeout(HEAD_TIME_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(READ_BYTES_MAX)
        .serve_connection(
            TokioIo::new(Patient::new(stream, STALL_MAX)),
            TowerToHyperService::new(service),
        )
}
