//! Who is meant today, whose turn it is, and who may act for whom, as the directory says.

use super::store::Told;
use super::world::World;
use gatefold::engine::event::StandIn;
use gatefold::engine::{Acting, Decision, Refusal, TaskAct};
use gatefold::host::HostError;
use gatefold::store::{Store, TaskRow};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A flow with one task with this under `task`.
fn flow(name: &str, task: &str) -> String {
    format!(
        "flow: {name}\nversion: 1.0.0\nsteps:\n  - id: work\n    task: {{ {task} }}\n    deadline: {{ due: 5 days }}\n    outcomes: {{ declined: {{ end: declined }}, expired: {{ end: late }} }}\n"
    )
}

fn done(task: &TaskRow, by: &str) -> Decision {
    Decision {
        task: task.id.clone(),
        by: by.to_owned(),
        on_behalf_of: None,
        decision: "done".to_owned(),
        reason: None,
        sha256: None,
        form: serde_json::Map::new(),
        via: None,
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_away_is_stood_in_for_and_both_are_told() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&flow("files", "to: [role:records]")).await;
    let run = process.begin("files", json!({})).await;
    let task = process.host.open_tasks(Some("user:dan")).await.unwrap().remove(0);
    assert_eq!(task.people, ["user:carla", "user:eve", "user:dan"]);
    let stand_in = StandIn {
        by: "user:dan".to_owned(),
        on_behalf_of: "user:carla".to_owned(),
    };
    assert_eq!(task.deputies, [stand_in]);
    process.host.decide(done(&task, "user:dan")).await.unwrap();
    assert_eq!(process.end(&run).await, "completed");
    let journal = serde_json::to_string(&process.journal(&run).await).unwrap();
    assert!(journal.contains(r#""by":"user:dan","on_behalf_of":"user:carla","decision":"done""#));
}

#[tokio::test(start_paused = true)]
async fn the_round_goes_round_and_the_shortest_queue_is_filled_first() {
    let world = World::new();
    let process = world.start().await;
    for pick in ["round_robin", "shortest_queue"] {
        let name = pick.replace('_', "-");
        let task = format!("to: [role:legal], distribution: assign, pick: {pick}");
        process.deploy(&flow(&name, &task)).await;
        let mut given = Vec::new();
        for _ in 0..4 {
            let run = process.begin(&name, json!({})).await;
            let tasks = process.host.open_tasks(None).await.unwrap();
            let task = tasks.into_iter().find(|task| task.run == run).unwrap();
            given.extend(task.claimed_by);
            tokio::time::advance(Duration::from_mins(1)).await;
        }
        assert_eq!(given, ["user:anna", "user:ben", "user:anna", "user:ben"], "{pick}");
    }
}

/// A wide `each` does not look through everything for every one of its elements.
#[tokio::test(start_paused = true)]
async fn tasks_that_open_at_once_are_shared_out_after_one_look_at_what_there_is() {
    let store = Arc::new(Told::default());
    let world = World::over(Arc::clone(&store) as Arc<dyn Store>);
    let process = world.start().await;
    let wide = "flow: wide\nversion: 1.0.0\ninputs: { list: { type: list } }\nsteps:\n  - id: all\n    each:\n      in: ${{ inputs.list }}\n      parallel: 200\n      steps:\n        - id: work\n          task: { to: [role:legal], distribution: assign, pick: shortest_queue }\n          deadline: { due: 5 days }\n          outcomes: { declined: { end: declined }, expired: { end: late } }\n";
    process.deploy(wide).await;
    let mut reads = Vec::new();
    for count in [10, 200] {
        let before = store.task_reads.load(Ordering::Relaxed);
        let list: Vec<usize> = (0..count).collect();
        process.begin("wide", json!({ "list": list })).await;
        reads.push(store.task_reads.load(Ordering::Relaxed) - before);
    }
    assert_eq!(reads[0], reads[1], "a wider each reads more");
    let tasks = process.host.open_tasks(None).await.unwrap();
    let has = |person: &str| {
        let theirs = tasks.iter().filter(|task| task.claimed_by.as_deref() == Some(person));
        theirs.count()
    };
    assert_eq!((tasks.len(), has("user:anna"), has("user:ben")), (210, 105, 105));
}

#[tokio::test(start_paused = true)]
async fn a_task_is_passed_on_to_one_known_person_by_whatever_name() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&flow("files", "to: [user:anna]")).await;
    process.begin("files", json!({})).await;
    let task = process.host.open_tasks(None).await.unwrap().remove(0);
    let delegate = |to: &str| Acting {
        task: task.id.clone(),
        by: "user:anna".to_owned(),
        admin: false,
        act: TaskAct::Delegate {
            of: "user:anna".to_owned(),
            to: to.to_owned(),
            reason: None,
        },
    };
    let reassign = |to: &str| Acting {
        act: TaskAct::Reassign {
            of: "user:anna".to_owned(),
            to: to.to_owned(),
            reason: None,
            afresh: false,
        },
        ..delegate(to)
    };
    let ask = |to: &str| Acting {
        act: TaskAct::Remark {
            text: "What do you think?".to_owned(),
            to: Some(to.to_owned()),
            answers: None,
        },
        ..delegate(to)
    };
    // whoever is not in the directory has no way to answer
    for nobody in [
        "role:legal",
        "user:nobody",
        "dan",
        "rosa@outside.example",
        "email:rosa@outside.example",
    ] {
        for acting in [delegate(nobody), reassign(nobody), ask(nobody)] {
            let refused = process.host.act(acting).await;
            assert!(matches!(refused, Err(HostError::Invalid(_))), "{nobody}: {refused:?}");
        }
    }
    // and nothing but a user acts
    for by in ["email:rosa@outside.example", "trigger:webhook", "role:legal", "anna"] {
        let acting = Acting {
            by: by.to_owned(),
            ..delegate("user:dan")
        };
        let refused = process.host.act(acting).await;
        assert!(
            matches!(refused, Err(HostError::Refused(Refusal::NoSuchTask))),
            "{by}: {refused:?}"
        );
    }
    let refused = process.host.act(delegate("ANNA@example.com")).await;
    assert!(
        matches!(refused, Err(HostError::Refused(Refusal::NotEligible(_)))),
        "{refused:?}"
    );
    process.host.act(delegate("Dan@example.com")).await.unwrap();
    assert_eq!(process.host.open_tasks(Some("user:dan")).await.unwrap().len(), 1);
}
