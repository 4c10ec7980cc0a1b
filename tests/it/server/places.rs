//! Who is escalated to answers in the place of one definite person, also over HTTP.

use crate::harness::{Answer, Harness};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

const SIGNING: &str = "flow: signs
version: 1.0.0
inputs: { document: { type: file } }
steps:
  - id: sign
    approve: { document: \"${{ inputs.document }}\", by: [user:anna, user:ben], rule: in_order }
    deadline: { due: 9 days, escalate: { after: 3 days, to: [user:author] } }
    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: expired } }
";

/// The escalation is over then, and the due moment is not.
const PAST_ESCALATION: Duration = Duration::from_hours(24 * 3 + 1);

async fn approve(harness: &Harness, task: &str, user: &str, sha256: &str) -> Answer {
    let path = format!("/api/v1/tasks/{task}/decision");
    let decision = json!({ "decision": "approved", "sha256": sha256 });
    harness.post(&path).by(user).json(&decision).send().await
}

async fn shown(harness: &Harness, task: &str, user: &str) -> Value {
    harness
        .get(&format!("/api/v1/tasks/{task}"))
        .by(user)
        .send()
        .await
        .json()
}

#[tokio::test(start_paused = true)]
async fn whoever_is_escalated_to_takes_the_place_of_whose_turn_it_is() {
    let harness = Harness::new().await;
    harness.deploy(SIGNING).await;
    let document = harness.put("contract.txt", "version one").await;
    harness.begin("signs", json!({ "document": document.id })).await;
    let tasks = harness.get("/api/v1/tasks").by("anna").send().await.json();
    let task = tasks["items"][0]["id"].as_str().expect("anna has a task").to_owned();
    let early = approve(&harness, &task, "author", &document.sha256).await;
    assert_eq!(early.status, StatusCode::NOT_FOUND, "nobody has asked them yet");

    let _ = tokio::time::timeout(PAST_ESCALATION, std::future::pending::<()>()).await;
    let seen = shown(&harness, &task, "author").await;
    assert_eq!(
        (&seen["escalated"], &seen["in_place_of"]),
        (&json!(["user:author"]), &json!("user:anna"))
    );
    let out_of_turn = approve(&harness, &task, "ben", &document.sha256).await;
    assert_eq!(out_of_turn.status, StatusCode::CONFLICT);

    let placed = approve(&harness, &task, "author", &document.sha256).await;
    assert_eq!(placed.status, StatusCode::OK, "{}", placed.text());
    let late = approve(&harness, &task, "anna", &document.sha256).await;
    assert_eq!(
        (late.status, late.problem().as_str()),
        (StatusCode::CONFLICT, "place-taken")
    );
    let seen = shown(&harness, &task, "ben").await;
    let record = &seen["decided"][0];
    assert_eq!(
        (&record["by"], &record["on_behalf_of"], &record["escalated_to"]),
        (&json!("user:author"), &json!("user:anna"), &json!("user:author"))
    );
    let again = approve(&harness, &task, "author", &document.sha256).await;
    assert_eq!(
        again.status,
        StatusCode::OK,
        "the same answer twice is fine: {}",
        again.text()
    );
    let last = approve(&harness, &task, "ben", &document.sha256).await;
    assert_eq!(last.status, StatusCode::OK, "{}", last.text());
}
