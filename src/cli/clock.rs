//! `gatefold clock`: shows the time that a server uses, and confirms a system clock that jumped
//! ahead.

use super::embedded::{ServerArgs, Session};
use super::exit::Outcome;
use super::settings::Settings;
use super::{output, with_runtime};
use crate::base::Value;
use clap::{Args, Subcommand};

/// Show the time that the server uses, and confirm the system clock
#[derive(Debug, Args)]
#[command(
    after_help = "For administrators. If the system clock of a running server jumps ahead by more than an hour, timers and \
                  expiries stand still until the clock is corrected or you confirm the new time.\n\n\
                  Examples:\n  gatefold clock show --server https://files.example.com\n  gatefold clock confirm --server https://files.example.com"
)]
pub struct ClockArgs {
    #[command(subcommand)]
    command: ClockCommand,
}

#[derive(Debug, Subcommand)]
enum ClockCommand {
    /// Show the time and what is wrong with the system clock
    Show {
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Confirm that the system clock is right after it jumped ahead
    Confirm {
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Runs the command.
pub fn run(args: &ClockArgs, settings: Settings) -> Outcome {
    with_runtime(async move {
        let (ClockCommand::Show { server, .. } | ClockCommand::Confirm { server }) = &args.command;
        let session = Session::look(server, settings).await?;
        let outcome = answer(&args.command, &session).await;
        session.close().await?;
        outcome
    })
}

async fn answer(command: &ClockCommand, session: &Session) -> Outcome {
    match command {
        ClockCommand::Show { json, .. } => {
            let time = session.client.get("/api/v1/clock").await?;
            if *json {
                return output::json(&time);
            }
            output::line(&output::cell(&time, "now"))?;
            if let Some(words) = time["clock"].as_str() {
                output::say(words);
            }
            Ok(())
        }
        ClockCommand::Confirm { .. } => {
            let time = session.client.post("/api/v1/clock/confirm", &Value::Null).await?;
            output::say(&format!("It is {} now.", output::cell(&time, "now")));
            Ok(())
        }
    }
}
