//! Refusals as people and programs read them: RFC 9457, one shape, one mapping.

use super::access::{CODE_IN_WORDS, PASS_IN_WORDS, PASSWORD_IN_WORDS};
use super::dto::{Document, Finding};
use crate::base::{Value, size};
use crate::engine::Refusal;
use crate::host::HostError;
use crate::space::Denial;
use crate::store::StoreError;
use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

/// Media type of a refusal.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// The remedy when it is unknown whether a request has changed something.
const UNKNOWN_OUTCOME: &str = "it is not known whether the change was made: send the same request again with the same \
                               Idempotency-Key, or without one look first whether it was";
/// What to do where the disk failed before or after a change.
const DISK_FAILED: &str = "the server cannot use its disk now, and its log tells the administrator why: repeat the \
                           request later, a change with the same Idempotency-Key, or look first whether it was made";
/// Seconds after which a server that starts or stops may be asked again.
const AGAIN_SECONDS: u64 = 5;

/// A refusal.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// What kind of problem: `/problems/NAME`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was found, what was expected, what to do next.
    pub detail: String,
    /// What there is to say besides.
    #[serde(flatten)]
    pub more: Box<More>,
    /// Headers to send with it.
    #[serde(skip)]
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// What some refusals say besides.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct More {
    /// Findings in a flow, the same as `gatefold lint` gives.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Each thing that is wrong with what was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Wrong>,
    /// The version to decide on now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Document>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Wrong {
    /// Where: a name of an input or a JSON pointer.
    pub place: String,
    /// What.
    pub detail: String,
}

impl Problem {
    /// A problem with nothing but its name and its sentence.
    pub fn new(status: StatusCode, name: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{name}"),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            more: Box::default(),
            headers: Vec::new(),
        }
    }

    /// Something that is wrong with what was sent.
    pub fn bad_request(name: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, name, detail)
    }

    /// No such thing, or not for the caller to know.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("there is no {what}"))
    }

    /// A failure inside, of which nothing is told.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the server failed, and its log says why, under the request's id. If you asked for a change, send the same \
             request again with the same Idempotency-Key, or without one look first whether the change was made",
        )
    }

    /// The response took too long. A request that can change something may still do so.
    pub fn unanswered(may_change: bool) -> Self {
        let detail = if may_change {
            UNKNOWN_OUTCOME
        } else {
            "the answer took too long: try again"
        };
        Self::unavailable("timeout", detail)
    }

    /// The caller must wait.
    pub fn too_many(seconds: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-tries",
            format!("too many tries: wait {seconds} seconds"),
        )
        .with_header(header::RETRY_AFTER, seconds)
    }

    /// The caller has too many concurrent requests.
    pub fn crowded(detail: &str, seconds: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail).with_header(header::RETRY_AFTER, seconds)
    }

    /// The body arrives too slowly.
    pub fn too_slow() -> Self {
        let detail = "the body came too slowly and was not waited for: send it again, in one go";
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", detail)
    }

    /// The server cannot answer now.
    pub fn unavailable(name: &str, detail: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, name, detail).with_header(header::RETRY_AFTER, AGAIN_SECONDS)
    }

    /// What was sent is larger than allowed.
    pub fn too_large(what: &str, limit: u64) -> Self {
        let detail = format!("the {what} is larger than {}", size::in_words(limit));
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    /// Adds a header.
    pub fn with_header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (headers, problem) = (self.headers.clone(), self.clone());
        let mut response = (status, Json(self)).into_response();
        // for a page that says it in another shape
        response.extensions_mut().insert(problem);
        let media_type = HeaderValue::from_static(MEDIA_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        response.headers_mut().extend(headers);
        response
    }
}

impl From<HostError> for Problem {
    fn from(error: HostError) -> Self {
        let detail = error.to_string();
        match error {
            HostError::NotFound(what) => Self::not_found(&what),
            // `deploy` puts the positions in, for which it has the text.
            HostError::Findings { .. } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "findings", detail),
            HostError::BadInputs { problems } => {
                let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-inputs", detail);
                problem.more.errors = wrongs(problems);
                problem
            }
            HostError::BadSettings { problems } => {
                let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-settings", detail);
                problem.more.errors = wrongs(problems);
                problem
            }
            HostError::Incompatible { obstacles, .. } => {
                let mut problem = Self::new(StatusCode::CONFLICT, "incompatible", detail);
                problem.more.errors = wrongs(obstacles.into_iter().map(|one| (one.place, one.why)).collect());
                problem
            }
            HostError::Invalid(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail),
            HostError::KeyReused { .. } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", detail),
            HostError::Refused(refusal) => refusal.into(),
            HostError::Denied(Denial::Revoked | Denial::Lost | Denial::Several) => {
                Self::new(StatusCode::GONE, "revoked", detail)
            }
            HostError::Denied(Denial::Complete) => Self::new(StatusCode::GONE, "complete", detail),
            HostError::Denied(Denial::Withdrawn) => Self::new(StatusCode::GONE, "withdrawn", detail),
            HostError::Denied(Denial::Expired) => Self::new(StatusCode::GONE, "expired", detail),
            HostError::Denied(Denial::Role) => Self::new(StatusCode::FORBIDDEN, "role", detail),
            HostError::PasswordNeeded { wrong } => password(wrong, detail),
            HostError::CodeNeeded { wrong } => code(wrong, &detail),
            HostError::TooMany { seconds } => Self::too_many(seconds),
            HostError::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", detail),
            HostError::TooLarge(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail),
            HostError::Store(StoreError::Full(_)) => {
                let told = "the server has no space or quota left for this, or may write no file of this size, so nothing \
                            was changed: repeat the request once its administrator has made room";
                logged(&error, Self::new(StatusCode::INSUFFICIENT_STORAGE, "full", told))
            }
            HostError::Store(StoreError::Busy(_) | StoreError::Closed) => logged(
                &error,
                Self::unavailable("busy", "the store does not answer: try again"),
            ),
            HostError::Store(StoreError::InDoubt(_)) => {
                logged(&error, Self::unavailable("outcome-unknown", UNKNOWN_OUTCOME))
            }
            HostError::Store(StoreError::Disk(_)) => logged(&error, Self::unavailable("disk-failed", DISK_FAILED)),
            HostError::DiskFailed(_) => {
                let told = "the server cannot use its disk now, so nothing was changed: repeat the request later; its log tells \
                            the administrator why";
                logged(&error, Self::unavailable("disk-failed", told))
            }
            HostError::BytesLost { .. } => {
                logged(&error, Self::new(StatusCode::INTERNAL_SERVER_ERROR, "damaged", detail))
            }
            HostError::ShuttingDown => Self::unavailable("stopping", "the server is shutting down: try again"),
            HostError::Store(_) | HostError::Damaged { .. } => logged(&error, Self::internal()),
        }
    }
}

fn password(wrong: bool, detail: String) -> Problem {
    let name = if wrong { "password-wrong" } else { "password-needed" };
    let detail = format!("{detail}; {PASSWORD_IN_WORDS}; {PASS_IN_WORDS}");
    let challenge = HeaderValue::from_static("X-Share-Password");
    Problem::new(StatusCode::UNAUTHORIZED, name, detail).with_header(header::WWW_AUTHENTICATE, challenge)
}

fn code(wrong: bool, detail: &str) -> Problem {
    let name = if wrong { "code-wrong" } else { "code-needed" };
    let challenge = HeaderValue::from_static("X-Share-Password");
    Problem::new(StatusCode::UNAUTHORIZED, name, format!("{detail}; {CODE_IN_WORDS}"))
        .with_header(header::WWW_AUTHENTICATE, challenge)
}

fn wrongs(problems: Vec<(String, String)>) -> Vec<Wrong> {
    problems
        .into_iter()
        .map(|(place, detail)| Wrong { place, detail })
        .collect()
}

/// What the caller is not told is in the log.
fn logged(error: &HostError, problem: Problem) -> Problem {
    tracing::error!(%error, "a request failed inside");
    problem
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        let conflict = |name| Self::new(StatusCode::CONFLICT, name, detail.clone());
        let unfit = |name| Self::new(StatusCode::UNPROCESSABLE_ENTITY, name, detail.clone());
        match refusal {
            Refusal::NoSuchTask => Self::not_found("such task for you"),
            Refusal::NoLongerAsked => Self::new(StatusCode::FORBIDDEN, "no-longer-asked", detail),
            Refusal::TaskClosed(_) => conflict("task-closed"),
            Refusal::NotYourTurn => conflict("not-your-turn"),
            Refusal::AlreadyDecided(_) => conflict("already-decided"),
            Refusal::OtherVersion { current } => {
                let mut problem = conflict("other-version");
                problem.more.current = Some((*current).into());
                problem
            }
            Refusal::Taken => conflict("taken"),
            Refusal::PlaceTaken => conflict("place-taken"),
            Refusal::NoPlace => conflict("no-place"),
            Refusal::Suspended { .. } => conflict("suspended"),
            Refusal::NotAllowed(_) => conflict("not-allowed"),
            Refusal::TooManyActs => conflict("too-many-acts"),
            Refusal::BadRemark(_) => unfit("bad-remark"),
            Refusal::NotEligible(_) => unfit("not-eligible"),
            Refusal::VersionMissing => unfit("version-missing"),
            Refusal::Form(faults) => {
                let mut problem = unfit("bad-form");
                problem.more.errors = wrongs(faults);
                problem
            }
            Refusal::Values(faults) => {
                let mut problem = unfit("bad-values");
                problem.more.errors = wrongs(faults);
                problem
            }
            Refusal::NoSuchDecision { .. } => unfit("no-such-decision"),
            Refusal::ReasonMissing(_) => unfit("reason-missing"),
            Refusal::NoIncident(_) => conflict("no-incident"),
            Refusal::NotSettable(_) => unfit("not-settable"),
            Refusal::RunEnded(_) => conflict("run-ended"),
        }
    }
}

/// The schema of a refusal, for the description of the API.
pub fn media(schemas: &mut schemars::SchemaGenerator) -> Value {
    serde_json::json!({ MEDIA_TYPE: { "schema": schemas.subschema_for::<Problem>() } })
}
