//! The command line: one file a subcommand. The only place where everything is put together.
//!
//! Invariant: stdout carries data, stderr talk; the exit code tells what the caller can do.

pub mod access;
pub mod args;
pub mod backup;
pub mod bulk;
pub mod check;
pub mod client;
pub mod clock;
pub mod completions;
pub mod compose;
pub mod config_show;
pub mod data_folder;
pub mod demo;
pub mod deploy;
pub mod deployments;
pub mod embedded;
pub mod exit;
pub mod explain;
pub mod files;
pub mod flows;
pub mod grants;
pub mod graph;
pub mod init;
pub mod inputs;
pub mod lint;
pub mod logging;
pub mod mails;
pub mod migrate;
pub mod output;
pub mod people;
pub mod progress;
pub mod read;
pub mod restore;
pub mod run;
pub mod runs;
pub mod schema;
pub mod serve;
pub mod settings;
pub mod simulate;
pub mod sources;
pub mod task_shown;
pub mod tasks;
pub mod test;
pub mod token;
pub mod why;

use crate::host::clock::system_time;
use args::{Cli, Command};
use clap::Parser;
use exit::Outcome;
use settings::Settings;
use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return ExitCode::from(answered(&said)),
    };
    std::panic::set_hook(Box::new(|info| {
        output::complain(&format!(
            "a bug in gatefold: {info}\nPlease report it with what you did; what was acknowledged is stored"
        ));
    }));
    ExitCode::from(code_of(|| dispatch(cli)))
}

/// Help, the version, or why the arguments make no sense. Help that cannot be written is no help.
fn answered(said: &clap::Error) -> u8 {
    match said.print().map_err(output::broken).and_then(|()| output::flush()) {
        Ok(()) if said.use_stderr() => exit::USAGE,
        printed => code_of(|| printed),
    }
}

/// The exit code of a command; what went wrong is said.
fn code_of(command: impl FnOnce() -> Outcome + std::panic::UnwindSafe) -> u8 {
    match std::panic::catch_unwind(command) {
        Ok(Ok(())) => exit::FINE,
        Ok(Err(failure)) => {
            if let Some(message) = failure.message() {
                output::complain(message);
            }
            failure.code()
        }
        Err(_) => exit::BUG,
    }
}

fn dispatch(cli: Cli) -> Outcome {
    // nothing can be dated by a clock that shows no usable time
    system_time()?;
    let settings = Settings::new(cli.config);
    match cli.command {
        Command::Init(args) => init::run(&args),
        Command::Lint(args) => lint::run(&args, &settings),
        Command::Test(args) => test::run(&args, &settings),
        Command::Simulate(args) => simulate::run(&args, &settings),
        Command::Explain(args) => explain::run(&args),
        Command::Graph(args) => graph::run(&args, &settings),
        Command::Schema(args) => schema::run(&args),
        Command::Serve(args) => serve::run(&args, settings),
        Command::Deploy(args) => deploy::run(&args, settings),
        Command::Deployments(args) => deployments::run(&args, settings),
        Command::Run(args) => run::run(&args, settings),
        Command::Runs(args) => runs::run(&args, settings),
        Command::Why(args) => why::run(&args, settings),
        Command::Tasks(args) => tasks::run(&args, settings),
        Command::Files(args) => files::run(&args, settings),
        Command::Flows(args) => flows::run(&args, settings),
        Command::Access(args) => access::run(&args, settings),
        Command::Grants(args) => grants::run(&args, settings),
        Command::Clock(args) => clock::run(&args, settings),
        Command::Mails(args) => mails::run(&args, settings),
        Command::People(args) => people::run(&args, settings),
        Command::Demo(args) => demo::run(&args),
        Command::Backup(args) => backup::run(&args, settings),
        Command::Restore(args) => restore::run(&args, settings),
        Command::Check(args) => check::run(&args, settings),
        Command::Token(args) => token::run(&args, settings),
        Command::Config(args) => config_show::run(&args, settings),
        Command::Completions(args) => completions::run(&args),
        Command::Read(args) => read::run(&args),
    }
}

/// Runs what needs a runtime.
fn with_runtime(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| exit::Failure::Environment(format!("no threads can be started: {error}")))?
        .block_on(async {
            outlive_file_size_limit();
            work.await
        })
}

/// Makes a write fail, instead of killing the process, when a file would become larger than the
/// system allows (`ulimit -f`).
#[cfg(unix)]
fn outlive_file_size_limit() {
    use tokio::signal::unix::{SignalKind, signal};
    let exceeded = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    // the handler stays installed even after the listener is dropped
    if let Err(error) = signal(exceeded) {
        tracing::warn!(%error, "no handler for the file size limit could be installed, so a write beyond `ulimit -f` ends the process");
    }
}

#[cfg(not(unix))]
fn outlive_file_size_limit() {}

#[cfg(test)]
mod tests {
    use super::code_of;
    use super::exit::{self, Failure};

    #[test]
    fn a_panic_is_a_bug_and_a_closed_pipe_is_none() {
        assert_eq!(code_of(|| panic!("on purpose")), exit::BUG);
        assert_eq!(code_of(|| Err(Failure::NobodyReads)), exit::FINE);
        assert_eq!(code_of(|| Err(Failure::Said)), exit::NEGATIVE);
    }
}
