//! Requests as such: what is not understood, what is too much, and what every answer has.

use crate::harness::{BODY_BYTES, Harness};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use gatefold::host::throttle;
use gatefold::server::{Server, Settings};
use gatefold::space::Role;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use tower::ServiceExt;

#[tokio::test(start_paused = true)]
async fn what_is_not_there_or_not_so_is_a_problem_too() {
    let harness = Harness::new().await;
    let answer = harness.get("/nowhere").send().await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::NOT_FOUND, "not-found")
    );
    let answer = harness.ask(Method::DELETE, "/api/v1/runs").by("admin").send().await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed")
    );
    assert!(answer.header("allow").contains("GET"), "{:?}", answer.headers);
    for path in [
        "/api/v1/runs/",
        "/api/v1/../healthz",
        "//healthz",
        "/api/v1/openapi.json/x",
        "/API/v1/runs",
    ] {
        assert_eq!(
            harness.get(path).by("admin").send().await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn every_answer_tells_browsers_to_do_nothing_and_has_an_id_of_its_own() {
    let harness = Harness::new().await;
    let mut ids = Vec::new();
    for path in ["/healthz", "/nowhere", "/api/v1/runs"] {
        let answer = harness.get(path).header("x-request-id", "chosen").send().await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        ids.push(answer.header("x-request-id").to_owned());
    }
    let different: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(different.len(), 3, "{ids:?}");
    assert!(!ids.contains(&"chosen".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn json_that_does_not_fit_is_refused_with_its_place() {
    let harness = Harness::new().await;
    let path = "/api/v1/events";
    for (body, place) in [
        ("{", ""),
        ("", ""),
        ("[]", ""),
        ("{\"id\":1,\"type\":\"a.b\"}", "/id"),
        ("{\"id\":\"1\",\"type\":\"a.b\",\"extra\":1}", "/extra"),
        ("{\"id\":\"1\",\"id\":\"2\",\"type\":\"a.b\"}", "/id"),
        ("{\"id\":\"1\",\"type\":\"a.b\"} {}", ""),
        ("{\"id\":\"1\",\"type\":\"a.b\",\"data\":[]}", "/data"),
    ] {
        let ask = harness
            .post(path)
            .by("operator")
            .header("content-type", "application/json");
        let answer = ask.body(body).send().await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::BAD_REQUEST, "json"),
            "{body}"
        );
        let found = answer.json()["errors"][0]["place"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert_eq!(found, place, "{body}: {}", answer.text());
    }
    let deep = format!(
        "{{\"id\":\"1\",\"type\":\"a.b\",\"data\":{{\"a\":{}",
        "[".repeat(50_000)
    );
    let ask = harness
        .post(path)
        .by("operator")
        .header("content-type", "application/json");
    assert_eq!(ask.body(deep).send().await.status, StatusCode::BAD_REQUEST);
    let form = harness
        .post(path)
        .by("operator")
        .header("content-type", "text/plain")
        .body("{}");
    assert_eq!(form.send().await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test(start_paused = true)]
async fn a_body_is_bounded_whatever_it_declares() {
    let harness = Harness::new().await;
    let ask = |length: usize| {
        let frame = "{\"id\":\"1\",\"type\":\"a.b\",\"key\":\"k\",\"data\":{\"x\":\"\"}}".len();
        let body = format!(
            "{{\"id\":\"1\",\"type\":\"a.b\",\"key\":\"k\",\"data\":{{\"x\":\"{}\"}}}}",
            "x".repeat(length - frame)
        );
        harness
            .post("/api/v1/events")
            .by("operator")
            .header("content-type", "application/json")
            .body(body)
    };
    assert_eq!(ask(BODY_BYTES).send().await.status, StatusCode::ACCEPTED);
    assert_eq!(ask(BODY_BYTES + 1).send().await.status, StatusCode::PAYLOAD_TOO_LARGE);

    let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let declared = harness
        .post("/api/v1/flows")
        .by("author")
        .header("content-length", "99999999");
    let answer = declared.body(Body::from_stream(never)).send().await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "too-large")
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_is_not_waited_for_for_ever() {
    let harness = Harness::new().await;
    let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let answer = harness
        .post("/api/v1/flows")
        .by("author")
        .body(Body::from_stream(never))
        .send()
        .await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::REQUEST_TIMEOUT, "too-slow")
    );
}

#[tokio::test(start_paused = true)]
async fn where_the_answer_takes_too_long_it_says_how_to_ask_again() {
    let harness = Harness::new().await;
    let pieces = futures_util::stream::unfold((), async |()| {
        let _ = tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await;
        Some((Ok::<_, std::io::Error>(vec![b' '; 1_800]), ()))
    });
    let ask = harness.post("/api/v1/flows").by("author");
    let answer = ask.body(Body::from_stream(pieces)).send().await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "timeout")
    );
    assert!(answer.text().contains("not known whether") && answer.text().contains("Idempotency-Key"));
}

#[tokio::test(start_paused = true)]
async fn who_keeps_guessing_is_slowed_down_and_who_knows_is_not() {
    let harness = Harness::new().await;
    for _ in 0..throttle::PROOFS.failures {
        let answer = harness
            .get("/api/v1/tasks")
            .header("authorization", "Bearer gf_guess")
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let answer = harness
        .get("/api/v1/tasks")
        .header("authorization", "Bearer gf_guess")
        .send()
        .await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, "60")
    );
    let answer = harness.get(&format!("/api/v1/links/{}", "0".repeat(64))).send().await;
    assert_eq!(
        answer.status,
        StatusCode::TOO_MANY_REQUESTS,
        "guessing links counts as well"
    );
    assert_eq!(
        harness.get("/api/v1/tasks").by("anna").send().await.status,
        StatusCode::OK
    );
}

#[tokio::test(start_paused = true)]
async fn events_of_built_in_connections_cannot_be_made_up() {
    let harness = Harness::new().await;
    let link = harness.share(Role::View).await;
    let tell = |kind: &str| {
        let body = json!({ "id": "1", "type": kind, "data": { "share": link.share.to_string() } });
        harness.post("/api/v1/events").by("operator").json(&body)
    };
    for kind in ["file360.file_uploaded", "mail.x", "signed", ".x", "crm."] {
        let answer = tell(kind).send().await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "event"),
            "{kind}"
        );
    }
    let (first, second) = (tell("crm.signed").send().await, tell("crm.signed").send().await);
    assert_eq!(
        (first.status, second.status),
        (StatusCode::ACCEPTED, StatusCode::ACCEPTED)
    );
    assert_eq!(first.json(), second.json(), "the same id of the same kind is one event");
}

#[tokio::test(start_paused = true)]
async fn an_event_id_that_comes_with_another_event_is_refused() {
    let harness = Harness::new().await;
    let tell = |id: &str, kind: &str, key: &str, data: serde_json::Value| {
        let body = json!({ "id": id, "type": kind, "key": key, "data": data });
        harness.post("/api/v1/events").by("operator").json(&body).send()
    };
    let first = tell("1", "crm.signed", "k", json!({ "by": "anna" })).await;
    for (key, data) in [("k", json!({ "by": "ben" })), ("other", json!({ "by": "anna" }))] {
        let other = tell("1", "crm.signed", key, data).await;
        assert_eq!(
            (other.status, other.problem().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "key-reused")
        );
    }
    let again = tell("1", "crm.signed", "k", json!({ "by": "anna" })).await;
    assert_eq!((again.status, again.json()), (StatusCode::ACCEPTED, first.json()));
    // Where the type ends and the id begins is no way to take another event's place.
    let one = tell("b:c", "crm.a", "k", json!({})).await;
    let two = tell("c", "crm.a:b", "k", json!({})).await;
    assert_eq!((one.status, two.status), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    assert_ne!(one.json(), two.json());
}

#[tokio::test(start_paused = true)]
async fn counts_are_there_for_who_may_see_them_and_hold_no_secret() {
    let harness = Harness::new().await;
    let link = harness.share(Role::View).await;
    harness.get(&link.path("")).send().await;
    let answer = harness.get("/metrics").by("admin").send().await;
    let text = answer.text();
    assert!(text.contains("gatefold_http_requests_total{"), "{text}");
    assert!(text.contains("route=\"/api/v1/links/{token}\""), "{text}");
    assert!(text.contains("gatefold_uploaded_bytes_total 12"), "{text}");
    assert!(!text.contains(&link.token), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn counts_are_public_only_where_the_configuration_says_so() {
    let harness = Harness::new().await;
    assert_eq!(harness.get("/metrics").send().await.status, StatusCode::UNAUTHORIZED);
    let settings = Settings {
        metrics_public: true,
        behind_tls: true,
        ..harness.server.settings.clone()
    };
    let accounts = std::sync::Arc::clone(&harness.server.accounts);
    let open = Server::new(
        std::sync::Arc::clone(&harness.host),
        accounts,
        settings,
        harness.stop.clone(),
    );
    let request = axum::http::Request::get("/metrics").body(Body::empty()).unwrap();
    let answer = open.router().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let year = answer.headers().get("strict-transport-security").unwrap();
    assert_eq!(year, "max-age=31536000", "people reach it over TLS");
}

#[tokio::test(start_paused = true)]
async fn the_description_is_served_as_it_is_in_the_tree() {
    let harness = Harness::new().await;
    let answer = harness.get("/api/v1/openapi.json").send().await;
    assert_eq!(answer.json(), gatefold::server::openapi::openapi());
}
