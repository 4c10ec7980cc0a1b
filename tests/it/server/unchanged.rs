//! The same bytes again: what waits now hears of them, and nothing else does.

use crate::harness::Harness;
use axum::http::StatusCode;
use serde_json::{Value, json};

const REPLY: &str = "flow: reply
version: 1.0.0
inputs: { document: { type: file } }
steps:
  - id: room
    uses: file360.create_share
    with: { name: Room, files: [\"${{ inputs.document }}\"], expires_in: 30 days, to: email:rosa@outside.example, role: contribute }
  - id: reply
    wait: { event: file360.file_uploaded, on: \"${{ steps.room.share }}\" }
    deadline: { due: 14 days }
    outcomes: { expired: { end: expired } }
  - id: sign_off
    approve: { document: \"${{ steps.reply.file }}\", by: [user:anna, user:ben], rule: all }
    deadline: { due: 7 days }
    outcomes: { rejected: { end: rejected }, changes_requested: { end: rejected }, expired: { end: expired } }
";

const STARTED: &str = "flow: started
version: 1.0.0
on: { event: { type: file360.file_uploaded } }
steps:
  - { id: hold, wait: { until: 1 day } }
";

async fn wait_for<T>(look: impl AsyncFn() -> Option<T>) -> T {
    loop {
        if let Some(found) = look().await {
            return found;
        }
        crate::turn::turn().await;
    }
}

/// The journal lines of a kind.
async fn lines(harness: &Harness, run: &str, kind: &str) -> Vec<Value> {
    let journal = harness.get(&format!("/api/v1/runs/{run}/journal")).by("operator");
    let journal = journal.send().await.json();
    let items = journal["items"].as_array().cloned().unwrap_or_default();
    items
        .into_iter()
        .filter(|line| line.to_string().contains(kind))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_open_wait_takes_the_same_bytes_and_a_decision_on_them_stays() {
    let harness = Harness::new().await;
    let document = harness.put("contract.pdf", "%PDF-1.7 one").await;
    harness.deploy(REPLY).await;
    let run = harness
        .begin("reply", json!({ "document": document.id }))
        .await
        .to_string();
    let mail = wait_for(async || harness.mails.lock().unwrap().pop()).await;
    let mut words = mail.text.split_whitespace();
    let token = words
        .find_map(|word| word.strip_prefix("http://gatefold.test/s/"))
        .unwrap();
    let send = async || {
        let ask = harness.post(&format!("/api/v1/links/{token}/files?name=contract.pdf"));
        let answer = ask.body("%PDF-1.7 one").send().await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    };
    let first = send().await;
    assert_eq!((&first["version"], &first["unchanged"]), (&json!(1), &json!(true)));
    let task = wait_for(async || {
        let tasks = harness.get("/api/v1/tasks").by("anna").send().await.json();
        tasks["items"].as_array()?.first().cloned()
    })
    .await;
    let told = lines(&harness, &run, "event_received").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].to_string().contains("\"unchanged\":true"), "{told:?}");
    let path = format!("/api/v1/tasks/{}/decision", task["id"].as_str().unwrap());
    let body = json!({ "decision": "approved", "sha256": task["document"]["sha256"] });
    let decided = harness.post(&path).by("anna").json(&body).send().await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text());
    assert_eq!(send().await["version"], 1);
    wait_for(async || {
        harness
            .store
            .pending_events(harness.host.now(), 10)
            .await
            .unwrap()
            .is_empty()
            .then_some(())
    })
    .await;
    assert_eq!(
        lines(&harness, &run, "event_received").await.len(),
        1,
        "nothing waits for it"
    );
    assert!(lines(&harness, &run, "decisions_voided").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_start_no_run() {
    let harness = Harness::new().await;
    harness.deploy(STARTED).await;
    let count = async || {
        let runs = harness.get("/api/v1/runs").by("operator").send().await.json();
        runs["items"].as_array().map_or(0, Vec::len)
    };
    harness.put("a.txt", "one").await;
    wait_for(async || (count().await == 1).then_some(())).await;
    harness.put("a.txt", "one").await;
    wait_for(async || {
        harness
            .store
            .pending_events(harness.host.now(), 10)
            .await
            .unwrap()
            .is_empty()
            .then_some(())
    })
    .await;
    assert_eq!(count().await, 1);
    harness.put("a.txt", "two").await;
    wait_for(async || (count().await == 2).then_some(())).await;
}
