//! People work: a task, what is filled in, who settles it.

use super::kit::{Run, document, sha};
use gatefold::engine::limits::MAX_FORM_BYTES;
use gatefold::engine::view::AskKind;
use gatefold::engine::{Input, Refusal, Reply};
use serde_json::{Map, Value, json};

/// A task with this under `task`.
fn asked(task: &str, people: &[&str]) -> Run {
    let mut run = Run::of(&format!(
        "steps:
  - id: shelve
    task: {{ to: [role:records], {task} }}
    deadline: {{ due: 5 days }}
    outcomes: {{ declined: {{ end: declined }}, expired: {{ end: late }} }}
  - {{ id: file, uses: t.call, with: {{ by: '${{{{ steps.shelve.by }}}}' }} }}
"
    ));
    run.assign(people);
    run
}

fn form(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).expect("it is a map")
}

/// An answer with these fields.
fn answer(run: &mut Run, by: &str, answer: &str, fields: Value) -> Result<Reply, Refusal> {
    let mut decision = run.decision(by, answer);
    decision.form = form(fields);
    run.handle(Input::Decide(decision))
}

/// What is wrong with the fields of an answer.
fn faults(run: &mut Run, decision: &str, fields: Value) -> Vec<(String, String)> {
    match answer(run, "a", decision, fields) {
        Err(Refusal::Form(faults)) => faults,
        other => panic!("it was taken: {other:?}"),
    }
}

#[test]
fn the_first_who_answers_settles_it_whatever_the_answer() {
    for (said, outcome) in [("done", "done"), ("declined", "declined")] {
        let mut run = asked("title: 'Shelve it for ${{ inputs.who }}'", &["a", "b"]);
        let task = run.task("shelve");
        assert_eq!((task.kind, task.document.is_none()), (AskKind::Todo, true));
        assert_eq!(task.title, "Shelve it for role:legal");
        assert_eq!(run.decide("b", said), Ok(Reply::Accepted));
        assert_eq!(run.outcome("shelve").as_deref(), Some(outcome));
        assert!(matches!(run.decide("a", "done"), Err(Refusal::TaskClosed(_))));
        assert_eq!(run.decide("b", said), Ok(Reply::AlreadyDone));
    }
}

#[test]
fn a_task_gives_who_settled_it_and_what_was_filled_in() {
    let fields = "form: { shelf: { type: text, required: true }, boxes: { type: integer, default: 1 } }";
    let mut run = asked(fields, &["a"]);
    assert_eq!(
        answer(&mut run, "a", "done", json!({ "shelf": "A1" })),
        Ok(Reply::Accepted)
    );
    let expected = json!({ "by": "user:a", "at": run.now, "reason": "because", "shelf": "A1", "boxes": 1 });
    assert_eq!(run.output("shelve"), expected);
    assert_eq!(run.call("file:1").2, json!({ "by": "user:a" }));
}

#[test]
fn who_declines_says_why_and_need_not_fill_anything_in() {
    let mut run = asked(
        "form: { shelf: { type: text, required: true }, n: { type: integer, default: 1 } }",
        &["a"],
    );
    let mut decision = run.decision("a", "declined");
    decision.reason = None;
    let refused = run.handle(Input::Decide(decision));
    assert_eq!(refused, Err(Refusal::ReasonMissing("declined".to_owned())));
    assert_eq!(run.decide("a", "declined"), Ok(Reply::Accepted));
    let output = run.output("shelve");
    assert!(output.get("shelf").is_none() && output.get("n").is_none(), "{output}");
    assert_eq!(run.ended().as_deref(), Some("declined"));
}

#[test]
fn every_fault_of_a_form_is_told_by_its_field() {
    let fields = "form: {
        shelf: { type: text, required: true, max: 3, pattern: '[A-Z][0-9]+' },
        boxes: { type: integer, min: 1 },
        day: { type: date }, long: { type: duration }, mail: { type: email }, who: { type: person },
        size: { type: choice, options: [small, large] },
        tags: { type: list, of: choice, options: [red, blue], max: 2 },
        ok: { type: boolean }, weight: { type: number, max: 9.5 } }";
    let mut run = asked(fields, &["a"]);
    let wrong = json!({
        "shelf": "A1234", "boxes": 0, "day": "tomorrow", "long": "soon", "mail": "nobody", "who": "anna",
        "size": "medium", "tags": ["red", "green"], "ok": "perhaps", "weight": 10, "shelv": 1,
    });
    let faults = faults(&mut run, "done", wrong);
    let names: Vec<&str> = faults.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "shelv", "shelf", "boxes", "day", "long", "mail", "who", "size", "tags", "ok", "weight"
        ]
    );
    assert!(faults[0].1.contains("did you mean shelf?"), "{faults:?}");
    assert!(faults[8].1.contains("element 2 must be one of red, blue"), "{faults:?}");
    let right = json!({
        "shelf": "A1", "boxes": "3", "day": "2026-11-23", "long": "2 days", "mail": "a@example.com",
        "who": "user:anna", "size": "small", "tags": ["red"], "ok": "true", "weight": 9.5,
    });
    assert_eq!(answer(&mut run, "a", "done", right), Ok(Reply::Accepted));
    assert_eq!(run.output("shelve")["boxes"], 3, "texts of a command line are read");
}

#[test]
fn what_is_required_and_missing_is_told() {
    let mut run = asked("form: { shelf: { type: text, required: true } }", &["a"]);
    let missing = [("shelf".to_owned(), "is missing".to_owned())];
    assert_eq!(faults(&mut run, "done", json!({})), missing);
    assert_eq!(faults(&mut run, "done", json!({ "shelf": null })), missing);
}

#[test]
fn a_form_has_a_size_at_most() {
    // {"note":""} has 11 bytes.
    let with = |chars: usize| json!({ "note": "x".repeat(chars) });
    let mut run = asked("form: { note: { type: text } }", &["a"]);
    let faults = faults(&mut run, "done", with(MAX_FORM_BYTES - 10));
    assert!(faults[0].1.contains("is the most"), "{faults:?}");
    assert_eq!(
        answer(&mut run, "a", "done", with(MAX_FORM_BYTES - 11)),
        Ok(Reply::Accepted)
    );
}

#[test]
fn the_same_form_again_is_fine_and_another_is_a_conflict() {
    let mut run = asked("form: { shelf: { type: text } }", &["a", "b"]);
    assert_eq!(
        answer(&mut run, "a", "done", json!({ "shelf": "A1" })),
        Ok(Reply::Accepted)
    );
    assert_eq!(
        answer(&mut run, "a", "done", json!({ "shelf": "A1" })),
        Ok(Reply::AlreadyDone)
    );
    let other = answer(&mut run, "a", "done", json!({ "shelf": "A2" }));
    assert_eq!(other, Err(Refusal::AlreadyDecided("done".to_owned())));
}

#[test]
fn a_task_about_a_document_is_bound_to_the_version_that_was_seen() {
    let mut run = asked(
        "kind: review, document: '${{ inputs.document }}', exclude: [uploader]",
        &["a", "b"],
    );
    let mut blind = run.decision("a", "done");
    blind.sha256 = None;
    assert_eq!(run.handle(Input::Decide(blind)), Err(Refusal::VersionMissing));
    let old = run.decision("a", "done");
    run.upload(2, "user:b");
    run.assign(&["a", "b"]);
    let refused = run.handle(Input::Decide(old));
    assert!(matches!(refused, Err(Refusal::OtherVersion { .. })), "{refused:?}");
    assert_eq!(
        run.decide("b", "done"),
        Err(Refusal::NoSuchTask),
        "who uploaded does not review"
    );
    assert_eq!(run.decide("a", "done"), Ok(Reply::Accepted));
    assert_eq!(run.output("shelve")["document"]["sha256"], sha(2));
}

#[test]
fn a_task_expires_with_what_it_is_about_alone() {
    let mut run = asked("document: '${{ inputs.document }}'", &["a"]);
    run.next();
    assert_eq!(run.outcome("shelve").as_deref(), Some("expired"));
    assert_eq!(run.output("shelve"), json!({ "document": document(1) }));
}

#[test]
fn an_approval_gives_the_fields_of_the_decision_that_settled_it() {
    let mut run = Run::of(
        "steps:
  - id: sign
    approve:
      document: ${{ inputs.document }}
      by: [role:legal]
      rule: 2
      form: { centre: { type: text, required: true }, why: { type: text, required_for: [rejected] } }
    deadline: { due: 5 days }
    outcomes: { rejected: { end: rejected }, changes_requested: { end: changes }, expired: { end: late } }
  - { id: file, uses: t.call, with: { centre: '${{ steps.sign.centre }}' } }
",
    );
    run.assign(&["a", "b", "c"]);
    assert_eq!(faults(&mut run, "approved", json!({}))[0].0, "centre");
    assert_eq!(faults(&mut run, "rejected", json!({}))[0].0, "why");
    assert_eq!(
        answer(&mut run, "c", "changes_requested", json!({})),
        Ok(Reply::Accepted)
    );
    assert_eq!(
        answer(&mut run, "a", "approved", json!({ "centre": "first" })),
        Ok(Reply::Accepted)
    );
    assert_eq!(
        answer(&mut run, "b", "approved", json!({ "centre": "last" })),
        Ok(Reply::Accepted)
    );
    assert_eq!(run.call("file:1").2, json!({ "centre": "last" }));
    let output = run.output("sign");
    assert_eq!(output["decisions"][1]["form"], json!({ "centre": "first" }));
}

#[test]
fn whoever_completed_a_task_can_be_kept_from_what_follows() {
    let mut run = Run::of(
        "steps:
  - { id: prepare, task: { to: [role:records] }, deadline: { due: 5 days }, outcomes: { declined: continue, expired: continue } }
  - id: look
    task: { to: [role:records], exclude: [prepare] }
    deadline: { due: 5 days }
    outcomes: { declined: continue, expired: continue }
",
    );
    run.assign(&["a", "b"]);
    run.decide("a", "done").expect("it counts");
    run.assign(&["a", "b"]);
    assert_eq!(run.task("look").people, ["user:b"]);
    assert_eq!(run.decide("a", "done"), Err(Refusal::NoSuchTask));
}
