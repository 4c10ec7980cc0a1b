//! Whom a task reaches, when it starts, what is kept of it before the answer.

use super::kit::Run;
use gatefold::engine::limits::MAX_FORM_BYTES;
use gatefold::engine::view::Priority;
use gatefold::engine::{Assignment, Input, Refusal, Reply, StandIn, TaskAct, Work};
use serde_json::{Map, Value, json};

fn unassigned(more: &str) -> Run {
    Run::of(&format!(
        "same_person: true
steps:
  - id: first
    task: {{ to: [role:legal] }}
    deadline: {{ due: 9 days }}
    outcomes: {{ declined: continue, expired: continue }}
  - id: work
    task:
      to: [role:legal]
      form: {{ shelf: {{ type: text, max: 5, required: true }}, boxes: {{ type: integer }} }}
{more}
    deadline: {{ due: 5 days, remind: [1 day before], escalate: {{ after: 2 days, to: [role:lead] }} }}
    outcomes: {{ declined: {{ end: declined }}, expired: {{ end: late }} }}
"
    ))
}

/// The task with this more under `task`, after nobody has taken or answered the first one.
fn asked(more: &str, people: &[&str]) -> Run {
    let mut run = begun(more);
    run.assign(people);
    run
}

fn begun(more: &str) -> Run {
    let mut run = unassigned(more);
    run.assign(&["first"]);
    run.decide("first", "done").expect("it counts");
    run
}

fn user(name: &str) -> String {
    format!("user:{name}")
}

/// The directory answers what is asked, with who may answer at all.
fn assign_only(run: &mut Run, people: &[&str], deputies: &[(&str, &str)], only: &[&str]) {
    let outstanding = run.machine.outstanding();
    let asked = outstanding.iter().find(|work| matches!(work, Work::Assign { .. }));
    let work = asked.expect("the directory is asked").key().clone();
    let assignment = Assignment {
        people: people.iter().map(|name| user(name)).collect(),
        deputies: deputies
            .iter()
            .map(|(by, of)| StandIn {
                by: user(by),
                on_behalf_of: user(of),
            })
            .collect(),
        only: Some(only.iter().map(|name| user(name)).collect()),
        ..Assignment::default()
    };
    assert_eq!(run.handle(Input::Assigned { work, assignment }), Ok(Reply::Accepted));
}

fn save(form: Value) -> TaskAct {
    let Value::Object(form) = form else {
        panic!("a form is a map");
    };
    TaskAct::Save { form }
}

fn reassign(of: &str, to: &str, afresh: bool) -> TaskAct {
    TaskAct::Reassign {
        of: user(of),
        to: user(to),
        reason: None,
        afresh,
    }
}

fn kept(run: &Run) -> Option<Map<String, Value>> {
    run.task("work").draft.map(|draft| draft.form)
}

fn started(run: &Run) -> Vec<String> {
    run.task("work").started.into_iter().map(|one| one.by).collect()
}

#[test]
fn nobody_answers_who_may_not_however_the_task_reaches_them() {
    let mut run = begun("      only: [role:certified]");
    assign_only(&mut run, &["a", "b", "c"], &[("d", "a"), ("e", "b")], &["a", "b", "d"]);
    assert_eq!(run.task("work").people, ["user:a", "user:b", "user:d"]);
    let to = |act: TaskAct| (act, "is not one of those who may answer");
    let delegate = TaskAct::Delegate {
        of: user("a"),
        to: user("c"),
        reason: None,
    };
    for (act, why) in [to(reassign("a", "c", false)), to(delegate)] {
        let refused = run.act("a", act);
        assert!(
            matches!(&refused, Err(Refusal::NotEligible(text)) if text.contains(why)),
            "{refused:?}"
        );
    }
    // those who join by escalation are no others
    run.next();
    assign_only(&mut run, &["lead", "b"], &[], &["a", "b", "d"]);
    assert_eq!(run.decide("lead", "done"), Err(Refusal::NoSuchTask));
    assert_eq!(run.decide("c", "done"), Err(Refusal::NoSuchTask));
}

#[test]
fn too_few_who_may_answer_are_an_incident() {
    let mut run = begun("      only: [role:certified]");
    let asked = run.machine.outstanding();
    assert!(matches!(&asked[0], Work::Assign { only, .. } if only == &["role:certified"]));
    assign_only(&mut run, &["a"], &[], &["d"]);
    assert!(run.machine.incident());
}

#[test]
fn one_person_gets_all_tasks_of_the_run_they_are_asked_in() {
    let run = asked("", &["a", "first"]);
    assert_eq!(run.task("work").claimed_by.as_deref(), Some("user:first"));
    let run = asked("", &["a", "b"]);
    assert_eq!(run.task("work").claimed_by, None);
    let run = asked("      prefer: first\n      distribution: assign", &["a", "b"]);
    assert_eq!(run.task("work").claimed_by.as_deref(), Some("user:a"));
}

#[test]
fn whoever_starts_an_offered_task_takes_it() {
    let mut run = asked("", &["a", "b"]);
    assert_eq!(run.act("c", TaskAct::Start), Err(Refusal::NoSuchTask));
    assert_eq!(run.act("a", TaskAct::Start), Ok(Reply::Accepted));
    assert_eq!(run.act("a", TaskAct::Start), Ok(Reply::AlreadyDone));
    assert_eq!(run.act("b", TaskAct::Start), Err(Refusal::Taken));
    assert_eq!(
        (started(&run), run.task("work").claimed_by),
        (vec![user("a")], Some(user("a")))
    );
    run.act("a", TaskAct::Release { reason: None })
        .expect("the flow allows it");
    assert!(started(&run).is_empty());
}

#[test]
fn taking_is_not_starting_unless_the_flow_says_so() {
    let mut run = asked("", &["a", "b"]);
    run.act("a", TaskAct::Claim).expect("it is free");
    assert!(started(&run).is_empty());
    assert_eq!(run.act("a", TaskAct::Start), Ok(Reply::Accepted));
    let mut run = asked("      starts: taken", &["a", "b"]);
    assert!(started(&run).is_empty());
    run.act("a", TaskAct::Claim).expect("it is free");
    assert_eq!(started(&run), [user("a")]);
}

#[test]
fn a_task_starts_as_it_opens_for_whom_it_is_assigned_to() {
    assert_eq!(
        started(&asked("      starts: opened\n      distribution: assign", &["a", "b"])),
        [user("a")]
    );
    assert_eq!(started(&asked("      starts: opened", &["a"])), [user("a")]);
    assert!(started(&asked("      starts: opened", &["a", "b"])).is_empty());
    assert!(started(&asked("", &["a"])).is_empty());
}

#[test]
fn what_is_kept_goes_on_with_the_task_unless_it_begins_anew() {
    let mut run = asked("", &["a", "b"]);
    run.act("a", TaskAct::Start).expect("it is free");
    assert_eq!(run.act("a", save(json!({ "shelf": "A1" }))), Ok(Reply::Accepted));
    assert_eq!(run.act("a", save(json!({ "shelf": "A1" }))), Ok(Reply::AlreadyDone));
    assert_eq!(run.act("b", save(json!({ "shelf": "B1" }))), Err(Refusal::Taken));
    assert_eq!(run.act("a", save(json!({ "boxes": 2 }))), Ok(Reply::Accepted));
    run.act("a", reassign("a", "c", false)).expect("the flow allows it");
    assert_eq!(
        (Value::Object(kept(&run).expect("kept")), started(&run)),
        (json!({ "shelf": "A1", "boxes": 2 }), vec![user("c")])
    );
    let mut other = run;
    other.act("c", reassign("c", "d", true)).expect("the flow allows it");
    assert_eq!((kept(&other), started(&other)), (None, Vec::new()));
    assert!(matches!(other.decide("d", "done"), Err(Refusal::Form(_))));
}

#[test]
fn an_answer_takes_what_it_does_not_give_from_what_was_kept() {
    let mut run = asked("", &["a", "b"]);
    run.act("a", save(json!({ "shelf": "A1", "boxes": 2 })))
        .expect("it fits");
    let mut decision = run.decision("b", "done");
    decision.form.insert("boxes".to_owned(), json!(3));
    assert_eq!(run.handle(Input::Decide(decision)), Ok(Reply::Accepted));
    let output = run.output("work");
    assert_eq!((&output["shelf"], &output["boxes"]), (&json!("A1"), &json!(3)));
}

#[test]
fn whoever_is_asked_for_help_may_keep_something_and_not_answer() {
    let mut run = asked("", &["a"]);
    run.act("a", TaskAct::Claim).expect("it is free");
    assert_eq!(run.act("h", save(json!({ "shelf": "A1" }))), Err(Refusal::NoSuchTask));
    let ask = TaskAct::Remark {
        text: "Which shelf?".to_owned(),
        to: Some(user("h")),
        answers: None,
    };
    run.act("a", ask).expect("it is open");
    assert_eq!(run.act("h", save(json!({ "shelf": "A1" }))), Ok(Reply::Accepted));
    assert_eq!(run.decide("h", "done"), Err(Refusal::NoSuchTask));
    assert_eq!(run.decide("a", "done"), Ok(Reply::Accepted));
}

#[test]
fn what_is_kept_has_to_fit_the_form_and_its_size() {
    let mut run = asked("", &["a"]);
    for wrong in [
        json!({ "shelv": "A1" }),
        json!({ "shelf": "far too long" }),
        json!({ "boxes": "x" }),
    ] {
        assert!(
            matches!(run.act("a", save(wrong.clone())), Err(Refusal::Form(_))),
            "{wrong}"
        );
    }
    let large = |bytes: usize| json!({ "text": "a".repeat(bytes - json!({ "text": "" }).to_string().len()) });
    let mut run = begun("      form: {}".replace("form: {}", "ask: Write it down").as_str());
    run.assign(&["a"]);
    let too_large = run.act("a", save(large(MAX_FORM_BYTES + 1)));
    assert!(
        matches!(&too_large, Err(Refusal::Form(faults)) if faults[0].0 == "the form"),
        "{too_large:?}"
    );
    let at = run.act("a", save(large(MAX_FORM_BYTES)));
    assert!(
        matches!(&at, Err(Refusal::Form(faults)) if faults[0].0 == "text"),
        "{at:?}"
    );
}

#[test]
fn people_hear_later_of_what_is_held_back_and_its_deadline_goes_on() {
    let mut run = begun("      hold_back: 3 hours");
    assert!(run.work().is_empty(), "the directory is not asked yet");
    assert_eq!(run.decide("a", "done"), Err(Refusal::NoSuchTask));
    let due = run.task("work").due;
    let opened = run.now;
    run.next();
    assert_eq!(run.now, opened + jiff::SignedDuration::from_hours(3));
    assert_eq!(run.count("timer_fired"), 1);
    run.assign(&["a"]);
    assert_eq!((run.task("work").people, run.task("work").due), (vec![user("a")], due));
    run.act("a", save(json!({ "shelf": "A1" }))).expect("it fits");
    assert_eq!(run.decide("a", "done"), Ok(Reply::Accepted));
}

#[test]
fn what_would_be_heard_of_too_late_is_heard_of_at_once() {
    let run = begun("      hold_back: 5 days");
    assert_eq!(run.work().len(), 1);
}

#[test]
fn a_priority_is_one_of_four_words_when_the_task_opens() {
    let of = |priority: &str| {
        asked(&format!("      priority: {priority}"), &["a"])
            .task("work")
            .priority
    };
    assert_eq!(of("urgent"), Priority::Urgent);
    assert_eq!(of("\"${{ 'high' if steps.first.by else 'low' }}\""), Priority::High);
    assert_eq!(asked("", &["a"]).task("work").priority, Priority::Normal);
    let run = begun("      priority: \"${{ inputs.who }}\"");
    assert!(run.machine.incident(), "role:legal is no priority");
}
