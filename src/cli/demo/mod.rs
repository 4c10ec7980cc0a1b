//! `gatefold demo`: an external review from beginning to end, with real clients over HTTP.
//!
//! Invariant: it ends well only if everything it claims was checked.

mod mailbox;
mod stage;
mod story;

use super::exit::{Failure, Outcome};
use super::{logging, output, with_runtime};
use crate::config::LogFormat;
use clap::Args;
use stage::Stage;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Longest time that the whole story may take.
const STORY_TIME_MAX: Duration = Duration::from_mins(1);

/// See a whole review run, from upload to published file, in seconds.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Keep everything in this folder, to look at it afterwards; it must be empty or missing
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Also show the log of the server, with this filter, as info
    #[arg(long, value_name = "FILTER", default_value = "error")]
    log: String,
}

/// Runs the command.
pub fn run(args: &DemoArgs) -> Outcome {
    if let Some(folder) = args.data.as_ref().filter(|folder| is_in_use(folder)) {
        return Err(Failure::Usage(format!(
            "{} is not empty: the demo needs a folder of its own",
            folder.display()
        )));
    }
    logging::start_with(&args.log, LogFormat::Text);
    let started = Instant::now();
    with_runtime(async {
        let stage = Stage::set(args.data.as_deref()).await?;
        output::say(&format!("A server of its own answers at {}\n", stage.server.url));
        let told = tokio::time::timeout(STORY_TIME_MAX, story::tell(&stage)).await;
        let told = told.unwrap_or_else(|_| {
            let seconds = STORY_TIME_MAX.as_secs();
            Err(Failure::Negative(format!(
                "the story did not come to its end within {seconds} seconds"
            )))
        });
        stage.server.stop().await?;
        told?;
        output::say(&format!(
            "\nEverything above was checked. It took {:.1} s.",
            started.elapsed().as_secs_f64()
        ));
        if let Some(folder) = &args.data {
            output::say(&format!("Look at it again: gatefold serve --data {}", folder.display()));
        }
        Ok(())
    })
}

fn is_in_use(folder: &std::path::Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}
