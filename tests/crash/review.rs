//! The external review, from the contract that is sent out to the version that is published.

use super::process::{Server, furnish};
use super::sink::Sink;
use super::story::{Story, envelopes, essence};
use gatefold::base::Value;
use gatefold::base::id::hex;
use gatefold::cli::client::{Answer, CallError, Client, escaped, file_path};
use gatefold::engine::event::Event;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::path::Path;

const FIRST: &[u8] = b"%PDF-1.4 the contract, first version";
const SECOND: &[u8] = b"%PDF-1.4 the contract, second version";
const REVIEWER: &str = "rosa@reviewers.example";
/// To the reviewer, to each of three lawyers, and to the legal lead at the end.
const MAILS: usize = 5;
/// The tokens of the people who act, and what they decide on.
pub struct Review {
    admin: String,
    dora: String,
    lawyers: [String; 2],
    document: Value,
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
    let tell = "\nalways:\n  - id: tell\n    uses: mail.send\n    with: { to: role:legal-lead, subject: tell, text: The review is over. }\n";
    review.replace("\nguarantees:", &format!("{tell}\nguarantees:"))
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Prepares a data folder in which the review can begin: the flow is deployed, the contract is there.
pub async fn prepare(data: &Path) -> Review {
    let tokens = furnish(data, &["admin", "dora", "anna", "ben"]);
    let [admin, dora, anna, ben] = <[String; 4]>::try_from(tokens).expect("four tokens for four people");
    let server = Server::start_sound(data);
    server
        .client(&admin)
        .deploy("review.flow.yaml", &flow())
        .await
        .expect("the flow is fit to be deployed");
    let client = server.client(&dora);
    let path = file_path("/contracts/drafts", "contract.pdf");
    let document = client
        .upload(Method::POST, &path, FIRST.to_vec())
        .await
        .expect("the contract is stored");
    Review {
        admin,
        dora,
        lawyers: [anna, ben],
        document,
    }
}

impl Story for Review {
    type Ending = Ending;

    fn admin(&self) -> &str {
        &self.admin
    }

    async fn advance(&self, url: &str, sink: &Sink) -> Answer<Option<Ending>> {
        let dora = Client::new(url, Some(&self.dora));
        let inputs = json!({ "document": self.document, "reviewer": REVIEWER });
        let run = dora.start("external-review", &inputs, Some("once")).await?;
        let to_reviewer = sink.mails().into_iter().find(|mail| mail.to().contains(REVIEWER));
        let Some(token) = to_reviewer.and_then(|mail| mail.link_token()) else {
            return Ok(None);
        };
        if dora.run(&run).await?["status"] == "ended" {
            // Mails leave beside the run, each in its own time.
            if sink.mails().len() < MAILS {
                return Ok(None);
            }
            return Ok(Some(ending(&dora, sink, &run, &token).await?));
        }
        upload_once(url, &token).await?;
        for lawyer in &self.lawyers {
            decide_once(&Client::new(url, Some(lawyer)), &run).await?;
        }
        Ok(None)
    }
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

async fn ending(dora: &Client, sink: &Sink, run: &str, token: &str) -> Answer<Ending> {
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
        mails: envelopes(sink),
        journal: essence(dora, run).await?,
    })
}
