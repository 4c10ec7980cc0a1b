//! Runs that steps of other runs start: once each, heard of when they end, cancelled where they are
//! no longer wanted.

use super::world::{Process, World};
use gatefold::base::id::RunId;
use gatefold::engine::Event;
use gatefold::host::children::MAX_NESTED;
use gatefold::store::{RunFilter, RunStatus};
use serde_json::json;

/// Says what it was given, or ends as that says; or waits for a word from outside.
const CHILD: &str = "
flow: child
version: 1.0.0
inputs: { n: { type: integer, min: 0 }, waits: { type: boolean, default: false } }
outputs: { double: '${{ inputs.n * 2 }}' }
steps:
  - id: reply
    if: inputs.waits
    wait: { event: erp.signed, key: never }
    deadline: { due: 30 days }
    outcomes: { expired: { end: late } }
  - id: much
    choose: [{ when: inputs.n > 100, outcome: too_much }, { otherwise: fine }]
    outcomes: { too_much: { end: refused } }
";

fn parent(with: &str, more: &str) -> String {
    format!(
        "flow: parent\nversion: 1.0.0\ninputs: {{ n: {{ type: integer, default: 3 }} }}\n\
         outputs: {{ double: '${{{{ steps.sub.double }}}}', run: '${{{{ steps.sub.run }}}}' }}\nsteps:\n  \
         - {{ id: sub, run: {{ flow: child, {with} }}{more} }}\n"
    )
}

/// The runs of a flow, oldest first.
async fn runs_of(process: &Process, flow: &str) -> Vec<gatefold::store::RunRow> {
    let filter = RunFilter {
        flow: Some(flow.to_owned()),
        limit: 1_000,
        ..RunFilter::default()
    };
    let mut rows = process.host.list_runs(&filter).await.unwrap();
    rows.reverse();
    rows
}

async fn both(process: &Process, with: &str, more: &str) -> RunId {
    // in this order, so that nobody can tell yet what is wrong with it
    process.deploy(&parent(with, more)).await;
    process.deploy(CHILD).await;
    process.begin("parent", json!({})).await
}

const WITH_N: &str = "with: { n: '${{ inputs.n }}' }";
const WAITS: &str = "with: { n: 1, waits: true }";

#[tokio::test(start_paused = true)]
async fn a_child_gets_its_inputs_and_gives_its_outputs() {
    let world = World::new();
    let process = world.start().await;
    let run = both(&process, WITH_N, "").await;
    assert_eq!(process.end(&run).await, "completed");
    let view = process.host.run_view(&run).await.unwrap();
    let child = view.steps[0].run.clone().unwrap();
    assert_eq!(view.outputs, Some(json!({ "double": 6, "run": child })));
    let view = process.host.run_view(&child).await.unwrap();
    assert_eq!(
        (view.run.initiator.as_str(), view.run.flow.as_str()),
        ("user:anna", "child")
    );
    let parent = view.parent.unwrap();
    assert_eq!((parent.run, parent.step.as_str(), parent.depth), (run, "sub", 1));
    assert_eq!(runs_of(&process, "child").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_end_of_the_authors_own_reaches_the_parent_after_days() {
    let world = World::new();
    let process = world.start().await;
    let run = both(&process, WAITS, ", outcomes: { late: { end: given_up } }").await;
    assert_eq!(process.end(&run).await, "given_up");
    assert_eq!(runs_of(&process, "child").await[0].outcome.as_deref(), Some("late"));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_child_is_heard_of_by_another_process() {
    let world = World::new();
    let process = world.start().await;
    let run = both(&process, WAITS, ", outcomes: { late: { end: given_up } }").await;
    let child = started(&process, &run).await;
    process.kill();
    let process = world.start().await;
    assert_eq!(process.end(&run).await, "given_up");
    assert_eq!(runs_of(&process, "child").await.len(), 1);
    assert_eq!(runs_of(&process, "child").await[0].id, child);
}

/// The child of the step `sub`, once it was said to have started.
async fn started(process: &Process, run: &RunId) -> RunId {
    process
        .until(run, |event| matches!(event, Event::ChildStarted { .. }))
        .await;
    let view = process.host.run_view(run).await.unwrap();
    view.steps[0].run.clone().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_child_is_cancelled_with_its_parent() {
    let world = World::new();
    let process = world.start().await;
    let run = both(&process, WAITS, "").await;
    let child = started(&process, &run).await;
    process
        .host
        .cancel_run(&run, "user:anna", "no longer needed")
        .await
        .unwrap();
    assert_eq!(process.end(&run).await, "cancelled");
    assert_eq!(process.end(&child).await, "cancelled");
    let by = process
        .journal(&child)
        .await
        .into_iter()
        .find_map(|record| match record.event {
            Event::RunClosing { by, .. } => by,
            _ => None,
        });
    assert_eq!(by, Some(format!("run:{run}")));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_somebody_cancels_is_for_a_person_at_the_parent() {
    let world = World::new();
    let process = world.start().await;
    let run = both(&process, WAITS, "").await;
    let child = started(&process, &run).await;
    process.host.cancel_run(&child, "user:anna", "a mistake").await.unwrap();
    process
        .until(&run, |event| matches!(event, Event::IncidentRaised { .. }))
        .await;
    let view = process.host.run_view(&run).await.unwrap();
    assert!(
        view.steps[0].error.as_ref().unwrap().contains("`cancelled`"),
        "{view:?}"
    );
    process
        .host
        .retry_step(&run, "sub", "user:anna", "once more")
        .await
        .unwrap();
    process
        .until(&run, |event| matches!(event, Event::ChildStarted { round: 2, .. }))
        .await;
    let runs = runs_of(&process, "child").await;
    assert_eq!(
        runs.iter().map(|row| row.status).collect::<Vec<_>>(),
        [RunStatus::Ended, RunStatus::Running]
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_started_fails() {
    let unfit = [
        ("with: { n: -1 }", "input n"),
        ("with: { n: 1, m: 1 }", "input m"),
        ("with: {}", "input n: is missing"),
        ("version: ^2, with: { n: 1 }", "there is no version ^2 of flow child"),
    ];
    for (with, why) in unfit {
        let world = World::new();
        let process = world.start().await;
        let run = both(&process, with, ", outcomes: { failed: { end: unfit } }").await;
        assert_eq!(process.end(&run).await, "unfit");
        let view = process.host.run_view(&run).await.unwrap();
        let error = view.steps[0].error.clone().unwrap_or_default();
        assert!(error.contains(why), "{with}: {error}");
        assert!(runs_of(&process, "child").await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_newest_version_that_is_admitted_runs() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(CHILD).await;
    process.deploy(&CHILD.replace("1.0.0", "1.3.0")).await;
    process.deploy(&CHILD.replace("1.0.0", "2.0.0")).await;
    let mut found = Vec::new();
    for (at, range) in ["version: ^1,", "version: 1.0.0,", ""].into_iter().enumerate() {
        let text = parent(
            &format!("{range} {WITH_N}"),
            ", outcomes: { late: { end: late }, refused: { end: refused } }",
        )
        .replace("version: 1.0.0\ninputs", &format!("version: 1.{at}.0\ninputs"));
        process.deploy(&text).await;
        let run = process.begin("parent", json!({})).await;
        process.end(&run).await;
        let child = process.host.run_view(&run).await.unwrap().steps[0].run.clone().unwrap();
        found.push(process.host.run_view(&child).await.unwrap().run.version);
    }
    assert_eq!(found, ["1.3.0", "1.0.0", "2.0.0"]);
}

#[tokio::test(start_paused = true)]
async fn so_many_runs_stand_inside_each_other_and_one_more_fails() {
    let world = World::new();
    let process = world.start().await;
    let text = "flow: again\nversion: 1.0.0\ninputs: { left: { type: integer } }\n\
                outputs: { depth: '${{ (steps.sub.depth or 0) + 1 }}' }\nsteps:\n  \
                - id: sub\n    if: inputs.left > 0\n    run: { flow: again, with: { left: '${{ inputs.left - 1 }}' } }\n    \
                outcomes: { failed: { end: too_deep }, too_deep: { end: too_deep } }\n";
    process.deploy(text).await;
    let run = process.begin("again", json!({ "left": MAX_NESTED - 1 })).await;
    assert_eq!(process.end(&run).await, "completed");
    let view = process.host.run_view(&run).await.unwrap();
    assert_eq!(view.outputs, Some(json!({ "depth": MAX_NESTED })));
    let run = process.begin("again", json!({ "left": MAX_NESTED })).await;
    assert_eq!(process.end(&run).await, "too_deep");
    assert_eq!(runs_of(&process, "again").await.len(), 2 * MAX_NESTED as usize);
}

#[tokio::test(start_paused = true)]
async fn many_children_of_one_each_are_waited_for() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(CHILD).await;
    let text = "flow: many\nversion: 1.0.0\noutputs: { all: '${{ steps.all.results }}' }\nsteps:\n  \
                - id: all\n    each:\n      in: [1, 2, 3, 4, 5, 6, 101]\n      parallel: 3\n      join: settled\n      \
                steps: [{ id: one, run: { flow: child, with: { n: '${{ item }}' } }, outcomes: { refused: { end: refused }, late: { end: late } } }]\n      \
                outputs: { double: '${{ steps.one.double }}' }\n    outcomes: { failed: { end: bad } }\n";
    process.deploy(text).await;
    let run = process.begin("many", json!({})).await;
    assert_eq!(process.end(&run).await, "completed");
    let outputs = process.host.run_view(&run).await.unwrap().outputs.unwrap();
    let all: Vec<_> = outputs["all"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["double"].clone())
        .collect();
    assert_eq!(json!(all[..6]), json!([2, 4, 6, 8, 10, 12]));
    assert_eq!(outputs["all"][6]["status"], "refused");
    assert_eq!(runs_of(&process, "child").await.len(), 7);
}
