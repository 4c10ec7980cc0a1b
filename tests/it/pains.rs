//! What users of other engines have complained about, each named after its thread: none of it may happen here.
//!
//! Most are flows with tests in `tests/pains`, which are played in virtual time; the others are here.

use crate::harness::Harness;
use gatefold::base::render::human;
use gatefold::base::{Calendars, Diagnostic, Severity};
use gatefold::lint::{Flows, Surroundings, check, outline};
use gatefold::rehearsal::{ENDING, rehearse};
use gatefold::spec::Catalog;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pains")
}

/// The names of the files that end so, without that ending.
fn named(ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder()).expect("the folder is there");
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names
        .filter_map(|name| name.strip_suffix(ending).map(str::to_owned))
        .collect()
}

#[test]
fn no_pain_of_the_others_is_felt_here() {
    let names = named(ENDING);
    assert!(names.len() >= 20, "{names:?}");
    assert_eq!(names, named(".flow.yaml"), "each has a flow and a test");
    let mut wrong = String::new();
    for name in names {
        let file = format!("{name}{ENDING}");
        let path = folder().join(&file);
        let text = fs::read_to_string(&path).unwrap();
        let report = rehearse(&path, &file, &text, None);
        if !report.is_good() || report.cases.is_empty() {
            wrong.push_str(&human::render(&report.all_findings(), false));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn each_pain_names_its_thread_and_what_went_wrong_there() {
    for (name, ending) in named(ENDING)
        .into_iter()
        .flat_map(|name| [(name.clone(), ENDING), (name, ".flow.yaml")])
    {
        let text = fs::read_to_string(folder().join(format!("{name}{ending}"))).unwrap();
        let header: Vec<&str> = text.lines().take_while(|line| line.starts_with("# ")).collect();
        let links = header.iter().filter(|line| line.starts_with("# https://")).count();
        assert!(links >= 1 && header.len() >= links + 2, "{name}{ending}: {header:?}");
    }
}

fn lint(text: &str) -> Vec<Diagnostic> {
    let calendars = Calendars::new();
    let surroundings = Surroundings {
        catalog: Catalog::builtin(),
        calendars: &calendars,
        people: None,
        flows: None,
        secrets: None,
    };
    check("a.flow.yaml", text, surroundings).findings
}

/// Each finding as `CODE line message`.
fn told(text: &str) -> Vec<String> {
    let line = |finding: &Diagnostic| text[..finding.primary.start].matches('\n').count() + 1;
    let findings = lint(text);
    findings
        .iter()
        .map(|finding| format!("{} {} {}", finding.code.id, line(finding), finding.message))
        .collect()
}

const MAIL: &str = "flow: a
version: 1.0.0
inputs: { amount: { type: number } }
steps:
  - id: tell
    title: Tell finance
    uses: mail.send
    with: { to: role:finance, subject: Done, text: It is done. }
";

/// <https://github.com/kestra-io/kestra/issues/13646>: an expression at the beginning of a value was a map to the
/// reader of YAML, and the author was shown what the reader had met. Here it is said what to write.
#[test]
fn kestra_13646_an_expression_without_quotes_is_told_as_such() {
    let text = MAIL.replace("subject: Done", "subject: ${{ inputs.amount }}");
    let told = told(&text);
    assert_eq!(told, ["GF001 8 an expression inside `{ }` or `[ ]` needs quotes"]);
    let help = lint(&text)[0].help.clone().unwrap_or_default();
    assert!(help.contains("\"${{ inputs.amount }}\""), "{help}");
}

/// <https://github.com/kestra-io/kestra/issues/1993>, <https://github.com/argoproj/argo-workflows/issues/12899>:
/// everything on one line and by number, as `tasks[0]`, or with no place at all. Here each has its line, speaks of
/// the step by name, and offers the word that was meant.
#[test]
fn kestra_1993_every_finding_has_its_line_and_the_name_of_its_step() {
    let text = MAIL
        .replace("subject: Done", "subjekt: Done")
        .replace("It is done.", "\"${{ input.amount }} ${{ inputs.amout }}\"");
    let findings = told(&text);
    assert_eq!(findings.len(), 4, "{findings:#?}");
    assert!(
        findings.iter().all(|finding| finding.split(' ').nth(1) == Some("8")),
        "{findings:#?}"
    );
    assert!(findings.iter().all(|finding| !finding.contains("[0]")), "{findings:#?}");
    let offered: Vec<String> = lint(&text)
        .iter()
        .flat_map(|finding| finding.fix.iter().map(|fix| fix.replacement.clone()))
        .collect();
    for word in ["subject", "inputs", "amount"] {
        assert!(offered.iter().any(|offer| offer == word), "{word}: {offered:?}");
    }
}

/// <https://github.com/rhysd/actionlint/issues/237>: one finding on one line could not be silenced. Here it can, with a
/// reason, and a silence that silences nothing is a finding.
#[test]
fn actionlint_237_one_finding_on_one_line_is_silenced_with_a_reason() {
    let text = "flow: a\nversion: 1.0.0\ninputs:\n  word: { type: choice, options: [yes, no] }\nsteps:\n  - { id: stop, end: { status: over } }\n";
    let loud = lint(text);
    assert!(!loud.is_empty() && loud.iter().all(|finding| finding.code.id == "GF004"));
    let silenced = text.replace("[yes, no] }", "[yes, no] } # lint: allow GF004 because only we read it");
    assert_eq!(told(&silenced), Vec::<String>::new());
    let bare = text.replace("[yes, no] }", "[yes, no] } # lint: allow GF004");
    assert_eq!(lint(&bare)[0].code.id, "GF902");
    let idle = silenced.replace("yes", "maybe").replace(", no]", ", never]");
    assert_eq!(lint(&idle)[0].code.id, "GF901");
}

/// <https://github.com/kubernetes/kops/issues/123> and others: a misspelt key was dropped in silence.
#[test]
fn kops_123_no_key_is_dropped_in_silence() {
    let text = MAIL.replace("    title: Tell", "    titel: Tell");
    let findings = lint(&text);
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].code.id, findings[0].severity), ("GF101", Severity::Error));
}

/// <https://github.com/kestra-io/kestra/issues/2087>: a sub-flow that is not there, or takes other inputs, was found when
/// a run came to it. Here the file that runs it is checked against it, inputs, outputs and ends.
#[test]
fn kestra_2087_what_a_sub_flow_wants_is_known_before_anything_runs() {
    let calendars = Calendars::new();
    let alone = Surroundings {
        catalog: Catalog::builtin(),
        calendars: &calendars,
        people: None,
        flows: None,
        secrets: None,
    };
    let child = "flow: child\nversion: 1.0.0\ninputs: { amount: { type: number } }\noutputs: { half: \"${{ inputs.amount / 2 }}\" }\n\
                 steps:\n  - { id: stop, end: { status: refused } }\n";
    let mut flows = Flows::default();
    flows.add(Arc::new(outline("child.flow.yaml", child, alone).expect("a flow")));
    let told = |run: &str, after: &str| -> Vec<&str> {
        let text = format!(
            "flow: a\nversion: 1.0.0\noutputs: {{ half: \"${{{{ steps.sub.half }}}}\" }}\nsteps:\n  - id: sub\n    run: {run}\n{after}"
        );
        let flows = Some(&flows);
        let findings = check("a.flow.yaml", &text, Surroundings { flows, ..alone }).findings;
        findings.iter().map(|finding| finding.code.id).collect()
    };
    let ends = "    outcomes: { refused: { end: refused } }\n";
    assert_eq!(told("{ flow: child, with: { amount: 7 } }", ends), Vec::<&str>::new());
    assert_eq!(told("{ flow: child, with: { amount: seven } }", ends), ["GF611"]);
    assert_eq!(told("{ flow: child, with: { amuont: 7 } }", ends), ["GF611", "GF611"]);
    assert_eq!(told("{ flow: child, with: { amount: 7 } }", ""), ["GF612"]);
    assert_eq!(told("{ flow: chlid, with: { amount: 7 } }", ends)[0], "GF610");
}

const WAITING: &str = "flow: notice
version: 1.0.0
steps:
  - id: read
    task: { to: [user:anna], title: Read the notice }
    deadline: { due: 5 days }
    outcomes: { declined: { end: declined }, expired: { end: expired } }
  - id: stop
    end: { status: as_it_was }
";

/// <https://github.com/Netflix/conductor/issues/987>, <https://github.com/elsa-workflows/elsa-core/issues/4669>,
/// <https://github.com/danielgerlag/workflow-core/issues/107>: nobody knew whether a changed definition changes what
/// is under way. Here a run stays with the version that it started with, and a deployed version never changes.
#[tokio::test(start_paused = true)]
async fn conductor_987_a_run_stays_with_the_version_it_started_with() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    let old = harness.begin("notice", json!({})).await;
    let changed = WAITING.replace("as_it_was", "as_it_is");
    let again = harness
        .post("/api/v1/flows")
        .by("author")
        .text(changed.clone())
        .send()
        .await;
    assert_eq!(again.status, axum::http::StatusCode::CONFLICT, "{}", again.text());
    harness.deploy(&changed.replace("1.0.0", "2.0.0")).await;
    let new = harness.begin("notice", json!({})).await;
    let tasks = harness.get("/api/v1/tasks").by("anna").send().await.json();
    assert_eq!(tasks["items"].as_array().map(Vec::len), Some(2));
    for task in tasks["items"].as_array().into_iter().flatten() {
        let path = format!("/api/v1/tasks/{}/decision", task["id"].as_str().unwrap());
        let answer = harness
            .post(&path)
            .by("anna")
            .json(&json!({ "decision": "done" }))
            .send()
            .await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }
    for (run, version, outcome) in [(old, "1.0.0", "as_it_was"), (new, "2.0.0", "as_it_is")] {
        let run = harness
            .get(&format!("/api/v1/runs/{run}"))
            .by("operator")
            .send()
            .await
            .json();
        assert_eq!(
            (run["version"].as_str(), run["outcome"].as_str()),
            (Some(version), Some(outcome))
        );
    }
}

/// The same threads: there was no way to bring a case to the mended definition but to end it and to begin anew.
/// Here it is moved, is told why where it cannot be, and a trial changes nothing.
#[tokio::test(start_paused = true)]
async fn elsa_4669_a_case_is_moved_to_the_mended_definition_or_it_is_said_why_not() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    let run = harness.begin("notice", json!({})).await;
    let mended = WAITING.replace("as_it_was", "as_it_is");
    harness.deploy(&mended.replace("1.0.0", "2.0.0")).await;
    let before = "  - { id: first, task: { to: [user:ben] }, deadline: { due: 5 days }, outcomes: { declined: continue, expired: continue } }\n";
    let longer = mended.replace("steps:\n", &format!("steps:\n{before}"));
    harness.deploy(&longer.replace("1.0.0", "3.0.0")).await;
    let migrate = async |body: serde_json::Value| {
        let path = format!("/api/v1/runs/{run}/migrate");
        harness.post(&path).by("admin").json(&body).send().await.json()
    };
    for dry_run in [true, false] {
        let cannot = migrate(json!({ "to": "3.0.0", "dry_run": dry_run, "reason": "mended" })).await;
        let reasons = if dry_run { &cannot["reasons"] } else { &cannot["errors"] };
        assert_eq!(
            reasons,
            &json!([{
                "place": "step read",
                "detail": "the run has begun it, and in 3.0.0 it comes after first, which the run has not done",
            }])
        );
    }
    let moved = migrate(json!({ "to": "2.0.0", "reason": "mended" })).await;
    assert_eq!(moved["state"], "moved", "{moved}");
    let tasks = harness.get("/api/v1/tasks").by("anna").send().await.json();
    let path = format!("/api/v1/tasks/{}/decision", tasks["items"][0]["id"].as_str().unwrap());
    let answer = harness
        .post(&path)
        .by("anna")
        .json(&json!({ "decision": "done" }))
        .send()
        .await;
    assert!(answer.status.is_success(), "{}", answer.text());
    let run = harness
        .get(&format!("/api/v1/runs/{run}"))
        .by("operator")
        .send()
        .await
        .json();
    assert_eq!(
        (&run["version"], &run["outcome"]),
        (&json!("2.0.0"), &json!("as_it_is"))
    );
}
