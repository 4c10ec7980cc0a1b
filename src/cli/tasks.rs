//! `gatefold tasks`: look at what people are asked, and decide it.

use super::client::{Client, escaped};
use super::embedded::{ServerArgs, Session};
use super::exit::{Failure, Outcome};
use super::settings::Settings;
use super::{output, with_runtime};
use crate::base::Value;
use crate::base::id::hex;
use clap::{Args, Subcommand};
use serde_json::{Map, json};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Look at tasks, and decide them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gatefold tasks list --as anna\n  gatefold tasks decide approved --file contract.pdf --as anna\n  \
                  gatefold tasks decide done --task tsk_1 --field shelf=A1 --as anna"
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
    /// Decide or answer a task, on the exact version you read
    Decide {
        /// One of the task's decisions, as approved or done
        decision: String,
        /// The version you read, as a file
        #[arg(
            long,
            value_name = "FILE",
            required_unless_present_any = ["sha256", "task"],
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
        /// A field of the task's form; repeat it for each
        #[arg(long = "field", value_name = "NAME=VALUE", value_parser = field)]
        fields: Vec<(String, Value)>,
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
            fields,
            ..
        } => {
            let sha256 = match (file, sha256) {
                (Some(file), _) => Some(hash_of(file)?),
                (None, given) => given.clone(),
            };
            let task = match task {
                Some(task) => task.clone(),
                None => task_about(client, sha256.as_deref().unwrap_or_default()).await?,
            };
            let form: Map<String, Value> = fields.iter().cloned().collect();
            let body = json!({ "decision": decision, "sha256": sha256, "reason": reason, "form": form });
            let path = format!("/api/v1/tasks/{}/decision", escaped(&task));
            let answer = client.post(&path, &body).await?;
            output::line(&output::field(&answer, "result"))
        }
    }
}

/// `NAME=VALUE`. A list is written as JSON; anything else is a text, which the task's form reads.
fn field(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| format!("{text:?} is no field: write it as shelf=A1"))?;
    let list = serde_json::from_str(value).ok().filter(Value::is_array);
    let value = list.unwrap_or_else(|| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
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
    let about = if document.is_null() {
        String::new()
    } else {
        let part = |name: &str| output::field(document, name);
        format!("{} v{}", part("name"), part("version"))
    };
    vec![
        output::field(task, "id"),
        output::field(task, "title"),
        about,
        output::field(document, "sha256"),
        output::cell(task, "due"),
        decisions.join(" | "),
    ]
}
