//! `gatefold token`: tokens for the API. A token is shown once; what is stored is its hash.

use super::exit::{Failure, Outcome};
use super::output;
use super::settings::Settings;
use crate::base::Timestamp;
use crate::base::diagnostic::nearest;
use crate::config::{accounts, people, tokens};
use clap::{Args, Subcommand};

/// Make tokens for the API.
#[derive(Debug, Args)]
#[command(after_help = "Take a token back by deleting its line in tokens.yaml; a running server notices.")]
pub struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token for a person of people.yaml and print it, this once
    New {
        /// The person's name in people.yaml, as anna
        user: String,
        /// What it is for
        #[arg(long)]
        label: Option<String>,
        /// The data folder
        #[arg(long, value_name = "DIR")]
        data: Option<String>,
    },
}

/// Runs the command.
pub fn run(args: &TokenArgs, settings: Settings) -> Outcome {
    let TokenCommand::New { user, label, data } = &args.command;
    let resolved = settings.with("data", data.as_deref()).load()?;
    let directory = people::read(&resolved.people)?;
    if !directory.users.contains_key(user) {
        let hint = nearest(user, directory.users.keys().map(String::as_str)).map_or_else(
            || "add them there first".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        return Err(Failure::Usage(format!(
            "{} has no person {user:?}: {hint}",
            resolved.people.display()
        )));
    }
    let (token, line) = tokens::new_token(user, label.as_deref(), Timestamp::now());
    tokens::append(&accounts::tokens_beside(&resolved.people), &line)?;
    output::say(&format!(
        "A token for {user}. It is shown this once; only its hash is stored."
    ));
    output::line(&token)
}
