//! `gatefold mails`: mails that were given up, and sending them after all.

use super::client::{Client, escaped};
use super::embedded::{ServerArgs, Session};
use super::exit::Outcome;
use super::settings::Settings;
use super::{output, with_runtime};
use crate::base::Value;
use clap::{Args, Subcommand, ValueEnum};

/// Look at mails that did not go, and send them again.
#[derive(Debug, Args)]
#[command(after_help = "For administrators. Examples:\n  gatefold mails list\n  gatefold mails retry mal_1")]
pub struct MailsArgs {
    #[command(subcommand)]
    command: MailsCommand,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum State {
    Queued,
    Sending,
    Sent,
    Failed,
    InDoubt,
}

#[derive(Debug, Subcommand)]
enum MailsCommand {
    /// List mails, oldest first: those that failed or are in doubt, unless a state is named
    List {
        /// In this state
        #[arg(long)]
        state: Option<State>,
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Queue a mail anew
    Retry {
        /// The mail
        mail: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Runs the command.
pub fn run(args: &MailsArgs, settings: Settings) -> Outcome {
    with_runtime(async move {
        let session = match &args.command {
            MailsCommand::List { server, .. } => Session::look(server, settings).await?,
            MailsCommand::Retry { server, .. } => Session::open(server, settings).await?,
        };
        let outcome = answer(&args.command, &session.client).await;
        session.close().await?;
        outcome
    })
}

async fn answer(command: &MailsCommand, client: &Client) -> Outcome {
    match command {
        MailsCommand::List { state, json, .. } => {
            let state = state.and_then(|state| state.to_possible_value());
            let query = state.map_or(String::new(), |state| format!("?state={}", state.get_name()));
            let items = &client.get(&format!("/api/v1/mails{query}")).await?["items"];
            list(items, *json)
        }
        MailsCommand::Retry { mail, .. } => {
            let path = format!("/api/v1/mails/{}/retry", escaped(mail));
            client.post(&path, &Value::Null).await?;
            output::say(&format!("{mail} is queued anew"));
            Ok(())
        }
    }
}

fn list(items: &Value, as_json: bool) -> Outcome {
    if as_json {
        return output::json(items);
    }
    let row = |mail: &Value| {
        let to = mail["to"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let to = to.collect::<Vec<_>>().join(", ");
        let cell = |key: &str| output::cell(mail, key);
        vec![
            cell("id"),
            to,
            cell("subject"),
            cell("state"),
            cell("attempts"),
            cell("at"),
            cell("error"),
        ]
    };
    let rows: Vec<Vec<String>> = items.as_array().into_iter().flatten().map(row).collect();
    output::rows(
        &["mail", "to", "subject", "state", "tries", "at", "error"],
        &rows,
        "no such mails",
    )
}
