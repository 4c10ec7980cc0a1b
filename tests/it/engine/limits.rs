//! Every limit of a run, at it and one past it.

use super::flows;
use super::kit::Run;
use gatefold::base::id::EventId;
use gatefold::engine::StepPhase::{Finished, Incident};
use gatefold::engine::limits::{
    MAX_EVENTS, MAX_EVENTS_WITH_EACH, MAX_KEPT_EVENTS, MAX_PAYLOAD_BYTES, MAX_RESULTS_BYTES, MAX_ROUNDS,
};
use gatefold::engine::{Event, FailureKind, Input, Reply, RunMachine};
use gatefold::plan::Disposition;
use gatefold::spec::limits::MAX_ELEMENTS;
use serde_json::{Value, json};
use std::sync::Arc;

/// A value of exactly so many bytes as compact JSON.
fn payload(bytes: usize) -> Value {
    let value = json!({ "n": "x".repeat(bytes - r#"{"n":""}"#.len()) });
    assert_eq!(value.to_string().len(), bytes);
    value
}

#[test]
fn an_output_may_be_as_large_as_the_limit_and_no_larger() {
    let text = "steps:\n  - { id: a, uses: t.call }";
    let mut run = Run::of(text);
    run.done("a:1", payload(MAX_PAYLOAD_BYTES));
    assert_eq!(run.phase("a"), Finished);
    let mut run = Run::of(text);
    run.done("a:1", payload(MAX_PAYLOAD_BYTES + 1));
    assert_eq!(run.phase("a"), Incident);
    assert!(run.step("a").error.expect("it failed").contains("1048577 bytes"));
}

#[test]
fn an_event_may_be_as_large_as_the_limit_and_no_larger() {
    let mut run = Run::of("steps:\n  - { id: a, wait: { event: t.ping }, deadline: none, because: test }");
    assert_eq!(
        run.event("t.ping", &[], payload(MAX_PAYLOAD_BYTES + 1)),
        Reply::AlreadyDone
    );
    assert_eq!(run.event("t.ping", &[], payload(MAX_PAYLOAD_BYTES)), Reply::Accepted);
    assert_eq!(run.phase("a"), Finished);
}

#[test]
fn so_many_events_are_kept_and_then_each_takes_the_place_of_one() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call }
  - { id: b, wait: { event: t.ping }, deadline: none, because: test }
",
    );
    for at in 0..=MAX_KEPT_EVENTS {
        let event = run.inbound("t.ping", &[], json!({ "n": at }));
        let reply = run
            .machine
            .handle(run.now, Input::Event(event))
            .expect("an event is never refused");
        assert_eq!(reply, Reply::Accepted, "{at}");
        let received = run.machine.take_events();
        let Some(Event::EventReceived { displaced, .. }) = received.last().map(|record| &record.event) else {
            panic!("{at}: {received:?}");
        };
        let oldest = (at == MAX_KEPT_EVENTS).then(|| EventId::from("evt_1"));
        assert_eq!(*displaced, oldest, "{at}");
        run.journal.extend(received);
    }
    run.done("a:1", json!({}));
    assert_eq!(run.output("b"), json!({ "n": 1 }));
}

/// A run with one document under decision and as many events kept as may be, all but one of them
/// comments of one person.
fn flooded() -> Run {
    let mut run = Run::of(
        "steps:
  - id: sign
    after: start
    approve: { document: '${{ inputs.document }}', by: [role:legal], rule: 2 }
    deadline: none
    because: test
    outcomes: { rejected: { end: no }, changes_requested: { end: no } }
  - { id: ping, after: start, wait: { event: t.ping, on: shr_1 }, deadline: none, because: test }
  - { id: pong, after: ping, wait: { event: t.pong }, deadline: none, because: test }
  - { id: said, after: ping, wait: { event: file360.comment_added }, deadline: none, because: test }
",
    );
    run.assign(&["lea", "leo"]);
    run.decide("lea", "approved").expect("it counts");
    let take = |run: &mut Run, event| {
        run.machine
            .handle(run.now, Input::Event(event))
            .expect("an event is never refused");
    };
    let event = run.inbound("t.pong", &[], json!({}));
    take(&mut run, event);
    for at in 1..MAX_KEPT_EVENTS {
        let event = run.inbound("file360.comment_added", &["shr_1"], json!({ "n": at }));
        take(&mut run, event);
    }
    run.journal.extend(run.machine.take_events());
    run
}

#[test]
fn a_new_version_of_what_is_decided_on_counts_however_many_events_are_kept() {
    let mut run = flooded();
    assert_eq!(run.upload(2, "email:reviewer@example.com"), Reply::Accepted);
    assert_eq!(run.count("decisions_voided"), 1);
    assert_eq!(run.task("sign").document.expect("it is about one").version, 2);
}

#[test]
fn an_event_that_is_waited_for_is_taken_however_many_are_kept() {
    let mut run = flooded();
    assert_eq!(run.event("t.ping", &["shr_1"], json!({})), Reply::Accepted);
    assert_eq!(run.phase("ping"), Finished);
    assert_eq!(run.output("said"), json!({ "n": 1 }), "nothing gave its place");
}

#[test]
fn who_says_much_pushes_out_nobody_else() {
    let mut run = flooded();
    for at in 0..5 {
        run.event("file360.comment_added", &["shr_1"], json!({ "more": at }));
    }
    run.event("t.ping", &["shr_1"], json!({}));
    assert_eq!(run.phase("pong"), Finished, "the one event of its kind was kept");
    assert_eq!(run.output("said"), json!({ "n": 6 }), "five comments gave their places");
}

#[test]
fn rounds_are_bounded_whatever_the_plan_says() {
    let mut plan = flows::plan(
        "flow: t
version: 1.0.0
steps:
  - { id: a, uses: t.pure }
  - { id: b, choose: [{ otherwise: again }], outcomes: { again: { back_to: a, max_rounds: 2, then: { end: tired } } } }
",
    );
    for disposition in Arc::make_mut(&mut plan).steps[1].outcomes.values_mut() {
        if let Disposition::BackTo { max_rounds, .. } = disposition {
            *max_rounds = MAX_ROUNDS + 1;
        }
    }
    let mut run = Run::start_plan(plan, json!({}));
    let mut rounds = 0;
    while run.closing().is_none() {
        rounds += 1;
        let (work, attempt, _) = run.call(&format!("a:{rounds}"));
        let result = Ok(json!({}));
        run.machine
            .handle(run.now, Input::Finished { work, attempt, result })
            .expect("it is outstanding");
    }
    assert_eq!((rounds, run.ended().as_deref()), (MAX_ROUNDS, Some("tired")));
}

/// A run of an `each` over `list`, to which an element is added that `first` gave.
fn adding(list: Value, item: &str) -> Run {
    let mut run = Run::start(
        "flow: t
version: 1.0.0
inputs: { list: { type: list } }
steps:
  - { id: first, uses: t.call }
  - { id: all, each: { in: '${{ inputs.list }}', parallel: 1, steps: [{ id: one, uses: t.call }] } }
  - { id: more, after: first, add: { to: all, item: '${{ steps.first.n }}' }, outcomes: { closed: continue } }
",
        json!({ "list": list }),
    );
    run.done("first:1", json!({ "n": item }));
    run
}

#[test]
fn so_many_elements_are_added_and_no_more() {
    let list = |count: usize| json!((0..count).collect::<Vec<_>>());
    let run = adding(list(MAX_ELEMENTS - 1), "one");
    assert_eq!(run.output("more")["index"], MAX_ELEMENTS - 1);
    let run = adding(list(MAX_ELEMENTS), "one");
    let error = run.step("more").error.expect("it has an incident");
    assert!(error.contains("10000 elements"), "{error}");
}

#[test]
fn elements_are_added_until_they_are_as_large_as_may_be() {
    let text = |bytes: usize| "x".repeat(bytes - 2);
    let half = MAX_PAYLOAD_BYTES / 2;
    let run = adding(json!([text(half)]), &text(half));
    assert_eq!(run.outcome("more").as_deref(), Some("done"));
    let run = adding(json!([text(half)]), &text(half + 1));
    let error = run.step("more").error.expect("it has an incident");
    assert!(error.contains("1048577 bytes"), "{error}");
}

#[test]
fn results_are_as_large_as_the_limit_and_what_comes_then_is_too_large() {
    let bytes = MAX_RESULTS_BYTES / 8;
    let mut run = Run::of(
        "steps:
  - id: all
    each:
      in: [1, 2, 3, 4, 5, 6, 7, 8, 9]
      join: settled
      steps: [{ id: one, uses: t.call }]
      outputs: { n: '${{ steps.one.n }}' }
",
    );
    for at in 0..9 {
        let output = if at < 8 { payload(bytes) } else { json!({ "n": 1 }) };
        run.done(&format!("all[{at}].one:1"), output);
    }
    let ended = run.journal.iter().filter_map(|record| match &record.event {
        Event::ElementEnded { status, output, .. } => Some((status.as_str(), output)),
        _ => None,
    });
    let ended: Vec<_> = ended.collect();
    assert!(ended[..8].iter().all(|(status, _)| *status == "completed"));
    assert_eq!(ended[8], ("too_large", &json!({})));
}

/// Up to how many it may be takes too long to show here.
#[test]
fn a_run_with_an_each_may_be_longer() {
    const { assert!(MAX_EVENTS_WITH_EACH > MAX_EVENTS) };
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call, after: start }
  - { id: all, after: a, each: { in: [1], steps: [{ id: one, uses: t.call }] } }
",
    );
    let mut attempt = 0;
    while run.machine.seq() <= MAX_EVENTS {
        attempt += 1;
        let failure = gatefold::engine::Failure {
            kind: FailureKind::Permanent,
            message: "broken".to_owned(),
        };
        let (work, result) = (run.machine.outstanding()[0].key().clone(), Err(failure));
        let taken = run.machine.handle(run.now, Input::Finished { work, attempt, result });
        taken.expect("it is outstanding");
        let (step, by, reason) = ("a".to_owned(), "user:ines".to_owned(), "again".to_owned());
        let taken = run.machine.handle(run.now, Input::Retry { step, by, reason });
        taken.expect("it has an incident");
    }
    assert_eq!(run.closing(), None);
}

#[test]
fn a_run_that_is_too_long_closes_and_still_releases() {
    let mut run = Run::of(
        "steps:
  - { id: room, uses: t.share }
  - { id: a, uses: t.call }
always:
  - { id: tell, uses: t.call }
",
    );
    run.done("room:1", json!({ "share": "shr_1" }));
    let mut attempt = 0;
    while run.machine.seq() < MAX_EVENTS - 1 {
        attempt += 1;
        let failure = gatefold::engine::Failure {
            kind: FailureKind::Permanent,
            message: "broken".to_owned(),
        };
        let work = run.machine.outstanding()[0].key().clone();
        let result = Err(failure);
        run.machine
            .handle(run.now, Input::Finished { work, attempt, result })
            .expect("it is outstanding");
        if run.machine.seq() < MAX_EVENTS - 1 {
            let (step, by, reason) = ("a".to_owned(), "user:ines".to_owned(), "again".to_owned());
            run.machine
                .handle(run.now, Input::Retry { step, by, reason })
                .expect("it has an incident");
        }
    }
    assert_eq!((run.machine.seq(), run.closing()), (MAX_EVENTS - 1, None));
    let (step, by, reason) = ("a".to_owned(), "user:ines".to_owned(), "again".to_owned());
    if run.machine.incident() {
        run.machine
            .handle(run.now, Input::Retry { step, by, reason })
            .expect("it has an incident");
    }
    assert_eq!(run.closing().as_deref(), Some("too_long"));
    for work in [":release:shr_1", "tell:1"] {
        run.done(work, json!({}));
    }
    assert_eq!(run.ended().as_deref(), Some("too_long"));
    assert!(RunMachine::replay(run.plan.clone(), &run.journal).is_ok());
}
