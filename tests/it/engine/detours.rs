//! Tasks taken, given back, delegated and handed over; deputies; whom a task is given to.

use super::kit::Run;
use gatefold::engine::limits::MAX_TASK_ACTS;
use gatefold::engine::{Assignment, Input, Load, Refusal, Reply, TaskAct, Work};
use serde_json::json;

/// A task with this under `task`, and a step before it that `first` completed.
fn asked(more: &str, people: &[&str]) -> Run {
    let mut run = unassigned(more);
    run.assign(people);
    run
}

fn unassigned(more: &str) -> Run {
    let mut run = Run::of(&format!(
        "steps:
  - {{ id: prepare, task: {{ to: [role:legal] }}, deadline: {{ due: 9 days }}, outcomes: {{ declined: continue, expired: continue }} }}
  - id: work
    task: {{ to: [role:legal]{more} }}
    deadline: {{ due: 5 days, remind: [1 day before] }}
    outcomes: {{ declined: {{ end: declined }}, expired: {{ end: late }} }}
"
    ));
    run.assign(&["first"]);
    run.decide("first", "done").expect("it counts");
    run
}

/// An approval by these with this rule.
fn approval(rule: &str, people: &[&str]) -> Run {
    let mut run = Run::of(&format!(
        "steps:
  - id: sign
    approve: {{ document: '${{{{ inputs.document }}}}', by: [role:legal], rule: {rule}, exclude: [initiator] }}
    deadline: {{ due: 5 days }}
    outcomes: {{ rejected: {{ end: no }}, changes_requested: {{ end: no }}, expired: {{ end: late }} }}
"
    ));
    run.assign(people);
    run
}

fn user(name: &str) -> String {
    format!("user:{name}")
}

fn delegate(of: &str, to: &str) -> TaskAct {
    TaskAct::Delegate {
        of: user(of),
        to: user(to),
        reason: None,
    }
}

fn reassign(of: &str, to: &str, reason: Option<&str>) -> TaskAct {
    TaskAct::Reassign {
        of: user(of),
        to: user(to),
        reason: reason.map(str::to_owned),
        afresh: false,
    }
}

const RELEASE: TaskAct = TaskAct::Release { reason: None };

#[test]
fn who_takes_a_task_takes_it_off_the_others_lists_until_it_is_given_back() {
    let mut run = asked("", &["a", "b"]);
    assert_eq!(run.act("c", TaskAct::Claim), Err(Refusal::NoSuchTask));
    assert_eq!(run.act("a", TaskAct::Claim), Ok(Reply::Accepted));
    assert_eq!(run.act("a", TaskAct::Claim), Ok(Reply::AlreadyDone));
    assert_eq!(run.task("work").people, ["user:a"]);
    assert_eq!(run.act("b", TaskAct::Claim), Err(Refusal::Taken));
    assert_eq!(run.decide("b", "done"), Err(Refusal::Taken));
    assert!(matches!(run.act("b", RELEASE), Err(Refusal::NotAllowed(_))));
    assert_eq!(run.act("a", RELEASE), Ok(Reply::Accepted));
    assert_eq!(run.act("a", RELEASE), Ok(Reply::AlreadyDone));
    assert_eq!(run.task("work").people, ["user:a", "user:b"]);
    assert_eq!(run.decide("b", "done"), Ok(Reply::Accepted));
    assert_eq!(
        run.act("a", TaskAct::Claim),
        Err(Refusal::TaskClosed("done".to_owned()))
    );
}

#[test]
fn an_administrator_gives_back_what_somebody_else_took_with_a_reason() {
    let mut run = asked("", &["a", "b"]);
    run.act("a", TaskAct::Claim).expect("it is free");
    assert!(matches!(run.act("admin", RELEASE), Err(Refusal::ReasonMissing(_))));
    let because = TaskAct::Release {
        reason: Some("a is ill".to_owned()),
    };
    assert_eq!(run.act("admin", because), Ok(Reply::Accepted));
    assert_eq!(run.task("work").claimed_by, None);
}

#[test]
fn nobody_takes_alone_what_several_answer() {
    let mut run = approval("2", &["a", "b"]);
    assert!(matches!(run.act("a", TaskAct::Claim), Err(Refusal::NotAllowed(_))));
}

#[test]
fn a_delegate_acts_for_who_is_asked_and_both_names_are_recorded() {
    let mut run = approval("all", &["a", "b"]);
    assert_eq!(run.act("a", delegate("a", "c")), Ok(Reply::Accepted));
    assert_eq!(run.act("a", delegate("a", "c")), Ok(Reply::AlreadyDone));
    assert_eq!(run.task("sign").people, ["user:a", "user:b", "user:c"]);
    assert_eq!(run.decide("c", "approved"), Ok(Reply::Accepted));
    assert_eq!(
        run.decide("a", "rejected"),
        Err(Refusal::AlreadyDecided("approved".to_owned()))
    );
    assert_eq!(run.decide("b", "approved"), Ok(Reply::Accepted));
    let decision = &run.output("sign")["decisions"][0];
    assert_eq!(
        (&decision["by"], &decision["on_behalf_of"]),
        (&json!("user:c"), &json!("user:a"))
    );
}

#[test]
fn another_delegate_takes_the_place_of_the_first() {
    let mut run = approval("all", &["a"]);
    run.act("a", delegate("a", "c")).expect("it is theirs");
    run.act("a", delegate("a", "d")).expect("it is theirs");
    assert_eq!(run.decide("c", "approved"), Err(Refusal::NoSuchTask));
    assert_eq!(run.decide("d", "approved"), Ok(Reply::Accepted));
}

#[test]
fn who_hands_over_is_no_longer_asked() {
    let mut run = approval("in_order", &["a", "b"]);
    assert_eq!(run.act("a", reassign("a", "c", None)), Ok(Reply::Accepted));
    assert_eq!(run.task("sign").people, ["user:c", "user:b"]);
    assert_eq!(run.decide("a", "approved"), Err(Refusal::NoSuchTask));
    assert_eq!(run.decide("b", "approved"), Err(Refusal::NotYourTurn));
    assert_eq!(run.decide("c", "approved"), Ok(Reply::Accepted));
    assert!(run.output_is_open("sign"));
    assert_eq!(run.decide("b", "approved"), Ok(Reply::Accepted));
    assert!(run.output("sign")["decisions"][0].get("on_behalf_of").is_none());
}

#[test]
fn nothing_goes_to_who_is_excluded_or_would_count_twice() {
    let mut run = approval("2", &["a", "b", "d"]);
    for act in [delegate("a", "ines"), reassign("a", "ines", None)] {
        assert!(
            matches!(run.act("a", act), Err(Refusal::NotEligible(_))),
            "the initiator is excluded"
        );
    }
    for act in [delegate("a", "b"), reassign("a", "b", None)] {
        assert!(
            matches!(run.act("a", act), Err(Refusal::NotEligible(_))),
            "b is asked already"
        );
    }
    run.act("a", delegate("a", "c")).expect("c is free");
    for act in [delegate("b", "c"), reassign("b", "c", None)] {
        assert!(
            matches!(run.act("b", act), Err(Refusal::NotEligible(_))),
            "c acts for a already"
        );
    }
    run.decide("c", "approved").expect("it counts");
    assert!(
        matches!(run.act("a", delegate("a", "e")), Err(Refusal::NotEligible(_))),
        "a has answered"
    );
    run.act("b", reassign("b", "e", None)).expect("e is free");
    assert!(matches!(run.act("e", delegate("e", "c")), Err(Refusal::NotEligible(_))));
}

#[test]
fn only_who_is_asked_passes_on_or_an_administrator_with_a_reason() {
    let mut run = approval("2", &["a", "b"]);
    assert!(matches!(
        run.act("b", reassign("a", "c", Some("so"))),
        Err(Refusal::NotAllowed(_))
    ));
    assert_eq!(run.act("c", reassign("a", "c", None)), Err(Refusal::NoSuchTask));
    for reason in [None, Some("  ")] {
        assert!(matches!(
            run.act("admin", reassign("a", "c", reason)),
            Err(Refusal::ReasonMissing(_))
        ));
    }
    assert_eq!(
        run.act("admin", reassign("a", "c", Some("a has left"))),
        Ok(Reply::Accepted)
    );
    assert_eq!(run.task("sign").people, ["user:c", "user:b"]);
}

#[test]
fn what_was_taken_goes_on_with_the_place() {
    let mut run = asked("", &["a", "b"]);
    run.act("a", TaskAct::Claim).expect("it is free");
    run.act("a", delegate("a", "c")).expect("it is theirs");
    assert_eq!(run.task("work").claimed_by.as_deref(), Some("user:c"));
    run.act("a", reassign("a", "d", None)).expect("it is theirs");
    assert_eq!(run.task("work").people, ["user:d"]);
    assert_eq!(run.decide("c", "done"), Err(Refusal::NoSuchTask));
    assert_eq!(run.decide("d", "done"), Ok(Reply::Accepted));
}

#[test]
fn what_the_flow_does_not_allow_cannot_be_done() {
    let mut run = asked(", allow: [release]", &["a", "b"]);
    for act in [delegate("a", "c"), reassign("a", "c", None)] {
        assert!(matches!(run.act("a", act), Err(Refusal::NotAllowed(_))));
    }
    run.act("a", TaskAct::Claim).expect("taking is always allowed");
    assert_eq!(run.act("a", RELEASE), Ok(Reply::Accepted));
}

#[test]
fn so_much_is_done_about_a_task_and_no_more() {
    let mut run = asked("", &["a"]);
    for at in 0..MAX_TASK_ACTS {
        let act = if at % 2 == 0 { TaskAct::Claim } else { RELEASE };
        run.act_unchecked("a", act).expect("there is room");
    }
    assert_eq!(run.act("a", TaskAct::Claim), Err(Refusal::TooManyActs));
    assert_eq!(run.decide("a", "done"), Ok(Reply::Accepted));
}

#[test]
fn a_deputy_of_the_directory_acts_and_is_reminded_and_who_is_away_may_act_too() {
    let mut run = unassigned("");
    run.assign_with_deputies(&["a", "b"], &[("c", "a"), ("c", "b"), ("b", "a")]);
    let task = run.task("work");
    assert_eq!(task.people, ["user:a", "user:b", "user:c"]);
    assert_eq!(
        task.deputies.len(),
        1,
        "nobody stands in for two, nor who is asked: {task:?}"
    );
    run.next();
    let told = serde_json::to_value(run.journal.last()).expect("it can be written");
    assert_eq!(told["to"], json!(["user:c", "user:b"]));
    assert_eq!(run.decide("c", "done"), Ok(Reply::Accepted));
    assert_eq!(run.output("work")["on_behalf_of"], "user:a");
}

/// Answers the question with these people and how much they have to do.
fn with_load(run: &mut Run, people: &[&str], load: &[(&str, u32)]) {
    let outstanding = run.machine.outstanding();
    let [Work::Assign { key, load: wanted, .. }] = &outstanding[..] else {
        panic!("the directory is asked: {outstanding:?}");
    };
    assert!(*wanted, "who has how much to do is wanted");
    let assignment = Assignment {
        people: people.iter().map(|name| user(name)).collect(),
        load: load
            .iter()
            .map(|(name, open)| Load {
                person: user(name),
                open: *open,
                since: None,
                done: 0,
            })
            .collect(),
        ..Assignment::default()
    };
    let work = key.clone();
    run.handle(Input::Assigned { work, assignment }).expect("it is wanted");
}

#[test]
fn an_assigned_task_is_that_of_one_who_can_give_it_back_to_all() {
    let mut run = unassigned(", distribution: assign, pick: shortest_queue");
    with_load(&mut run, &["a", "b", "c"], &[("a", 3), ("b", 1), ("c", 2)]);
    assert_eq!(run.task("work").people, ["user:b"]);
    assert_eq!(run.decide("a", "done"), Err(Refusal::Taken));
    run.act("b", RELEASE).expect("it is theirs");
    assert_eq!(run.task("work").people, ["user:a", "user:b", "user:c"]);
    assert_eq!(run.decide("a", "done"), Ok(Reply::Accepted));
}

#[test]
fn whoever_completed_the_step_named_is_preferred_if_they_are_asked() {
    let mut run = asked(", prefer: prepare", &["a", "first"]);
    assert_eq!(run.task("work").people, ["user:first"]);
    assert_eq!(run.decide("first", "done"), Ok(Reply::Accepted));
    let run = asked(", prefer: prepare", &["a", "b"]);
    assert_eq!(run.task("work").people, ["user:a", "user:b"]);
}
