//! Identity: senders of events, people who left, and local accounts that act as a person.

use crate::harness::Harness;
use axum::http::StatusCode;
use gatefold::base::LocalAccess;
use gatefold::config::Accounts;
use gatefold::people::{Person, roles};
use gatefold::server::{Access, Route, routes};
use serde_json::{Value, json};
use std::sync::Arc;

/// A flow that an event starts and that asks the two lawyers, except the sender of the event.
const SIGNED: &str = "flow: evt
version: 1.0.0
on: { event: { type: crm.ready, inputs: { document: \"${{ event.document }}\" } } }
inputs: { document: { type: file } }
steps:
  - id: sign
    approve: { document: \"${{ inputs.document }}\", by: [role:legal, user:operator], exclude: [initiator], decisions: [approved, rejected] }
    deadline: { due: 5 days }
    outcomes: { rejected: { end: rejected }, expired: { end: expired } }
";

fn people(lines: &[&str]) -> String {
    let admin = "admin: { name: Admin, email: admin@example.com, roles: [admin] }";
    let operator = "operator: { name: Operator, email: operator@example.com, roles: [operator] }";
    let mut text = format!("users:\n  {admin}\n  {operator}\n");
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

const ANNA: &str = "anna: { name: Anna, email: anna@example.com, roles: [legal] }";
const BEN: &str = "ben: { name: Ben, email: ben@example.com, roles: [legal] }";
const OTHER_BEN: &str = "ben: { name: Benedikt, email: benedikt@example.com, roles: [legal] }";

async fn write(harness: &Harness, lines: &[&str]) {
    std::fs::write(harness.data.path().join("people.yaml"), people(lines)).unwrap();
    harness.server.accounts.refresh_now();
    harness.server.refresh_accounts().await;
}

async fn status_of(harness: &Harness, user: &str) -> StatusCode {
    harness.get("/api/v1/tasks").by(user).send().await.status
}

async fn rest() {
    let nothing = std::future::pending::<()>();
    assert!(
        tokio::time::timeout(std::time::Duration::from_secs(1), nothing)
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_of_people_that_is_missing_removes_nobody() {
    let harness = Harness::new().await;
    harness.server.start_following().await.unwrap();
    let file = harness.data.path().join("people.yaml");
    let before = harness.host.directory();
    std::fs::remove_file(&file).unwrap();
    harness.server.accounts.refresh_now();
    harness.server.refresh_accounts().await;
    assert_eq!(status_of(&harness, "ben").await, StatusCode::OK, "while it runs");
    // and at the next start
    let accounts = Accounts::open(&file).unwrap();
    let people = || Arc::clone(&accounts.directory().read().unwrap());
    assert!(people().users.is_empty());
    accounts.hold_to(harness.host.last_directory().await.unwrap().unwrap());
    assert_eq!(people().users, before.users);
    accounts.refresh_now();
    assert_eq!(people().users, before.users);
    // nobody may be left on purpose
    std::fs::write(&file, "users: {}\n").unwrap();
    accounts.refresh_now();
    assert!(people().users.is_empty());
}

#[tokio::test(start_paused = true)]
async fn whoever_sends_an_event_does_not_approve_what_it_starts() {
    let harness = Harness::new().await;
    harness.deploy(SIGNED).await;
    let document = harness.put("contract.txt", "version one").await;
    let body = json!({ "id": "1", "type": "crm.ready", "data": { "document": document.id, "sent_by": "user:anna" } });
    let answer = harness.post("/api/v1/events").by("operator").json(&body).send().await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    rest().await;
    let tasks = harness.host.open_tasks(None).await.unwrap();
    assert_eq!(tasks[0].people, ["user:anna", "user:ben"]);
    let run = harness
        .get(&format!("/api/v1/runs/{}", tasks[0].run))
        .by("operator")
        .send()
        .await
        .json();
    assert_eq!(run["initiator"], "user:operator");
    let sha256 = document.sha256;
    let path = format!("/api/v1/tasks/{}/decision", tasks[0].id);
    let decision = json!({ "decision": "approved", "sha256": sha256 });
    let refused = harness.post(&path).by("operator").json(&decision).send().await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.text());
}

#[tokio::test(start_paused = true)]
async fn a_person_who_left_is_suspended_and_comes_back_as_the_same() {
    let harness = Harness::new().await;
    harness.server.start_following().await.unwrap();
    write(&harness, &[ANNA]).await;
    assert_eq!(status_of(&harness, "ben").await, StatusCode::UNAUTHORIZED);
    write(&harness, &[ANNA, BEN]).await;
    assert_eq!(status_of(&harness, "ben").await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_later_person_of_the_name_inherits_nothing() {
    let harness = Harness::new().await;
    harness.server.start_following().await.unwrap();
    harness.deploy(&SIGNED.replace("role:legal", "user:ben")).await;
    let document = harness.put("contract.txt", "version one").await;
    harness.begin("evt", json!({ "document": document.id })).await;
    assert_eq!(harness.host.open_tasks(Some("user:ben")).await.unwrap().len(), 1);
    write(&harness, &[ANNA]).await;
    write(&harness, &[ANNA, OTHER_BEN]).await;
    rest().await;
    assert_eq!(
        status_of(&harness, "ben").await,
        StatusCode::UNAUTHORIZED,
        "the token is of the first ben"
    );
    assert_eq!(
        harness.host.open_tasks(Some("user:ben")).await.unwrap().len(),
        0,
        "so is the place"
    );
    let listed = harness.get("/api/v1/people").by("admin").send().await.json();
    let bens = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|person| person["user"] == "ben");
    let bens: Vec<&Value> = bens.collect();
    assert_eq!(bens.len(), 2, "{listed}");
    assert!(bens[0]["id"] != bens[1]["id"] && bens[0]["left_at"] != Value::Null && bens[1]["left_at"] == Value::Null);
    assert!(
        !harness
            .host
            .is_still("ben", harness.host.now() - jiff::SignedDuration::from_secs(5))
    );
}

#[tokio::test(start_paused = true)]
async fn an_administrator_makes_a_removal_final() {
    let harness = Harness::new().await;
    harness.server.start_following().await.unwrap();
    let remove = || {
        harness
            .post("/api/v1/people/ben/remove")
            .by("admin")
            .json(&json!({ "reason": "has left" }))
    };
    let refused = remove().send().await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
    write(&harness, &[ANNA]).await;
    let removed = remove().send().await;
    assert!(removed.status.is_success(), "{}", removed.text());
    write(&harness, &[ANNA, BEN]).await;
    assert_eq!(status_of(&harness, "ben").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_removes_many_people_waits_for_a_confirmation() {
    let harness = Harness::new().await;
    harness.server.start_following().await.unwrap();
    let many: Vec<String> = (0..12)
        .map(|number| format!("u{number}: {{ name: U, email: u{number}@example.com }}"))
        .collect();
    let mut lines: Vec<&str> = many.iter().map(String::as_str).collect();
    lines.extend([ANNA, BEN]);
    write(&harness, &lines).await;
    write(&harness, &[ANNA]).await;
    assert_eq!(
        status_of(&harness, "ben").await,
        StatusCode::OK,
        "the one before stays in force"
    );
    let people = harness.get("/api/v1/people").by("admin").send().await.json();
    assert_eq!(people["held"], 13);
    let ready = harness.get("/readyz").send().await;
    assert_eq!(ready.status, StatusCode::OK, "people can work");
    let said = ready.json()["people"].as_str().unwrap().to_owned();
    assert!(
        said.contains("gatefold people confirm") && !said.contains("ben"),
        "{said}"
    );
    let confirm = |removes: usize| {
        let body = json!({ "removes": removes });
        harness.post("/api/v1/people/confirm").by("admin").json(&body)
    };
    assert_eq!(confirm(12).send().await.status, StatusCode::CONFLICT);
    let confirmed = confirm(13).send().await;
    assert!(confirmed.status.is_success(), "{}", confirmed.text());
    assert_eq!(status_of(&harness, "ben").await, StatusCode::UNAUTHORIZED);
    assert_eq!(confirm(13).send().await.status, StatusCode::CONFLICT);
    let ready = harness.get("/readyz").send().await;
    assert_eq!(ready.json()["people"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_removes_many_people_waits_over_a_restart_too() {
    let harness = Harness::new().await;
    let many: Vec<String> = (0..12)
        .map(|number| format!("u{number}: {{ name: U, email: u{number}@example.com }}"))
        .collect();
    let lines: Vec<&str> = many.iter().map(String::as_str).chain([ANNA, BEN]).collect();
    write(&harness, &lines).await;
    harness.server.start_following().await.unwrap();
    // as if the file was first read at the next start
    std::fs::write(harness.data.path().join("people.yaml"), people(&[ANNA])).unwrap();
    harness.server.accounts.refresh_now();
    assert!(harness.server.accounts.confirm(13));
    harness.server.start_following().await.unwrap();
    assert_eq!(harness.server.accounts.held(), Some(13));
    assert_eq!(status_of(&harness, "ben").await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn an_account_of_the_machine_decides_only_before_people_are_served_or_by_breaking_glass() {
    let harness = Harness::new().await;
    harness.deploy(SIGNED).await;
    let document = harness.put("contract.txt", "version one").await;
    let anna = harness.host.directory().users["anna"].clone();
    let local = |break_glass: Option<&str>| LocalAccess {
        account: "local:1000".to_owned(),
        break_glass: break_glass.map(str::to_owned),
    };
    let decide = async |break_glass: Option<&str>| {
        let run = harness.begin("evt", json!({ "document": document.id })).await;
        let tasks = harness.host.open_tasks(None).await.unwrap();
        let task = tasks.into_iter().find(|task| task.run == run).unwrap();
        let token = harness
            .server
            .accounts
            .admit("anna", anna.clone(), local(break_glass), harness.host.now());
        let body = json!({ "decision": "approved", "sha256": document.sha256 });
        let ask = harness.post(&format!("/api/v1/tasks/{}/decision", task.id));
        let answer = ask
            .header("authorization", format!("Bearer {token}"))
            .json(&body)
            .send()
            .await;
        let journal = serde_json::to_string(&harness.host.journal(&run, 0, 100).await.unwrap()).unwrap();
        (answer.status, journal)
    };
    let (status, journal) = decide(None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        journal.contains(r#""by":"user:anna""#) && journal.contains(r#""local":{"account":"local:1000"}"#),
        "{journal}"
    );
    harness.host.mark_served().await.unwrap();
    let (status, journal) = decide(None).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(!journal.contains("decision_recorded"), "{journal}");
    let (status, journal) = decide(Some("the server is down")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(journal.contains(r#""break_glass":"the server is down""#), "{journal}");
}

#[tokio::test(start_paused = true)]
async fn a_token_belongs_to_the_person_who_had_the_name_when_the_server_saw_it_first() {
    let harness = Harness::new().await;
    harness.server.start_following().await.unwrap();
    // made on a machine whose clock is a year ahead, so that its time says nothing
    let (token, line) = harness.issue("ben", |line| {
        line.created = crate::harness::days_after(harness.host.now(), 365);
    });
    let status = async || {
        let ask = harness.get("/api/v1/tasks");
        ask.header("authorization", format!("Bearer {token}"))
            .send()
            .await
            .status
    };
    assert_eq!(status().await, StatusCode::OK);
    let listed = async || {
        let listed = harness.get("/api/v1/tokens").by("admin").send().await.json();
        let mut items = listed["items"].as_array().unwrap().iter();
        items.find(|item| item["id"] == line.id()).unwrap().clone()
    };
    let people = harness.get("/api/v1/people").by("admin").send().await.json();
    let ben = people["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["user"] == "ben")
        .unwrap();
    assert_eq!(listed().await["person"], ben["id"]);
    write(&harness, &[ANNA]).await;
    assert_eq!(
        (status().await, &listed().await["state"]),
        (StatusCode::UNAUTHORIZED, &json!("left"))
    );
    write(&harness, &[ANNA, OTHER_BEN]).await;
    assert_eq!(status().await, StatusCode::UNAUTHORIZED, "it is of the first ben");
    // what is bound stays bound over a restart
    harness.server.start_following().await.unwrap();
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    assert_eq!(listed().await["state"], "left");
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    let (own, _) = harness.issue("ben", |line| line.created = harness.host.now());
    harness.server.refresh_accounts().await;
    let ask = harness
        .get("/api/v1/tasks")
        .header("authorization", format!("Bearer {own}"));
    assert_eq!(ask.send().await.status, StatusCode::OK, "and this one of the second");
}

#[tokio::test(start_paused = true)]
async fn an_account_of_the_machine_acts_for_nobody_and_decides_nothing_once_people_are_served() {
    let harness = Harness::new().await;
    let anna = Person {
        roles: [roles::ADMIN.to_owned()].into(),
        ..harness.host.directory().users["anna"].clone()
    };
    let answers = async |user: &str, break_glass: Option<&str>| {
        let mut refused = Vec::new();
        for route in routes() {
            if !matches!(route.access, Access::Token(_)) || route.name == "watch_run" {
                continue;
            }
            let local = LocalAccess {
                account: "local:1000".to_owned(),
                break_glass: break_glass.map(str::to_owned),
            };
            let token = harness
                .server
                .accounts
                .admit(user, anna.clone(), local, harness.host.now());
            let path = route.path.replace(['{', '}'], "");
            let ask = harness.ask(route.method.clone(), &path);
            let answer = ask.header("authorization", format!("Bearer {token}")).send().await;
            if answer.status == StatusCode::FORBIDDEN && answer.problem() == "local-decision" {
                refused.push(route.name);
            }
        }
        refused
    };
    assert_eq!(answers("anna", None).await, [""; 0], "nobody is served yet");
    harness.host.mark_served().await.unwrap();
    let names = |is_meant: fn(&Route) -> bool| -> Vec<&'static str> {
        let all = routes();
        let of_tokens = all.iter().filter(|route| matches!(route.access, Access::Token(_)));
        of_tokens
            .filter(|route| is_meant(route))
            .map(|route| route.name)
            .collect()
    };
    let changing = names(|route| !route.method.is_safe());
    assert_eq!(
        answers("anna", None).await,
        changing,
        "in the name of a person it only looks"
    );
    let deciding = names(Route::decides);
    assert_eq!(
        deciding,
        [
            "approve_deployment",
            "reject_deployment",
            "set_step",
            "skip_step",
            "decide_task",
            "delegate_task",
            "reassign_task",
            "skip_task",
            "redo_task",
        ]
    );
    assert_eq!(answers("local:1000", None).await, deciding, "for itself it administers");
    for user in ["anna", "local:1000"] {
        assert_eq!(answers(user, Some("the server is down")).await, [""; 0], "{user}");
    }
    let log = harness.store.access_log(None, 0, usize::MAX).await.unwrap();
    let broken = log.iter().filter_map(|(_, entry)| entry.origin.what.as_deref());
    let broken = broken.filter(|what| what.contains("local:1000 broke the glass: the server is down"));
    assert_eq!(broken.count(), changing.len() + deciding.len(), "each is recorded");
}
