//! Decisions that count more than one.

use super::kit::Run;
use gatefold::engine::event::Weight;
use gatefold::engine::{Assignment, Input, Reply, StepPhase, TaskAct, Work};

/// An approval with this rule by these people, each with what their decision counts.
fn asked(rule: &str, people: &[(&str, u32)]) -> Run {
    let mut run = Run::of(&format!(
        "steps:
  - id: sign
    approve:
      document: '${{{{ inputs.document }}}}'
      by: [role:legal]
      rule: {rule}
      weights: {{ 'role:lead': 2 }}
    deadline: {{ due: 5 days }}
    outcomes: {{ rejected: {{ end: no }}, changes_requested: {{ end: changes }}, expired: {{ end: late }} }}
"
    ));
    let outstanding = run.machine.outstanding();
    let [Work::Assign { key, weights, .. }] = &outstanding[..] else {
        panic!("the directory is asked");
    };
    assert_eq!(weights[..], [("role:lead".to_owned(), 2)]);
    let work = key.clone();
    let weight = |(name, weight): &(&str, u32)| Weight {
        person: format!("user:{name}"),
        weight: *weight,
    };
    let assignment = Assignment {
        people: people.iter().map(|(name, _)| format!("user:{name}")).collect(),
        weights: people.iter().filter(|(_, weight)| *weight > 1).map(weight).collect(),
        ..Assignment::default()
    };
    run.handle(Input::Assigned { work, assignment }).expect("it is wanted");
    run
}

/// What it came to after these decisions, none of which but the last settles it.
fn after(rule: &str, people: &[(&str, u32)], decisions: &[(&str, &str)]) -> Option<String> {
    let mut run = asked(rule, people);
    for (who, what) in decisions {
        assert_eq!(run.outcome("sign"), None);
        assert_eq!(run.decide(who, what), Ok(Reply::Accepted));
    }
    run.outcome("sign")
}

const YES: &str = "approved";
const NO: &str = "rejected";
const PEOPLE: [(&str, u32); 3] = [("lead", 3), ("a", 1), ("b", 1)];

#[test]
fn a_majority_is_more_than_half_of_all_weights() {
    assert_eq!(after("majority", &PEOPLE, &[("lead", YES)]).as_deref(), Some(YES));
    assert_eq!(after("majority", &PEOPLE, &[("a", YES), ("b", YES)]), None);
    assert_eq!(after("majority", &PEOPLE, &[("lead", NO)]).as_deref(), Some(NO));
}

#[test]
fn a_number_and_a_share_count_weights() {
    assert_eq!(after("4", &PEOPLE, &[("lead", YES)]), None);
    assert_eq!(after("4", &PEOPLE, &[("lead", YES), ("b", YES)]).as_deref(), Some(YES));
    assert_eq!(after("4", &PEOPLE, &[("a", NO)]), None);
    assert_eq!(after("4", &PEOPLE, &[("a", NO), ("b", NO)]).as_deref(), Some(NO));
    assert_eq!(after("60%", &PEOPLE, &[("lead", YES)]).as_deref(), Some(YES));
    assert_eq!(after("61%", &PEOPLE, &[("lead", YES)]), None);
}

#[test]
fn everybody_is_everybody_whatever_they_weigh() {
    assert_eq!(after("all", &PEOPLE, &[("lead", YES), ("a", YES)]), None);
    assert_eq!(
        after("all", &PEOPLE, &[("lead", YES), ("a", YES), ("b", YES)]).as_deref(),
        Some(YES)
    );
}

#[test]
fn the_heavier_of_other_answers_is_the_outcome() {
    let people = [("lead", 3), ("a", 1), ("b", 1), ("c", 1)];
    let decisions = [("a", NO), ("b", NO), ("lead", "changes_requested")];
    assert_eq!(
        after("majority", &people, &decisions).as_deref(),
        Some("changes_requested")
    );
}

#[test]
fn more_than_all_weigh_is_an_incident_and_as_much_is_not() {
    assert_eq!(asked("5", &PEOPLE).phase("sign"), StepPhase::Active);
    assert_eq!(asked("6", &PEOPLE).phase("sign"), StepPhase::Incident);
}

#[test]
fn a_place_that_is_handed_over_keeps_its_weight() {
    let mut run = asked("majority", &PEOPLE);
    let (of, to, reason) = ("user:lead".to_owned(), "user:c".to_owned(), None);
    run.act(
        "lead",
        TaskAct::Reassign {
            of,
            to,
            reason,
            afresh: false,
        },
    )
    .expect("it is theirs");
    run.decide("c", YES).expect("it counts");
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));
}
