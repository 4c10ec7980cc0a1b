//! Runs and plans are kept in memory within budgets of bytes, and come back when they are needed.

use super::world::{Process, World};
use gatefold::base::id::RunId;
use gatefold::host::plans::{BYTES_A_TEXT_BYTE, MAX_PLAN_BYTES};
use gatefold::host::slots::MAX_LOADED_BYTES;
use gatefold::host::{Limits, Parts, Seed};
use serde_json::json;

const FLOW: &str = "flow: patient\nversion: 1.0.0\ninputs: { text: { type: text } }\nsteps:\n  - id: answer\n    \
                    wait: { event: crm.signed, key: a }\n    deadline: { due: 1 day }\n    outcomes: { expired: { end: expired } }\n";

async fn start(world: &World, loaded_bytes: usize, plan_bytes: usize) -> Process {
    let mut parts: Parts = world.parts();
    parts.limits = Limits {
        loaded_bytes,
        plan_bytes,
        ..parts.limits
    };
    // runs of the same inputs have the same size
    parts.seed = Some(Seed::new(7));
    world.start_with(parts).await
}

async fn begin(process: &Process, bytes: usize) -> RunId {
    process.begin("patient", json!({ "text": "x".repeat(bytes) })).await
}

#[tokio::test(start_paused = true)]
async fn runs_stay_in_memory_up_to_so_many_bytes_and_one_more_drops_the_oldest() {
    assert_eq!(Limits::default().loaded_bytes, MAX_LOADED_BYTES);
    let two_runs = async |most: usize| {
        let world = World::new();
        let process = start(&world, most, MAX_PLAN_BYTES).await;
        process.deploy(FLOW).await;
        begin(&process, 10_000).await;
        begin(&process, 10_000).await;
        process.host.bytes_in_memory().0
    };
    let both = two_runs(MAX_LOADED_BYTES).await;
    assert!((20_000..40_000).contains(&both), "{both}");
    assert_eq!(two_runs(both).await, both);
    assert_eq!(two_runs(both - 1).await, both / 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_dropped_goes_on_when_its_time_comes() {
    let (world, most) = (World::new(), 1 << 20);
    let process = start(&world, most, MAX_PLAN_BYTES).await;
    process.deploy(FLOW).await;
    let mut runs = Vec::new();
    for _ in 0..30 {
        runs.push(begin(&process, 100_000).await);
        assert!(process.host.bytes_in_memory().0 <= most);
    }
    for run in &runs {
        assert_eq!(process.end(run).await, "expired");
    }
    assert_eq!(process.host.bytes_in_memory().0, 0, "what has ended is not kept");
}

#[tokio::test(start_paused = true)]
async fn plans_that_nobody_uses_are_dropped_and_compiled_again_when_a_run_needs_them() {
    assert_eq!(Limits::default().plan_bytes, MAX_PLAN_BYTES);
    let text = |version: usize| FLOW.replace("1.0.0", &format!("1.0.{version}"));
    let one = text(0).len() * BYTES_A_TEXT_BYTE;
    for (most, kept) in [(3 * one, 3 * one), (3 * one - 1, 2 * one)] {
        let world = World::new();
        // the run is dropped as soon as it waits, and does not hold its plan
        let process = start(&world, 1, most).await;
        process.deploy(&text(0)).await;
        let run = begin(&process, 1).await;
        for version in 1..9 {
            process.deploy(&text(version)).await;
            assert!(process.host.bytes_in_memory().1 <= most, "version {version}");
        }
        assert_eq!(process.host.bytes_in_memory().1, kept, "at most {most}");
        assert_eq!(process.end(&run).await, "expired", "its plan was compiled again");
    }
}
