//! Moving runs to another version of their flow.

use crate::harness::{Answer, Harness};
use axum::http::StatusCode;
use gatefold::base::Value;
use gatefold::base::id::RunId;
use serde_json::json;

const OLD: &str = "flow: order
version: 1.0.0
steps:
  - id: sign
    wait: { event: crm.paid, key: order-7 }
    deadline: { due: 5 days }
    outcomes: { expired: { end: late } }
  - { id: done, end: { status: as_it_was } }
";

async fn migrate(harness: &Harness, user: &str, run: &RunId, body: Value) -> Answer {
    let path = format!("/api/v1/runs/{run}/migrate");
    harness.post(&path).by(user).json(&body).send().await
}

async fn begun() -> (Harness, RunId) {
    let harness = Harness::new().await;
    harness.deploy(OLD).await;
    let run = harness.begin("order", json!({})).await;
    harness
        .deploy(
            &OLD.replace("1.0.0", "2.0.0")
                .replace("sign", "seal")
                .replace("as_it_was", "as_it_is"),
        )
        .await;
    (harness, run)
}

#[tokio::test(start_paused = true)]
async fn an_administrator_moves_a_run_with_a_reason_after_a_trial() {
    let (harness, run) = begun().await;
    let body = json!({ "steps": { "sign": "seal" }, "reason": "the status was wrong" });
    for user in ["operator", "author", "nobody"] {
        let answer = migrate(&harness, user, &run, body.clone()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{user}");
    }
    let trial = migrate(&harness, "admin", &run, json!({ "dry_run": true }))
        .await
        .json();
    assert_eq!(
        trial,
        json!({ "run": run, "from": "1.0.0", "to": "2.0.0", "state": "incompatible", "reasons": [{
            "place": "step sign",
            "detail": "the run has begun it, and 2.0.0 has no such step: say which one it is there, as sign=NEW",
        }] })
    );
    let refused = migrate(&harness, "admin", &run, json!({ "reason": "the status was wrong" })).await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (StatusCode::CONFLICT, "incompatible")
    );
    assert_eq!(refused.json()["errors"], trial["reasons"]);
    let trial = migrate(
        &harness,
        "admin",
        &run,
        json!({ "steps": { "sign": "seal" }, "dry_run": true }),
    )
    .await;
    assert_eq!(trial.json()["state"], "compatible");
    let unsaid = migrate(&harness, "admin", &run, json!({ "steps": { "sign": "seal" } })).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", unsaid.text());
    let moved = migrate(&harness, "admin", &run, body.clone()).await;
    assert_eq!(
        moved.json(),
        json!({ "run": run, "from": "1.0.0", "to": "2.0.0", "state": "moved" })
    );
    let again = migrate(&harness, "admin", &run, body).await.json();
    assert_eq!((&again["state"], &again["from"]), (&json!("same"), &json!("2.0.0")));
    let listed = harness
        .get("/api/v1/runs?version=2.0.0")
        .by("operator")
        .send()
        .await
        .json();
    assert_eq!(listed["items"][0]["id"], json!(run));
    let listed = harness
        .get("/api/v1/runs?version=1.0.0")
        .by("operator")
        .send()
        .await
        .json();
    assert_eq!(listed["items"], json!([]));
    let journal = harness
        .get(&format!("/api/v1/runs/{run}/journal"))
        .by("operator")
        .send()
        .await
        .json();
    let lines = journal["items"].as_array().unwrap();
    let moves: Vec<&Value> = lines.iter().filter(|line| line["type"] == "migrated").collect();
    assert_eq!(moves.len(), 1, "{journal}");
    assert_eq!(
        (&moves[0]["by"], &moves[0]["reason"]),
        (&json!("user:admin"), &json!("the status was wrong"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_just_ended_is_not_moved() {
    let (harness, run) = begun().await;
    let event = json!({ "id": "1", "type": "crm.paid", "key": "order-7", "data": {} });
    let told = harness.post("/api/v1/events").by("operator").json(&event).send().await;
    assert_eq!(told.status, StatusCode::ACCEPTED);
    let answer = migrate(
        &harness,
        "admin",
        &run,
        json!({ "steps": { "sign": "seal" }, "reason": "so" }),
    )
    .await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text());
    assert!(answer.text().contains("only a run that goes on"), "{}", answer.text());
    let view = harness
        .get(&format!("/api/v1/runs/{run}"))
        .by("operator")
        .send()
        .await
        .json();
    assert_eq!(
        (&view["version"], &view["outcome"]),
        (&json!("1.0.0"), &json!("as_it_was"))
    );
}

#[tokio::test(start_paused = true)]
async fn two_who_move_one_run_to_different_versions_come_one_after_the_other() {
    let (harness, run) = begun().await;
    harness
        .deploy(&OLD.replace("1.0.0", "3.0.0").replace("sign", "stamp"))
        .await;
    let to = |version: &str, name: &str| json!({ "to": version, "steps": { "sign": name }, "reason": "so" });
    let (one, other) = tokio::join!(
        migrate(&harness, "admin", &run, to("2.0.0", "seal")),
        migrate(&harness, "admin", &run, to("3.0.0", "stamp")),
    );
    let mut states = [one.status, other.status];
    states.sort_unstable();
    assert_eq!(
        states,
        [StatusCode::OK, StatusCode::CONFLICT],
        "the second one names a step that has another name by now"
    );
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_refused() {
    let (harness, run) = begun().await;
    let nowhere = migrate(&harness, "admin", &RunId::from("run_none"), json!({ "reason": "so" })).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    let undeployed = migrate(&harness, "admin", &run, json!({ "to": "9.0.0", "reason": "so" })).await;
    assert_eq!(undeployed.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        undeployed.text().contains("there are 1.0.0, 2.0.0"),
        "{}",
        undeployed.text()
    );
    let misspelt = migrate(&harness, "admin", &run, json!({ "too": "2.0.0", "reason": "so" })).await;
    assert!(misspelt.status.is_client_error());
}
