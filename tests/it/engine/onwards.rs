//! Escalation to others and onwards: several of them on one deadline.

use super::kit::Run;
use gatefold::engine::FailureKind::Permanent;
use gatefold::engine::{Assignment, Event, Input, Refusal, Reply, TaskAct, WorkKey, why};
use serde_json::{Value, json};

const SIGN: &str = "steps:
  - id: sign
    approve: { document: '${{ inputs.document }}', by: [role:legal], rule: all, allow: [reassign, suspend] }
    deadline:
      due: 9 days
      remind: [1 day before]
      escalate:
        - { after: 3 days, to: [role:lead] }
        - { after: 4 days, to: ['${{ inputs.who }}-board'] }
        - { after: 6 days, to: [user:chief] }
    outcomes: { rejected: { end: no }, changes_requested: { end: no }, expired: { end: late } }
";

/// Who was told by each timer that fired, in order, with the timer.
fn fired(run: &Run) -> Vec<(String, Vec<String>)> {
    let all = run.journal.iter().filter_map(|record| match &record.event {
        Event::TimerFired { timer, to, .. } => Some((format!("{timer:?}"), to.clone())),
        _ => None,
    });
    all.collect()
}

fn timers_fired(run: &Run) -> Vec<String> {
    fired(run).into_iter().map(|(timer, _)| timer).collect()
}

/// The timers that a step was opened with, as the journal has them.
fn timers(run: &Run, kind: &str) -> Value {
    let lines = run.journal.iter().map(|record| json!(record));
    let mut opened = lines.filter(|line| line["type"] == kind);
    opened.next_back().expect("it was opened")["timers"].clone()
}

fn joins(run: &mut Run, key: &str, people: &[&str]) -> Result<Reply, Refusal> {
    let assignment = Assignment {
        people: people.iter().map(|name| format!("user:{name}")).collect(),
        ..Assignment::default()
    };
    let work = WorkKey(format!("run_1:{key}"));
    run.handle(Input::Assigned { work, assignment })
}

#[test]
fn each_comes_once_in_its_order_and_asks_more_people() {
    let mut run = Run::of(SIGN);
    run.assign(&["lea", "leo"]);
    run.decide("leo", "approved").expect("it counts");
    run.wake_after("3 days");
    assert_eq!(run.work(), ["sign:1:escalate"]);
    run.assign(&["boss"]);
    run.wake();
    assert_eq!(run.count("timer_fired"), 1);
    run.wake_after("1 day");
    assert_eq!(run.work(), ["sign:1:escalate:1"]);
    run.assign(&["chair", "boss", "lea"]);
    run.wake_after("2 days");
    assert_eq!(run.work(), ["sign:1:escalate:2"]);
    run.assign(&["chief"]);
    let told: Vec<_> = fired(&run).into_iter().map(|(_, to)| to.concat()).collect();
    assert_eq!(told, ["role:lead", "role:legal-board", "user:chief"]);
    assert_eq!(
        run.task("sign").people,
        ["user:lea", "user:leo", "user:boss", "user:chair", "user:chief"]
    );
    run.wake_after("2 days");
    let reminded = fired(&run).pop().expect("it is reminded").1;
    assert_eq!(reminded, ["user:lea", "user:boss", "user:chair", "user:chief"]);
    assert_eq!(run.decide("chair", "approved"), Ok(Reply::Accepted));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn several_that_are_late_are_asked_of_the_directory_one_after_the_other() {
    let mut run = Run::of(SIGN);
    run.assign(&["lea", "leo"]);
    run.wake_after("5 days");
    assert_eq!(timers_fired(&run), ["Escalate", "Onwards(0)"]);
    assert_eq!(run.work(), ["sign:1:escalate"]);
    // not asked yet
    assert_eq!(joins(&mut run, "sign:1:escalate:1", &["chair"]), Ok(Reply::AlreadyDone));
    assert_eq!(joins(&mut run, "sign:1:escalate", &["boss"]), Ok(Reply::Accepted));
    assert_eq!(run.work(), ["sign:1:escalate:1"]);
    // the same answer again is none to the next question
    assert_eq!(joins(&mut run, "sign:1:escalate", &["boss"]), Ok(Reply::AlreadyDone));
    assert_eq!(joins(&mut run, "sign:1:escalate:1", &["chair"]), Ok(Reply::Accepted));
    assert_eq!(run.work(), Vec::<String>::new());
    assert_eq!(
        run.task("sign").people,
        ["user:lea", "user:leo", "user:boss", "user:chair"]
    );
}

#[test]
fn where_the_directory_knows_nobody_it_goes_onwards_all_the_same() {
    let mut run = Run::of(SIGN);
    run.assign(&["lea"]);
    run.wake_after("5 days");
    assert_eq!(run.failed("run_1:sign:1:escalate", 1, Permanent), Ok(Reply::Accepted));
    assert_eq!(run.work(), ["sign:1:escalate:1"]);
    run.assign(&["chair"]);
    assert_eq!(run.decide("chair", "approved"), Ok(Reply::Accepted));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn a_late_timer_takes_nothing_from_an_answer_and_nothing_comes_after_it() {
    let mut run = Run::of(SIGN);
    run.assign(&["lea"]);
    run.pass("5 days");
    assert_eq!(run.decide("lea", "approved"), Ok(Reply::Accepted));
    let so_far = run.count("timer_fired");
    run.wake_after("20 days");
    assert_eq!(run.ended().as_deref(), Some("completed"));
    assert_eq!((run.count("timer_fired"), run.work()), (so_far, Vec::new()));
}

#[test]
fn nobody_is_told_of_what_expired_meanwhile() {
    let mut run = Run::of(SIGN);
    run.assign(&["lea"]);
    run.wake_after("30 days");
    assert_eq!(run.ended().as_deref(), Some("late"));
    assert_eq!(timers_fired(&run), Vec::<String>::new());
}

#[test]
fn a_task_that_rests_is_escalated_onwards_and_a_place_that_was_handed_over_stays_so() {
    let mut run = Run::of(SIGN);
    run.assign(&["lea", "leo"]);
    let reason = "I am waiting for a letter".to_owned();
    run.act("lea", TaskAct::Suspend { reason }).expect("it is allowed");
    run.wake_after("3 days");
    run.assign(&["boss"]);
    let handed = TaskAct::Reassign {
        of: "user:boss".to_owned(),
        to: "user:bea".to_owned(),
        reason: None,
        afresh: false,
    };
    run.act("boss", handed).expect("it is allowed");
    run.wake_after("1 day");
    run.assign(&["bea", "chair"]);
    assert_eq!(
        run.task("sign").people,
        ["user:lea", "user:leo", "user:bea", "user:chair"]
    );
    assert!(run.task("sign").suspended.is_some());
}

#[test]
fn a_new_round_and_a_new_version_of_the_document() {
    let steps = "steps:
  - { id: draft, uses: t.call }
  - id: sign
    approve: { document: '${{ inputs.document }}', by: [role:legal] }
    deadline: { due: 9 days, escalate: [{ after: 3 days, to: [role:lead] }, { after: 4 days, to: [role:board] }] }
    outcomes: { rejected: { back_to: draft, max_rounds: 3, then: { end: no } }, changes_requested: { end: no }, expired: { end: late } }
";
    let mut run = Run::of(steps);
    run.done("draft:1", json!({}));
    run.assign(&["lea"]);
    run.wake_after("3 days");
    run.assign(&["boss"]);
    // what was escalated stays so, and goes on, with a new version
    run.upload(2, "user:leo");
    run.wake_after("1 day");
    assert_eq!(run.work(), ["sign:1:escalate:1"]);
    run.assign(&["chair"]);
    assert_eq!(run.task("sign").people, ["user:lea", "user:boss", "user:chair"]);
    run.decide("boss", "rejected").expect("it counts");
    // a new round begins with the first again, and with none of those who joined
    run.done("draft:2", json!({}));
    run.assign(&["lea"]);
    assert_eq!(run.task("sign").people, ["user:lea"]);
    run.wake_after("3 days");
    assert_eq!(run.work(), ["sign:2:escalate"]);
    run.assign(&["boss"]);
    run.wake_after("1 day");
    assert_eq!(run.work(), ["sign:2:escalate:1"]);
    assert_eq!(timers_fired(&run), ["Escalate", "Onwards(0)", "Escalate", "Onwards(0)"]);
}

#[test]
fn none_comes_before_the_one_above_it_whatever_working_time_makes_of_both() {
    // Monday: five working days on is Monday again, six days on is the Sunday before.
    let text = "steps:
  - id: reply
    wait: { event: t.ping }
    deadline: { due: 20 days, escalate: [{ after: 5 business days, to: [role:lead] }, { after: 6 days, to: [role:board] }] }
    outcomes: { expired: { end: late } }
";
    let mut run = Run::of(text);
    let monday = "2026-11-30T09:00:00Z";
    assert_eq!(
        timers(&run, "wait_opened"),
        json!({ "due": "2026-12-13T09:00:00Z", "escalate": monday, "onwards": [monday] })
    );
    run.wake_after("6 days");
    assert_eq!(timers_fired(&run), Vec::<String>::new());
    run.wake_after("1 day");
    let told: Vec<_> = fired(&run).into_iter().map(|(_, to)| to.concat()).collect();
    assert_eq!(told, ["role:lead", "role:board"]);
    assert_eq!(run.work(), Vec::<String>::new());
}

#[test]
fn one_alone_is_journalled_as_it_always_was_and_what_lies_past_the_deadline_never() {
    let wait = |due: &str, escalate: &str| {
        Run::of(&format!(
            "steps:\n  - {{ id: w, wait: {{ event: t.ping }}, deadline: {{ due: \"{due}\", escalate: {escalate} }}, outcomes: {{ expired: {{ end: late }} }} }}\n"
        ))
    };
    let list = "[{ after: 3 days, to: [role:a] }, { after: 4 days, to: [role:b] }, { after: 5 days, to: [role:c] }]";
    let third = json!({ "due": "2026-11-27T09:00:00Z", "escalate": "2026-11-26T09:00:00Z" });
    assert_eq!(timers(&wait("${{ '4 days' }}", list), "wait_opened"), third);
    assert_eq!(
        timers(&wait("4 days", "{ after: 3 days, to: [role:a] }"), "wait_opened"),
        third
    );
    assert_eq!(
        timers(&wait("4 days", "[{ after: 3 days, to: [role:a] }]"), "wait_opened"),
        third
    );
    let none = json!({ "due": "2026-11-26T09:00:00Z" });
    assert_eq!(timers(&wait("${{ '3 days' }}", list), "wait_opened"), none);
}

#[test]
fn a_checklist_is_reminded_of_and_escalated_onwards_too_however_late_it_is() {
    let papers = "steps:
  - id: papers
    collect:
      from: ${{ inputs.who }}
      items: { tax: { title: Tax form, review: [role:tax] } }
    deadline:
      due: 9 days
      remind: [1 day before]
      escalate: [{ after: 3 days, to: [role:lead] }, { after: 4 days, to: [role:board] }]
    outcomes: { incomplete: { end: incomplete }, withdrawn: { end: withdrawn } }
";
    let open = || {
        let mut run = Run::of(papers);
        run.done("papers:1", json!({ "request": "shr_9" }));
        run
    };
    let mut run = open();
    // somebody looks at an item meanwhile: they are not joined by anybody
    run.item("tax", "received", &["fil_7"], 1);
    run.assign(&["tom"]);
    run.wake_after("3 days");
    run.wake_after("5 days");
    let told: Vec<_> = fired(&run)
        .into_iter()
        .map(|(timer, to)| (timer, to.concat()))
        .collect();
    let of = |timer: &str, to: &str| (timer.to_owned(), to.to_owned());
    assert_eq!(
        told,
        [
            of("Escalate", "role:lead"),
            of("Onwards(0)", "role:board"),
            of("Remind(0)", "")
        ]
    );
    assert_eq!(run.work(), Vec::<String>::new());
    assert_eq!(run.task("papers").people, ["user:tom"]);
    run.wake_after("1 day");
    assert_eq!(run.closing().as_deref(), Some("incomplete"));
    assert_eq!(run.count("timer_fired"), 3);

    // several at once, after a standstill
    let mut run = open();
    run.wake_after("8 days");
    assert_eq!(timers_fired(&run), ["Escalate", "Onwards(0)", "Remind(0)"]);
    run.wake();
    assert_eq!(run.count("timer_fired"), 3);

    // and none of what is over
    let mut run = open();
    run.wake_after("30 days");
    assert_eq!(run.closing().as_deref(), Some("incomplete"));
    assert_eq!(timers_fired(&run), Vec::<String>::new());
}

#[test]
fn what_is_next_is_told_until_nothing_is_ahead() {
    let next = |run: &Run| {
        let sentence = why(&run.machine).reasons[0].to_string();
        sentence
            .split_once("; then the run ends as late")
            .expect(&sentence)
            .1
            .to_owned()
    };
    let mut run = Run::of(SIGN);
    run.assign(&["lea"]);
    assert_eq!(
        next(&run),
        "; before that, on Thursday, 26 November 2026, 10:00 CET (Europe/Madrid), it is escalated to role:lead."
    );
    run.wake_after("3 days");
    run.assign(&["boss"]);
    assert_eq!(
        next(&run),
        "; before that, on Friday, 27 November 2026, 10:00 CET (Europe/Madrid), it is escalated to role:legal-board."
    );
    run.wake_after("3 days");
    run.assign(&["chair"]);
    run.assign(&["chief"]);
    assert_eq!(next(&run), ".");
}

#[test]
fn a_run_that_moves_keeps_the_moments_it_was_opened_with() {
    let head = "flow: t\nversion: 1.0.0\ncalendar: office\ninputs: { document: { type: file }, who: { type: text, default: role:legal } }\n";
    let one = "steps:
  - id: sign
    approve: { document: '${{ inputs.document }}', by: [role:legal] }
    deadline: { due: 9 days, escalate: { after: 2 days, to: [role:boss] } }
    outcomes: { rejected: { end: no }, changes_requested: { end: no }, expired: { end: late } }
";
    // from several to one: the first is for whom the new version says, of the others it says nobody
    let mut run = Run::of(SIGN);
    run.assign(&["lea"]);
    run.migrate(&format!("{head}{one}").replace("1.0.0", "2.0.0"), &[])
        .expect("it can be moved");
    run.wake_after("2 days");
    assert_eq!(timers_fired(&run), Vec::<String>::new());
    run.wake_after("3 days");
    assert_eq!(
        fired(&run),
        [
            ("Escalate".to_owned(), vec!["role:boss".to_owned()]),
            ("Onwards(0)".to_owned(), Vec::new())
        ]
    );
    // from one to several: what it was not opened with does not come
    let mut run = Run::of(one);
    run.assign(&["lea"]);
    run.migrate(&format!("{head}{SIGN}").replace("1.0.0", "2.0.0"), &[])
        .expect("it can be moved");
    run.wake_after("8 days");
    assert_eq!(fired(&run), [("Escalate".to_owned(), vec!["role:lead".to_owned()])]);
}
