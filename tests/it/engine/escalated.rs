//! Whose place the answer of somebody takes who was escalated to.

use super::kit::Run;
use gatefold::engine::event::{DecisionRecord, Weight};
use gatefold::engine::{Assignment, Event, EventRecord, Input, Refusal, Reply, RunMachine, TaskAct, Work, why};
use serde_json::{Value, json};

const YES: &str = "approved";
const NO: &str = "rejected";

fn user(name: &str) -> String {
    format!("user:{name}")
}

/// A run in which it is not known yet who is asked.
fn opened(ask: &str) -> Run {
    Run::of(&format!(
        "steps:
  - id: sign
    approve: {{ document: '${{{{ inputs.document }}}}', by: [role:legal], {ask} }}
    deadline: {{ due: 5 days, escalate: {{ after: 1 day, to: [role:lead] }} }}
    outcomes: {{ rejected: {{ end: rejected }}, changes_requested: {{ end: changes }}, expired: {{ end: late }} }}
  - id: pay
    task: {{ to: [role:legal], exclude: [sign] }}
    deadline: {{ due: 5 days }}
    outcomes: {{ declined: {{ end: declined }}, expired: {{ end: late }} }}
"
    ))
}

/// A run whose `people` are asked by this rule, and which is to be escalated now.
fn joined_with(ask: &str, people: &[&str], veto: &[&str]) -> Run {
    let mut run = opened(ask);
    run.assign_with_veto(people, veto);
    run.wake_after("1 day");
    run
}

fn joined(rule: &str, people: &[&str]) -> Run {
    let mut run = joined_with(&format!("rule: {rule}"), people, &[]);
    run.assign(&["lead"]);
    run
}

/// The directory answers the escalation: these join, with who stands in for whom.
fn joins(run: &mut Run, people: &[&str], deputies: &[(&str, &str)]) {
    run.assign_with_deputies(people, deputies);
}

/// Who answered, and in whose place, in order: `lead for a`.
fn places(run: &Run) -> Vec<String> {
    let decided = run.task("sign").decided.into_iter();
    let told = |record: DecisionRecord| {
        let whom = record.for_whom(|name| name.trim_start_matches("user:").to_owned());
        format!("{}{whom}", record.by.trim_start_matches("user:"))
    };
    decided.map(told).collect()
}

fn place(run: &Run) -> Option<String> {
    run.task("sign").place
}

#[test]
fn under_all_it_is_the_first_who_has_not_answered_and_every_place_is_answered() {
    let mut run = joined("all", &["a", "b", "c"]);
    assert_eq!(run.task("sign").escalated, ["user:lead"]);
    run.decide("a", YES).expect("it counts");
    assert_eq!(place(&run), Some(user("b")));
    assert_eq!(run.decide("lead", YES), Ok(Reply::Accepted));
    assert_eq!(places(&run), ["a", "lead in the place of b, who had not answered,"]);
    assert_eq!(run.outcome("sign"), None, "c has not answered");
    // one place each
    assert_eq!(run.decide("lead", YES), Ok(Reply::AlreadyDone));
    assert_eq!(run.decide("lead", NO), Err(Refusal::AlreadyDecided(YES.to_owned())));
    run.decide("c", YES).expect("it counts");
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));
    let record = &run.output("sign")["decisions"][1];
    let names = [&record["by"], &record["on_behalf_of"], &record["escalated_to"]];
    assert_eq!(names, ["user:lead", "user:b", "user:lead"]);
}

#[test]
fn whose_place_is_taken_can_no_longer_answer_nor_can_their_deputy() {
    let mut run = joined_with("rule: all", &["a", "b"], &[]);
    joins(&mut run, &["lead"], &[]);
    let delegate = TaskAct::Delegate {
        of: user("a"),
        to: user("d"),
        reason: None,
    };
    run.act("a", delegate).expect("it is theirs");
    run.decide("lead", YES).expect("it counts");
    for person in ["a", "d"] {
        for answer in [YES, NO] {
            assert_eq!(run.decide(person, answer), Err(Refusal::PlaceTaken), "{person}");
        }
    }
    // somebody who has no place cannot be given one that is taken
    let handed = TaskAct::Reassign {
        of: user("a"),
        to: user("x"),
        reason: None,
        afresh: false,
    };
    assert!(matches!(run.act("a", handed), Err(Refusal::NotEligible(_))));
    run.decide("b", YES).expect("it counts");
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));
    // also once it is settled
    let task = run.task("sign").id;
    let mut late = run.decision("a", YES);
    late.task = task;
    late.sha256 = run.task("sign").document.map(|document| document.sha256);
    assert_eq!(run.handle(Input::Decide(late)), Err(Refusal::PlaceTaken));
}

#[test]
fn under_in_order_it_is_the_one_whose_turn_it_is() {
    let mut run = joined("in_order", &["a", "b", "c"]);
    run.decide("a", YES).expect("it counts");
    assert_eq!(run.decide("lead", YES), Ok(Reply::Accepted));
    assert_eq!(places(&run)[1], "lead in the place of b, who had not answered,");
    assert_eq!(run.decide("b", YES), Err(Refusal::PlaceTaken));
    assert_eq!(run.task("sign").turn.expect("they take turns").now, ["user:c"]);
    // who comes later is no place to take before their turn
    let mut run = joined("in_order", &["a", "b"]);
    let mut early = run.decision("lead", YES);
    early.on_behalf_of = Some(user("b"));
    assert_eq!(run.handle(Input::Decide(early)), Err(Refusal::NoSuchTask));
    let mut now = run.decision("lead", YES);
    now.on_behalf_of = Some(user("a"));
    assert_eq!(run.handle(Input::Decide(now.clone())), Ok(Reply::Accepted));
    assert_eq!(run.handle(Input::Decide(now)), Ok(Reply::AlreadyDone));
    assert_eq!(run.outcome("sign"), None);
}

#[test]
fn several_who_are_escalated_to_take_one_place_each_and_a_late_one_is_refused() {
    let mut run = joined_with("rule: all", &["a", "b"], &[]);
    joins(&mut run, &["lead", "chief", "chair"], &[]);
    run.decide("chief", YES).expect("it counts");
    run.decide("lead", YES).expect("it counts");
    let expected = ["chief", "lead"].map(|who| format!("{who} in the place of"));
    for (place, expected) in places(&run).iter().zip(expected) {
        assert!(place.starts_with(&expected), "{place}");
    }
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));
    let task = run.task("sign");
    let mut late = run.decision("chair", YES);
    late.task = task.id;
    assert_eq!(
        run.handle(Input::Decide(late)),
        Err(Refusal::TaskClosed(YES.to_owned())),
        "as any late one"
    );
}

#[test]
fn it_counts_as_much_as_the_place_and_nothing_twice() {
    let mut run = opened("rule: 3");
    let work = run.machine.outstanding()[0].key().clone();
    let weight = |name: &str, weight: u32| Weight {
        person: user(name),
        weight,
    };
    let assignment = Assignment {
        people: vec![user("a"), user("b")],
        weights: vec![weight("a", 2), weight("lead", 9)],
        ..Assignment::default()
    };
    run.handle(Input::Assigned { work, assignment })
        .expect("it is an answer");
    run.wake_after("1 day");
    joins(&mut run, &["lead"], &[]);
    assert_eq!(run.decide("lead", YES), Ok(Reply::Accepted));
    assert_eq!(run.outcome("sign"), None, "two of three");
    run.decide("b", YES).expect("it counts");
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));
}

#[test]
fn it_is_no_veto_whoever_it_is_for_and_who_is_asked_answers_for_themselves() {
    let mut run = joined_with("rule: 1, veto: [user:a]", &["a", "b"], &["a"]);
    joins(&mut run, &["lead"], &[]);
    assert_eq!(run.decide("lead", NO), Ok(Reply::Accepted));
    assert_eq!(run.outcome("sign"), None, "b may agree");
    run.decide("b", YES).expect("it counts");
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));

    let mut run = joined_with("rule: all, veto: [user:v]", &["a", "b"], &["v"]);
    joins(&mut run, &["b", "v"], &[]);
    assert_eq!(run.task("sign").escalated, Vec::<String>::new());
    run.decide("b", YES).expect("it counts");
    assert_eq!(places(&run), ["b"]);
    // whoever has a veto takes no place by that
    run.decide("v", YES).expect("it counts");
    assert_eq!(
        (places(&run), run.outcome("sign")),
        (vec!["b".to_owned(), "v".to_owned()], None)
    );
    run.decide("a", YES).expect("it counts");
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));
}

#[test]
fn both_are_excluded_later_and_so_is_who_was_stood_in_for() {
    let mut run = joined_with("rule: any", &["a", "b"], &[]);
    joins(&mut run, &["lead"], &[("dep", "lead")]);
    assert_eq!(run.decide("dep", YES), Ok(Reply::Accepted));
    assert_eq!(places(&run), ["dep for lead, in the place of a, who had not answered,"]);
    let outstanding = run.machine.outstanding();
    let [Work::Assign { exclude, .. }] = &outstanding[..] else {
        panic!("the directory is asked");
    };
    assert_eq!(exclude[..], ["user:dep", "user:a", "user:lead"]);
    run.assign(&["a", "b", "lead", "dep"]);
    assert_eq!(run.task("pay").people, ["user:b"]);
}

#[test]
fn who_is_excluded_takes_no_place() {
    let mut run = joined_with("rule: any, exclude: [initiator]", &["a", "b"], &[]);
    joins(&mut run, &["ines"], &[]);
    assert_eq!(run.task("sign").escalated, Vec::<String>::new());
    assert_eq!(run.decide("ines", YES), Err(Refusal::NoSuchTask));
}

#[test]
fn it_is_the_place_of_who_has_the_task_and_the_others_can_go_on_where_it_settles_nothing() {
    let mut run = joined("any", &["a", "b"]);
    run.act("b", TaskAct::Claim).expect("it is free");
    assert_eq!(place(&run), Some(user("b")));
    assert_eq!(run.decide("lead", NO), Ok(Reply::Accepted));
    assert_eq!(places(&run), ["lead in the place of b, who had not answered,"]);
    assert_eq!(run.outcome("sign"), None);
    assert_eq!(run.task("sign").claimed_by, None, "who cannot answer holds nothing");
    assert_eq!(run.decide("a", YES), Ok(Reply::Accepted));
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));
}

#[test]
fn as_long_as_nobody_is_known_there_is_no_place() {
    let mut run = joined_with("rule: any, exclude: [uploader]", &["a", "b"], &[]);
    joins(&mut run, &["lead"], &[]);
    run.upload(2, "user:a");
    assert_eq!(run.decide("lead", YES), Err(Refusal::NoPlace));
    run.assign(&["b"]);
    assert_eq!(run.decide("lead", YES), Ok(Reply::Accepted));
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));
}

#[test]
fn a_newer_version_gives_the_place_back() {
    let mut run = joined("all", &["a", "b"]);
    run.decide("lead", YES).expect("it counts");
    run.upload(2, "user:x");
    assert_eq!(run.decide("a", YES), Ok(Reply::Accepted));
    assert_eq!(run.decide("lead", YES), Ok(Reply::Accepted));
    assert_eq!(places(&run), ["a", "lead in the place of b, who had not answered,"]);
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));
}

/// The journal as it was written before places were recorded.
fn without_places(run: &Run) -> RunMachine {
    let before = |record: &EventRecord| {
        let mut line = json!(record);
        if let Some(Value::Object(record)) = line.get_mut("record")
            && record.remove("escalated_to").is_some()
        {
            record.remove("on_behalf_of");
        }
        serde_json::from_value(line).expect("it is a line of a journal")
    };
    let journal: Vec<EventRecord> = run.journal.iter().map(before).collect();
    RunMachine::replay(run.plan.clone(), &journal).expect("it can be replayed")
}

#[test]
fn an_answer_that_was_recorded_without_a_place_counts_as_it_did() {
    let mut run = joined("all", &["a", "b"]);
    run.decide("lead", YES).expect("it counts");
    run.machine = without_places(&run);
    assert_eq!(run.task("sign").decided[0].on_behalf_of, None);
    // nobody's place is taken, and it is one of the two that are needed
    let b = run.decision("b", YES);
    assert_eq!(run.machine.handle(run.now, Input::Decide(b)), Ok(Reply::Accepted));
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));
    let finished = run.machine.take_events();
    assert!(matches!(finished[1].event, Event::StepFinished { .. }));
}

#[test]
fn a_deputy_of_who_is_escalated_to_and_they_themselves_have_one_place() {
    let mut run = joined_with("rule: all", &["a", "b", "c"], &[]);
    joins(&mut run, &["lead"], &[("dep", "lead")]);
    run.decide("dep", YES).expect("it counts");
    assert_eq!(run.decide("lead", YES), Ok(Reply::AlreadyDone));
    assert_eq!(run.decide("lead", NO), Err(Refusal::AlreadyDecided(YES.to_owned())));
    assert_eq!(places(&run).len(), 1);
}

#[test]
fn why_names_who_was_added_and_in_whose_place_they_answer() {
    let sentence = |run: &Run| why(&run.machine).reasons[0].to_string();
    let mut run = joined("all", &["a", "b"]);
    let said = " from user:a and user:b, or from user:lead, added by escalation, in the place of user:a, since ";
    assert!(sentence(&run).contains(said), "{}", sentence(&run));
    run.decide("a", YES).expect("it counts");
    let said = " from user:b, or from user:lead, added by escalation, in the place of user:b, since ";
    assert!(sentence(&run).contains(said), "{}", sentence(&run));
    run.upload(2, "user:x");
    run.decide("lead", YES).expect("it counts");
    assert!(sentence(&run).contains(" from user:b, since "), "{}", sentence(&run));
}
