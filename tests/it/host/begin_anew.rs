//! What goes on by itself after something has gone wrong: runs that a crash left, and the loops of the process.

use super::store::{Orders, Told};
use super::world::World;
use super::{WAITING, beginning, signed};
use gatefold::host::{Host, TAKEN_UP_FIRST};
use gatefold::store::{RunFilter, Store};
use jiff::SignedDuration;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Calls something outside, and is busy until that comes back.
const BUSY: &str = "flow: busy\nversion: 1.0.0\nsteps:\n  - { id: act, uses: probe.effect, with: {} }\n";

async fn recovers(host: &Arc<Host>) -> bool {
    tokio::time::timeout(Duration::from_secs(1), host.recover())
        .await
        .is_ok()
}

/// As many runs as are taken up before the process is ready, and one more.
#[tokio::test(start_paused = true)]
async fn a_process_is_ready_before_thousands_of_runs_are_taken_up_and_takes_up_all_of_them() {
    let store = Arc::new(Told::default());
    let world = World::over(Arc::clone(&store) as Arc<dyn Store>);
    let process = world.start().await;
    process.deploy(BUSY).await;
    let count = TAKEN_UP_FIRST + 1;
    world.script("act", &vec![super::Behaviour::Hang; 3 * count]);
    for _ in 0..count {
        process.begin("busy", json!({})).await;
    }
    process.kill();
    let busy = store.busy_runs().await.unwrap();
    assert_eq!(busy.len(), count);

    let with_stalled = |at: usize| Orders {
        stalled: Some(busy[at].clone()),
        ..Orders::default()
    };
    store.order(with_stalled(TAKEN_UP_FIRST - 1));
    let host = Host::new(world.parts());
    assert!(!recovers(&host).await, "the last of the first is waited for");
    assert!(!host.is_ready());
    host.abandon();
    store.order(with_stalled(TAKEN_UP_FIRST));
    let host = Host::new(world.parts());
    assert!(recovers(&host).await, "one more is not");
    assert!(host.is_ready());
    host.abandon();

    store.order(Orders::default());
    world.script("act", &[]);
    let process = world.start().await;
    for run in &busy {
        assert_eq!(process.end(run).await, "completed");
    }
    let filter = RunFilter {
        limit: count + 1,
        ..RunFilter::default()
    };
    assert_eq!(process.host.list_runs(&filter).await.unwrap().len(), count);
}

#[tokio::test(start_paused = true)]
async fn a_loop_of_the_process_that_breaks_off_begins_anew() {
    let store = Arc::new(Told::default());
    let world = World::over(Arc::clone(&store) as Arc<dyn Store>);
    let process = world.start().await;
    process.deploy(WAITING).await;
    let run = process.begin("waits", json!({})).await;
    store.order(Orders {
        panic_at_events: 2,
        ..Orders::default()
    });
    process.host.publish_event(signed("evt_1")).await.unwrap();
    assert_eq!(process.end(&run).await, "completed");
    // and not only as its deadline comes, before which everything is delivered
    let passed = process.host.now().duration_since(beginning());
    assert!(passed < SignedDuration::from_hours(1), "after {passed:#}");
}
