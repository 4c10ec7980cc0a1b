//! What people who run the place look at: files, the access log, mails.

use crate::harness::Harness;
use axum::http::StatusCode;
use gatefold::base::Value;
use gatefold::space::Role;
use serde_json::json;

async fn put(harness: &Harness, user: &str, query: &str, bytes: &str, key: Option<&str>) -> (StatusCode, Value) {
    let mut ask = harness.post(&format!("/api/v1/files?{query}")).by(user);
    if let Some(key) = key {
        ask = ask.header("idempotency-key", key);
    }
    let answer = ask.body(bytes.to_owned()).send().await;
    (answer.status, answer.json())
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_put_again_under_its_key_is_the_one_that_was_put() {
    let harness = Harness::new().await;
    let (_, first) = put(&harness, "operator", "folder=/in/1&name=a.txt", "one", Some("k")).await;
    let (status, again) = put(&harness, "operator", "folder=/in/2&name=a.txt", "one", Some("k")).await;
    assert_eq!((status, &again), (StatusCode::CREATED, &first));
    assert_eq!(first["version"], 1);
    for (query, bytes) in [("folder=/in/1&name=a.txt", "two"), ("folder=/in/1&name=b.txt", "one")] {
        let (status, problem) = put(&harness, "operator", query, bytes, Some("k")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(problem["type"], "/problems/key-reused");
    }
    let (_, elsewhere) = put(&harness, "admin", "folder=/in/2&name=a.txt", "one", Some("k")).await;
    assert_ne!(elsewhere["id"], first["id"], "a key is one person's");
    let (_, without) = put(&harness, "operator", "folder=/in/1&name=a.txt", "three", None).await;
    assert_eq!((&without["id"], &without["version"]), (&first["id"], &json!(2)));
}

async fn listed(harness: &Harness, user: &str, query: &str) -> Vec<String> {
    let page = harness
        .get(&format!("/api/v1/files{query}"))
        .by(user)
        .send()
        .await
        .json();
    let items = page["items"].as_array().expect("a list").clone();
    items
        .iter()
        .map(|file| {
            format!(
                "{}/{}",
                file["folder"].as_str().unwrap(),
                file["name"].as_str().unwrap()
            )
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn files_are_listed_for_those_who_may_open_them() {
    let harness = Harness::new().await;
    for (folder, name) in [
        ("/published", "b.txt"),
        ("/published/2026", "a.txt"),
        ("/publishedx", "c.txt"),
    ] {
        let document = harness
            .host
            .put_file("user:anna", folder, name, &b"x"[..])
            .await
            .unwrap();
        assert_eq!(document.version, 1);
    }
    harness.put("mine.txt", "x").await;
    let all = [
        "/in/mine.txt",
        "/published/b.txt",
        "/published/2026/a.txt",
        "/publishedx/c.txt",
    ];
    for user in ["operator", "admin"] {
        assert_eq!(listed(&harness, user, "").await, all, "{user}");
    }
    assert_eq!(listed(&harness, "anna", "").await, all[1..]);
    assert_eq!(listed(&harness, "anna", "?folder=/published").await, all[1..3]);
    for user in ["nobody", "author", "ben"] {
        assert_eq!(listed(&harness, user, "").await, [""; 0], "{user}");
    }
    let page = harness.get("/api/v1/files?limit=2").by("anna").send().await.json();
    let next = page["next"].as_str().expect("there is more");
    assert_eq!(
        listed(&harness, "anna", &format!("?limit=2&after={next}")).await,
        all[3..]
    );
}

#[tokio::test(start_paused = true)]
async fn administrators_read_who_saw_what() {
    let harness = Harness::new().await;
    let link = harness.share(Role::View).await;
    harness.get(&link.path("")).send().await;
    harness.get(&link.file_path()).send().await;
    let path = format!("/api/v1/access?share={}", link.share);
    let lines = harness.get(&path).by("admin").send().await.json();
    let told: Vec<Value> = lines["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| json!([line["actor"], line["kind"], line["refused"].is_string()]))
        .collect();
    let rita = "email:rita@outside.example";
    assert_eq!(told, [json!([rita, "list", false]), json!([rita, "download", true])]);
    let after = lines["items"][0]["position"].as_u64().unwrap();
    let rest = harness
        .get(&format!("{path}&after={after}"))
        .by("admin")
        .send()
        .await
        .json();
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(1));
    let page = harness.get("/api/v1/access?limit=1").by("admin").send().await.json();
    assert!(page["next"].is_string(), "{page}");
}

#[tokio::test(start_paused = true)]
async fn a_mail_is_listed_without_its_text() {
    let harness = Harness::new().await;
    let yaml = "flow: tells\nversion: 1.0.0\ninputs: { document: { type: file } }\nsteps:\n  - id: sign\n    approve: { document: \"${{ inputs.document }}\", by: [user:anna], ask: \"A secret question?\" }\n    deadline: { due: 5 days }\n    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: expired } }\n";
    harness.deploy(yaml).await;
    let document = harness.put("contract.txt", "x").await;
    harness.begin("tells", json!({ "document": document.id })).await;
    while harness.mails.lock().unwrap().is_empty() {
        crate::turn::turn().await;
    }
    let listed = async |query: &str| harness.get(&format!("/api/v1/mails{query}")).by("admin").send().await;
    let mut sent = listed("?state=sent").await.json();
    while sent["items"].as_array().is_none_or(Vec::is_empty) {
        sent = listed("?state=sent").await.json();
    }
    assert_eq!(sent["items"][0]["to"], json!(["anna@example.com"]));
    assert!(!sent.to_string().contains("secret question"), "{sent}");
    assert_eq!(listed("").await.json()["items"], json!([]));
    let id = sent["items"][0]["id"].as_str().unwrap();
    let again = harness
        .post(&format!("/api/v1/mails/{id}/retry"))
        .by("admin")
        .send()
        .await;
    assert_eq!(
        (again.status, again.problem().as_str()),
        (StatusCode::CONFLICT, "conflict")
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_keeps_its_text_for_ever_and_new_runs_take_the_highest() {
    let harness = Harness::new().await;
    let text = |version: &str, title: &str| {
        format!(
            "flow: counts\nversion: {version}\ntitle: {title}\nsteps:\n  - id: a\n    uses: data.set\n    with: {{ value: 1 }}\n"
        )
    };
    let deploy = async |version, title| {
        let text = text(version, title);
        let answer = harness.post("/api/v1/flows").by("author").text(text).send().await;
        (
            answer.status.as_u16(),
            answer.json()["detail"].as_str().unwrap_or_default().to_owned(),
        )
    };
    assert_eq!(deploy("1.9.0", "First").await.0, 201);
    assert_eq!(deploy("1.10.0", "Second").await.0, 201);
    let (status, why) = deploy("1.9.0", "Other").await;
    assert_eq!(
        status, 409,
        "a version that is no longer the latest has its text too: {why}"
    );
    assert_eq!(deploy("1.9.0", "First").await.0, 201, "the same changes nothing");
    let (status, why) = deploy("1.9.1", "Third").await;
    assert_eq!(
        (status, why.contains("counts 1.10.0 is deployed")),
        (409, true),
        "{why}"
    );
    let flow = harness.get("/api/v1/flows/counts").by("author").send().await.json();
    assert_eq!(flow["version"], "1.10.0", "nothing was taken back");
}

#[tokio::test(start_paused = true)]
async fn what_only_looks_is_answered_and_takes_nothing_up() {
    let harness = Harness::not_recovered(std::sync::Arc::new(gatefold::store::memory::MemoryStore::default()));
    let mail = gatefold::store::OutboxMail {
        id: "mal_1".into(),
        to: vec!["anna@example.com".to_owned()],
        subject: "Waits".to_owned(),
        text: "It waits.".to_owned(),
        grant: None,
        run: None,
        at: harness.host.now(),
        state: gatefold::store::MailState::Queued,
        attempts: 0,
        next_at: None,
        error: None,
        rev: 0,
    };
    harness.commit(vec![gatefold::store::Write::PutMail(mail)]).await;
    harness.host.stand_still();
    let listed = harness.get("/api/v1/mails?state=queued").by("admin").send().await;
    assert_eq!(listed.json()["items"][0]["id"], "mal_1");
    let _ = tokio::time::timeout(std::time::Duration::from_hours(1), std::future::pending::<()>()).await;
    assert!(harness.mails.lock().unwrap().is_empty(), "nothing is sent");
}

#[tokio::test(start_paused = true)]
async fn what_is_open_can_be_watched() {
    let harness = Harness::new().await;
    let yaml = "flow: opens\nversion: 1.0.0\ninputs: { document: { type: file } }\nsteps:\n  - id: sign\n    approve: { document: \"${{ inputs.document }}\", by: [user:anna] }\n    deadline: { due: 5 days }\n    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: expired } }\n";
    harness.deploy(yaml).await;
    let document = harness.put("contract.txt", "x").await;
    harness.begin("opens", json!({ "document": document.id })).await;
    let answer = harness.get("/metrics").by("admin").send().await;
    for gauge in [
        "gatefold_runs_open 1",
        "gatefold_tasks_open 1",
        "gatefold_incidents_open 0",
    ] {
        assert!(answer.text().contains(gauge), "{gauge}:\n{}", answer.text());
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_of_another_key_is_dead_whatever_is_stored() {
    let harness = Harness::new().await;
    let link = harness.share(Role::View).await;
    assert_eq!(harness.get(&link.path("")).send().await.status, StatusCode::OK);
    let old = gatefold::connect::Links::new([8; 32], "").token(&link.grant);
    let mut grant = harness.store.grant(&link.grant).await.unwrap().unwrap();
    grant.token_hash = gatefold::connect::Links::hash(&old);
    harness.commit(vec![gatefold::store::Write::PutGrant(grant)]).await;
    for path in [format!("/api/v1/links/{old}"), format!("/s/{old}")] {
        assert_eq!(harness.get(&path).send().await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_can_be_put_with_the_day_until_which_it_is_valid() {
    let harness = Harness::new().await;
    let (status, _) = put(
        &harness,
        "operator",
        "folder=/in&name=a.txt&valid_until=2027-03-31",
        "x",
        None,
    )
    .await;
    assert_eq!(status, StatusCode::CREATED);
    let page = harness
        .get("/api/v1/files?folder=/in")
        .by("operator")
        .send()
        .await
        .json();
    assert_eq!(page["items"][0]["valid_until"], "2027-03-31");
    let (status, problem) = put(
        &harness,
        "operator",
        "folder=/in&name=a.txt&valid_until=31.3.2027",
        "y",
        None,
    )
    .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert!(problem.to_string().contains("2026-11-23"), "{problem}");
}
