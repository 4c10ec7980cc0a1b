//! The command line: one file a subcommand. The only place where everything is put together.
//!
//! Invariant: stdout carries data, stderr talk; the exit code tells what the caller can do.

pub mod args;
pub mod completions;
pub mod config_show;
pub mod exit;
pub mod graph;
pub mod lint;
pub mod output;
pub mod settings;
pub mod sources;
pub mod token;

use args::{Cli, Command};
use clap::Parser;
use exit::Outcome;
use settings::Settings;
use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    std::panic::set_hook(Box::new(|info| {
        output::complain(&format!(
            "a bug in gatefold: {info}\nPlease report it with what you did; what was acknowledged is stored"
        ));
    }));
    match std::panic::catch_unwind(|| dispatch(cli)) {
        Ok(Ok(())) => ExitCode::from(exit::FINE),
        Ok(Err(failure)) => {
            if let Some(message) = failure.message() {
                output::complain(message);
            }
            failure.into()
        }
        Err(_) => ExitCode::from(exit::BUG),
    }
}

fn dispatch(cli: Cli) -> Outcome {
    let settings = Settings::new(cli.config);
    match cli.command {
        Command::Lint(args) => lint::run(&args, &settings),
        Command::Graph(args) => graph::run(&args, &settings),
        Command::Token(args) => token::run(&args, settings),
        Command::Config(args) => config_show::run(&args, settings),
        Command::Completions(args) => completions::run(&args),
    }
}
