//! The course of a task by people: it rests, the flow goes on past it, it is done again.

use super::kit::{Run, task_id};
use gatefold::engine::StepPhase::{Active, Finished, Skipped};
use gatefold::engine::event::TimerKind;
use gatefold::engine::limits::MAX_REDONE;
use gatefold::engine::{Acting, Event, Input, Refusal, Reply, TaskAct, TaskPhase};
use serde_json::json;

/// A task that allows these, with a step after it, and one beside it that never ends.
fn work(allow: &str, people: &[&str]) -> Run {
    let mut run = Run::of(&format!(
        "steps:
  - id: work
    task: {{ to: [role:legal], allow: [{allow}] }}
    deadline: {{ due: 5 days, remind: [1 day before] }}
    outcomes: {{ declined: {{ end: declined }}, expired: {{ end: late }} }}
  - {{ id: then, uses: t.call, with: {{ text: \"${{{{ steps.work.by or 'nobody' }}}}\" }} }}
  - {{ id: beside, after: start, wait: {{ event: t.ping, key: k }}, deadline: {{ due: 300 days }}, outcomes: {{ expired: continue }} }}
"
    ));
    run.assign(people);
    run
}

/// An approval by all of these that allows everything.
fn approval(people: &[&str]) -> Run {
    let mut run = Run::of(
        "steps:
  - id: sign
    approve: { document: '${{ inputs.document }}', by: [role:legal], rule: all, allow: [suspend, skip, redo] }
    deadline: { due: 5 days }
    outcomes: { rejected: { end: no }, changes_requested: { end: no }, expired: { end: late } }
  - { id: beside, wait: { event: t.ping, key: k }, deadline: { due: 300 days }, outcomes: { expired: continue } }
",
    );
    run.assign(people);
    run
}

fn suspend() -> TaskAct {
    TaskAct::Suspend {
        reason: "the notary is away".to_owned(),
    }
}

fn skip() -> TaskAct {
    TaskAct::Skip {
        reason: "not needed here".to_owned(),
    }
}

fn redo() -> TaskAct {
    TaskAct::Redo {
        reason: "wrong shelf".to_owned(),
    }
}

const RESUME: TaskAct = TaskAct::Resume { reason: None };

/// Somebody has the task of `step` in `round` done again.
fn redo_of(run: &mut Run, step: &str, round: u32, by: &str) -> Result<Reply, Refusal> {
    let by = format!("user:{by}");
    run.handle(Input::Act(Acting {
        task: task_id(step, round),
        admin: by == "user:admin",
        by,
        act: redo(),
    }))
}

#[test]
fn nobody_answers_or_takes_a_task_that_rests() {
    let mut run = work("suspend", &["a", "b"]);
    assert_eq!(run.act("a", suspend()), Ok(Reply::Accepted));
    assert_eq!(run.act("a", suspend()), Ok(Reply::AlreadyDone));
    let rests = |reply: Result<Reply, Refusal>| matches!(reply, Err(Refusal::Suspended { .. }));
    assert!(rests(run.decide("a", "done")) && rests(run.decide("b", "done")));
    assert!(rests(run.act("b", TaskAct::Claim)) && rests(run.act("b", suspend())));
    let rest = run.task("work").suspended.expect("it rests");
    assert_eq!(
        (rest.by.as_str(), rest.reason.as_str()),
        ("user:a", "the notary is away")
    );
    assert!(matches!(run.act("b", RESUME), Err(Refusal::NotAllowed(_))));
    assert_eq!(run.act("a", RESUME), Ok(Reply::Accepted));
    assert_eq!(run.act("a", RESUME), Ok(Reply::AlreadyDone));
    assert_eq!(run.task("work").suspended, None);
    assert_eq!(run.decide("b", "done"), Ok(Reply::Accepted));
}

#[test]
fn an_administrator_lets_go_on_what_somebody_else_let_rest_with_a_reason() {
    let mut run = work("suspend", &["a"]);
    run.act("a", suspend()).expect("the flow allows it");
    assert!(matches!(run.act("admin", RESUME), Err(Refusal::ReasonMissing(_))));
    let because = TaskAct::Resume {
        reason: Some("a has left".to_owned()),
    };
    assert_eq!(run.act("admin", because), Ok(Reply::Accepted));
}

#[test]
fn time_goes_on_for_a_task_that_rests_and_whoever_let_it_rest_is_reminded() {
    let mut run = work("suspend", &["a", "b"]);
    run.act("a", suspend()).expect("the flow allows it");
    run.next();
    let told = run.journal.iter().find_map(|record| match &record.event {
        Event::TimerFired {
            timer: TimerKind::Remind(_),
            to,
            ..
        } => Some(to.clone()),
        _ => None,
    });
    assert_eq!(told.as_deref(), Some(&["user:a".to_owned()][..]));
    run.next();
    assert_eq!(run.outcome("work").as_deref(), Some("expired"));
}

#[test]
fn what_the_flow_does_not_allow_nobody_does() {
    let mut run = work("release", &["a"]);
    for act in [suspend(), skip()] {
        assert!(
            matches!(run.act("a", act.clone()), Err(Refusal::NotAllowed(_))),
            "{act:?}"
        );
        assert!(
            matches!(run.act("admin", act.clone()), Err(Refusal::NotAllowed(_))),
            "{act:?}"
        );
        assert_eq!(run.act("c", act), Err(Refusal::NoSuchTask));
    }
    run.decide("a", "done").expect("it counts");
    assert!(matches!(redo_of(&mut run, "work", 1, "a"), Err(Refusal::NotAllowed(_))));
}

#[test]
fn resting_skipping_and_doing_again_need_a_reason() {
    let mut run = work("suspend, skip, redo", &["a"]);
    let empty = " ".to_owned();
    for act in [
        TaskAct::Suspend { reason: empty.clone() },
        TaskAct::Skip { reason: empty.clone() },
    ] {
        assert!(matches!(run.act("a", act), Err(Refusal::ReasonMissing(_))));
    }
    run.decide("a", "done").expect("it counts");
    let again = run.act("a", TaskAct::Redo { reason: empty });
    assert!(matches!(again, Err(Refusal::ReasonMissing(_))));
}

#[test]
fn a_task_that_is_skipped_is_a_step_that_is_skipped() {
    let mut run = work("skip", &["a", "b"]);
    run.act("b", TaskAct::Claim).expect("it is free");
    assert!(matches!(run.act("a", skip()), Err(Refusal::NotAllowed(_))), "b has it");
    assert_eq!(run.act("b", skip()), Ok(Reply::Accepted));
    assert_eq!(run.phase("work"), Skipped);
    assert_eq!(run.task("work").phase, TaskPhase::Withdrawn);
    let (_, _, input) = run.call("then:1");
    assert_eq!(input, json!({ "text": "nobody" }));
    assert_eq!(
        run.decide("b", "done"),
        Err(Refusal::TaskClosed("withdrawn".to_owned()))
    );
    let said = serde_json::to_value(&run.journal[run.journal.len() - 2]).expect("it can be written");
    assert_eq!(
        (&said["act"], &said["by"], &said["reason"]),
        (&json!("skip"), &json!("user:b"), &json!("not needed here"))
    );
}

#[test]
fn nobody_skips_alone_what_several_decide_but_an_administrator() {
    let mut run = approval(&["a", "b"]);
    assert!(matches!(run.act("a", skip()), Err(Refusal::NotAllowed(_))));
    assert_eq!(run.act("admin", skip()), Ok(Reply::Accepted));
    assert_eq!((run.phase("sign"), run.phase("beside")), (Skipped, Active));
}

#[test]
fn a_step_done_again_starts_a_new_round_of_it_and_all_after_it() {
    let mut run = work("redo", &["a", "b"]);
    run.decide("a", "done").expect("it counts");
    run.done("then:1", json!({}));
    assert!(matches!(redo_of(&mut run, "work", 1, "b"), Err(Refusal::NotAllowed(_))));
    assert_eq!(redo_of(&mut run, "work", 1, "c"), Err(Refusal::NoSuchTask));
    assert_eq!(redo_of(&mut run, "work", 1, "a"), Ok(Reply::Accepted));
    let rounds = ["work", "then", "beside"].map(|id| run.step(id).round);
    assert_eq!(rounds, [2, 2, 1]);
    assert!(
        matches!(redo_of(&mut run, "work", 1, "a"), Err(Refusal::NotAllowed(_))),
        "that round is over"
    );
    assert_eq!(
        redo_of(&mut run, "work", 2, "a"),
        Err(Refusal::NoSuchTask),
        "nobody is asked yet"
    );
    run.assign(&["a", "b"]);
    assert!(
        matches!(redo_of(&mut run, "work", 2, "admin"), Err(Refusal::NotAllowed(_))),
        "it is open"
    );
    run.decide("b", "done").expect("it counts");
    assert_eq!((run.phase("work"), run.phase("then")), (Finished, Active));
    assert_eq!(run.work(), ["then:2"]);
}

#[test]
fn a_step_is_done_again_so_often_and_not_once_more() {
    let mut run = work("redo", &["a"]);
    for round in 1..=MAX_REDONE {
        run.decide("a", "done").expect("it counts");
        assert_eq!(redo_of(&mut run, "work", round, "admin"), Ok(Reply::Accepted));
        run.assign(&["a"]);
    }
    run.decide("a", "done").expect("it counts");
    let once_more = redo_of(&mut run, "work", MAX_REDONE + 1, "admin");
    assert!(
        matches!(once_more, Err(Refusal::NotAllowed(why)) if why.contains("ten times")),
        "{MAX_REDONE}"
    );
}

#[test]
fn nothing_is_done_again_in_a_run_that_is_over() {
    let mut run = work("redo", &["a"]);
    run.decide("a", "done").expect("it counts");
    run.cancel().expect("it runs");
    assert!(matches!(redo_of(&mut run, "work", 1, "a"), Err(Refusal::NotAllowed(_))));
}

#[test]
fn a_decision_of_several_is_made_again_by_all_of_them() {
    let mut run = approval(&["a", "b"]);
    run.decide("a", "approved").expect("it counts");
    run.decide("b", "approved").expect("it counts");
    assert_eq!(redo_of(&mut run, "sign", 1, "b"), Ok(Reply::Accepted));
    run.assign(&["a", "b"]);
    assert!(run.task("sign").decided.is_empty());
    run.decide("a", "rejected").expect("it counts");
    assert_eq!(run.ended().as_deref(), Some("no"));
}

/// One answer is enough, and the one that came settles nothing: the task is there for the others.
#[test]
fn whoever_has_taken_a_task_and_answered_it_keeps_it_from_nobody() {
    let mut run = Run::of(
        "steps:
  - id: sign
    approve: { document: '${{ inputs.document }}', by: [role:legal], veto: [role:lead] }
    deadline: none
    because: It may take for ever.
    outcomes: { rejected: { end: no }, changes_requested: { end: no } }
",
    );
    run.assign(&["lea", "leo"]);
    run.act("lea", TaskAct::Claim).expect("it is free");
    assert_eq!(run.decide("leo", "approved"), Err(Refusal::Taken));
    run.decide("lea", "rejected").expect("it counts");
    let task = run.task("sign");
    assert_eq!((task.claimed_by.as_deref(), task.phase), (None, TaskPhase::Open));
    assert!(task.people.contains(&"user:leo".to_owned()), "{:?}", task.people);
    for act in [TaskAct::Claim, TaskAct::Start] {
        let refused = run.act("lea", act);
        assert!(matches!(refused, Err(Refusal::NotAllowed(_))), "{refused:?}");
    }
    run.decide("leo", "approved").expect("it is free");
    assert_eq!(run.phase("sign"), Finished);
}
