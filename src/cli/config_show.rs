//! `gatefold config show`: every setting with its value and where that comes from.

use super::exit::Outcome;
use super::output;
use super::settings::Settings;
use crate::base::Value;
use crate::config::Shown;
use clap::{Args, Subcommand};

/// Look at the configuration.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print every setting with its value and where that comes from: flag, environment, file or default
    Show {
        /// Print as data
        #[arg(long)]
        json: bool,
        /// As `serve --data` would
        #[arg(long, value_name = "DIR")]
        data: Option<String>,
        /// As `serve --listen` would
        #[arg(long, value_name = "ADDR")]
        listen: Option<String>,
    },
}

/// Runs the command.
pub fn run(args: &ConfigArgs, settings: Settings) -> Outcome {
    let ConfigCommand::Show { json, data, listen } = &args.command;
    let settings = settings.with("data", data.as_deref()).with("listen", listen.as_deref());
    let resolved = settings.load()?;
    for warning in &resolved.warnings {
        output::say(&format!("warning: {warning}"));
    }
    let shown = resolved.show();
    if *json {
        return output::json(&shown);
    }
    let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
    output::rows(&["setting", "value", "origin"], &rows, "no settings")
}

fn row(shown: &Shown) -> Vec<String> {
    let value = match &shown.value {
        None => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    vec![shown.key.to_owned(), value, shown.origin.clone()]
}
