//! People are asked about the newest version, whoever heard of it before.

use super::signed;
use super::world::World;
use gatefold::base::FileRef;
use gatefold::base::id::RunId;
use gatefold::engine::{Decision, Event};
use gatefold::host::Host;
use serde_json::json;
use std::sync::Arc;

const DECIDE: &str = "deadline: { due: 5 days }\n    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: expired } }\n";

/// A version of the one document.
async fn put(host: &Arc<Host>, by: &str, bytes: &'static [u8]) -> FileRef {
    host.put_file(by, "/in", "a.txt", bytes).await.unwrap()
}

/// The versions that the open tasks of a run are about.
async fn asked_about(host: &Host, run: &RunId) -> Vec<u64> {
    let tasks = host.open_tasks(None).await.unwrap();
    let of_run = tasks.into_iter().filter(|task| task.run == *run);
    of_run.map(|task| task.document.unwrap().version).collect()
}

#[tokio::test(start_paused = true)]
async fn a_task_opens_on_the_newest_version_though_nobody_told_the_run_of_it() {
    for (mode, expected) in [("reset", 2), ("keep", 1)] {
        let world = World::new();
        let process = world.start().await;
        process
            .deploy(&format!(
                "flow: later\nversion: 1.0.0\ninputs: {{ document: {{ type: file }} }}\nsteps:\n  - id: ready\n    wait: {{ event: erp.signed, key: order-7 }}\n    deadline: {{ due: 2 days }}\n    outcomes: {{ expired: {{ end: expired }} }}\n  - id: sign\n    approve: {{ document: \"${{{{ inputs.document }}}}\", by: [role:legal], exclude: [uploader], on_new_version: {mode} }}\n    {DECIDE}"
            ))
            .await;
        let first = put(&process.host, "user:anna", b"one").await;
        let run = process.begin("later", json!({ "document": first.id })).await;
        let second = put(&process.host, "user:ben", b"two").await;
        process.host.publish_event(signed("evt_1")).await.unwrap();
        process
            .until(&run, |event| matches!(event, Event::TaskOpened { .. }))
            .await;
        assert_eq!(asked_about(&process.host, &run).await, [expected], "{mode}");
        if mode == "keep" {
            continue;
        }
        let task = process.host.open_tasks(None).await.unwrap().remove(0);
        assert_eq!(task.people, ["user:anna"], "who put the newest version is not asked");
        let mails = world.mails.lock().unwrap().clone();
        assert!(mails.iter().all(|mail| mail.to != ["ben@example.com"]), "{mails:?}");
        let decision = Decision {
            task: task.id,
            by: "user:anna".to_owned(),
            on_behalf_of: None,
            decision: "approved".to_owned(),
            reason: None,
            sha256: Some(second.sha256),
            form: serde_json::Map::new(),
            via: None,
        };
        process.host.decide(decision).await.unwrap();
        assert_eq!(process.end(&run).await, "completed");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_approvals_the_one_that_opens_later_is_about_the_newest_version_too() {
    let world = World::new();
    let process = world.start().await;
    process
        .deploy(&format!(
            "flow: both\nversion: 1.0.0\ninputs: {{ document: {{ type: file }} }}\nsteps:\n  - id: now\n    approve: {{ document: \"${{{{ inputs.document }}}}\", by: [user:anna] }}\n    {DECIDE}  - id: ready\n    after: start\n    wait: {{ event: erp.signed, key: order-7 }}\n    deadline: {{ due: 2 days }}\n    outcomes: {{ expired: {{ end: expired }} }}\n  - id: later\n    approve: {{ document: \"${{{{ inputs.document }}}}\", by: [user:ben] }}\n    {DECIDE}"
        ))
        .await;
    let first = put(&process.host, "user:anna", b"one").await;
    let run = process.begin("both", json!({ "document": first.id })).await;
    put(&process.host, "user:eve", b"two").await;
    process
        .until(&run, |event| matches!(event, Event::DecisionsVoided { .. }))
        .await;
    process.host.publish_event(signed("evt_1")).await.unwrap();
    process
        .until(
            &run,
            |event| matches!(event, Event::TaskOpened { step, .. } if step == "later"),
        )
        .await;
    assert_eq!(asked_about(&process.host, &run).await, [2, 2]);
    put(&process.host, "user:eve", b"three").await;
    let reset = |journal: Vec<gatefold::engine::EventRecord>| {
        let voided = journal
            .into_iter()
            .filter(|record| matches!(record.event, Event::DecisionsVoided { .. }));
        voided.count()
    };
    while reset(process.journal(&run).await) < 4 {
        crate::turn::turn().await;
    }
    assert_eq!(
        asked_about(&process.host, &run).await,
        [3, 3],
        "one upload, both asked anew"
    );
}
