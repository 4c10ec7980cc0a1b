//! Tasks: whose they are, what is decided, and on which version.

use crate::harness::{Answer, Harness};
use axum::http::StatusCode;
use gatefold::base::Value;
use gatefold::base::id::RunId;
use serde_json::json;

const SIGNING: &str = "flow: signs
version: 1.0.0
inputs: { document: { type: file } }
steps:
  - id: sign
    title: Sign it
    approve: { document: \"${{ inputs.document }}\", by: [role:legal], rule: 2, reason: [rejected], on_new_version: reset }
    deadline: { due: 5 days }
    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: expired } }
";

/// An installation with one task for anna and ben.
struct Desk {
    harness: Harness,
    run: RunId,
    task: String,
    sha256: String,
}

async fn desk() -> Desk {
    let harness = Harness::new().await;
    harness.deploy(SIGNING).await;
    let document = harness.put("contract.txt", "version one").await;
    let run = harness.begin("signs", json!({ "document": document.id })).await;
    let tasks = harness.get("/api/v1/tasks").by("anna").send().await.json();
    let task = tasks["items"][0]["id"].as_str().expect("anna has a task").to_owned();
    Desk {
        harness,
        run,
        task,
        sha256: document.sha256,
    }
}

impl Desk {
    fn path(&self, rest: &str) -> String {
        format!("/api/v1/tasks/{}{rest}", self.task)
    }

    async fn decide(&self, user: &str, body: Value) -> Answer {
        self.harness
            .post(&self.path("/decision"))
            .by(user)
            .json(&body)
            .send()
            .await
    }

    async fn approve(&self, user: &str) -> Answer {
        self.decide(user, json!({ "decision": "approved", "sha256": self.sha256 }))
            .await
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_is_there_for_its_people_alone() {
    let desk = desk().await;
    let harness = &desk.harness;
    for (user, status) in [
        ("anna", 200),
        ("ben", 200),
        ("admin", 200),
        ("operator", 404),
        ("nobody", 404),
    ] {
        for path in [desk.path(""), desk.path("/document")] {
            assert_eq!(
                harness.get(&path).by(user).send().await.status.as_u16(),
                status,
                "{user}: {path}"
            );
        }
    }
    for user in ["operator", "nobody"] {
        let tasks = harness.get("/api/v1/tasks?all=true").by(user).send().await.json();
        assert_eq!(tasks["items"], json!([]), "{user}");
        let refused = desk.approve(user).await;
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (StatusCode::NOT_FOUND, "not-found"),
            "{user}"
        );
    }
    assert_eq!(
        desk.approve("admin").await.status,
        StatusCode::NOT_FOUND,
        "looking is not deciding"
    );
    let all = harness.get("/api/v1/tasks?all=true").by("admin").send().await.json();
    assert_eq!(all["items"][0]["people"], json!(["user:anna", "user:ben"]));
    let none = harness.post("/api/v1/tasks/tsk_none/decision").by("anna");
    let body = json!({ "decision": "approved", "sha256": desk.sha256 });
    assert_eq!(
        none.json(&body).send().await.text().len(),
        desk.approve("nobody").await.text().len()
    );
}

#[tokio::test(start_paused = true)]
async fn the_mail_about_a_task_tells_its_end_in_words() {
    let harness = Harness::new().await;
    harness
        .deploy(&SIGNING.replace(
            "steps:
",
            "calendar: madrid
steps:
",
        ))
        .await;
    let document = harness.put("contract.txt", "version one").await;
    harness.begin("signs", json!({ "document": document.id })).await;
    let mail = loop {
        if let Some(mail) = harness.mails.lock().unwrap().pop() {
            break mail;
        }
        crate::turn::turn().await;
    };
    let due = "Due:      Saturday, 28 November 2026, 10:00 CET (Europe/Madrid)\n";
    assert!(mail.text.contains(due), "{}", mail.text);
}

#[tokio::test(start_paused = true)]
async fn the_same_answer_twice_is_fine_and_another_one_is_not() {
    let desk = desk().await;
    let first = desk.approve("anna").await;
    assert_eq!(
        (first.status, first.json()),
        (StatusCode::OK, json!({ "result": "accepted" }))
    );
    let again = desk.approve("anna").await;
    assert_eq!(
        (again.status, again.json()),
        (StatusCode::OK, json!({ "result": "already_done" }))
    );
    let other = json!({ "decision": "rejected", "reason": "no", "sha256": desk.sha256 });
    let other = desk.decide("anna", other).await;
    assert_eq!(
        (other.status, other.problem().as_str()),
        (StatusCode::CONFLICT, "already-decided")
    );

    assert_eq!(desk.approve("ben").await.status, StatusCode::OK);
    let task = desk.harness.get(&desk.path("")).by("anna").send().await.json();
    assert_eq!(
        (&task["state"], &task["outcome"]),
        (&json!("settled"), &json!("approved")),
        "{task}"
    );
    let run = desk
        .harness
        .get(&format!("/api/v1/runs/{}", desk.run))
        .by("operator")
        .send()
        .await
        .json();
    assert_eq!(run["outcome"], "completed");
}

#[tokio::test(start_paused = true)]
async fn a_decision_is_on_the_version_that_was_seen() {
    let desk = desk().await;
    let harness = &desk.harness;
    let seen = harness.get(&desk.path("/document")).by("anna").send().await;
    assert_eq!(
        (seen.header("etag"), seen.text()),
        (format!("\"{}\"", desk.sha256).as_str(), "version one")
    );

    let newer = harness.put("contract.txt", "version two").await;
    let body = json!({ "decision": "approved", "sha256": newer.sha256 });
    let guessed = json!({ "decision": "approved", "sha256": "0".repeat(64) });
    let refused = desk.decide("anna", guessed).await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (StatusCode::CONFLICT, "other-version")
    );
    let current = refused.json()["current"].clone();
    assert!(
        ["version", "sha256", "id"]
            .iter()
            .all(|field| !current[field].is_null()),
        "{current}"
    );
    // The newer version came to the folder and not through a share; the task asks about it all the same.
    while harness.get(&desk.path("")).by("anna").send().await.json()["document"]["version"] != 2 {
        crate::turn::turn().await;
    }
    assert_eq!(desk.approve("anna").await.status, StatusCode::CONFLICT);
    assert_eq!(desk.decide("anna", body).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_decision_is_refused_with_what_is_possible() {
    let desk = desk().await;
    let refused = desk
        .decide("anna", json!({ "decision": "perhaps", "sha256": desk.sha256 }))
        .await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "no-such-decision")
    );
    assert!(refused.text().contains("approved"), "{}", refused.text());
    for reason in [json!(null), json!("  ")] {
        let body = json!({ "decision": "rejected", "sha256": desk.sha256, "reason": reason });
        let refused = desk.decide("anna", body).await;
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "reason-missing")
        );
    }
    let short = json!({ "decision": "approved", "sha256": desk.sha256[..12] });
    let refused = desk.decide("anna", short).await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "hash-not-whole")
    );
    assert!(
        refused.text().contains("64 hexadecimal digits, and has 12"),
        "{}",
        refused.text()
    );
    let without = desk.decide("anna", json!({ "decision": "approved" })).await;
    assert_eq!(
        (without.status, without.problem().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "version-missing")
    );
    let by_reading = desk
        .harness
        .get(&desk.path("/decision?decision=approved"))
        .by("anna")
        .send()
        .await;
    assert_eq!(by_reading.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test(start_paused = true)]
async fn a_settled_task_takes_no_decision() {
    let desk = desk().await;
    for user in ["anna", "ben"] {
        desk.approve(user).await;
    }
    let late = json!({ "decision": "rejected", "reason": "late", "sha256": desk.sha256 });
    let late = desk.decide("ben", late).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text());
    assert!(desk.harness.get("/api/v1/tasks").by("ben").send().await.json()["items"] == json!([]));
}

const SHELVING: &str = "flow: shelves\nversion: 1.0.0\nsteps:
  - id: shelve
    task:
      kind: form
      to: [role:legal]
      title: Put it on its shelf
      form: { shelf: { type: text, title: Which shelf, max: 3, required: true } }
    deadline: { due: 5 days }
    outcomes: { declined: { end: declined }, expired: { end: expired } }
";

#[tokio::test(start_paused = true)]
async fn a_task_without_a_document_shows_its_form_and_takes_it() {
    let harness = Harness::new().await;
    harness.deploy(SHELVING).await;
    let run = harness.begin("shelves", json!({})).await;
    let tasks = harness.get("/api/v1/tasks").by("anna").send().await.json();
    let task = &tasks["items"][0];
    assert_eq!(
        (&task["kind"], &task["title"]),
        (&json!("form"), &json!("Put it on its shelf"))
    );
    assert_eq!(task["decisions"], json!(["done", "declined"]));
    let field =
        json!({ "name": "shelf", "type": "text", "title": "Which shelf", "max": 3.0, "required_for": ["done"] });
    assert_eq!(task["form"], json!([field]));
    assert!(task.get("document").is_none());
    assert!(task.get("because").is_none(), "it is told of one task alone");
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().expect("it has an id"));
    let one = harness.get(&path).by("anna").send().await.json();
    assert_eq!(one["because"], "5 days after it began");
    let bytes = harness.get(&format!("{path}/document")).by("anna").send().await;
    assert_eq!(bytes.status, StatusCode::NOT_FOUND);
    let decision = format!("{path}/decision");
    for (form, place) in [
        (json!({}), "shelf"),
        (json!({ "shelf": "far away" }), "shelf"),
        (json!({ "x": 1 }), "x"),
    ] {
        let body = json!({ "decision": "done", "form": form });
        let refused = harness.post(&decision).by("anna").json(&body).send().await;
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "bad-form")
        );
        assert_eq!(refused.json()["errors"][0]["place"], place);
    }
    let body = json!({ "decision": "done", "form": { "shelf": "A1" } });
    let taken = harness.post(&decision).by("anna").json(&body).send().await;
    assert_eq!(taken.status, StatusCode::OK);
    let run = harness
        .get(&format!("/api/v1/runs/{run}"))
        .by("admin")
        .send()
        .await
        .json();
    assert_eq!(run["outcome"], "completed");
}

#[tokio::test(start_paused = true)]
async fn a_task_is_taken_given_back_and_passed_on() {
    let harness = Harness::new().await;
    harness.deploy(SHELVING).await;
    harness.begin("shelves", json!({})).await;
    let tasks = harness.get("/api/v1/tasks").by("anna").send().await.json();
    let path = format!(
        "/api/v1/tasks/{}",
        tasks["items"][0]["id"].as_str().expect("it has an id")
    );
    let act = async |user: &str, how: &str, body: Value| {
        let answer = harness.post(&format!("{path}/{how}")).by(user).json(&body).send().await;
        (answer.status, answer.text().to_string())
    };
    assert_eq!(act("nobody", "claim", json!({})).await.0, StatusCode::NOT_FOUND);
    assert_eq!(act("anna", "claim", json!({})).await.0, StatusCode::OK);
    assert_eq!(act("ben", "claim", json!({})).await.0, StatusCode::CONFLICT);
    let mine = harness.get("/api/v1/tasks").by("ben").send().await.json();
    assert_eq!(mine["items"], json!([]));
    assert_eq!(
        act("admin", "release", json!({})).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        act("admin", "release", json!({ "reason": "anna is ill" })).await.0,
        StatusCode::OK
    );
    let (status, text) = act("anna", "delegate", json!({ "to": "user:ben" })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
    assert!(text.contains("user:ben would count twice"), "{text}");
    assert_eq!(
        act("anna", "delegate", json!({ "to": "user:nobody" })).await.0,
        StatusCode::OK
    );
    let task = harness.get(&path).by("nobody").send().await.json();
    assert_eq!(
        task["deputies"],
        json!([{ "by": "user:nobody", "on_behalf_of": "user:anna" }])
    );
    let handed = act("ben", "reassign", json!({ "to": "user:admin", "reason": "on leave" })).await;
    assert_eq!(handed.0, StatusCode::OK, "{}", handed.1);
    assert_eq!(harness.get(&path).by("ben").send().await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_task_rests_goes_on_and_is_skipped_over_the_api() {
    let harness = Harness::new().await;
    harness
        .deploy(&SHELVING.replace("to: [role:legal]", "to: [role:legal]\n      allow: [suspend, skip]"))
        .await;
    harness.begin("shelves", json!({})).await;
    let tasks = harness.get("/api/v1/tasks").by("anna").send().await.json();
    let path = format!("/api/v1/tasks/{}", tasks["items"][0]["id"].as_str().unwrap());
    let act = async |user: &str, how: &str, body: Value| {
        let answer = harness.post(&format!("{path}/{how}")).by(user).json(&body).send().await;
        (answer.status, answer.text().to_string())
    };
    let why = json!({ "reason": "the archive is closed" });
    assert_eq!(act("nobody", "suspend", why.clone()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(act("anna", "suspend", why.clone()).await.0, StatusCode::OK);
    let task = harness.get(&path).by("ben").send().await.json();
    assert_eq!(task["suspended"]["by"], "user:anna");
    assert_eq!(task["suspended"]["reason"], "the archive is closed");
    assert_eq!(task["allow"], json!(["suspend", "skip"]));
    let (status, text) = act("ben", "claim", json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(text.contains("the archive is closed"), "{text}");
    assert_eq!(act("ben", "resume", json!({})).await.0, StatusCode::CONFLICT);
    assert_eq!(
        act("admin", "resume", json!({})).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(act("anna", "resume", json!({})).await.0, StatusCode::OK);
    assert_eq!(act("anna", "redo", why.clone()).await.0, StatusCode::CONFLICT);
    assert_eq!(
        act("anna", "skip", json!({ "reason": " " })).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(act("anna", "skip", why).await.0, StatusCode::OK);
    let task = harness.get(&path).by("anna").send().await.json();
    assert_eq!((&task["state"], task.get("suspended")), (&json!("withdrawn"), None));
}

#[tokio::test(start_paused = true)]
async fn a_task_is_started_kept_and_followed_by_the_next_over_the_api() {
    let harness = Harness::new().await;
    harness.deploy(SHELVING).await;
    for _ in 0..2 {
        harness.begin("shelves", json!({})).await;
    }
    let tasks = harness.get("/api/v1/tasks?order=oldest").by("anna").send().await.json();
    let path = |at: usize| format!("/api/v1/tasks/{}", tasks["items"][at]["id"].as_str().unwrap());
    let act = async |user: &str, how: &str, body: Value| {
        let answer = harness
            .post(&format!("{}/{how}", path(0)))
            .by(user)
            .json(&body)
            .send()
            .await;
        (answer.status, answer.json())
    };
    assert_eq!(act("nobody", "start", json!({})).await.0, StatusCode::NOT_FOUND);
    assert_eq!(act("anna", "start", json!({})).await.0, StatusCode::OK);
    assert_eq!(act("ben", "start", json!({})).await.0, StatusCode::CONFLICT);
    let wrong = json!({ "form": { "shelf": "far too long" } });
    assert_eq!(act("anna", "draft", wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        act("anna", "draft", json!({ "form": { "shelf": "A1" } })).await.0,
        StatusCode::OK
    );
    let task = harness.get(&path(0)).by("anna").send().await.json();
    assert_eq!(
        (&task["started"][0]["by"], &task["draft"]["form"]),
        (&json!("user:anna"), &json!({ "shelf": "A1" }))
    );
    assert_eq!(task["priority"], "normal");
    let (status, answer) = act("anna", "decision", json!({ "decision": "done", "next": "same_step" })).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["next"], tasks["items"][1]["id"]);
    let task = harness.get(&path(1)).by("anna").send().await.json();
    assert_eq!(task["claimed_by"], "user:anna");
}

#[tokio::test(start_paused = true)]
async fn whoever_a_flow_lets_see_a_task_sees_it_and_does_nothing_about_it() {
    let harness = Harness::new().await;
    let seen = "to: [role:legal]\n      visible: { untaken: [user:nobody] }\n      priority: high";
    harness.deploy(&SHELVING.replace("to: [role:legal]", seen)).await;
    harness.begin("shelves", json!({})).await;
    let list = async |query: &str| {
        harness
            .get(&format!("/api/v1/tasks{query}"))
            .by("nobody")
            .send()
            .await
            .json()
    };
    assert_eq!(list("").await["items"], json!([]));
    let watched = list("?watched=true").await;
    let path = format!("/api/v1/tasks/{}", watched["items"][0]["id"].as_str().unwrap());
    assert_eq!(list("?watched=true&step=other").await["items"], json!([]));
    let view = harness.get(&path).by("nobody").send().await;
    assert_eq!(
        (view.status, &view.json()["priority"]),
        (StatusCode::OK, &json!("high"))
    );
    for how in ["claim", "start"] {
        let answer = harness
            .post(&format!("{path}/{how}"))
            .by("nobody")
            .json(&json!({}))
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{how}");
    }
    harness
        .post(&format!("{path}/claim"))
        .by("anna")
        .json(&json!({}))
        .send()
        .await;
    assert_eq!(
        harness.get(&path).by("nobody").send().await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(list("?watched=true").await["items"], json!([]));
    let release = harness.post(&format!("{path}/release")).by("anna").json(&json!({}));
    assert_eq!(release.send().await.status, StatusCode::OK);
    assert_eq!(harness.get(&path).by("nobody").send().await.status, StatusCode::OK);
    let answer = json!({ "decision": "done", "form": { "shelf": "A1" } });
    let decided = harness
        .post(&format!("{path}/decision"))
        .by("anna")
        .json(&answer)
        .send()
        .await;
    assert_eq!(decided.status, StatusCode::OK);
    let view = harness.get(&path).by("nobody").send().await;
    assert_eq!(
        view.status,
        StatusCode::NOT_FOUND,
        "what somebody answered is not for them"
    );
}

#[tokio::test(start_paused = true)]
async fn the_next_task_of_the_same_step_may_be_of_another_element() {
    let harness = Harness::new().await;
    let yaml = "flow: shelves\nversion: 1.0.0\nsteps:\n  - id: all\n    each:\n      in: [a, b]\n      steps:\n        - id: shelve\n          task: { to: [role:legal] }\n          deadline: { due: 5 days }\n          outcomes: { declined: { end: declined }, expired: { end: late } }\n    outcomes: { failed: { end: failed } }\n";
    harness.deploy(yaml).await;
    harness.begin("shelves", json!({})).await;
    let tasks = harness.get("/api/v1/tasks?order=oldest").by("anna").send().await.json();
    let path = format!("/api/v1/tasks/{}/decision", tasks["items"][0]["id"].as_str().unwrap());
    let body = json!({ "decision": "done", "next": "same_step" });
    let answer = harness.post(&path).by("anna").json(&body).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["next"], tasks["items"][1]["id"]);
}

#[tokio::test(start_paused = true)]
async fn who_is_asked_a_question_sees_the_task_and_answers() {
    let harness = Harness::new().await;
    harness.deploy(SHELVING).await;
    harness.begin("shelves", json!({})).await;
    let tasks = harness.get("/api/v1/tasks").by("anna").send().await.json();
    let path = format!(
        "/api/v1/tasks/{}",
        tasks["items"][0]["id"].as_str().expect("it has an id")
    );
    let say = async |user: &str, body: Value| {
        let answer = harness
            .post(&format!("{path}/remarks"))
            .by(user)
            .json(&body)
            .send()
            .await;
        answer.status
    };
    assert_eq!(say("nobody", json!({ "text": "Hello" })).await, StatusCode::NOT_FOUND);
    let question = json!({ "text": "Which shelf is free?", "to": "user:nobody" });
    assert_eq!(say("anna", question).await, StatusCode::OK);
    let theirs = harness.get("/api/v1/tasks").by("nobody").send().await.json();
    assert_eq!(theirs["items"][0]["thread"][0]["text"], "Which shelf is free?");
    assert_eq!(
        say("nobody", json!({ "text": "A1", "answers": 1 })).await,
        StatusCode::OK
    );
    assert_eq!(
        say("nobody", json!({ "text": "A2", "answers": 1 })).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let body = json!({ "decision": "done", "form": { "shelf": "A1" } });
    let decided = harness
        .post(&format!("{path}/decision"))
        .by("nobody")
        .json(&body)
        .send()
        .await;
    assert_eq!(decided.status, StatusCode::NOT_FOUND);
}
