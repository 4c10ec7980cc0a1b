//! Actions: tries, pauses, doubt, late and double answers.

use super::kit::Run;
use gatefold::engine::FailureKind::{InDoubt, Permanent, Transient};
use gatefold::engine::StepPhase::{Active, Finished, Incident};
use gatefold::engine::{Event, Input, Reply, Work, WorkKey};
use serde_json::json;

const RETRIED: &str = "steps:
  - id: a
    uses: t.call
    retry: { attempts: 3, backoff: 10 seconds, factor: 2, max: 15 seconds }
    outcomes: { failed: { end: failed } }
";

/// When the last failed try is tried again, in milliseconds from now.
fn pause_ms(run: &Run) -> i128 {
    let at = run.journal.iter().rev().find_map(|record| match &record.event {
        Event::AttemptFailed { retry_at, .. } => Some(*retry_at),
        _ => None,
    });
    at.expect("a try failed").duration_since(run.now).as_millis()
}

#[test]
fn a_call_is_recorded_before_it_is_due() {
    let run = Run::of("steps:\n  - { id: a, uses: t.call, with: { n: 1, who: \"${{ inputs.who }}\" } }");
    assert_eq!(run.types(), ["run_started", "action_scheduled"]);
    assert_eq!(run.call("a:1").2, json!({ "n": 1, "who": "role:legal" }));
}

#[test]
fn a_pure_action_is_due_without_a_record_and_leaves_one_line() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.pure, with: { n: 1 } }
  - { id: b, uses: t.pure, with: { n: \"${{ steps.a.n + 1 }}\" } }
",
    );
    assert_eq!(run.types(), ["run_started"]);
    assert_eq!(run.phase("a"), Active);
    assert!(matches!(
        &run.machine.outstanding()[..],
        [Work::Call { pure: true, .. }]
    ));
    run.done("a:1", json!({ "n": 1 }));
    assert_eq!(run.call("b:1").2, json!({ "n": 2 }));
    run.done("b:1", json!({ "n": 2 }));
    assert_eq!(
        run.types()[1..],
        ["step_finished", "step_finished", "run_closing", "run_ended"]
    );
}

#[test]
fn a_pure_action_that_fails_for_now_is_tried_again() {
    let mut run = Run::of("steps:\n  - { id: a, uses: t.pure, with: { n: 1 }, retry: { attempts: 2 } }");
    run.fail("a:1", Transient);
    assert_eq!(run.work(), Vec::<String>::new());
    run.next();
    assert_eq!(run.work(), ["a:1 #2"]);
    run.fail("a:1", Transient);
    assert_eq!(run.phase("a"), Incident);
    run.retry("a").expect("it has an incident");
    assert_eq!(run.work(), ["a:1 #3"]);
    run.done("a:1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn pauses_grow_up_to_the_longest_and_the_key_stays_the_same() {
    let mut run = Run::of(RETRIED);
    run.fail("a:1", Transient);
    assert!((5_000..=10_000).contains(&pause_ms(&run)), "{}", pause_ms(&run));
    assert_eq!(run.work(), Vec::<String>::new());
    run.next();
    assert_eq!(run.work(), ["a:1 #2"]);
    run.fail("a:1", Transient);
    assert!((7_500..=15_000).contains(&pause_ms(&run)), "{}", pause_ms(&run));
    run.next();
    run.fail("a:1", Transient);
    assert_eq!(run.ended().as_deref(), Some("failed"));
}

#[test]
fn a_wake_up_before_the_pause_is_over_changes_nothing() {
    let mut run = Run::of(RETRIED);
    run.fail("a:1", Transient);
    let before = run.journal.len();
    run.wake_after("4 seconds");
    assert_eq!(run.journal.len(), before);
    assert_eq!(run.work(), Vec::<String>::new());
}

#[test]
fn a_permanent_failure_is_not_tried_again() {
    let mut run = Run::of(RETRIED);
    run.fail("a:1", Permanent);
    assert_eq!(run.ended().as_deref(), Some("failed"));
    assert_eq!(run.count("attempt_failed"), 0);
}

#[test]
fn in_doubt_a_person_must_look_even_where_failed_is_handled() {
    let mut run = Run::of(RETRIED);
    run.fail("a:1", InDoubt);
    assert_eq!(run.phase("a"), Incident);
    assert!(run.machine.incident() && run.machine.incidents()[0].in_doubt);
    assert_eq!(run.work(), Vec::<String>::new());
    assert_eq!(run.ended(), None);
}

#[test]
fn the_second_answer_never_counts() {
    let mut run = Run::of("steps:\n  - { id: a, uses: t.call }\n  - { id: b, uses: t.call }");
    run.done("a:1", json!({ "n": 1 }));
    assert_eq!(run.finished("a:1", 1, json!({ "n": 2 })), Ok(Reply::AlreadyDone));
    assert_eq!(run.failed("run_1:a:1", 1, Permanent), Ok(Reply::AlreadyDone));
    assert_eq!(run.output("a"), json!({ "n": 1 }));
    assert_eq!(run.work(), ["b:1"]);
}

#[test]
fn late_success_of_an_earlier_try_counts_and_late_failure_does_not() {
    let mut run = Run::of(RETRIED);
    run.fail("a:1", Transient);
    assert_eq!(run.failed("run_1:a:1", 1, Permanent), Ok(Reply::AlreadyDone));
    run.next();
    assert_eq!(run.failed("run_1:a:1", 1, Permanent), Ok(Reply::AlreadyDone));
    assert_eq!(run.finished("a:1", 1, json!({ "late": true })), Ok(Reply::Accepted));
    assert_eq!(run.phase("a"), Finished);
}

#[test]
fn answers_to_what_was_never_asked_are_ignored() {
    let mut run = Run::of("steps:\n  - { id: a, uses: t.call }\n  - { id: b, uses: t.call }");
    for key in [
        "run_1:b:1",
        "run_1:a:2",
        "run_1:x:1",
        "run_2:a:1",
        "run_1::release:shr_1",
        "run_1:a:1:assign:1",
        "",
    ] {
        let work = WorkKey(key.to_owned());
        let result = Ok(json!({}));
        let attempt = 1;
        assert_eq!(
            run.handle(Input::Finished { work, attempt, result }),
            Ok(Reply::AlreadyDone),
            "{key}"
        );
    }
    assert_eq!(run.finished("a:1", 0, json!({})), Ok(Reply::AlreadyDone));
    assert_eq!(run.finished("a:1", 2, json!({})), Ok(Reply::AlreadyDone));
    assert_eq!(run.types(), ["run_started", "action_scheduled"]);
}

#[test]
fn an_input_that_cannot_be_computed_is_a_failure_like_any_other() {
    let text = "steps:
  - { id: a, uses: t.call }
  - { id: b, uses: t.call, with: { n: \"${{ steps.a.missing }}\" }, outcomes: { failed: { end: failed } } }
";
    let mut run = Run::of(text);
    run.done("a:1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("failed"));
    let mut run = Run::of(&text.replace(", outcomes: { failed: { end: failed } }", ""));
    run.done("a:1", json!({}));
    assert_eq!(run.phase("b"), Incident);
    assert_eq!(run.count("action_scheduled"), 1);
}

#[test]
fn secrets_are_listed_and_not_in_the_input() {
    let run = Run::of("steps:\n  - { id: a, uses: t.call, with: { token: \"Bearer ${{ secrets.TOKEN }}\" } }");
    let outstanding = run.machine.outstanding();
    let [Work::Call { input, secrets, .. }] = &outstanding[..] else {
        panic!("one call is due");
    };
    assert_eq!(input["token"], "***");
    assert_eq!(secrets[0].pointer, "/token");
    assert!(
        !serde_json::to_string(&run.journal)
            .expect("it can be written")
            .contains("Bearer ***")
    );
}
