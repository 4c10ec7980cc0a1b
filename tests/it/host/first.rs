//! What was recorded first counts first, however late it is delivered.

use super::store::{Orders, Told};
use super::world::{Behaviour, Process, World};
use super::{TWO_LAWYERS, WAITING, approval, signed};
use gatefold::base::id::{EventId, RunId};
use gatefold::engine::{Event, InboundEvent, Refusal};
use gatefold::host::HostError;
use gatefold::host::by_hand::SetStep;
use gatefold::store::{OutboxMail, Store, UnitOfWork, Write};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// From now on nobody gets round to delivering events.
fn behind() -> Orders {
    Orders {
        hide_pending: true,
        ..Orders::default()
    }
}

async fn record(world: &World, event: InboundEvent) {
    let writes = vec![Write::Event(event)];
    world.store.commit(UnitOfWork { run: None, writes }).await.unwrap();
}

/// A run that waits, and what it waits for: recorded, and not delivered.
async fn recorded() -> (World, Process, RunId) {
    let store = Arc::new(Told::default());
    let world = World::over(Arc::clone(&store) as Arc<dyn Store>);
    let process = world.start().await;
    process.deploy(WAITING).await;
    let run = process.begin("waits", json!({})).await;
    store.order(behind());
    record(&world, signed("evt_1")).await;
    (world, process, run)
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_recorded_and_not_delivered_beats_the_deadline() {
    let (world, process, run) = recorded().await;
    let mut foreign = signed("evt_2");
    foreign.key = Some("order-8".to_owned());
    record(&world, foreign).await;
    assert_eq!(process.end(&run).await, "completed", "and not expired");
    let received: Vec<_> = process
        .journal(&run)
        .await
        .into_iter()
        .filter_map(|record| match record.event {
            Event::EventReceived { id, .. } => Some(id),
            _ => None,
        })
        .collect();
    assert_eq!(received, [EventId::from("evt_1")]);
    let target = run.as_str();
    assert_eq!(
        world.store.is_delivered(&EventId::from("evt_1"), target).await,
        Ok(true)
    );
    assert_eq!(
        world.store.is_delivered(&EventId::from("evt_2"), target).await,
        Ok(false)
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_recorded_and_not_delivered_beats_the_decision() {
    let store = Arc::new(Told::default());
    let world = World::over(Arc::clone(&store) as Arc<dyn Store>);
    let process = world.start().await;
    process.deploy(&TWO_LAWYERS.replace("MODE", "reset")).await;
    let host = &process.host;
    let first = host.put_file("user:anna", "/in", "a.txt", &b"one"[..]).await.unwrap();
    let run = process.begin("pair", json!({ "document": first.id })).await;
    let task = host.open_tasks(Some("user:ben")).await.unwrap().remove(0);
    let decide = |by: &str, sha256: &str| host.decide(approval(&task, by, sha256));
    decide("user:anna", &first.sha256).await.unwrap();
    store.order(behind());
    let second = host.put_file("user:anna", "/in", "a.txt", &b"two"[..]).await.unwrap();
    let late = decide("user:ben", &first.sha256).await;
    let Err(HostError::Refused(Refusal::OtherVersion { current })) = late else {
        panic!("the deciding vote is on a version that is known to be old: {late:?}");
    };
    assert_eq!(current.version, 2);
    for person in ["user:ben", "user:anna"] {
        decide(person, &second.sha256).await.unwrap();
    }
    assert_eq!(process.end(&run).await, "completed");
}

#[tokio::test(start_paused = true)]
async fn a_wait_hears_of_what_the_run_does_not_own() {
    let world = World::new();
    let process = world.start().await;
    let yaml = "flow: watches\nversion: 1.0.0\ninputs: { document: { type: file } }\nsteps:\n  - id: next\n    wait: { event: file360.file_uploaded, on: \"${{ inputs.document.id }}\" }\n    deadline: { due: 5 days }\n    outcomes: { expired: { end: expired } }\n";
    process.deploy(yaml).await;
    let host = &process.host;
    let first = host.put_file("user:anna", "/in", "a.txt", &b"one"[..]).await.unwrap();
    let run = process.begin("watches", json!({ "document": first.id })).await;
    host.put_file("user:anna", "/in", "b.txt", &b"another"[..])
        .await
        .unwrap();
    host.put_file("user:ben", "/in", "a.txt", &b"two"[..]).await.unwrap();
    assert_eq!(process.end(&run).await, "completed");
    let outcome = process.host.run_view(&run).await.unwrap();
    assert_eq!(outcome.steps[0].outcome.as_deref(), Some("received"));
    let heard = world.store.subscribers("file360.file_uploaded", &first.id).await;
    assert_eq!(heard, Ok(Vec::new()), "it no longer waits");
}

#[tokio::test(start_paused = true)]
async fn what_was_recorded_before_somebody_cancels_happens_first() {
    let (_, process, run) = recorded().await;
    let cancelled = process.host.cancel_run(&run, "user:dora", "no more").await;
    assert!(
        matches!(cancelled, Err(HostError::Refused(Refusal::RunEnded(_)))),
        "the event was there first: {cancelled:?}"
    );
    assert_eq!(process.end(&run).await, "completed");
}

/// Waits, and does beside that what fails at first.
const BESIDE: &str = "flow: beside\nversion: 1.0.0\nsteps:\n  - id: signed\n    wait: { event: erp.signed, key: order-7 }\n    deadline: { due: 2 days }\n    outcomes: { expired: { end: expired } }\n  - { id: act, after: start, uses: probe.effect, with: { value: 1 } }\n";

/// How an administrator answers the step that failed.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Retry,
    Skip,
    Set,
}

async fn answer(process: &Process, run: &RunId, how: Answer) {
    let (host, by, reason) = (&process.host, "user:dora", "it is mended");
    let answered = match how {
        Answer::Retry => host.retry_step(run, "act", by, reason).await,
        Answer::Skip => host.skip_step(run, "act", by, reason).await,
        Answer::Set => {
            let set = SetStep {
                step: "act".to_owned(),
                outcome: None,
                output: serde_json::Map::new(),
                by: by.into(),
                reason: reason.to_owned(),
            };
            host.set_step(run, set).await
        }
    };
    answered.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_recorded_before_somebody_answers_a_failure_happens_first() {
    for how in [Answer::Retry, Answer::Skip, Answer::Set] {
        let store = Arc::new(Told::default());
        let world = World::over(Arc::clone(&store) as Arc<dyn Store>);
        world.script("act", &[Behaviour::Leak]);
        let process = world.start().await;
        process.deploy(BESIDE).await;
        let run = process.begin("beside", json!({})).await;
        process
            .until(&run, |event| matches!(event, Event::IncidentRaised { .. }))
            .await;
        store.order(behind());
        record(&world, signed("evt_1")).await;
        answer(&process, &run, how).await;
        assert_eq!(process.end(&run).await, "completed", "{how:?}");
        let journal = process.journal(&run).await;
        let place = |is_it: fn(&Event) -> bool| journal.iter().position(|record| is_it(&record.event));
        let received = place(|event| matches!(event, Event::EventReceived { .. }));
        let answered = place(|event| match event {
            Event::IncidentResolved { .. } => true,
            Event::StepFinished { by_hand, .. } => by_hand.is_some(),
            _ => false,
        });
        assert!(received.is_some() && received < answered, "{how:?}: {journal:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_answers_about_the_newest_version_is_not_asked_about_it_anew() {
    for (by, asked) in [("user:ben", ["anna@example.com"].as_slice()), ("user:anna", &[])] {
        let store = Arc::new(Told::default());
        let world = World::over(Arc::clone(&store) as Arc<dyn Store>);
        let process = world.start().await;
        process.deploy(&TWO_LAWYERS.replace("MODE", "reset")).await;
        let host = &process.host;
        let first = host.put_file("user:anna", "/in", "a.txt", &b"one"[..]).await.unwrap();
        process.begin("pair", json!({ "document": first.id })).await;
        let task = host.open_tasks(Some("user:ben")).await.unwrap().remove(0);
        let decide = |by: &str, sha256: &str| host.decide(approval(&task, by, sha256));
        decide("user:anna", &first.sha256).await.unwrap();
        store.order(behind());
        let second = host.put_file("user:anna", "/in", "a.txt", &b"two"[..]).await.unwrap();
        store.committed();
        decide(by, &second.sha256).await.unwrap();
        let writes = store.committed().into_iter().flat_map(|unit| unit.writes);
        let anew = writes.filter_map(|write| match write {
            Write::PutMail(OutboxMail { subject, to, .. }) if subject.contains("you are asked again") => Some(to),
            _ => None,
        });
        let anew: BTreeSet<String> = anew.flatten().collect();
        assert!(anew.iter().eq(asked), "{by} answers at once: {anew:?}");
    }
}
