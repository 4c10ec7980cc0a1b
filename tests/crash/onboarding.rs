//! A supplier is screened by a run of another flow, then sends in a paper that somebody looks at.

use super::process::{Server, furnish};
use super::sink::Sink;
use super::story::{Story, decide_all, envelopes, essence};
use gatefold::base::Value;
use gatefold::cli::client::{Answer, CallError, Client};
use reqwest::Method;
use serde_json::json;
use std::path::Path;

const SUPPLIER: &str = "rosa@supplier.example";
const PAPER: &[u8] = b"%PDF-1.7 the tax form";
/// Of the screening, to Anna, to the supplier, to Ben.
const MAILS: usize = 4;

const SCREENING: &str = "flow: screening
version: 1.0.0
inputs: { supplier: { type: email } }
outputs: { by: \"${{ steps.look.by }}\" }
steps:
  - { id: screened, uses: mail.send, with: { to: role:legal-lead, subject: screened, text: \"We look at ${{ inputs.supplier }}.\" } }
  - id: look
    task: { to: [user:anna], title: Is there anything against them? }
    deadline: { due: 5 days }
    outcomes: { declined: { end: hit }, expired: { end: late } }
";

const ONBOARDING: &str = "flow: onboarding
version: 1.0.0
inputs: { supplier: { type: email } }
outputs: { by: \"${{ steps.screening.by }}\", tax: \"${{ steps.papers.items.tax.file.sha256 }}\" }
steps:
  - { id: screening, run: { flow: screening, version: ^1, with: { supplier: \"${{ inputs.supplier }}\" } }, outcomes: { hit: { end: blocked }, late: { end: blocked } } }
  - id: papers
    title: Your papers
    collect:
      from: \"${{ inputs.supplier }}\"
      into: /suppliers
      items:
        tax: { title: Tax form, accept: [pdf], review: [user:ben] }
        iso: { title: Certificate, optional: true }
    deadline: { due: 15 days }
    outcomes: { incomplete: { end: incomplete }, withdrawn: { end: withdrawn } }
";

/// The tokens of the people who act.
pub struct Onboarding {
    admin: String,
    anna: String,
    ben: String,
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ending {
    outcome: Value,
    outputs: Value,
    /// How each run of the other flow ended.
    screenings: Vec<Value>,
    link_status: Option<u16>,
    files: usize,
    mails: Vec<String>,
    journal: Vec<String>,
    screening: Vec<String>,
}

/// Prepares a data folder with both flows.
pub async fn prepare(data: &Path) -> Onboarding {
    let tokens = furnish(data, &["admin", "anna", "ben"]);
    let [admin, anna, ben] = <[String; 3]>::try_from(tokens).expect("three tokens for three people");
    let server = Server::start_sound(data);
    let client = server.client(&admin);
    for (name, flow) in [("screening", SCREENING), ("onboarding", ONBOARDING)] {
        let name = format!("{name}.flow.yaml");
        client
            .deploy(&name, flow)
            .await
            .expect("the flow is fit to be deployed");
    }
    Onboarding { admin, anna, ben }
}

impl Story for Onboarding {
    type Ending = Ending;

    fn admin(&self) -> &str {
        &self.admin
    }

    async fn advance(&self, url: &str, sink: &Sink) -> Answer<Option<Ending>> {
        let admin = Client::new(url, Some(&self.admin));
        let inputs = json!({ "supplier": SUPPLIER });
        let run = admin.start("onboarding", &inputs, Some("once")).await?;
        decide_all(&Client::new(url, Some(&self.anna)), "done").await?;
        let to_supplier = sink.mails().into_iter().find(|mail| mail.to().contains(SUPPLIER));
        let Some(token) = to_supplier.and_then(|mail| mail.link_token()) else {
            return Ok(None);
        };
        if admin.run(&run).await?["status"] == "ended" {
            if sink.mails().len() < MAILS {
                return Ok(None);
            }
            return Ok(Some(ending(&admin, sink, &run, &token).await?));
        }
        give_once(url, &token).await?;
        decide_all(&Client::new(url, Some(&self.ben)), "accepted").await?;
        Ok(None)
    }
}

/// The supplier gives the paper, unless it is there.
async fn give_once(url: &str, token: &str) -> Answer<()> {
    let rosa = Client::new(url, None);
    let view = match rosa.get(&format!("/api/v1/links/{token}")).await {
        Ok(view) => view,
        // The request may just have been closed.
        Err(error) if error.status() == Some(410) => return Ok(()),
        Err(error) => return Err(error),
    };
    if view["items"][0]["state"] != "missing" {
        return Ok(());
    }
    let path = format!("/api/v1/links/{token}/items/tax?name=w9.pdf");
    rosa.upload(Method::POST, &path, PAPER.to_vec()).await?;
    Ok(())
}

async fn ending(admin: &Client, sink: &Sink, run: &str, token: &str) -> Answer<Ending> {
    let view = admin.run(run).await?;
    let screenings = admin.get("/api/v1/runs?flow=screening").await?;
    let screenings = screenings["items"].as_array().cloned().unwrap_or_default();
    let mut screening = Vec::new();
    for run in &screenings {
        screening.extend(essence(admin, run["id"].as_str().unwrap_or_default()).await?);
    }
    let link_status = match admin.without_token().get(&format!("/api/v1/links/{token}")).await {
        Err(CallError::Refused { status, .. }) => Some(status.as_u16()),
        Err(error) => return Err(error),
        Ok(_) => None,
    };
    let files = admin.get("/api/v1/files?folder=/suppliers").await?;
    Ok(Ending {
        outcome: view["outcome"].clone(),
        outputs: view["outputs"].clone(),
        screenings: screenings.iter().map(|run| run["outcome"].clone()).collect(),
        link_status,
        files: files["items"].as_array().map_or(0, Vec::len),
        mails: envelopes(sink),
        journal: essence(admin, run).await?,
        screening,
    })
}
