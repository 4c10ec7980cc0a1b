//! Callers behind a trusted proxy are distinguished, and nobody else can choose the address that
//! counts.

use crate::harness::Harness;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use gatefold::host::throttle::PROOFS;
use gatefold::server::remote::Remote;
use gatefold::server::{Server, Settings};
use std::sync::Arc;
use tower::ServiceExt;

/// A server behind the proxy 10.0.0.1, with a limit of concurrent requests for each address.
fn behind_proxy(harness: &Harness, per_address: usize) -> Router {
    let mut settings = Settings {
        trusted_proxies: vec!["10.0.0.1/32".parse().unwrap()],
        ..harness.server.settings.clone()
    };
    settings.most.per_address = per_address;
    let (host, accounts) = (Arc::clone(&harness.host), Arc::clone(&harness.server.accounts));
    Server::new(host, accounts, settings, harness.stop.clone()).router()
}

/// Sends a request on a connection from `peer`, with `X-Forwarded-For`.
async fn ask(router: &Router, peer: &str, forwarded_for: &str, path: &str, token: &str) -> axum::response::Response {
    let request = Request::get(path)
        .extension(Remote(peer.parse().unwrap()))
        .header("x-forwarded-for", forwarded_for)
        .header("authorization", format!("Bearer {token}"));
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await;
    answer.unwrap()
}

#[tokio::test(start_paused = true)]
async fn guessing_behind_a_proxy_throttles_only_the_guesser() {
    let harness = Harness::new().await;
    let router = behind_proxy(&harness, 256);
    let guess = |peer, forwarded_for| ask(&router, peer, forwarded_for, "/api/v1/runs", "gf_wrong");
    for _ in 0..PROOFS.failures {
        assert_eq!(
            guess("10.0.0.1", "198.51.100.7").await.status(),
            StatusCode::UNAUTHORIZED
        );
    }
    let same = guess("10.0.0.1", "1.2.3.4, 198.51.100.7").await;
    assert_eq!(
        same.status(),
        StatusCode::TOO_MANY_REQUESTS,
        "what the caller wrote does not count"
    );
    assert_eq!(
        guess("10.0.0.1", "198.51.100.8").await.status(),
        StatusCode::UNAUTHORIZED
    );
    for number in 0..PROOFS.failures {
        let chosen = format!("192.0.2.{number}");
        let made_up = ask(&router, "203.0.113.9", &chosen, "/api/v1/runs", "gf_wrong").await;
        assert_eq!(made_up.status(), StatusCode::UNAUTHORIZED);
    }
    let elsewhere = guess("203.0.113.9", "192.0.2.250").await;
    assert_eq!(
        elsewhere.status(),
        StatusCode::TOO_MANY_REQUESTS,
        "it is no proxy of ours"
    );
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_address_are_limited_except_those_of_administrators() {
    let harness = Harness::new().await;
    let router = behind_proxy(&harness, 2);
    let get = |forwarded_for, user| ask(&router, "10.0.0.1", forwarded_for, "/api/v1/runs", harness.token(user));
    let held = [
        get("198.51.100.7", "operator").await,
        get("198.51.100.7", "operator").await,
    ];
    assert!(held.iter().all(|answer| answer.status() == StatusCode::OK));
    let past = get("198.51.100.7", "operator").await;
    assert_eq!(past.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        get("198.51.100.8", "operator").await.status(),
        StatusCode::OK,
        "another address"
    );
    assert_eq!(get("198.51.100.7", "admin").await.status(), StatusCode::OK);
    drop(held);
    assert_eq!(get("198.51.100.7", "operator").await.status(), StatusCode::OK);
}
