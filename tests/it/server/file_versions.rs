//! Which versions of a file a run has: those that it was given or made, and no other version of the same file.

use crate::harness::Harness;
use gatefold::base::FileRef;
use gatefold::base::id::RunId;
use serde_json::{Value, json};
use std::time::Duration;

fn flow(name: &str, before: &str, steps: &str) -> String {
    format!("flow: {name}\nversion: 1.0.0\n{before}\nsteps:\n{steps}")
}

async fn view(harness: &Harness, run: &RunId) -> Value {
    harness.host.come_to_rest(Duration::from_secs(5)).await.unwrap();
    let asked = harness.get(&format!("/api/v1/runs/{run}")).by("admin").send();
    asked.await.json()
}

/// Why the run stands still.
async fn incident(harness: &Harness, run: &RunId) -> String {
    let view = view(harness, run).await;
    let why = view["incidents"][0]["error"].as_str();
    why.unwrap_or_else(|| panic!("{view}")).to_owned()
}

/// The version that people are asked about.
async fn asked_about(harness: &Harness, run: &RunId) -> Vec<u64> {
    harness.host.come_to_rest(Duration::from_secs(5)).await.unwrap();
    let tasks = harness.host.open_tasks(None).await.unwrap();
    let of_run = tasks.into_iter().filter(|task| task.run == *run);
    of_run.filter_map(|task| Some(task.document?.version)).collect()
}

/// Three versions of one file.
async fn versions(harness: &Harness) -> [FileRef; 3] {
    let mut put = Vec::new();
    for bytes in ["one", "two", "three"] {
        put.push(harness.put("report.pdf", bytes).await);
    }
    put.try_into().unwrap()
}

const TOLD: &str = "inputs: { doc: { type: file }, told: { type: object } }";
/// Every use of a file that a run makes of what data names.
const USES: [&str; 4] = [
    "uses: file360.create_share, with: { name: X, files: [\"${{ inputs.told }}\"], expires_in: 3 days }",
    "uses: file360.put_file, with: { folder: /mine, name: x, file: \"${{ inputs.told }}\" }",
    "uses: file360.publish, with: { file: \"${{ inputs.told }}\", to: /mine }",
    "approve: { document: \"${{ inputs.told }}\", by: [user:author], decisions: [ok], on_new_version: keep }, deadline: { due: 3 days }, outcomes: { expired: { end: late } }",
];

#[tokio::test(start_paused = true)]
async fn a_run_uses_the_version_that_it_was_given_and_no_other_one() {
    for (at, step) in USES.into_iter().enumerate() {
        let harness = Harness::new().await;
        let [first, second, third] = versions(&harness).await;
        let name = format!("use-{at}");
        harness
            .deploy(&flow(&name, TOLD, &format!("  - {{ id: x, {step} }}\n")))
            .await;
        let begin = async |told: &FileRef| {
            let inputs = json!({ "doc": { "id": second.id, "version": 2 }, "told": told });
            harness.begin(&name, inputs).await
        };
        for other in [&first, &third] {
            let why = incident(&harness, &begin(other).await).await;
            let expected = format!("version {} of report.pdf was not given to this run", other.version);
            assert!(why.contains(&expected), "{step}: {why}");
        }
        let view = view(&harness, &begin(&second).await).await;
        assert_eq!(view["incidents"], Value::Null, "{step}: {view}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_about_bytes_other_than_those_of_the_version() {
    let harness = Harness::new().await;
    let [first, second, _] = versions(&harness).await;
    harness
        .deploy(&flow("use", TOLD, &format!("  - {{ id: x, {} }}\n", USES[3])))
        .await;
    let forged = FileRef {
        sha256: first.sha256,
        ..second.clone()
    };
    let inputs = json!({ "doc": { "id": second.id, "version": 2 }, "told": forged });
    let run = harness.begin("use", inputs).await;
    let why = incident(&harness, &run).await;
    assert!(why.contains("was not given to this run"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_a_run_stores_gives_it_none_of_the_earlier_ones() {
    let harness = Harness::new().await;
    let earlier = harness.put("register.txt", "salaries").await;
    let text = flow(
        "store",
        "inputs: { told: { type: object } }",
        "  - { id: mine, uses: file360.put_file, with: { folder: /in, name: register.txt, text: mine } }\n  \
         - { id: x, uses: file360.publish, with: { file: \"${{ inputs.told }}\", to: /mine } }\n",
    );
    harness.deploy(&text).await;
    let run = harness.begin("store", json!({ "told": earlier })).await;
    let why = incident(&harness, &run).await;
    assert!(
        why.contains("version 1 of register.txt was not given to this run"),
        "{why}"
    );
}

const REVIEW: &str = "  - id: x\n    approve: { document: \"${{ inputs.doc }}\", by: [user:author], decisions: [ok] }\n    \
                      deadline: { due: 3 days }\n    outcomes: { expired: { end: late } }\n";

#[tokio::test(start_paused = true)]
async fn people_are_asked_about_versions_that_are_stored_later_and_not_about_those_from_before() {
    let harness = Harness::new().await;
    let [first, ..] = versions(&harness).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    harness
        .deploy(&flow("review", "inputs: { doc: { type: file } }", REVIEW))
        .await;
    let run = harness
        .begin("review", json!({ "doc": { "id": first.id, "version": 1 } }))
        .await;
    assert_eq!(
        asked_about(&harness, &run).await,
        [1],
        "two and three were there and were not given"
    );
    harness.put("report.pdf", "four").await;
    assert_eq!(asked_about(&harness, &run).await, [4]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_never_had_a_file_does_not_get_its_next_version() {
    let harness = Harness::new().await;
    let secret = harness.put("salaries.pdf", "secret").await;
    let step = USES[3].replace(", on_new_version: keep", "");
    let text = flow(
        "take",
        "inputs: { told: { type: object } }",
        &format!("  - {{ id: x, {step} }}\n"),
    );
    harness.deploy(&text).await;
    let run = harness.begin("take", json!({ "told": secret })).await;
    incident(&harness, &run).await;
    harness.put("salaries.pdf", "more").await;
    harness.host.come_to_rest(Duration::from_secs(5)).await.unwrap();
    harness
        .host
        .retry_step(&run, "x", "user:admin", "once more")
        .await
        .unwrap();
    let why = incident(&harness, &run).await;
    assert!(why.contains("of salaries.pdf was not given to this run"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_run_gives_the_versions_that_it_had() {
    let harness = Harness::new().await;
    let [first, second, _] = versions(&harness).await;
    let before = format!("{TOLD}\noutputs: {{ doc: \"${{{{ inputs.told }}}}\" }}");
    let step = "  - { id: x, uses: data.set, with: { value: 1 } }\n";
    harness.deploy(&flow("first", &before, step)).await;
    let after =
        "on: { flow: { name: first, inputs: { doc: \"${{ event.outputs.doc }}\" } } }\ninputs: { doc: { type: file } }";
    harness.deploy(&flow("second", after, step)).await;
    for (told, runs) in [(&first, 0), (&second, 1)] {
        let inputs = json!({ "doc": { "id": second.id, "version": 2 }, "told": told });
        let run = harness.begin("first", inputs).await;
        assert_eq!(view(&harness, &run).await["outcome"], "completed");
        let listed = harness.get("/api/v1/runs?flow=second").by("admin").send().await.json();
        let followed = listed["items"].as_array().unwrap().len();
        assert_eq!(followed, runs, "version {}: {listed}", told.version);
    }
}

#[tokio::test(start_paused = true)]
async fn a_share_that_follows_its_files_is_a_right_of_its_own() {
    let harness = Harness::new().await;
    let share = |follow: &str| {
        format!(
            "  - {{ id: x, uses: file360.create_share, with: {{ name: X, files: [\"${{{{ inputs.doc }}}}\"], expires_in: 3 days{follow} }} }}\n"
        )
    };
    let update =
        "  - { id: y, uses: file360.update_share, with: { share: \"${{ steps.x.share }}\", follow: newest } }\n";
    let inputs = "inputs: { doc: { type: file }, follow: { type: text, default: exact } }";
    for (at, (steps, is_right)) in [
        (share(""), false),
        (share(", follow: exact"), false),
        (share(", follow: newest"), true),
        (share(", follow: \"${{ inputs.follow }}\""), true),
        (share("") + update, true),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("share-{at}");
        harness.deploy(&flow(&name, inputs, &steps)).await;
        let rights = harness.host.rights_in_force(&name).await.unwrap();
        let told: Vec<String> = rights.0.iter().map(ToString::to_string).collect();
        let word = "share newer versions of its files, whoever stores them".to_owned();
        assert_eq!(told.contains(&word), is_right, "{steps}: {told:?}");
    }
}
