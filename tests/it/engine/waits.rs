//! Waiting for what happens outside.

use super::kit::Run;
use gatefold::engine::StepPhase::{Active, Finished, NotReached};
use gatefold::engine::{Input, Reply};
use serde_json::json;

const ANY: &str = "steps:
  - { id: first, uses: t.call }
  - id: reply
    wait:
      any:
        signed: { event: file360.file_uploaded, on: shr_1, where: event.file.name.endswith('.pdf') }
        shipped: { event: t.ping, key: \"${{ inputs.who }}\" }
    deadline: { due: 10 days }
    outcomes: { expired: { end: late } }
  - { id: a, uses: t.call, after: reply.signed, with: { name: \"${{ steps.reply.file.name }}\" } }
  - { id: b, uses: t.call, after: reply.shipped }
";

/// The same with waits that take nothing that came before.
#[test]
fn what_came_before_is_lost_to_a_wait_that_keeps_nothing() {
    let mut run = Run::of(
        "steps:
  - { id: first, uses: t.call }
  - { id: now, wait: { event: t.ping, key: k, kept: false }, deadline: { due: 10 days }, outcomes: { expired: { end: late } } }
  - { id: later, wait: { event: t.ping, key: k }, deadline: { due: 10 days }, outcomes: { expired: { end: late } } }
",
    );
    run.keyed("t.ping", "k", json!({ "n": 1 }));
    run.done("first:1", json!({}));
    assert_eq!(run.phase("now"), Active, "it came too early");
    run.pass("1 hour");
    // It happened before the wait opened, and was brought later.
    let mut event = run.inbound("t.ping", &[], json!({ "n": 2 }));
    event.key = Some("k".to_owned());
    event.at = "2026-11-23T08:00:00Z".parse().expect("it is a time");
    run.handle(Input::Event(event)).expect("an event is never refused");
    assert_eq!(run.phase("now"), Active);
    run.keyed("t.ping", "k", json!({ "n": 3 }));
    assert_eq!(run.output("now")["n"], json!(3));
    assert_eq!(run.output("later")["n"], json!(1), "another wait takes what was kept");
}

fn opened() -> Run {
    let mut run = Run::of(ANY);
    run.done("first:1", json!({}));
    run
}

#[test]
fn the_first_alternative_names_the_outcome_and_gives_the_fields() {
    let mut run = opened();
    assert_eq!(run.upload(2, "user:lea"), Reply::Accepted);
    assert_eq!(run.outcome("reply").as_deref(), Some("signed"));
    assert_eq!((run.phase("a"), run.phase("b")), (Active, NotReached));
    assert_eq!(run.call("a:1").2, json!({ "name": "contract.pdf" }));
    assert_eq!(run.machine.next_wakeup(), None);
}

#[test]
fn an_event_about_something_else_or_that_the_condition_rejects_does_not_meet() {
    let mut run = opened();
    run.event(
        "file360.file_uploaded",
        &["shr_2"],
        json!({ "file": { "name": "a.pdf" } }),
    );
    run.event(
        "file360.file_uploaded",
        &["shr_1"],
        json!({ "file": { "name": "a.txt" } }),
    );
    // A condition that odd data gives no answer to does not hold, and nothing breaks.
    run.event("file360.file_uploaded", &["shr_1"], json!({ "file": 5 }));
    run.keyed("t.ping", "other", json!({}));
    assert_eq!(run.phase("reply"), Active);
    run.keyed("t.ping", "role:legal", json!({}));
    assert_eq!(run.outcome("reply").as_deref(), Some("shipped"));
}

#[test]
fn a_run_does_not_wait_for_what_it_did_itself() {
    let mut run = opened();
    let by = format!("run:{}", run.machine.run());
    let data = json!({ "file": { "name": "a.pdf" }, "by": by });
    run.event("file360.file_uploaded", &["shr_1"], data);
    assert_eq!(run.phase("reply"), Active);
    run.upload(2, "user:lea");
    assert_eq!(run.outcome("reply").as_deref(), Some("signed"));
}

#[test]
fn an_event_before_its_wait_is_not_lost() {
    let mut run = Run::of(ANY);
    assert_eq!(run.upload(2, "user:lea"), Reply::Accepted);
    assert_eq!(run.phase("first"), Active);
    run.done("first:1", json!({}));
    assert_eq!(run.outcome("reply").as_deref(), Some("signed"));
}

#[test]
fn the_oldest_kept_event_counts() {
    let mut run = Run::of(ANY);
    run.keyed("t.ping", "role:legal", json!({}));
    run.upload(2, "user:lea");
    run.done("first:1", json!({}));
    assert_eq!(run.outcome("reply").as_deref(), Some("shipped"));
}

#[test]
fn an_event_counts_once_however_often_it_is_sent() {
    let mut run = Run::of(
        "steps:
  - { id: one, wait: { event: t.ping }, deadline: { due: 1 day }, outcomes: { expired: { end: late } } }
  - { id: two, wait: { event: t.ping }, deadline: { due: 1 day }, outcomes: { expired: { end: late } } }
",
    );
    let event = run.inbound("t.ping", &[], json!({ "n": 1 }));
    assert_eq!(run.handle(Input::Event(event.clone())), Ok(Reply::Accepted));
    assert_eq!((run.phase("one"), run.phase("two")), (Finished, Active));
    assert_eq!(run.handle(Input::Event(event)), Ok(Reply::AlreadyDone));
    assert_eq!(run.phase("two"), Active);
    run.event("t.ping", &[], json!({ "n": 2 }));
    assert_eq!(run.output("two"), json!({ "n": 2 }));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn one_event_meets_one_of_two_waits() {
    let mut run = Run::of(
        "steps:
  - { id: one, wait: { event: t.ping }, deadline: none, because: test, after: start }
  - { id: two, wait: { event: t.ping }, deadline: none, because: test, after: start }
",
    );
    run.event("t.ping", &[], json!({}));
    assert_eq!((run.phase("one"), run.phase("two")), (Finished, Active));
}

#[test]
fn all_wants_every_one_in_any_order() {
    let mut run = Run::of(
        "steps:
  - id: both
    wait: { all: { ping: { event: t.ping }, pong: { event: t.pong } } }
    deadline: { due: 1 day }
    outcomes: { expired: { end: late } }
",
    );
    run.event("t.pong", &[], json!({ "n": 1 }));
    run.event("t.pong", &[], json!({ "n": 2 }));
    assert_eq!(run.phase("both"), Active);
    run.event("t.ping", &[], json!({ "n": 3 }));
    assert_eq!(run.outcome("both").as_deref(), Some("received"));
    assert_eq!(run.output("both"), json!({ "pong": { "n": 1 }, "ping": { "n": 3 } }));
}

#[test]
fn two_alternatives_of_one_kind_take_one_event_each() {
    let mut run = Run::of(
        "steps:
  - id: both
    wait: { all: { one: { event: t.ping }, two: { event: t.ping } } }
    deadline: none
    because: test
",
    );
    run.event("t.ping", &[], json!({ "n": 1 }));
    assert_eq!(run.phase("both"), Active);
    run.event("t.ping", &[], json!({ "n": 2 }));
    assert_eq!(run.output("both"), json!({ "one": { "n": 1 }, "two": { "n": 2 } }));
}

#[test]
fn until_is_over_at_its_moment() {
    let mut run = Run::of("steps:\n  - { id: pause, wait: { until: 2 days } }\n  - { id: a, uses: t.call }");
    run.wake_after("47 hours");
    assert_eq!(run.phase("pause"), Active);
    run.wake_after("1 hour");
    assert_eq!(run.outcome("pause").as_deref(), Some("received"));
    assert_eq!(run.work(), ["a:1"]);
}

#[test]
fn subscriptions_are_the_keys_of_open_waits() {
    let mut run = Run::of(ANY);
    assert!(run.machine.subscriptions().is_empty());
    run.done("first:1", json!({}));
    let subscriptions: Vec<_> = run.machine.subscriptions().into_iter().collect();
    assert_eq!(subscriptions, [("t.ping".to_owned(), "role:legal".to_owned())]);
    run.upload(2, "user:lea");
    assert!(run.machine.subscriptions().is_empty());
}

#[test]
fn what_no_step_looks_at_leaves_no_line() {
    let mut run = Run::of(ANY);
    let before = run.journal.len();
    assert_eq!(
        run.event("file360.share_opened", &["shr_1"], json!({})),
        Reply::AlreadyDone
    );
    assert_eq!(run.journal.len(), before);
}

#[test]
fn what_a_condition_rejected_is_taken_once_it_holds_and_a_restart_decides_nothing_of_it() {
    let mut run = Run::of(
        "steps:
  - id: reply
    after: start
    wait: { event: t.ping, where: \"run.now >= '2026-11-23T10:00:00Z'\" }
    deadline: { due: 10 days }
    outcomes: { expired: { end: late } }
  - id: other
    after: start
    wait: { event: t.pong }
    deadline: { due: 10 days }
    outcomes: { expired: { end: late } }
  - { id: count, uses: t.call, after: start }
  - id: enough
    after: start
    wait: { event: t.done, where: \"event.n == (steps.count.n or 0)\" }
    deadline: { due: 10 days }
    outcomes: { expired: { end: late } }
",
    );
    run.event("t.ping", &[], json!({}));
    run.event("t.done", &[], json!({ "n": 3 }));
    assert_eq!((run.phase("reply"), run.phase("enough")), (Active, Active));
    // every step of the kit proves that a restart comes to the same
    run.done("count:1", json!({ "n": 3 }));
    assert_eq!((run.phase("reply"), run.phase("enough")), (Active, Finished));
    run.pass("2 hours");
    assert_eq!(run.phase("reply"), Active);
    run.event("t.pong", &[], json!({}));
    assert_eq!((run.phase("reply"), run.phase("other")), (Finished, Finished));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn a_wait_may_be_about_a_file_by_its_id_or_as_a_whole() {
    for on in ["inputs.document.id", "inputs.document"] {
        let mut run = Run::of(&format!(
            "steps:
  - {{ id: a, wait: {{ event: file360.file_uploaded, on: \"${{{{ {on} }}}}\" }}, deadline: none, because: test }}
"
        ));
        let about = ("file360.file_uploaded".to_owned(), "fil_1".to_owned());
        assert_eq!(run.machine.interests().into_iter().collect::<Vec<_>>(), [about]);
        run.upload(2, "user:lea");
        assert_eq!(run.phase("a"), Finished, "{on}");
        assert!(run.machine.interests().is_empty());
    }
}

/// A wait for a moment with a deadline: whichever comes first.
#[test]
fn a_moment_and_a_deadline_count_both() {
    for (until, due, outcome, at) in [
        ("10 days", "2 days", "expired", "2 days"),
        ("2 days", "10 days", "received", "2 days"),
        ("2 days", "2 days", "received", "2 days"),
    ] {
        let text = format!(
            "steps:\n  - {{ id: w, wait: {{ until: {until} }}, deadline: {{ due: {due} }}, \
             outcomes: {{ expired: continue }} }}\n  - {{ id: b, uses: t.call }}\n"
        );
        let mut run = Run::of(&text);
        run.wake_after("1 day");
        assert_eq!(run.phase("w"), Active, "{until} {due}");
        run.wake_after(at);
        assert_eq!(run.outcome("w").as_deref(), Some(outcome), "{until} {due}");
    }
}
