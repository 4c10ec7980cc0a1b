//! What needs a person beside the steps of a run.

use super::world::{Behaviour, World};
use gatefold::engine::Event;
use gatefold::engine::Refusal;
use gatefold::host::HostError;
use gatefold::host::runs::Incident;
use serde_json::json;

const ROOM: &str = "flow: room\nversion: 1.0.0\nsteps:\n  - { id: room, uses: probe.acquire, with: {} }\n";

#[tokio::test(start_paused = true)]
async fn what_cannot_be_taken_back_is_listed_and_answered_by_its_name() {
    let world = World::new();
    // whatever is done for this step outside is refused: it is the taking back alone
    world.script("room", &[Behaviour::Leak]);
    let process = world.start().await;
    process.deploy(ROOM).await;
    let run = process.begin("room", json!({})).await;
    process
        .until(&run, |event| matches!(event, Event::IncidentRaised { .. }))
        .await;
    let view = process.host.run_view(&run).await.unwrap();
    assert!(view.steps.iter().all(|step| step.state == "finished"), "{view:?}");
    let [
        Incident {
            step,
            attempts: 1,
            in_doubt: false,
            error,
        },
    ] = view.incidents.as_slice()
    else {
        panic!("one thing needs a person: {view:?}");
    };
    assert!(step.starts_with("release:thing_"), "{step}");
    assert!(error.contains("refused"), "{error}");
    let host = &process.host;
    host.try_answer(&run, step).await.unwrap();
    let other = host.try_answer(&run, "release:shr_1").await;
    assert!(
        matches!(other, Err(HostError::Refused(Refusal::NoIncident(_)))),
        "{other:?}"
    );
    host.skip_step(&run, step, "user:anna", "it was taken back by hand")
        .await
        .unwrap();
    assert_eq!(process.end(&run).await, "completed");
    assert_eq!(process.host.run_view(&run).await.unwrap().incidents, []);
}
