//! `gatefold read`: what a server starts to read a file that somebody sent. Not for people.

use super::exit::{Failure, Outcome};
use crate::host::reading;
use clap::Args;

/// Read what stands in a file, for a server.
#[derive(Debug, Args)]
pub struct ReadArgs {
    /// What kind of file comes in: pdf, table or plain
    kind: String,
}

/// Runs the command.
pub fn run(args: &ReadArgs) -> Outcome {
    reading::answer(&args.kind, std::io::stdin().lock(), std::io::stdout().lock())
        .map_err(|error| Failure::Environment(format!("the file could not be read: {error}")))
}
