//! What people do with a share reaches the run that made it.

use crate::harness::Harness;
use crate::host::store::{Journals, Orders, Told};
use axum::http::StatusCode;
use gatefold::base::Timestamp;
use gatefold::base::id::{RunId, ShareId};
use gatefold::engine::Event;
use gatefold::space::State;
use gatefold::store::{Deployment, Store, Write};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const WATCHED: &str = "flow: watched
version: 1.0.0
inputs: { document: { type: file } }
steps:
  - id: room
    uses: file360.create_share
    with: { name: Room, files: [\"${{ inputs.document }}\"], to: rita@outside.example, role: download, expires_in: 10 days }
  - id: opened
    wait: { event: file360.share_opened, on: \"${{ steps.room.share }}\" }
    deadline: { due: 30 days }
    outcomes: { expired: { end: never_opened } }
  - id: fetched
    wait: { event: file360.file_downloaded, on: \"${{ steps.room.share }}\", where: event.file.id == inputs.document.id }
    deadline: { due: 30 days }
    outcomes: { expired: { end: never_fetched } }
  - id: over
    wait: { event: file360.share_expired, on: \"${{ steps.room.share }}\" }
    deadline: { due: 30 days }
    outcomes: { expired: { end: never_over } }
  - id: told
    end: { status: told }
";

/// How often the run has taken an event.
async fn taken(harness: &Harness, run: &RunId) -> usize {
    let journal = harness.host.journal(run, 0, 1_000).await.unwrap();
    let is_event = |event: &Event| matches!(event, Event::EventReceived { .. });
    journal.iter().filter(|record| is_event(&record.event)).count()
}

/// Lets time pass by itself until the run has taken so many events.
async fn until(harness: &Harness, run: &RunId, count: usize) {
    let mut listener = harness.host.watch();
    let look = async {
        while taken(harness, run).await < count {
            let _ = listener.recv().await;
        }
    };
    let came = tokio::time::timeout(Duration::from_hours(24 * 11), look).await;
    assert!(came.is_ok(), "{:#?}", harness.host.journal(run, 0, 1_000).await);
}

#[tokio::test(start_paused = true)]
async fn opening_fetching_and_the_end_of_a_share_reach_the_run() {
    let harness = Harness::new().await;
    harness.deploy(WATCHED).await;
    let document = harness.put("plan.txt", "bytes").await;
    let run = harness.begin("watched", json!({ "document": document.id })).await;
    let shares = harness.host.shares_of(&run).await.unwrap();
    let (share, grants) = &shares[0];
    let base = format!("/api/v1/links/{}", harness.links.token(&grants[0].id));
    let fetch = format!("{base}/files/{}/download", document.id);

    // looking at it says nothing
    for path in [&base, &format!("{base}/files/{}", document.id)] {
        assert_eq!(harness.get(path).send().await.status, StatusCode::OK);
    }
    let events = pending(&harness).await;
    assert!(
        !events
            .iter()
            .any(|kind| kind.contains("opened") || kind.contains("downloaded")),
        "{events:?}"
    );
    assert_eq!(taken(&harness, &run).await, 0);

    harness.post(&format!("{base}/open")).send().await;
    until(&harness, &run, 1).await;
    assert_eq!(harness.post(&fetch).send().await.text(), "bytes");
    until(&harness, &run, 2).await;
    assert_eq!(state(&harness, &share.id).await, State::Live);
    until(&harness, &run, 3).await;
    assert_eq!(state(&harness, &share.id).await, State::Expired);
    let row = harness.host.run_view(&run).await.unwrap().run;
    assert_eq!(row.outcome.as_deref(), Some("told"));
    let gone = harness.get(&base).send().await.status;
    assert_eq!(gone, StatusCode::GONE);
}

async fn state(harness: &Harness, share: &ShareId) -> State {
    harness.store.share(share).await.unwrap().unwrap().state
}

/// The kinds of what is recorded and not delivered yet.
async fn pending(harness: &Harness) -> Vec<String> {
    let pending = harness.store.pending_events(Timestamp::MAX, usize::MAX).await.unwrap();
    pending.into_iter().map(|one| one.event.kind).collect()
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_answered_although_nobody_can_tell_what_its_runs_lack() {
    let store = Arc::new(Told::default());
    let harness = Harness::at_rest(Arc::clone(&store) as Arc<dyn Store>).await;
    let flow = |version: &str| {
        format!(
            "flow: pays\nversion: {version}\nsettings: {{ account: {{ type: text }} }}\nsteps:\n  - id: fits\n    check: [{{ that: settings.account != \"\", else: No account. }}]\n    outcomes: {{ failed: {{ end: none }} }}\n"
        )
    };
    let deploy = async |version: &str| {
        let ask = harness.post("/api/v1/flows").by("author").text(flow(version));
        let answer = ask.send().await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()["lacking"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(deploy("1.0.0").await, 1, "it has a setting that nobody gave");
    store.order(Orders {
        hide_used: true,
        ..Orders::default()
    });
    assert_eq!(deploy("1.1.0").await, 0);
    let latest = harness.store.latest_deployment("pays").await.unwrap();
    assert_eq!(latest.map(|one| one.version).as_deref(), Some("1.1.0"));
}

#[tokio::test(start_paused = true)]
async fn a_task_is_shown_without_its_run_being_read() {
    let store = Arc::new(Told::default());
    let harness = Harness::at_rest(Arc::clone(&store) as Arc<dyn Store>).await;
    harness
        .deploy("flow: asks\nversion: 1.0.0\nsteps:\n  - id: ask\n    task: { to: [user:anna] }\n    deadline: { due: 5 days }\n    outcomes: { declined: { end: declined }, expired: { end: late } }\n")
        .await;
    harness.begin("asks", json!({})).await;
    let task = harness.host.open_tasks(None).await.unwrap().remove(0);
    drop(harness);
    let harness = Harness::at_rest(Arc::clone(&store) as Arc<dyn Store>).await;
    store.order(Orders {
        journals: Journals::Stalled,
        ..Orders::default()
    });
    let ask = harness.get(&format!("/api/v1/tasks/{}", task.id)).by("anna").send();
    let answer = tokio::time::timeout(Duration::from_secs(5), ask).await;
    let answer = answer.expect("it waits for nobody");
    assert_eq!(answer.json()["because"], "5 days after it began", "{}", answer.text());
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_cannot_start_any_more_is_shown_with_what_is_found_in_it() {
    let harness = Harness::new().await;
    harness.deploy(WATCHED).await;
    let known = harness.store.latest_deployment("watched").await.unwrap().unwrap();
    let older = Deployment {
        version: "2.0.0".to_owned(),
        hash: "00".repeat(32),
        source: WATCHED.replace("file360.create_share", "file360.make_share"),
        ..known
    };
    harness.commit(vec![Write::Deploy(older)]).await;
    let again = Harness::at_rest(Arc::clone(&harness.store)).await;
    let answer = again.get("/api/v1/flows/watched").by("author").send().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let flow = answer.json();
    assert_eq!(flow["version"], "2.0.0");
    assert!(flow["source"].as_str().is_some_and(|text| text.contains("make_share")));
    let why = flow["cannot_start"].as_str().unwrap_or_default();
    assert!(why.contains("can no longer be compiled"), "{flow}");
    let codes: Vec<_> = flow["findings"].as_array().into_iter().flatten().collect();
    assert!(codes.iter().any(|finding| finding["code"] == "GF601"), "{flow}");
    let fine = again.get("/api/v1/flows/none").by("author").send().await;
    assert_eq!(fine.status, StatusCode::NOT_FOUND);
}
