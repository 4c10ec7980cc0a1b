//! `gatefold completions`: what a shell needs to complete commands and flags.

use super::args::Cli;
use super::exit::Outcome;
use super::output;
use clap::{Args, CommandFactory};

/// Print completions for a shell.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gatefold completions bash > ~/.local/share/bash-completion/completions/gatefold")]
pub struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

/// Runs the command.
pub fn run(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gatefold", &mut script);
    output::bytes(&script)
}
