//! The run of another flow as a child: started, ended, no longer wanted.

use super::kit::Run;
use gatefold::base::id::RunId;
use gatefold::engine::FailureKind::{InDoubt, Permanent, Transient};
use gatefold::engine::{Event, RUN_ENDED, Reply, StepPhase};
use serde_json::{Value, json};

const SCREENING: &str = "\
outputs: { score: '${{ steps.screening.score }}', run: '${{ steps.screening.run }}' }
steps:
  - id: screening
    run: { flow: sanctions-screening, version: ^1, with: { company: '${{ inputs.who }}' } }
    outcomes: { hit: { end: blocked } }
  - { id: after, uses: t.call }
";

/// The id of the run that `step` starts in `round`.
pub fn child(step: &str, round: u32) -> String {
    RunId::derived(&format!("run_1:{step}:{round}")).0
}

impl Run {
    /// The host says that the child is there.
    pub fn started(&mut self, step: &str, round: u32) {
        let output = json!({ "run": child(step, round), "version": "1.4.0" });
        self.done(&format!("{step}:{round}"), output);
    }

    /// The child comes to its end.
    pub fn ends(&mut self, step: &str, round: u32, outcome: &str, outputs: &Value) -> Reply {
        let run = child(step, round);
        let data = json!({ "run": run, "flow": "sanctions-screening", "version": "1.4.0", "outcome": outcome,
            "outputs": outputs, "initiator": "user:ines" });
        self.event(RUN_ENDED, &[&run], data)
    }

    fn owned(&self) -> Vec<String> {
        self.machine.owned().into_iter().map(|thing| thing.id).collect()
    }
}

fn running() -> Run {
    let mut run = Run::of(SCREENING);
    run.started("screening", 1);
    run
}

#[test]
fn it_is_started_under_an_id_of_its_own_and_its_end_is_the_outcome() {
    let mut run = Run::of(SCREENING);
    let (_, _, input) = run.call("screening:1");
    let with = json!({ "company": "role:legal" });
    assert_eq!(
        input,
        json!({ "flow": "sanctions-screening", "version": "^1", "with": with })
    );
    assert_eq!(run.machine.starting(), [RunId(child("screening", 1))]);
    run.started("screening", 1);
    assert_eq!(run.work(), Vec::<String>::new());
    assert_eq!(run.owned(), [child("screening", 1)]);
    assert_eq!(run.step("screening").run.map(|run| run.0), Some(child("screening", 1)));
    assert_eq!(
        run.ends("screening", 1, "completed", &json!({ "score": 3 })),
        Reply::Accepted
    );
    assert_eq!(run.outcome("screening").as_deref(), Some("completed"));
    assert!(run.owned().is_empty(), "what is over is not released");
    assert_eq!(run.ends("screening", 1, "hit", &json!({})), Reply::AlreadyDone);
    run.done("after:1", json!({}));
    let outputs = run.machine.outputs().expect("it ended").clone();
    assert_eq!(outputs, json!({ "score": 3, "run": child("screening", 1) }));
    assert_eq!(run.step("screening").run.map(|run| run.0), Some(child("screening", 1)));
}

#[test]
fn an_end_of_the_authors_own_leads_where_the_parent_says() {
    let mut run = running();
    run.ends("screening", 1, "hit", &json!({ "score": 99 }));
    assert_eq!(run.ended().as_deref(), Some("blocked"));
}

#[test]
fn an_end_that_the_parent_does_not_name_is_for_a_person() {
    let mut run = running();
    assert_eq!(run.ends("screening", 1, "unclear", &json!({})), Reply::Accepted);
    assert_eq!(run.phase("screening"), StepPhase::Incident);
    let said = run.step("screening").error.expect("it is said");
    assert!(
        said.contains(&child("screening", 1)) && said.contains("`unclear`"),
        "{said}"
    );
    assert_eq!(run.ends("screening", 1, "completed", &json!({})), Reply::AlreadyDone);
    run.retry("screening").expect("it has an incident");
    let release = format!(":release:{}", child("screening", 1));
    assert_eq!(run.work(), ["screening:2", release.as_str()]);
    run.started("screening", 2);
    run.ends("screening", 2, "unclear", &json!({}));
    run.skip("screening").expect("it has an incident");
    assert_eq!(run.phase("screening"), StepPhase::Skipped);
    assert!(run.work().contains(&"after:1".to_owned()), "the flow goes on past it");
}

#[test]
fn a_child_that_was_cancelled_by_itself_is_for_a_person_unless_the_parent_says_otherwise() {
    let mut run = running();
    run.ends("screening", 1, "cancelled", &json!({}));
    assert_eq!(run.phase("screening"), StepPhase::Incident);
    let mut run = Run::of(&SCREENING.replace("hit: {", "cancelled: continue, hit: {"));
    run.started("screening", 1);
    run.ends("screening", 1, "cancelled", &json!({}));
    assert_eq!(run.work(), ["after:1"]);
}

#[test]
fn what_could_not_be_started_failed() {
    let mut run = Run::of(SCREENING);
    run.fail("screening:1", Permanent);
    assert_eq!(run.phase("screening"), StepPhase::Incident);
    run.retry("screening").expect("it has an incident");
    let output = json!({ "run": child("screening", 1), "version": "1.4.0" });
    run.done("screening:1", output);
    let mut run = Run::of(&SCREENING.replace("hit: {", "failed: continue, hit: {"));
    run.fail("screening:1", Permanent);
    assert_eq!(run.outcome("screening").as_deref(), Some("failed"));
    assert_eq!(run.output("screening")["error"], "broken");
    assert_eq!(run.work(), ["after:1"], "nothing was started that could be cancelled");
}

#[test]
fn a_start_that_may_work_later_is_tried_again_by_itself() {
    let mut run = Run::of(SCREENING);
    run.fail("screening:1", Transient);
    assert_eq!(run.work(), Vec::<String>::new());
    assert_eq!(
        run.machine.starting(),
        [RunId(child("screening", 1))],
        "it may be there all the same"
    );
    run.next();
    assert_eq!(run.work(), ["screening:1 #2"]);
}

#[test]
fn its_end_counts_also_where_nobody_said_yet_that_it_began() {
    for stopped in [false, true] {
        let mut run = Run::of(SCREENING);
        if stopped {
            run.fail("screening:1", InDoubt);
        }
        run.ends("screening", 1, "completed", &json!({ "score": 1 }));
        assert_eq!(run.outcome("screening").as_deref(), Some("completed"));
        assert!(!run.machine.incident());
        assert_eq!(run.count("child_started"), 1);
        let late = json!({ "run": child("screening", 1), "version": "1.4.0" });
        assert_eq!(run.finished("screening:1", 1, late), Ok(Reply::AlreadyDone));
        assert!(run.owned().is_empty());
    }
}

#[test]
fn a_child_is_cancelled_with_its_parent_and_by_a_way_back() {
    let mut run = running();
    run.cancel().expect("it runs");
    let release = format!(":release:{}", child("screening", 1));
    assert_eq!(run.work(), [release.as_str()]);
    let (_, _, input) = run.call(&release);
    assert_eq!(input, json!({ "run": child("screening", 1) }));
    assert_eq!(run.ends("screening", 1, "cancelled", &json!({})), Reply::AlreadyDone);
    run.done(&release, json!({}));
    assert_eq!(run.ended().as_deref(), Some("cancelled"));

    let mut run = Run::of("\
steps:
  - { id: prepare, uses: t.call, after: start }
  - { id: screening, run: { flow: other } }
  - { id: check, uses: t.call, after: prepare, outcomes: { failed: { back_to: prepare, max_rounds: 2, then: continue } } }
");
    run.done("prepare:1", json!({}));
    run.started("screening", 1);
    run.fail("check:1", Permanent);
    assert!(run.work().contains(&release), "{:?}", run.work());
    run.done("prepare:2", json!({}));
    run.started("screening", 2);
    assert_ne!(child("screening", 1), child("screening", 2));
}

#[test]
fn a_child_that_was_being_started_is_followed_up_and_cancelled() {
    let mut run = Run::of(SCREENING);
    run.cancel().expect("it runs");
    assert_eq!(run.work(), ["screening:1"]);
    run.started("screening", 1);
    let release = format!(":release:{}", child("screening", 1));
    assert_eq!(run.work(), [release.as_str()]);
    run.done(&release, json!({}));
    assert_eq!(run.ended().as_deref(), Some("cancelled"));
}

#[test]
fn each_element_has_a_child_of_its_own() {
    let mut run = Run::of(
        "\
outputs: { of: '${{ steps.all.results }}' }
steps:
  - id: all
    each:
      in: [a, b, c]
      join: 2
      steps: [{ id: one, run: { flow: other, with: { name: '${{ item }}' } }, outcomes: { no: { end: no } } }]
      outputs: { score: '${{ steps.one.score }}' }
    outcomes: { failed: { end: bad } }
",
    );
    for index in 0..3 {
        let (_, _, input) = run.call(&format!("all[{index}].one:1"));
        assert_eq!(input["with"]["name"], ["a", "b", "c"][index]);
        run.started(&format!("all[{index}].one"), 1);
    }
    run.ends("all[1].one", 1, "completed", &json!({ "score": 1 }));
    run.ends("all[2].one", 1, "completed", &json!({ "score": 2 }));
    let release = format!(":release:{}", child("all[0].one", 1));
    assert_eq!(
        run.work(),
        [release.as_str()],
        "the one that is no longer needed is cancelled"
    );
    run.done(&release, json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
    let outputs = run.machine.outputs().expect("it ended").clone();
    let status = |at: usize| outputs["of"][at]["status"].clone();
    assert_eq!(
        [status(0), status(1), status(2)],
        ["cancelled", "completed", "completed"]
    );
    assert_eq!(outputs["of"][2]["score"], 2);
}

#[test]
fn outputs_have_a_largest_size() {
    use gatefold::engine::limits::MAX_PAYLOAD_BYTES;
    let with = |bytes: usize| json!({ "text": "a".repeat(bytes - r#"{"text":""}"#.len()) });
    let mut run = running();
    run.ends("screening", 1, "completed", &with(MAX_PAYLOAD_BYTES));
    assert_eq!(run.outcome("screening").as_deref(), Some("completed"));
    let mut run = running();
    run.ends("screening", 1, "completed", &with(MAX_PAYLOAD_BYTES + 1));
    assert_eq!(run.phase("screening"), StepPhase::Incident);
    let mut run = Run::of(&SCREENING.replace("hit: {", "failed: { end: odd }, hit: {"));
    run.started("screening", 1);
    run.ends("screening", 1, "completed", &with(MAX_PAYLOAD_BYTES + 1));
    assert_eq!(run.ended().as_deref(), Some("odd"));
}

#[test]
fn an_answer_without_a_run_is_for_a_person() {
    let mut run = Run::of(SCREENING);
    run.done("screening:1", json!({ "odd": 1 }));
    assert_eq!(run.phase("screening"), StepPhase::Incident);
}

#[test]
fn the_journal_names_flow_version_and_run() {
    let run = running();
    let told = run.journal.iter().find_map(|record| match &record.event {
        Event::ChildStarted {
            flow, version, child, ..
        } => Some((flow.clone(), version.clone(), child.0.clone())),
        _ => None,
    });
    let expected = (
        "sanctions-screening".to_owned(),
        "1.4.0".to_owned(),
        child("screening", 1),
    );
    assert_eq!(told, Some(expected));
}
