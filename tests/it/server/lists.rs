//! Lists in parts: nothing is left out, nothing comes twice, whatever happens in between.

use crate::harness::{Answer, Harness};
use axum::http::StatusCode;
use gatefold::base::Value;
use gatefold::space::Role;
use serde_json::json;
use std::time::Duration;

const ASKING: &str = "flow: asks
version: 1.0.0
inputs: { number: { type: integer } }
steps:
  - id: do
    task: { to: [user:anna], title: \"Number ${{ inputs.number }}\" }
    deadline: { due: 5 days }
    outcomes: { declined: continue, expired: continue }
";

fn texts(items: &Value, key: &str) -> Vec<String> {
    let items = items.as_array().expect("a list").iter();
    items
        .map(|item| item[key].as_str().expect("a text").to_owned())
        .collect()
}

/// What the parts of a list are called, each part of its own.
async fn parts(harness: &Harness, user: &str, path: &str, key: &str) -> Vec<Vec<String>> {
    let (mut parts, mut after) = (Vec::new(), String::new());
    loop {
        let page = harness.get(&format!("{path}{after}")).by(user).send().await.json();
        parts.push(texts(&page["items"], key));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return parts,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_are_listed_in_parts_also_where_one_is_answered_in_between() {
    let harness = Harness::new().await;
    harness.deploy(ASKING).await;
    for number in 1..=4 {
        tokio::time::advance(Duration::from_secs(1)).await;
        harness.begin("asks", json!({ "number": number })).await;
    }
    let titles = |numbers: &[u32]| {
        numbers
            .iter()
            .map(|number| format!("Number {number}"))
            .collect::<Vec<_>>()
    };
    let list = async |query: &str| parts(&harness, "anna", &format!("/api/v1/tasks?{query}"), "title").await;
    assert_eq!(list("order=newest&limit=2").await, [titles(&[4, 3]), titles(&[2, 1])]);
    assert_eq!(list("limit=3").await, [titles(&[1, 2, 3]), titles(&[4])]);
    assert_eq!(list("limit=4").await, [titles(&[1, 2, 3, 4])]);
    assert_eq!(list("limit=0").await.len(), 4);

    let first = harness.get("/api/v1/tasks?limit=2").by("anna").send().await.json();
    let last = first["next"].as_str().expect("there is more");
    let done = harness.post(&format!("/api/v1/tasks/{last}/decision")).by("anna");
    let done = done.json(&json!({ "decision": "done" })).send().await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    assert_eq!(list(&format!("limit=2&after={last}")).await[0], titles(&[3, 4]));

    let lost = harness.get("/api/v1/tasks?after=tsk_none").by("anna").send().await;
    assert_eq!(lost.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn flows_are_listed_in_parts() {
    let harness = Harness::new().await;
    for name in ["b", "c", "a"] {
        harness
            .deploy(&ASKING.replace("flow: asks", &format!("flow: {name}")))
            .await;
    }
    let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let list = async |limit: &str| parts(&harness, "operator", &format!("/api/v1/flows?limit={limit}"), "flow").await;
    assert_eq!(list("2").await, [of(&["a", "b"]), of(&["c"])]);
    assert_eq!(list("3").await, [of(&["a", "b", "c"])]);
}

#[tokio::test(start_paused = true)]
async fn a_share_is_told_in_parts() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let sent = |answer: Answer| assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    for number in 1..=2 {
        let upload = harness.post(&link.path(&format!("/files?name={number}.txt")));
        sent(upload.body("text").send().await);
    }
    for number in 1..=3 {
        let body = json!({ "text": format!("comment {number}") });
        sent(harness.post(&link.path("/comments")).json(&body).send().await);
    }
    let view = async |query: &str| harness.get(&link.path(query)).send().await.json();
    let whole = view("").await;
    let ids = texts(&whole["files"], "id");
    let comments = texts(&whole["comments"], "text");
    assert_eq!((ids.len(), comments.len()), (3, 3));
    assert_eq!((&whole["next"], &whole["next_comment"]), (&Value::Null, &Value::Null));

    let first = view("?limit=2").await;
    assert_eq!(texts(&first["files"], "id"), ids[..2]);
    assert_eq!(texts(&first["comments"], "text"), comments[..2]);
    let word = |key: &str| first[key].as_str().expect("there is more").to_owned();
    let query = format!("?limit=2&after={}&after_comment={}", word("next"), word("next_comment"));
    let second = view(&query).await;
    assert_eq!(texts(&second["files"], "id"), ids[2..]);
    assert_eq!(texts(&second["comments"], "text"), comments[2..]);
    assert_eq!((&second["next"], &second["next_comment"]), (&Value::Null, &Value::Null));

    let lost = harness.get(&link.path("?after=fil_none")).send().await;
    assert_eq!(
        (lost.status, lost.problem().as_str()),
        (StatusCode::BAD_REQUEST, "after")
    );
}
