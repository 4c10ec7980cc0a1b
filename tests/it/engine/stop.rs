//! Steps that stop others: what is withdrawn, what stays, where the run goes on.

use super::kit::Run;
use gatefold::engine::StepPhase::{Active, Cancelled, Finished, NotReached, Pending};
use gatefold::engine::TaskPhase;
use serde_json::json;

/// A branch of two steps, one beside it, and a step that stops `named`.
fn stopped(named: &str) -> Run {
    Run::of(&format!(
        "steps:
  - {{ id: a, uses: t.share, after: start }}
  - {{ id: b, uses: t.call }}
  - {{ id: beside, uses: t.call, after: start }}
  - {{ id: sign, after: start, task: {{ to: [role:records] }}, deadline: {{ due: 5 days }}, outcomes: {{ declined: continue, expired: continue }} }}
  - {{ id: tell, uses: t.call, after: start }}
  - {{ id: stop, cancel: [{named}] }}
  - {{ id: on, uses: t.call }}
  - {{ id: last, uses: t.call, after: [b, beside, on], join: settled }}
"
    ))
}

#[test]
fn what_is_under_way_is_withdrawn_and_the_rest_goes_on() {
    let mut run = stopped("sign, b");
    run.assign(&["user:gina"]);
    run.done("tell:1", json!({}));
    assert_eq!(
        (run.phase("sign"), run.phase("b"), run.phase("stop")),
        (Cancelled, Cancelled, Finished)
    );
    assert_eq!(run.task("sign").phase, TaskPhase::Withdrawn);
    assert_eq!(run.output("stop"), json!({ "cancelled": ["sign"] }));
    assert_eq!(run.work(), ["a:1", "beside:1", "on:1"]);
    assert_eq!(run.machine.next_wakeup(), None, "the deadline is gone with the task");
    // What has not begun never does, although what comes before it is done now.
    run.done("a:1", json!({ "share": "shr_1" }));
    assert_eq!(run.work(), ["beside:1", "on:1"]);
    run.done("on:1", json!({}));
    assert_eq!(run.phase("last"), Pending);
    run.done("beside:1", json!({}));
    run.done("last:1", json!({}));
    assert_eq!(
        run.count("released"),
        0,
        "what a step acquired that was over stays until the end"
    );
    run.done(":release:shr_1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn a_call_that_is_withdrawn_is_followed_up_and_what_it_acquired_is_released_at_once() {
    let mut run = stopped("a");
    run.done("tell:1", json!({}));
    assert_eq!((run.phase("a"), run.phase("b")), (Cancelled, NotReached));
    assert!(run.work().contains(&"a:1".to_owned()), "{:?}", run.work());
    run.done("a:1", json!({ "share": "shr_1" }));
    assert_eq!(run.count("call_abandoned"), 1);
    assert!(run.work().contains(&":release:shr_1".to_owned()), "{:?}", run.work());
}

#[test]
fn a_step_that_was_withdrawn_can_have_a_new_round() {
    let mut run = Run::of(
        "steps:
  - { id: begin, uses: t.call }
  - { id: a, uses: t.call }
  - { id: b, uses: t.call, after: begin }
  - { id: stop, cancel: [a] }
  - { id: again, uses: t.call, outcomes: { failed: { back_to: begin, max_rounds: 3, then: continue } } }
",
    );
    run.done("begin:1", json!({}));
    run.done("b:1", json!({}));
    assert_eq!(run.phase("a"), Cancelled);
    run.fail("again:1", gatefold::engine::FailureKind::Permanent);
    run.done("begin:2", json!({}));
    assert_eq!((run.phase("a"), run.step("a").round), (Active, 2));
}

/// Three elements, two at once, a step behind, and one that stops them.
fn elements(verb: &str) -> Run {
    Run::of(&format!(
        "outputs: {{ results: \"${{{{ steps.e.results }}}}\" }}
steps:
  - id: e
    each:
      in: [x, y, z]
      parallel: 2
      steps: [{{ id: a, uses: t.share }}]
    outcomes: {{ failed: continue }}
  - {{ id: behind, uses: t.call }}
  - {{ id: tell, uses: t.call, after: start }}
  - {{ id: stop, {verb}: [e] }}
"
    ))
}

#[test]
fn elements_that_are_over_keep_what_they_gave_and_acquired() {
    for (verb, phase, behind) in [("cancel", Cancelled, NotReached), ("complete", Finished, Active)] {
        let mut run = elements(verb);
        run.done("e[0].a:1", json!({ "share": "shr_0" }));
        run.done("tell:1", json!({}));
        assert_eq!((run.phase("e"), run.phase("behind")), (phase, behind), "{verb}");
        run.done("e[1].a:1", json!({ "share": "shr_1" }));
        run.done("e[2].a:1", json!({ "share": "shr_2" }));
        assert!(
            !run.work().contains(&":release:shr_0".to_owned()),
            "{verb}: {:?}",
            run.work()
        );
        run.done(":release:shr_2", json!({}));
        run.done(":release:shr_1", json!({}));
        if behind == Active {
            run.done("behind:1", json!({}));
        }
        run.done(":release:shr_0", json!({}));
        assert_eq!(run.ended().as_deref(), Some("completed"), "{verb}");
        let results = run.machine.outputs().expect("it has ended")["results"].clone();
        let statuses: Vec<&str> = results
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["status"].as_str().unwrap())
            .collect();
        assert_eq!(statuses, ["completed", "cancelled", "cancelled"], "{verb}");
    }
}

#[test]
fn what_is_over_or_has_not_begun_is_not_completed() {
    let mut run = Run::of(
        "steps:
  - { id: tell, uses: t.call }
  - { id: stop, complete: [e] }
  - { id: slow, uses: t.call, after: start }
  - { id: e, each: { in: [x], steps: [{ id: a, uses: t.call }] } }
",
    );
    run.done("tell:1", json!({}));
    assert_eq!((run.phase("stop"), run.phase("e")), (Finished, Pending));
    assert_eq!(run.output("stop"), json!({ "completed": [] }));
    run.done("slow:1", json!({}));
    run.done("e[0].a:1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}
