//! `gatefold why`: what a run waits for.

use super::embedded::{ServerArgs, Session};
use super::exit::Outcome;
use super::settings::Settings;
use super::{output, with_runtime};
use clap::Args;

/// Say what a run waits for, for whom, since when, until when, and what happens then.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gatefold why run_0198c2a47e5b7f30")]
pub struct WhyArgs {
    /// The run
    run: String,
    /// Print as data
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub fn run(args: &WhyArgs, settings: Settings) -> Outcome {
    with_runtime(async move {
        let session = Session::look(&args.server, settings).await?;
        let run = session.client.run(&args.run).await;
        session.close().await?;
        let run = run?;
        if args.json {
            return output::json(&run["why"]);
        }
        let reasons = run["why"].as_array().map(Vec::as_slice).unwrap_or_default();
        if reasons.is_empty() {
            let how = match run["outcome"].as_str() {
                Some(outcome) => format!("it has ended as {outcome}"),
                None => "it goes on by itself".to_owned(),
            };
            return output::line(&format!("{} waits for nothing: {how}.", args.run));
        }
        for reason in reasons {
            output::line(&output::field(reason, "sentence"))?;
        }
        Ok(())
    })
}
