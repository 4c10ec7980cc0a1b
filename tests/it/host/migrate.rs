//! Runs that are moved to another version of their flow, over both stores and over restarts.

use super::store::{Orders, Told};
use super::world::World;
use gatefold::base::id::RunId;
use gatefold::engine::{Decision, Event};
use gatefold::host::migrate::Move;
use gatefold::host::{Host, HostError};
use gatefold::store::memory::MemoryStore;
use gatefold::store::sqlite::SqliteStore;
use gatefold::store::{RunFilter, Store, TaskState};
use serde_json::json;
use std::sync::Arc;

const OLD: &str = "flow: order
version: 1.0.0
steps:
  - id: sign
    task: { to: [user:anna], title: Sign the order }
    deadline: { due: 5 days }
    outcomes: { declined: { end: declined }, expired: { end: late } }
  - { id: tell, uses: probe.effect, with: { value: 1 } }
";

/// The step has another name, there is one more beside it, and what comes then is mended.
fn new() -> String {
    let more = "  - { id: beside, after: start, uses: probe.effect, with: { value: 3 } }\n";
    let old = OLD
        .replace("1.0.0", "2.0.0")
        .replace("sign", "seal")
        .replace("value: 1", "value: 2");
    old + more
}

fn to(version: &str, steps: &[(&str, &str)]) -> Move {
    Move {
        to: Some(version.to_owned()),
        steps: steps
            .iter()
            .map(|(old, new)| ((*old).to_owned(), (*new).to_owned()))
            .collect(),
        by: "user:anna".into(),
        reason: "the fee was wrong".to_owned(),
    }
}

async fn answer(host: &Arc<Host>, run: &RunId) {
    let tasks = host.open_tasks(Some("user:anna")).await.unwrap();
    let task = tasks.into_iter().find(|task| task.run == *run).expect("it is open");
    let decision = Decision {
        task: task.id,
        by: "user:anna".to_owned(),
        on_behalf_of: None,
        decision: "done".to_owned(),
        reason: None,
        sha256: None,
        form: serde_json::Map::new(),
        via: None,
    };
    host.decide(decision).await.unwrap();
}

async fn moves(process: &super::world::Process, run: &RunId) -> usize {
    let journal = process.journal(run).await;
    let moved = journal
        .iter()
        .filter(|record| matches!(record.event, Event::Migrated { .. }));
    moved.count()
}

async fn by_version(store: &dyn Store, version: &str) -> Vec<RunId> {
    let filter = RunFilter {
        flow: Some("order".to_owned()),
        version: Some(version.to_owned()),
        ..RunFilter::default()
    };
    store
        .runs(&filter)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.id)
        .collect()
}

async fn a_run_is_moved_and_a_restart_finds_it_there(store: Arc<dyn Store>) {
    let world = World::over(Arc::clone(&store));
    let process = world.start().await;
    process.deploy(OLD).await;
    let run = process.begin("order", json!({})).await;
    let other = process.begin("order", json!({})).await;
    process.deploy(&new()).await;
    let tried = process
        .host
        .try_migration(&run, &to("2.0.0", &[("sign", "seal")]))
        .await
        .unwrap();
    assert_eq!((tried.obstacles.len(), tried.begins), (0, vec!["beside".to_owned()]));
    assert_eq!(moves(&process, &run).await, 0, "it was only tried");
    let moved = process
        .host
        .migrate_run(&run, to("2.0.0", &[("sign", "seal")]))
        .await
        .unwrap();
    assert_eq!(
        (moved.from.as_str(), moved.to.as_str(), moved.same),
        ("1.0.0", "2.0.0", false)
    );
    // right after it, with what the version lets begin in flight
    process.kill();
    let process = world.start().await;
    // somebody listens all the time, so that no event is missed whose commit is under way
    let _listener = process.host.watch();
    let view = process.host.run_view(&run).await.unwrap();
    assert_eq!(view.run.version, "2.0.0");
    assert_eq!(by_version(&*store, "2.0.0").await, std::slice::from_ref(&run));
    assert_eq!(by_version(&*store, "1.0.0").await, [other]);
    let tasks = store.open_tasks(Some("user:anna")).await.unwrap();
    let task = tasks.iter().find(|task| task.run == run).expect("it is open");
    assert_eq!((task.step.as_str(), &task.state), ("seal", &TaskState::Open));
    process
        .until(
            &run,
            |event| matches!(event, Event::StepFinished { step, .. } if step == "beside"),
        )
        .await;
    answer(&process.host, &run).await;
    assert_eq!(process.end(&run).await, "completed");
    // however often it was called, it was by one key
    let effects: Vec<String> = world.effects("probe.effect").into_keys().collect();
    assert_eq!(effects, [format!("{run}:beside:1"), format!("{run}:tell:1")]);
    let given = process
        .journal(&run)
        .await
        .into_iter()
        .find_map(|record| match record.event {
            Event::ActionScheduled { step, input, .. } if step == "tell" => Some(input),
            _ => None,
        });
    assert_eq!(given, Some(json!({ "value": 2 })));
}

#[tokio::test(start_paused = true)]
async fn on_memory_a_run_is_moved_and_a_restart_finds_it_there() {
    a_run_is_moved_and_a_restart_finds_it_there(Arc::new(MemoryStore::default())).await;
}

#[tokio::test]
async fn on_sqlite_a_run_is_moved_and_a_restart_finds_it_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("gatefold.db")).unwrap();
    a_run_is_moved_and_a_restart_finds_it_there(Arc::new(store)).await;
}

#[tokio::test(start_paused = true)]
async fn of_two_moves_at_once_one_counts() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(OLD).await;
    let run = process.begin("order", json!({})).await;
    process.deploy(&new()).await;
    let there = to("2.0.0", &[("sign", "seal")]);
    let (one, other) = tokio::join!(
        process.host.migrate_run(&run, there.clone()),
        process.host.migrate_run(&run, there)
    );
    let mut same = [one.unwrap().same, other.unwrap().same];
    same.sort_unstable();
    assert_eq!(same, [false, true]);
    assert_eq!(moves(&process, &run).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_move_that_cannot_be_stored_did_not_happen() {
    let store = Arc::new(Told::default());
    let world = World::over(Arc::clone(&store) as Arc<dyn Store>);
    let process = world.start().await;
    process.deploy(OLD).await;
    let run = process.begin("order", json!({})).await;
    process.deploy(&new()).await;
    store.order(Orders {
        fail_commit_after: Some(0),
        ..Orders::default()
    });
    let there = to("2.0.0", &[("sign", "seal")]);
    let failed = process.host.migrate_run(&run, there.clone()).await;
    assert!(matches!(failed, Err(HostError::Store(_))), "{failed:?}");
    assert_eq!(process.host.run_view(&run).await.unwrap().run.version, "1.0.0");
    assert_eq!(moves(&process, &run).await, 0);
    assert!(!process.host.migrate_run(&run, there).await.unwrap().same);
    answer(&process.host, &run).await;
    assert_eq!(process.end(&run).await, "completed");
}

#[tokio::test(start_paused = true)]
async fn what_was_recorded_before_a_move_happens_before_it() {
    let store = Arc::new(Told::default());
    let world = World::over(Arc::clone(&store) as Arc<dyn Store>);
    let process = world.start().await;
    process.deploy(super::WAITING).await;
    let run = process.begin("waits", json!({})).await;
    process.deploy(&super::WAITING.replace("1.0.0", "2.0.0")).await;
    store.order(Orders {
        hide_pending: true,
        ..Orders::default()
    });
    process.host.publish_event(super::signed("evt_1")).await.unwrap();
    let late = process.host.migrate_run(&run, to("2.0.0", &[])).await;
    let Err(HostError::Incompatible { obstacles, .. }) = late else {
        panic!("the event was there first: {late:?}");
    };
    assert!(obstacles[0].why.contains("over or about to be"), "{obstacles:?}");
    assert_eq!(process.end(&run).await, "completed");
    let tried = process.host.try_migration(&run, &to("2.0.0", &[])).await.unwrap();
    assert_eq!(tried.obstacles.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_not_deployed_is_told_with_those_that_are() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(OLD).await;
    let run = process.begin("order", json!({})).await;
    let error = process.host.migrate_run(&run, to("3.0.0", &[])).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "version 3.0.0 of flow order is not deployed; there are 1.0.0"
    );
    let unknown = process
        .host
        .migrate_run(&RunId::from("run_none"), to("1.0.0", &[]))
        .await;
    assert!(matches!(unknown, Err(HostError::NotFound(_))), "{unknown:?}");
    let without = Move {
        reason: " ".to_owned(),
        ..to("1.0.0", &[])
    };
    let without = process.host.migrate_run(&run, without).await.unwrap_err();
    assert!(without.to_string().starts_with("say why"), "{without}");
}
