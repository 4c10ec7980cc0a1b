//! The story: Dora has a contract reviewed by Rosa, who works elsewhere; Anna and Ben sign it off.

use super::mailbox;
use super::stage::Stage;
use crate::base::Value;
use crate::base::id::hex;
use crate::cli::client::{Answer, CallError, Client, escaped, file_path};
use crate::cli::exit::{Failure, Outcome};
use crate::cli::output;
use crate::cli::progress::{self, short};
use crate::engine::EventRecord;
use crate::engine::event::Event;
use crate::rehearsal::pdf;
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The flow that is told. Part of the program, so that the demo needs no file.
const FLOW: &str = include_str!("../../../definitions/external-review.flow.yaml");
/// Who reviews.
const REVIEWER: &str = "rosa@reviewers.example";
/// What the contract is called.
const CONTRACT: &str = "contract.pdf";
/// Where it lies before the review.
const DRAFTS: &str = "/contracts/drafts";
/// Longest wait for anything that must follow from what was done.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two looks at something that tells nobody when it changes.
const POLL: Duration = Duration::from_millis(20);

/// Tells the story, and checks it.
pub async fn tell(stage: &Stage) -> Outcome {
    let dora = stage.caller("dora")?;
    let first = upload_contract(&dora).await?;
    let run = start(&dora, &first).await?;
    let mut live = Live::follow(&dora, &run).await?;
    let link = review(stage, &first).await?;
    live.until("the lawyers are asked", |event| {
        matches!(event, Event::TaskAssigned { .. })
    })
    .await?;
    let signed = sign_off(stage, &run, &first).await?;
    live.until("the run ends", |event| matches!(event, Event::RunEnded { .. }))
        .await?;
    check_published(&dora, &run, &signed).await?;
    check_revoked(stage, &link).await?;
    print_journal(&dora, &run).await
}

fn says(who: &str, what: &str) {
    let style = anstyle::AnsiColor::Cyan.on_default().bold();
    output::say(&format!("{style}{who:>8}{style:#}  {what}"));
}

/// A claim of the story; one that does not hold ends it.
fn claim(holds: bool, what: &str) -> Outcome {
    if holds {
        Ok(())
    } else {
        Err(Failure::Negative(format!("the demo failed: expected that {what}")))
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// Dora puts the first version into the file space.
async fn upload_contract(dora: &Client) -> Result<Value, Failure> {
    let bytes = pdf::make("Contract", &["Version 1, as drafted by us.", "Fee: 10,000 a year."]);
    let document = dora
        .upload(Method::POST, &file_path(DRAFTS, CONTRACT), bytes.clone())
        .await?;
    claim(
        text(&document, "sha256") == sha256(&bytes),
        "the stored file is the one that was sent",
    )?;
    says(
        "dora",
        &format!("uploads {CONTRACT}, version 1, SHA-256 {}", short(&sha256(&bytes))),
    );
    Ok(document)
}

async fn start(dora: &Client, document: &Value) -> Result<String, Failure> {
    let deployed = dora.deploy("external-review.flow.yaml", FLOW).await?;
    says(
        "dora",
        &format!("deploys {} {}", text(&deployed, "flow"), text(&deployed, "version")),
    );
    let inputs = json!({ "document": document, "reviewer": REVIEWER });
    let run = dora.start(&text(&deployed, "flow"), &inputs, Some("demo")).await?;
    let again = dora.start(&text(&deployed, "flow"), &inputs, Some("demo")).await?;
    claim(run == again, "the same request, sent twice, starts one run")?;
    says(
        "dora",
        &format!("starts {run}; the same request sent again starts no second one"),
    );
    Ok(run)
}

/// Rosa opens the link from her mail, reads the contract and sends back a new version.
async fn review(stage: &Stage, first: &Value) -> Result<String, Failure> {
    let outbox = stage.outbox.clone();
    let link = eventually("a mail with the link comes", || mailbox::link_for(&outbox, REVIEWER)).await?;
    let rosa = stage.outsider();
    let token = link.rsplit('/').next().unwrap_or_default().to_owned();
    let base = format!("/api/v1/links/{token}");
    let view = rosa.get(&base).await?;
    let files = view["files"].as_array().cloned().unwrap_or_default();
    claim(
        files.len() == 1 && text(&files[0], "sha256") == text(first, "sha256"),
        "the share holds the contract alone",
    )?;
    says(
        "rosa",
        &format!(
            "opens the link in her mail: {:?}, {} file",
            text(&view, "name"),
            files.len()
        ),
    );
    let read = rosa
        .download(&format!("{base}/files/{}", escaped(&text(&files[0], "id"))))
        .await?;
    claim(
        sha256(&read) == text(first, "sha256"),
        "she reads what was shared, byte for byte",
    )?;
    let bytes = pdf::make(
        "Contract",
        &["Version 2, with the reviewer's changes.", "Fee: 9,500 a year."],
    );
    let path = format!("{base}/files?name={}", escaped(CONTRACT));
    let second = rosa.upload(Method::POST, &path, bytes.clone()).await?;
    claim(
        second["version"] == 2 && text(&second, "sha256") == sha256(&bytes),
        "her upload is version 2",
    )?;
    says(
        "rosa",
        &format!("reads it and uploads version 2, SHA-256 {}", short(&sha256(&bytes))),
    );
    Ok(base)
}

/// Anna and Ben read the new version and approve exactly that.
async fn sign_off(stage: &Stage, run: &str, first: &Value) -> Result<String, Failure> {
    let mut signed = String::new();
    for (index, lawyer) in ["anna", "ben"].into_iter().enumerate() {
        let caller = stage.caller(lawyer)?;
        let task = task_of(&caller, run).await?;
        let path = format!("/api/v1/tasks/{}", escaped(&text(&task, "id")));
        let read = caller.download(&format!("{path}/document")).await?;
        signed = sha256(&read);
        claim(
            text(&task["document"], "sha256") == signed,
            "what is read is what is decided on",
        )?;
        claim(signed != text(first, "sha256"), "the lawyers read the new version")?;
        if index == 0 {
            refuse_stale(&caller, lawyer, &path, &text(first, "sha256")).await?;
        }
        let decided = decide(&caller, &path, "approved", &signed).await?;
        claim(text(&decided, "result") == "accepted", "the decision counts")?;
        says(lawyer, &format!("reads version 2 and approves {}", short(&signed)));
        if index == 0 {
            refuse_twice(&caller, lawyer, &path, &signed).await?;
        }
    }
    Ok(signed)
}

async fn decide(caller: &Client, task: &str, decision: &str, sha256: &str) -> Answer {
    let body = json!({ "decision": decision, "sha256": sha256, "reason": "as discussed" });
    caller.post(&format!("{task}/decision"), &body).await
}

/// A decision on the version of yesterday is refused.
async fn refuse_stale(caller: &Client, lawyer: &str, task: &str, stale: &str) -> Outcome {
    let answer = decide(caller, task, "approved", stale).await;
    claim(
        status(&answer) == Some(409),
        "a decision on an earlier version is refused with 409",
    )?;
    says(
        lawyer,
        &format!(
            "tries to approve version 1 ({}): 409, {}",
            short(stale),
            sentence(&answer)
        ),
    );
    Ok(())
}

/// The same answer again changes nothing; another one is refused.
async fn refuse_twice(caller: &Client, lawyer: &str, task: &str, sha256: &str) -> Outcome {
    let same = decide(caller, task, "approved", sha256).await?;
    claim(
        text(&same, "result") == "already_done",
        "the same decision again changes nothing",
    )?;
    let other = decide(caller, task, "rejected", sha256).await;
    claim(
        status(&other) == Some(409),
        "another decision after the first is refused with 409",
    )?;
    says(lawyer, &format!("has second thoughts: 409, {}", sentence(&other)));
    Ok(())
}

fn status<T>(answer: &Answer<T>) -> Option<u16> {
    answer.as_ref().err().and_then(CallError::status)
}

fn sentence<T>(answer: &Answer<T>) -> String {
    answer.as_ref().err().map(ToString::to_string).unwrap_or_default()
}

async fn task_of(caller: &Client, run: &str) -> Result<Value, Failure> {
    let begun = Instant::now();
    loop {
        let page = caller.get("/api/v1/tasks").await?;
        let mine = page["items"]
            .as_array()
            .and_then(|tasks| tasks.iter().find(|task| task["run"] == run).cloned());
        if let Some(task) = mine {
            return Ok(task);
        }
        claim(begun.elapsed() < PATIENCE, "a task opens for each lawyer")?;
        tokio::time::sleep(POLL).await;
    }
}

/// The published file is the one that was signed.
async fn check_published(dora: &Client, run: &str, signed: &str) -> Outcome {
    let view = dora.run(run).await?;
    claim(view["outcome"] == "completed", "the run ends as completed")?;
    let journal = dora.journal(run, 0).await?;
    let output = journal.iter().find_map(|record| match &record.event {
        Event::StepFinished { step, output, .. } if step == "publish" => Some(output.clone()),
        _ => None,
    });
    let file = output.map(|output| output["file"].clone()).unwrap_or_default();
    let bytes = dora
        .download(&format!("/api/v1/files/{}", escaped(&text(&file, "id"))))
        .await?;
    claim(
        sha256(&bytes) == signed,
        "the published file is the signed one, byte for byte",
    )?;
    output::say("");
    says("result", &format!("published SHA-256 {}", sha256(&bytes)));
    says("", "equal to the version that both lawyers signed");
    Ok(())
}

/// The link is dead.
async fn check_revoked(stage: &Stage, link: &str) -> Outcome {
    let answer = stage.outsider().get(link).await;
    claim(
        matches!(status(&answer), Some(404 | 410)),
        "the link answers 404 or 410 once the run is over",
    )?;
    let code = status(&answer).unwrap_or_default();
    says("rosa", &format!("opens her link again: {code}, {}", sentence(&answer)));
    Ok(())
}

async fn print_journal(dora: &Client, run: &str) -> Outcome {
    let journal = dora.journal(run, 0).await?;
    let has_no_gap = journal
        .iter()
        .enumerate()
        .all(|(index, record)| record.seq == index as u64 + 1);
    claim(has_no_gap, "the journal has no gap")?;
    output::say(&format!("\nThe journal of {run}:\n"));
    for record in &journal {
        output::line(&progress::line(record))?;
    }
    Ok(())
}

/// What `look` finds, within bounds.
async fn eventually<T>(what: &str, look: impl Fn() -> Option<T>) -> Result<T, Failure> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        claim(begun.elapsed() < PATIENCE, what)?;
        tokio::time::sleep(POLL).await;
    }
}

/// The run's events as they come: shown, and waited for.
struct Live {
    seen: watch::Receiver<Vec<EventRecord>>,
}

impl Live {
    async fn follow(caller: &Client, run: &str) -> Result<Self, Failure> {
        let events = caller.watch(run, 0).await?;
        let (sender, seen) = watch::channel(Vec::new());
        tokio::spawn(async move {
            let mut events = std::pin::pin!(events);
            while let Some(Ok(record)) = events.next().await {
                let dim = anstyle::Style::new().dimmed();
                output::say(&format!("{dim}          {}{dim:#}", progress::line(&record)));
                sender.send_modify(|seen| seen.push(record));
            }
        });
        Ok(Self { seen })
    }

    /// Waits until an event that `is_it` has happened, within bounds.
    async fn until(&mut self, what: &str, is_it: impl Fn(&Event) -> bool) -> Outcome {
        let happened = self
            .seen
            .wait_for(|seen| seen.iter().any(|record| is_it(&record.event)));
        match tokio::time::timeout(PATIENCE, happened).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => claim(false, &format!("the server tells that {what}")),
            Err(_) => claim(false, what),
        }
    }
}
