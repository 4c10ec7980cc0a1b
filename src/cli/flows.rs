//! `gatefold flows`: what is deployed.

use super::client::escaped;
use super::embedded::{ServerArgs, Session};
use super::exit::Outcome;
use super::settings::Settings;
use super::{inputs, output, with_runtime};
use crate::base::Value;
use clap::{Args, Subcommand};
use serde_json::json;

/// Look at the flows that are deployed.
#[derive(Debug, Args)]
pub struct FlowsArgs {
    #[command(subcommand)]
    command: FlowsCommand,
}

#[derive(Debug, Subcommand)]
enum FlowsCommand {
    /// List the version of every flow that new runs take
    List {
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print the text of that version
    Show {
        /// The flow
        flow: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print what the runs of a flow share
    Settings {
        /// The flow
        flow: String,
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give settings of a flow, as an administrator: its runs that start from now on have them
    Set {
        /// The flow
        flow: String,
        /// NAME=VALUE; once for each setting
        #[arg(required = true)]
        settings: Vec<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Runs the command.
pub fn run(args: &FlowsArgs, settings: Settings) -> Outcome {
    with_runtime(async move {
        let session = match &args.command {
            FlowsCommand::Set { server, .. } => Session::open(server, settings).await?,
            FlowsCommand::List { server, .. }
            | FlowsCommand::Show { server, .. }
            | FlowsCommand::Settings { server, .. } => Session::look(server, settings).await?,
        };
        let outcome = answer(&args.command, &session).await;
        session.close().await?;
        outcome
    })
}

async fn answer(command: &FlowsCommand, session: &Session) -> Outcome {
    match command {
        FlowsCommand::List { json, .. } => {
            let items = session.client.all("/api/v1/flows", "after").await?;
            if *json {
                return output::json(&items);
            }
            let columns = ["flow", "version", "by", "at"];
            let row = |flow: &Value| columns.iter().map(|key| output::cell(flow, key)).collect();
            let rows: Vec<Vec<String>> = items.iter().map(row).collect();
            output::rows(&columns, &rows, "no flows")
        }
        FlowsCommand::Settings { flow, json, .. } => {
            let path = format!("/api/v1/flows/{}/settings", escaped(flow));
            let items = &session.client.get(&path).await?["items"];
            if *json {
                return output::json(items);
            }
            let columns = ["name", "value", "by", "at"];
            let row = |setting: &Value| columns.iter().map(|key| output::cell(setting, key)).collect();
            let rows: Vec<Vec<String>> = items.as_array().into_iter().flatten().map(row).collect();
            output::rows(&columns, &rows, "no settings")
        }
        FlowsCommand::Set { flow, settings, .. } => {
            let wanted = inputs::deployed(&session.client, flow).await.map(|flow| flow.settings);
            let settings = inputs::values(settings, &wanted.unwrap_or_default())?;
            let names: Vec<&str> = settings.keys().map(String::as_str).collect();
            let said = format!("{flow}: set {}", names.join(", "));
            let path = format!("/api/v1/flows/{}/settings", escaped(flow));
            session.client.post(&path, &json!({ "settings": settings })).await?;
            output::say(&said);
            Ok(())
        }
        FlowsCommand::Show { flow, .. } => {
            let flow = session.client.get(&format!("/api/v1/flows/{}", escaped(flow))).await?;
            if let Some(why) = flow["cannot_start"].as_str() {
                output::complain(&format!("the server cannot start it any more: {why}"));
            }
            output::data(flow["source"].as_str().unwrap_or_default())
        }
    }
}
