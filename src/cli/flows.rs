//! `gatefold flows`: what is deployed.

use super::client::escaped;
use super::embedded::{ServerArgs, Session};
use super::exit::Outcome;
use super::settings::Settings;
use super::{output, with_runtime};
use crate::base::Value;
use clap::{Args, Subcommand};

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
}

/// Runs the command.
pub fn run(args: &FlowsArgs, settings: Settings) -> Outcome {
    with_runtime(async move {
        let (FlowsCommand::List { server, .. } | FlowsCommand::Show { server, .. }) = &args.command;
        let session = Session::look(server, settings).await?;
        let outcome = answer(&args.command, &session).await;
        session.close().await?;
        outcome
    })
}

async fn answer(command: &FlowsCommand, session: &Session) -> Outcome {
    match command {
        FlowsCommand::List { json, .. } => {
            let items = &session.client.get("/api/v1/flows").await?["items"];
            if *json {
                return output::json(items);
            }
            let columns = ["flow", "version", "by", "at"];
            let row = |flow: &Value| columns.iter().map(|key| output::cell(flow, key)).collect();
            let rows: Vec<Vec<String>> = items.as_array().into_iter().flatten().map(row).collect();
            output::rows(&columns, &rows, "no flows")
        }
        FlowsCommand::Show { flow, .. } => {
            let flow = session.client.get(&format!("/api/v1/flows/{}", escaped(flow))).await?;
            output::data(flow["source"].as_str().unwrap_or_default())
        }
    }
}
