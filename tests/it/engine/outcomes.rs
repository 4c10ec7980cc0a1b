//! Where outcomes lead: on, to a name, to the end.

use super::kit::Run;
use gatefold::engine::FailureKind::Permanent;
use gatefold::engine::StepPhase::{Active, Cancelled, NotReached};
use serde_json::json;

#[test]
fn a_named_outcome_arrives_where_it_is_named_and_nowhere_else() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call }
  - { id: b, uses: t.call, after: a }
  - { id: c, uses: t.call, after: a.failed }
",
    );
    run.fail("a:1", Permanent);
    assert_eq!((run.phase("b"), run.phase("c")), (NotReached, Active));
    assert_eq!(run.output("a"), json!({ "error": "broken" }));
}

#[test]
fn continue_goes_on() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call, outcomes: { failed: continue } }
  - { id: b, uses: t.call }
",
    );
    run.fail("a:1", Permanent);
    assert_eq!(run.phase("b"), Active);
}

#[test]
fn end_cancels_everything_else() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call, outcomes: { failed: { end: refused } } }
  - { id: b, uses: t.call }
  - { id: c, uses: t.call, after: start }
",
    );
    run.fail("a:1", Permanent);
    assert_eq!((run.phase("b"), run.phase("c")), (Cancelled, Cancelled));
    assert_eq!(run.ended().as_deref(), Some("refused"));
    assert_eq!(run.work(), Vec::<String>::new());
}

#[test]
fn a_choice_takes_the_first_branch_that_holds() {
    let run = |amount: u32| {
        Run::start(
            "flow: t
version: 1.0.0
inputs: { amount: { type: integer } }
steps:
  - id: size
    choose:
      - { when: inputs.amount > 100, outcome: large }
      - { when: inputs.amount > 10, outcome: middling }
      - { otherwise: small }
  - { id: l, uses: t.call, after: size.large }
  - { id: m, uses: t.call, after: size.middling }
  - { id: s, uses: t.call, after: size.small }
",
            json!({ "amount": amount }),
        )
    };
    assert_eq!(run(101).work(), ["l:1"]);
    assert_eq!(run(100).work(), ["m:1"]);
    assert_eq!(run(10).work(), ["s:1"]);
}

#[test]
fn a_check_says_what_does_not_hold() {
    let text = |two: u32| {
        format!(
            "steps:
  - id: sound
    check:
      - {{ that: 1 == {two}, else: One is not two. }}
      - {{ that: 2 == {two}, else: Two is not one. }}
    outcomes: {{ failed: {{ end: unsound }} }}
"
        )
    };
    let run = Run::of(&text(1));
    assert_eq!(run.ended().as_deref(), Some("unsound"));
    assert_eq!(run.output("sound")["failures"], json!(["Two is not one."]));
    let run = Run::of(&text(3));
    assert_eq!(
        run.output("sound")["failures"],
        json!(["One is not two.", "Two is not one."])
    );
    assert_eq!(run.output("sound")["error"], "One is not two. Two is not one.");
    let run =
        Run::of("steps:\n  - { id: sound, check: [{ that: 1 == 1, else: Odd. }], outcomes: { failed: { end: no } } }");
    assert_eq!(run.outcome("sound").as_deref(), Some("passed"));
}

#[test]
fn an_end_gives_status_and_message() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call }
  - { id: z, end: { status: filed, message: \"Filed as ${{ steps.a.number }}\" } }
",
    );
    run.done("a:1", json!({ "number": 7 }));
    assert_eq!(run.ended().as_deref(), Some("filed"));
    let closing = run.journal.iter().find_map(|record| match &record.event {
        gatefold::engine::Event::RunClosing { message, .. } => message.clone(),
        _ => None,
    });
    assert_eq!(closing.as_deref(), Some("Filed as 7"));
}

#[test]
fn outputs_of_the_flow_are_those_that_have_a_value() {
    let mut run = Run::of(
        "outputs: { number: \"${{ steps.a.number }}\", other: \"${{ steps.b.number or 'none' }}\", gone: \"${{ steps.b.number }}\" }
steps:
  - { id: a, uses: t.call, outcomes: { failed: { end: no } } }
  - { id: b, uses: t.call, if: 1 == 2 }
",
    );
    run.done("a:1", json!({ "number": 7 }));
    assert_eq!(run.ended().as_deref(), Some("completed"));
    assert_eq!(run.machine.outputs(), Some(&json!({ "number": 7, "other": "none" })));
}
