//! Webhooks: signed, fresh, once.

use crate::harness::{Answer, HOOK_SECRET, Harness};
use axum::http::StatusCode;
use gatefold::server::signature::{TOLERANCE_SECONDS, sign};
use gatefold::store::RunFilter;
use secrecy::SecretString;
use serde_json::json;
use std::time::Duration;

const HOOKED: &str = "flow: hooked
version: 1.0.0
on: { webhook: { secret: HOOK_SECRET } }
inputs: { order: { type: text } }
steps:
  - id: signed
    wait: { event: crm.signed, key: order-7 }
    deadline: { due: 2 days }
    outcomes: { expired: { end: expired } }
";
const BODY: &str = "{\"order\":\"7\"}";

async fn hooked() -> Harness {
    let harness = Harness::new().await;
    harness.deploy(HOOKED).await;
    harness
}

/// A signature by the secret of the tests, now.
fn signature(harness: &Harness, delivery: Option<&str>, body: &str) -> String {
    let secret = SecretString::from(HOOK_SECRET);
    sign(
        &secret,
        harness.host.now().as_second(),
        "hooked",
        delivery,
        body.as_bytes(),
    )
}

async fn call(harness: &Harness, flow: &str, signature: &str, delivery: Option<&str>, body: &str) -> Answer {
    let ask = harness
        .post(&format!("/api/v1/hooks/{flow}"))
        .header("content-type", "application/json");
    let ask = ask.header("gatefold-signature", signature);
    let ask = match delivery {
        Some(delivery) => ask.header("gatefold-delivery", delivery),
        None => ask,
    };
    ask.body(body.to_owned()).send().await
}

async fn runs(harness: &Harness) -> usize {
    harness.store.runs(&RunFilter::default()).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn a_signed_call_starts_a_run_and_a_replay_starts_no_other() {
    let harness = hooked().await;
    let signed = signature(&harness, None, BODY);
    let first = call(&harness, "hooked", &signed, None, BODY).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text());
    let replayed = call(&harness, "hooked", &signed, None, BODY).await;
    assert_eq!(replayed.json(), first.json());
    assert_eq!(runs(&harness).await, 1);
    let view = harness.get(&format!("/api/v1/runs/{}", first.json()["run"].as_str().unwrap()));
    let view = view.by("operator").send().await.json();
    assert_eq!(
        (&view["inputs"]["order"], &view["initiator"]),
        (&json!("7"), &json!("trigger:webhook"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_with_a_key_twice_is_refused_at_every_door_and_never_guessed_at() {
    let harness = hooked().await;
    for (body, place) in [
        (r#"{"order":"7","order":"8"}"#, "/order"),
        (r#"{"order":"7","more":[{"a":1,"\u0061":1}]}"#, "/more/0/a"),
    ] {
        let answer = call(&harness, "hooked", &signature(&harness, None, body), None, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
        assert_eq!(answer.json()["errors"][0]["place"], place, "{}", answer.text());
    }
    let event = r#"{"id":"1","type":"crm.signed","key":"order-7","data":{"amount":1,"amount":2}}"#;
    let start = r#"{"inputs":{"order":"7","order":"8"}}"#;
    for (path, body, place) in [
        ("/api/v1/events", event, "/data/amount"),
        ("/api/v1/flows/hooked/runs", start, "/inputs/order"),
    ] {
        let ask = harness
            .post(path)
            .by("operator")
            .header("content-type", "application/json");
        let answer = ask.body(body.to_owned()).send().await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text());
        assert_eq!(answer.json()["errors"][0]["place"], place, "{path}: {}", answer.text());
    }
    assert_eq!(runs(&harness).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_counts_once_through_its_retries() {
    let harness = hooked().await;
    let first = call(
        &harness,
        "hooked",
        &signature(&harness, Some("d-1"), BODY),
        Some("d-1"),
        BODY,
    )
    .await;
    tokio::time::advance(Duration::from_mins(10)).await;
    let again = call(
        &harness,
        "hooked",
        &signature(&harness, Some("d-1"), BODY),
        Some("d-1"),
        BODY,
    )
    .await;
    assert_eq!((again.status, again.json()), (StatusCode::ACCEPTED, first.json()));
    let other = call(
        &harness,
        "hooked",
        &signature(&harness, Some("d-2"), BODY),
        Some("d-2"),
        BODY,
    )
    .await;
    assert_ne!(other.json(), first.json());
    assert_eq!(runs(&harness).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_comes_with_another_body_starts_nothing_and_says_so() {
    let harness = hooked().await;
    let deliver = async |body: &str| {
        let signed = signature(&harness, Some("d-1"), body);
        call(&harness, "hooked", &signed, Some("d-1"), body).await
    };
    let first = deliver(BODY).await;
    let other = deliver("{\"order\":\"8\"}").await;
    assert_eq!(
        (other.status, other.problem().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "key-reused")
    );
    assert!(other.text().contains("delivery id"), "{}", other.text());
    assert_eq!(
        deliver("{ \"order\" : \"7\" }").await.json(),
        first.json(),
        "spaces are no difference"
    );
    assert_eq!(runs(&harness).await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_signed_right_and_fresh_starts_nothing() {
    let harness = hooked().await;
    let now = harness.host.now().as_second();
    let tolerance = i64::try_from(TOLERANCE_SECONDS).unwrap();
    let by = |secret: &str, at: i64, body: &str| sign(&SecretString::from(secret), at, "hooked", None, body.as_bytes());
    let signed = signature(&harness, None, BODY);
    let attempts = [
        ("hooked", by("another secret", now, BODY), None, BODY),
        ("hooked", by(HOOK_SECRET, now - tolerance - 1, BODY), None, BODY),
        ("hooked", by(HOOK_SECRET, now + tolerance + 1, BODY), None, BODY),
        ("hooked", by(HOOK_SECRET, now, "{}"), None, BODY),
        ("hooked", signed.clone(), Some("d-1"), BODY),
        ("hooked", signature(&harness, Some("d-1"), BODY), Some("d-2"), BODY),
        ("hooked", signature(&harness, Some("d-1"), BODY), None, BODY),
        ("hooked", signed.replace("v2=", "v0="), None, BODY),
        ("none", signed.clone(), None, BODY),
    ];
    let mut answers = Vec::new();
    for (flow, signature, delivery, body) in attempts {
        let answer = call(&harness, flow, &signature, delivery, body).await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{flow} {signature} {delivery:?}"
        );
        answers.push(answer.text().to_owned());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "an answer tells what was wrong: {answers:?}");
    assert_eq!(runs(&harness).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_signed_call_that_says_nonsense_is_told_so() {
    let harness = hooked().await;
    for (body, status) in [
        ("{", StatusCode::BAD_REQUEST),
        ("[]", StatusCode::BAD_REQUEST),
        ("{}", StatusCode::UNPROCESSABLE_ENTITY),
        ("{\"order\":7}", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = call(&harness, "hooked", &signature(&harness, None, body), None, body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    assert_eq!(runs(&harness).await, 0);
}
