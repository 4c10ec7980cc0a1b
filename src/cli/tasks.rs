//! `gatefold tasks`: look at what people are asked, and decide it.

use super::client::{Client, escaped};
use super::embedded::{ServerArgs, Session};
use super::exit::{Failure, Outcome};
use super::settings::Settings;
use super::{output, with_runtime};
use crate::base::Value;
use crate::base::id::hex;
use clap::{Args, Subcommand};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Look at tasks, and decide them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gatefold tasks list --as anna\n  gatefold tasks decide approved --file contract.pdf --as anna"
)]
pub struct TasksArgs {
    #[command(subcommand)]
    command: TasksCommand,
}

#[derive(Debug, Subcommand)]
enum TasksCommand {
    /// List your open tasks, oldest first
    List {
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Decide a task, on the exact version you read
    Decide {
        /// One of the task's decisions, as approved
        decision: String,
        /// The version you read, as a file
        #[arg(
            long,
            value_name = "FILE",
            required_unless_present = "sha256",
            conflicts_with = "sha256"
        )]
        file: Option<PathBuf>,
        /// The version you read, by its SHA-256
        #[arg(long, value_name = "HASH")]
        sha256: Option<String>,
        /// The task; without it, your one open task about that version
        #[arg(long)]
        task: Option<String>,
        /// Why; some decisions need it
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Runs the command.
pub fn run(args: &TasksArgs, settings: Settings) -> Outcome {
    with_runtime(async move {
        let (TasksCommand::List { server, .. } | TasksCommand::Decide { server, .. }) = &args.command;
        let session = Session::open(server, settings).await?;
        let outcome = answer(&args.command, &session.client).await;
        session.close().await?;
        outcome
    })
}

async fn answer(command: &TasksCommand, client: &Client) -> Outcome {
    match command {
        TasksCommand::List { json, .. } => list(&client.get("/api/v1/tasks").await?["items"], *json),
        TasksCommand::Decide {
            decision,
            file,
            sha256,
            task,
            reason,
            ..
        } => {
            let sha256 = match (file, sha256) {
                (Some(file), _) => hash_of(file)?,
                (None, given) => given.clone().unwrap_or_default(),
            };
            let task = match task {
                Some(task) => task.clone(),
                None => task_about(client, &sha256).await?,
            };
            let body = json!({ "decision": decision, "sha256": sha256, "reason": reason });
            let path = format!("/api/v1/tasks/{}/decision", escaped(&task));
            let answer = client.post(&path, &body).await?;
            output::line(&output::field(&answer, "result"))
        }
    }
}

/// SHA-256 of a file, read in pieces.
fn hash_of(file: &Path) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::Usage(format!("{} cannot be read: {error}", file.display()));
    let mut reader = BufReader::new(File::open(file).map_err(failed)?);
    let mut hasher = Sha256::new();
    loop {
        let piece = reader.fill_buf().map_err(failed)?;
        if piece.is_empty() {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(piece);
        let length = piece.len();
        reader.consume(length);
    }
}

/// The caller's one open task about a version.
async fn task_about(client: &Client, sha256: &str) -> Result<String, Failure> {
    let page = client.get("/api/v1/tasks").await?;
    let tasks = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let about: Vec<String> = tasks
        .iter()
        .filter(|task| task["document"]["sha256"] == sha256)
        .map(|task| output::field(task, "id"))
        .collect();
    match about.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::Negative(format!(
            "you have no open task about the version {sha256}; `gatefold tasks list` shows those you have"
        ))),
        several => Err(Failure::Usage(format!(
            "you have several open tasks about that version: say which with --task {}",
            several.join(" or --task ")
        ))),
    }
}

fn list(items: &Value, as_json: bool) -> Outcome {
    if as_json {
        return output::json(items);
    }
    let rows: Vec<Vec<String>> = items.as_array().into_iter().flatten().map(row).collect();
    output::line(&output::table(
        &["task", "title", "document", "sha256", "due", "decisions"],
        &rows,
    ))
}

fn row(task: &Value) -> Vec<String> {
    let document = &task["document"];
    let decisions: Vec<&str> = task["decisions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    vec![
        output::field(task, "id"),
        output::field(task, "title"),
        format!(
            "{} v{}",
            output::field(document, "name"),
            output::field(document, "version")
        ),
        output::field(document, "sha256"),
        output::cell(task, "due"),
        decisions.join(" | "),
    ]
}
