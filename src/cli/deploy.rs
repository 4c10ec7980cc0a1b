//! `gatefold deploy`: a flow becomes the one that new runs take.

use super::embedded::{ServerArgs, Session};
use super::exit::Outcome;
use super::settings::Settings;
use super::{output, sources, with_runtime};
use clap::Args;

/// Deploy a flow.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gatefold deploy definitions/hello.flow.yaml --server http://127.0.0.1:8080")]
pub struct DeployArgs {
    /// The flow's file
    file: String,
    /// Print as data
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub fn run(args: &DeployArgs, settings: Settings) -> Outcome {
    let source = sources::read_one(&args.file)?;
    with_runtime(async move {
        let session = Session::open(&args.server, settings).await?;
        let deployed = session.client.deploy(&source.name, &source.text).await;
        session.close().await?;
        let deployed = deployed?;
        if args.json {
            return output::json(&deployed);
        }
        output::line(&format!(
            "{} {}",
            output::field(&deployed, "flow"),
            output::field(&deployed, "version")
        ))
    })
}
