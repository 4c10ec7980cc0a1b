//! `http.request` against a real server on this machine, and against everything it must not reach.

use super::{Installation, call_outside};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use gatefold::base::Value;
use gatefold::connect::ActionError;
use gatefold::connectors::http::HttpSettings;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often the server was asked.
type Asked = Arc<AtomicUsize>;

struct Service {
    address: SocketAddr,
    asked: Asked,
}

impl Service {
    async fn start() -> Self {
        let asked = Asked::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let count = |State(asked): State<Asked>, request: Request, next: axum::middleware::Next| async move {
            asked.fetch_add(1, Ordering::SeqCst);
            next.run(request).await
        };
        let app = Router::new()
            .route("/echo", any(echo))
            .route(
                "/status/{code}",
                any(|axum::extract::Path(code): axum::extract::Path<u16>| async move {
                    StatusCode::from_u16(code).unwrap()
                }),
            )
            .route(
                "/redirect",
                get(move || async move { Redirect::temporary(&format!("http://{address}/echo")) }),
            )
            .route(
                "/bytes/{size}",
                get(|axum::extract::Path(size): axum::extract::Path<usize>| async move { "x".repeat(size) }),
            )
            .route("/binary", get(|| async { [0xffu8, 0, 1] }))
            .route(
                "/bad-json",
                get(|| async { ([(header::CONTENT_TYPE, "application/json")], "{") }),
            )
            .route(
                "/cookie",
                get(|| async { ([(header::SET_COOKIE, "session=secret")], "") }),
            )
            .route("/never", any(std::future::pending::<String>))
            .route("/never-ends", get(never_ends))
            .route("/broken", post(broken))
            .layer(axum::middleware::from_fn_with_state(Arc::clone(&asked), count))
            .with_state(Arc::clone(&asked));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let text = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    axum::Json(json!({
        "method": parts.method.as_str(),
        "query": parts.uri.query(),
        "key": text("idempotency-key"),
        "token": text("x-token"),
        "agent": text("user-agent"),
        "body": serde_json::from_slice::<Value>(&body).ok(),
    }))
    .into_response()
}

async fn never_ends() -> Body {
    let first = futures_util::stream::iter([Ok::<_, std::io::Error>("first")]);
    Body::from_stream(futures_util::StreamExt::chain(first, futures_util::stream::pending()))
}

/// Promises more bytes than it sends, and hangs up.
async fn broken(_: HeaderMap) -> Response {
    let bytes = futures_util::stream::iter([Ok("half"), Err(std::io::Error::other("gone"))]);
    ([(header::CONTENT_LENGTH, "100")], Body::from_stream(bytes)).into_response()
}

fn loopback() -> HttpSettings {
    HttpSettings {
        allowed_networks: vec!["127.0.0.0/8".parse().unwrap()],
        timeout_ms: 10_000,
        max_response_bytes: 1000,
    }
}

async fn request_with(settings: HttpSettings, input: Value) -> Result<Value, ActionError> {
    let mut installation = Installation::new();
    installation.settings.http = settings;
    call_outside(&installation.registry(), "http.request", input).await
}

async fn request(input: Value) -> Result<Value, ActionError> {
    request_with(loopback(), input).await
}

fn permanent(result: Result<Value, ActionError>) -> String {
    match result {
        Err(ActionError::Permanent(message)) => message,
        other => panic!("{other:?}"),
    }
}

fn transient(result: Result<Value, ActionError>) -> String {
    match result {
        Err(ActionError::Transient(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_call_carries_what_was_given_and_the_key() {
    let service = Service::start().await;
    let output = request(json!({
        "method": "POST",
        "url": service.url("/echo?a=1"),
        "query": {"b": "x y&", "n": 2, "yes": true},
        "headers": {"X-Token": "secret"},
        "json": {"hello": [1, null]},
    }))
    .await
    .unwrap();
    assert_eq!(output["status"], 200);
    assert_eq!(output["headers"]["content-type"], "application/json");
    assert_eq!(
        output["body"],
        json!({
            "method": "POST",
            "query": "a=1&b=x+y%26&n=2&yes=true",
            "key": "run_1:step:1",
            "token": "secret",
            "agent": concat!("gatefold/", env!("CARGO_PKG_VERSION")),
            "body": {"hello": [1, null]},
        })
    );
}

#[tokio::test]
async fn bodies_are_data_or_text_or_nothing() {
    let service = Service::start().await;
    for (path, body) in [
        ("/bytes/3", json!("xxx")),
        ("/binary", Value::Null),
        ("/bad-json", json!("{")),
        ("/status/204", Value::Null),
    ] {
        assert_eq!(
            request(json!({"url": service.url(path)})).await.unwrap()["body"],
            body,
            "{path}"
        );
    }
    let output = request(json!({"url": service.url("/cookie"), "method": "HEAD"}))
        .await
        .unwrap();
    assert_eq!(output["headers"].get("set-cookie"), None, "cookies are credentials");
}

#[tokio::test]
async fn a_status_says_whether_trying_again_helps() {
    let service = Service::start().await;
    for code in [500, 502, 503, 429, 408] {
        let message = transient(request(json!({"url": service.url(&format!("/status/{code}"))})).await);
        assert!(message.contains(&code.to_string()), "{message}");
    }
    for code in [400, 401, 404, 409, 422] {
        let message = permanent(request(json!({"url": service.url(&format!("/status/{code}"))})).await);
        assert!(message.contains(&code.to_string()), "{message}");
    }
    let output = request(json!({"url": service.url("/status/404"), "expect": [200, 404]}))
        .await
        .unwrap();
    assert_eq!(output["status"], 404);
    permanent(request(json!({"url": service.url("/bytes/1"), "expect": [201]})).await);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let service = Service::start().await;
    let message = permanent(request(json!({"url": service.url("/redirect")})).await);
    assert!(message.contains("307") && message.contains("not followed"), "{message}");
    assert_eq!(service.asked(), 1, "only the first address was called");
}

#[tokio::test]
async fn answers_have_a_limit() {
    let service = Service::start().await;
    let output = request(json!({"url": service.url("/bytes/1000")})).await.unwrap();
    assert_eq!(output["body"].as_str().unwrap().len(), 1000);
    let message = permanent(request(json!({"url": service.url("/bytes/1001")})).await);
    assert!(message.contains("more than 1000 bytes"), "{message}");
}

#[tokio::test]
async fn no_call_lasts_for_ever() {
    let service = Service::start().await;
    for path in ["/never", "/never-ends"] {
        let settings = HttpSettings {
            timeout_ms: 100,
            ..loopback()
        };
        let message = transient(request_with(settings, json!({"url": service.url(path)})).await);
        assert!(message.contains("did not answer in time"), "{path}: {message}");
    }
}

fn in_doubt(result: Result<Value, ActionError>) -> String {
    match result {
        Err(ActionError::InDoubt(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_changes_something_is_repeated_only_where_the_author_says_that_it_may_be() {
    let service = Service::start().await;
    let registry = Installation::new().registry();
    let action = registry.get("http.request").unwrap();
    for (method, always) in [
        ("GET", true),
        ("HEAD", true),
        ("PUT", true),
        ("DELETE", true),
        ("POST", false),
        ("PATCH", false),
    ] {
        let input = json!({"method": method, "url": service.url("/never")});
        assert_eq!(action.is_repeatable(&input), always, "{method}");
        let mut said = input.clone();
        said["repeatable"] = json!(true);
        assert!(action.is_repeatable(&said), "{method}");
        let settings = HttpSettings {
            timeout_ms: 100,
            ..loopback()
        };
        transient(request_with(settings.clone(), said).await);
        match (always, request_with(settings, input).await) {
            (true, Err(ActionError::Transient(_))) | (false, Err(ActionError::InDoubt(_))) => {}
            (_, other) => panic!("{method}: {other:?}"),
        }
    }
    assert!(action.is_repeatable(&json!({"url": service.url("/echo")})), "a GET");
    for code in [500, 502, 504] {
        let url = service.url(&format!("/status/{code}"));
        in_doubt(request(json!({"method": "POST", "url": url})).await);
    }
    for code in [503, 429, 425, 408] {
        let url = service.url(&format!("/status/{code}"));
        transient(request(json!({"method": "POST", "url": url})).await);
    }
}

#[tokio::test]
async fn what_broke_off_can_be_tried_again_with_the_same_key() {
    let service = Service::start().await;
    let mut input = json!({"method": "POST", "url": service.url("/broken?token=secret")});
    let message = in_doubt(request(input.clone()).await);
    assert!(!message.contains("secret"), "{message}");
    input["repeatable"] = json!(true);
    let message = transient(request(input).await);
    assert!(!message.contains("secret"), "{message}");
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let message = transient(request(json!({"method": "POST", "url": format!("http://{nobody}/hook/secret")})).await);
    assert!(
        message.contains(&nobody.to_string()) && !message.contains("secret"),
        "{message}"
    );
}

#[tokio::test]
async fn private_addresses_are_not_called_however_they_are_written() {
    let service = Service::start().await;
    let port = service.address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "①②⑦.0.0.1",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[::]",
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.100.100.200",
        "224.0.0.1",
        "[fe80::1]",
        "[ff02::1]",
        "255.255.255.255",
    ] {
        let url = format!("http://{host}:{port}/echo");
        let message = permanent(request_with(HttpSettings::default(), json!({"url": url})).await);
        assert!(message.contains("not a public address"), "{url}: {message}");
    }
    assert_eq!(service.asked(), 0);
}

#[tokio::test]
async fn a_name_reaches_what_is_allowed_and_nothing_else() {
    let service = Service::start().await;
    let url = format!("http://localhost:{}/bytes/1", service.address.port());
    request(json!({"url": url})).await.unwrap();
    let elsewhere = HttpSettings {
        allowed_networks: vec!["10.0.0.0/8".parse().unwrap()],
        ..HttpSettings::default()
    };
    let message = permanent(request_with(elsewhere, json!({"url": url})).await);
    assert!(message.contains("localhost is not a public address"), "{message}");
    assert_eq!(service.asked(), 1);
}

#[tokio::test]
async fn only_http_without_a_login_is_called() {
    for (url, why) in [
        ("file:///etc/passwd", "only http and https"),
        ("ftp://example.com/x", "only http and https"),
        ("gopher://127.0.0.1:70/", "only http and https"),
        ("http://user:secret@example.com/", "a login"),
        ("not a url", "url: "),
        ("http://", "url: "),
        ("", "url: "),
    ] {
        let message = permanent(request(json!({"url": url})).await);
        assert!(message.contains(why) && !message.contains("secret"), "{url}: {message}");
    }
}

#[tokio::test]
async fn headers_cannot_change_the_connection_nor_smuggle_another() {
    let service = Service::start().await;
    for (name, value) in [
        ("Host", "internal.example"),
        ("idempotency-key", "mine"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Proxy-Authorization", "x"),
        ("X-A", "1\r\nX-B: 2"),
        ("X A", "1"),
        ("X-A\r\nX-B", "1"),
    ] {
        let input = json!({"url": service.url("/echo"), "headers": {name: value}});
        let message = permanent(request(input).await);
        assert!(message.starts_with("headers: "), "{name:?}: {message}");
    }
    assert_eq!(service.asked(), 0);
}
