//! Files that a step gives to the run that it starts: those that its own run has, and no text that names one.

use super::world::{Process, World};
use gatefold::base::FileRef;
use gatefold::base::id::RunId;
use gatefold::engine::Decision;
use serde_json::{Map, Value, json};

const CHILD: &str = "flow: child\nversion: 1.0.0\ninputs: { paper: { type: file } }\noutputs: { name: '${{ inputs.paper.name }}' }\nsteps:\n  - { id: done, uses: probe.compute, with: {} }\n";

/// Asks anna for a text, then starts a child with `paper`.
fn parent(paper: &str) -> String {
    format!(
        "flow: parent\nversion: 1.0.0\ninputs: {{ mine: {{ type: file }}, told: {{ type: object, default: {{}} }} }}\nsteps:\n  \
         - id: ask\n    task: {{ to: [user:anna], form: {{ word: {{ type: text, required: true }} }} }}\n    deadline: {{ due: 5 days }}\n    \
         outcomes: {{ declined: {{ end: declined }}, expired: {{ end: late }} }}\n  \
         - {{ id: sub, run: {{ flow: child, with: {{ paper: '${{{{ {paper} }}}}' }} }}, outcomes: {{ failed: {{ end: refused }} }} }}\n"
    )
}

async fn put(process: &Process, name: &str) -> FileRef {
    let put = process.host.put_file("user:anna", "/papers", name, name.as_bytes());
    put.await.unwrap()
}

/// Anna writes `word` into the form of the run.
async fn answer(process: &Process, run: &RunId, word: &str) {
    let tasks = process.host.open_tasks(Some("user:anna")).await.unwrap();
    let task = tasks.into_iter().find(|task| task.run == *run).unwrap();
    let decision = Decision {
        task: task.id,
        by: "user:anna".to_owned(),
        on_behalf_of: None,
        decision: "done".to_owned(),
        reason: None,
        sha256: None,
        form: Map::from_iter([("word".to_owned(), json!(word))]),
        via: None,
    };
    process.host.decide(decision).await.unwrap();
}

/// How a run of the parent ends that gives `paper`, and what the child said of it.
async fn given(process: &Process, paper: &str, told: Value, word: &str) -> (String, Value) {
    // in this order, so that nobody can tell yet what is wrong with it
    process.deploy(&parent(paper)).await;
    process.deploy(CHILD).await;
    let mine = put(process, "mine.txt").await;
    let run = process.begin("parent", json!({ "mine": mine.id, "told": told })).await;
    answer(process, &run, word).await;
    let end = process.end(&run).await;
    let journal = json!(process.journal(&run).await);
    let of_sub = journal.as_array().unwrap().iter().rfind(|line| line["step"] == "sub");
    (end, of_sub.unwrap()["output"].clone())
}

#[tokio::test(start_paused = true)]
async fn a_run_gives_the_file_that_it_has() {
    let world = World::new();
    let process = world.start().await;
    let (end, output) = given(&process, "inputs.mine", json!({}), "nothing").await;
    assert_eq!((end.as_str(), &output["name"]), ("completed", &json!("mine.txt")));
}

#[tokio::test(start_paused = true)]
async fn a_text_of_a_form_is_no_file() {
    let world = World::new();
    let process = world.start().await;
    let other = put(&process, "other.txt").await;
    let (end, output) = given(&process, "steps.ask.word", json!({}), &other.id).await;
    assert_eq!(end, "refused", "{output}");
    let why = output["error"].as_str().unwrap();
    assert!(why.contains("must be a file of the run that gives it"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn what_names_a_file_without_what_is_in_it_is_no_file() {
    let world = World::new();
    let process = world.start().await;
    let other = put(&process, "other.txt").await;
    for told in [
        json!({ "id": other.id }),
        json!({ "id": other.id, "version": 1 }),
        json!({ "id": other.id, "version": 1, "sha256": "0".repeat(64) }),
        json!({ "id": other.id, "version": 2, "sha256": other.sha256 }),
        json!({ "id": other.id, "sha256": other.sha256 }),
    ] {
        let world = World::over(std::sync::Arc::clone(&world.store));
        let process = world.start().await;
        let (end, output) = given(&process, "inputs.told", told.clone(), "nothing").await;
        assert_eq!(end, "refused", "{told}: {output}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_version_of_a_file_that_the_run_has_is_not_given() {
    let world = World::new();
    let process = world.start().await;
    let first = put(&process, "mine.txt").await;
    let second = process
        .host
        .put_file("user:ben", "/papers", "mine.txt", b"of ben".as_slice());
    let second = second.await.unwrap();
    assert_eq!((second.id.as_str(), second.version), (first.id.as_str(), 2));
    process.deploy(&parent("inputs.told")).await;
    process.deploy(CHILD).await;
    for (told, expected) in [(&second, "refused"), (&first, "completed")] {
        let inputs = json!({ "mine": { "id": first.id, "version": 1 }, "told": told });
        let run = process.begin("parent", inputs).await;
        answer(&process, &run, "nothing").await;
        assert_eq!(process.end(&run).await, expected, "version {}", told.version);
    }
}
