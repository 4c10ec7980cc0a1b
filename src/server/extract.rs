//! What handlers take from requests and give as answers, each of which describes itself for the
//! description of the API.

use super::operation::{Described, Shape};
use super::problem::Wrong;
use super::{Problem, Server};
use crate::base::unique::Unique;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::time::Instant;
use tokio_util::io::StreamReader;

/// The minimum rate of a request body. A slower body would block a connection that others wait for.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Length of the interval in which the server waits for the body.
    span: Duration,
    /// Minimum number of bytes in each interval.
    bytes: usize,
}

/// The minimum rate of an upload, 1 KiB a second on average. The interval is long, because a phone
/// in a tunnel sends nothing for a while.
pub const UPLOAD_PACE: Pace = Pace {
    span: Duration::from_secs(30),
    bytes: 30 << 10,
};
/// The minimum rate of every other body, most of which arrive at once.
pub const BODY_PACE: Pace = Pace {
    span: Duration::from_secs(5),
    bytes: 8 << 10,
};

/// Header that makes a request count once.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Longest such key, in characters.
const KEY_LENGTH_MAX: usize = 200;

/// The shared state.
pub struct State(pub Arc<Server>);

impl FromRequestParts<Arc<Server>> for State {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(_: &mut Parts, server: &Arc<Server>) -> Result<Self, Self::Rejection> {
        Ok(Self(Arc::clone(server)))
    }
}

impl Described for State {
    fn describe(_: &mut Shape, _: &mut SchemaGenerator) {}
}

impl Described for Method {
    fn describe(_: &mut Shape, _: &mut SchemaGenerator) {}
}

impl Described for HeaderMap {
    fn describe(_: &mut Shape, _: &mut SchemaGenerator) {}
}

/// The variable parts of the path.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Server>> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<Server>) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::bad_request("path", "the address holds what is no UTF-8")),
        }
    }
}

impl<T> Described for Path<T> {
    fn describe(_: &mut Shape, _: &mut SchemaGenerator) {}
}

/// What follows `?`.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Server>> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<Server>) -> Result<Self, Problem> {
        if !parts.uri.query().is_none_or(is_utf8) {
            return Err(Problem::bad_request("query", "the query holds what is no UTF-8"));
        }
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(why) => Err(Problem::bad_request("query", in_query(&why.body_text()))),
        }
    }
}

/// What is wrong with a query, in the words of whoever writes one.
fn in_query(why: &str) -> String {
    let why = why.rsplit_once("query string: ").map_or(why, |(_, why)| why);
    let name = |rest: &str| rest.trim_matches('`').to_owned();
    match why.strip_prefix("missing field ").map(name) {
        Some(name) => format!("the parameter {name} is missing: write ?{name}=…"),
        None => why.replace("unknown field", "there is no parameter"),
    }
}

/// Whether a query is UTF-8 once it is decoded. Decoding alone would put another character there.
fn is_utf8(query: &str) -> bool {
    let mut bytes = query.bytes();
    let mut decoded = Vec::with_capacity(query.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = (byte == b'%').then(|| [ahead.next(), ahead.next()]);
        let hex = |digit: Option<u8>| char::from(digit?).to_digit(16);
        match digits.map(|[high, low]| (hex(high), hex(low))) {
            Some((Some(high), Some(low))) => {
                decoded.push(u8::try_from(high * 16 + low).expect("two digits make a byte"));
                bytes = ahead;
            }
            _ => decoded.push(byte),
        }
    }
    std::str::from_utf8(&decoded).is_ok()
}

impl<T: JsonSchema> Described for Query<T> {
    fn describe(shape: &mut Shape, schemas: &mut SchemaGenerator) {
        shape.query_of(&schemas.root_schema_for::<T>());
    }
}

/// A JSON body, at most `limits.body_bytes` long.
#[derive(Clone, Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<Server>> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Arc<Server>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let media_type = parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let essence = media_type
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            let detail = "the body must be JSON, with Content-Type: application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail));
        }
        let bytes = bytes_of(state, &parts.headers, body).await?;
        // Of a key that comes twice, which value was meant? Another reader takes the other one.
        read::<Unique>(&bytes)?;
        read(&bytes).map(Self)
    }
}

/// What the bytes say in JSON.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let mut problem = Problem::bad_request("json", format!("the body does not fit: {error}"));
        let place = pointer(error.path());
        problem.more.errors.push(Wrong {
            place,
            detail: error.inner().to_string(),
        });
        problem
    })?;
    match json.end() {
        Ok(()) => Ok(value),
        Err(error) => Err(Problem::bad_request("json", format!("the body does not fit: {error}"))),
    }
}

/// The JSON pointer to where reading stopped; empty for the whole.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    })
}

impl<T: JsonSchema> Described for JsonBody<T> {
    fn describe(shape: &mut Shape, schemas: &mut SchemaGenerator) {
        shape.body("application/json", schemas.subschema_for::<T>().into());
    }
}

/// A text body, at most `limits.body_bytes` long.
#[derive(Clone, Debug)]
pub struct TextBody(pub String);

impl FromRequest<Arc<Server>> for TextBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Arc<Server>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = bytes_of(state, &parts.headers, body).await?;
        String::from_utf8(bytes.into())
            .map(Self)
            .map_err(|_| Problem::bad_request("text", "the body is no UTF-8"))
    }
}

impl Described for TextBody {
    fn describe(shape: &mut Shape, _: &mut SchemaGenerator) {
        shape.body("application/yaml", serde_json::json!({ "type": "string" }));
    }
}

/// The whole body, if it is not longer than `limits.body_bytes` and arrives in time. A larger
/// declared length is refused immediately.
pub async fn bytes_of(server: &Server, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let limit = server.settings.body_bytes;
    let limit_bytes = limit as u64;
    if declared_length(headers).is_some_and(|length| length > limit_bytes) {
        return Err(Problem::too_large("body", limit_bytes));
    }
    let mut pieces = std::pin::pin!(in_time(body, BODY_PACE));
    let mut bytes = server.flights.body();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| match error.kind() {
            std::io::ErrorKind::TimedOut => Problem::too_slow(),
            _ => Problem::bad_request("cut-off", "the body broke off"),
        })?;
        if bytes.length() + piece.len() > limit {
            return Err(Problem::too_large("body", limit_bytes));
        }
        bytes.add(&piece)?;
    }
    Ok(bytes.finish())
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A piece of a body, or why it broke off.
pub(super) type Piece = std::io::Result<Bytes>;

/// The bytes of a file as they come in.
pub struct Upload(Pin<Box<dyn Stream<Item = Piece> + Send>>);

impl Upload {
    /// Of pieces that come from somewhere else than the body itself.
    pub(super) fn of(pieces: impl Stream<Item = Piece> + Send + 'static) -> Self {
        Self(Box::pin(pieces))
    }

    /// The bytes, of which there must be one at least unless the caller says that the file is empty:
    /// a body that was forgotten must not become a version.
    pub async fn bytes(self, may_be_empty: bool) -> Result<impl AsyncRead + Send + Unpin, Problem> {
        let mut pieces = self.0;
        let mut first = pieces.next().await;
        while first
            .as_ref()
            .is_some_and(|piece| piece.as_ref().is_ok_and(Bytes::is_empty))
        {
            first = pieces.next().await;
        }
        if first.is_none() && !may_be_empty {
            return Err(Problem::bad_request("empty", "The file is empty."));
        }
        Ok(StreamReader::new(futures_util::stream::iter(first).chain(pieces)))
    }
}

impl FromRequest<Arc<Server>> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Arc<Server>) -> Result<Self, Problem> {
        let limit = state.settings.upload_bytes;
        if declared_length(request.headers()).is_some_and(|length| length > limit) {
            return Err(Problem::too_large("file", limit));
        }
        if is_form(request.headers()) {
            let detail = "the body is a form with the file inside: send the bytes of the file alone, as \
                          `curl --data-binary @FILE` does";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail));
        }
        Ok(Self(Box::pin(in_time(request.into_body(), UPLOAD_PACE))))
    }
}

/// Whether the body is what the form of a browser or `curl -F` sends.
fn is_form(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    media_type.is_some_and(|name| {
        name.get(..10)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/"))
    })
}

/// The pieces of a body that comes fast enough. Only the time in which it is waited for counts, not
/// that in which this side is busy with what came.
pub(super) fn in_time(body: Body, pace: Pace) -> impl Stream<Item = Piece> + Send {
    let start = (body.into_data_stream(), pace.span, 0);
    let timed = futures_util::stream::unfold(start, move |(mut pieces, mut left, mut taken)| async move {
        loop {
            let began = Instant::now();
            let piece = tokio::time::timeout(left, pieces.next()).await;
            left = left.saturating_sub(began.elapsed());
            match piece {
                Ok(None) => return None,
                Ok(Some(Ok(piece))) => {
                    taken += piece.len();
                    return Some((Ok(piece), (pieces, left, taken)));
                }
                Ok(Some(Err(error))) => return Some((Err(std::io::Error::other(error)), (pieces, left, taken))),
                Err(_) if taken < pace.bytes => {
                    return Some((Err(std::io::ErrorKind::TimedOut.into()), (pieces, left, taken)));
                }
                Err(_) => (left, taken) = (pace.span, 0),
            }
        }
    });
    timed.fuse()
}

impl Described for Upload {
    fn describe(shape: &mut Shape, _: &mut SchemaGenerator) {
        shape.body("application/octet-stream", serde_json::json!({}));
    }
}

/// A JSON answer.
#[derive(Clone, Debug)]
pub struct Answer<T>(pub T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: JsonSchema> Described for Answer<T> {
    fn describe(shape: &mut Shape, schemas: &mut SchemaGenerator) {
        shape.answer(StatusCode::OK, "application/json", schemas.subschema_for::<T>().into());
    }
}

/// A JSON answer about something that was made, with its address where it has one.
#[derive(Clone, Debug)]
pub struct Created<T> {
    /// Where it is.
    pub location: Option<String>,
    /// What it is.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, axum::Json(self.body)).into_response();
        if let Some(location) = self.location.and_then(|location| HeaderValue::try_from(location).ok()) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

impl<T: JsonSchema> Described for Created<T> {
    fn describe(shape: &mut Shape, schemas: &mut SchemaGenerator) {
        shape.answer(
            StatusCode::CREATED,
            "application/json",
            schemas.subschema_for::<T>().into(),
        );
    }
}

/// A JSON answer about something that is recorded and will have its effect.
#[derive(Clone, Debug)]
pub struct Accepted<T>(pub T);

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, axum::Json(self.0)).into_response()
    }
}

impl<T: JsonSchema> Described for Accepted<T> {
    fn describe(shape: &mut Shape, schemas: &mut SchemaGenerator) {
        shape.answer(
            StatusCode::ACCEPTED,
            "application/json",
            schemas.subschema_for::<T>().into(),
        );
    }
}

/// It is done; there is nothing to say.
#[derive(Clone, Copy, Debug)]
pub struct Done;

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Described for Done {
    fn describe(shape: &mut Shape, _: &mut SchemaGenerator) {
        shape.status = StatusCode::NO_CONTENT.as_u16();
    }
}

/// A text answer.
#[derive(Clone, Debug)]
pub struct Text {
    /// Its media type.
    pub media_type: &'static str,
    /// The text.
    pub text: String,
}

impl IntoResponse for Text {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, self.media_type)], self.text).into_response()
    }
}

impl Described for Text {
    fn describe(shape: &mut Shape, _: &mut SchemaGenerator) {
        shape.answer(StatusCode::OK, "text/plain", serde_json::json!({ "type": "string" }));
    }
}

/// The `Idempotency-Key` header. Requests with the same key by the same person, or through the same
/// link, have one effect.
#[derive(Clone, Debug)]
pub struct Once(pub Option<String>);

impl FromRequestParts<Arc<Server>> for Once {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Server>) -> Result<Self, Problem> {
        let mut keys = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(key) = keys.next() else {
            return Ok(Self(None));
        };
        let key = key.to_str().unwrap_or_default().trim();
        if key.is_empty() || key.len() > KEY_LENGTH_MAX || keys.next().is_some() {
            let detail = format!("a request has one Idempotency-Key, of 1 to {KEY_LENGTH_MAX} plain characters");
            return Err(Problem::bad_request("idempotency-key", detail));
        }
        Ok(Self(Some(key.to_owned())))
    }
}

impl Described for Once {
    fn describe(shape: &mut Shape, _: &mut SchemaGenerator) {
        shape.parameters.push(serde_json::json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": "The same key of the same person, or through the same link, counts once, however often it is sent. With another request it is refused (422).",
            "schema": { "type": "string", "maxLength": KEY_LENGTH_MAX },
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result of reading a body that arrives in pieces of `bytes` bytes, five in each interval,
    /// for twelve intervals.
    async fn sent(pace: Pace, piece: usize) -> Result<usize, std::io::ErrorKind> {
        let pieces = futures_util::stream::unfold(0, move |count| async move {
            tokio::time::sleep(pace.span / 5).await;
            (count < 60).then(|| (Ok::<_, std::io::Error>(Bytes::from(vec![0; piece])), count + 1))
        });
        let mut pieces = std::pin::pin!(in_time(Body::from_stream(pieces), pace));
        let mut taken = 0;
        while let Some(piece) = pieces.next().await {
            taken += piece.map_err(|error| error.kind())?.len();
        }
        Ok(taken)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_at_the_least_pace_is_taken_and_a_slower_one_is_not() {
        for pace in [UPLOAD_PACE, BODY_PACE] {
            // four pieces come within each span that is waited, the fifth with its end
            let least = pace.bytes.div_ceil(5);
            assert_eq!(sent(pace, least).await, Ok(least * 60));
            let too_slow = pace.bytes / 5 - 1;
            assert_eq!(sent(pace, too_slow).await, Err(std::io::ErrorKind::TimedOut));
            assert_eq!(sent(pace, 1).await, Err(std::io::ErrorKind::TimedOut));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_this_side_is_busy_is_not_the_senders() {
        let pieces = (0..3).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"x")));
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let mut pieces = std::pin::pin!(in_time(body, UPLOAD_PACE));
        while let Some(piece) = pieces.next().await {
            assert!(piece.is_ok());
            tokio::time::advance(UPLOAD_PACE.span * 2).await;
        }
    }
}
