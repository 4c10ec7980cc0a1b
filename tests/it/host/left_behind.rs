//! No run is left behind, whatever fails and whoever goes away.

use super::store::{Journals, Orders, Told};
use super::world::{Behaviour, World, beginning};
use super::{WAITING, signed};
use gatefold::engine::Event;
use gatefold::host::HostError;
use gatefold::host::runs::StartRun;
use gatefold::host::tasks::Next;
use gatefold::host::touched::{LONGEST_LOOK, MAX_LOOKED_AT};
use gatefold::store::{RunFilter, Store, StoreError};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Two local actions, which are stored one after the other, then a call.
const LOCALS: &str = "flow: locals
version: 1.0.0
steps:
  - { id: a, uses: probe.acquire, with: {} }
  - { id: b, uses: probe.acquire, with: {} }
  - { id: act, uses: probe.effect, with: { value: 1 } }
";

fn told() -> (Arc<Told>, World) {
    let store = Arc::new(Told::default());
    let world = World::over(Arc::clone(&store) as Arc<dyn Store>);
    (store, world)
}

fn start(flow: &str) -> StartRun {
    StartRun {
        flow: flow.to_owned(),
        inputs: json!({}),
        initiator: "user:anna".to_owned(),
        trigger: "manual".to_owned(),
        once: None,
        ..StartRun::default()
    }
}

fn failing(after: usize) -> Orders {
    Orders {
        fail_commit_after: Some(after),
        ..Orders::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_cannot_be_stored_did_not_happen() {
    let (store, world) = told();
    let process = world.start().await;
    process.deploy(LOCALS).await;
    store.order(failing(0));
    let refused = process.host.start_run(start("locals")).await;
    assert!(
        matches!(refused, Err(HostError::Store(StoreError::Full(_)))),
        "{refused:?}"
    );
    assert_eq!(process.host.list_runs(&RunFilter::default()).await.unwrap(), []);
    let counts = process.host.metrics();
    assert_eq!((counts.runs_started.get(), counts.events_journaled.get()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_began_goes_on_by_itself_after_a_store_failure() {
    let (store, world) = told();
    let process = world.start().await;
    process.deploy(LOCALS).await;
    store.order(failing(1));
    let run = process.host.start_run(start("locals")).await.expect("it has begun");
    assert_eq!(process.end(&run).await, "completed");
    assert_eq!(world.effects("probe.effect").into_values().collect::<Vec<_>>(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_cannot_be_stored_fires_again() {
    let (store, world) = told();
    let process = world.start().await;
    process.deploy(WAITING).await;
    let run = process.begin("waits", json!({})).await;
    store.order(failing(0));
    assert_eq!(process.end(&run).await, "expired");
    let ended = process.host.run_view(&run).await.unwrap().run.ended_at.unwrap();
    let late = ended.duration_since(beginning()) - jiff::SignedDuration::from_hours(48);
    assert_eq!(late.as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_has_ended_is_read_once_however_often_it_is_looked_at() {
    let (store, world) = told();
    let process = world.start().await;
    process.deploy(LOCALS).await;
    let run = process.host.start_run(start("locals")).await.expect("it begins");
    assert_eq!(process.end(&run).await, "completed");
    let first = process.host.run_view(&run).await.unwrap();
    store.order(Orders {
        journals: Journals::Hidden,
        ..Orders::default()
    });
    assert_eq!(process.host.run_view(&run).await.unwrap(), first);
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_store_failed_is_delivered_again() {
    let (store, world) = told();
    let process = world.start().await;
    process.deploy(WAITING).await;
    let run = process.begin("waits", json!({})).await;
    store.order(failing(0));
    process.host.publish_event(signed("evt_1")).await.unwrap();
    assert_eq!(process.end(&run).await, "completed");
    // what was delivered twice and stored once counts once
    let counts = process.host.metrics();
    assert_eq!((counts.events_put_off.get(), counts.events_delivered.get()), (1, 1));
    assert_eq!(counts.events_journaled.get(), process.journal(&run).await.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_is_done_although_the_caller_goes_away() {
    let (store, world) = told();
    let process = world.start().await;
    process.deploy(LOCALS).await;
    store.order(Orders {
        slow_answers: Some(Duration::from_mins(1)),
        ..Orders::default()
    });
    let asked = process.host.start_run(start("locals"));
    assert!(tokio::time::timeout(Duration::from_secs(90), asked).await.is_err());
    let begun = process.host.list_runs(&RunFilter::default()).await.unwrap();
    let run = &begun[0].id;
    process
        .until(
            run,
            |event| matches!(event, Event::StepFinished { step, .. } if step == "act"),
        )
        .await;
    assert_eq!(process.end(run).await, "completed");
    assert_eq!(world.effects("probe.effect").into_values().collect::<Vec<_>>(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_told_of_whatever_becomes_of_the_look_at_the_runs_that_it_touches() {
    let (store, world) = told();
    let process = world.start().await;
    process.deploy(WAITING).await;
    process.begin("waits", json!({})).await;
    process.kill();
    let process = world.start().await;
    let deploy = async |version: &str| {
        let yaml = WAITING.replace("version: 1.0.0", &format!("version: {version}"));
        let (deployment, _) = process
            .host
            .deploy("waits.flow.yaml", &yaml, "user:anna")
            .await
            .unwrap();
        process.host.touched(&deployment).await
    };
    store.order(Orders {
        hide_lists: true,
        ..Orders::default()
    });
    let touching = deploy("1.1.0").await;
    assert_eq!(
        (touching.waiting.len(), touching.more, touching.failed),
        (0, false, true)
    );
    store.order(Orders {
        journals: Journals::Stalled,
        ..Orders::default()
    });
    let before = tokio::time::Instant::now();
    let touching = deploy("1.2.0").await;
    assert_eq!(
        (touching.waiting.len(), touching.more, touching.failed),
        (0, true, false)
    );
    assert_eq!(before.elapsed(), LONGEST_LOOK);
    store.order(Orders::default());
    let touching = deploy("1.3.0").await;
    assert_eq!(
        (touching.waiting.len(), touching.more, touching.failed),
        (1, false, false)
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_counts_although_the_next_task_cannot_be_had() {
    let (store, world) = told();
    let process = world.start().await;
    process
        .deploy("flow: asks\nversion: 1.0.0\nsteps:\n  - id: ask\n    task: { to: [user:anna] }\n    deadline: { due: 5 days }\n    outcomes: { declined: { end: declined }, expired: { end: late } }\n")
        .await;
    process.begin("asks", json!({})).await;
    let task = process.host.open_tasks(None).await.unwrap().remove(0);
    store.order(Orders {
        hide_lists: true,
        ..Orders::default()
    });
    assert_eq!(
        process.host.next_task("user:anna", &task.id, Next::SameStep).await,
        None
    );
}

#[tokio::test(start_paused = true)]
async fn a_damaged_run_is_shown_to_people_and_keeps_nobody_else_from_going_on() {
    let (store, world) = told();
    world.script("act", &[Behaviour::Hang, Behaviour::Hang]);
    let process = world.start().await;
    process.deploy(LOCALS).await;
    let damaged = process.begin("locals", json!({})).await;
    let sound = process.begin("locals", json!({})).await;
    while world.effects("probe.effect").len() < 2 {
        crate::turn::turn().await;
    }
    process.kill();
    store.order(Orders {
        damaged: Some(damaged.clone()),
        ..Orders::default()
    });
    let process = world.start().await;
    assert_eq!(process.end(&sound).await, "completed");
    let filter = RunFilter {
        incident: Some(true),
        ..RunFilter::default()
    };
    let shown = process.host.list_runs(&filter).await.unwrap();
    assert_eq!(
        shown.into_iter().map(|row| row.id).collect::<Vec<_>>(),
        std::slice::from_ref(&damaged)
    );
    let looked = process.host.run_view(&damaged).await;
    assert!(matches!(looked, Err(HostError::Damaged { .. })), "{looked:?}");
    process.kill();
    store.order(Orders::default());
    let process = world.start().await;
    assert_eq!(process.end(&damaged).await, "completed", "it goes on once it is mended");
    assert_eq!(process.host.list_runs(&filter).await.unwrap(), []);
}

/// A look at a deployment reads so many runs and says where there are more.
#[tokio::test(start_paused = true)]
async fn so_many_runs_are_looked_at_for_a_deployment() {
    let (_, world) = told();
    let process = world.start().await;
    process.deploy(WAITING).await;
    for _ in 0..MAX_LOOKED_AT {
        process.begin("waits", json!({})).await;
    }
    let next = WAITING.replace("version: 1.0.0", "version: 1.0.1");
    let deployed = process.host.deploy("waits.flow.yaml", &next, "user:anna").await;
    let (deployment, _) = deployed.expect("it is fit to be deployed");
    let counted = async || {
        let touching = process.host.touched(&deployment).await;
        let runs: u32 = touching.waiting.iter().map(|touched| touched.runs).sum();
        (runs as usize, touching.more)
    };
    assert_eq!(counted().await, (MAX_LOOKED_AT, false));
    // the newest comes first, and is one of the new version
    process.begin("waits", json!({})).await;
    assert_eq!(counted().await, (MAX_LOOKED_AT - 1, true));
}
