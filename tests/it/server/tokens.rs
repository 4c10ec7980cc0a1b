//! Tokens: scopes, expiry, last use; and the administration entries of the access log.

use crate::harness::{Answer, Harness};
use crate::set_clock::virtual_time;
use axum::http::StatusCode;
use gatefold::base::Timestamp;
use gatefold::config::{Scope, TokenLine};
use gatefold::host::refusals::COUNTED_FOR;
use gatefold::server::{Access, routes};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const FLOW: &str = "flow: sign
version: 1.0.0
settings: { limit: { type: integer, default: 1 } }
steps:
  - { id: ask, task: { to: [role:legal] }, deadline: { due: 3 days }, outcomes: { declined: { end: no }, expired: { end: late } } }
";

async fn get(harness: &Harness, token: &str, path: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    harness.get(path).header("authorization", &bearer).send().await
}

/// Access log entries of this kind.
async fn logged(harness: &Harness, kind: &str) -> Vec<Value> {
    let log = harness.get("/api/v1/access").by("admin").send().await.json();
    let items = log["items"].as_array().unwrap().iter();
    items.filter(|line| line["kind"] == kind).cloned().collect()
}

fn only(scopes: &[Scope]) -> impl FnOnce(&mut TokenLine) {
    let scopes: BTreeSet<Scope> = scopes.iter().copied().collect();
    move |line| line.scopes = Some(scopes)
}

#[test]
fn every_route_that_decides_needs_the_scope_for_it() {
    let of = |scope: Scope| -> BTreeSet<&str> {
        let all = routes()
            .into_iter()
            .filter(|route| matches!(route.access, Access::Token(_)));
        all.filter(|route| route.scope() == scope)
            .map(|route| route.name)
            .collect()
    };
    assert_eq!(
        of(Scope::Decide),
        BTreeSet::from(["decide_task", "redo_task", "skip_task"])
    );
    assert_eq!(of(Scope::Deploy), BTreeSet::from(["deploy_flow"]));
    assert!(of(Scope::Admin).contains("approve_deployment") && of(Scope::Admin).contains("set_settings"));
    assert!(of(Scope::Write).contains("start_run") && of(Scope::Write).contains("claim_task"));
    let looks = routes().into_iter().filter(|route| route.method.is_safe());
    assert!(looks.into_iter().all(|route| route.scope() == Scope::Read));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_good_for_its_scopes_alone() {
    let harness = Harness::new().await;
    harness.deploy(FLOW).await;
    harness.begin("sign", json!({})).await;
    let tasks = harness.get("/api/v1/tasks").by("anna").send().await.json();
    let task = tasks["items"][0]["id"].as_str().unwrap().to_owned();
    let decide = async |token: &str| {
        let ask = harness.post(&format!("/api/v1/tasks/{task}/decision"));
        let ask = ask.header("authorization", format!("Bearer {token}"));
        ask.json(&json!({ "decision": "done" })).send().await
    };
    let (reads, line) = harness.issue("anna", only(&[Scope::Read, Scope::Write]));
    assert_eq!(get(&harness, &reads, "/api/v1/tasks").await.status, StatusCode::OK);
    let refused = decide(&reads).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text());
    assert!(
        refused.text().contains("does not have the scope decide"),
        "{}",
        refused.text()
    );
    let told = logged(&harness, "call").await;
    assert_eq!(
        (&told[0]["actor"], &told[0]["token"]),
        (&json!("user:anna"), &json!(line.id()))
    );
    assert_eq!(told[0]["what"], format!("POST /api/v1/tasks/{task}/decision"));
    let (decides, _) = harness.issue("anna", only(&[Scope::Decide]));
    assert_eq!(
        get(&harness, &decides, "/api/v1/tasks").await.status,
        StatusCode::FORBIDDEN
    );
    let done = decide(&decides).await;
    assert!(done.status.is_success(), "{}", done.text());
}

#[tokio::test(start_paused = true)]
async fn a_token_from_before_scopes_has_every_scope_and_is_listed_as_such() {
    let harness = Harness::new().await;
    let (token, line) = harness.issue("admin", |line| line.scopes = None);
    let answer = get(&harness, &token, "/api/v1/tokens").await;
    assert_eq!(answer.status, StatusCode::OK);
    let items = answer.json()["items"].as_array().cloned().unwrap();
    let shown = items.iter().find(|one| one["id"] == line.id()).unwrap();
    assert_eq!(
        (&shown["before_scopes"], &shown["state"]),
        (&json!(true), &json!("good"))
    );
    assert_eq!(shown["scopes"], json!(["read", "write", "decide", "deploy", "admin"]));
    assert!(!answer.text().contains(&line.sha256), "a hash is not shown");
    assert_eq!(
        shown["last_used"],
        json!(harness.host.now().to_string()),
        "this very request used it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_ends_at_its_time_and_when_it_is_revoked() {
    let harness = Harness::new().await;
    let end = harness.host.now() + jiff::SignedDuration::from_secs(10);
    let (token, _) = harness.issue("anna", |line| line.expires = Some(end));
    assert_eq!(get(&harness, &token, "/api/v1/tasks").await.status, StatusCode::OK);
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(
        get(&harness, &token, "/api/v1/tasks").await.status,
        StatusCode::UNAUTHORIZED
    );
    let (token, line) = harness.issue("anna", |_| {});
    assert_eq!(get(&harness, &token, "/api/v1/tasks").await.status, StatusCode::OK);
    harness.write_token(&TokenLine {
        revoked: Some(Timestamp::UNIX_EPOCH),
        ..line
    });
    assert_eq!(
        get(&harness, &token, "/api/v1/tasks").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test(start_paused = true)]
async fn token_uses_are_stored_in_the_background_and_survive_a_restart() {
    let harness = Harness::new().await;
    let (token, line) = harness.issue("anna", |_| {});
    get(&harness, &token, "/api/v1/tasks").await;
    let used = harness.host.now();
    assert_eq!(
        harness.store.used_keys("token_use").await.unwrap(),
        [],
        "a request that looks stores nothing"
    );
    harness.server.store_token_uses().await.unwrap();
    tokio::time::advance(Duration::from_secs(30)).await;
    get(&harness, &token, "/api/v1/tasks").await;
    harness.server.store_token_uses().await.unwrap();
    let stored = harness.store.used_keys("token_use").await.unwrap();
    let stored = stored.iter().find(|(id, _)| *id == line.id()).unwrap();
    assert_eq!(stored.1.value, used.to_string(), "it is stored again after ten minutes");
    let again = Harness::at_rest(std::sync::Arc::clone(&harness.store)).await;
    assert_eq!(again.server.token_uses().await.unwrap()[&line.id()], used);
    // at the end the last use counts, however short the time since the one before
    harness.server.store_last_token_uses().await.unwrap();
    let again = Harness::at_rest(std::sync::Arc::clone(&harness.store)).await;
    let last = used + jiff::SignedDuration::from_secs(30);
    assert_eq!(again.server.token_uses().await.unwrap()[&line.id()], last);
}

#[tokio::test(start_paused = true)]
async fn what_strangers_fail_to_prove_costs_no_commit_each_and_is_told_once() {
    let harness = Harness::new().await;
    let before = harness.access_lines().await;
    for number in 0..5 {
        // the address is slowed down after some tries, which count all the same
        get(&harness, "gf_wrong", "/api/v1/tasks").await;
        let hook = harness.post(&format!("/api/v1/hooks/flow-{number}"));
        hook.header("gatefold-signature", "t=1,v2=00").body("{}").send().await;
        harness.get(&format!("/api/v1/links/unknown-{number}")).send().await;
    }
    // who shows nothing has failed at nothing
    harness.get("/api/v1/tasks").send().await;
    assert_eq!(harness.access_lines().await, before);
    virtual_time(2 * COUNTED_FOR).await;
    let told = logged(&harness, "authenticate").await;
    let reasons: Vec<&str> = told.iter().map(|one| one["refused"].as_str().unwrap()).collect();
    assert_eq!(
        reasons,
        [
            "the token is not valid",
            "the signature of the webhook is not valid",
            "there is no such link"
        ]
    );
    for one in &told {
        assert_eq!((&one["actor"], &one["times"]), (&json!("unknown"), &json!(5)), "{one}");
        assert!(one["from"].is_string() && one["what"].is_null(), "{one}");
    }
    virtual_time(2 * COUNTED_FOR).await;
    assert_eq!(logged(&harness, "authenticate").await.len(), 3, "each is told once");
}

#[tokio::test(start_paused = true)]
async fn made_or_revoked_tokens_are_logged_once() {
    let harness = Harness::new().await;
    harness.server.log_tokens().await.unwrap();
    let first = logged(&harness, "token").await.len();
    harness.server.log_tokens().await.unwrap();
    assert_eq!(logged(&harness, "token").await.len(), first);
    let (_, line) = harness.issue("anna", |_| {});
    harness.server.log_tokens().await.unwrap();
    harness.write_token(&TokenLine {
        revoked: Some(Timestamp::UNIX_EPOCH),
        ..line.clone()
    });
    harness.server.log_tokens().await.unwrap();
    harness.server.log_tokens().await.unwrap();
    let told: Vec<Value> = logged(&harness, "token").await.split_off(first);
    let words: Vec<&str> = told.iter().map(|line| line["what"].as_str().unwrap()).collect();
    assert_eq!(words, ["token of anna made", "token of anna revoked"]);
    assert!(told.iter().all(|one| one["token"] == line.id()));
}

#[tokio::test(start_paused = true)]
async fn administration_is_logged_with_person_address_and_token() {
    let harness = Harness::new().await;
    harness.deploy(FLOW).await;
    let run = harness.begin("sign", json!({})).await;
    let (token, line) = harness.issue("admin", |_| {});
    let bearer = format!("Bearer {token}");
    let settings = harness
        .post("/api/v1/flows/sign/settings")
        .header("authorization", &bearer);
    let answer = settings.json(&json!({ "settings": { "limit": 2 } })).send().await;
    assert!(answer.status.is_success(), "{}", answer.text());
    get(&harness, &token, &format!("/api/v1/runs/{run}/journal")).await;
    let refused = harness.get("/api/v1/access").by("anna").send().await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for (kind, actor, what) in [
        ("deploy", "user:author", json!("sign 1.0.0 deployed")),
        ("configure", "user:admin", json!("sign: limit")),
        ("read_journal", "user:admin", Value::Null),
        ("call", "user:anna", json!("GET /api/v1/access")),
    ] {
        let told = logged(&harness, kind).await;
        let told = told.last().unwrap_or_else(|| panic!("{kind}"));
        assert_eq!((&told["actor"], &told["what"]), (&json!(actor), &what), "{told}");
        assert!(told["from"].is_string() && told["token"].is_string(), "{told}");
    }
    let told = logged(&harness, "configure").await;
    assert_eq!(told[0]["token"], line.id());
    assert_eq!(logged(&harness, "read_journal").await[0]["run"], run.to_string());
}

/// What stands for the parameters of a path.
fn filled(path: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with('{') { "none" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

#[tokio::test(start_paused = true)]
async fn every_route_of_administration_that_changes_something_records_who_asked() {
    let harness = Harness::new().await;
    let (token, line) = harness.issue("admin", |_| {});
    let changes = routes()
        .into_iter()
        .filter(|route| route.access == Access::Token(&["admin"]) && !route.method.is_safe());
    let mut seen = BTreeSet::new();
    for route in changes {
        let path = filled(route.path);
        let ask = harness.ask(route.method.clone(), &path).from("192.0.2.7");
        ask.header("authorization", format!("Bearer {token}"))
            .json(&json!({}))
            .send()
            .await;
        let told = logged(&harness, "call").await;
        let told = told.last().unwrap_or_else(|| panic!("{} left no line", route.name));
        assert_eq!(told["what"], format!("{} {path}", route.method), "{}", route.name);
        assert_eq!(
            (&told["actor"], &told["from"], &told["token"], &told["refused"]),
            (
                &json!("user:admin"),
                &json!("192.0.2.7"),
                &json!(line.id()),
                &Value::Null
            ),
            "{}",
            route.name
        );
        seen.insert(route.name);
    }
    assert!(
        seen.contains("retry_mail") && seen.contains("skip_step") && seen.contains("confirm_clock"),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_change_by_an_administrator_that_cannot_be_recorded_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let store =
        std::sync::Arc::new(gatefold::store::sqlite::SqliteStore::open(folder.path().join("gatefold.db")).unwrap());
    let harness = Harness::at_rest(store.clone()).await;
    store.set_size_limit(Some(1)).await.unwrap();
    let mut last = StatusCode::OK;
    // pages that nothing uses take some lines
    for _ in 0..10_000 {
        let ask = harness.post("/api/v1/mails/none/retry").by("admin");
        last = ask.json(&json!({})).send().await.status;
        if last != StatusCode::NOT_FOUND {
            break;
        }
    }
    assert_eq!(last, StatusCode::INSUFFICIENT_STORAGE);
}
