//! Runs keep the evaluation rules of their version, and take those of the version that they move to.

use super::flows;
use super::kit::Run;
use gatefold::base::Semantics;
use gatefold::engine::{Event, Input, OUTPUTS, RunMachine};
use serde_json::{Value, json};
use std::sync::Arc;

const FLOW: &str = "flow: t
version: 1.0.0
inputs: { amount: { type: object } }
steps:
  - id: sign
    task: { to: [user:lea], title: Sign it }
    deadline: { due: 5 days }
    outcomes: { declined: { end: declined }, expired: { end: late } }
  - id: size
    choose: [{ when: inputs.amount.net < 1000, outcome: small }, { otherwise: large }]
";

/// A run of a version that follows these rules, up to its first choice.
fn run(semantics: Semantics) -> Run {
    let mut plan = flows::plan(FLOW);
    Arc::make_mut(&mut plan).semantics = semantics;
    let mut run = Run::start_plan(plan, json!({ "amount": { "net": null } }));
    run.assign(&["lea"]);
    run
}

#[test]
fn a_run_follows_the_rules_of_its_version() {
    let mut first = run(Semantics::FIRST);
    let started = serde_json::to_value(&first.journal[0]).expect("it can be written");
    assert_eq!(started.get("semantics"), None, "as journals were written before");
    first.decide("lea", "done").expect("it counts");
    assert_eq!(first.outcome("size").as_deref(), Some("small"));
    let mut second = run(Semantics::CURRENT);
    let started = serde_json::to_value(&second.journal[0]).expect("it can be written");
    assert_eq!(started["semantics"], 2);
    second.decide("lea", "done").expect("it counts");
    assert!(second.machine.has_incident_at("size"));
}

#[test]
fn the_journal_says_the_rules_and_not_the_plan() {
    let mut first = run(Semantics::FIRST);
    let newer = flows::plan(FLOW);
    assert_eq!(newer.semantics, Semantics::CURRENT);
    first.machine = RunMachine::replay(newer, &first.journal).expect("it can be replayed");
    first.decide("lea", "done").expect("it counts");
    assert_eq!(first.outcome("size").as_deref(), Some("small"));
}

#[test]
fn a_run_that_moves_follows_the_rules_of_the_other_version() {
    let mut moved = run(Semantics::FIRST);
    assert_eq!(moved.migrate(&FLOW.replace("1.0.0", "2.0.0"), &[]), Ok(Vec::new()));
    let migrated = serde_json::to_value(moved.journal.last()).expect("it can be written");
    assert_eq!(
        (migrated["from"].get("semantics"), &migrated["to"]["semantics"]),
        (None, &json!(2))
    );
    assert_eq!(moved.machine.semantics(), Semantics::CURRENT);
    moved.decide("lea", "done").expect("it counts");
    assert!(moved.machine.has_incident_at("size"));
}

#[test]
fn rules_that_are_not_known_are_refused() {
    let run = run(Semantics::FIRST);
    let mut journal = serde_json::to_value(&run.journal).expect("it can be written");
    for unknown in [0, 3] {
        journal[0]["semantics"] = json!(unknown);
        let journal: Vec<_> = serde_json::from_value(journal.clone()).expect("it can be read");
        let error = RunMachine::replay(Arc::clone(&run.plan), &journal).expect_err("nobody knows them");
        assert!(error.to_string().contains("start a newer build"), "{error}");
    }
}

fn gives(net: Value, semantics: Semantics) -> Run {
    let text = "flow: t\nversion: 1.0.0\noutputs: { gross: '${{ steps.a.net * 1.21 }}', net: '${{ steps.a.net }}' }\nsteps:\n  - { id: a, uses: t.call }\n";
    let mut plan = flows::plan(text);
    Arc::make_mut(&mut plan).semantics = semantics;
    let mut run = Run::start_plan(plan, json!({}));
    run.done("a:1", json!({ "net": net }));
    run
}

fn failed(run: &Run) -> Vec<String> {
    match &run.journal.last().expect("there is one").event {
        Event::RunEnded { failed_outputs, .. } => failed_outputs.keys().cloned().collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_output_that_cannot_be_computed_waits_for_a_person() {
    let mut run = gives(json!("10"), Semantics::CURRENT);
    assert_eq!(run.ended(), None);
    assert!(run.machine.has_incident_at(OUTPUTS));
    run.retry(OUTPUTS).expect("it is tried again");
    assert!(run.machine.has_incident_at(OUTPUTS), "nothing else has changed");
    let skip = Input::Skip {
        step: OUTPUTS.to_owned(),
        by: "user:ines".to_owned(),
        reason: "booked by hand".to_owned(),
    };
    run.handle(skip).expect("it ends");
    assert_eq!(run.ended().as_deref(), Some("completed"));
    assert_eq!(failed(&run), ["gross"]);
    assert_eq!(run.machine.outputs(), Some(&json!({ "net": "10" })));
}

#[test]
fn an_output_that_failed_is_recorded_where_the_run_ends_all_the_same() {
    let run = gives(json!("10"), Semantics::FIRST);
    assert_eq!(run.ended().as_deref(), Some("completed"));
    assert_eq!(failed(&run), ["gross"]);
    let fine = gives(json!(100), Semantics::CURRENT);
    assert_eq!(fine.ended().as_deref(), Some("completed"));
    assert_eq!(failed(&fine), [""; 0]);
}
