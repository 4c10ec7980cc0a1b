//! A bug costs the run that it is in, and never the process.

use super::world::{Behaviour, Process, World};
use super::{WAITING, signed};
use gatefold::base::id::RunId;
use gatefold::host::HostError;
use gatefold::store::RunFilter;
use serde_json::json;
use std::time::Duration;

/// Waits, then does something here; where the engine or a local action panics, all of its drive does.
const ACTS: &str = "flow: acts\nversion: 1.0.0\nsteps:\n  - id: signed\n    wait: { event: erp.signed, key: order-7 }\n    deadline: none\n    because: a test\n  - { id: act, uses: probe.keep, with: {} }\n";

fn script_of(world: &World, panics: usize) {
    world.script("act", &vec![Behaviour::Panic; panics]);
}

/// Lets virtual time pass.
async fn pass_a_second() {
    let nothing = std::future::pending::<()>();
    assert!(tokio::time::timeout(Duration::from_secs(1), nothing).await.is_err());
}

async fn incidents(process: &Process) -> Vec<RunId> {
    let filter = RunFilter {
        incident: Some(true),
        ..RunFilter::default()
    };
    let shown = process.host.list_runs(&filter).await.unwrap();
    shown.into_iter().map(|row| row.id).collect()
}

/// Lets everybody else go on, with time passing, until a run is an incident.
async fn until_incident(process: &Process) {
    let look = async {
        while incidents(process).await.is_empty() {
            pass_a_second().await;
        }
    };
    let happened = tokio::time::timeout(Duration::from_hours(1), look).await;
    assert!(happened.is_ok(), "nobody was told");
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_an_event_damages_one_run_and_events_go_on() {
    let world = World::new();
    script_of(&world, 1_000);
    let process = world.start().await;
    process.deploy(ACTS).await;
    process.deploy(WAITING).await;
    let broken = process.begin("acts", json!({})).await;
    process.host.publish_event(signed("evt_1")).await.unwrap();
    until_incident(&process).await;
    assert_eq!(incidents(&process).await, std::slice::from_ref(&broken));
    let sound = process.begin("waits", json!({})).await;
    process.host.publish_event(signed("evt_2")).await.unwrap();
    assert_eq!(process.end(&sound).await, "completed");

    process.kill();
    let process = world.start().await;
    assert_eq!(
        incidents(&process).await,
        std::slice::from_ref(&broken),
        "it starts all the same"
    );
    script_of(&world, 0);
    assert_eq!(process.end(&broken).await, "completed", "it goes on once it is mended");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_panics_as_it_is_taken_up_does_not_keep_the_process_from_starting() {
    let world = World::new();
    script_of(&world, 1_000);
    let process = world.start().await;
    let flow = "flow: two\nversion: 1.0.0\nsteps:\n  - { id: first, uses: probe.keep, with: {} }\n  - { id: act, uses: probe.keep, with: {} }\n";
    process.deploy(flow).await;
    let broken = process.begin("two", json!({})).await;
    assert_eq!(incidents(&process).await, std::slice::from_ref(&broken), "it has begun");

    process.kill();
    let process = world.start().await;
    assert!(process.host.is_ready());
    assert_eq!(incidents(&process).await, std::slice::from_ref(&broken));
    script_of(&world, 0);
    process
        .host
        .retry_step(&broken, "nothing", "user:anna", "look")
        .await
        .unwrap_err();
    assert_eq!(process.end(&broken).await, "completed");
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_the_start_of_a_run_is_told_and_leaves_nothing() {
    let world = World::new();
    script_of(&world, 1);
    let process = world.start().await;
    process
        .deploy("flow: one\nversion: 1.0.0\non:\n  schedule: { cron: 0 8 * * *, zone: Europe/Madrid }\nsteps:\n  - { id: act, uses: probe.keep, with: {} }\n")
        .await;
    let start = gatefold::host::runs::StartRun {
        flow: "one".to_owned(),
        inputs: json!({}),
        initiator: "user:anna".to_owned(),
        trigger: "manual".to_owned(),
        once: None,
        ..gatefold::host::runs::StartRun::default()
    };
    let broke_off = process.host.start_run(start).await;
    assert!(
        matches!(&broke_off, Err(HostError::Damaged { why, .. }) if why.contains("as told by the test")),
        "{broke_off:?}"
    );
    assert_eq!(process.host.list_runs(&RunFilter::default()).await.unwrap(), []);

    // and the loop of the schedules outlives it
    script_of(&world, 1);
    let begun = async {
        while process.host.list_runs(&RunFilter::default()).await.unwrap().is_empty() {
            pass_a_second().await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_hours(48), begun).await.is_ok(),
        "no moment counts any more"
    );
}
