//! `gatefold runs`: look at runs, and help on those that need a person.

use super::bulk::{self, How, Many};
use super::client::{Answer, Client, escaped};
use super::embedded::{ServerArgs, Session};
use super::exit::Outcome;
use super::migrate::{MigrateArgs, migrate};
use super::settings::Settings;
use super::{inputs, output, progress, with_runtime};
use crate::base::Value;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, json};

/// Look at runs, and help them on.
#[derive(Debug, Args)]
pub struct RunsArgs {
    #[command(subcommand)]
    command: RunsCommand,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Running,
    Closing,
    Ended,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    /// List runs, newest first
    List {
        /// Of this flow alone
        #[arg(long)]
        flow: Option<String>,
        /// That go by this version of their flow
        #[arg(long, value_name = "VERSION")]
        flow_version: Option<String>,
        /// That stand so
        #[arg(long)]
        status: Option<Status>,
        /// That need a person
        #[arg(long)]
        incident: bool,
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show a run, its steps and its journal
    Show {
        /// The run
        run: String,
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Try a failed step again, or those of many runs, as an administrator
    #[command(
        after_help = "Examples:\n  gatefold runs retry run_1 post --reason \"The service is back.\"\n  gatefold runs retry --flow review --dry-run"
    )]
    Retry(FailedArgs),
    /// Go on past a failed step, or those of many runs, as an administrator
    Skip(FailedArgs),
    /// Say what a failed step came to, as an administrator
    Set {
        /// What its action gives, by name; repeat it for each. A value that is JSON is read as such
        #[arg(long = "output", value_name = "NAME=VALUE", value_parser = output_of)]
        outputs: Vec<(String, Value)>,
        /// One of its outcomes; without it, the one that goes on
        #[arg(long)]
        outcome: Option<String>,
        #[command(flatten)]
        step: StepArgs,
    },
    /// Change values of a run: what its flow says may change while it goes on
    Change {
        /// The run
        run: String,
        /// NAME=VALUE; once for each value
        #[arg(required = true)]
        values: Vec<String>,
        /// Why; it goes into the journal
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Let runs go on by another version of their flow, as an administrator
    Migrate(MigrateArgs),
    /// Cancel runs: what they shared is taken back
    Cancel {
        /// The runs
        #[arg(required_unless_present = "flow", conflicts_with = "flow")]
        runs: Vec<String>,
        /// Why; it goes into the journals
        #[arg(long, required_unless_present = "dry_run")]
        reason: Option<String>,
        #[command(flatten)]
        many: Many,
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(Debug, Args)]
struct FailedArgs {
    /// The run
    #[arg(required_unless_present = "flow", conflicts_with = "flow")]
    run: Option<String>,
    /// The step; without it, every step of the run that needs a person
    step: Option<String>,
    /// Of the runs that --flow names, this step alone
    #[arg(long = "step", value_name = "STEP", requires = "flow", conflicts_with_all = ["run", "step"], id = "of_each")]
    of_each: Option<String>,
    /// Why; it goes into the journals
    #[arg(long, required_unless_present = "dry_run")]
    reason: Option<String>,
    #[command(flatten)]
    many: Many,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
struct StepArgs {
    /// The run
    run: String,
    /// The step
    step: String,
    /// Why; it goes into the journal
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub fn run(args: &RunsArgs, settings: Settings) -> Outcome {
    with_runtime(async move {
        let server = server_of(&args.command);
        let session = match &args.command {
            RunsCommand::List { .. }
            | RunsCommand::Show { .. }
            | RunsCommand::Migrate(MigrateArgs { dry_run: true, .. })
            | RunsCommand::Retry(FailedArgs {
                many: Many { dry_run: true, .. },
                ..
            })
            | RunsCommand::Skip(FailedArgs {
                many: Many { dry_run: true, .. },
                ..
            })
            | RunsCommand::Cancel {
                many: Many { dry_run: true, .. },
                ..
            } => Session::look(server, settings).await?,
            _ => Session::open(server, settings).await?,
        };
        let outcome = answer(&args.command, &session.client).await;
        session.close().await?;
        outcome
    })
}

fn server_of(command: &RunsCommand) -> &ServerArgs {
    match command {
        RunsCommand::Retry(args) | RunsCommand::Skip(args) => &args.server,
        RunsCommand::Set { step: args, .. } => &args.server,
        RunsCommand::Migrate(args) => &args.server,
        RunsCommand::List { server, .. }
        | RunsCommand::Show { server, .. }
        | RunsCommand::Change { server, .. }
        | RunsCommand::Cancel { server, .. } => server,
    }
}

async fn answer(command: &RunsCommand, client: &Client) -> Outcome {
    match command {
        RunsCommand::List {
            flow,
            flow_version,
            status,
            incident,
            json,
            ..
        } => {
            let mut query: Vec<String> = Vec::new();
            query.extend(flow.as_ref().map(|flow| format!("flow={}", escaped(flow))));
            query.extend(
                flow_version
                    .as_ref()
                    .map(|version| format!("version={}", escaped(version))),
            );
            let status = status.and_then(|status| status.to_possible_value());
            query.extend(status.map(|status| format!("status={}", status.get_name())));
            query.extend(incident.then(|| "incident=true".to_owned()));
            let path = format!("/api/v1/runs?{}", query.join("&"));
            list(&client.all(&path, "before").await?, *json)
        }
        RunsCommand::Show { run, json, .. } => show(client, run, *json).await,
        RunsCommand::Retry(args) => failed(client, args, "retry").await,
        RunsCommand::Skip(args) => failed(client, args, "skip").await,
        RunsCommand::Set {
            step: args,
            outputs,
            outcome,
        } => {
            let output: Map<String, Value> = outputs.iter().cloned().collect();
            let body = json!({ "outcome": outcome, "output": output, "reason": args.reason });
            Ok(step(client, (&args.run, &args.step), "set", body).await?)
        }
        RunsCommand::Change {
            run, values, reason, ..
        } => {
            let flow = output::field(&client.run(run).await?, "flow");
            let wanted = inputs::deployed(client, &flow).await.map(|flow| flow.values);
            let values = inputs::values(values, &wanted.unwrap_or_default())?;
            let names: Vec<&str> = values.keys().map(String::as_str).collect();
            let said = format!("{run}: changed {}", names.join(", "));
            client
                .post(
                    &format!("/api/v1/runs/{}/values", escaped(run)),
                    &json!({ "values": values, "reason": reason }),
                )
                .await?;
            output::say(&said);
            Ok(())
        }
        RunsCommand::Migrate(args) => migrate(client, args).await,
        RunsCommand::Cancel { runs, reason, many, .. } => match (runs.as_slice(), reason) {
            ([run], Some(reason)) if !many.dry_run && !many.json => {
                let path = format!("/api/v1/runs/{}/cancel", escaped(run));
                client.post(&path, &json!({ "reason": reason })).await?;
                output::say(&format!("{run} is cancelled; what it shared is taken back"));
                Ok(())
            }
            _ => bulk::all(client, runs, many, How::Cancel, reason.as_deref()).await,
        },
    }
}

/// One failed step, or those of many runs.
async fn failed(client: &Client, args: &FailedArgs, how: &str) -> Outcome {
    let (many, reason) = (&args.many, args.reason.as_deref());
    if let (Some(run), Some(id), Some(reason)) = (&args.run, &args.step, reason)
        && !many.dry_run
        && !many.json
    {
        return Ok(step(client, (run, id), how, json!({ "reason": reason })).await?);
    }
    let id = args.step.as_deref().or(args.of_each.as_deref());
    let run: Vec<String> = args.run.iter().cloned().collect();
    let how = if how == "skip" { How::Skip(id) } else { How::Retry(id) };
    bulk::all(client, &run, many, how, reason).await
}

/// `NAME=VALUE`, where the value may be JSON.
fn output_of(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| format!("{text:?} is no output: write it as share=shr_1"))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

async fn step(client: &Client, (run, step): (&str, &str), how: &str, body: Value) -> Answer<()> {
    let path = format!("/api/v1/runs/{}/steps/{}/{how}", escaped(run), escaped(step));
    client.post(&path, &body).await?;
    output::say(&format!("{run}: {how} {step}"));
    Ok(())
}

fn list(items: &[Value], as_json: bool) -> Outcome {
    if as_json {
        return output::json(&items);
    }
    let columns = [
        "id",
        "flow",
        "version",
        "status",
        "outcome",
        "incident",
        "initiator",
        "started_at",
    ];
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|run| columns.iter().map(|column| output::cell(run, column)).collect())
        .collect();
    output::rows(&columns, &rows, "no runs")
}

async fn show(client: &Client, run: &str, as_json: bool) -> Outcome {
    let view = client.run(run).await?;
    let journal = client.journal(run, 0).await?;
    if as_json {
        return output::json(&json!({ "run": view, "journal": journal }));
    }
    let field = |key: &str| output::field(&view, key);
    output::line(&format!(
        "{}  {} {}  {} {}\n",
        field("id"),
        field("flow"),
        field("version"),
        field("status"),
        field("outcome")
    ))?;
    if let Value::Object(parent) = &view["parent"] {
        let part = |key: &str| parent.get(key).and_then(Value::as_str).unwrap_or_default();
        output::line(&format!("started by step {} of {}\n", part("step"), part("run")))?;
    }
    let cell = |key: &str| output::cell(&view, key);
    let (by, from, until) = (cell("initiator"), cell("started_at"), cell("ended_at"));
    output::line(&format!("started by {by} at {from}, ended at {until}\n"))?;
    inputs_of(&view)?;
    let steps = view["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut columns = vec!["id", "state", "outcome", "round", "due", "error"];
    columns.extend(
        steps
            .iter()
            .any(|step| step["attempts"].is_number())
            .then_some("attempts"),
    );
    columns.extend(steps.iter().any(|step| step["run"].is_string()).then_some("run"));
    let rows: Vec<Vec<String>> = steps
        .iter()
        .map(|step| {
            let field = |column: &&str| match (*column, &step["elements"]) {
                ("state", Value::Object(of)) => {
                    format!("{} {}/{}", output::field(step, "state"), of["completed"], of["total"])
                }
                (column, _) => output::cell(step, column),
            };
            columns.iter().map(field).collect()
        })
        .collect();
    output::rows(&columns, &rows, "no steps")?;
    output::line("")?;
    incidents(&view)?;
    for record in &journal {
        output::line(&progress::line_of_day(record))?;
    }
    Ok(())
}

/// What a person must look at, with what it is called in `retry` and `skip`.
fn incidents(view: &Value) -> Outcome {
    let incidents = view["incidents"].as_array().map(Vec::as_slice).unwrap_or_default();
    if incidents.is_empty() {
        return Ok(());
    }
    let row = |incident: &Value| {
        let doubt = if incident["in_doubt"] == true { "yes" } else { "no" };
        vec![
            output::field(incident, "step"),
            output::field(incident, "attempts"),
            doubt.to_owned(),
            output::field(incident, "error"),
        ]
    };
    let rows: Vec<Vec<String>> = incidents.iter().map(row).collect();
    output::rows(&["needs a person", "tries", "in doubt", "error"], &rows, "")?;
    if let Some(more) = view["more_incidents"].as_u64() {
        output::line(&format!("and {more} more"))?;
    }
    output::line("")
}

/// What the run was started with.
fn inputs_of(view: &Value) -> Outcome {
    let inputs = view["inputs"].as_object().into_iter().flatten();
    let rows: Vec<Vec<String>> = inputs.map(|(name, value)| vec![name.clone(), shown(value)]).collect();
    if rows.is_empty() {
        return Ok(());
    }
    output::rows(&["input", "value"], &rows, "")?;
    output::line("")
}

/// A value on one line: of a file its name and its version, a text as it is unless it would leave the line.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if !text.chars().any(char::is_control) => text.clone(),
        Value::Object(file) if file.get("sha256").is_some_and(Value::is_string) && file.contains_key("version") => {
            let part = |key: &str| output::field(value, key);
            format!(
                "{} version {} ({})",
                part("name"),
                part("version"),
                progress::short(&part("sha256"))
            )
        }
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;
    use serde_json::json;

    #[test]
    fn a_value_stays_on_its_line() {
        let file = json!({ "id": "fil_1", "name": "a.pdf", "version": 2, "sha256": "0123456789abcdef", "size": 1 });
        for (value, text) in [
            (json!("anna"), "anna"),
            (json!("one\ntwo\u{1b}[1m"), "\"one\\ntwo\\u{1b}[1m\""),
            (json!(["a", 1]), "[\"a\",1]"),
            (file, "a.pdf version 2 (0123456789ab)"),
        ] {
            assert_eq!(shown(&value), text);
        }
    }
}
