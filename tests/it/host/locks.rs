//! `on_new_version: lock`: whatever way a new version comes, it is refused while people decide.

use super::TWO_LAWYERS;
use super::world::{Process, World};
use gatefold::base::FileRef;
use gatefold::base::id::RunId;
use gatefold::engine::{Decision, Event};
use gatefold::host::HostError;
use serde_json::json;

/// Puts a text where a document may lie.
const PUTS: &str = "flow: puts\nversion: 1.0.0\nsteps:\n  - id: put\n    uses: file360.put_file\n    with: { folder: /in, name: a.txt, text: two }\n";

/// Publishes what was approved over the very file that was locked.
const PUBLISHES: &str = "flow: publishes\nversion: 1.0.0\ninputs: { document: { type: file } }\nsteps:\n  - id: sign\n    approve: { document: \"${{ inputs.document }}\", by: [user:anna], on_new_version: lock }\n    deadline: { due: 5 days }\n    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: expired } }\n  - id: put\n    uses: file360.put_file\n    with: { folder: /in, name: a.txt, text: final }\n";

async fn put(process: &Process, bytes: &'static [u8]) -> Result<FileRef, HostError> {
    process.host.put_file("user:anna", "/in", "a.txt", bytes).await
}

/// Shares the file with whoever has the link, and gives the link's token.
async fn link(process: &Process, document: &FileRef) -> String {
    let yaml = "flow: shares\nversion: 1.0.0\ninputs: { document: { type: file } }\nsteps:\n  - id: room\n    uses: file360.create_share\n    with: { name: Room, files: [\"${{ inputs.document }}\"], expires_in: 30 days }\n  - id: door\n    uses: file360.set_permissions\n    with: { share: \"${{ steps.room.share }}\", to: rita@example.org, role: contribute }\n  - id: reply\n    wait: { event: erp.signed, key: never }\n    deadline: none\n    because: the test ends before\n";
    process.deploy(yaml).await;
    let run = process.begin("shares", json!({ "document": document.id })).await;
    let (_, grants) = process.host.shares_of(&run).await.unwrap().remove(0);
    process.host.parts().links.token(&grants[0].id)
}

async fn approve(process: &Process, document: &FileRef) {
    let task = process.host.open_tasks(Some("user:anna")).await.unwrap().remove(0);
    let decision = Decision {
        task: task.id,
        by: "user:anna".to_owned(),
        on_behalf_of: None,
        decision: "approved".to_owned(),
        reason: None,
        sha256: Some(document.sha256.clone()),
        form: serde_json::Map::new(),
        via: None,
    };
    process.host.decide(decision).await.unwrap();
}

async fn has_incident(process: &Process, run: &RunId) -> bool {
    process.host.run_view(run).await.unwrap().run.incident
}

#[tokio::test(start_paused = true)]
async fn a_locked_document_takes_no_version_from_a_person_a_link_or_another_run() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&TWO_LAWYERS.replace("MODE", "lock")).await;
    process.deploy(PUTS).await;
    let first = put(&process, b"one").await.unwrap();
    let token = link(&process, &first).await;
    let visitor = process
        .host
        .enter(&token, None, gatefold::base::network::Network::LOCAL)
        .await
        .unwrap();
    let run = process.begin("pair", json!({ "document": first.id })).await;

    for refused in [
        put(&process, b"two").await,
        process.host.upload(&visitor, "a.txt", &b"two"[..]).await,
    ] {
        let Err(HostError::Conflict(why)) = refused else {
            panic!("{refused:?}")
        };
        assert!(why.contains("a.txt: the file is locked"), "{why}");
    }
    let other = process.begin("puts", json!({})).await;
    process
        .until(
            &other,
            |event| matches!(event, Event::IncidentRaised { error, .. } if error.contains("locked")),
        )
        .await;

    // a crash forgets nothing of it
    process.kill();
    let process = world.start().await;
    assert!(put(&process, b"two").await.is_err());

    process
        .host
        .cancel_run(&run, "user:anna", "no longer wanted")
        .await
        .unwrap();
    assert_eq!(process.end(&run).await, "cancelled");
    put(&process, b"two").await.unwrap();
    process
        .host
        .retry_step(&other, "put", "user:anna", "free now")
        .await
        .unwrap();
    assert_eq!(process.end(&other).await, "completed");
}

#[tokio::test(start_paused = true)]
async fn who_was_asked_may_be_followed_by_a_version_of_the_same_file() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(PUBLISHES).await;
    let first = put(&process, b"one").await.unwrap();
    let run = process.begin("publishes", json!({ "document": first.id })).await;
    assert!(put(&process, b"two").await.is_err());
    approve(&process, &first).await;
    assert!(
        !has_incident(&process, &run).await,
        "the lock ends before the next step looks"
    );
    assert_eq!(process.end(&run).await, "completed");
}

#[tokio::test(start_paused = true)]
async fn names_that_differ_in_how_they_are_written_are_one_file_and_uploads_of_it_queue() {
    let world = World::new();
    let process = world.start().await;
    let composed = "M\u{fc}ller.txt";
    let decomposed = "Mu\u{308}ller.txt";
    let puts = (0..40).map(|number| {
        let name = if number % 2 == 0 { composed } else { decomposed };
        let host = std::sync::Arc::clone(&process.host);
        async move {
            let text = format!("text {number}");
            host.put_file("user:anna", "/in", name, text.as_bytes()).await
        }
    });
    let documents = futures_util::future::join_all(puts).await;
    let mut versions = Vec::new();
    for document in documents {
        let document = document.expect("each gets its turn, however many there are");
        assert_eq!(document.name, composed);
        versions.push(document.version);
    }
    versions.sort_unstable();
    assert_eq!(versions, (1..=40).collect::<Vec<u64>>());
}
