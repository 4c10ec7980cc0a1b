//! `gatefold people`: lists who is and was in the directory, makes removals final, and confirms
//! large changes.

use super::client::{Client, escaped};
use super::embedded::{ServerArgs, Session};
use super::exit::{Failure, Outcome};
use super::settings::Settings;
use super::{output, with_runtime};
use crate::base::Value;
use clap::{Args, Subcommand};
use serde_json::json;

/// List current and former people, and make removals final.
#[derive(Debug, Args)]
#[command(
    after_help = "For administrators. Examples:\n  gatefold people list\n  gatefold people remove ben --reason \"has left\"\n  gatefold people confirm"
)]
pub struct PeopleArgs {
    #[command(subcommand)]
    command: PeopleCommand,
}

#[derive(Debug, Subcommand)]
enum PeopleCommand {
    /// List everybody who has ever been in people.yaml
    List {
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Make a removal final: anybody who gets this user name later is a new person
    Remove {
        /// The user name, as ben
        #[arg(value_name = "USER")]
        person: String,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Confirm a change of people.yaml that removes many people
    Confirm {
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Runs the command.
pub fn run(args: &PeopleArgs, settings: Settings) -> Outcome {
    with_runtime(async move {
        let session = match &args.command {
            PeopleCommand::List { server, .. } => Session::look(server, settings).await?,
            PeopleCommand::Remove { server, .. } | PeopleCommand::Confirm { server } => {
                Session::open(server, settings).await?
            }
        };
        let outcome = answer(&args.command, &session.client).await;
        session.close().await?;
        outcome
    })
}

async fn answer(command: &PeopleCommand, client: &Client) -> Outcome {
    match command {
        PeopleCommand::List { json, .. } => list(&client.get("/api/v1/people").await?, *json),
        PeopleCommand::Remove { person, reason, .. } => {
            let path = format!("/api/v1/people/{}/remove", escaped(person));
            client.post(&path, &json!({ "reason": reason })).await?;
            output::say(&format!("The removal of {person} is final"));
            Ok(())
        }
        PeopleCommand::Confirm { .. } => {
            let people = client.get("/api/v1/people").await?;
            let Some(removes) = people["held"].as_u64() else {
                return Err(Failure::Negative(
                    "no change of people.yaml waits for a confirmation".to_owned(),
                ));
            };
            client
                .post("/api/v1/people/confirm", &json!({ "removes": removes }))
                .await?;
            output::say(&format!("people.yaml is in force: it removes {removes} people"));
            Ok(())
        }
    }
}

fn list(people: &Value, as_json: bool) -> Outcome {
    if as_json {
        return output::json(people);
    }
    if let Some(removes) = people["held"].as_u64() {
        output::say(&format!(
            "people.yaml removes {removes} people and is not in force: `gatefold people confirm` puts it in force"
        ));
    }
    let row = |person: &Value| {
        let cell = |key: &str| output::cell(person, key);
        vec![
            cell("user"),
            cell("email"),
            cell("id"),
            cell("first_seen"),
            cell("left_at"),
        ]
    };
    let rows: Vec<Vec<String>> = people["items"].as_array().into_iter().flatten().map(row).collect();
    output::rows(
        &["user", "email", "id", "first seen", "left"],
        &rows,
        "nobody has been in people.yaml yet",
    )
}
