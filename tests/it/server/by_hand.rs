//! What needs a person in a run, and whether somebody may answer it, before anything is changed.

use crate::harness::Harness;
use axum::http::StatusCode;
use gatefold::base::Value;
use gatefold::base::id::RunId;
use serde_json::json;

/// Elements that all fail, of which a view shows the first ones.
const ELEMENTS: usize = 25;

const WIDE: &str = "flow: wide\nversion: 1.0.0\nsteps:\n  - id: all\n    each:\n      in: ${{ range(25) }}\n      parallel: 25\n      join: settled\n      steps:\n        - { id: fits, check: [{ that: \"item < 0\", else: It does not fit. }] }\n";

const WAITS: &str = "flow: waits\nversion: 1.0.0\nsteps:\n  - id: signed\n    wait: { event: crm.signed, key: order-7 }\n    deadline: { due: 2 days }\n    outcomes: { expired: { end: expired } }\n";

async fn look(harness: &Harness, run: &RunId) -> Value {
    let ask = harness.get(&format!("/api/v1/runs/{run}")).by("operator");
    ask.send().await.json()
}

async fn wide(harness: &Harness) -> RunId {
    let list: Vec<usize> = (0..ELEMENTS).collect();
    harness
        .deploy(&WIDE.replace("${{ range(25) }}", &json!(list).to_string()))
        .await;
    harness.begin("wide", json!({})).await
}

#[tokio::test(start_paused = true)]
async fn a_run_tells_of_everything_that_needs_a_person_however_few_elements_it_shows() {
    let harness = Harness::new().await;
    let run = wide(&harness).await;
    let view = look(&harness, &run).await;
    let count = |key: &str| view[key].as_array().map_or(0, Vec::len);
    assert!(count("steps") < ELEMENTS, "{view}");
    assert_eq!(count("incidents"), ELEMENTS, "{view}");
    assert_eq!(view["more_incidents"], Value::Null);
    let last = view["incidents"].as_array().unwrap().iter();
    let last = last.filter(|one| one["step"] == "all[24].fits").collect::<Vec<_>>();
    assert_eq!(
        last,
        [&json!({ "step": "all[24].fits", "error": "It does not fit.", "attempts": 0, "in_doubt": false })]
    );
}

#[tokio::test(start_paused = true)]
async fn a_trial_needs_the_same_rights_finds_the_same_faults_and_changes_nothing() {
    let harness = Harness::new().await;
    let run = wide(&harness).await;
    let asked = async |user: &str, path: &str| {
        let path = format!("/api/v1/runs/{run}/{path}");
        let ask = harness.post(&path).by(user).json(&json!({ "dry_run": true }));
        let answer = ask.send().await;
        (answer.status, answer.text().to_owned())
    };
    for how in ["retry", "skip"] {
        let at = |step: &str| format!("steps/all%5B0%5D.{step}/{how}");
        assert_eq!(asked("operator", &at("fits")).await.0, StatusCode::FORBIDDEN);
        assert_eq!(asked("admin", &at("fits")).await.0, StatusCode::NO_CONTENT);
        let (status, told) = asked("admin", &at("fit")).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(told.contains("did you mean fits?"), "{told}");
        assert_eq!(
            asked("admin", &format!("steps/all/{how}")).await.0,
            StatusCode::CONFLICT
        );
    }
    assert_eq!(asked("author", "cancel").await.0, StatusCode::FORBIDDEN);
    assert_eq!(asked("operator", "cancel").await.0, StatusCode::NO_CONTENT);
    let view = look(&harness, &run).await;
    assert_eq!(
        (&view["status"], view["incidents"].as_array().map(Vec::len)),
        (&json!("running"), Some(ELEMENTS)),
        "nothing was changed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_trial_tells_of_a_run_that_has_ended() {
    let harness = Harness::new().await;
    harness.deploy(WAITS).await;
    let run = harness.begin("waits", json!({})).await;
    let cancel = async |body: Value| {
        let ask = harness.post(&format!("/api/v1/runs/{run}/cancel")).by("operator");
        ask.json(&body).send().await
    };
    assert_eq!(
        cancel(json!({})).await.status,
        StatusCode::BAD_REQUEST,
        "without a reason nothing is done"
    );
    assert_eq!(cancel(json!({ "reason": "over" })).await.status, StatusCode::NO_CONTENT);
    let tried = cancel(json!({ "dry_run": true })).await;
    assert_eq!(
        (tried.status, tried.problem().as_str()),
        (StatusCode::CONFLICT, "run-ended")
    );
    let ask = harness
        .post(&format!("/api/v1/runs/{run}/steps/signed/retry"))
        .by("admin");
    let tried = ask.json(&json!({ "dry_run": true })).send().await;
    assert_eq!(tried.problem(), "run-ended");
}

#[tokio::test(start_paused = true)]
async fn a_list_for_names_that_nothing_has_tells_the_nearest() {
    let harness = Harness::new().await;
    harness.deploy(WAITS).await;
    let list = async |query: &str| {
        let answer = harness
            .get(&format!("/api/v1/runs?{query}"))
            .by("operator")
            .send()
            .await;
        let told = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        (answer.status.as_u16(), told)
    };
    let fine = (200, String::new());
    let missing = |what: &str| (404, format!("there is no {what}"));
    for query in [
        "flow=waits",
        "flow=waits&step=signed",
        "flow=waits&step=all%5B1%5D.signed",
        "flow=waits&version=1.0.0",
    ] {
        assert_eq!(list(query).await, fine, "{query}: none has begun");
    }
    assert_eq!(list("flow=wait").await, missing("flow wait; did you mean waits?"));
    assert_eq!(
        list("flow=waits&version=1.0.1").await,
        missing("version 1.0.1 of flow waits; did you mean 1.0.0?")
    );
    assert_eq!(
        list("flow=waits&version=20.17.4").await,
        missing("version 20.17.4 of flow waits; the latest is 1.0.0")
    );
    assert_eq!(
        list("flow=waits&step=sined").await,
        missing("step sined in flow waits; did you mean signed?")
    );
    assert_eq!(list("step=signed").await.0, 422);
    let run = harness.begin("waits", json!({})).await;
    let other = WAITS.replace("1.0.0", "2.0.0").replace("id: signed", "id: sealed");
    harness.deploy(&other).await;
    harness.begin("waits", json!({})).await;
    let answer = harness
        .get("/api/v1/runs?flow=waits&step=signed")
        .by("operator")
        .send()
        .await;
    let items = answer.json()["items"].as_array().cloned().unwrap_or_default();
    let ids: Vec<&str> = items.iter().filter_map(|run| run["id"].as_str()).collect();
    assert_eq!(ids, [run.as_str()], "the other version has no such step");
}
