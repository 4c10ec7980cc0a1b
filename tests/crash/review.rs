//! The external review, played by clients that try again for as long as the server comes back.
//! Each act looks first whether it has already had its effect, as a careful client does.

use super::patience::Patience;
use super::process::{Server, furnish};
use gatefold::base::Value;
use gatefold::base::id::hex;
use gatefold::cli::client::{Answer, CallError, Client, escaped, file_path};
use gatefold::engine::event::Event;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::Duration;

const FIRST: &[u8] = b"%PDF-1.4 the contract, first version";
const SECOND: &[u8] = b"%PDF-1.4 the contract, second version";
const REVIEWER: &str = "rosa@reviewers.example";
/// To the reviewer, to each of three lawyers, and to the legal lead at the end.
const MAILS: usize = 5;
/// Longest time that a review may take, restarts included.
const TIME_MAX: Duration = Duration::from_mins(2);

/// Tokens of the people who act.
#[derive(Clone)]
pub struct Cast {
    dora: String,
    lawyers: [String; 2],
}

/// How it ended, in everything that must be the same whatever happened on the way.
#[derive(Debug, PartialEq, Eq)]
pub struct Ending {
    outcome: String,
    published_sha256: String,
    published_version: u64,
    link_status: Option<u16>,
    contract_versions: u64,
    mails: Vec<String>,
    journal: Vec<String>,
}

/// The external review, and a mail at the end, so that there is a call that leaves the process.
fn flow() -> String {
    let review = include_str!("../../definitions/external-review.flow.yaml");
    let tell = "\nalways:\n  - id: tell\n    uses: mail.send\n    with: { to: role:legal-lead, subject: Over, text: The review is over. }\n\
                \n    retry: { attempts: 3, backoff: 1 s }\n";
    review.replace("\nguarantees:", &format!("{tell}\nguarantees:"))
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Prepares a data folder in which the review can begin: the flow is deployed, the contract is there.
pub async fn prepare(data: &Path) -> (Cast, Value) {
    let tokens = furnish(data, &["dora", "anna", "ben"]);
    let [dora, anna, ben] = <[String; 3]>::try_from(tokens).expect("three tokens for three people");
    let server = Server::start_sound(data);
    let client = server.client(&dora);
    client
        .deploy("review.flow.yaml", &flow())
        .await
        .expect("the flow is fit to be deployed");
    let path = file_path("/contracts/drafts", "contract.pdf");
    let document = client
        .upload(Method::POST, &path, FIRST.to_vec())
        .await
        .expect("the contract is stored");
    (
        Cast {
            dora,
            lawyers: [anna, ben],
        },
        document,
    )
}

/// Plays the review on `data`, with a fault armed in the first server. Gives the ending, and
/// whether the fault happened.
pub async fn play(data: &Path, cast: &Cast, document: &Value, fault: Option<&str>) -> (Ending, bool) {
    let patience = Patience::new(TIME_MAX, format!("{fault:?}: the review did not come to its end"));
    let mut died = false;
    let mut server = Server::start(data, fault);
    loop {
        let Some(running) = server.as_mut() else {
            died = true;
            server = Some(Server::start_sound(data));
            continue;
        };
        match advance(&running.url, data, cast, document).await {
            Ok(Some(ending)) => return (ending, died),
            Ok(None) => patience.pause().await,
            Err(CallError::Unreachable { .. }) => {
                running.wait_until_dead();
                server = None;
            }
            Err(error) => panic!("{fault:?}: {error}"),
        }
        if server.as_mut().is_some_and(Server::is_dead) {
            server = None;
        }
    }
}

/// Does what can be done now; the ending if it is over.
async fn advance(url: &str, data: &Path, cast: &Cast, document: &Value) -> Answer<Option<Ending>> {
    let dora = Client::new(url, Some(&cast.dora));
    let inputs = json!({ "document": document, "reviewer": REVIEWER });
    let run = dora.start("external-review", &inputs, Some("once")).await?;
    let Some(token) = link_token(data) else {
        return Ok(None);
    };
    if dora.run(&run).await?["status"] == "ended" {
        // Mails leave beside the run, each in its own time.
        if mails(data).len() < MAILS {
            return Ok(None);
        }
        return Ok(Some(ending(&dora, data, &run, &token).await?));
    }
    upload_once(url, &token).await?;
    for lawyer in &cast.lawyers {
        decide_once(&Client::new(url, Some(lawyer)), &run).await?;
    }
    Ok(None)
}

/// The token of the reviewer's link, from the mail to them.
fn link_token(data: &Path) -> Option<String> {
    let mail = mails(data).into_iter().find(|mail| mail.contains(REVIEWER))?;
    let mail = mail.replace("=\r\n", "");
    let token = mail.split("/s/").nth(1)?;
    Some(token.chars().take_while(char::is_ascii_hexdigit).collect())
}

fn mails(data: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(data.join("outbox")) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "eml"))
        .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
        .collect()
}

/// Recipient and subject of every mail.
fn envelopes(data: &Path) -> Vec<String> {
    let head = |mail: &str, name: &str| {
        mail.lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_default()
            .to_owned()
    };
    let mut envelopes: Vec<String> = mails(data)
        .iter()
        .map(|mail| format!("{} {}", head(mail, "To:"), head(mail, "Subject:")))
        .collect();
    envelopes.sort();
    envelopes
}

/// The reviewer uploads the second version, unless it is there.
async fn upload_once(url: &str, token: &str) -> Answer<()> {
    let rosa = Client::new(url, None);
    let view = match rosa.get(&format!("/api/v1/links/{token}")).await {
        Ok(view) => view,
        // The run may just have ended and taken the link back.
        Err(error) if error.status() == Some(410) => return Ok(()),
        Err(error) => return Err(error),
    };
    if view["files"][0]["sha256"] == sha256(SECOND) {
        return Ok(());
    }
    let path = format!("/api/v1/links/{token}/files?name=contract.pdf");
    rosa.upload(Method::POST, &path, SECOND.to_vec()).await?;
    Ok(())
}

/// A lawyer approves the second version. That it was done before is as good.
async fn decide_once(lawyer: &Client, run: &str) -> Answer<()> {
    let page = lawyer.get("/api/v1/tasks").await?;
    let tasks = page["items"].as_array().cloned().unwrap_or_default();
    for task in tasks.iter().filter(|task| task["run"] == run) {
        let path = format!(
            "/api/v1/tasks/{}/decision",
            escaped(task["id"].as_str().unwrap_or_default())
        );
        let body = json!({ "decision": "approved", "sha256": sha256(SECOND) });
        match lawyer.post(&path, &body).await {
            Ok(_) => {}
            // Another lawyer may have settled it in between.
            Err(error) if error.status() == Some(409) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn ending(dora: &Client, data: &Path, run: &str, token: &str) -> Answer<Ending> {
    let view = dora.run(run).await?;
    let journal = dora.journal(run, 0).await?;
    let published = journal.iter().find_map(|record| match &record.event {
        Event::StepFinished { step, output, .. } if step == "publish" => Some(output["file"].clone()),
        _ => None,
    });
    let published = published.unwrap_or_default();
    let bytes = dora
        .download(&format!(
            "/api/v1/files/{}",
            published["id"].as_str().unwrap_or_default()
        ))
        .await?;
    let signed = journal.iter().find_map(|record| match &record.event {
        Event::TaskOpened { document, .. } => document.as_ref().map(|document| document.version),
        _ => None,
    });
    let link_status = match dora.without_token().get(&format!("/api/v1/links/{token}")).await {
        Err(CallError::Refused { status, .. }) => Some(status.as_u16()),
        Err(error) => return Err(error),
        Ok(_) => None,
    };
    Ok(Ending {
        outcome: view["outcome"].as_str().unwrap_or_default().to_owned(),
        published_sha256: sha256(&bytes),
        published_version: published["version"].as_u64().unwrap_or_default(),
        link_status,
        contract_versions: signed.unwrap_or_default(),
        mails: envelopes(data),
        journal: journal.iter().map(|record| essence(&record.event)).collect(),
    })
}

/// An event without what differs from one run to the next.
fn essence(event: &Event) -> String {
    let data = serde_json::to_value(event).expect("an event becomes JSON");
    let word = |key: &str| data[key].as_str().unwrap_or_default();
    let parts = [
        word("type"),
        word("step"),
        word("outcome"),
        word("decision"),
        word("kind"),
        word("status"),
    ];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
