//! `http`: calls to other services.
//!
//! Invariant: no call reaches an address that [`addresses`] refuses, whatever the URL, the DNS
//! or the answer says. The address is checked where the connection is made, so a name that
//! changes its mind between check and connection gains nothing; redirects are not followed.
//!
//! Every try of a step carries the same `Idempotency-Key`. A call whose answer did not come may be
//! made again where its method says so (RFC 9110, 9.2.2), or where the author says that the service
//! knows the header. Any other is in doubt: it may have been heard.

pub mod addresses;

use super::action::{Action, info};
use crate::base::{FlowRight, Reach, Value};
use crate::connect::hosts::host_of;
use crate::connect::{ActionError, CallContext, Handler, OutsideAction, Registered, read_input};
use crate::spec::Effect;
use addresses::{GuardedResolver, NotAllowed};
use futures_util::StreamExt;
use indexmap::IndexMap;
use ipnet::IpNet;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use reqwest::{Client, Method, Response, StatusCode, Url};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How far `http.request` may reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Networks that are not public and may be reached all the same.
    pub allowed_networks: Vec<IpNet>,
    /// Longest call, from the first byte of the request to the last of the answer, in milliseconds.
    pub timeout_ms: u64,
    /// Longest answer, in bytes.
    pub max_response_bytes: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            allowed_networks: Vec::new(),
            timeout_ms: 30_000,
            max_response_bytes: 1 << 20,
        }
    }
}

/// Headers that belong to the connection or to us.
const OWN_HEADERS: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "idempotency-key",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A call to a service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The method; `GET` if none is given.
    #[serde(default)]
    method: HttpMethod,
    /// The address, with `http` or `https`. Redirects are not followed.
    #[schemars(extend("format" = "uri"))]
    url: String,
    /// Headers. `Idempotency-Key` is always sent and cannot be set.
    #[serde(default)]
    headers: IndexMap<String, String>,
    /// Parameters that are added to the address.
    #[serde(default)]
    query: IndexMap<String, Scalar>,
    /// The body, sent as JSON.
    json: Option<Value>,
    /// Status codes that count as success; 200 to 299 if none are given.
    #[schemars(inner(range(min = 200, max = 599)))]
    expect: Option<Vec<u16>>,
    /// That the service knows `Idempotency-Key`, so that a `POST` or `PATCH` sent twice counts once. Without it neither is
    /// ever repeated by itself: where the answer is lost, a person decides. Other methods may always be sent twice.
    #[serde(default)]
    repeatable: bool,
}

/// The part of the input that says whether the call may be made twice.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    method: HttpMethod,
    #[serde(default)]
    repeatable: bool,
}

/// A method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum HttpMethod {
    /// Fetch.
    #[default]
    Get,
    /// Fetch the headers.
    Head,
    /// Create or do.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Delete.
    Delete,
}

/// A value of a parameter.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Scalar {
    /// Text.
    Text(String),
    /// Yes or no.
    Boolean(bool),
    /// A number.
    Number(serde_json::Number),
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The status code.
    status: u16,
    /// The headers, names in lower case; cookies are left out.
    headers: IndexMap<String, String>,
    /// The body: data where it is JSON, else text; nothing where it is neither.
    body: Value,
}

struct Request;

impl Action for Request {
    const NAME: &'static str = "http.request";
    const SUMMARY: &'static str = "Call a service over HTTP.";
    const EFFECT: Effect = Effect::Write;
    type Input = Input;
    type Output = Output;
}

/// The action of `http`.
pub(super) fn action(settings: &HttpSettings) -> Registered {
    Registered {
        info: info::<Request>(false, false),
        handler: Handler::Outside(Arc::new(Http::new(settings.clone()))),
    }
}

struct Http {
    settings: HttpSettings,
    /// Made for the first call: reading the machine's root certificates takes a while, and many
    /// installations call nobody.
    client: OnceLock<Result<Client, String>>,
}

impl Http {
    fn new(settings: HttpSettings) -> Self {
        Self {
            settings,
            client: OnceLock::new(),
        }
    }

    fn client(&self) -> Result<&Client, ActionError> {
        let made = self.client.get_or_init(|| {
            let resolver = GuardedResolver::new(self.settings.allowed_networks.clone());
            Client::builder()
                .dns_resolver(Arc::new(resolver))
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .no_proxy() // a proxy would resolve names itself, past the check
                .timeout(Duration::from_millis(self.settings.timeout_ms))
                .user_agent(concat!("gatefold/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|error| error.to_string())
        });
        made.as_ref()
            .map_err(|error| permanent(format!("HTTP is not available: {error}")))
    }

    async fn send(&self, cx: &CallContext, input: Input) -> Result<Output, ActionError> {
        let url = self.target(&input)?;
        let host = host_of(url.as_str()).ok_or_else(|| permanent("url: there is no host in it"))?;
        cx.check(&FlowRight::Call {
            host: Reach::Only(host),
        })?;
        let place = place(&url);
        let mut request = self
            .client()?
            .request(input.method.into(), url)
            .headers(headers(&input, &cx.key)?);
        if let Some(body) = &input.json {
            request = request.json(body);
        }
        let lost = if may_repeat(input.method, input.repeatable) {
            ActionError::Transient
        } else {
            ActionError::InDoubt
        };
        let response = request.send().await.map_err(|error| call_failed(&place, error, lost))?;
        check_status(&place, response.status(), input.expect.as_deref(), lost)?;
        self.read(&place, response, lost).await
    }

    /// The address to call, refused where it is a literal that may not be reached. Names are
    /// checked by the resolver.
    fn target(&self, input: &Input) -> Result<Url, ActionError> {
        let mut url: Url = input
            .url
            .trim()
            .parse()
            .map_err(|error| permanent(format!("url: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(permanent(format!(
                "url: {}: only http and https can be called",
                url.scheme()
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(permanent("url: it holds a login; give it as a header instead"));
        }
        let host = url.host_str().ok_or_else(|| permanent("url: there is no host in it"))?;
        if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            addresses::check(address, &self.settings.allowed_networks)
                .map_err(|refused| permanent(refused.to_string()))?;
        }
        if !input.query.is_empty() {
            let mut pairs = url.query_pairs_mut();
            for (name, value) in &input.query {
                pairs.append_pair(name, &value.to_string());
            }
        }
        Ok(url)
    }

    async fn read(&self, place: &str, response: Response, lost: Failed) -> Result<Output, ActionError> {
        let status = response.status().as_u16();
        let headers = shown_headers(response.headers());
        let is_json = headers.get("content-type").is_some_and(|kind| is_json(kind));
        let limit = self.settings.max_response_bytes;
        let mut bytes = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| call_failed(place, error, lost))?;
            if bytes.len() + chunk.len() > limit {
                return Err(permanent(format!("{place} answered with more than {limit} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        let body = match String::from_utf8(bytes) {
            Ok(text) if text.is_empty() => Value::Null,
            Ok(text) if is_json => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            Ok(text) => Value::String(text),
            Err(_) => Value::Null,
        };
        Ok(Output { status, headers, body })
    }
}

/// What a failure is that leaves open whether the call was heard.
type Failed = fn(String) -> ActionError;

/// Whether the call can be made twice and count once.
fn may_repeat(method: HttpMethod, repeatable: bool) -> bool {
    match method {
        HttpMethod::Get | HttpMethod::Head | HttpMethod::Put | HttpMethod::Delete => true,
        HttpMethod::Post | HttpMethod::Patch => repeatable,
    }
}

#[async_trait::async_trait]
impl OutsideAction for Http {
    fn is_repeatable(&self, input: &Value) -> bool {
        // what cannot be read is never sent
        serde_json::from_value::<Asked>(input.clone()).is_ok_and(|asked| may_repeat(asked.method, asked.repeatable))
    }

    async fn call(&self, cx: &CallContext, input: Value) -> Result<Value, ActionError> {
        super::output(self.send(cx, read_input(input)?).await?)
    }
}

fn permanent(message: impl Into<String>) -> ActionError {
    ActionError::Permanent(message.into())
}

/// What may be said of an address in a message: paths and parameters may hold secrets.
fn place(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

fn headers(input: &Input, key: &str) -> Result<HeaderMap, ActionError> {
    let mut headers = HeaderMap::with_capacity(input.headers.len() + 1);
    for (name, value) in &input.headers {
        let lower = name.to_ascii_lowercase();
        if OWN_HEADERS.contains(&lower.as_str()) || lower.starts_with("proxy-") {
            return Err(permanent(format!("headers: {name} cannot be set")));
        }
        let name: HeaderName = lower
            .parse()
            .map_err(|_| permanent("headers: one has a name that is none"))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| {
            permanent(format!(
                "headers: the value of {name} holds characters that a header cannot"
            ))
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    let key = HeaderValue::from_str(key).map_err(|_| permanent("the idempotency key is no header value"))?;
    headers.insert("idempotency-key", key);
    Ok(headers)
}

fn check_status(place: &str, status: StatusCode, expect: Option<&[u16]>, lost: Failed) -> Result<(), ActionError> {
    let expected = expect.map_or_else(|| status.is_success(), |codes| codes.contains(&status.as_u16()));
    if expected {
        return Ok(());
    }
    let message = format!("{place} answered {status}");
    let is_turned_away = matches!(
        status,
        StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_EARLY
    );
    if is_turned_away {
        Err(ActionError::Transient(message))
    } else if status.is_server_error() {
        Err(lost(message))
    } else if status.is_redirection() {
        Err(permanent(format!(
            "{message}: redirects are not followed, call the final address"
        )))
    } else {
        Err(permanent(message))
    }
}

/// Why there is no answer. The address is left out of the library's words: it may hold secrets.
fn call_failed(place: &str, error: reqwest::Error, lost: Failed) -> ActionError {
    let error = error.without_url();
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    let mut deepest = error.to_string();
    while let Some(cause) = source {
        if let Some(refused) = cause.downcast_ref::<NotAllowed>() {
            return permanent(refused.to_string());
        }
        deepest = cause.to_string();
        source = cause.source();
    }
    let lost = if error.is_connect() {
        // nobody was there to hear it
        ActionError::Transient
    } else {
        lost
    };
    if error.is_timeout() {
        return lost(format!("{place} did not answer in time"));
    }
    if error.is_builder() {
        return permanent(format!("the request to {place} cannot be made: {deepest}"));
    }
    lost(format!("the call to {place} broke off: {deepest}"))
}

fn shown_headers(headers: &HeaderMap) -> IndexMap<String, String> {
    let mut shown: IndexMap<String, String> = IndexMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| **name != SET_COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        let entry = shown.entry(name.as_str().to_owned()).or_default();
        if !entry.is_empty() {
            entry.push_str(", ");
        }
        entry.push_str(&value);
    }
    shown
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Boolean(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl From<HttpMethod> for Method {
    fn from(method: HttpMethod) -> Self {
        match method {
            HttpMethod::Get => Self::GET,
            HttpMethod::Head => Self::HEAD,
            HttpMethod::Post => Self::POST,
            HttpMethod::Put => Self::PUT,
            HttpMethod::Patch => Self::PATCH,
            HttpMethod::Delete => Self::DELETE,
        }
    }
}
