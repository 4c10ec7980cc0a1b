//! Who may call a route, as data, and the guard made from it.
//!
//! Invariant: rights are looked up at every request; nothing of an earlier one is remembered.

use super::operation::{Described, Shape};
use super::signature::{self, Signed};
use super::{Problem, Server};
use crate::host::HostError;
use crate::host::files::Visitor;
use crate::people::{Person, roles};
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Header with the password of a link.
pub const PASSWORD_HEADER: &str = "x-share-password";
/// Characters of a link's token: 256 bits in hexadecimal.
const LINK_TOKEN_LENGTH: usize = 64;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, even before the server is ready.
    Public,
    /// Everybody where the configuration says so, else an administrator.
    Metrics,
    /// Who has the link, and its password if it has one.
    Link,
    /// A person of the directory with one of these roles; without any, every person.
    /// Administrators always.
    Token(&'static [&'static str]),
    /// Who can sign with the flow's secret.
    WebhookSignature,
}

impl Access {
    /// In words, for the description of the API.
    pub fn describe(self) -> String {
        match self {
            Self::Public => "everybody".to_owned(),
            Self::Metrics => "an administrator, or everybody where http.metrics_public is true".to_owned(),
            Self::Link => "who has the link, and its password if it has one".to_owned(),
            Self::Token([]) => "every person with a token".to_owned(),
            Self::Token(needed) => format!("a person with a token and the role {} or admin", needed.join(" or ")),
            Self::WebhookSignature => "who signs with the flow's secret".to_owned(),
        }
    }
}

/// The address that a request came from.
#[derive(Clone, Copy, Debug)]
pub struct Remote(pub IpAddr);

/// A person of the directory who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The user name, as `anna`.
    pub user: String,
    /// Who they are.
    pub person: Person,
}

impl Caller {
    /// As journals name them: `user:anna`.
    pub fn principal(&self) -> String {
        format!("user:{}", self.user)
    }

    /// Whether they have a role.
    pub fn has(&self, role: &str) -> bool {
        self.person.roles.contains(role)
    }
}

/// What stands before one route.
#[derive(Clone)]
pub struct Guard {
    /// The server.
    pub server: Arc<Server>,
    /// The rule.
    pub access: Access,
    /// Whether the answer or the request may take as long as it takes.
    pub streaming: bool,
}

/// Lets a request through to its handler, or refuses it.
pub async fn guard(
    axum::extract::State(guard): axum::extract::State<Guard>,
    params: RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    let answer = async {
        match guard.admit(&params, request).await {
            Ok(request) => next.run(request).await,
            Err(problem) => problem.into_response(),
        }
    };
    if guard.streaming {
        return answer.await;
    }
    match tokio::time::timeout(guard.server.settings.request_timeout, answer).await {
        Ok(response) => response,
        Err(_) => {
            Problem::unavailable("timeout", "the answer took too long; what was asked may still happen").into_response()
        }
    }
}

impl Guard {
    async fn admit(&self, params: &RawPathParams, mut request: Request) -> Result<Request, Problem> {
        if self.access == Access::Public {
            return Ok(request);
        }
        if !self.server.is_ready() {
            return Err(Problem::unavailable("not-ready", "the server is starting: try again"));
        }
        let remote = remote_of(&request);
        match self.access {
            Access::Public => {}
            Access::Metrics if self.server.settings.metrics_public => {}
            Access::Metrics => {
                self.caller(request.headers(), remote, &[roles::ADMIN])?;
            }
            Access::Token(needed) => {
                let caller = self.caller(request.headers(), remote, needed)?;
                request.extensions_mut().insert(caller);
            }
            Access::Link => {
                let visitor = self.visitor(params, request.headers(), remote).await?;
                request.extensions_mut().insert(visitor);
            }
            Access::WebhookSignature => return self.signed(params, request, remote).await,
        }
        Ok(request)
    }

    fn caller(&self, headers: &HeaderMap, remote: IpAddr, needed: &[&str]) -> Result<Caller, Problem> {
        self.server.accounts.refresh();
        let Some((user, person)) = bearer(headers).and_then(|token| self.server.accounts.person_with(token)) else {
            return Err(self.unproven(remote, "token", "a valid token is needed: Authorization: Bearer gf_…"));
        };
        let caller = Caller { user, person };
        if needed.is_empty() || caller.has(roles::ADMIN) || needed.iter().any(|role| caller.has(role)) {
            return Ok(caller);
        }
        let detail = format!("the role {} is needed", needed.join(" or "));
        Err(Problem::new(StatusCode::FORBIDDEN, "role", detail))
    }

    async fn visitor(&self, params: &RawPathParams, headers: &HeaderMap, remote: IpAddr) -> Result<Visitor, Problem> {
        let token = param(params, "token").unwrap_or_default();
        let password = match headers.get(PASSWORD_HEADER).map(HeaderValue::to_str) {
            None => None,
            Some(Ok(password)) => Some(password),
            Some(Err(_)) => return Err(Problem::bad_request("password", "the password header is no plain text")),
        };
        let is_token = token.len() == LINK_TOKEN_LENGTH && token.bytes().all(|byte| byte.is_ascii_hexdigit());
        let entered = if is_token {
            self.server.host.enter(token, password).await
        } else {
            Err(HostError::NotFound("such link".to_owned()))
        };
        entered.map_err(|error| match error {
            HostError::NotFound(_) => match self.server.throttle.failed(remote) {
                Ok(()) => Problem::not_found("such link"),
                Err(seconds) => Problem::too_many(seconds),
            },
            other => other.into(),
        })
    }

    /// Checks a signature over the whole body and hands the body on.
    async fn signed(&self, params: &RawPathParams, request: Request, remote: IpAddr) -> Result<Request, Problem> {
        let flow = param(params, "flow").unwrap_or_default().to_owned();
        let (mut parts, body) = request.into_parts();
        let limit = self.server.settings.body_bytes;
        let body = super::extract::bytes_of(&parts.headers, body, limit).await?;
        let secret = self.server.host.webhook_secret(&flow).await.ok();
        let now = self.server.host.now();
        // Unknown flow, missing trigger, wrong or old signature: one answer for all.
        let Some(signed) = signature::check(&parts.headers, &body, secret.as_ref(), now) else {
            return Err(self.unproven(remote, "signature", "a valid signature is needed"));
        };
        parts.extensions.insert::<Signed>(signed);
        Ok(Request::from_parts(parts, body.into()))
    }

    fn unproven(&self, remote: IpAddr, name: &str, detail: &str) -> Problem {
        match self.server.throttle.failed(remote) {
            Ok(()) => Problem::new(StatusCode::UNAUTHORIZED, name, detail)
                .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            Err(seconds) => Problem::too_many(seconds),
        }
    }
}

fn remote_of(request: &Request) -> IpAddr {
    let remote = request.extensions().get::<Remote>();
    remote.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |remote| remote.0)
}

fn param<'p>(params: &'p RawPathParams, name: &str) -> Option<&'p str> {
    params.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The token of an `Authorization: Bearer` header, if there is exactly one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (all.next()?, all.next());
    let (scheme, token) = first.to_str().ok()?.split_once(' ')?;
    (second.is_none() && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}

/// What the guard found out about who calls. A handler that asks for what its route's rule does
/// not give fails closed.
macro_rules! proven {
    ($type:ty) => {
        impl<S: Sync> FromRequestParts<S> for $type {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                parts.extensions.get::<Self>().cloned().ok_or_else(|| {
                    tracing::error!(
                        kind = stringify!($type),
                        "a route's rule does not give what its handler needs"
                    );
                    Problem::internal()
                })
            }
        }

        impl Described for $type {
            fn describe(_: &mut Shape, _: &mut schemars::SchemaGenerator) {}
        }
    };
}

proven!(Caller);
proven!(Visitor);
proven!(Signed);
