//! Versions that were deployed before there were numbers of evaluation rules.

use super::world::World;
use gatefold::audit::Origin;
use gatefold::base::Semantics;
use gatefold::engine::{Decision, Event};
use gatefold::host::runs::StartRun;
use gatefold::store::memory::MemoryStore;
use gatefold::store::{Deployment, Store, UnitOfWork, Write};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const FLOW: &str = "flow: limit
version: 1.0.0
inputs: { bill: { type: object }, day: { type: date } }
steps:
  - id: size
    choose: [{ when: inputs.bill.net < 1000, outcome: small }, { otherwise: large }]
";

/// A store in which an older build deployed the flow.
async fn older() -> Arc<dyn Store> {
    let scratch = World::new();
    let process = scratch.start().await;
    process.deploy(FLOW).await;
    let deployment = process.host.flows().await.unwrap().remove(0);
    process.shut_down().await;
    let mut stored = serde_json::to_value(&deployment).unwrap();
    assert_eq!(stored.as_object_mut().unwrap().remove("semantics"), Some(json!(2)));
    let deployment: Deployment = serde_json::from_value(stored).unwrap();
    assert_eq!(deployment.semantics, Semantics::FIRST);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let writes = vec![Write::Deploy(deployment)];
    store.commit(UnitOfWork { run: None, writes }).await.unwrap();
    store
}

#[tokio::test(start_paused = true)]
async fn a_version_keeps_the_rules_that_it_was_deployed_with_and_the_next_says_what_changes() {
    let world = World::over(older().await);
    let process = world.start().await;
    let given = |day: &str| json!({ "bill": { "net": null }, "day": day });
    // the day has another form, and the order gives an answer
    let run = process.begin("limit", given("20260310")).await;
    assert_eq!(process.end(&run).await, "completed");
    // the same text again is the same version
    let (same, warnings) = process.host.deploy("limit.flow.yaml", FLOW, "user:anna").await.unwrap();
    assert_eq!((same.semantics, warnings.len()), (Semantics::FIRST, 0));
    let next = FLOW.replace("1.0.0", "1.0.1");
    let (next, warnings) = process
        .host
        .deploy("limit.flow.yaml", &next, "user:anna")
        .await
        .unwrap();
    assert_eq!(next.semantics, Semantics::CURRENT);
    assert!(warnings[0].message.contains("evaluation rules 2"), "{warnings:?}");
    let run = process.begin("limit", given("2026-03-10")).await;
    process
        .until(&run, |event| matches!(event, Event::IncidentRaised { .. }))
        .await;
    process.shut_down().await;
}

const ENTRIES: &str = "flow: entries
version: 1.0.0
inputs: { day: { type: date }, amount: { type: number }, days: { type: list, of: date, default: [] } }
settings: { from: { type: date, default: \"2026-01-01\" } }
values: { until: { type: date, default: \"2026-01-01\" } }
on: { webhook: { secret: HOOK, inputs: { day: \"${{ event.day }}\", amount: 1 } } }
steps:
  - id: enter
    task: { kind: form, to: [user:anna], title: Enter it, form: { day: { type: date, required: true } } }
    deadline: { due: 5 days }
    outcomes: { declined: { end: declined }, expired: { end: late } }
";

fn start(inputs: Value) -> StartRun {
    StartRun {
        flow: "entries".to_owned(),
        inputs,
        initiator: "user:anna".to_owned(),
        trigger: "manual".to_owned(),
        ..StartRun::default()
    }
}

/// Every way in which a value comes into a flow takes a day in one form, and no number that loses digits.
#[tokio::test(start_paused = true)]
async fn every_entry_takes_a_day_in_one_form_and_numbers_with_all_their_digits() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(ENTRIES).await;
    let run = process
        .begin("entries", json!({ "day": "2026-03-10", "amount": "0.1" }))
        .await;
    let task = process.host.open_tasks(Some("user:anna")).await.unwrap().remove(0).id;
    for day in [
        "20260310",
        "+012026-03-10",
        "2026-03-10T12:00",
        "2026-03-10 12:00",
        "2026-03-10[Europe/Madrid]",
    ] {
        let given = json!({ "day": day, "amount": 1 });
        let listed = json!({ "day": "2026-03-10", "amount": 1, "days": [day] });
        let named = |name: &str| [(name.to_owned(), json!(day))].into_iter().collect::<Map<_, _>>();
        let decision = Decision {
            task: task.clone(),
            by: "user:anna".to_owned(),
            on_behalf_of: None,
            decision: "done".to_owned(),
            reason: None,
            sha256: None,
            form: named("day"),
            via: None,
        };
        let host = &process.host;
        let refusals = [
            host.start_run(start(given)).await.err(),
            host.start_run(start(listed)).await.err(),
            host.webhook("entries", day, json!({ "day": day })).await.err(),
            host.set_settings("entries", &named("from"), "user:anna", Origin::default())
                .await
                .err(),
            host.set_values(&run, named("until"), "user:anna", "late").await.err(),
            host.decide(decision).await.err(),
        ];
        for (entry, refused) in refusals.into_iter().enumerate() {
            let refused = refused.unwrap_or_else(|| panic!("{day} at entry {entry}"));
            assert!(
                refused.to_string().contains("must be a day, as 2026-11-23"),
                "{entry}: {refused}"
            );
        }
    }
    for amount in [
        json!("12345678901234567890123"),
        json!(1.2e22),
        json!("0.12345678901234567890"),
    ] {
        let start = start(json!({ "day": "2026-03-10", "amount": amount }));
        let refused = process.host.start_run(start).await.expect_err("it would lose digits");
        assert!(
            refused.to_string().contains("more digits than a number can keep"),
            "{refused}"
        );
    }
    process.shut_down().await;
}
