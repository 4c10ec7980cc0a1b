//! What changes while a run goes on.

use super::kit::Run;
use gatefold::base::Value;
use gatefold::engine::StepPhase::{Active, Finished, Pending};
use gatefold::engine::limits::MAX_VALUES_BYTES;
use gatefold::engine::{Event, Input, Refusal, Reply};
use serde_json::json;

const FLOW: &str = "values:
  amount: { type: integer, default: 0 }
  note: { type: text, max: 100000 }
  paper: { type: file }
steps:
  - { id: first, uses: t.call, with: { amount: \"${{ values.amount }}\" } }
  - { id: keep, set: { amount: \"${{ steps.first.n }}\" } }
  - { id: large, wait: { when: values.amount > 10 }, deadline: { due: 10 days }, outcomes: { expired: { end: small } } }
  - { id: last, uses: t.call, with: { amount: \"${{ values.amount }}\" } }
  - { id: other, after: start, uses: t.call, with: { amount: \"${{ values.amount }}\" } }
";

impl Run {
    fn change(&mut self, values: &Value) -> Result<Reply, Refusal> {
        let values = values.as_object().cloned().expect("values have names");
        let (by, reason) = ("user:ines".to_owned(), "the order was changed".to_owned());
        self.handle(Input::Change { values, by, reason })
    }
}

fn waiting() -> Run {
    let mut run = Run::of(FLOW);
    run.done("first:1", json!({ "n": 3 }));
    assert_eq!((run.phase("keep"), run.phase("large")), (Finished, Active));
    run
}

fn why(refusal: Result<Reply, Refusal>) -> String {
    refusal.expect_err("it is refused").to_string()
}

#[test]
fn a_wait_ends_as_soon_as_its_condition_holds_and_not_before() {
    let mut run = waiting();
    assert_eq!(run.change(&json!({ "amount": 10 })), Ok(Reply::Accepted));
    assert_eq!((run.phase("large"), run.phase("last")), (Active, Pending));
    assert_eq!(run.change(&json!({ "amount": 11 })), Ok(Reply::Accepted));
    assert_eq!(run.outcome("large").as_deref(), Some("received"));
    assert_eq!(run.call("last:1").2, json!({ "amount": 11 }));
}

#[test]
fn a_condition_that_holds_already_is_not_waited_for() {
    let mut run = Run::of(FLOW);
    run.done("first:1", json!({ "n": 12 }));
    assert_eq!(run.outcome("large").as_deref(), Some("received"));
}

#[test]
fn a_value_that_comes_at_the_due_moment_comes_too_late_for_a_wait() {
    let mut run = waiting();
    run.pass("10 days");
    assert_eq!(run.change(&json!({ "amount": 11 })), Ok(Reply::Accepted));
    assert_eq!(run.phase("large"), Active);
    run.wake();
    assert_eq!(run.outcome("large").as_deref(), Some("expired"));
}

#[test]
fn what_a_step_was_given_stays_as_it_was() {
    let mut run = waiting();
    assert_eq!(run.change(&json!({ "amount": 99 })), Ok(Reply::Accepted));
    assert_eq!(run.call("other:1").2, json!({ "amount": 0 }));
}

#[test]
fn the_same_value_again_is_no_change() {
    let mut run = waiting();
    let before = run.journal.len();
    assert_eq!(run.change(&json!({ "amount": 3 })), Ok(Reply::AlreadyDone));
    assert_eq!(run.journal.len(), before);
}

#[test]
fn who_gave_a_value_and_why_is_in_the_journal() {
    let mut run = waiting();
    run.change(&json!({ "note": "by ship" })).expect("it is taken");
    let set = |record: &gatefold::engine::EventRecord| match &record.event {
        Event::ValuesSet { values, step, by, .. } => Some((values.clone(), step.clone(), by.clone())),
        _ => None,
    };
    let found: Vec<_> = run.journal.iter().filter_map(set).collect();
    let by_step = (
        json!({ "amount": 3 }).as_object().cloned().unwrap(),
        Some("keep".to_owned()),
        None,
    );
    let by_hand = (
        json!({ "note": "by ship" }).as_object().cloned().unwrap(),
        None,
        Some("user:ines".to_owned()),
    );
    assert_eq!(found, [by_step, by_hand]);
}

#[test]
fn every_value_that_does_not_fit_is_told_and_none_is_taken() {
    let mut run = waiting();
    let told = why(run.change(&json!({ "amount": "much", "amuont": 1, "note": "x" })));
    assert!(told.contains("amount must be a whole number"), "{told}");
    assert!(
        told.contains("amuont is no value of this flow; did you mean amount?"),
        "{told}"
    );
    assert_eq!(run.machine.values().get("note"), None);
}

#[test]
fn nobody_outside_names_a_file_that_a_run_is_to_work_on() {
    let mut run = waiting();
    let told = why(run.change(&json!({ "paper": { "id": "fil_9" } })));
    assert!(told.contains("paper is a file, which a step alone can set"), "{told}");
}

#[test]
fn values_have_a_limit_together() {
    let mut run = waiting();
    let rest = json!({ "amount": 3, "note": "" }).to_string().len();
    let fits = "x".repeat(MAX_VALUES_BYTES - rest);
    let told = why(run.change(&json!({ "note": format!("{fits}x") })));
    assert!(told.contains("the most"), "{told}");
    assert_eq!(run.change(&json!({ "note": fits })), Ok(Reply::Accepted));
}

#[test]
fn a_value_that_a_step_gives_and_that_does_not_fit_needs_a_person() {
    let mut run = Run::of(FLOW);
    run.done("first:1", json!({ "n": "many" }));
    assert!(run.machine.incident());
    assert_eq!(run.machine.values().get("amount"), Some(&json!(0)));
}

#[test]
fn values_stay_as_they_were_at_the_end() {
    let mut run = waiting();
    run.wake_after("10 days");
    let told = why(run.change(&json!({ "amount": 11 })));
    assert!(told.contains("the run has ended"), "{told}");
}
