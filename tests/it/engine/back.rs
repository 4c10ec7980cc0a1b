//! Ways back: a new round of a step and everything downstream of it.

use super::kit::{Run, document, task_id};
use gatefold::engine::FailureKind::Permanent;
use gatefold::engine::StepPhase::{Active, Finished, NotReached, Pending};
use gatefold::engine::{Input, Refusal, Reply, TaskPhase};
use serde_json::json;

/// `draft` → `check` which leads back on `failed`, with a neighbour that is not downstream.
fn loop_of(rounds: u32) -> Run {
    Run::of(&format!(
        "steps:
  - {{ id: first, uses: t.call }}
  - {{ id: draft, uses: t.call, with: {{ text: \"${{{{ steps.first.text }}}}\" }} }}
  - id: check
    uses: t.call
    outcomes: {{ failed: {{ back_to: draft, max_rounds: {rounds}, then: {{ end: refused }} }} }}
  - {{ id: last, uses: t.call }}
  - {{ id: beside, uses: t.call, after: first }}
  - {{ id: both, uses: t.call, after: [beside, check] }}
"
    ))
}

#[test]
fn the_target_and_everything_downstream_start_a_new_round() {
    let mut run = loop_of(3);
    run.done("first:1", json!({ "text": "x" }));
    run.done("draft:1", json!({}));
    run.fail("check:1", Permanent);
    let rounds = ["first", "draft", "check", "last", "beside", "both"].map(|id| run.step(id).round);
    assert_eq!(rounds, [1, 2, 2, 2, 1, 2]);
    assert_eq!((run.phase("first"), run.phase("draft")), (Finished, Active));
    assert_eq!((run.phase("check"), run.phase("last")), (Pending, Pending));
    assert_eq!(run.work(), ["draft:2", "beside:1"]);
    // What comes from outside the round keeps what it was.
    run.done("beside:1", json!({}));
    run.done("draft:2", json!({}));
    run.done("check:2", json!({}));
    assert_eq!(run.work(), ["last:2", "both:2"]);
}

#[test]
fn rounds_are_bounded_the_first_one_included() {
    let mut run = loop_of(3);
    run.done("first:1", json!({ "text": "x" }));
    run.done("beside:1", json!({}));
    for round in 1..=3 {
        run.done(&format!("draft:{round}"), json!({}));
        assert_eq!(run.closing(), None);
        run.fail(&format!("check:{round}"), Permanent);
    }
    assert_eq!(run.ended().as_deref(), Some("refused"));
    assert_eq!(run.count("went_back"), 2);
}

#[test]
fn after_the_last_round_continue_goes_on() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call }
  - { id: b, uses: t.call, outcomes: { failed: { back_to: a, max_rounds: 2, then: continue } } }
  - { id: c, uses: t.call }
",
    );
    for round in ["1", "2"] {
        run.done(&format!("a:{round}"), json!({}));
        run.fail(&format!("b:{round}"), Permanent);
    }
    assert_eq!(run.work(), ["c:2"]);
}

#[test]
fn a_late_result_of_an_earlier_round_is_ignored() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call }
  - { id: slow, uses: t.call }
  - { id: b, uses: t.call, after: a, outcomes: { failed: { back_to: a, max_rounds: 2, then: { end: no } } } }
",
    );
    run.done("a:1", json!({}));
    run.fail("b:1", Permanent);
    assert_eq!(run.finished("slow:1", 1, json!({})), Ok(Reply::AlreadyDone));
    run.done("a:2", json!({}));
    assert_eq!(run.phase("slow"), Active);
    assert_eq!(run.finished("slow:1", 1, json!({})), Ok(Reply::AlreadyDone));
    assert_eq!(run.work(), ["slow:2", "b:2"]);
}

#[test]
fn steps_not_reached_get_another_chance() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call }
  - { id: b, uses: t.call, after: a.failed }
  - { id: c, uses: t.call, after: a, outcomes: { failed: { back_to: a, max_rounds: 2, then: { end: no } } } }
",
    );
    run.done("a:1", json!({}));
    assert_eq!(run.phase("b"), NotReached);
    run.fail("c:1", Permanent);
    assert_eq!(run.phase("b"), Pending);
    run.fail("a:2", Permanent);
    assert_eq!((run.phase("b"), run.phase("c")), (Active, NotReached));
}

#[test]
fn earlier_results_are_kept_as_rounds() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call }
  - { id: b, uses: t.call, outcomes: { failed: { back_to: a, max_rounds: 3, then: { end: no } } } }
  - { id: c, uses: t.call, with: { now: \"${{ steps.a.n }}\", round: \"${{ steps.a.round }}\", before: \"${{ steps.a.rounds }}\" } }
",
    );
    run.done("a:1", json!({ "n": 1 }));
    run.fail("b:1", Permanent);
    run.done("a:2", json!({ "n": 2 }));
    run.done("b:2", json!({}));
    let (_, _, input) = run.call("c:2");
    assert_eq!(
        input,
        json!({ "now": 2, "round": 2, "before": [{ "n": 1, "outcome": "done" }] })
    );
}

#[test]
fn tasks_downstream_are_withdrawn_and_opened_anew() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call }
  - id: sign
    approve: { document: \"${{ inputs.document }}\", by: [role:legal] }
    deadline: { due: 5 days }
    outcomes: { rejected: { end: no }, changes_requested: { end: no }, expired: { end: no } }
  - { id: b, uses: t.call, after: a, outcomes: { failed: { back_to: a, max_rounds: 2, then: { end: no } } } }
",
    );
    run.done("a:1", json!({}));
    run.assign(&["lea"]);
    let old = run.decision("lea", "approved");
    run.fail("b:1", Permanent);
    assert_eq!(run.task("sign").phase, TaskPhase::Withdrawn);
    assert_eq!(run.machine.next_wakeup(), None);
    assert_eq!(
        run.handle(Input::Decide(old)),
        Err(Refusal::TaskClosed("withdrawn".to_owned()))
    );
    run.done("a:2", json!({}));
    assert_eq!(run.task("sign").id, task_id("sign", 2));
    assert_eq!(run.work(), ["sign:2:assign:1", "b:2"]);
}

#[test]
fn what_the_round_had_acquired_is_released_and_what_came_before_is_not() {
    let mut run = Run::of(
        "steps:
  - { id: hall, uses: t.share }
  - { id: room, uses: t.share }
  - { id: key, uses: t.grant, with: { share: \"${{ steps.room.share }}\" } }
  - { id: b, uses: t.call, outcomes: { failed: { back_to: room, max_rounds: 2, then: { end: no } } } }
",
    );
    run.done("hall:1", json!({ "share": "shr_1" }));
    run.done("room:1", json!({ "share": "shr_2" }));
    run.done("key:1", json!({ "grant": "grt_1" }));
    run.fail("b:1", Permanent);
    assert_eq!(run.work(), ["room:2", ":release:grt_1"]);
    run.done(":release:grt_1", json!({}));
    assert_eq!(run.work(), ["room:2", ":release:shr_2"]);
    assert_eq!(run.call(":release:shr_2").2, json!({ "share": "shr_2" }));
    run.done("room:2", json!({ "share": "shr_3" }));
    run.done(":release:shr_2", json!({}));
    assert_eq!(run.work(), ["key:2"]);
    let owned: Vec<_> = run.machine.owned().into_iter().map(|thing| thing.id).collect();
    assert_eq!(owned, ["shr_1", "shr_3"]);
}

#[test]
fn the_document_of_a_new_round_is_the_new_one() {
    let mut run = Run::of(
        "steps:
  - id: reply
    wait: { event: file360.file_uploaded, on: shr_1 }
    deadline: { due: 10 days }
    outcomes: { expired: { end: late } }
  - id: sign
    approve: { document: \"${{ steps.reply.file }}\", by: [role:legal], on_new_version: keep }
    deadline: { due: 5 days }
    outcomes:
      changes_requested: { back_to: reply, max_rounds: 3, then: { end: no } }
      rejected: { end: no }
      expired: { end: late }
",
    );
    run.upload(2, "email:eve@example.com");
    run.assign(&["lea"]);
    assert_eq!(run.decide("lea", "changes_requested"), Ok(Reply::Accepted));
    assert_eq!(run.phase("reply"), Active);
    run.upload(3, "email:eve@example.com");
    assert_eq!(json!(run.task("sign").document), {
        let mut document = document(3);
        document["by"] = json!("email:eve@example.com");
        document.as_object_mut().map(|fields| fields.remove("by"));
        document
    });
}
