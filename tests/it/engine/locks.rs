//! Steps with the same lock: one at a time, in the order in which they became ready.

use super::kit::Run;
use gatefold::engine::FailureKind::Permanent;
use gatefold::engine::StepPhase::{Active, Finished, Incident, Pending};
use gatefold::engine::{Input, RunMachine};
use serde_json::json;
use std::sync::Arc;

#[test]
fn one_at_a_time_the_first_that_was_ready_first() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call, after: start, lock: desk }
  - { id: b, uses: t.call, lock: desk }
  - { id: c, uses: t.pure, after: start, lock: desk }
  - { id: d, uses: t.call, after: start, lock: pen }
",
    );
    assert_eq!(run.work(), ["a:1", "d:1"]);
    assert_eq!(run.phase("c"), Pending);
    run.done("a:1", json!({}));
    assert_eq!(run.work(), ["c:1", "d:1"], "c was ready before b");
    run.done("c:1", json!({}));
    assert_eq!(run.work(), ["b:1", "d:1"]);
    run.done("b:1", json!({}));
    run.done("d:1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn an_incident_keeps_the_lock_until_it_is_settled() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call, after: start, lock: desk }
  - { id: b, uses: t.call, after: start, lock: desk }
",
    );
    run.fail("a:1", Permanent);
    assert_eq!((run.phase("a"), run.phase("b")), (Incident, Pending));
    run.skip("a").expect("it can be skipped");
    assert_eq!(run.work(), ["b:1"]);
}

#[test]
fn a_section_is_kept_until_its_last_step_is_over_and_given_up_where_that_is_not_reached() {
    let text = |outcome: &str| {
        format!(
            "steps:
  - {{ id: a, uses: t.call, after: start, lock: {{ name: desk, until: last }}, outcomes: {{ failed: continue }} }}
  - {{ id: last, uses: t.call, after: a.{outcome} }}
  - {{ id: b, uses: t.call, after: start, lock: desk }}
"
        )
    };
    let mut run = Run::of(&text("done"));
    run.done("a:1", json!({}));
    assert_eq!(run.work(), ["last:1"]);
    run.done("last:1", json!({}));
    assert_eq!(run.work(), ["b:1"]);

    let mut run = Run::of(&text("failed"));
    run.done("a:1", json!({}));
    assert_eq!(run.work(), ["b:1"]);
}

#[test]
fn a_lock_holds_between_elements_and_goes_with_the_element_that_held_it() {
    let mut run = Run::of(
        "steps:
  - id: e
    each:
      in: [x, y, z]
      join: settled
      steps:
        - { id: a, uses: t.call, lock: { name: desk, until: b }, outcomes: { failed: { end: bad } } }
        - { id: b, uses: t.call, outcomes: { failed: { end: bad } } }
",
    );
    assert_eq!(run.work(), ["e[0].a:1"]);
    run.done("e[0].a:1", json!({}));
    assert_eq!(run.work(), ["e[0].b:1"]);
    run.fail("e[0].b:1", Permanent);
    assert_eq!(run.work(), ["e[1].a:1"]);
    run.fail("e[1].a:1", Permanent);
    assert_eq!(run.work(), ["e[2].a:1"]);
    run.done("e[2].a:1", json!({}));
    run.done("e[2].b:1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn a_deadline_counts_from_when_the_step_has_its_turn() {
    let ask = |id: &str| {
        format!(
            "  - {{ id: {id}, after: start, lock: desk, task: {{ to: [role:records] }}, deadline: {{ due: 2 days }}, \
             outcomes: {{ declined: continue, expired: continue }} }}\n"
        )
    };
    let mut run = Run::of(&format!("steps:\n{}{}", ask("a"), ask("b")));
    run.wake_after("2 days");
    assert_eq!((run.phase("a"), run.phase("b")), (Finished, Active));
    run.wake_after("1 day");
    assert_eq!(run.phase("b"), Active);
    run.wake_after("1 day");
    assert_eq!(run.outcome("b").as_deref(), Some("expired"));
}

#[test]
fn a_new_round_gives_the_lock_up_and_lines_up_again() {
    let mut run = Run::of(
        "steps:
  - { id: begin, uses: t.call }
  - { id: a, uses: t.call, lock: { name: desk, until: b } }
  - { id: b, uses: t.call, outcomes: { failed: { back_to: begin, max_rounds: 3, then: continue } } }
  - { id: other, uses: t.call, after: start, lock: desk }
",
    );
    assert_eq!(run.work(), ["begin:1", "other:1"]);
    run.done("begin:1", json!({}));
    assert_eq!(run.phase("a"), Pending);
    run.done("other:1", json!({}));
    run.done("a:1", json!({}));
    run.fail("b:1", Permanent);
    run.done("begin:2", json!({}));
    assert_eq!(run.work(), ["a:2"]);
    run.done("a:2", json!({}));
    run.done("b:2", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn a_run_that_is_taken_up_looks_at_who_waits_for_a_lock_no_sooner_than_before() {
    let run = Run::of(
        "steps:
  - { id: a, if: 'false', lock: desk, choose: [{ otherwise: on }] }
  - { id: b, choose: [{ otherwise: on }] }
  - { id: c, after: start, lock: desk, choose: [{ otherwise: on }] }
",
    );
    let begun = RunMachine::replay(Arc::clone(&run.plan), &run.journal[..1]);
    let mut begun = begun.expect("a run begins");
    begun.handle(run.now, Input::Wake).expect("a wake-up is never refused");
    assert_eq!(begun.take_events(), run.journal[1..]);
}
