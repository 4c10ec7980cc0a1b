//! Timers, schedules and retention under a system clock that somebody sets.

use super::world::World;
use crate::set_clock::{SetClock, virtual_time};
use gatefold::audit::Origin;
use gatefold::engine::{Event, EventRecord};
use gatefold::host::clock::MAX_JUMP;
use gatefold::host::once::OnceKey;
use gatefold::host::retention::KEYS_DAYS;
use gatefold::host::runs::{FilesFrom, StartRun};
use gatefold::host::{Host, Parts};
use gatefold::store::RunFilter;
use jiff::SignedDuration;
use serde_json::json;
use std::time::Duration;

const PATIENT: &str = "flow: patient\nversion: 1.0.0\nsteps:\n  - id: answer\n    wait: { event: crm.signed, key: a }\n    \
                       deadline: { due: 1 day }\n    outcomes: { expired: { end: expired } }\n";
const DAILY: &str = "flow: daily\nversion: 1.0.0\non: { schedule: { cron: 0 8 * * *, zone: UTC } }\nsteps: [{ id: note, uses: probe.compute }]\n";

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

fn parts(world: &World, clock: &SetClock) -> Parts {
    Parts {
        clock: clock.clock(),
        ..world.parts()
    }
}

/// Advances time by more than any loop sleeps, so that every loop checks the clock.
async fn look() {
    virtual_time(Duration::from_mins(2)).await;
}

fn has_ended(journal: &[EventRecord]) -> bool {
    journal.iter().any(|one| matches!(one.event, Event::RunEnded { .. }))
}

async fn runs(host: &Host) -> usize {
    host.parts().store.runs(&RunFilter::default()).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn a_jump_fires_no_timer_until_it_is_confirmed() {
    let (world, clock) = (World::new(), SetClock::new());
    let process = world.start_with(parts(&world, &clock)).await;
    process.deploy(PATIENT).await;
    let run = process.begin("patient", json!({})).await;
    clock.jump(2 * DAY);
    look().await;
    assert!(process.host.is_time_held());
    assert!(!has_ended(&process.journal(&run).await));
    clock.pass(2 * HOUR);
    look().await;
    assert!(!has_ended(&process.journal(&run).await));
    let now = process
        .host
        .confirm_clock("user:anna", Origin::default())
        .await
        .unwrap();
    assert_eq!(now, clock.wall());
    assert_eq!(process.end(&run).await, "expired");
    let log = process.host.access_log(None, 0, 10).await.unwrap();
    assert!(
        log.iter()
            .any(|(_, entry)| entry.actor == "user:anna" && entry.at == now),
        "{log:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_right_lets_timers_go_on_in_their_own_time() {
    let (world, clock) = (World::new(), SetClock::new());
    let process = world.start_with(parts(&world, &clock)).await;
    process.deploy(PATIENT).await;
    let run = process.begin("patient", json!({})).await;
    clock.jump(2 * DAY);
    look().await;
    clock.jump(-(2 * DAY));
    look().await;
    assert!(!process.host.is_time_held());
    assert!(!has_ended(&process.journal(&run).await));
    assert!(
        process
            .host
            .confirm_clock("user:anna", Origin::default())
            .await
            .is_err(),
        "nothing is to be confirmed"
    );
    clock.pass(DAY);
    assert_eq!(process.end(&run).await, "expired");
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_jump_and_any_time_of_suspend_are_believed() {
    let (world, clock) = (World::new(), SetClock::new());
    let process = world.start_with(parts(&world, &clock)).await;
    process.deploy(PATIENT).await;
    let run = process.begin("patient", json!({})).await;
    clock.jump(MAX_JUMP);
    look().await;
    assert!(!process.host.is_time_held());
    clock.pass(2 * DAY);
    assert_eq!(process.end(&run).await, "expired");
}

#[tokio::test(start_paused = true)]
async fn what_came_due_while_nothing_ran_is_no_jump() {
    let (world, clock) = (World::new(), SetClock::new());
    let process = world.start_with(parts(&world, &clock)).await;
    process.deploy(PATIENT).await;
    let run = process.begin("patient", json!({})).await;
    process.kill();
    // the machine is off: its steady clock stands still
    clock.jump(30 * DAY);
    let process = world.start_with(parts(&world, &clock)).await;
    assert!(!process.host.is_time_held());
    assert_eq!(process.end(&run).await, "expired");
}

#[tokio::test(start_paused = true)]
async fn recorded_time_never_runs_backwards_also_over_a_restart() {
    let (world, clock) = (World::new(), SetClock::new());
    let process = world.start_with(parts(&world, &clock)).await;
    process.deploy(PATIENT).await;
    let first = process.begin("patient", json!({})).await;
    let recorded = process.journal(&first).await.last().unwrap().at;
    clock.jump(-(10 * DAY));
    let second = process.begin("patient", json!({})).await;
    assert!(process.journal(&second).await[0].at >= recorded);
    let recorded = process.journal(&second).await.last().unwrap().at;
    process.kill();
    clock.pass(SignedDuration::from_secs(1));
    let process = world.start_with(parts(&world, &clock)).await;
    let third = process.begin("patient", json!({})).await;
    assert!(process.journal(&third).await[0].at >= recorded);
    assert!(third > second && second > first, "ids are in order too");
}

#[tokio::test(start_paused = true)]
async fn a_jump_starts_no_scheduled_run_until_it_is_confirmed() {
    let (world, clock) = (World::new(), SetClock::new());
    let process = world.start_with(parts(&world, &clock)).await;
    process.deploy(DAILY).await;
    clock.jump(3 * DAY);
    look().await;
    assert_eq!(runs(&process.host).await, 0);
    process
        .host
        .confirm_clock("user:anna", Origin::default())
        .await
        .unwrap();
    look().await;
    assert_eq!(runs(&process.host).await, 1, "the last of the moments is made up for");
    clock.jump(-(3 * DAY));
    clock.pass(DAY);
    look().await;
    assert_eq!(runs(&process.host).await, 1, "no moment comes twice");
}

#[tokio::test(start_paused = true)]
async fn a_jump_forgets_no_idempotency_key() {
    let (world, clock) = (World::new(), SetClock::new());
    let process = world.start_with(parts(&world, &clock)).await;
    process.deploy(PATIENT).await;
    let start = || StartRun {
        flow: "patient".to_owned(),
        inputs: json!({}),
        initiator: "user:anna".to_owned(),
        trigger: "manual".to_owned(),
        cause: None,
        files_from: FilesFrom::Initiator,
        once: Some(OnceKey {
            name: "Idempotency-Key",
            scope: "start:user:anna".to_owned(),
            key: "k".to_owned(),
            digest: None,
        }),
        via: None,
    };
    let first = process.host.start_run(start()).await.unwrap();
    clock.jump((i32::try_from(KEYS_DAYS).unwrap() + 1) * DAY);
    virtual_time(Duration::from_hours(2)).await;
    assert_eq!(process.host.start_run(start()).await.unwrap(), first);
    process
        .host
        .confirm_clock("user:anna", Origin::default())
        .await
        .unwrap();
    virtual_time(Duration::from_hours(2)).await;
    assert!(
        process.host.start_run(start()).await.unwrap() != first,
        "its time is over"
    );
}
