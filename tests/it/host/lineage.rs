//! Runs that come of one another have a bound, and none begins that nobody above wants any more.

use super::store::{Orders, Told};
use super::world::{Process, World};
use gatefold::engine::Event;
use gatefold::host::runs::StartRun;
use gatefold::host::{HostError, Limits, Parts};
use gatefold::store::{RunFilter, RunRow, RunStatus, Store};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Runs itself twice, as deep as runs may stand inside each other.
const BOMB: &str = "
flow: bomb
version: 1.0.0
inputs: { left: { type: integer, default: 15 } }
steps:
  - id: one
    after: start
    if: inputs.left > 0
    run: { flow: bomb, with: { left: '${{ inputs.left - 1 }}' } }
  - id: two
    after: start
    if: inputs.left > 0
    run: { flow: bomb, with: { left: '${{ inputs.left - 1 }}' } }
";

/// Runs another flow once for each of so many.
const MANY: &str = "
flow: many
version: 1.0.0
inputs: { of: { type: list, of: integer } }
steps:
  - id: all
    each:
      in: '${{ inputs.of }}'
      steps: [{ id: one, run: { flow: nothing } }]
    outcomes: { failed: { end: failed } }
";

const NOTHING: &str = "
flow: nothing
version: 1.0.0
steps: [{ id: none, uses: data.set, with: { value: 1 } }]
";

/// Each tells the other twice.
fn told(name: &str, other: &str) -> String {
    format!(
        "flow: {name}\nversion: 1.0.0\non: {{ manual: {{}}, event: {{ type: bomb.{name} }} }}\nsteps:\n  \
         - {{ id: one, uses: workflow.emit, with: {{ type: bomb.{other} }} }}\n  \
         - {{ id: two, uses: workflow.emit, with: {{ type: bomb.{other} }} }}\n"
    )
}

/// A process in which so many runs may come of one.
async fn bounded(world: &World, descendants: u64) -> Process {
    let parts = world.parts();
    let limits = Limits {
        descendants,
        ..parts.limits
    };
    world.start_with(Parts { limits, ..parts }).await
}

async fn all_runs(process: &Process) -> Vec<RunRow> {
    let filter = RunFilter {
        limit: 10_000,
        ..RunFilter::default()
    };
    process.host.list_runs(&filter).await.unwrap()
}

/// Time in which whatever can be done is done.
async fn settle() {
    let nothing = std::future::pending::<()>();
    assert!(tokio::time::timeout(Duration::from_mins(1), nothing).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn so_many_runs_come_of_one_and_one_more_is_an_incident() {
    let world = World::new();
    let process = bounded(&world, 3).await;
    process.deploy(NOTHING).await;
    process.deploy(MANY).await;
    let run = process.begin("many", json!({ "of": [1, 2, 3] })).await;
    assert_eq!(process.end(&run).await, "completed");
    // they are counted for each run that others come of, across a restart
    let run = process.begin("many", json!({ "of": [1, 2, 3, 4] })).await;
    process
        .until(&run, |event| matches!(event, Event::IncidentRaised { .. }))
        .await;
    settle().await;
    assert_eq!(all_runs(&process).await.len(), 1 + 3 + 1 + 3);
    process.kill();
    let process = bounded(&world, 3).await;
    let step = process.host.run_view(&run).await.unwrap();
    let step = step.steps.iter().find(|step| step.error.is_some()).unwrap().id.clone();
    process.host.retry_step(&run, &step, "user:ada", "again").await.unwrap();
    settle().await;
    assert_eq!(all_runs(&process).await.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_runs_itself_twice_comes_to_an_end() {
    let world = World::new();
    let process = bounded(&world, 50).await;
    process.deploy(BOMB).await;
    process.begin("bomb", json!({})).await;
    settle().await;
    assert_eq!(all_runs(&process).await.len(), 51);
}

#[tokio::test(start_paused = true)]
async fn flows_that_tell_each_other_come_to_an_end() {
    let world = World::new();
    let process = bounded(&world, 50).await;
    process.deploy(&told("a", "b")).await;
    process.deploy(&told("b", "a")).await;
    process.begin("a", json!({})).await;
    settle().await;
    assert_eq!(all_runs(&process).await.len(), 51);
}

#[tokio::test(start_paused = true)]
async fn what_is_cancelled_above_begins_nothing_more_below() {
    let world = World::new();
    let process = bounded(&world, 5_000).await;
    process.deploy(BOMB).await;
    let root = process.begin("bomb", json!({})).await;
    while all_runs(&process).await.len() < 20 {
        crate::turn::turn().await;
    }
    process.host.cancel_run(&root, "user:ada", "enough").await.unwrap();
    let then = all_runs(&process).await.len();
    settle().await;
    let rows = all_runs(&process).await;
    assert!(rows.iter().all(|row| row.status == RunStatus::Ended));
    // those that were just beginning
    assert!(rows.len() <= then + 32, "{then} runs became {}", rows.len());
}

/// What closing runs do at their end is wanted, whatever is above them.
#[tokio::test(start_paused = true)]
async fn an_always_step_runs_another_flow() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(NOTHING).await;
    let inner = "flow: inner\nversion: 1.0.0\nsteps: [{ id: sub, run: { flow: nothing } }]\n";
    process.deploy(inner).await;
    let outer = "flow: outer\nversion: 1.0.0\nsteps: [{ id: none, uses: data.set, with: { value: 1 } }]\n\
                 always: [{ id: last, run: { flow: inner } }]\n";
    process.deploy(outer).await;
    let run = process.begin("outer", json!({})).await;
    assert_eq!(process.end(&run).await, "completed");
    let rows = all_runs(&process).await;
    assert_eq!(rows.len(), 3);
    assert!(
        rows.iter().all(|row| row.outcome.as_deref() == Some("completed")),
        "{rows:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_start_that_failed_takes_no_place_and_hides_no_later_start() {
    let store = Arc::new(Told::default());
    let world = World::over(Arc::clone(&store) as Arc<dyn Store>);
    let process = bounded(&world, 3).await;
    process.deploy(NOTHING).await;
    let root = process.begin("nothing", json!({})).await;
    let start = || StartRun {
        flow: "nothing".to_owned(),
        inputs: json!({}),
        initiator: format!("run:{root}"),
        trigger: "event".to_owned(),
        ..StartRun::default()
    };
    let mut begun = BTreeSet::from([process.host.start_run(start()).await.unwrap()]);
    store.order(Orders {
        fail_commit_after: Some(0),
        ..Orders::default()
    });
    let failed = process.host.start_run(start()).await;
    assert!(matches!(failed, Err(HostError::Store(_))), "{failed:?}");
    begun.insert(process.host.start_run(start()).await.unwrap());
    process.kill();
    let process = bounded(&world, 3).await;
    begun.insert(process.host.start_run(start()).await.unwrap());
    assert_eq!(begun.len(), 3, "each start gives a run of its own");
    let refused = process.host.start_run(start()).await;
    assert!(matches!(refused, Err(HostError::Invalid(_))), "{refused:?}");
    assert_eq!(all_runs(&process).await.len(), 1 + 3);
}
