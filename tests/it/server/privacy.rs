//! What must not come out: secrets in the log, answers to who may no longer have them.

use crate::harness::{HOOK_SECRET, Harness};
use axum::http::StatusCode;
use futures_util::StreamExt;
use gatefold::space::Role;
use serde_json::json;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A log that a test can read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_knows_requests_by_their_routes_and_holds_no_secret() {
    // With one subscriber alone, other threads decide by their own, which is none, whether a line
    // of code logs at all; with two, all are asked.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let harness = Harness::new().await;
    let link = harness
        .share_of(Role::Manage, "bytes".as_bytes(), Some("open sesame"))
        .await;
    let pass = harness
        .post(&link.path("/pass"))
        .header("x-share-password", "open sesame");
    let pass = pass.send().await.json()["pass"].as_str().unwrap().to_owned();
    let with = |path: &str| harness.get(path).header("x-share-pass", &pass);
    assert_eq!(with(&link.path("")).send().await.status, StatusCode::OK);
    assert_eq!(with(&link.file_path()).send().await.status, StatusCode::OK);
    assert_eq!(with(&format!("/s/{}", link.token)).send().await.status, StatusCode::OK);
    assert_eq!(
        harness.get(&link.path("/nowhere")).send().await.status,
        StatusCode::NOT_FOUND
    );
    harness.get("/api/v1/tasks").by("anna").send().await;
    harness.get("/api/v1/tasks?token=whispered").by("anna").send().await;
    let hook = harness
        .post("/api/v1/hooks/none")
        .header("gatefold-signature", "t=1,v1=00");
    hook.json(&json!({ "whispered": HOOK_SECRET })).send().await;

    let text = log.text();
    assert!(text.contains("/api/v1/links/{token}/files/{file}"), "{text}");
    assert!(text.contains("answered"), "{text}");
    for secret in [
        link.token.as_str(),
        harness.token("anna"),
        "open sesame",
        pass.as_str(),
        HOOK_SECRET,
        "whispered",
    ] {
        assert!(!text.contains(secret), "{secret} is in the log:\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_taken_back_ends_what_it_began() {
    let harness = Harness::new().await;
    let bytes = vec![7_u8; 1 << 20];
    let document = harness.put("large.bin", bytes).await;
    let path = format!("/api/v1/files/{}", document.id);
    let mut pieces = harness
        .get(&path)
        .by("operator")
        .open()
        .await
        .into_body()
        .into_data_stream();
    pieces.next().await.unwrap().unwrap();

    std::fs::write(harness.data.path().join("tokens.yaml"), "").unwrap();
    harness.server.accounts.refresh_now();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(pieces.next().await.unwrap().is_err(), "the answer breaks off");
    assert_eq!(
        harness.get(&path).by("operator").send().await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_taken_away_closes_its_doors_at_once() {
    let harness = Harness::new().await;
    assert_eq!(
        harness.get("/api/v1/runs").by("operator").send().await.status,
        StatusCode::OK
    );
    let file = harness.data.path().join("people.yaml");
    let people = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, people.replace("roles: [operator]", "roles: [former]")).unwrap();
    harness.server.accounts.refresh_now();
    assert_eq!(
        harness.get("/api/v1/runs").by("operator").send().await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test(start_paused = true)]
async fn what_fails_inside_is_not_told_outside() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Download).await;
    let blobs = harness.data.path().join("blobs");
    std::fs::remove_dir_all(&blobs).unwrap();
    let answer = harness.get(&link.file_path()).send().await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::INTERNAL_SERVER_ERROR, "damaged")
    );
    for inner in [link.sha256.as_str(), "blobs", "No such file"] {
        assert!(!answer.text().contains(inner), "{}", answer.text());
    }
}
