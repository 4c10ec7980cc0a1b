//! `gatefold grants`: lists who has which link into a share, and revokes links.

use super::client::{Client, escaped};
use super::embedded::{ServerArgs, Session};
use super::exit::Outcome;
use super::settings::Settings;
use super::{output, with_runtime};
use crate::base::Value;
use clap::{Args, Subcommand};

/// List who has which link into a share, and revoke links
#[derive(Debug, Args)]
#[command(
    after_help = "For administrators. Examples:\n  gatefold grants list --to user:emil\n  gatefold grants revoke grt_1"
)]
pub struct GrantsArgs {
    #[command(subcommand)]
    command: GrantsCommand,
}

#[derive(Debug, Subcommand)]
enum GrantsCommand {
    /// List grants, oldest first; only those whose link works unless --all is given
    List {
        /// Only grants of this share
        #[arg(long, value_name = "SHARE")]
        share: Option<String>,
        /// Only grants of this person (user:anna), or given through this role or group (role:legal)
        #[arg(long, value_name = "PARTY")]
        to: Option<String>,
        /// Also list grants whose link no longer works
        #[arg(long)]
        all: bool,
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one grant
    Show {
        /// The grant
        grant: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Revoke one grant: its link stops working, and the share stays as it is
    Revoke {
        /// The grant
        grant: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Runs the command.
pub fn run(args: &GrantsArgs, settings: Settings) -> Outcome {
    with_runtime(async move {
        let session = match &args.command {
            GrantsCommand::List { server, .. } | GrantsCommand::Show { server, .. } => {
                Session::look(server, settings).await?
            }
            GrantsCommand::Revoke { server, .. } => Session::open(server, settings).await?,
        };
        let outcome = answer(&args.command, &session.client).await;
        session.close().await?;
        outcome
    })
}

async fn answer(command: &GrantsCommand, client: &Client) -> Outcome {
    match command {
        GrantsCommand::List {
            share, to, all, json, ..
        } => {
            let mut query = format!("?all={all}");
            for (name, value) in [("share", share), ("to", to)] {
                if let Some(value) = value {
                    query.push_str(&format!("&{name}={}", escaped(value)));
                }
            }
            list(client, &query, *json).await
        }
        GrantsCommand::Show { grant, .. } => {
            let grant = client.get(&format!("/api/v1/grants/{}", escaped(grant))).await?;
            output::json(&grant)
        }
        GrantsCommand::Revoke { grant, .. } => {
            let path = format!("/api/v1/grants/{}/revoke", escaped(grant));
            let done = client.post(&path, &Value::Null).await?;
            output::say(&match done["revoked"].as_bool() {
                Some(true) => format!("{grant} is revoked: its link no longer works"),
                _ => format!("{grant} had already ended: nothing was changed"),
            });
            Ok(())
        }
    }
}

async fn list(client: &Client, query: &str, as_json: bool) -> Outcome {
    let mut items = Vec::new();
    let mut after = String::new();
    loop {
        let page = client.get(&format!("/api/v1/grants{query}{after}")).await?;
        items.extend(page["items"].as_array().into_iter().flatten().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={}", escaped(next)),
            None => break,
        }
    }
    if as_json {
        return output::json(&Value::Array(items));
    }
    let columns = [
        "id",
        "to",
        "through",
        "role",
        "state",
        "share",
        "share_name",
        "opened_at",
    ];
    let row = |grant: &Value| columns.iter().map(|key| output::cell(grant, key)).collect();
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    let header = ["grant", "to", "through", "role", "state", "share", "name", "opened"];
    output::rows(&header, &rows, "no such grants")
}
