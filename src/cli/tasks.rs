//! `gatefold tasks`: look at what people are asked, and decide it.

use super::client::{Client, escaped};
use super::embedded::{ServerArgs, Session};
use super::exit::Outcome;
use super::settings::Settings;
use super::{output, with_runtime};
use crate::base::Value;
use clap::{Args, Subcommand};
use serde_json::json;

/// Look at tasks, and decide them.
#[derive(Debug, Args)]
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
        /// The task
        task: String,
        /// One of the task's decisions, as approved
        decision: String,
        /// SHA-256 of the version you read, as `tasks list` and sha256sum print it
        #[arg(long)]
        sha256: String,
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
            task,
            decision,
            sha256,
            reason,
            ..
        } => {
            let body = json!({ "decision": decision, "sha256": sha256, "reason": reason });
            let answer = client
                .post(&format!("/api/v1/tasks/{}/decision", escaped(task)), &body)
                .await?;
            output::line(&output::field(&answer, "result"))
        }
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
        output::field(task, "due"),
        decisions.join(" | "),
    ]
}
