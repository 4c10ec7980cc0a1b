//! How runs end: cancelled in every state, everything released, `always` last.

use super::kit::Run;
use gatefold::engine::FailureKind::{InDoubt, Permanent, Transient};
use gatefold::engine::StepPhase::{Active, Cancelled, Incident, Pending};
use gatefold::engine::{Input, Refusal, Reply, RunPhase, TaskPhase};
use serde_json::json;

const OWNING: &str = "steps:
  - { id: room, uses: t.share }
  - { id: key, uses: t.grant, with: { share: \"${{ steps.room.share }}\" } }
  - { id: work, uses: t.call, outcomes: { failed: { end: failed } } }
always:
  - { id: tidy, uses: t.call }
  - { id: tell, uses: t.call }
";

fn owning() -> Run {
    let mut run = Run::of(OWNING);
    run.done("room:1", json!({ "share": "shr_1" }));
    run.done("key:1", json!({ "grant": "grt_1" }));
    run
}

/// Releases and `always` steps, in their order, until the run has ended.
fn wind_up(run: &mut Run, status: &str) {
    assert_eq!(
        run.machine.status(),
        RunPhase::Closing {
            status: status.to_owned()
        }
    );
    for work in [":release:grt_1", ":release:shr_1", "tidy:1", "tell:1"] {
        assert_eq!(run.work(), [work]);
        run.done(work, json!({}));
    }
    assert_eq!(run.ended().as_deref(), Some(status));
    assert!(run.machine.owned().is_empty() && run.machine.outstanding().is_empty());
    assert_eq!(
        (run.machine.next_wakeup(), run.machine.ended_at()),
        (None, Some(run.now))
    );
}

#[test]
fn everything_is_released_in_reverse_order_and_always_comes_last() {
    let mut run = owning();
    assert_eq!(run.phase("tidy"), Pending);
    run.done("work:1", json!({}));
    wind_up(&mut run, "completed");
}

#[test]
fn so_it_is_at_an_end() {
    let mut run = owning();
    run.fail("work:1", Permanent);
    wind_up(&mut run, "failed");
}

#[test]
fn so_it_is_when_a_person_cancels() {
    let mut run = owning();
    assert_eq!(run.cancel(), Ok(Reply::Accepted));
    assert_eq!(run.phase("work"), Cancelled);
    wind_up(&mut run, "cancelled");
}

#[test]
fn so_it_is_at_an_incident() {
    let mut run = owning();
    run.fail("work:1", InDoubt);
    assert_eq!(run.cancel(), Ok(Reply::Accepted));
    assert!(!run.machine.incident());
    wind_up(&mut run, "cancelled");
}

/// Brings a run to a state.
type Prepare = fn(&mut Run);

#[test]
fn cancelling_works_in_every_state_and_twice_is_once() {
    let states: [(&str, Prepare); 6] = [
        ("steps:\n  - { id: a, uses: t.call }", |_| {}),
        ("steps:\n  - { id: a, uses: t.pure }", |_| {}),
        ("steps:\n  - { id: a, uses: t.call, retry: { attempts: 2 } }", |run| {
            run.fail("a:1", Transient);
        }),
        ("steps:\n  - { id: a, uses: t.call }", |run| run.fail("a:1", Permanent)),
        (
            "steps:\n  - { id: a, wait: { event: t.ping }, deadline: none, because: test }",
            |_| {},
        ),
        (
            "steps:
  - id: a
    approve: { document: \"${{ inputs.document }}\", by: [role:legal] }
    deadline: { due: 5 days }
    outcomes: { rejected: { end: no }, changes_requested: { end: no }, expired: { end: no } }",
            |run| run.assign(&["lea"]),
        ),
    ];
    for (text, prepare) in states {
        let mut run = Run::of(text);
        prepare(&mut run);
        assert_eq!(run.cancel(), Ok(Reply::Accepted), "{text}");
        assert_eq!(run.ended().as_deref(), Some("cancelled"), "{text}");
        assert_eq!(run.phase("a"), Cancelled);
        assert!(run.machine.outstanding().is_empty() && !run.machine.incident());
        assert_eq!(run.machine.next_wakeup(), None);
        assert_eq!(run.cancel(), Err(Refusal::RunEnded("cancelled".to_owned())));
        assert!(
            run.machine
                .tasks()
                .iter()
                .all(|task| task.phase == TaskPhase::Withdrawn)
        );
    }
}

#[test]
fn cancelling_while_it_closes_changes_nothing() {
    let mut run = owning();
    run.done("work:1", json!({}));
    assert_eq!(run.cancel(), Ok(Reply::AlreadyDone));
    wind_up(&mut run, "completed");
}

#[test]
fn a_release_is_tried_five_times_and_then_a_person_must_look() {
    let mut run = owning();
    run.done("work:1", json!({}));
    for attempt in 1..=5 {
        assert_eq!(run.machine.outstanding().len(), 1);
        assert_eq!(
            run.failed("run_1::release:grt_1", attempt, Transient),
            Ok(Reply::Accepted)
        );
        if attempt < 5 {
            assert_eq!(run.work(), Vec::<String>::new());
            run.next();
        }
    }
    assert_eq!(run.machine.incidents()[0].name, "release:grt_1");
    // The rest is released all the same.
    run.done(":release:shr_1", json!({}));
    assert_eq!(run.work(), Vec::<String>::new());
    assert_eq!(run.retry("release:grt_1"), Ok(Reply::Accepted));
    assert_eq!(run.work(), [":release:grt_1 #6"]);
    run.done(":release:grt_1", json!({}));
    assert_eq!(run.work(), ["tidy:1"]);
}

#[test]
fn a_release_that_cannot_be_done_is_skipped_by_a_person() {
    let mut run = owning();
    run.cancel().expect("it runs");
    run.fail(":release:grt_1", Permanent);
    run.done(":release:shr_1", json!({}));
    assert_eq!(run.skip("release:grt_1"), Ok(Reply::Accepted));
    assert_eq!(run.work(), ["tidy:1"]);
    assert!(run.machine.owned().is_empty());
}

#[test]
fn what_the_flow_itself_released_is_not_released_again() {
    let mut run = Run::of(
        "steps:
  - { id: room, uses: t.share }
  - { id: shut, uses: t.unshare, with: { share: \"${{ steps.room.share }}\" } }
",
    );
    run.done("room:1", json!({ "share": "shr_1" }));
    assert_eq!(run.machine.owned().len(), 1);
    run.done("shut:1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
    assert_eq!(run.count("released"), 1);
}

#[test]
fn what_is_kept_is_not_released() {
    let mut run = Run::of("steps:\n  - { id: room, uses: t.share, keep: The archive is for ever. }");
    run.done("room:1", json!({ "share": "shr_1" }));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn a_cancelled_call_that_acquired_something_after_all_is_followed_up() {
    let mut run = Run::of("steps:\n  - { id: room, uses: t.share }\nalways:\n  - { id: tell, uses: t.call }");
    run.cancel().expect("it runs");
    assert_eq!(run.phase("room"), Cancelled);
    assert_eq!(run.work(), ["room:1"]);
    run.done("room:1", json!({ "share": "shr_1" }));
    assert_eq!(run.work(), [":release:shr_1"]);
    run.done(":release:shr_1", json!({}));
    assert_eq!(run.work(), ["tell:1"]);
}

#[test]
fn a_cancelled_call_that_acquired_nothing_is_forgotten() {
    let mut run = Run::of("steps:\n  - { id: room, uses: t.share, retry: { attempts: 3 } }");
    run.fail("room:1", Transient);
    run.cancel().expect("it runs");
    // A try that timed out may have had its effect.
    assert_eq!(run.closing().as_deref(), Some("cancelled"));
    run.next();
    assert_eq!(run.work(), ["room:1 #2"]);
    run.fail("room:1", Permanent);
    assert_eq!(run.ended().as_deref(), Some("cancelled"));
}

#[test]
fn what_a_failed_call_may_have_acquired_is_followed_up() {
    let mut run = Run::of(
        "steps:
  - { id: room, uses: t.share, retry: { attempts: 2 }, outcomes: { failed: continue } }
  - { id: next, uses: t.call }
",
    );
    run.fail("room:1", Transient);
    run.next();
    run.fail("room:1", Transient);
    assert_eq!(run.work(), ["next:1", "room:1 #3"]);
    run.done("room:1", json!({ "share": "shr_1" }));
    assert_eq!(run.work(), ["next:1", ":release:shr_1"]);
    run.done("next:1", json!({}));
    run.done(":release:shr_1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));

    let mut run = Run::of("steps:\n  - { id: room, uses: t.share, outcomes: { failed: continue } }");
    run.fail("room:1", Permanent);
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn a_doubt_outlives_the_step_it_is_about() {
    let mut run = Run::of("steps:\n  - { id: room, uses: t.share }");
    run.fail("room:1", InDoubt);
    run.cancel().expect("it runs");
    assert_eq!(run.machine.incidents()[0].name, "abandoned:room:1");
    run.retry("abandoned:room:1").expect("it has an incident");
    assert_eq!(run.work(), ["room:1 #2"]);
    run.done("room:1", json!({ "share": "shr_1" }));
    run.done(":release:shr_1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("cancelled"));
}

#[test]
fn a_doubt_that_is_skipped_stays_until_a_person_says_that_nothing_was_made() {
    let text = "steps:\n  - { id: room, uses: t.share }\n  - { id: next, uses: t.call }";
    let skipped = || {
        let mut run = Run::of(text);
        run.fail("room:1", InDoubt);
        run.skip("room").expect("it has an incident");
        assert_eq!(run.machine.incidents()[0].name, "abandoned:room:1");
        assert_eq!(run.work(), ["next:1"]);
        run.done("next:1", json!({}));
        assert_eq!(run.ended(), None);
        run
    };

    let mut run = skipped();
    let late = run.finished("room:1", 1, json!({ "share": "shr_1" }));
    assert_eq!(late, Ok(Reply::Accepted));
    assert_eq!(run.work(), [":release:shr_1"]);
    run.done(":release:shr_1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));

    let mut run = skipped();
    run.skip("abandoned:room:1").expect("it has an incident");
    assert_eq!(run.ended().as_deref(), Some("completed"));

    // What acquires nothing leaves no doubt behind.
    let mut run = Run::of("steps:\n  - { id: told, uses: t.call }");
    run.fail("told:1", InDoubt);
    run.skip("told").expect("it has an incident");
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn a_cancelled_call_in_doubt_is_for_a_person() {
    let mut run = Run::of("steps:\n  - { id: room, uses: t.share }");
    run.cancel().expect("it runs");
    run.fail("room:1", InDoubt);
    assert_eq!(run.machine.incidents()[0].name, "abandoned:room:1");
    assert_eq!(run.work(), Vec::<String>::new());
    run.skip("abandoned:room:1").expect("it has an incident");
    assert_eq!(run.ended().as_deref(), Some("cancelled"));
}

#[test]
fn always_steps_are_a_graph_of_their_own() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call }
always:
  - { id: x, uses: t.call, outcomes: { failed: continue } }
  - { id: y, uses: t.call, if: run.initiator == 'user:nobody' }
  - { id: z, uses: t.share }
",
    );
    run.done("a:1", json!({}));
    run.fail("x:1", Permanent);
    assert_eq!(run.work(), ["z:1"]);
    run.done("z:1", json!({ "share": "shr_9" }));
    // What they acquire is released as well.
    assert_eq!(run.work(), [":release:shr_9"]);
    run.done(":release:shr_9", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn an_incident_in_an_always_step_is_answered_like_any_other() {
    let mut run = Run::of("steps:\n  - { id: a, uses: t.call }\nalways:\n  - { id: x, uses: t.call }");
    run.cancel().expect("it runs");
    run.fail("x:1", Permanent);
    assert_eq!(run.phase("x"), Incident);
    assert_eq!(run.ended(), None);
    run.skip("x").expect("it has an incident");
    assert_eq!(run.ended().as_deref(), Some("cancelled"));
}

#[test]
fn a_run_with_an_incident_is_not_completed() {
    let mut run = Run::of("steps:\n  - { id: a, uses: t.call }\n  - { id: b, uses: t.call, after: start }");
    run.fail("a:1", Permanent);
    run.done("b:1", json!({}));
    assert_eq!(run.machine.status(), RunPhase::Running);
    assert_eq!((run.phase("a"), run.phase("b") == Active), (Incident, false));
}

#[test]
fn an_ended_run_takes_nothing_and_ignores_what_is_late() {
    let mut run = Run::of("steps:\n  - { id: a, uses: t.call }");
    run.done("a:1", json!({}));
    let ended = || Err(Refusal::RunEnded("completed".to_owned()));
    let before = run.journal.len();
    assert_eq!(run.cancel(), ended());
    assert_eq!(run.retry("a"), ended());
    assert_eq!(run.skip("a"), ended());
    assert_eq!(run.event("t.ping", &[], json!({})), Reply::AlreadyDone);
    assert_eq!(run.finished("a:1", 1, json!({})), Ok(Reply::AlreadyDone));
    assert_eq!(run.handle(Input::Wake), Ok(Reply::AlreadyDone));
    assert_eq!(run.journal.len(), before);
}
