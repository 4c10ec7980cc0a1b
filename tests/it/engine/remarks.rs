//! What is said about a task: remarks, questions to others, answers.

use super::kit::Run;
use gatefold::engine::limits::{MAX_REMARK_CHARS, MAX_REMARKS};
use gatefold::engine::{Refusal, Reply, TaskAct};

fn asked() -> Run {
    let mut run = Run::of(
        "steps:
  - id: work
    task: { to: [role:legal], allow: [], exclude: [initiator] }
    deadline: { due: 5 days }
    outcomes: { declined: { end: declined }, expired: { end: late } }
",
    );
    run.assign(&["a", "b"]);
    run
}

fn remark(text: &str) -> TaskAct {
    TaskAct::Remark {
        text: text.to_owned(),
        to: None,
        answers: None,
    }
}

fn question(to: &str) -> TaskAct {
    TaskAct::Remark {
        text: "Is that right?".to_owned(),
        to: Some(format!("user:{to}")),
        answers: None,
    }
}

fn answer(number: u32, text: &str) -> TaskAct {
    TaskAct::Remark {
        text: text.to_owned(),
        to: None,
        answers: Some(number),
    }
}

#[test]
fn who_is_asked_something_may_answer_it_once_and_decides_nothing() {
    let mut run = asked();
    assert_eq!(run.act("ines", remark("Hello")), Err(Refusal::NoSuchTask));
    assert_eq!(run.act("a", question("ines")), Ok(Reply::Accepted));
    assert!(
        matches!(run.act("b", answer(1, "Yes")), Err(Refusal::BadRemark(_))),
        "b was not asked"
    );
    assert!(
        matches!(run.act("ines", answer(2, "Yes")), Err(Refusal::BadRemark(_))),
        "there is no second"
    );
    assert!(
        matches!(run.act("ines", answer(0, "Yes")), Err(Refusal::BadRemark(_))),
        "they count from 1"
    );
    assert_eq!(run.act("ines", answer(1, "Yes")), Ok(Reply::Accepted));
    assert_eq!(run.act("ines", answer(1, "Yes")), Ok(Reply::AlreadyDone));
    assert!(
        matches!(run.act("ines", answer(1, "No")), Err(Refusal::BadRemark(_))),
        "it is answered"
    );
    assert_eq!(run.decide("ines", "done"), Err(Refusal::NoSuchTask));
    let thread = run.task("work").thread;
    assert_eq!(
        (thread[0].to.as_deref(), thread[1].answers),
        (Some("user:ines"), Some(1))
    );
    assert_eq!(run.task("work").people, ["user:a", "user:b"]);
}

#[test]
fn a_question_goes_to_somebody_else_and_asks_or_answers() {
    let mut run = asked();
    assert!(matches!(run.act("a", question("a")), Err(Refusal::BadRemark(_))));
    run.act("a", question("b")).expect("b is somebody else");
    let both = TaskAct::Remark {
        text: "And you?".to_owned(),
        to: Some("user:a".to_owned()),
        answers: Some(1),
    };
    assert!(matches!(run.act("b", both), Err(Refusal::BadRemark(_))));
}

#[test]
fn a_remark_has_a_length_and_a_task_a_number_of_them() {
    let mut run = asked();
    for bad in ["", "  ", &"x".repeat(MAX_REMARK_CHARS + 1)] {
        assert!(matches!(run.act("a", remark(bad)), Err(Refusal::BadRemark(_))));
    }
    for _ in 0..MAX_REMARKS {
        run.act_unchecked("a", remark(&"x".repeat(MAX_REMARK_CHARS)))
            .expect("there is room");
    }
    assert!(matches!(run.act("a", remark("one more")), Err(Refusal::BadRemark(_))));
    assert_eq!(run.decide("a", "done"), Ok(Reply::Accepted));
    assert!(matches!(run.act("a", remark("late")), Err(Refusal::TaskClosed(_))));
}
