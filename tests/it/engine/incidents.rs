//! What only a person can answer.

use super::kit::Run;
use gatefold::engine::FailureKind::{InDoubt, Permanent, Transient};
use gatefold::engine::StepPhase::{Active, Incident, Skipped};
use gatefold::engine::limits::MAX_PAYLOAD_BYTES;
use gatefold::engine::{Event, Refusal, Reply};
use serde_json::json;

const TWO: &str = "steps:
  - { id: a, uses: t.call, with: { n: 1 }, retry: { attempts: 2, backoff: 1 second } }
  - { id: b, uses: t.call }
  - { id: c, uses: t.call, after: a.done }
  - { id: beside, uses: t.call, after: start }
";

#[test]
fn failed_without_a_way_stops_the_step_and_nothing_else() {
    let mut run = Run::of(TWO);
    run.fail("a:1", Permanent);
    let step = run.step("a");
    assert_eq!((step.phase, step.error.as_deref()), (Incident, Some("broken")));
    assert_eq!(run.work(), ["beside:1"]);
    run.done("beside:1", json!({}));
    assert_eq!(run.closing(), None);
}

#[test]
fn retry_tries_the_same_work_again_with_all_its_tries() {
    let mut run = Run::of(TWO);
    run.fail("a:1", Transient);
    run.next();
    run.fail("a:1", Transient);
    assert_eq!(run.phase("a"), Incident);
    assert_eq!(run.retry("a"), Ok(Reply::Accepted));
    assert_eq!(run.work(), ["a:1 #3", "beside:1"]);
    assert_eq!(run.call("a:1").2, json!({ "n": 1 }));
    run.fail("a:1", Transient);
    assert_eq!(run.phase("a"), Active);
    run.next();
    run.done("a:1", json!({}));
    assert_eq!(run.work(), ["b:1", "c:1", "beside:1"]);
    assert_eq!(run.count("action_scheduled"), 4);
}

#[test]
fn skip_lets_the_flow_past_like_a_skipped_step() {
    let mut run = Run::of(TWO);
    run.fail("a:1", InDoubt);
    assert_eq!(run.skip("a"), Ok(Reply::Accepted));
    assert_eq!(run.phase("a"), Skipped);
    assert_eq!(run.work(), ["b:1", "beside:1"]);
}

#[test]
fn a_late_success_resolves_a_doubt() {
    let mut run = Run::of(TWO);
    run.fail("a:1", InDoubt);
    assert_eq!(run.failed("run_1:a:1", 1, Permanent), Ok(Reply::AlreadyDone));
    assert_eq!(run.finished("a:1", 1, json!({})), Ok(Reply::Accepted));
    assert!(!run.machine.incident());
    assert_eq!(run.work(), ["b:1", "c:1", "beside:1"]);
}

#[test]
fn there_must_be_an_incident_to_answer() {
    let mut run = Run::of(TWO);
    for step in ["a", "nowhere", "release:x", ""] {
        assert_eq!(run.retry(step), Err(Refusal::NoIncident(step.to_owned())));
        assert_eq!(run.skip(step), Err(Refusal::NoIncident(step.to_owned())));
    }
    run.fail("a:1", Permanent);
    run.retry("a").expect("it has an incident");
    assert_eq!(run.retry("a"), Err(Refusal::NoIncident("a".to_owned())));
}

#[test]
fn conditions_and_branches_that_cannot_be_computed_are_incidents() {
    for verb in [
        "choose: [{ when: steps.a.n > 1, outcome: x }, { otherwise: y }], outcomes: { y: continue }",
        "check: [{ that: steps.a.n > 1, else: Small. }], outcomes: { failed: { end: no } }",
        "end: { status: done, message: \"${{ steps.a.n }}\" }",
        "wait: { event: t.ping, key: \"${{ steps.a.n }}\" }, deadline: none, because: test",
        "wait: { until: \"${{ steps.a.n }}\" }",
    ] {
        let mut run = Run::of(&format!(
            "steps:\n  - {{ id: a, uses: t.call }}\n  - {{ id: b, {verb} }}"
        ));
        run.done("a:1", json!({}));
        assert_eq!(run.phase("b"), Incident, "{verb}");
        // Trying again asks again.
        assert_eq!(run.retry("b"), Ok(Reply::Accepted), "{verb}");
        assert_eq!(run.phase("b"), Incident, "{verb}");
        assert_eq!(run.skip("b"), Ok(Reply::Accepted), "{verb}");
        assert_eq!(run.ended().as_deref(), Some("completed"), "{verb}");
    }
}

#[test]
fn a_person_says_what_a_failed_step_came_to() {
    let mut run = Run::of(TWO);
    assert_eq!(run.set("a", None, json!({})), Err(Refusal::NoIncident("a".to_owned())));
    run.fail("a:1", InDoubt);
    let elsewhere = run.set("a", Some("shipped"), json!({}));
    assert!(matches!(elsewhere, Err(Refusal::NotSettable(why)) if why.contains("it comes to done, failed")));
    let nowhere = run.set("a", Some("failed"), json!({}));
    assert!(matches!(nowhere, Err(Refusal::NotSettable(why)) if why.contains("what comes after failed")));
    assert_eq!(run.set("a", None, json!({ "n": 1 })), Ok(Reply::Accepted));
    assert_eq!(
        (run.outcome("a").as_deref(), run.output("a")),
        (Some("done"), json!({ "n": 1 }))
    );
    assert!(!run.machine.incident());
    assert_eq!(run.work(), ["b:1", "c:1", "beside:1"]);
    let said = run
        .journal
        .iter()
        .find(|record| matches!(&record.event, Event::StepFinished { .. }));
    let said = serde_json::to_value(said.expect("it finished")).expect("it can be written");
    assert_eq!(said["by_hand"], json!({ "by": "user:ines", "reason": "done by hand" }));
    // what the call gives after all is too late
    assert_eq!(run.finished("a:1", 1, json!({ "n": 2 })), Ok(Reply::AlreadyDone));
}

#[test]
fn a_failure_that_is_set_goes_where_the_flow_says() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call }
  - { id: mend, after: a.failed, uses: t.call }
",
    );
    run.fail("a:1", InDoubt);
    assert_eq!(run.set("a", Some("failed"), json!({})), Ok(Reply::Accepted));
    assert_eq!(run.output("a")["error"], "done by hand");
    assert_eq!(run.work(), ["mend:1"]);
}

#[test]
fn what_is_acquired_by_hand_belongs_to_the_run() {
    let mut run = Run::of("steps:\n  - { id: room, uses: t.share }\n  - { id: then, uses: t.call }\n");
    run.fail("room:1", InDoubt);
    assert_eq!(run.set("room", None, json!({ "share": "shr_7" })), Ok(Reply::Accepted));
    run.done("then:1", json!({}));
    assert_eq!(run.work(), [":release:shr_7"]);
}

#[test]
fn nobody_says_what_others_decide() {
    let mut run = Run::of(
        "steps:
  - id: sign
    approve: { document: '${{ inputs.document }}', by: [role:legal] }
    deadline: { due: 5 days }
    outcomes: { rejected: { end: no }, changes_requested: { end: no }, expired: { end: late } }
",
    );
    run.assign(&[]);
    assert_eq!(run.phase("sign"), Incident);
    let set = run.set("sign", Some("approved"), json!({}));
    assert!(matches!(set, Err(Refusal::NotSettable(_))), "{set:?}");
    assert_eq!(run.phase("sign"), Incident);
}

#[test]
fn what_is_set_has_a_size() {
    let at = |size: usize| json!({ "n": "a".repeat(size) });
    let frame = json!({ "n": "" }).to_string().len();
    let mut run = Run::of(TWO);
    run.fail("a:1", InDoubt);
    let larger = run.set("a", None, at(MAX_PAYLOAD_BYTES - frame + 1));
    assert!(matches!(larger, Err(Refusal::NotSettable(_))));
    assert_eq!(run.set("a", None, at(MAX_PAYLOAD_BYTES - frame)), Ok(Reply::Accepted));
}
