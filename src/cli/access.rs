//! `gatefold access`: the access log.

use super::client::escaped;
use super::embedded::{ServerArgs, Session};
use super::exit::Outcome;
use super::settings::Settings;
use super::{output, with_runtime};
use crate::base::Value;
use clap::Args;

/// See who did what with which file, and what was refused; oldest first
#[derive(Debug, Args)]
#[command(after_help = "For administrators. Example:\n  gatefold access --share shr_1")]
pub struct AccessArgs {
    /// About this share alone
    #[arg(long, value_name = "SHARE")]
    share: Option<String>,
    /// After this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    after: u64,
    /// Print as data, one line each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub fn run(args: &AccessArgs, settings: Settings) -> Outcome {
    with_runtime(async move {
        let session = Session::look(&args.server, settings).await?;
        let outcome = answer(args, &session).await;
        session.close().await?;
        outcome
    })
}

async fn answer(args: &AccessArgs, session: &Session) -> Outcome {
    let share = args
        .share
        .as_deref()
        .map_or(String::new(), |share| format!("&share={}", escaped(share)));
    let mut rows = Vec::new();
    let mut after = args.after.to_string();
    loop {
        let page = session
            .client
            .get(&format!("/api/v1/access?after={after}{share}"))
            .await?;
        for line in page["items"].as_array().into_iter().flatten() {
            if args.json {
                output::line(&line.to_string())?;
            } else {
                rows.push(row(line));
            }
        }
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
    }
    if args.json {
        return Ok(());
    }
    let header = [
        "position", "at", "who", "what", "share", "file", "version", "about", "from", "token", "refused", "times",
    ];
    output::rows(&header, &rows, "no accesses")
}

fn row(line: &Value) -> Vec<String> {
    [
        "position", "at", "actor", "kind", "share", "file", "version", "what", "from", "token", "refused", "times",
    ]
    .iter()
    .map(|key| output::cell(line, key))
    .collect()
}
