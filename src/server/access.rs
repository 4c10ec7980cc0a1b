//! Who may call a route, as data, and the guard made from it.
//!
//! Invariant: rights are looked up at every request, and again while an answer flows, at least
//! every second and every few megabytes. Who may no longer have it gets half of it.

use super::flight::{Held, Holder, Permit};
use super::operation::{Described, Shape};
use super::remote::{self, Remote};
use super::sent::recorded;
use super::signature::{self, Keys, Signed};
use super::wire::Wire;
use super::{Problem, Server, page};
use crate::audit::{AccessEntry, AccessKind, Origin};
use crate::base::network::Network;
use crate::base::{Actor, LocalAccess, Via};
use crate::config::{Scope, TokenLine};
use crate::host::HostError;
use crate::host::files::Visitor;
use crate::host::refusals::Unproven;
use crate::people::{Person, roles};
use axum::body::{Body, BodyDataStream};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Header with the password of a link.
pub const PASSWORD_HEADER: &str = "x-share-password";
/// Header with what a right password gave.
pub const PASS_HEADER: &str = "x-share-pass";
/// How it is written there, in words for people who send it.
pub const PASSWORD_IN_WORDS: &str =
    "X-Share-Password takes it percent-encoded, as an address does: ü is %C3%BC, % is %25";
/// Where it is tried, in words: a GET changes nothing, and a try is counted.
pub const PASS_IN_WORDS: &str =
    "a GET tries no password: POST it to /api/v1/links/TOKEN/pass, and send what that gives as X-Share-Pass";
/// How a code by mail is had and used, in words.
pub const CODE_IN_WORDS: &str = "a POST to /api/v1/links/TOKEN/code sends one; POST it as X-Share-Password to \
                                 /api/v1/links/TOKEN/pass, and send what that gives as X-Share-Pass";
/// Longest time for which a look at somebody's right is good.
const RIGHT_GOOD_FOR: Duration = Duration::from_secs(1);
/// Most bytes for which it is.
const RIGHT_GOOD_BYTES: usize = 4 << 20;
/// Characters of a link's token: 256 bits in hexadecimal.
pub const LINK_TOKEN_LENGTH: usize = 64;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody, even before the server is ready.
    Public,
    /// Anybody, even before the server is ready or when it has no room for other requests.
    Health,
    /// Everybody where the configuration says so, else an administrator.
    Metrics,
    /// Who has the link, and its password if it has one.
    Link,
    /// Who has the link: asking for a code by mail.
    LinkDoor,
    /// The same on the page behind the link, where the browser may have kept that the password was right.
    Page,
    /// Who has the link: the page's forms for its password or a code.
    PageDoor,
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
            Self::Public | Self::Health => "everybody".to_owned(),
            Self::Metrics => "an administrator, or everybody where http.metrics_public is true".to_owned(),
            Self::Link => "who has the link, and its password if it has one".to_owned(),
            Self::Page => "who has the link, and its password or what the page gave for it if it has one".to_owned(),
            Self::LinkDoor => "who has the link".to_owned(),
            Self::PageDoor => "who has the link; the password is what is sent".to_owned(),
            Self::Token([]) => "every person with a token".to_owned(),
            Self::Token([roles::ADMIN]) => format!("a person with a token and the role {}", roles::ADMIN),
            Self::Token(needed) => format!(
                "a person with a token and the role {} or {}",
                needed.join(" or "),
                roles::ADMIN
            ),
            Self::WebhookSignature => "who signs with the flow's secret".to_owned(),
        }
    }
}

/// The network of the client; behind a proxy, the proxy's client.
#[derive(Clone, Copy, Debug)]
pub struct Client(pub Network);

/// Marks a request on a reserved connection, which serves only health checks and administrators.
#[derive(Clone, Copy, Debug)]
pub struct Reserved;

/// A person of the directory who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The user name, as `anna`.
    pub user: String,
    /// Who they are.
    pub person: Person,
    /// The id of the token; `None` if they opened the data folder directly.
    pub token: Option<String>,
    /// The scopes of the token; `None` means all scopes.
    pub scopes: Option<BTreeSet<Scope>>,
    /// The address of the client; `None` if they opened the data folder directly.
    pub from: Option<IpAddr>,
    /// The operating system account that acts as them, if a command opened the data folder
    /// directly.
    pub local: Option<LocalAccess>,
}

impl Caller {
    /// The name in journals: `user:anna`, or `local:1000` for an operating system account that acts
    /// as nobody.
    pub fn principal(&self) -> String {
        match &self.local {
            Some(local) if local.account == self.user => self.user.clone(),
            _ => format!("user:{}", self.user),
        }
    }

    /// Through what they act, for journals.
    pub fn via(&self) -> Option<Via> {
        let local = self.local.clone().map(Via::Local);
        local.or_else(|| self.token.clone().map(Via::Token))
    }

    /// Who acts, and through what, for journals.
    pub fn actor(&self) -> Actor {
        Actor {
            principal: self.principal(),
            via: self.via(),
        }
    }

    /// From where they call and with which token, for the access log.
    pub fn origin(&self) -> Origin {
        Origin {
            from: self.from.map(|from| from.to_string()),
            token: self.token.clone(),
            ..Origin::default()
        }
    }

    /// Whether they have a role.
    pub fn has(&self, role: &str) -> bool {
        self.person.roles.contains(role)
    }

    /// Whether they may do what these roles may; without any, everybody may.
    fn has_one_of(&self, needed: &[&str]) -> bool {
        needed.is_empty() || self.has(roles::ADMIN) || needed.iter().any(|role| self.has(role))
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
    /// The scope that a token needs.
    pub scope: Scope,
    /// Whether it makes, moves or undoes a decision.
    pub decides: bool,
}

/// A request that was let in.
struct Admitted {
    request: Request,
    proof: Proof,
    /// Permits that are held until the response has ended.
    permits: Vec<Permit>,
}

/// What let a request in, to be looked at again.
enum Proof {
    /// Nothing was needed, or it holds for good.
    None,
    /// A token, and the roles of which its person needs one.
    Token {
        token: SecretString,
        needed: &'static [&'static str],
    },
    /// A link.
    Visitor(Box<Visitor>),
}

/// Whether a browser says that a page of another site has sent the request. Its cookie stays away from such a form already,
/// as it is `SameSite=Lax`.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    site.is_some_and(|site| site != b"same-origin" && site != b"none")
}

/// Lets a request through to its handler, or refuses it; a browser on a page as a page.
pub async fn guard(
    axum::extract::State(guard): axum::extract::State<Guard>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(params) = params else {
        return Problem::bad_request("path", "the address holds what is no UTF-8").into_response();
    };
    let is_page = guard.is_page() && page::is_wanted(request.headers());
    let path = link_token(&params).map(super::api::page::path_of).unwrap_or_default();
    let response = let_through(guard, params, request, next).await;
    if is_page {
        page::refusal(response, &path)
    } else {
        response
    }
}

async fn let_through(guard: Guard, params: RawPathParams, request: Request, next: Next) -> Response {
    let may_change = !request.method().is_safe();
    let wire = request.extensions().get::<Arc<Wire>>().cloned();
    let host = Arc::clone(&guard.server.host);
    let answer = async {
        match guard.admit(&params, request).await {
            Ok(admitted) => {
                let response = next.run(admitted.request).await;
                let permits = admitted.permits;
                let response = response.map(|body| Held::until_the_end_of(body, permits));
                (response, Some(admitted.proof))
            }
            Err(problem) => (problem.into_response(), None),
        }
    };
    if guard.streaming {
        return match answer.await {
            (response, Some(proof)) if response.status().is_success() => {
                recorded(watched(guard, proof, response), &host, wire)
            }
            (response, _) => response,
        };
    }
    let answer = async { answer.await.0 };
    match tokio::time::timeout(guard.server.settings.request_timeout, answer).await {
        Ok(response) => response,
        Err(_) => Problem::unanswered(may_change).into_response(),
    }
}

impl Guard {
    fn is_page(&self) -> bool {
        matches!(self.access, Access::Page | Access::PageDoor)
    }

    async fn admit(&self, params: &RawPathParams, mut request: Request) -> Result<Admitted, Problem> {
        let client = self.client_of(&request);
        let mut permits = Vec::new();
        if self.access != Access::Health {
            permits.extend(self.counted(&request, client)?);
        }
        if !matches!(self.access, Access::Public | Access::Health) && !self.server.is_ready() {
            return Err(Problem::unavailable("not-ready", "the server is starting: try again"));
        }
        let network = Network::from(client);
        request.extensions_mut().insert(Client(network));
        let proof = match self.access {
            Access::Public | Access::Health => Proof::None,
            Access::Metrics if self.server.settings.metrics_public => Proof::None,
            Access::Metrics => self.token(&mut request, &mut permits, &[roles::ADMIN]).await?,
            Access::Token(needed) => self.token(&mut request, &mut permits, needed).await?,
            Access::Link | Access::LinkDoor | Access::Page | Access::PageDoor => {
                let token = link_token(params).unwrap_or_default();
                permits.push(self.server.flights.enter(Holder::Link(token.to_owned()))?);
                let may_try = !request.method().is_safe();
                if self.is_page() && may_try && is_cross_site(request.headers()) {
                    let detail = "This form was sent from another site. Open the link and send it from its page.";
                    return Err(Problem::new(StatusCode::FORBIDDEN, "cross-site", detail));
                }
                let visitor = self.visitor(params, request.headers(), may_try, client).await?;
                request.extensions_mut().insert(visitor.clone());
                Proof::Visitor(Box::new(visitor))
            }
            Access::WebhookSignature => {
                let request = self.signed(params, request, client).await?;
                let proof = Proof::None;
                return Ok(Admitted {
                    request,
                    proof,
                    permits,
                });
            }
        };
        Ok(Admitted {
            request,
            proof,
            permits,
        })
    }

    /// The client address of the request.
    fn client_of(&self, request: &Request) -> IpAddr {
        let peer = request.extensions().get::<Remote>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |remote| remote.0);
        remote::client(peer, request.headers(), &self.server.settings.trusted_proxies)
    }

    /// Counts a request for its client address, unless the token must be checked first because it
    /// may be an administrator's. On a reserved connection, requests without a token are refused.
    fn counted(&self, request: &Request, client: IpAddr) -> Result<Option<Permit>, Problem> {
        let needs_token = match self.access {
            Access::Token(_) => true,
            Access::Metrics => !self.server.settings.metrics_public,
            _ => false,
        };
        if needs_token {
            return Ok(None);
        }
        if request.extensions().get::<Reserved>().is_some() {
            return Err(no_room());
        }
        self.counted_address(client)
    }

    fn counted_address(&self, client: IpAddr) -> Result<Option<Permit>, Problem> {
        // a proxy that does not name its client stands for many callers
        if remote::is_trusted(client, &self.server.settings.trusted_proxies) {
            return Ok(None);
        }
        self.server.flights.enter(Holder::Address(client.into())).map(Some)
    }

    async fn token(
        &self,
        request: &mut Request,
        permits: &mut Vec<Permit>,
        needed: &'static [&'static str],
    ) -> Result<Proof, Problem> {
        let token = bearer(request.headers()).unwrap_or_default().to_owned();
        let client = self.client_of(request);
        let Some(mut caller) = self.caller(&token).await else {
            if !token.is_empty() {
                self.server.host.count_stranger(Unproven::Token, client, None);
            }
            let detail = "a valid token is needed: Authorization: Bearer gf_…";
            return Err(self.unproven(client.into(), "token", detail));
        };
        if !caller.has(roles::ADMIN) {
            if request.extensions().get::<Reserved>().is_some() {
                return Err(no_room());
            }
            permits.extend(self.counted_address(client)?);
        }
        caller.from = Some(client).filter(|_| caller.local.is_none());
        let door = format!("{} {}", request.method(), request.uri().path());
        if !caller.scopes.as_ref().is_none_or(|scopes| scopes.contains(&self.scope)) {
            let detail = format!(
                "this token does not have the scope {}: use another token, or make one with `gatefold token new`",
                self.scope.as_str()
            );
            return Err(self.refused(&caller, door, "scope", detail).await);
        }
        if !caller.has_one_of(needed) {
            let detail = format!("the role {} is needed", needed.join(" or "));
            return Err(self.refused(&caller, door, "role", detail).await);
        }
        if let Some(local) = &caller.local {
            let is_change = !request.method().is_safe();
            self.check_local(&caller, local, is_change, door.clone()).await?;
        }
        if let Some(token) = &caller.token {
            self.server.accounts.note_use(token, self.server.host.now());
        }
        permits.push(self.server.flights.enter(Holder::Person(caller.user.clone()))?);
        if self.streaming {
            permits.push(self.server.flights.enter(Holder::Streaming(caller.user.clone()))?);
        }
        if needed == [roles::ADMIN] && !request.method().is_safe() {
            self.record_administration(&caller, door).await?;
        }
        request.extensions_mut().insert(caller);
        Ok(Proof::Token {
            token: SecretString::from(token),
            needed,
        })
    }

    /// Records that an administrator asks for a change, before it is made: who, from where, and with which token. What
    /// came of it is recorded with the change.
    async fn record_administration(&self, caller: &Caller, door: String) -> Result<(), Problem> {
        let origin = caller.origin().about(door);
        let entry = AccessEntry::of(AccessKind::Call, &caller.principal(), origin, self.server.host.now());
        Ok(self.server.host.log(vec![entry]).await?)
    }

    /// Refuses what an account of the machine may not do once people are served: to change anything in the name of a
    /// person, and whatever decides. With broken glass it may, and that is recorded.
    async fn check_local(
        &self,
        caller: &Caller,
        local: &LocalAccess,
        is_change: bool,
        door: String,
    ) -> Result<(), Problem> {
        let names_person = local.account != caller.user;
        let needs_glass = self.decides || (names_person && is_change);
        if !needs_glass || !self.server.host.has_served().await? {
            return Ok(());
        }
        let Some(reason) = &local.break_glass else {
            let detail = "a server has run on this data, so people act and decide through it: give --server and a token \
                          of your own. In an emergency `--break-glass REASON` does it here, and account and reason are \
                          recorded";
            return Err(self.refused(caller, door, "local-decision", detail.to_owned()).await);
        };
        let what = format!("{door}: {} broke the glass: {reason}", local.account);
        let entry = AccessEntry::of(
            AccessKind::Call,
            &caller.principal(),
            caller.origin().about(what),
            self.server.host.now(),
        );
        Ok(self.server.host.log(vec![entry]).await?)
    }

    /// What somebody who is known asked for in vain, which is recorded.
    async fn refused(&self, caller: &Caller, door: String, name: &str, detail: String) -> Problem {
        let now = self.server.host.now();
        let origin = caller.origin().about(door);
        let entry = AccessEntry {
            refused: Some(detail.clone()),
            ..AccessEntry::of(AccessKind::Call, &caller.principal(), origin, now)
        };
        match self.server.host.log(vec![entry]).await {
            Ok(()) => Problem::new(StatusCode::FORBIDDEN, name, detail),
            Err(error) => error.into(),
        }
    }

    async fn caller(&self, token: &str) -> Option<Caller> {
        self.server.refresh_accounts().await;
        let admitted = self.server.accounts.person_with(token)?;
        let is_local = admitted.local.is_some();
        let line = self.server.accounts.token(token).filter(|_| !is_local);
        if line.as_ref().is_some_and(|line| line.is_over(self.server.host.now())) {
            return None;
        }
        Some(Caller {
            user: admitted.user,
            person: admitted.person,
            local: admitted.local,
            token: line.as_ref().map(TokenLine::id),
            scopes: line.and_then(|line| line.scopes),
            from: None,
        })
    }

    /// Whether what let a request in still does.
    async fn still_holds(&self, proof: &Proof) -> bool {
        match proof {
            Proof::None => true,
            Proof::Token { token, needed } => {
                let caller = self.caller(token.expose_secret()).await;
                caller.is_some_and(|caller| caller.has_one_of(needed))
            }
            Proof::Visitor(visitor) => {
                self.server.refresh_accounts().await;
                self.server.host.may_continue(visitor).await
            }
        }
    }

    async fn visitor(
        &self,
        params: &RawPathParams,
        headers: &HeaderMap,
        may_try: bool,
        from: IpAddr,
    ) -> Result<Visitor, Problem> {
        let client = Network::from(from);
        // what a link gives may depend on the directory
        self.server.refresh_accounts().await;
        let password = share_password(headers)?.filter(|_| may_try);
        let host = &self.server.host;
        let entered = match link_token(params) {
            None => Err(HostError::NotFound("such link".to_owned())),
            Some(token) if matches!(self.access, Access::LinkDoor | Access::PageDoor) => host.knock(token).await,
            Some(token) if password.is_some() => host.enter(token, password.as_deref(), client).await,
            Some(token) => host.enter_with_pass(token, self.pass_in(headers)).await,
        };
        entered.map_err(|error| match error {
            HostError::NotFound(_) => {
                self.server.host.count_stranger(Unproven::Link, from, None);
                match self.server.throttle.failed(client) {
                    Ok(()) => Problem::not_found("such link"),
                    Err(seconds) => Problem::too_many(seconds),
                }
            }
            other => other.into(),
        })
    }

    /// What was given for the right password; on a page the browser may have kept it.
    fn pass_in<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let sent = headers.get(PASS_HEADER).and_then(|pass| pass.to_str().ok());
        sent.or_else(|| self.is_page().then(|| page::pass_in(headers)).flatten())
    }

    /// Checks a signature over the whole body and hands the body on. Before that nothing is known of who sends it, so
    /// few such bodies are read at once.
    async fn signed(&self, params: &RawPathParams, request: Request, from: IpAddr) -> Result<Request, Problem> {
        let client = Network::from(from);
        let _unproven = [
            self.server.flights.enter(Holder::Unproven(client))?,
            self.server.flights.enter(Holder::AllUnproven)?,
        ];
        let flow = param(params, "flow").unwrap_or_default().to_owned();
        let (mut parts, body) = request.into_parts();
        let body = super::extract::bytes_of(&self.server, &parts.headers, body).await?;
        let keys = self.server.host.webhook_secrets(&flow).await.ok().map(|secrets| Keys {
            current: secrets.current,
            previous: secrets.previous,
            is_shared: secrets.is_shared,
        });
        let now = self.server.host.now();
        // Unknown flow, missing trigger, wrong or old signature: one answer for all.
        let Some(signed) = signature::check(&parts.headers, &flow, &body, keys.as_ref(), now) else {
            // a name that no flow has may be anything
            let known = keys.is_some().then_some(flow);
            self.server.host.count_stranger(Unproven::Signature, from, known);
            return Err(self.unproven(client, "signature", "a valid signature is needed"));
        };
        parts.extensions.insert::<Signed>(signed);
        Ok(Request::from_parts(parts, body.into()))
    }

    fn unproven(&self, client: Network, name: &str, detail: &str) -> Problem {
        match self.server.throttle.failed(client) {
            Ok(()) => Problem::new(StatusCode::UNAUTHORIZED, name, detail)
                .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            Err(seconds) => Problem::too_many(seconds),
        }
    }
}

/// The refusal on a reserved connection.
fn no_room() -> Problem {
    let detail = "the server has reached its limit of connections: try again later";
    Problem::unavailable("connections", detail)
}

/// The answer for as long as what let the request in still does.
fn watched(guard: Guard, proof: Proof, response: Response) -> Response {
    struct Watch {
        guard: Guard,
        proof: Proof,
        pieces: BodyDataStream,
        looked_at: Instant,
        sent: usize,
    }
    let (parts, body) = response.into_parts();
    let watch = Watch {
        guard,
        proof,
        pieces: body.into_data_stream(),
        looked_at: Instant::now(),
        sent: 0,
    };
    let pieces = futures_util::stream::try_unfold(watch, |mut watch| async move {
        let Some(piece) = watch.pieces.next().await.transpose()? else {
            return Ok(None);
        };
        if watch.looked_at.elapsed() >= RIGHT_GOOD_FOR || watch.sent >= RIGHT_GOOD_BYTES {
            if !watch.guard.still_holds(&watch.proof).await {
                tracing::info!("an answer was broken off: who asked may no longer have it");
                return Err(axum::Error::new(std::io::Error::from(
                    std::io::ErrorKind::PermissionDenied,
                )));
            }
            (watch.looked_at, watch.sent) = (Instant::now(), 0);
        }
        watch.sent += piece.len();
        Ok::<_, axum::Error>(Some((piece, watch)))
    });
    Response::from_parts(parts, Body::from_stream(pieces))
}

/// The token of a link, if that is what stands in the path.
fn link_token(params: &RawPathParams) -> Option<&str> {
    let is_token =
        |token: &&str| token.len() == LINK_TOKEN_LENGTH && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    param(params, "token").filter(is_token)
}

fn param<'p>(params: &'p RawPathParams, name: &str) -> Option<&'p str> {
    params.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The password of a link, if one was sent. Headers carry no umlaut and lose spaces at their edges;
/// percent-encoding carries every password there is.
fn share_password(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut all = headers.get_all(PASSWORD_HEADER).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match percent_decoded(value.as_bytes()) {
            Some(password) => Ok(Some(password)),
            None => Err(Problem::bad_request(
                "password",
                format!("the password cannot be read: {PASSWORD_IN_WORDS}"),
            )),
        },
        (Some(_), Some(_)) => Err(Problem::bad_request(
            "password",
            "the password was sent twice: send it once",
        )),
    }
}

/// Text of percent-encoded UTF-8. `None` for anything that could be meant in two ways.
fn percent_decoded(encoded: &[u8]) -> Option<String> {
    let hex = |digit: Option<&u8>| char::from(*digit?).to_digit(16);
    let mut bytes = encoded.iter();
    let mut decoded = Vec::with_capacity(encoded.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => u8::try_from(hex(bytes.next())? * 16 + hex(bytes.next())?).ok()?,
            b' '..=b'~' => *byte,
            _ => return None,
        });
    }
    String::from_utf8(decoded).ok()
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
proven!(Client);
proven!(Visitor);
proven!(Signed);
