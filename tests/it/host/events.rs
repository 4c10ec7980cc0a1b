//! Events that cannot be delivered, events that nobody waits for yet, and what is forgotten.

use super::store::{Orders, Told};
use super::world::{Process, World, beginning};
use super::{WAITING, signed};
use gatefold::base::id::{EventId, MailId, RunId};
use gatefold::engine::{Event, InboundEvent};
use gatefold::host::events::{KEPT_BYTES, KEPT_DAYS, KEPT_EVENTS};
use gatefold::host::once::OnceKey;
use gatefold::host::retention::{BATCH, EVENTS_DAYS, KEYS_DAYS, MAILS_DAYS};
use gatefold::host::runs::StartRun;
use gatefold::host::{Host, TAKEN_UP_FIRST};
use gatefold::store::{MailState, OutboxMail, RunFilter, Store, UnitOfWork, Write};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// More than are read at once.
const POISONED: usize = 70;

const DAY: Duration = Duration::from_hours(24);

async fn write(world: &World, writes: Vec<Write>) {
    world.store.commit(UnitOfWork { run: None, writes }).await.unwrap();
}

/// Lets everybody else do what there is to do now, until `is_so`.
async fn settled(is_so: impl AsyncFn() -> bool) {
    while !is_so().await {
        crate::turn::turn().await;
    }
}

async fn quiet(world: &World) {
    settled(async || world.store.next_event_due().await.unwrap().is_none()).await;
}

async fn received(process: &Process, run: &RunId) -> usize {
    let journal = process.journal(run).await;
    journal
        .iter()
        .filter(|record| matches!(record.event, Event::EventReceived { .. }))
        .count()
}

fn days(days: i64) -> Duration {
    DAY * u32::try_from(days).unwrap()
}

#[tokio::test(start_paused = true)]
async fn events_that_always_fail_do_not_block_others() {
    let world = World::new();
    let poisoned = |number: usize| InboundEvent {
        id: EventId(format!("evt_bad_{number}")),
        subjects: vec!["thing".to_owned()],
        key: None,
        ..signed("")
    };
    let mut writes: Vec<Write> = (0..POISONED).map(|number| Write::Event(poisoned(number))).collect();
    // no run of this name can take anything
    writes.push(Write::Own {
        thing: "thing".to_owned(),
        run: RunId::from("run_gone"),
    });
    write(&world, writes).await;
    let process = world.start().await;
    process.deploy(WAITING).await;
    let run = process.begin("waits", json!({})).await;
    process.host.publish_event(signed("evt_good")).await.unwrap();
    assert_eq!(process.end(&run).await, "completed", "before its deadline");
    assert!(
        process.host.metrics().events_put_off.get() >= POISONED as u64,
        "a person can see it"
    );
    // they are not given up either: once they can be delivered they are
    let disown = Write::Disown {
        thing: "thing".to_owned(),
        run: RunId::from("run_gone"),
    };
    write(&world, vec![disown]).await;
    tokio::time::advance(Duration::from_mins(11)).await;
    quiet(&world).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_first_meets_the_wait_that_opens_later_once() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(WAITING).await;
    for _ in 0..2 {
        process.host.publish_event(signed("evt_1")).await.unwrap();
        quiet(&world).await;
    }
    process.kill();
    let process = world.start().await;
    let first = process.begin("waits", json!({})).await;
    assert_eq!(process.end(&first).await, "completed");
    assert_eq!(received(&process, &first).await, 1);
    let second = process.begin("waits", json!({})).await;
    assert_eq!(process.end(&second).await, "expired", "it was taken");
}

#[tokio::test(start_paused = true)]
async fn a_wait_takes_the_oldest_event_and_leaves_the_others_to_later_ones() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(WAITING).await;
    for id in ["evt_1", "evt_2"] {
        process.host.publish_event(signed(id)).await.unwrap();
    }
    quiet(&world).await;
    for id in ["evt_1", "evt_2"] {
        let run = process.begin("waits", json!({})).await;
        assert_eq!(process.end(&run).await, "completed");
        let journal = process.journal(&run).await;
        let took = |record: &gatefold::engine::EventRecord| matches!(&record.event, Event::EventReceived { id: taken, .. } if taken.as_str() == id);
        assert!(journal.iter().any(took), "{journal:#?}");
        assert_eq!(received(&process, &run).await, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_starts_a_run_is_not_kept() {
    let world = World::new();
    let process = world.start().await;
    process.deploy("flow: reacts\nversion: 1.0.0\non:\n  event: { type: erp.signed }\nsteps:\n  - { id: note, uses: probe.compute, with: { a: 1 } }\n").await;
    process.host.publish_event(signed("evt_1")).await.unwrap();
    quiet(&world).await;
    assert_eq!(world.store.kept_events().await.unwrap().count, 0);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_kept_for_so_many_days() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(WAITING).await;
    process.host.publish_event(signed("evt_1")).await.unwrap();
    quiet(&world).await;
    tokio::time::advance(days(KEPT_DAYS - 1) + Duration::from_hours(22)).await;
    settled(async || world.store.kept_events().await.unwrap().count == 1).await;
    tokio::time::advance(Duration::from_hours(2)).await;
    settled(async || world.store.kept_events().await.unwrap().count == 0).await;
    settled(async || process.host.metrics().events_given_up.get() == 1).await;
    let run = process.begin("waits", json!({})).await;
    assert_eq!(process.end(&run).await, "expired");
}

fn kept(event: &InboundEvent) -> [Write; 2] {
    let keep = Write::KeepEvent {
        event: event.id.clone(),
        until: beginning(),
    };
    [Write::Event(event.clone()), keep]
}

#[tokio::test(start_paused = true)]
async fn so_many_events_are_kept_and_the_oldest_gives_way_to_one_more() {
    let world = World::new();
    let fillers = (1..KEPT_EVENTS).flat_map(|number| kept(&signed(&format!("evt_{number}"))));
    write(&world, fillers.collect()).await;
    let host = gatefold::host::Host::new(world.parts());
    for (id, given_up) in [("evt_at_limit", 0), ("evt_past_limit", 1)] {
        host.publish_event(signed(id)).await.unwrap();
        host.recover().await.unwrap();
        assert_eq!(world.store.kept_events().await.unwrap().count, KEPT_EVENTS);
        assert_eq!(host.metrics().events_given_up.get(), given_up);
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_bytes_are_kept_and_the_oldest_gives_way_to_one_more() {
    let world = World::new();
    let size = |event: &InboundEvent| serde_json::to_string(event).unwrap().len();
    let mut filler = signed("evt_filler");
    filler.data = json!({ "x": "" });
    let rest = usize::try_from(KEPT_BYTES).unwrap() - size(&filler) - size(&signed("evt_1"));
    filler.data = json!({ "x": "x".repeat(rest) });
    write(&world, kept(&filler).to_vec()).await;
    let host = gatefold::host::Host::new(world.parts());
    host.publish_event(signed("evt_1")).await.unwrap();
    host.recover().await.unwrap();
    let at_limit = world.store.kept_events().await.unwrap();
    assert_eq!((at_limit.count, at_limit.bytes), (2, KEPT_BYTES));
    host.publish_event(signed("evt_2")).await.unwrap();
    host.recover().await.unwrap();
    let past = world.store.kept_events().await.unwrap();
    assert_eq!(past.count, 2, "the large one gave way");
    assert!(past.bytes < 10_000);
}

/// A mail, a key and an event, all over.
async fn leave_traces(world: &World, process: &Process) -> StartRun {
    let start = StartRun {
        flow: "waits".to_owned(),
        inputs: json!({}),
        initiator: "user:anna".to_owned(),
        trigger: "manual".to_owned(),
        once: Some(OnceKey {
            name: "Idempotency-Key",
            scope: "api:anna".to_owned(),
            key: "k1".to_owned(),
            digest: None,
        }),
        ..StartRun::default()
    };
    let run = process.host.start_run(start.clone()).await.unwrap();
    process.host.publish_event(signed("evt_1")).await.unwrap();
    assert_eq!(process.end(&run).await, "completed");
    quiet(world).await;
    let mails = (0..=BATCH).map(|number| {
        Write::PutMail(OutboxMail {
            id: MailId(format!("mal_{number}")),
            to: vec!["anna@example.com".to_owned()],
            subject: "Over".to_owned(),
            text: "It is over.".to_owned(),
            grant: None,
            run: None,
            at: beginning(),
            state: MailState::Sent,
            attempts: 1,
            next_at: None,
            error: None,
            rev: 0,
        })
    });
    write(world, mails.collect()).await;
    start
}

async fn mails_sent(world: &World) -> usize {
    world.store.mails(MailState::Sent, usize::MAX).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn what_is_over_is_forgotten_after_so_many_days_and_not_before() {
    assert_eq!(
        (KEYS_DAYS, EVENTS_DAYS),
        (MAILS_DAYS, MAILS_DAYS),
        "the test looks once"
    );
    let world = World::new();
    let process = world.start().await;
    process.deploy(WAITING).await;
    let start = leave_traces(&world, &process).await;
    let event = EventId::from("evt_1");

    tokio::time::advance(days(MAILS_DAYS - 1) + Duration::from_hours(22)).await;
    for _ in 0..1_000 {
        crate::turn::turn().await;
    }
    assert_eq!(mails_sent(&world).await, BATCH + 1);
    assert!(world.store.event(&event).await.unwrap().is_some());
    assert!(world.store.is_used("api:anna", "k1").await.unwrap());
    process.host.start_run(start.clone()).await.unwrap();

    tokio::time::advance(Duration::from_hours(3)).await;
    settled(async || mails_sent(&world).await == 0).await;
    settled(async || world.store.event(&event).await.unwrap().is_none()).await;
    settled(async || !world.store.is_used("api:anna", "k1").await.unwrap()).await;
    assert!(world.store.deliveries(&event).await.unwrap().is_empty());
    let runs = process
        .host
        .list_runs(&gatefold::store::RunFilter::default())
        .await
        .unwrap();
    assert_eq!(runs.len(), 1, "the run itself stays");
}

#[tokio::test(start_paused = true)]
async fn what_is_over_is_forgotten_at_the_start_too() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(WAITING).await;
    leave_traces(&world, &process).await;
    process.kill();
    tokio::time::advance(days(MAILS_DAYS) + DAY).await;
    let _process = world.start().await;
    settled(async || mails_sent(&world).await == 0).await;
}

#[test]
fn a_repetition_is_known_for_longer_than_it_is_accepted() {
    let known = u64::try_from(KEYS_DAYS * 24 * 3600).unwrap();
    assert!(known > 2 * gatefold::server::signature::TOLERANCE_SECONDS);
}

#[tokio::test(start_paused = true)]
async fn who_begins_to_listen_while_events_become_durable_hears_of_them() {
    let store = Arc::new(Told::default());
    let world = World::over(Arc::clone(&store) as Arc<dyn Store>);
    let process = world.start().await;
    process.deploy(WAITING).await;
    let run = process.begin("waits", json!({})).await;
    store.order(Orders {
        slow_commits: Some(Duration::from_mins(1)),
        ..Orders::default()
    });
    let cancelled = {
        let (host, run) = (Arc::clone(&process.host), run.clone());
        tokio::spawn(async move { host.cancel_run(&run, "user:anna", "a test").await })
    };
    let nothing = std::future::pending::<()>();
    assert!(tokio::time::timeout(Duration::from_secs(30), nothing).await.is_err());
    let mut listener = process.host.watch();
    let known = process.journal(&run).await;
    assert!(
        !known
            .iter()
            .any(|record| matches!(record.event, Event::RunEnded { .. }))
    );
    cancelled.await.unwrap().unwrap();
    store.order(Orders::default());
    let stored = process.journal(&run).await;
    assert!(stored.len() > known.len());
    for record in &stored[known.len()..] {
        assert_eq!(listener.try_recv().as_deref(), Ok(record));
    }
    assert!(listener.try_recv().is_err(), "and of nothing twice");
}

#[tokio::test(start_paused = true)]
async fn a_start_is_ready_with_some_events_delivered_and_delivers_the_others_afterwards() {
    let flow = "flow: signs\nversion: 1.0.0\non: { event: { type: erp.signed } }\nsteps:\n  - { id: done, end: { status: signed } }\n";
    for (more, left) in [(0, 0), (1, 1)] {
        let world = World::new();
        let process = world.start().await;
        process.deploy(flow).await;
        process.kill();
        let ids = (0..TAKEN_UP_FIRST + more).map(|number| format!("evt_{number:04}"));
        write(&world, ids.map(|id| Write::Event(signed(&id))).collect()).await;
        let host = Host::new(world.parts());
        host.recover().await.unwrap();
        assert!(host.is_ready());
        let pending = world.store.pending_events(host.now(), usize::MAX).await.unwrap();
        assert_eq!(pending.len(), left);
        let stop = CancellationToken::new();
        let serving = tokio::spawn(Arc::clone(&host).serve(stop.clone(), Duration::from_secs(1)));
        host.come_to_rest(DAY).await.unwrap();
        let all = RunFilter {
            limit: usize::MAX,
            ..RunFilter::default()
        };
        assert_eq!(host.list_runs(&all).await.unwrap().len(), TAKEN_UP_FIRST + more);
        stop.cancel();
        serving.await.unwrap();
    }
}
