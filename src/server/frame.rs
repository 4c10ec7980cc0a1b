//! What every request passes: an id, a line in the log, counts, headers for browsers, and its own
//! task, so that a caller who hangs up does not stop half-way what they asked for.
//!
//! Invariant: the log knows a request by its route, never by its path: paths of links are secrets.

use super::head::HeadFault;
use super::{Problem, Server};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;

/// Header with the id of the request, under which the log has it.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What a browser may do with an answer: nothing.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Passes a request on and finishes its answer.
pub async fn frame(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = uuid::Uuid::now_v7().simple().to_string();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", %id, %method, route);
    let fault = request.extensions().get::<HeadFault>().copied();
    let answer = async move {
        match fault {
            Some(fault) => Problem::bad_request("head", fault.detail()).into_response(),
            None => next.run(request).await,
        }
    };
    let answer = tokio::spawn(answer.instrument(span.clone()));
    let mut response = match answer.await {
        Ok(response) => response,
        Err(error) => {
            span.in_scope(|| tracing::error!(%error, "a handler panicked"));
            Problem::internal().into_response()
        }
    };
    let took = began.elapsed();
    let status = response.status().as_u16();
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::info!(status, took_ms, "answered"));
    server.metrics.answered(&method, &route, status, took);
    finish(&mut response, &id, server.settings.behind_tls);
    response
}

/// Adds the headers that every answer has. A handler's own policy for a browser stays.
fn finish(response: &mut Response, id: &str, behind_tls: bool) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    let own_policy = headers.contains_key(header::CONTENT_SECURITY_POLICY);
    if !own_policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if behind_tls {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}
