//! Separation of duties finds the person behind each run and document, whatever started the run and
//! however the document reached it.

use super::world::{Process, World, beginning};
use gatefold::base::id::{EventId, FileId, RunId};
use gatefold::engine::{Decision, InboundEvent, SENT_BY};
use gatefold::host::HostError;
use gatefold::host::runs::{FilesFrom, StartRun};
use gatefold::store::{RunFilter, TaskRow};
use serde_json::{Value, json};
use std::time::Duration;

/// Status of the flows below if nobody approves.
const ENDS: &str = "deadline: { due: 9 days }, outcomes: { rejected: { end: rejected }, expired: { end: late } } }";

/// A flow that asks legal, which is anna and ben, for an approval.
fn sign(name: &str, on: &str, document: &str, exclude: &str) -> String {
    format!(
        "flow: {name}\nversion: 1.0.0\n{on}inputs: {{ document: {{ type: file }} }}\nsteps:\n  - {{ id: sign, approve: {{ \
         document: \"{document}\", by: [role:legal], exclude: [{exclude}], decisions: [approved, rejected] }}, {ENDS}\n"
    )
}

/// A flow that asks for an approval of the document that it is given.
fn signs(name: &str, on: &str, exclude: &str) -> String {
    sign(name, on, "${{ inputs.document }}", exclude)
}

async fn put(process: &Process, by: &str) -> Value {
    let document = process.host.put_file(by, "/in", "a.pdf", by.as_bytes()).await;
    json!(document.unwrap().id)
}

async fn send(process: &Process, kind: &str, data: Value) {
    let event = InboundEvent {
        id: EventId::derived(&format!("{kind}:{data}")),
        kind: kind.to_owned(),
        subjects: Vec::new(),
        key: None,
        data,
        at: beginning(),
    };
    process.host.publish_event(event).await.unwrap();
}

/// Runs until nothing more happens without time passing.
async fn rest() {
    assert!(
        tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>())
            .await
            .is_err()
    );
}

async fn run_of(process: &Process, flow: &str) -> RunId {
    let filter = RunFilter {
        flow: Some(flow.to_owned()),
        limit: 9,
        ..RunFilter::default()
    };
    let rows = process.host.list_runs(&filter).await.unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows[0].id.clone()
}

/// The open task of a flow, after everything pending has run.
async fn task_of(process: &Process, flow: &str) -> TaskRow {
    rest().await;
    let tasks = process.host.open_tasks(None).await.unwrap();
    let mut of_flow = tasks.into_iter().filter(|task| task.flow == flow);
    of_flow.next().unwrap_or_else(|| panic!("{flow} asks nobody"))
}

const ON_READY: &str = "on: { event: { type: crm.ready, inputs: { document: \"${{ event.document }}\" } } }\n";

#[tokio::test(start_paused = true)]
async fn the_sender_of_an_event_is_the_initiator_whatever_the_event_says() {
    for claimed in [Value::Null, json!("user:ben"), json!("run:run_1")] {
        let world = World::new();
        let process = world.start().await;
        process.deploy(&signs("evt", ON_READY, "initiator")).await;
        let document = put(&process, "user:anna").await;
        let data = json!({ "document": document, "by": claimed, SENT_BY: "user:anna" });
        send(&process, "crm.ready", data).await;
        assert_eq!(task_of(&process, "evt").await.people, ["user:ben"], "{claimed}");
        let view = process.host.run_view(&run_of(&process, "evt").await).await.unwrap();
        assert_eq!((view.run.initiator.as_str(), view.starter), ("user:anna", None));
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_names_only_files_that_its_sender_may_open() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&signs("evt", ON_READY, "initiator")).await;
    let document = put(&process, "user:anna").await;
    send(
        &process,
        "crm.ready",
        json!({ "document": document, SENT_BY: "user:dan" }),
    )
    .await;
    rest().await;
    assert_eq!(process.host.metrics().runs_not_started.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_event_sent_by_two_people_is_one_event_of_the_first() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&signs("evt", ON_READY, "initiator")).await;
    let document = put(&process, "user:anna").await;
    for sender in ["user:anna", "user:ben"] {
        let event = InboundEvent {
            id: EventId::from("evt_7"),
            kind: "crm.ready".to_owned(),
            subjects: Vec::new(),
            key: None,
            data: json!({ "document": document, SENT_BY: sender }),
            at: beginning(),
        };
        process.host.publish_event(event).await.unwrap();
    }
    assert_eq!(task_of(&process, "evt").await.people, ["user:ben"]);
}

#[tokio::test(start_paused = true)]
async fn the_uploader_is_the_initiator_of_a_run_that_the_upload_starts() {
    let world = World::new();
    let process = world.start().await;
    let on = "on: { event: { type: file360.file_uploaded, inputs: { document: \"${{ event.file }}\" } } }\n";
    process.deploy(&signs("filed", on, "initiator")).await;
    put(&process, "user:anna").await;
    assert_eq!(task_of(&process, "filed").await.people, ["user:ben"]);
}

/// A flow that does `step` with the document it is given.
fn ask(name: &str, on: &str, step: &str) -> String {
    format!(
        "flow: {name}\nversion: 1.0.0\n{on}inputs: {{ document: {{ type: file }} }}\n\
         outputs: {{ document: \"${{{{ inputs.document }}}}\" }}\nsteps:\n  - {{ id: tell, {step} }}\n"
    )
}

const EMITS: &str = "uses: workflow.emit, with: { type: crm.ready, data: { document: \"${{ inputs.document }}\", sent_by: \"user:ben\" } }";

#[tokio::test(start_paused = true)]
async fn the_starter_of_a_chain_counts_as_initiator_of_its_last_run() {
    let by_end = "on: { flow: { name: first } }\n";
    let child = "run: { flow: last, with: { document: \"${{ inputs.document }}\" } }, outcomes: { late: { end: late }, rejected: { end: rejected } }";
    let chains: [(&str, Vec<String>); 4] = [
        (
            "an event",
            vec![ask("first", "", EMITS), signs("last", ON_READY, "initiator")],
        ),
        (
            "an end",
            vec![
                ask("first", "", "uses: data.set, with: { value: 1 }"),
                signs("last", by_end, "initiator"),
            ],
        ),
        ("a step", vec![signs("last", "", "initiator"), ask("first", "", child)]),
        (
            "an event, then a step",
            vec![
                signs("last", "", "initiator"),
                ask("first", "", EMITS),
                ask("second", ON_READY, child),
            ],
        ),
    ];
    for (what, flows) in chains {
        let world = World::new();
        let process = world.start().await;
        for flow in &flows {
            process.deploy(flow).await;
        }
        let document = put(&process, "user:anna").await;
        process.begin("first", json!({ "document": document })).await;
        assert_eq!(
            task_of(&process, "last").await.people,
            ["user:ben"],
            "started by {what}"
        );
        let view = process.host.run_view(&run_of(&process, "last").await).await.unwrap();
        let known = view.starter.unwrap_or(view.run.initiator);
        assert_eq!(known, "user:anna", "started by {what}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_uploader_is_the_initiator_of_a_run_that_an_expiry_starts() {
    let world = World::new();
    let process = world.start().await;
    let on = "on: { document: { expires_within: 30 days, inputs: { document: \"${{ event.file }}\" } } }\n";
    process.deploy(&signs("renew", on, "initiator")).await;
    let day = Some("2026-12-01");
    let put = process
        .host
        .put_file_once("user:anna", "/a", "a.pdf", &b"a"[..], None, day);
    put.await.unwrap();
    assert_eq!(task_of(&process, "renew").await.people, ["user:ben"]);
}

#[tokio::test(start_paused = true)]
async fn a_copy_remembers_who_uploaded_its_bytes() {
    let put_file = "uses: file360.put_file, with: { folder: /register, file: \"${{ inputs.document }}\" }";
    let publish = "uses: file360.publish, with: { file: \"${{ inputs.document }}\", to: /final }";
    let again = "uses: file360.put_file, with: { folder: /again, file: \"${{ steps.copy.file }}\" }";
    for (copy, more, document) in [
        (put_file, "", "steps.copy.file"),
        (publish, "", "steps.copy.file"),
        (publish, again, "steps.second.file"),
    ] {
        let world = World::new();
        let process = world.start().await;
        let mut steps = format!("  - {{ id: copy, {copy} }}\n");
        if !more.is_empty() {
            steps.push_str(&format!("  - {{ id: second, {more} }}\n"));
        }
        let flow = sign("copied", "", &format!("${{{{ {document} }}}}"), "uploader");
        process
            .deploy(&flow.replace("steps:\n", &format!("steps:\n{steps}")))
            .await;
        let given = put(&process, "user:anna").await;
        process.begin("copied", json!({ "document": given })).await;
        let task = task_of(&process, "copied").await;
        assert_eq!(task.people, ["user:ben"], "{copy} {more}");
        let copied = process
            .host
            .open_file("user:ben", &FileId(task.document.unwrap().id), None)
            .await
            .unwrap();
        assert!(
            copied.document.by.unwrap().starts_with("run:"),
            "who put the copy stays the run"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_file_space_knows_the_uploader_whatever_a_flow_says() {
    let world = World::new();
    let process = world.start().await;
    let flow = "flow: said\nversion: 1.0.0\ninputs: { document: { type: file } }\nsteps:\n  - id: say\n    uses: data.set\n    \
                with: { value: { id: \"${{ inputs.document.id }}\", name: a, version: 1, sha256: \
                \"${{ inputs.document.sha256 }}\", by: \"user:dan\" } }\n  - { id: sign, approve: { document: \"${{ \
                steps.say.value }}\", by: [role:legal], exclude: [uploader], decisions: [approved, rejected] }, ";
    process.deploy(&format!("{flow}{ENDS}\n")).await;
    let document = put(&process, "user:anna").await;
    process.begin("said", json!({ "document": document })).await;
    assert_eq!(task_of(&process, "said").await.people, ["user:ben"]);
}

/// A flow that excludes the value of its input `who`.
fn excluding(kind: &str) -> String {
    let flow = signs("asked", "", "\"${{ inputs.who }}\"");
    flow.replace("inputs: {", &format!("inputs: {{ who: {{ type: {kind} }},"))
}

#[tokio::test(start_paused = true)]
async fn an_expression_excludes_a_person_in_any_spelling() {
    for (kind, who) in [
        ("person", json!("user:anna")),
        ("email", json!("Anna@Example.COM")),
        ("text", json!("email:ANNA@example.com")),
        ("list, of: email", json!(["rosa@supplier.example", "Anna@example.com"])),
    ] {
        let world = World::new();
        let process = world.start().await;
        process.deploy(&excluding(kind)).await;
        let document = put(&process, "user:anna").await;
        process
            .begin("asked", json!({ "document": document, "who": who }))
            .await;
        assert_eq!(task_of(&process, "asked").await.people, ["user:ben"], "{kind} {who}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_expression_that_gives_no_person_asks_nobody() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&excluding("text")).await;
    let document = put(&process, "user:anna").await;
    let run = process
        .begin("asked", json!({ "document": document, "who": "anna" }))
        .await;
    rest().await;
    let incidents = process.host.run_view(&run).await.unwrap().incidents;
    assert!(
        incidents[0].error.contains("gives \"anna\", which names no person"),
        "{incidents:?}"
    );
    assert_eq!(process.host.open_tasks(None).await.unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_sender_of_the_event_completed_the_wait() {
    let world = World::new();
    let process = world.start().await;
    let flow = signs("waits", "", "reply").replace(
        "steps:\n",
        "steps:\n  - { id: reply, wait: { event: crm.replied }, deadline: { due: 9 days }, outcomes: { expired: { end: late } } }\n",
    );
    process
        .deploy(&flow.replace("crm.replied }", "crm.replied, key: k }"))
        .await;
    let document = put(&process, "user:anna").await;
    process.begin("waits", json!({ "document": document })).await;
    let event = InboundEvent {
        id: EventId::from("evt_1"),
        kind: "crm.replied".to_owned(),
        subjects: Vec::new(),
        key: Some("k".to_owned()),
        data: json!({ "by": "user:dan", SENT_BY: "user:anna" }),
        at: process.host.now(),
    };
    process.host.publish_event(event).await.unwrap();
    assert_eq!(task_of(&process, "waits").await.people, ["user:ben"]);
}

/// A person's own start is checked against their rights; what this server names itself is not.
#[tokio::test(start_paused = true)]
async fn a_start_by_hand_names_only_files_that_the_starter_may_open() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&signs("evt", "", "initiator")).await;
    let start = StartRun {
        flow: "evt".to_owned(),
        inputs: json!({ "document": put(&process, "user:anna").await }),
        initiator: "user:dan".to_owned(),
        trigger: "manual".to_owned(),
        ..StartRun::default()
    };
    let refused = process.host.start_run(start).await;
    assert!(matches!(refused, Err(HostError::BadInputs { .. })), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_person_is_preferred_in_whatever_spelling_the_step_before_names_them() {
    for by in ["user:ben", "Ben@example.com", "email:BEN@example.com"] {
        let world = World::new();
        let process = world.start().await;
        let flow = "flow: waits\nversion: 1.0.0\nsteps:\n  - { id: reply, wait: { event: crm.replied, key: k }, deadline: { due: 9 \
                    days }, outcomes: { expired: { end: late } } }\n  - { id: work, task: { to: [role:legal], prefer: reply }, \
                    deadline: { due: 9 days }, outcomes: { declined: { end: declined }, expired: { end: late } } }\n";
        process.deploy(flow).await;
        process.begin("waits", json!({})).await;
        let event = InboundEvent {
            id: EventId::from("evt_1"),
            kind: "crm.replied".to_owned(),
            subjects: Vec::new(),
            key: Some("k".to_owned()),
            data: json!({ "by": by }),
            at: process.host.now(),
        };
        process.host.publish_event(event).await.unwrap();
        let task = task_of(&process, "waits").await;
        assert_eq!(task.claimed_by.as_deref(), Some("user:ben"), "{by}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_puts_bytes_that_are_there_already_counts_as_an_uploader_too() {
    let put_file = "uses: file360.put_file, with: { folder: /register, file: \"${{ inputs.document }}\" }";
    let publish = "uses: file360.publish, with: { file: \"${{ inputs.document }}\", to: /register }";
    for copy in [put_file, publish] {
        let world = World::new();
        let process = world.start().await;
        let flow = sign("copied", "", "${{ steps.copy.file }}", "uploader");
        let flow = flow.replace("by: [role:legal]", "by: [role:legal, user:dan]");
        let flow = flow.replace("steps:\n", &format!("steps:\n  - {{ id: copy, {copy} }}\n"));
        process.deploy(&flow).await;
        let mut versions = Vec::new();
        for by in ["user:anna", "user:ben"] {
            let folder = format!("/of/{}", by.replace(':', "-"));
            let given = process
                .host
                .put_file(by, &folder, "a.pdf", &b"the same"[..])
                .await
                .unwrap();
            let start = StartRun {
                flow: "copied".to_owned(),
                inputs: json!({ "document": given.id }),
                initiator: by.to_owned(),
                trigger: "manual".to_owned(),
                ..StartRun::default()
            };
            let run = process.host.start_run(start).await.unwrap();
            rest().await;
            let tasks = process.host.open_tasks(None).await.unwrap();
            let task = tasks.into_iter().find(|task| task.run == run);
            let Some(task) = task else {
                panic!("{by}: {:?}", process.journal(&run).await)
            };
            let document = task.document.clone().unwrap();
            versions.push((document.id, document.version, document.sha256, task));
        }
        assert_eq!(versions[0].3.people, ["user:ben", "user:dan"], "{copy}");
        assert_eq!(
            (&versions[1].0, versions[1].1),
            (&versions[0].0, versions[0].1),
            "the same bytes are no new version"
        );
        let decide = async |by: &str| {
            let decision = Decision {
                task: versions[1].3.id.clone(),
                by: by.to_owned(),
                on_behalf_of: None,
                decision: "approved".to_owned(),
                reason: None,
                sha256: Some(versions[1].2.clone()),
                form: serde_json::Map::new(),
                via: None,
            };
            process.host.decide(decision).await.is_ok()
        };
        assert!(!decide("user:anna").await, "anna put it first: {copy}");
        assert!(!decide("user:ben").await, "ben put it this time: {copy}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_the_author_names_is_checked_against_the_flow_and_one_of_the_event_against_the_sender() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&signs("evt", "", "initiator")).await;
    let document = put(&process, "user:anna").await;
    let start = async |sender: &str, data: Value| {
        let start = StartRun {
            flow: "evt".to_owned(),
            inputs: json!({ "document": document }),
            initiator: sender.to_owned(),
            trigger: "event".to_owned(),
            files_from: FilesFrom::Event(data),
            ..StartRun::default()
        };
        process.host.start_run(start).await.is_ok()
    };
    // anna may open it, and the author of the trigger must not borrow her rights
    assert!(!start("user:anna", json!({ "about": "something else" })).await);
    for data in [
        json!({ "document": document }),
        json!({ "all": [{ "id": document, "version": 1 }] }),
    ] {
        assert!(start("user:anna", data.clone()).await, "she names it herself: {data}");
        assert!(!start("user:dan", data.clone()).await, "he may not open it: {data}");
    }
}
