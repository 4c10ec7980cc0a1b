//! Through what people act, as journals keep it.

use super::kit::Run;
use gatefold::base::Via;
use gatefold::engine::{Acting, Decision, Input, TaskAct};
use serde_json::{Value, json};

pub const VIA: &str = "flow: via
version: 1.0.0
steps:
  - id: look
    task: { to: [user:lea], title: Look at it }
    deadline: { due: 5 days }
    outcomes: { declined: { end: declined }, expired: { end: late } }
";

/// A task that is taken and done with a token.
pub fn via() -> Run {
    let token = || Some(Via::Token("tok_0123456789ab".to_owned()));
    let mut run = Run::start(VIA, json!({}));
    run.assign(&["lea"]);
    let claim = Acting {
        task: run.task("look").id,
        by: "user:lea".to_owned(),
        admin: false,
        act: TaskAct::Claim,
    };
    run.handle_via(Input::Act(claim), token()).expect("it counts");
    let decision = Decision {
        via: token(),
        ..run.decision("lea", "done")
    };
    run.handle(Input::Decide(decision)).expect("it counts");
    run
}

#[test]
fn the_line_of_an_act_names_the_token_and_no_other_line_does() {
    let run = via();
    let lines: Vec<Value> = run.journal.iter().map(|record| json!(record)).collect();
    let named = lines.iter().filter(|line| !line["via"].is_null());
    let named: Vec<&Value> = named.map(|line| &line["type"]).collect();
    assert_eq!(named, ["task_acted"], "a decision has it in its record");
    let decided = lines
        .iter()
        .find(|line| line["type"] == "decision_recorded")
        .expect("it was decided");
    assert_eq!(decided["record"]["token"], "tok_0123456789ab");
}
