//! Settings that a run gives.

use super::world::World;
use serde_json::json;

/// The store does not hold the run yet while its first transaction is put together.
#[tokio::test(start_paused = true)]
async fn the_first_step_of_a_run_gives_settings() {
    let world = World::new();
    let process = world.start().await;
    let text = "flow: limits\nversion: 1.0.0\nsettings: { lim: { type: number, default: 3 } }\nsteps:\n  \
                - { id: give, uses: workflow.set_settings, with: { settings: { lim: 5 } } }\n";
    process.deploy(text).await;
    let run = process.begin("limits", json!({})).await;
    assert_eq!(process.end(&run).await, "completed");
    let given = gatefold::store::settings::setting(world.store.as_ref(), "limits", "lim").await;
    assert_eq!(given.unwrap().unwrap().value, json!(5));
}
