//! People decide: rules, vetoes, turns, versions, exclusion, delegation.

use super::kit::{Run, document, sha};
use gatefold::engine::StepPhase::{Active, Finished, Incident};
use gatefold::engine::{Input, Refusal, Reply, TaskPhase, TaskView, Work};
use serde_json::json;

/// An approval with this rule, and whatever else stands under `approve`.
fn asked(rule: &str, more: &str, people: &[&str]) -> Run {
    let mut run = unassigned(rule, more);
    run.assign(people);
    run
}

fn unassigned(rule: &str, more: &str) -> Run {
    Run::of(&format!(
        "steps:
  - {{ id: draft, uses: t.call }}
  - id: sign
    after: start
    approve:
      document: ${{{{ inputs.document }}}}
      by: [role:legal]
      rule: {rule}
      reason: [rejected]
{more}
    deadline: {{ due: 5 days }}
    outcomes: {{ rejected: {{ end: rejected }}, changes_requested: {{ end: changes }}, expired: {{ end: late }} }}
  - {{ id: file, uses: t.call }}
"
    ))
}

/// What the approval came to after each of these decisions.
fn after(rule: &str, people: &[&str], decisions: &[(&str, &str)]) -> Option<String> {
    let mut run = asked(rule, "", people);
    for (at, (who, what)) in decisions.iter().enumerate() {
        assert_eq!(run.outcome("sign"), None, "it was settled before decision {at}");
        assert_eq!(run.decide(who, what), Ok(Reply::Accepted));
    }
    run.outcome("sign")
}

/// The version that a task is about.
fn version_of(task: &TaskView) -> u64 {
    task.document.as_ref().map_or(0, |document| document.version)
}

const YES: &str = "approved";
const NO: &str = "rejected";
const CHANGE: &str = "changes_requested";

#[test]
fn any_takes_one_and_fails_when_nobody_is_left() {
    assert_eq!(after("any", &["a", "b"], &[("b", YES)]).as_deref(), Some(YES));
    assert_eq!(after("any", &["a", "b"], &[("a", NO)]), None);
    assert_eq!(after("any", &["a", "b"], &[("a", NO), ("b", NO)]).as_deref(), Some(NO));
}

#[test]
fn all_takes_everybody_and_fails_with_the_first_other_answer() {
    assert_eq!(after("all", &["a", "b"], &[("b", YES)]), None);
    assert_eq!(
        after("all", &["a", "b"], &[("b", YES), ("a", YES)]).as_deref(),
        Some(YES)
    );
    assert_eq!(
        after("all", &["a", "b", "c"], &[("b", CHANGE)]).as_deref(),
        Some(CHANGE)
    );
}

#[test]
fn a_majority_is_more_than_half() {
    let four = &["a", "b", "c", "d"];
    assert_eq!(after("majority", four, &[("a", YES), ("b", YES)]), None);
    assert_eq!(
        after("majority", four, &[("a", YES), ("b", YES), ("c", YES)]).as_deref(),
        Some(YES)
    );
    assert_eq!(after("majority", four, &[("a", NO), ("b", NO)]).as_deref(), Some(NO));
}

#[test]
fn a_number_takes_that_many_and_fails_when_it_is_out_of_reach() {
    let three = &["a", "b", "c"];
    assert_eq!(
        after("2", three, &[("a", YES), ("b", NO), ("c", YES)]).as_deref(),
        Some(YES)
    );
    assert_eq!(after("2", three, &[("a", NO), ("b", NO)]).as_deref(), Some(NO));
    assert_eq!(after("2", three, &[("a", NO), ("b", YES)]), None);
}

#[test]
fn a_percentage_is_rounded_up() {
    let three = &["a", "b", "c"];
    assert_eq!(after("34%", three, &[("a", YES)]), None);
    assert_eq!(after("34%", three, &[("a", YES), ("b", YES)]).as_deref(), Some(YES));
    assert_eq!(after("33%", three, &[("a", YES)]).as_deref(), Some(YES));
}

#[test]
fn the_most_frequent_other_answer_counts_and_of_two_the_one_listed_later() {
    let four = &["a", "b", "c", "d"];
    assert_eq!(
        after("any", four, &[("a", CHANGE), ("b", NO), ("c", CHANGE), ("d", NO)]).as_deref(),
        Some(NO)
    );
    assert_eq!(
        after("any", four, &[("a", NO), ("b", CHANGE), ("c", CHANGE), ("d", CHANGE)]).as_deref(),
        Some(CHANGE)
    );
}

#[test]
fn in_order_only_the_next_one_may_decide() {
    let mut run = asked("in_order", "", &["a", "b", "c"]);
    assert_eq!(run.decide("b", YES), Err(Refusal::NotYourTurn));
    assert_eq!(run.decide("a", YES), Ok(Reply::Accepted));
    assert_eq!(run.decide("c", YES), Err(Refusal::NotYourTurn));
    assert_eq!(run.decide("a", YES), Ok(Reply::AlreadyDone));
    assert_eq!(run.decide("b", YES), Ok(Reply::Accepted));
    assert_eq!(run.phase("sign"), Active);
    assert_eq!(run.decide("c", YES), Ok(Reply::Accepted));
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));
}

#[test]
fn in_order_the_next_one_is_reminded_and_waited_for() {
    let mut run = asked("in_order", "", &["a", "b", "c"]);
    assert_eq!(run.decide("a", YES), Ok(Reply::Accepted));
    let turn = run.task("sign").turn.expect("they take turns");
    let people = |names: &[&str]| names.iter().map(|name| format!("user:{name}")).collect::<Vec<_>>();
    assert_eq!((turn.now, turn.later), (people(&["b"]), people(&["c"])));
    let waits = gatefold::engine::why(&run.machine).reasons;
    let sign = waits.iter().find(|reason| reason.step == "sign").expect("it waits");
    assert_eq!(sign.whom, people(&["b"]));
    assert_eq!(run.decide("b", YES), Ok(Reply::Accepted));
    run.upload(2, "user:x");
    let voided = run.journal.iter().find_map(|record| match &record.event {
        gatefold::engine::Event::DecisionsVoided { decided, .. } => Some(decided.clone()),
        _ => None,
    });
    assert_eq!(voided, Some(people(&["a", "b"])));
    assert_eq!(run.task("sign").turn.expect("they take turns").now, people(&["a"]));
}

#[test]
fn in_order_the_first_other_answer_settles_it() {
    assert_eq!(after("in_order", &["a", "b"], &[("a", NO)]).as_deref(), Some(NO));
}

#[test]
fn a_veto_settles_it_alone_and_agreement_of_who_can_veto_is_not_counted() {
    let mut run = unassigned("1", "      veto: [role:legal-lead]");
    run.assign_with_veto(&["a", "b"], &["lead"]);
    assert_eq!(run.decide("lead", YES), Ok(Reply::Accepted));
    assert_eq!(run.phase("sign"), Active);
    assert_eq!(run.decide("a", YES), Ok(Reply::Accepted));
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));

    let mut run = unassigned("1", "      veto: [role:legal-lead]");
    run.assign_with_veto(&["a", "b"], &["lead"]);
    assert_eq!(run.decide("lead", CHANGE), Ok(Reply::Accepted));
    assert_eq!(run.closing().as_deref(), Some("changes"));
}

#[test]
fn one_who_decides_and_can_veto_does_both() {
    let mut run = unassigned("all", "      veto: [role:legal-lead]");
    run.assign_with_veto(&["a", "lead"], &["lead"]);
    run.decide("lead", YES).expect("it counts");
    run.decide("a", YES).expect("it counts");
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));
}

#[test]
fn two_answers_never_both_count() {
    let mut run = asked("2", "", &["a", "b"]);
    assert_eq!(run.decide("a", YES), Ok(Reply::Accepted));
    assert_eq!(run.decide("a", YES), Ok(Reply::AlreadyDone));
    assert_eq!(run.decide("a", NO), Err(Refusal::AlreadyDecided(YES.to_owned())));
    assert_eq!(run.phase("sign"), Active);
    assert_eq!(run.count("decision_recorded"), 1);
}

#[test]
fn the_same_answer_is_fine_even_after_it_settled_the_task() {
    let mut run = asked("any", "", &["a", "b"]);
    run.decide("a", YES).expect("it counts");
    assert_eq!(run.task("sign").phase, TaskPhase::Settled(YES.to_owned()));
    assert_eq!(run.decide("a", YES), Ok(Reply::AlreadyDone));
    assert_eq!(run.decide("a", NO), Err(Refusal::AlreadyDecided(YES.to_owned())));
    assert_eq!(run.decide("b", YES), Err(Refusal::TaskClosed(YES.to_owned())));
    assert_eq!(run.decide("x", YES), Err(Refusal::NoSuchTask));
}

#[test]
fn a_decision_needs_a_word_that_exists_and_a_reason_where_one_is_wanted() {
    let mut run = asked("any", "", &["a"]);
    let mut decision = run.decision("a", "maybe");
    let possible = [YES, CHANGE, NO].map(str::to_owned).to_vec();
    let given = "maybe".to_owned();
    assert_eq!(
        run.handle(Input::Decide(decision.clone())),
        Err(Refusal::NoSuchDecision { given, possible })
    );
    decision.decision = NO.to_owned();
    for reason in [None, Some(String::new()), Some(" \n".to_owned())] {
        decision.reason = reason;
        assert_eq!(
            run.handle(Input::Decide(decision.clone())),
            Err(Refusal::ReasonMissing(NO.to_owned()))
        );
    }
    decision.decision = YES.to_owned();
    assert_eq!(run.handle(Input::Decide(decision)), Ok(Reply::Accepted));
}

#[test]
fn another_version_is_refused_with_the_one_to_read() {
    let mut run = asked("any", "", &["a"]);
    let mut decision = run.decision("a", YES);
    decision.sha256 = Some(sha(9));
    let current = Box::new(run.task("sign").document.expect("there is one"));
    assert_eq!(
        run.handle(Input::Decide(decision)),
        Err(Refusal::OtherVersion { current })
    );
}

#[test]
fn a_newer_version_makes_decisions_void_and_asks_for_the_new_one() {
    let mut run = asked("2", "", &["a", "b"]);
    run.decide("a", YES).expect("it counts");
    let old = run.decision("b", YES);
    assert_eq!(run.upload(2, "email:eve@example.com"), Reply::Accepted);
    let task = run.task("sign");
    assert_eq!((version_of(&task), task.decided.len()), (2, 0));
    assert_eq!(task.people, ["user:a", "user:b"]);
    assert!(matches!(
        run.handle(Input::Decide(old)),
        Err(Refusal::OtherVersion { .. })
    ));
    // Whoever had decided decides again.
    assert_eq!(run.decide("a", YES), Ok(Reply::Accepted));
    assert_eq!(run.decide("b", YES), Ok(Reply::Accepted));
    assert_eq!(run.output("sign")["document"]["sha256"], sha(2));
}

#[test]
fn an_upload_of_an_older_version_or_another_file_changes_nothing() {
    let mut run = asked("2", "", &["a", "b"]);
    run.decide("a", YES).expect("it counts");
    run.upload(1, "user:x");
    let mut other = document(5);
    other["id"] = json!("fil_2");
    run.event("file360.file_uploaded", &["fil_2"], json!({ "file": other }));
    assert_eq!(run.task("sign").decided.len(), 1);
}

#[test]
fn keep_stays_with_the_version_that_was_asked_about() {
    let mut run = asked("2", "      on_new_version: keep", &["a", "b"]);
    run.decide("a", YES).expect("it counts");
    run.upload(2, "user:x");
    run.decide("b", YES).expect("it counts");
    assert_eq!(run.output("sign")["document"]["version"], 1);
}

#[test]
fn a_version_uploaded_before_the_task_opened_is_the_one_asked_about() {
    let mut run = Run::of(
        "steps:
  - { id: draft, uses: t.call }
  - id: sign
    approve: { document: \"${{ inputs.document }}\", by: [role:legal] }
    deadline: { due: 5 days }
    outcomes: { rejected: { end: no }, changes_requested: { end: no }, expired: { end: no } }
",
    );
    run.upload(2, "user:x");
    run.upload(3, "user:x");
    run.done("draft:1", json!({}));
    assert_eq!(version_of(&run.task("sign")), 3);
}

#[test]
fn the_initiator_and_who_did_a_step_are_excluded() {
    let mut run = Run::of(
        "steps:
  - id: first
    approve: { document: \"${{ inputs.document }}\", by: [role:legal] }
    deadline: { due: 5 days }
    outcomes: { rejected: { end: no }, changes_requested: { end: no }, expired: { end: no } }
  - id: second
    approve: { document: \"${{ inputs.document }}\", by: [role:legal], rule: all, exclude: [initiator, first] }
    deadline: { due: 5 days }
    outcomes: { rejected: { end: no }, changes_requested: { end: no }, expired: { end: no } }
",
    );
    run.assign_with_deputies(&["a", "b"], &[("deputy", "a")]);
    let mut decision = run.decision("deputy", YES);
    decision.on_behalf_of = Some("user:a".to_owned());
    assert_eq!(run.handle(Input::Decide(decision)), Ok(Reply::Accepted));
    let outstanding = run.machine.outstanding();
    let [Work::Assign { exclude, .. }] = &outstanding[..] else {
        panic!("the directory is asked");
    };
    assert_eq!(exclude[..], ["user:ines", "user:deputy", "user:a"]);
    // Even if the directory names them.
    run.assign(&["ines", "a", "deputy", "b", "b", "c"]);
    assert_eq!(run.task("second").people, ["user:b", "user:c"]);
    assert_eq!(run.decide("a", YES), Err(Refusal::NoSuchTask));
    let mut decision = run.decision("a", YES);
    decision.on_behalf_of = Some("user:b".to_owned());
    assert_eq!(run.handle(Input::Decide(decision)), Err(Refusal::NoSuchTask));
}

#[test]
fn the_uploader_is_excluded_of_whatever_version_is_asked_about() {
    let mut run = asked("any", "      exclude: [uploader]", &["a", "b"]);
    assert_eq!(run.task("sign").people, ["user:a", "user:b"]);
    run.upload(2, "user:a");
    assert_eq!(run.decide("b", YES), Err(Refusal::NoSuchTask));
    run.assign(&["a", "b"]);
    assert_eq!(run.task("sign").people, ["user:b"]);
    assert_eq!(run.decide("a", YES), Err(Refusal::NoSuchTask));
    assert_eq!(run.decide("b", YES), Ok(Reply::Accepted));
}

#[test]
fn a_deputy_counts_for_whom_they_act_and_only_once() {
    let mut run = unassigned("2", "");
    run.assign_with_deputies(&["a", "b"], &[("c", "a"), ("b", "a")]);
    let mut decision = run.decision("b", YES);
    decision.on_behalf_of = Some("user:a".to_owned());
    assert_eq!(
        run.handle(Input::Decide(decision)),
        Err(Refusal::NoSuchTask),
        "b would count twice"
    );
    assert_eq!(run.decide("c", YES), Ok(Reply::Accepted));
    assert_eq!(run.decide("a", YES), Ok(Reply::AlreadyDone));
    assert_eq!(run.decide("a", NO), Err(Refusal::AlreadyDecided(YES.to_owned())));
    assert_eq!(run.decide("b", YES), Ok(Reply::Accepted));
    let decisions = &run.output("sign")["decisions"];
    assert_eq!(
        (&decisions[0]["by"], &decisions[0]["on_behalf_of"]),
        (&json!("user:c"), &json!("user:a"))
    );
}

#[test]
fn nobody_decides_before_the_directory_has_told_who() {
    let mut run = unassigned("any", "");
    assert_eq!(run.decide("a", YES), Err(Refusal::NoSuchTask));
    assert_eq!(run.work(), ["draft:1", "sign:1:assign:1"]);
}

#[test]
fn too_few_people_are_an_incident_and_asking_again_helps() {
    let mut run = asked("3", "", &["a", "b"]);
    assert_eq!(run.phase("sign"), Incident);
    assert_eq!(run.work(), ["draft:1"]);
    run.retry("sign").expect("it has an incident");
    assert_eq!(run.work(), ["draft:1", "sign:1:assign:2"]);
    run.assign(&["a", "b", "c"]);
    assert_eq!(run.phase("sign"), Active);

    let run = asked("any", "", &[]);
    assert_eq!(run.phase("sign"), Incident);
}

#[test]
fn an_answer_to_an_earlier_question_is_ignored() {
    let mut run = unassigned("any", "      exclude: [uploader]");
    let work = run.machine.outstanding()[1].key().clone();
    run.upload(2, "user:a");
    let assignment = gatefold::engine::Assignment {
        people: vec!["user:a".to_owned()],
        veto: Vec::new(),
        ..gatefold::engine::Assignment::default()
    };
    assert_eq!(run.handle(Input::Assigned { work, assignment }), Ok(Reply::AlreadyDone));
    assert!(run.task("sign").people.is_empty());
}

#[test]
fn a_directory_that_fails_is_an_incident() {
    let mut run = unassigned("any", "");
    let reply = run.failed("run_1:sign:1:assign:1", 1, gatefold::engine::FailureKind::Permanent);
    assert_eq!(reply, Ok(Reply::Accepted));
    assert_eq!(run.phase("sign"), Incident);
    // A deadline still ends it.
    run.wake_after("5 days");
    assert_eq!(run.ended().as_deref(), Some("late"));
    assert!(!run.machine.incident());
}

#[test]
fn a_document_that_is_none_is_an_incident() {
    let run = Run::of(
        "steps:
  - { id: a, uses: t.pure, if: 1 == 2 }
  - id: sign
    approve: { document: \"${{ steps.a.file or 'nothing' }}\", by: [role:legal] }
    deadline: { due: 5 days }
    outcomes: { rejected: { end: no }, changes_requested: { end: no }, expired: { end: no } }
",
    );
    assert_eq!(run.phase("sign"), Incident);
}

#[test]
fn the_authors_own_decisions_lead_where_they_say() {
    let mut run = Run::of(
        "steps:
  - id: sign
    approve: { document: \"${{ inputs.document }}\", by: [role:legal], decisions: [fine, shrug] }
    deadline: { due: 5 days }
    outcomes: { expired: { end: late } }
  - { id: a, uses: t.call, after: sign.fine }
  - { id: b, uses: t.call, after: sign.shrug }
",
    );
    run.assign(&["lea"]);
    run.decide("lea", "shrug").expect("it counts");
    assert_eq!(run.phase("sign"), Finished);
    assert_eq!(run.work(), ["b:1"]);
}

/// A run whose `a` and `b` are asked by this rule, and whose boss has joined them by escalation.
fn joined(rule: &str) -> Run {
    let mut run = Run::of(&format!(
        "steps:
  - id: sign
    approve: {{ document: '${{{{ inputs.document }}}}', by: [role:legal], rule: {rule}, exclude: [uploader] }}
    deadline: {{ due: 5 days, escalate: {{ after: 1 day, to: [role:lead] }} }}
    outcomes: {{ rejected: {{ end: rejected }}, changes_requested: {{ end: changes }}, expired: {{ end: late }} }}
"
    ));
    run.assign(&["a", "b"]);
    run.wake_after("1 day");
    run.assign(&["boss"]);
    run
}

#[test]
fn whoever_joined_and_is_excluded_later_is_no_longer_counted_on() {
    let mut run = joined("2");
    run.upload(2, "user:boss");
    run.assign(&["a", "b"]);
    assert_eq!(run.decide("boss", YES), Err(Refusal::NoSuchTask));
    assert_eq!(run.decide("a", NO), Ok(Reply::Accepted));
    assert_eq!(run.ended().as_deref(), Some("rejected"), "two can no longer agree");
}

#[test]
fn who_joined_decides_once_the_others_are_known_again() {
    let mut run = joined("any");
    run.upload(2, "user:a");
    assert_eq!(run.decide("boss", YES), Err(Refusal::NoPlace));
    run.assign(&["b"]);
    assert_eq!(run.decide("boss", YES), Ok(Reply::Accepted));
    assert_eq!(run.outcome("sign").as_deref(), Some(YES));
}

#[test]
fn who_joined_and_is_asked_as_well_has_one_voice() {
    let mut run = joined("2");
    run.upload(2, "user:a");
    run.assign(&["b", "boss"]);
    assert_eq!(run.decide("b", NO), Ok(Reply::Accepted));
    assert_eq!(run.ended().as_deref(), Some("rejected"), "two can no longer agree");
}

#[test]
fn everybody_who_met_a_wait_for_all_can_be_excluded() {
    let mut run = Run::of(
        "steps:
  - id: both
    wait:
      all:
        here: { event: t.ping }
        there: { event: t.pong }
    deadline: none
    because: test
  - id: sign
    approve: { document: '${{ inputs.document }}', by: [role:legal], rule: any, exclude: [both] }
    deadline: none
    because: test
    outcomes: { rejected: { end: rejected }, changes_requested: { end: changes } }
",
    );
    run.event("t.ping", &[], json!({ "by": "user:a" }));
    run.event("t.pong", &[], json!({ "by": "user:b" }));
    run.assign(&["a", "b", "c"]);
    assert_eq!(run.task("sign").people, ["user:c"]);
}
