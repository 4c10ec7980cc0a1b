//! Through what people act: journals name the token, and never its secret.

use crate::harness::Harness;
use axum::http::StatusCode;
use gatefold::base::Value;
use gatefold::base::id::RunId;
use gatefold::config::tokens::hash_token;
use serde_json::json;

const FLOW: &str = "flow: via
version: 1.0.0
inputs: { document: { type: file } }
values: { rate: { type: integer, default: 1 } }
steps:
  - id: sign
    approve: { document: \"${{ inputs.document }}\", by: [role:legal], rule: all, decisions: [approved, rejected] }
    deadline: { due: 5 days }
    outcomes: { rejected: { end: rejected }, expired: { end: expired } }
  - id: broken
    approve: { document: \"${{ inputs.document }}\", by: [role:nobody-has-it] }
    deadline: { due: 5 days }
    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: expired } }
";

/// The id of somebody's token, as the list of tokens has it.
fn id_of(harness: &Harness, user: &str) -> String {
    format!("tok_{}", &hash_token(harness.token(user))[..12])
}

async fn journal(harness: &Harness, run: &RunId) -> Vec<Value> {
    let path = format!("/api/v1/runs/{run}/journal");
    let read = harness.get(&path).by("admin").send().await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text());
    for user in ["admin", "anna", "ben"] {
        assert!(!read.text().contains(harness.token(user)), "the secret of {user}");
    }
    read.json()["items"].as_array().unwrap().clone()
}

/// What the newest line of a type says of through what somebody acted.
fn via<'j>(journal: &'j [Value], kind: &str) -> &'j Value {
    let line = journal.iter().rfind(|line| line["type"] == kind);
    &line.unwrap_or_else(|| panic!("{kind}: {journal:?}"))["via"]
}

#[tokio::test(start_paused = true)]
async fn the_journal_names_the_token_of_every_act_on_a_run() {
    let harness = Harness::new().await;
    harness.deploy(FLOW).await;
    let document = harness.put("a.txt", "one").await;
    let post = async |path: &str, user: &str, body: Value| {
        let answer = harness.post(path).by(user).json(&body).send().await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
        if answer.bytes().is_empty() {
            return Value::Null;
        }
        answer.json()
    };
    let started = post(
        "/api/v1/flows/via/runs",
        "admin",
        json!({ "inputs": { "document": document.id } }),
    )
    .await;
    let run = RunId(started["run"].as_str().unwrap().to_owned());
    let of_run = format!("/api/v1/runs/{run}");
    let task = harness.host.open_tasks(None).await.unwrap().remove(0).id;
    let of_task = format!("/api/v1/tasks/{task}");
    post(&format!("{of_task}/remarks"), "ben", json!({ "text": "I look at it" })).await;
    let decision = json!({ "decision": "approved", "sha256": document.sha256 });
    post(&format!("{of_task}/decision"), "anna", decision.clone()).await;
    let shown = harness.get(&of_task).by("ben").send().await.json();
    assert_eq!(
        shown["decided"][0]["via"],
        json!({ "token": id_of(&harness, "anna") }),
        "{shown}"
    );
    post(&format!("{of_task}/decision"), "ben", decision).await;
    post(
        &format!("{of_run}/values"),
        "admin",
        json!({ "values": { "rate": 2 }, "reason": "so" }),
    )
    .await;
    post(
        &format!("{of_run}/steps/broken/retry"),
        "admin",
        json!({ "reason": "so" }),
    )
    .await;
    post(&format!("{of_run}/cancel"), "admin", json!({ "reason": "so" })).await;

    let journal = journal(&harness, &run).await;
    let token = |user: &str| json!({ "token": id_of(&harness, user) });
    assert_eq!(*via(&journal, "run_started"), token("admin"));
    assert_eq!(*via(&journal, "task_acted"), token("ben"));
    assert_eq!(*via(&journal, "values_set"), token("admin"));
    assert_eq!(*via(&journal, "incident_resolved"), token("admin"));
    assert_eq!(*via(&journal, "run_closing"), token("admin"));
    let decided = journal.iter().filter(|line| line["type"] == "decision_recorded");
    let tokens: Vec<&Value> = decided.map(|line| &line["record"]["token"]).collect();
    assert_eq!(
        tokens,
        [&json!(id_of(&harness, "anna")), &json!(id_of(&harness, "ben"))]
    );
    // nothing that follows by itself is anybody's act
    for kind in ["task_opened", "step_finished", "incident_raised", "run_ended"] {
        assert_eq!(*via(&journal, kind), Value::Null, "{kind}");
    }
}
