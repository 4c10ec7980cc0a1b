//! Membership changes while a task is open.

use super::kit::{Run, document};
use gatefold::base::id::RunId;
use gatefold::base::{LocalAccess, Via};
use gatefold::engine::event::Weight;
use gatefold::engine::{Decision, Input, Members, Parent, Refusal, Reply, TaskAct};
use serde_json::json;

pub const MEMBERS: &str = "\
flow: members
version: 1.0.0
inputs: { document: { type: file } }
steps:
  - id: sign
    approve:
      document: ${{ inputs.document }}
      by: [role:legal]
      rule: 3
      weights: { 'role:lead': 2 }
      veto: [role:board]
      only: [role:staff]
      exclude: [initiator]
      decisions: [approved, rejected]
    deadline: { due: 5 days, escalate: { after: 1 day, to: [role:night] } }
    outcomes: { rejected: { end: rejected }, expired: { end: expired } }
";

fn users(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("user:{name}")).collect()
}

/// The new answer of the directory.
fn says(run: &mut Run, people: &[&str], veto: &[&str], escalated: &[&str], absent: &[&str]) -> Reply {
    let all: Vec<&str> = [people, veto, escalated].concat();
    let members = Members {
        people: users(people),
        veto: users(veto),
        escalated: users(escalated),
        only: Some(users(&all)),
        exclude: users(&["otto", "ines", "eve"]),
        weights: vec![Weight {
            person: "user:mia".to_owned(),
            weight: 2,
        }],
        absent: users(absent),
    };
    let task = run.task("sign").id;
    run.handle(Input::Members { task, members })
        .expect("the directory is not refused")
}

/// A run that another run has started.
fn begun() -> Run {
    let plan = super::flows::plan(MEMBERS);
    let parent = Parent {
        run: RunId::from("run_0"),
        step: "sub".to_owned(),
        depth: 1,
    };
    Run::start_within(plan, json!({ "document": document(1) }), Some(parent))
}

pub fn members() -> Run {
    let mut run = begun();
    run.assign_with_veto(&["lea", "leo", "kim"], &["boss"]);
    run.wake_after("1 day");
    run.assign(&["nina"]);
    says(
        &mut run,
        &["lea", "kim", "mia"],
        &["boss", "vera"],
        &["nina", "nils"],
        &["leo"],
    );
    // leo's place goes to somebody else
    let reassign = TaskAct::Reassign {
        of: "user:leo".to_owned(),
        to: "user:mia".to_owned(),
        reason: None,
        afresh: false,
    };
    assert!(
        matches!(run.act("lea", reassign), Err(Refusal::NotAllowed(_))),
        "only an administrator hands it on"
    );
    let decision = Decision {
        via: Some(Via::Local(LocalAccess {
            account: "local:1000".to_owned(),
            break_glass: Some("the server is down".to_owned()),
        })),
        ..run.decision("lea", "approved")
    };
    run.handle(Input::Decide(decision)).expect("it counts");
    let again = says(
        &mut run,
        &["lea", "kim", "mia"],
        &["boss", "vera"],
        &["nina", "nils"],
        &["leo"],
    );
    assert_eq!(again, Reply::AlreadyDone, "nothing is recorded twice");
    run.decide("mia", "approved").expect("it counts twice");
    run
}

#[test]
fn somebody_who_left_cannot_answer_and_somebody_who_came_can() {
    let mut run = begun();
    run.assign_with_veto(&["lea", "leo", "kim"], &["boss"]);
    says(&mut run, &["lea", "kim", "mia"], &["boss"], &[], &["leo"]);
    assert_eq!(run.decide("leo", "approved"), Err(Refusal::NoLongerAsked));
    assert_eq!(run.decide("nobody", "approved"), Err(Refusal::NoSuchTask));
    run.decide("mia", "approved").expect("it counts twice");
    run.decide("lea", "approved").expect("it counts");
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn what_the_directory_excludes_later_is_no_longer_asked() {
    let mut run = begun();
    run.assign_with_veto(&["lea", "ines", "kim", "otto", "leo"], &["boss"]);
    assert_eq!(
        run.task("sign").people,
        users(&["lea", "kim", "leo", "boss"]),
        "the starter is excluded as well"
    );
}
