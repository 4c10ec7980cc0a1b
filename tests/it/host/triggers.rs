//! What starts runs beside people: recurring moments and the end of other runs.

use super::world::{Process, World, beginning};
use gatefold::base::id::{EventId, RunId};
use gatefold::engine::InboundEvent;
use gatefold::host::retention::KEYS_DAYS;
use gatefold::host::runs::RunView;
use gatefold::host::schedules::MOST_MADE_UP;
use gatefold::host::triggers::MAX_CHAIN;
use gatefold::store::RunFilter;
use serde_json::{Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// A flow that starts at eight in the morning in Madrid; the tests begin at ten there.
fn daily(version: &str, more: &str, steps: &str) -> String {
    format!(
        "flow: daily\nversion: {version}\non:\n  schedule: {{ cron: 0 8 * * *, zone: Europe/Madrid{more}, \
         inputs: {{ at: '${{{{ event.scheduled_at }}}}', day: '${{{{ event.date }}}}' }} }}\n\
         inputs: {{ at: {{ type: text }}, day: {{ type: date }} }}\nsteps:\n{steps}"
    )
}

const COMPUTES: &str = "  - { id: act, uses: probe.compute, with: { n: 1 } }\n";
const WAITS: &str = "  - { id: forever, wait: { event: erp.signed, key: never }, deadline: none, because: a test }\n";

/// The runs of a flow, oldest first, once there are `count`. Time passes by itself.
async fn runs(process: &Process, flow: &str, count: usize) -> Vec<RunView> {
    let mut listener = process.host.watch();
    let filter = RunFilter {
        flow: Some(flow.to_owned()),
        limit: 1_000,
        ..RunFilter::default()
    };
    let look = async {
        loop {
            let mut rows = process.host.list_runs(&filter).await.unwrap();
            if rows.len() >= count {
                rows.reverse();
                return rows;
            }
            let _ = listener.recv().await;
        }
    };
    let rows = tokio::time::timeout(Duration::from_hours(24 * 366), look).await;
    let mut views = Vec::new();
    for row in rows.unwrap_or_else(|_| panic!("there never were {count} runs of {flow}")) {
        views.push(process.host.run_view(&row.id).await.unwrap());
    }
    views
}

/// Lets virtual time pass.
async fn pass(time: Duration) {
    let nothing = std::future::pending::<()>();
    assert!(tokio::time::timeout(time, nothing).await.is_err());
}

fn moments(views: &[RunView]) -> Vec<&str> {
    views.iter().map(|view| view.inputs["at"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_moment_starts_a_run_that_knows_it() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&daily("1.0.0", "", COMPUTES)).await;
    let views = runs(&process, "daily", 2).await;
    assert_eq!(moments(&views), ["2026-11-24T07:00:00Z", "2026-11-25T07:00:00Z"]);
    assert_eq!(views[0].inputs["day"], "2026-11-24");
    assert_eq!(views[0].run.initiator, "trigger:schedule");
    assert_eq!(views[0].run.started_at.to_string(), "2026-11-24T07:00:00Z");
}

/// The moments that start runs after three days in which nothing ran, until the one of the 28th.
async fn after_three_days_down(catch_up: &str) -> Vec<String> {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&daily("1.0.0", catch_up, COMPUTES)).await;
    runs(&process, "daily", 1).await;
    process.kill();
    tokio::time::advance(DAY * 3 + Duration::from_hours(1)).await;
    let process = world.start().await;
    let mut count = 2;
    loop {
        let views = runs(&process, "daily", count).await;
        let moments = moments(&views);
        if moments.last() == Some(&"2026-11-28T07:00:00Z") {
            return moments.into_iter().map(str::to_owned).collect();
        }
        count += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn what_passed_while_nothing_ran_is_made_up_for_as_the_flow_says() {
    let first = "2026-11-24T07:00:00Z";
    let missed = ["2026-11-25T07:00:00Z", "2026-11-26T07:00:00Z", "2026-11-27T07:00:00Z"];
    let next = "2026-11-28T07:00:00Z";
    assert_eq!(after_three_days_down("").await, [first, missed[2], next]);
    assert_eq!(
        after_three_days_down(", catch_up: last").await,
        [first, missed[2], next]
    );
    assert_eq!(after_three_days_down(", catch_up: none").await, [first, next]);
    assert_eq!(
        after_three_days_down(", catch_up: all").await,
        [first, missed[0], missed[1], missed[2], next]
    );
}

#[tokio::test(start_paused = true)]
async fn of_very_many_missed_moments_the_newest_are_made_up_for() {
    let world = World::new();
    let process = world.start().await;
    let hourly = daily("1.0.0", ", catch_up: all", COMPUTES).replace("0 8 * * *", "0 * * * *");
    process.deploy(&hourly).await;
    process.kill();
    tokio::time::advance(Duration::from_mins(60 * 150 + 30)).await;
    let process = world.start().await;
    let views = runs(&process, "daily", MOST_MADE_UP + 1).await;
    let moments = moments(&views);
    assert_eq!(moments[0], "2026-11-25T12:00:00Z");
    assert_eq!(moments[MOST_MADE_UP - 1], "2026-11-29T15:00:00Z");
    assert_eq!(moments[MOST_MADE_UP], "2026-11-29T16:00:00Z");
}

#[tokio::test(start_paused = true)]
async fn a_restart_at_the_moment_itself_starts_no_second_run() {
    let world = World::new();
    for _ in 0..3 {
        let process = world.start().await;
        process.deploy(&daily("1.0.0", ", catch_up: all", COMPUTES)).await;
        assert_eq!(runs(&process, "daily", 1).await.len(), 1);
        process.kill();
    }
}

#[tokio::test(start_paused = true)]
async fn a_moment_is_passed_over_while_an_earlier_run_goes_on_where_the_flow_says_so() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&daily("1.0.0", ", overlap: skip", WAITS)).await;
    let first = runs(&process, "daily", 1).await.remove(0).run.id;
    pass(DAY * 2 + Duration::from_hours(1)).await;
    assert_eq!(process.host.metrics().moments_passed_over.get(), 2);
    let is_known = async |moment: &str| world.store.is_used("schedule:daily", moment).await.unwrap();
    assert!(is_known("2026-11-25T07:00:00Z").await);
    process.host.cancel_run(&first, "user:anna", "enough").await.unwrap();
    let views = runs(&process, "daily", 2).await;
    assert_eq!(moments(&views), ["2026-11-24T07:00:00Z", "2026-11-27T07:00:00Z"]);
    pass(DAY * u32::try_from(KEYS_DAYS).unwrap()).await;
    assert!(
        !is_known("2026-11-25T07:00:00Z").await,
        "it can come no more, and is forgotten"
    );
}

#[tokio::test(start_paused = true)]
async fn runs_overlap_where_the_flow_says_nothing() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&daily("1.0.0", "", WAITS)).await;
    assert_eq!(runs(&process, "daily", 3).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_new_version_begins_with_its_deployment() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&daily("1.0.0", ", catch_up: all", COMPUTES)).await;
    runs(&process, "daily", 1).await;
    let hourly = daily("2.0.0", ", catch_up: all", COMPUTES).replace("0 8 * * *", "30 * * * *");
    process.deploy(&hourly).await;
    let views = runs(&process, "daily", 3).await;
    assert_eq!(
        moments(&views),
        ["2026-11-24T07:00:00Z", "2026-11-24T07:30:00Z", "2026-11-24T08:30:00Z"]
    );
    assert_eq!(views[2].run.version, "2.0.0");
}

const SCREENING: &str = "flow: screening\nversion: 1.2.0\ninputs: { amount: { type: integer } }\n\
    outputs: { amount: \"${{ inputs.amount }}\", hit: \"${{ inputs.amount > 100 }}\" }\nsteps:\n\
    \x20 - id: size\n    choose: [{ when: inputs.amount > 100, outcome: large }, { otherwise: small }]\n\
    \x20   outcomes: { large: { end: hit } }\n\
    \x20 - { id: act, uses: probe.compute, with: { n: 1 } }\n";

fn follower(trigger: &str) -> String {
    format!(
        "flow: follower\nversion: 1.0.0\non:\n  flow: {{ name: screening{trigger} }}\n\
         inputs: {{ amount: {{ type: integer }} }}\nsteps:\n{COMPUTES}"
    )
}

/// Inputs of the runs that two runs of the screening start, one that ends `completed` with 7 and
/// one that ends `hit` with 700.
async fn started_by_screening(trigger: &str) -> Vec<Value> {
    let world = World::new();
    let process = world.start().await;
    process.deploy(SCREENING).await;
    process.deploy(&follower(trigger)).await;
    for amount in [7, 700] {
        let run = process.begin("screening", json!({ "amount": amount })).await;
        process.end(&run).await;
    }
    while world.store.next_event_due().await.unwrap().is_some() {
        crate::turn::turn().await;
    }
    let views = runs(&process, "follower", 0).await;
    for view in &views {
        let before = view.run.initiator.strip_prefix("run:").unwrap();
        let before = process.host.run_view(&RunId::from(before)).await.unwrap();
        assert_eq!(before.run.flow, "screening");
    }
    views.into_iter().map(|view| view.inputs).collect()
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_run_starts_the_flows_that_wait_for_such_an_end() {
    let (small, large) = (json!({ "amount": 7 }), json!({ "amount": 700 }));
    let both = [small.clone(), large.clone()];
    assert_eq!(started_by_screening("").await, both);
    assert_eq!(
        started_by_screening(", outcome: [hit]").await,
        std::slice::from_ref(&large)
    );
    assert_eq!(
        started_by_screening(", outcome: [completed]").await,
        std::slice::from_ref(&small)
    );
    assert_eq!(
        started_by_screening(", where: event.outputs.hit and event.version == '1.2.0'").await,
        std::slice::from_ref(&large)
    );
    assert_eq!(
        started_by_screening(", inputs: { amount: \"${{ event.outputs.amount + 1 }}\" }").await,
        [json!({ "amount": 8 }), json!({ "amount": 701 })]
    );
}

#[tokio::test(start_paused = true)]
async fn an_end_that_nobody_waits_for_is_no_event() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(SCREENING).await;
    let run = process.begin("screening", json!({ "amount": 7 })).await;
    process.end(&run).await;
    assert!(world.store.next_event_due().await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn flows_that_start_each_other_in_a_circle_come_to_an_end() {
    let world = World::new();
    let process = world.start().await;
    for (flow, other) in [("ping", "pong"), ("pong", "ping")] {
        let yaml = format!(
            "flow: {flow}\nversion: 1.0.0\non: {{ manual: {{}}, flow: {{ name: {other} }} }}\nsteps:\n{COMPUTES}"
        );
        process.deploy(&yaml).await;
    }
    process.begin("ping", json!({})).await;
    runs(&process, "pong", MAX_CHAIN / 2).await;
    while world.store.next_event_due().await.unwrap().is_some() {
        crate::turn::turn().await;
    }
    let count = runs(&process, "ping", 0).await.len() + runs(&process, "pong", 0).await.len();
    assert_eq!(count, MAX_CHAIN);
}

#[tokio::test(start_paused = true)]
async fn what_a_run_does_starts_other_flows_and_not_its_own() {
    let world = World::new();
    let process = world.start().await;
    for flow in ["own", "other"] {
        let yaml = format!(
            "flow: {flow}\nversion: 1.0.0\non: {{ manual: {{}}, event: {{ type: erp.signed }} }}\nsteps:\n{COMPUTES}"
        );
        process.deploy(&yaml).await;
    }
    let run = process.begin("own", json!({})).await;
    let event = InboundEvent {
        id: EventId::from("evt_1"),
        kind: "erp.signed".to_owned(),
        subjects: Vec::new(),
        key: None,
        data: json!({ "by": format!("run:{run}") }),
        at: beginning(),
    };
    process.host.publish_event(event).await.unwrap();
    let started = runs(&process, "other", 1).await;
    while world.store.next_event_due().await.unwrap().is_some() {
        crate::turn::turn().await;
    }
    assert_eq!(started[0].run.initiator, format!("run:{run}"));
    assert_eq!(runs(&process, "own", 0).await.len(), 1);
}

/// No run shows it, so whoever looks after the flow is told; once a day.
#[tokio::test(start_paused = true)]
async fn a_trigger_that_cannot_start_its_run_is_told() {
    let world = World::new();
    let process = world.start().await;
    let text = "flow: counted\nversion: 1.0.0\nowner: olga@example.org\n\
                on: { event: { type: shop.sold, inputs: { n: '${{ event.n }}' } } }\n\
                inputs: { n: { type: integer, max: 3 } }\nsteps:\n  - { id: a, uses: data.set, with: { value: 1 } }\n";
    process.deploy(text).await;
    for n in 3..=5 {
        let event = InboundEvent {
            id: EventId::from(format!("evt-{n}").as_str()),
            kind: "shop.sold".to_owned(),
            subjects: Vec::new(),
            key: None,
            data: json!({ "n": n }),
            at: process.host.now(),
        };
        process.host.publish_event(event).await.unwrap();
        pass(Duration::from_mins(1)).await;
    }
    assert_eq!(runs(&process, "counted", 1).await.len(), 1);
    assert_eq!(process.host.metrics().runs_not_started.get(), 2);
    let mails = world.mails.lock().unwrap();
    let [mail] = mails.as_slice() else { panic!("{mails:#?}") };
    assert_eq!(mail.subject, "A flow could not be started: counted");
}
