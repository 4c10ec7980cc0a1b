//! `gatefold tasks`: look at what people are asked, and decide it.

use super::client::{Client, escaped};
use super::embedded::{ServerArgs, Session};
use super::exit::{Failure, Outcome};
use super::settings::Settings;
use super::task_shown::{about, shown, state, words};
use super::{inputs, output, progress, with_runtime};
use crate::base::Value;
use crate::base::id::hex;
use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, json};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Digits of a SHA-256 that are enough to tell versions apart: as many as lists show.
const LEAST_HASH: usize = 12;
/// Digits of a whole SHA-256.
const WHOLE_HASH: usize = 64;

/// Look at tasks, and decide them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gatefold tasks list --as anna\n  gatefold tasks document tsk_1 --output contract.pdf --as anna\n  gatefold tasks decide approved --file contract.pdf --as anna\n  \
                  gatefold tasks decide done --task tsk_1 --field shelf=A1 --as anna"
)]
pub struct TasksArgs {
    #[command(subcommand)]
    command: TasksCommand,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum OrderArg {
    /// What is urgent first, then what is due first
    Priority,
    /// What is due first
    Due,
    /// The oldest first
    Oldest,
    /// The newest first
    Newest,
}

/// Which task comes after an answer.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum NextArg {
    /// The next one of the same run
    SameRun,
    /// The next one of the same step, of whatever run
    SameStep,
}

#[derive(Debug, Subcommand)]
enum TasksCommand {
    /// List your open tasks: what is urgent first, then what is due first
    List {
        /// Those that you may see without being asked, instead of your own
        #[arg(long)]
        watched: bool,
        /// In which order
        #[arg(long, value_enum)]
        order: Option<OrderArg>,
        /// Of this flow alone
        #[arg(long)]
        flow: Option<String>,
        /// Of this step alone
        #[arg(long)]
        step: Option<String>,
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show a task: what is asked, about what, and how it can be answered
    Show {
        /// The task
        task: String,
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Fetch the version that a task is about
    Document {
        /// The task
        task: String,
        /// Where to; `-` is stdout. Without it, the document's own name in this folder
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Decide or answer a task, on the exact version you read
    Decide(DecideArgs),
    /// Work on a task from now on; it is taken where one answer settles it
    Start {
        /// The task
        task: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Keep what is filled in so far
    Save {
        /// The task
        task: String,
        /// A field of the task's form; repeat it for each
        #[arg(long = "field", value_name = "NAME=VALUE", value_parser = field, required = true)]
        fields: Vec<(String, Value)>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Take a task: others do not see it until you give it back
    Claim {
        /// The task
        task: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give a task back to everybody who is asked
    Release {
        /// The task
        task: String,
        /// Why; administrators need one
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Say something about a task, ask somebody, or answer what you were asked
    Remark {
        /// The task
        task: String,
        /// The words
        text: String,
        /// Whom to ask, as ben
        #[arg(long, value_name = "PERSON", conflicts_with = "answers")]
        to: Option<String>,
        /// Which remark it answers, counted from 1
        #[arg(long, value_name = "NUMBER")]
        answers: Option<u32>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Let a task rest: nobody answers it until it goes on; its deadline goes on
    Suspend(WhyArgs),
    /// Let a task go on that rests
    Resume {
        /// The task
        task: String,
        /// Why; administrators need one
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Have the flow go on past the step of a task
    Skip(WhyArgs),
    /// Have the step of a settled task done again, and everything after it
    Redo(WhyArgs),
    /// Let somebody act for you; you stay accountable
    Delegate(HandOnArgs),
    /// Hand your place over to somebody else
    Reassign {
        /// They begin anew: what was kept is forgotten
        #[arg(long)]
        afresh: bool,
        #[command(flatten)]
        to: HandOnArgs,
    },
}

#[derive(Debug, Args)]
struct DecideArgs {
    /// One of the task's decisions, as approved or done
    decision: String,
    /// The version you read, as a file
    #[arg(long, value_name = "FILE", conflicts_with = "sha256")]
    file: Option<PathBuf>,
    /// The version you read, by its SHA-256; the first 12 digits or more are enough
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
    /// Take and start the next task too, and print it
    #[arg(long, value_enum)]
    next: Option<NextArg>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
struct WhyArgs {
    /// The task
    task: String,
    /// Why; it goes into the journal
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
struct HandOnArgs {
    /// The task
    task: String,
    /// Who, as ben
    #[arg(long, value_name = "PERSON")]
    to: String,
    /// In whose place; without it, in your own
    #[arg(long, value_name = "PERSON")]
    of: Option<String>,
    /// Why; administrators need one
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub fn run(args: &TasksArgs, settings: Settings) -> Outcome {
    with_runtime(async move {
        let session = match &args.command {
            TasksCommand::Decide(args) => Session::open(&args.server, settings).await?,
            TasksCommand::Claim { server, .. }
            | TasksCommand::Start { server, .. }
            | TasksCommand::Save { server, .. }
            | TasksCommand::Remark { server, .. }
            | TasksCommand::Resume { server, .. }
            | TasksCommand::Release { server, .. } => Session::open(server, settings).await?,
            TasksCommand::Suspend(args) | TasksCommand::Skip(args) | TasksCommand::Redo(args) => {
                Session::open(&args.server, settings).await?
            }
            TasksCommand::Delegate(args) | TasksCommand::Reassign { to: args, .. } => {
                Session::open(&args.server, settings).await?
            }
            TasksCommand::List { server, .. }
            | TasksCommand::Show { server, .. }
            | TasksCommand::Document { server, .. } => Session::look(server, settings).await?,
        };
        let outcome = answer(&args.command, &session.client).await;
        session.close().await?;
        outcome
    })
}

async fn answer(command: &TasksCommand, client: &Client) -> Outcome {
    match command {
        TasksCommand::List {
            watched,
            order,
            flow,
            step,
            json,
            ..
        } => {
            let mut query: Vec<String> = Vec::new();
            query.extend(watched.then(|| "watched=true".to_owned()));
            let order = order.and_then(|order| order.to_possible_value());
            query.extend(order.map(|order| format!("order={}", order.get_name())));
            query.extend(flow.as_ref().map(|flow| format!("flow={}", escaped(flow))));
            query.extend(step.as_ref().map(|step| format!("step={}", escaped(step))));
            let path = format!("/api/v1/tasks?{}", query.join("&"));
            list(&client.all(&path, "after").await?, *json)
        }
        TasksCommand::Show { task, json, .. } => show(&client.get(&path_of(task)).await?, *json),
        TasksCommand::Document { task, output, .. } => document(client, task, output.as_deref()).await,
        TasksCommand::Decide(args) => decide(client, args).await,
        TasksCommand::Start { task, .. } => act(client, task, "start", &json!({}), "you work on the task now").await,
        TasksCommand::Save { task, fields, .. } => {
            let form: Map<String, Value> = fields.iter().cloned().collect();
            let names: Vec<&str> = form.keys().map(String::as_str).collect();
            let said = format!("kept: {}", names.join(", "));
            act(client, task, "draft", &json!({ "form": form }), &said).await
        }
        TasksCommand::Claim { task, .. } => act(client, task, "claim", &json!({}), "you have taken the task").await,
        TasksCommand::Release { task, reason, .. } => {
            let said = "the task is given back to everybody who is asked";
            act(client, task, "release", &json!({ "reason": reason }), said).await
        }
        TasksCommand::Resume { task, reason, .. } => {
            act(client, task, "resume", &json!({ "reason": reason }), "the task goes on").await
        }
        TasksCommand::Suspend(args) => why(client, args, "suspend", "the task rests").await,
        TasksCommand::Skip(args) => why(client, args, "skip", "the flow goes on past the step").await,
        TasksCommand::Redo(args) => why(client, args, "redo", "the step is done again").await,
        TasksCommand::Remark {
            task,
            text,
            to,
            answers,
            ..
        } => {
            let to = to.as_deref().map(inputs::person);
            let body = json!({ "text": text, "to": to, "answers": answers });
            let said = match (&to, answers) {
                (Some(to), _) => format!("{to} is asked"),
                (None, Some(number)) => format!("remark {number} is answered"),
                (None, None) => "the remark is kept".to_owned(),
            };
            act(client, task, "remarks", &body, &said).await
        }
        TasksCommand::Delegate(args) => {
            let of = args.of.as_deref().map_or("you".to_owned(), inputs::person);
            let said = format!("{} acts for {of}", inputs::person(&args.to));
            hand_on(client, args, "delegate", false, &said).await
        }
        TasksCommand::Reassign { to: args, afresh } => {
            let of = args.of.as_deref().map_or("your place".to_owned(), |of| {
                format!("the place of {}", inputs::person(of))
            });
            let said = format!("{} has {of}", inputs::person(&args.to));
            hand_on(client, args, "reassign", *afresh, &said).await
        }
    }
}

async fn decide(client: &Client, args: &DecideArgs) -> Outcome {
    let seen = match (&args.file, &args.sha256) {
        (Some(file), _) => Some(hash_of(file)?),
        (None, given) => given.as_deref().map(beginning).transpose()?,
    };
    let (task, sha256) = match &args.task {
        Some(task) => (task.clone(), whole_hash(client, task, seen).await?),
        None => task_about(client, seen.as_deref()).await?,
    };
    let form: Map<String, Value> = args.fields.iter().cloned().collect();
    let next = args.next.and_then(|next| next.to_possible_value());
    let next = next.as_ref().map(PossibleValue::get_name);
    let body =
        json!({ "decision": args.decision, "sha256": sha256, "reason": args.reason, "form": form, "next": next });
    let said = format!("{}: recorded", args.decision.replace('_', " "));
    act(client, &task, "decision", &body, &said).await
}

async fn why(client: &Client, args: &WhyArgs, how: &str, said: &str) -> Outcome {
    act(client, &args.task, how, &json!({ "reason": args.reason }), said).await
}

async fn hand_on(client: &Client, args: &HandOnArgs, how: &str, afresh: bool, said: &str) -> Outcome {
    let (to, of) = (inputs::person(&args.to), args.of.as_deref().map(inputs::person));
    let body = json!({ "to": to, "of": of, "reason": args.reason, "afresh": afresh });
    act(client, &args.task, how, &body, said).await
}

/// Does something about a task and says what was done; or that it was so before.
async fn act(client: &Client, task: &str, how: &str, body: &Value, said: &str) -> Outcome {
    let path = format!("/api/v1/tasks/{}/{how}", escaped(task));
    let answer = client.post(&path, body).await?;
    match answer["result"].as_str() {
        Some("already_done") => output::line(&format!("{said}; it was so before, and nothing has changed"))?,
        _ => output::line(said)?,
    }
    match answer["next"].as_str() {
        Some(next) => output::line(next),
        None => Ok(()),
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

/// The beginning of a hash as somebody gives it: long enough that no other version begins so by chance.
fn beginning(given: &str) -> Result<String, Failure> {
    let is_hex = given.chars().all(|c| c.is_ascii_hexdigit());
    if is_hex && (LEAST_HASH..=WHOLE_HASH).contains(&given.len()) {
        return Ok(given.to_ascii_lowercase());
    }
    Err(Failure::Usage(format!(
        "--sha256 {given}: give the SHA-256 of the version you read, or its first {LEAST_HASH} digits or more, as `gatefold tasks list` shows them; or the file itself with --file FILE"
    )))
}

/// The hash that is sent for a task: that of its document where `seen` is its beginning. What is no beginning of it is
/// sent as it is where it is whole: the document may have changed just now, and the server says so.
async fn whole_hash(client: &Client, task: &str, seen: Option<String>) -> Result<Option<String>, Failure> {
    if seen.as_ref().is_some_and(|seen| seen.len() == WHOLE_HASH) {
        return Ok(seen);
    }
    let view = client.get(&path_of(task)).await?;
    let sha256 = view["document"]["sha256"].as_str();
    match (seen, sha256) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Failure::Usage(format!(
            "the task is about {}: say which version you read with --file FILE or --sha256 HASH",
            about(&view)
        ))),
        (Some(seen), Some(whole)) if whole.starts_with(&seen) => Ok(Some(whole.to_owned())),
        (Some(seen), Some(whole)) => Err(Failure::Negative(format!(
            "the task is about {}, whose SHA-256 begins with {}, not with {seen}: read it again",
            about(&view),
            progress::short(whole)
        ))),
        (Some(_), None) => Err(Failure::Usage(
            "the task is about no document: leave out --sha256".to_owned(),
        )),
    }
}

/// The caller's one open task about a version, whose hash begins so, and its whole hash.
async fn task_about(client: &Client, seen: Option<&str>) -> Result<(String, Option<String>), Failure> {
    let seen = seen.ok_or_else(|| {
        let how = "say which version you read with --file FILE or --sha256 HASH; or which task with --task TASK";
        Failure::Usage(how.to_owned())
    })?;
    let tasks = client.all("/api/v1/tasks", "after").await?;
    let hash = |task: &Value| task["document"]["sha256"].as_str().unwrap_or_default().to_owned();
    let fitting: Vec<&Value> = tasks.iter().filter(|task| hash(task).starts_with(seen)).collect();
    match fitting.as_slice() {
        [one] => Ok((output::field(one, "id"), Some(hash(one)))),
        [] => Err(Failure::Negative(format!(
            "you have no open task about the version {seen}; `gatefold tasks list` shows those you have"
        ))),
        several => {
            let line = |task: &&Value| {
                let field = |name: &str| output::field(task, name);
                format!(
                    "\n  --task {}  {}: {}, {}",
                    field("id"),
                    field("flow"),
                    field("title"),
                    about(task)
                )
            };
            let lines: String = several.iter().map(line).collect();
            Err(Failure::Usage(format!(
                "you have several open tasks about that version: say which{lines}"
            )))
        }
    }
}

fn path_of(task: &str) -> String {
    format!("/api/v1/tasks/{}", escaped(task))
}

/// Fetches the version that a task is about, under its own name if no other is given.
async fn document(client: &Client, task: &str, output: Option<&Path>) -> Outcome {
    let path = format!("{}/document", path_of(task));
    if output == Some(Path::new("-")) {
        return client.pour(&path, &mut std::io::stdout()).await;
    }
    let file = match output {
        Some(file) => file.to_owned(),
        None => {
            let name = output::field(&client.get(&path_of(task)).await?["document"], "name");
            output::own_name(&name)?
        }
    };
    client.save(&path, &file).await?;
    output::line(&file.display().to_string())
}

fn list(items: &[Value], as_json: bool) -> Outcome {
    if as_json {
        return output::json(&items);
    }
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    let header = [
        "task",
        "flow",
        "run",
        "title",
        "ask",
        "document",
        "sha256",
        "due",
        "decisions",
        "state",
    ];
    output::rows(&header, &rows, "no open tasks")
}

fn row(task: &Value) -> Vec<String> {
    let field = |name: &str| output::field(task, name);
    vec![
        field("id"),
        field("flow"),
        field("run"),
        field("title"),
        field("ask"),
        about(task),
        progress::short(&output::field(&task["document"], "sha256")).to_owned(),
        output::cell(task, "due"),
        words(&task["decisions"], " | "),
        state(task),
    ]
}

fn show(task: &Value, as_json: bool) -> Outcome {
    if as_json {
        return output::json(task);
    }
    output::line(&shown(task))
}
