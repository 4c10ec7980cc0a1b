//! The host, with connectors that do as they are told, under a clock that the tests hold.

mod begin_anew;
mod by_hand;
mod children;
mod clock;
mod events;
mod expiries;
mod first;
mod given_files;
mod leavers;
mod left_behind;
mod lineage;
mod locks;
mod mails;
mod memory;
mod migrate;
mod newest;
mod panics;
mod people;
mod scrub;
mod semantics;
mod separation;
mod settings;
pub mod store;
mod triggers;
mod world;

use gatefold::base::id::EventId;
use gatefold::engine::{Decision, Event, InboundEvent};
use gatefold::host::runs::StartRun;
use gatefold::host::{Host, HostError};
use gatefold::space::State;
use gatefold::store::TaskRow;
use serde_json::json;
use world::{Behaviour, World, beginning};

fn one_step(flow: &str, action: &str, more: &str) -> String {
    format!("flow: {flow}\nversion: 1.0.0\nsteps:\n  - id: act\n    uses: {action}\n    with: {{ value: 1 }}\n{more}")
}

/// What `by` says who approves the version that they have seen.
fn approval(task: &TaskRow, by: &str, sha256: &str) -> Decision {
    Decision {
        task: task.id.clone(),
        by: by.to_owned(),
        on_behalf_of: None,
        decision: "approved".to_owned(),
        reason: None,
        sha256: Some(sha256.to_owned()),
        form: serde_json::Map::new(),
        via: None,
    }
}

#[tokio::test(start_paused = true)]
async fn steps_that_only_compute_share_one_commit() {
    let store = std::sync::Arc::new(store::Told::default());
    let world = World::over(store.clone());
    let process = world.start().await;
    let steps: String = (0..10)
        .map(|n| format!("  - {{ id: s{n}, uses: probe.compute, with: {{ n: {n} }} }}\n"))
        .collect();
    process
        .deploy(&format!("flow: pure\nversion: 1.0.0\nsteps:\n{steps}"))
        .await;
    store.committed();
    let run = process.begin("pure", json!({})).await;
    let commits = store.committed();
    assert_eq!(
        commits.iter().filter(|unit| unit.run.is_some()).count(),
        1,
        "{commits:#?}"
    );
    let journal = process.journal(&run).await;
    let finished = journal
        .iter()
        .filter(|record| matches!(record.event, Event::StepFinished { .. }))
        .count();
    assert_eq!(finished, 10);
    assert!(
        journal
            .iter()
            .all(|record| !matches!(record.event, Event::ActionScheduled { .. }))
    );
    assert_eq!(process.end(&run).await, "completed");
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_tried_again_with_the_same_key() {
    let world = World::new();
    world.script(
        "act",
        &[
            Behaviour::FailTransiently,
            Behaviour::FailTransiently,
            Behaviour::Succeed,
        ],
    );
    let process = world.start().await;
    process
        .deploy(&one_step(
            "retried",
            "probe.effect",
            "    retry: { attempts: 3, backoff: 10 s }\n",
        ))
        .await;
    let run = process.begin("retried", json!({})).await;
    assert_eq!(process.end(&run).await, "completed");
    assert_eq!(world.effects("probe.effect").into_values().collect::<Vec<_>>(), [1]);
    let failed = process
        .journal(&run)
        .await
        .into_iter()
        .filter(|r| matches!(r.event, Event::AttemptFailed { .. }));
    assert_eq!(failed.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_does_not_hang_the_run() {
    let world = World::new();
    world.script("act", &[Behaviour::Hang]);
    let process = world.start().await;
    process
        .deploy(&one_step("hung", "probe.effect", "    retry: { attempts: 2 }\n"))
        .await;
    let run = process.begin("hung", json!({})).await;
    assert_eq!(process.end(&run).await, "completed");
    assert_eq!(
        world.effects("probe.effect").into_values().collect::<Vec<_>>(),
        [2],
        "both under one key"
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_action_costs_one_step_and_not_the_process() {
    let world = World::new();
    world.script("act", &[Behaviour::Panic]);
    let process = world.start().await;
    process.deploy(&one_step("panics", "probe.effect", "")).await;
    let run = process.begin("panics", json!({})).await;
    process
        .until(&run, |event| {
            matches!(event, Event::IncidentRaised { in_doubt: true, .. })
        })
        .await;
    process
        .host
        .retry_step(&run, "act", "user:anna", "looked")
        .await
        .unwrap();
    assert_eq!(process.end(&run).await, "completed");
}

#[tokio::test(start_paused = true)]
async fn a_crash_during_a_repeatable_call_repeats_it_under_the_same_key() {
    let world = World::new();
    world.script("act", &[Behaviour::Hang]);
    let process = world.start().await;
    process.deploy(&one_step("crashes", "probe.effect", "")).await;
    let run = process.begin("crashes", json!({})).await;
    crate::turn::turn().await;
    process.kill();
    let process = world.start().await;
    assert_eq!(process.end(&run).await, "completed");
    assert_eq!(world.effects("probe.effect").len(), 1, "one key");
}

#[tokio::test(start_paused = true)]
async fn a_crash_during_a_call_that_cannot_be_repeated_asks_a_person() {
    let world = World::new();
    world.script("act", &[Behaviour::Hang]);
    let process = world.start().await;
    process.deploy(&one_step("doubt", "probe.once", "")).await;
    let run = process.begin("doubt", json!({})).await;
    while world.effects("probe.once").is_empty() {
        crate::turn::turn().await;
    }
    process.kill();
    let process = world.start().await;
    process
        .until(&run, |event| {
            matches!(event, Event::IncidentRaised { in_doubt: true, .. })
        })
        .await;
    assert_eq!(
        world.effects("probe.once").into_values().collect::<Vec<_>>(),
        [1],
        "never a silent repeat"
    );
    process
        .host
        .skip_step(&run, "act", "user:anna", "it did happen")
        .await
        .unwrap();
    assert_eq!(process.end(&run).await, "completed");
    assert_eq!(world.effects("probe.once").into_values().collect::<Vec<_>>(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_says_that_it_can_be_repeated_is_repeated() {
    let world = World::new();
    world.script("act", &[Behaviour::Hang]);
    let process = world.start().await;
    let yaml = one_step("said", "probe.once", "").replace("value: 1", "repeatable: true");
    process.deploy(&yaml).await;
    let run = process.begin("said", json!({})).await;
    while world.effects("probe.once").is_empty() {
        crate::turn::turn().await;
    }
    process.kill();
    let process = world.start().await;
    assert_eq!(process.end(&run).await, "completed");
    assert_eq!(
        world.effects("probe.once").into_values().collect::<Vec<_>>(),
        [2],
        "both under one key"
    );
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_a_call_that_cannot_be_repeated_leaves_no_doubt() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&one_step("calm", "probe.once", "")).await;
    let run = process.begin("calm", json!({})).await;
    // the call is scheduled and durable, but nothing has polled its task yet
    process.kill();
    let process = world.start().await;
    assert_eq!(process.end(&run).await, "completed");
    assert_eq!(world.effects("probe.once").into_values().collect::<Vec<_>>(), [1]);
}

const WAITING: &str = "flow: waits\nversion: 1.0.0\nsteps:\n  - id: signed\n    wait: { event: erp.signed, key: order-7 }\n    deadline: { due: 2 days }\n    outcomes: { expired: { end: expired } }\n";

fn signed(id: &str) -> InboundEvent {
    InboundEvent {
        id: EventId::from(id),
        kind: "erp.signed".to_owned(),
        subjects: Vec::new(),
        key: Some("order-7".to_owned()),
        data: json!({ "by": "erp" }),
        at: beginning(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_fires_at_its_moment_also_over_a_restart() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(WAITING).await;
    let run = process.begin("waits", json!({})).await;
    process.shut_down().await;
    let process = world.start().await;
    assert_eq!(process.end(&run).await, "expired");
    let ended = process.host.run_view(&run).await.unwrap().run.ended_at.unwrap();
    let late = ended.duration_since(beginning()) - jiff::SignedDuration::from_hours(48);
    assert!(
        !late.is_negative() && late < jiff::SignedDuration::from_secs(1),
        "{late}"
    );
}

/// Waits for a value, until tomorrow at most.
const VALUED: &str = "flow: valued
version: 1.0.0
values: { amount: { type: integer, default: 0 } }
steps:
  - { id: large, wait: { when: values.amount > 10 }, deadline: { due: 1 day }, outcomes: { expired: { end: small } } }
";

#[tokio::test(start_paused = true)]
async fn what_was_due_while_nothing_ran_comes_before_the_values_that_are_given_then() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(VALUED).await;
    let run = process.begin("valued", json!({})).await;
    process.kill();
    tokio::time::advance(std::time::Duration::from_hours(24)).await;
    let host = Host::new(world.parts());
    host.recover().await.unwrap();
    // no timer has fired yet
    let values = json!({ "amount": 11 }).as_object().cloned().unwrap();
    let refused = host.set_values(&run, values, "user:anna", "it came").await;
    assert!(matches!(refused, Err(HostError::Refused(_))), "{refused:?}");
    let view = host.run_view(&run).await.unwrap();
    assert_eq!(view.run.outcome.as_deref(), Some("small"));
    assert_eq!(view.values.get("amount"), Some(&json!(0)));
}

#[tokio::test(start_paused = true)]
async fn an_event_counts_once_however_often_it_is_sent() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(WAITING).await;
    let run = process.begin("waits", json!({})).await;
    for _ in 0..3 {
        process.host.publish_event(signed("evt_1")).await.unwrap();
    }
    assert_eq!(process.end(&run).await, "completed");
    let received = process
        .journal(&run)
        .await
        .into_iter()
        .filter(|r| matches!(r.event, Event::EventReceived { .. }));
    assert_eq!(received.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_starts_one_run() {
    let world = World::new();
    let process = world.start().await;
    let yaml = "flow: reacts\nversion: 1.0.0\non:\n  event: { type: erp.signed, where: event.by == 'erp', inputs: { who: \"${{ event.by }}\" } }\ninputs: { who: { type: text } }\nsteps:\n  - { id: note, uses: probe.compute, with: { who: \"${{ inputs.who }}\" } }\n";
    process.deploy(yaml).await;
    for _ in 0..3 {
        process.host.publish_event(signed("evt_2")).await.unwrap();
    }
    let mut other = signed("evt_3");
    other.data = json!({ "by": "somebody else" });
    process.host.publish_event(other).await.unwrap();
    let runs = loop {
        let runs = process
            .host
            .list_runs(&gatefold::store::RunFilter::default())
            .await
            .unwrap();
        if !runs.is_empty() && world.store.next_event_due().await.unwrap().is_none() {
            break runs;
        }
        crate::turn::turn().await;
    };
    assert_eq!(runs.len(), 1);
    assert_eq!(
        process.host.run_view(&runs[0].id).await.unwrap().inputs,
        json!({ "who": "erp" })
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_key_starts_one_run() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(WAITING).await;
    let start = StartRun {
        flow: "waits".to_owned(),
        inputs: json!({}),
        initiator: "user:anna".to_owned(),
        trigger: "manual".to_owned(),
        once: Some(gatefold::host::once::OnceKey {
            name: "key",
            scope: "api:anna".to_owned(),
            key: "k1".to_owned(),
            digest: None,
        }),
        ..StartRun::default()
    };
    let (first, second) = tokio::join!(
        process.host.start_run(start.clone()),
        process.host.start_run(start.clone())
    );
    let first = first.unwrap();
    assert_eq!(first, second.unwrap());
    assert_eq!(first, process.host.start_run(start).await.unwrap());
    assert_eq!(
        process
            .host
            .list_runs(&gatefold::store::RunFilter::default())
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn secrets_reach_the_call_and_nothing_else() {
    // one that leaves the process, and one that commits with the journal
    for (action, with) in [("probe.effect", "token"), ("probe.keep", "password")] {
        let world = World::new();
        world.script("act", &[Behaviour::Leak, Behaviour::Succeed]);
        let process = world.start().await;
        let yaml = format!(
            "flow: secret\nversion: 1.0.0\nsteps:\n  - id: act\n    uses: {action}\n    with: {{ {with}: \"Bearer ${{{{ secrets.TOKEN }}}}\" }}\n"
        );
        process.deploy(&yaml).await;
        let run = process.begin("secret", json!({})).await;
        process
            .until(&run, |event| matches!(event, Event::IncidentRaised { .. }))
            .await;
        process
            .host
            .retry_step(&run, "act", "user:anna", "again")
            .await
            .unwrap();
        assert_eq!(process.end(&run).await, "completed");
        let journal = serde_json::to_string(&process.journal(&run).await).unwrap();
        assert!(!journal.contains("hunter2"), "{journal}");
        assert!(journal.contains("Bearer ***"), "{action}: {journal}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_run_acquired_is_released_when_it_is_cancelled() {
    let world = World::new();
    let process = world.start().await;
    let yaml = "flow: holds\nversion: 1.0.0\nsteps:\n  - { id: get, uses: probe.acquire, with: {} }\n  - id: forever\n    wait: { event: erp.signed, key: never }\n    deadline: none\n    because: the test cancels it\n";
    process.deploy(yaml).await;
    let run = process.begin("holds", json!({})).await;
    let thing = format!("thing_{run}:get:1");
    assert_eq!(
        world.store.owners_of(std::slice::from_ref(&thing)).await.unwrap(),
        std::slice::from_ref(&run)
    );
    process
        .host
        .cancel_run(&run, "user:anna", "no longer wanted")
        .await
        .unwrap();
    assert_eq!(process.end(&run).await, "cancelled");
    assert_eq!(world.effects("probe.release").len(), 1);
    assert!(world.store.owners_of(&[thing]).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_workspace_is_closed_with_its_run_unless_it_is_kept() {
    for (keep, state) in [("", State::Revoked), ("\n    keep: the auditors need it", State::Live)] {
        let world = World::new();
        let process = world.start().await;
        let yaml = format!(
            "flow: audit\nversion: 1.0.0\nsteps:\n  - id: place\n    uses: file360.create_workspace\n    with: {{ name: Audit }}{keep}\n"
        );
        process.deploy(&yaml).await;
        let run = process.begin("audit", json!({})).await;
        assert_eq!(process.end(&run).await, "completed");
        let id = gatefold::base::id::WorkspaceId::derived(&format!("{run}:place:1"));
        let workspace = world.store.workspace(&id).await.unwrap().unwrap();
        assert_eq!(workspace.state, state, "{keep}");
    }
}

#[tokio::test(start_paused = true)]
async fn deciding_is_told_by_mail_and_bound_to_the_version() {
    let world = World::new();
    let process = world.start().await;
    let yaml = "flow: signs\nversion: 1.0.0\ninputs: { document: { type: file } }\nsteps:\n  - id: sign\n    title: Sign it\n    approve: { document: \"${{ inputs.document }}\", by: [role:legal], rule: 2 }\n    deadline: { due: 5 days }\n    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: expired } }\n";
    process.deploy(yaml).await;
    let document = process
        .host
        .put_file("user:anna", "/in", "a.txt", &b"hello"[..])
        .await
        .unwrap();
    let run = process.begin("signs", json!({ "document": document.id })).await;
    let task = process.host.open_tasks(Some("user:ben")).await.unwrap().remove(0);
    assert_eq!(task.people, ["user:anna", "user:ben"]);
    let decision = |by: &str, sha256: &str| Decision {
        task: task.id.clone(),
        by: by.to_owned(),
        on_behalf_of: None,
        decision: "approved".to_owned(),
        reason: None,
        sha256: Some(sha256.to_owned()),
        form: serde_json::Map::new(),
        via: None,
    };
    let stale = process.host.decide(decision("user:anna", &"0".repeat(64))).await;
    assert!(matches!(stale, Err(HostError::Refused(_))), "{stale:?}");
    let stranger = process.host.decide(decision("user:eve", &document.sha256)).await;
    assert!(matches!(stranger, Err(HostError::Refused(_))), "{stranger:?}");
    for person in ["user:anna", "user:anna", "user:ben"] {
        process.host.decide(decision(person, &document.sha256)).await.unwrap();
    }
    assert_eq!(process.end(&run).await, "completed");
    assert!(process.host.open_tasks(Some("user:ben")).await.unwrap().is_empty());
    while world.mails.lock().unwrap().len() < 2 {
        crate::turn::turn().await;
    }
    let told: Vec<_> = world
        .mails
        .lock()
        .unwrap()
        .iter()
        .map(|mail| mail.to[0].clone())
        .collect();
    assert_eq!(told, ["anna@example.com", "ben@example.com"]);
}

/// Two people decide on a document; `MODE` stands for `on_new_version`.
const TWO_LAWYERS: &str = "flow: pair\nversion: 1.0.0\ninputs: { document: { type: file } }\nsteps:\n  - id: sign\n    approve: { document: \"${{ inputs.document }}\", by: [role:legal], rule: 2, on_new_version: MODE }\n    deadline: { due: 5 days }\n    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: expired } }\n";

#[tokio::test(start_paused = true)]
async fn a_newer_version_from_anywhere_makes_decisions_void() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&TWO_LAWYERS.replace("MODE", "reset")).await;
    let first = process
        .host
        .put_file("user:anna", "/in", "a.txt", &b"one"[..])
        .await
        .unwrap();
    let run = process.begin("pair", json!({ "document": first.id })).await;
    let task = process.host.open_tasks(Some("user:ben")).await.unwrap().remove(0);
    let decide = |by: &str, sha256: &str| process.host.decide(approval(&task, by, sha256));
    decide("user:anna", &first.sha256).await.unwrap();
    let second = process
        .host
        .put_file("user:anna", "/in", "a.txt", &b"two"[..])
        .await
        .unwrap();
    process
        .until(&run, |event| matches!(event, Event::DecisionsVoided { .. }))
        .await;
    assert!(
        decide("user:ben", &first.sha256).await.is_err(),
        "the old version is no longer decided on"
    );
    for person in ["user:ben", "user:anna"] {
        decide(person, &second.sha256).await.unwrap();
    }
    assert_eq!(process.end(&run).await, "completed");
    assert!(world.store.owners_of(&[first.id]).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn names_and_reasons_are_bounded() {
    let world = World::new();
    let process = world.start().await;
    let at_limit = "x".repeat(gatefold::host::events::NAME_CHARS);
    process.host.publish_event(signed(&at_limit)).await.unwrap();
    for bad in [format!("{at_limit}x"), String::new(), "a\nb".to_owned()] {
        let refused = process.host.publish_event(signed(&bad)).await;
        assert!(matches!(refused, Err(HostError::Invalid(_))), "{bad:?}: {refused:?}");
    }
    let decision = |chars: usize| Decision {
        task: gatefold::base::id::TaskId::from("tsk_none"),
        by: "user:anna".to_owned(),
        on_behalf_of: None,
        decision: "approved".to_owned(),
        reason: Some("x".repeat(chars)),
        sha256: None,
        form: serde_json::Map::new(),
        via: None,
    };
    let limit = gatefold::host::tasks::REASON_CHARS;
    assert!(matches!(
        process.host.decide(decision(limit)).await,
        Err(HostError::Refused(_))
    ));
    assert!(matches!(
        process.host.decide(decision(limit + 1)).await,
        Err(HostError::Invalid(_))
    ));
}
