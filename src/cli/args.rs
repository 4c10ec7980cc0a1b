//! What can be said on the command line.

use super::{
    access, backup, check, clock, completions, config_show, demo, deploy, deployments, explain, files, flows, grants,
    graph, init, lint, mails, people, read, restore, run, runs, schema, serve, simulate, tasks, test, token, why,
};
use clap::{Parser, Subcommand};
use std::path::PathBuf;

const EXIT_CODES: &str = "Exit codes: 0 fine · 1 findings or a failed run · 2 wrong usage or configuration · \
                          3 disk, network or another process · 70 a bug in gatefold";

/// Document processes as code: shares, approvals and the flow between them, in one binary.
#[derive(Debug, Parser)]
#[command(name = "gatefold", version, propagate_version = true, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// Read this file instead of ./gatefold.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done. In the order in which somebody new needs it.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// See a whole review run, from upload to published file, in seconds
    Demo(demo::DemoArgs),
    /// Make a folder with a first flow
    Init(init::InitArgs),
    /// Check flows
    Lint(lint::LintArgs),
    /// Play the tests beside the flows, in virtual time
    Test(test::TestArgs),
    /// Play a flow once, and print the calendar of what comes of it
    Simulate(simulate::SimulateArgs),
    /// Explain a finding
    Explain(explain::ExplainArgs),
    /// Draw a flow
    Graph(graph::GraphArgs),
    /// Print a schema
    Schema(schema::SchemaArgs),
    /// Run the server
    Serve(serve::ServeArgs),
    /// Deploy a flow
    Deploy(deploy::DeployArgs),
    /// List pending deployments, and accept or reject them
    Deployments(deployments::DeploymentsArgs),
    /// Start a flow
    Run(run::RunArgs),
    /// Look at runs, and help them on
    Runs(runs::RunsArgs),
    /// Say what a run waits for, and what happens then
    Why(why::WhyArgs),
    /// Look at tasks, and decide them
    Tasks(tasks::TasksArgs),
    /// Look at files, and fetch them
    Files(files::FilesArgs),
    /// Look at the flows that are deployed
    Flows(flows::FlowsArgs),
    /// See who did what with which file
    Access(access::AccessArgs),
    /// List who has which link into a share, and revoke links
    Grants(grants::GrantsArgs),
    /// Show the time that the server uses, and confirm the system clock
    Clock(clock::ClockArgs),
    /// Look at mails that did not go
    Mails(mails::MailsArgs),
    /// Copy everything that is stored, even while the server runs
    Backup(backup::BackupArgs),
    /// Restore a backup into an empty data folder
    Restore(restore::RestoreArgs),
    /// Verify everything that is stored, even while the server runs
    Check(check::CheckArgs),
    /// List current and former people, and make removals final
    People(people::PeopleArgs),
    /// Make tokens for the API
    Token(token::TokenArgs),
    /// Look at the configuration
    Config(config_show::ConfigArgs),
    /// Print completions for a shell
    Completions(completions::CompletionsArgs),
    /// Read what stands in a file, for a server
    #[command(hide = true)]
    Read(read::ReadArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        super::Cli::command().debug_assert();
    }
}
