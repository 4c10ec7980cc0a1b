//! `gatefold check`: reads everything that is stored and reports damage.

use super::data_folder::{self, DATABASE, verify};
use super::exit::{Failure, Outcome};
use super::settings::Settings;
use super::with_runtime;
use clap::Args;

/// Verify everything that is stored, even while the server runs.
#[derive(Debug, Args)]
#[command(
    after_help = "Reads every row of the database and the bytes of every file. Changes nothing. If something is \
                  damaged or missing, lists it and exits with 1."
)]
pub struct CheckArgs {
    /// The data folder, or a backup
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
}

/// Runs the command.
pub fn run(args: &CheckArgs, settings: Settings) -> Outcome {
    let data = settings.with("data", args.data.as_deref()).load()?.data;
    if !data.join(DATABASE).is_file() {
        return Err(Failure::Usage(format!(
            "{} has no {DATABASE}, so there is nothing to check: name the data folder with --data",
            data.display()
        )));
    }
    with_runtime(async move {
        let verified = verify(&data, &[]).await?;
        data_folder::report(&data.display().to_string(), &verified)
    })
}
