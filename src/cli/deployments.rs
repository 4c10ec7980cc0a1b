//! `gatefold deployments`: deployments that wait for a second person.

use super::client::{Client, escaped};
use super::embedded::{ServerArgs, Session};
use super::exit::Outcome;
use super::settings::Settings;
use super::{output, with_runtime};
use crate::base::Value;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

/// List pending deployments, and accept or reject them.
#[derive(Debug, Args)]
#[command(
    after_help = "Only administrators can accept or reject, and never their own deployment. Examples:\n  gatefold deployments list\n  gatefold deployments approve dep_1"
)]
pub struct DeploymentsArgs {
    #[command(subcommand)]
    command: DeploymentsCommand,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Pending,
    Accepted,
    Rejected,
}

#[derive(Debug, Subcommand)]
enum DeploymentsCommand {
    /// List deployments, newest first; only pending ones unless --state is given
    List {
        /// Only deployments in this state
        #[arg(long)]
        state: Option<State>,
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show what a deployment changes
    Show {
        /// The deployment
        deployment: String,
        /// Also print the text of the flow
        #[arg(long)]
        text: bool,
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Accept a deployment that somebody else made
    Approve {
        /// The deployment
        deployment: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Reject a deployment
    Reject {
        /// The deployment
        deployment: String,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Runs the command.
pub fn run(args: &DeploymentsArgs, settings: Settings) -> Outcome {
    use DeploymentsCommand::{Approve, List, Reject, Show};
    with_runtime(async move {
        let session = match &args.command {
            List { server, .. } | Show { server, .. } => Session::look(server, settings).await?,
            Approve { server, .. } | Reject { server, .. } => Session::open(server, settings).await?,
        };
        let outcome = answer(&args.command, &session.client).await;
        session.close().await?;
        outcome
    })
}

async fn answer(command: &DeploymentsCommand, client: &Client) -> Outcome {
    let path = |deployment: &str| format!("/api/v1/deployments/{}", escaped(deployment));
    match command {
        DeploymentsCommand::List { state, json, .. } => {
            let state = state.and_then(|state| state.to_possible_value());
            let query = state.map_or(String::new(), |state| format!("?state={}", state.get_name()));
            let items = &client.get(&format!("/api/v1/deployments{query}")).await?["items"];
            list(items, *json)
        }
        DeploymentsCommand::Show {
            deployment, text, json, ..
        } => {
            let found = client.get(&path(deployment)).await?;
            if *json {
                output::json(&found)
            } else {
                show(&found, *text)
            }
        }
        DeploymentsCommand::Approve { deployment, .. } => {
            let found = client
                .post(&format!("{}/approve", path(deployment)), &Value::Null)
                .await?;
            output::say(&format!("{} is deployed", what(&found)));
            Ok(())
        }
        DeploymentsCommand::Reject { deployment, reason, .. } => {
            let body = json!({ "reason": reason });
            let found = client.post(&format!("{}/reject", path(deployment)), &body).await?;
            output::say(&format!("{} is rejected", what(&found)));
            Ok(())
        }
    }
}

fn what(deployment: &Value) -> String {
    format!(
        "{} {}",
        output::field(deployment, "flow"),
        output::field(deployment, "version")
    )
}

fn list(items: &Value, as_json: bool) -> Outcome {
    if as_json {
        return output::json(items);
    }
    let header = ["id", "flow", "version", "state", "by", "at"];
    let row = |one: &Value| header.iter().map(|key| output::cell(one, key)).collect();
    let rows: Vec<Vec<String>> = items.as_array().into_iter().flatten().map(row).collect();
    output::rows(&header, &rows, "no such deployments")
}

fn show(found: &Value, with_text: bool) -> Outcome {
    let before = match found["replaces"].as_str() {
        Some(version) => format!(", compared with {version}"),
        None => ", a new flow".to_owned(),
    };
    output::line(&format!("{}: {}{before}", what(found), output::field(found, "state")))?;
    output::line(&format!(
        "by {} at {}",
        output::field(found, "by"),
        output::field(found, "at")
    ))?;
    for words in words_of(&found["changes"]) {
        output::line(&format!("- {words}"))?;
    }
    if let Some(reason) = found["answer"]["reason"].as_str() {
        output::line(&format!(
            "answered by {}: {reason}",
            output::field(&found["answer"], "by")
        ))?;
    }
    match found["source"].as_str().filter(|_| with_text) {
        Some(text) => output::line(&format!("\n{}", text.trim_end())),
        None => Ok(()),
    }
}

/// Describes the changes of a deployment.
pub fn words_of(changes: &Value) -> Vec<&str> {
    let all = changes.as_array().into_iter().flatten();
    all.filter_map(|change| change["words"].as_str()).collect()
}

/// Tells the user that a deployment is pending, and why.
pub fn say_pending(deployed: &Value) {
    let id = output::field(deployed, "pending");
    output::say(&format!(
        "{} waits until another administrator accepts it: it",
        what(deployed)
    ));
    for words in words_of(&deployed["changes"]) {
        output::say(&format!("- {words}"));
    }
    output::say(&format!("look at it with `gatefold deployments show {id}`"));
}
