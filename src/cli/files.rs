//! `gatefold files`: what lies in the file space, published files among it.

use super::client::escaped;
use super::embedded::{ServerArgs, Session};
use super::exit::Outcome;
use super::settings::Settings;
use super::{output, progress, with_runtime};
use crate::base::Value;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// Look at files, and fetch them.
#[derive(Debug, Args)]
#[command(
    after_help = "Operators and administrators see every file; others those that they put or decide on.\n\n\
                  Examples:\n  gatefold files list /contracts\n  gatefold files get fil_1 --output contract.pdf"
)]
pub struct FilesArgs {
    #[command(subcommand)]
    command: FilesCommand,
}

#[derive(Debug, Subcommand)]
enum FilesCommand {
    /// List files by folder and name, at their newest versions
    List {
        /// In this folder and below it
        #[arg(default_value = "/")]
        folder: String,
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List versions of files whose bytes have changed on the disk; for administrators
    Damaged {
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Fetch a file
    Get {
        /// The file's id
        file: String,
        /// Its version, from 1; the newest without it
        #[arg(value_name = "VERSION")]
        number: Option<u64>,
        /// Where to; `-` is stdout
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Runs the command.
pub fn run(args: &FilesArgs, settings: Settings) -> Outcome {
    with_runtime(async move {
        let (FilesCommand::List { server, .. }
        | FilesCommand::Damaged { server, .. }
        | FilesCommand::Get { server, .. }) = &args.command;
        let session = Session::look(server, settings).await?;
        let outcome = answer(&args.command, &session).await;
        session.close().await?;
        outcome
    })
}

async fn answer(command: &FilesCommand, session: &Session) -> Outcome {
    match command {
        FilesCommand::List { folder, json, .. } => {
            let path = format!("/api/v1/files?folder={}", escaped(folder));
            let items = session.client.all(&path, "after").await?;
            list(&items, *json)
        }
        FilesCommand::Damaged { json, .. } => {
            let items = &session.client.get("/api/v1/files/damaged").await?["items"];
            if *json {
                return output::json(items);
            }
            let fields = ["file", "path", "version", "sha256"];
            let row = |one: &Value| fields.iter().map(|key| output::cell(one, key)).collect();
            let rows: Vec<Vec<String>> = items.as_array().into_iter().flatten().map(row).collect();
            output::rows(&fields, &rows, "no damaged files")
        }
        FilesCommand::Get {
            file, number, output, ..
        } => {
            let query = number.map_or(String::new(), |number| format!("?version={number}"));
            let path = format!("/api/v1/files/{}{query}", escaped(file));
            if output == Path::new("-") {
                return session.client.pour(&path, &mut std::io::stdout()).await;
            }
            session.client.save(&path, output).await?;
            output::line(&output.display().to_string())
        }
    }
}

fn list(items: &[Value], as_json: bool) -> Outcome {
    if as_json {
        return output::json(&items);
    }
    let row = |file: &Value| {
        let field = |key: &str| output::cell(file, key);
        let path = crate::space::names::path(&field("folder"), &field("name"));
        let sha256 = progress::short(&field("sha256")).to_owned();
        vec![
            field("id"),
            path,
            field("version"),
            field("size"),
            sha256,
            field("by"),
            field("at"),
        ]
    };
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    output::rows(
        &["file", "path", "version", "size", "sha256", "by", "at"],
        &rows,
        "no files",
    )
}
