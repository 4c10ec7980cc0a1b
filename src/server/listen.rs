//! Sockets: accepting, slow clients, many clients, shutting down.

use super::access::Reserved;
use super::connections::{Connections, Place};
use super::drain;
use super::flight::{Answering, Held};
use super::head::HeadFault;
use super::patience::Patient;
use super::remote::{self, Remote};
use super::wire::{Socket, Wire};
use super::{Server, Settings};
use crate::config::Accounts;
use crate::host::{Host, HostError};
use axum::http::{HeaderValue, Version, header};
use axum::response::Response;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
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
    let sockets = tokio::spawn(accept(Arc::clone(&server), listener, stop.clone()));
    let driven = match host.recover().await {
        Ok(()) => {
            Arc::clone(&host).serve(stop.clone(), GRACE).await;
            Ok(())
        }
        Err(error) => Err(ServeError::Recover(error)),
    };
    stop.cancel();
    let sockets = sockets.await;
    if driven.is_ok() {
        keep_last(&server).await;
    }
    match sockets {
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
    while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        server.refresh_accounts().await;
        if !server.is_ready() {
            continue;
        }
        if let Err(error) = keep_log(&server).await {
            tracing::warn!(%error, "what is known of tokens could not be stored; it is tried again");
        }
    }
}

/// Stores what the last requests told of tokens. Nothing else runs by then, and the store is still open.
async fn keep_last(server: &Server) {
    let kept = async {
        server.log_tokens().await?;
        server.store_last_token_uses().await
    };
    if let Err(error) = kept.await {
        tracing::warn!(%error, "the last uses of tokens could not be stored");
    }
}

/// Stores what is known of tokens beside requests.
async fn keep_log(server: &Server) -> Result<(), HostError> {
    server.log_tokens().await?;
    server.store_token_uses().await
}

/// Accepts connections until `stop` is cancelled, then waits for them for a while.
pub async fn accept(server: Arc<Server>, listener: TcpListener, stop: CancellationToken) {
    let router = server.router();
    let connections = Connections::new(server.settings.room);
    let tracker = TaskTracker::new();
    loop {
        let next = async {
            let (stream, remote) = listener.accept().await?;
            let address = remote.ip();
            let is_shared = remote::is_trusted(address, &server.settings.trusted_proxies);
            let place = connections.place(address.into(), is_shared).await;
            Ok::<_, std::io::Error>((stream, Remote(address), place))
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = next => accepted,
        };
        match accepted {
            Ok((stream, remote, place)) => {
                tracker.spawn(serve_connection(stream, remote, place, router.clone(), stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tracker.close();
    if tokio::time::timeout(GRACE, tracker.wait()).await.is_err() {
        tracing::warn!("connections were cut off");
    }
}

/// Serves one connection until it ends, is closed for another one, or the server stops. A request
/// in progress is finished.
async fn serve_connection(
    stream: TcpStream,
    remote: Remote,
    place: Place,
    router: axum::Router,
    stop: CancellationToken,
) {
    let mut connection = std::pin::pin!(connection(stream, remote, &place, router));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = place.leave.cancelled() => None,
        () = stop.cancelled() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None if place.wire.idle_since().is_some() => Ok(()),
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

fn connection(
    stream: TcpStream,
    remote: Remote,
    place: &Place,
    router: axum::Router,
) -> http1::Connection<TokioIo<Socket<Patient<TcpStream>>>, Answers> {
    // Small answers go out at once instead of waiting to be joined by others.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "small answers may be late");
    }
    let answers = Answers {
        router,
        remote,
        is_reserved: place.is_reserved,
        wire: Arc::clone(&place.wire),
    };
    let socket = Socket::new(Patient::new(stream, STALL_MAX), Arc::clone(&place.wire));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(!place.is_reserved)
        .header_read_timeout(HEAD_TIME_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(READ_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), answers)
}

/// Serves the requests of one connection.
struct Answers {
    router: axum::Router,
    remote: Remote,
    is_reserved: bool,
    wire: Arc<Wire>,
}

impl hyper::service::Service<hyper::Request<Incoming>> for Answers {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    /// Called when the head has been read, before any of the body.
    fn call(&self, request: hyper::Request<Incoming>) -> Self::Future {
        let body_length = request.body().size_hint().exact();
        let needs_host = request.version() == Version::HTTP_11 && !request.headers().contains_key(header::HOST);
        let fault = self.wire.begin(body_length, needs_host.then_some(HeadFault::Hosts));
        let mut rest = None;
        let mut request = request.map(|body| {
            let (lent, returned) = drain::lend(body);
            rest = Some(returned);
            axum::body::Body::new(lent)
        });
        let asks_first = request.headers().contains_key(header::EXPECT);
        let extensions = request.extensions_mut();
        extensions.insert(self.remote);
        extensions.insert(Arc::clone(&self.wire));
        if self.is_reserved {
            extensions.insert(Reserved);
        }
        if let Some(fault) = fault {
            extensions.insert(fault);
        }
        let wire = Arc::clone(&self.wire);
        let answer = self.router.clone().oneshot(request);
        Box::pin(async move {
            let ending = Answering(Arc::clone(&wire));
            let mut response = answer.await?;
            if let Some(rest) = rest {
                rest.drain(response.status(), asks_first).await;
            }
            if wire.is_last() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok(response.map(|body| Held::until_the_end_of(body, ending)))
        })
    }
}
