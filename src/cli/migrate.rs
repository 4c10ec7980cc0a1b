//! `gatefold runs migrate`: runs go on by another version of their flow, or it is said why they cannot.

use super::client::{Answer, CallError, Client, escaped};
use super::embedded::ServerArgs;
use super::exit::{Failure, Outcome};
use super::output;
use crate::base::Value;
use clap::Args;
use serde_json::{Map, json};

/// Runs that one command moves.
const MOST_RUNS: usize = 1_000;

/// Which runs, and where to.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gatefold runs migrate run_1 --map sign=seal --reason \"The fee was wrong.\"\n  gatefold runs migrate --flow review --from 1.0.0 --dry-run"
)]
pub struct MigrateArgs {
    /// The runs
    #[arg(required_unless_present = "flow", conflicts_with = "flow")]
    runs: Vec<String>,
    /// Every run of this flow that goes on by the version that --from names: the newest 1,000
    #[arg(long, requires = "from")]
    flow: Option<String>,
    /// The version that these runs go by
    #[arg(long, value_name = "VERSION", requires = "flow", conflicts_with = "runs")]
    from: Option<String>,
    /// Of these runs, those that come after this one
    #[arg(long, value_name = "RUN", requires = "flow", conflicts_with = "runs")]
    before: Option<String>,
    /// The version to go on by; without it, the one that new runs take
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// A step that is called otherwise there; once for each
    #[arg(long = "map", value_name = "OLD=NEW", value_parser = names_of)]
    map: Vec<(String, String)>,
    /// Why; it goes into the journals
    #[arg(long, required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Say what would become of them, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print as data
    #[arg(long)]
    json: bool,
    /// Which server
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `OLD=NEW`.
fn names_of(text: &str) -> Result<(String, String), String> {
    let pair = text
        .split_once('=')
        .filter(|(old, new)| !old.is_empty() && !new.is_empty());
    let (old, new) = pair.ok_or_else(|| format!("{text:?} names no two steps: write it as sign=seal"))?;
    Ok((old.to_owned(), new.to_owned()))
}

/// Moves every run that is meant, and reports on each.
pub async fn migrate(client: &Client, args: &MigrateArgs) -> Outcome {
    let body = body(args)?;
    let (runs, more) = meant(client, args).await?;
    let mut reports = Vec::new();
    let mut refused = false;
    for run in &runs {
        let report = one(client, run, &body).await?;
        refused |= matches!(report["state"].as_str(), Some("incompatible" | "refused"));
        if !args.json {
            tell(&report)?;
        }
        reports.push(report);
    }
    if args.json {
        output::json(&reports)?;
    } else if runs.is_empty() {
        output::say("no runs");
    }
    if let (true, Some(last)) = (more, runs.last()) {
        output::say(&format!(
            "these were {MOST_RUNS} runs, and there are more: add --before {last}"
        ));
    }
    if refused { Err(Failure::Said) } else { Ok(()) }
}

fn body(args: &MigrateArgs) -> Result<Value, Failure> {
    let mut steps = Map::new();
    for (old, new) in &args.map {
        if steps.insert(old.clone(), json!(new)).is_some() {
            return Err(Failure::Usage(format!("--map names {old} twice")));
        }
    }
    Ok(json!({
        "to": args.to,
        "steps": steps,
        "reason": args.reason.as_deref().unwrap_or_default(),
        "dry_run": args.dry_run,
    }))
}

/// The runs that are meant, and whether there are more than one command moves.
async fn meant(client: &Client, args: &MigrateArgs) -> Result<(Vec<String>, bool), Failure> {
    let Some((flow, from)) = args.flow.as_ref().zip(args.from.as_ref()) else {
        let more = args.runs.len().checked_sub(MOST_RUNS).filter(|more| *more > 0);
        return match more {
            None => Ok((args.runs.clone(), false)),
            Some(more) => Err(Failure::Usage(format!(
                "one command moves {MOST_RUNS} runs at most: leave out {more}"
            ))),
        };
    };
    let mut runs: Vec<String> = Vec::new();
    let mut before = args.before.clone();
    while runs.len() <= MOST_RUNS {
        let mut path = format!(
            "/api/v1/runs?status=running&limit=200&flow={}&version={}",
            escaped(flow),
            escaped(from)
        );
        path.extend(before.as_ref().map(|run| format!("&before={}", escaped(run))));
        let page = client.get(&path).await?;
        let items = page["items"].as_array().into_iter().flatten();
        runs.extend(items.filter_map(|run| run["id"].as_str().map(str::to_owned)));
        before = page["next"].as_str().map(str::to_owned);
        if before.is_none() {
            break;
        }
    }
    Ok(first(runs))
}

/// As many as one command moves, and whether there are more.
fn first(mut runs: Vec<String>) -> (Vec<String>, bool) {
    let more = runs.len() > MOST_RUNS;
    runs.truncate(MOST_RUNS);
    (runs, more)
}

/// What became of one run. That it cannot be moved is an answer, and keeps no other from being moved.
async fn one(client: &Client, run: &str, body: &Value) -> Answer {
    match client
        .post(&format!("/api/v1/runs/{}/migrate", escaped(run)), body)
        .await
    {
        Err(CallError::Refused { status, problem }) if matches!(status.as_u16(), 404 | 409 | 422) => {
            let incompatible = problem["type"] == "/problems/incompatible";
            let reasons = match &problem["errors"] {
                Value::Array(reasons) => json!(reasons),
                _ => json!([{ "place": "run", "detail": problem["detail"] }]),
            };
            let state = if incompatible { "incompatible" } else { "refused" };
            Ok(json!({ "run": run, "state": state, "reasons": reasons }))
        }
        other => other,
    }
}

fn tell(report: &Value) -> Outcome {
    let word = |key: &str| report[key].as_str().unwrap_or_default();
    let (run, from, to) = (word("run"), word("from"), word("to"));
    let said = match word("state") {
        "moved" => format!("goes on by {to}, and no longer by {from}"),
        "compatible" => format!("can go on by {to} instead of {from}"),
        "same" => format!("goes by {to} already"),
        _ => "cannot be moved".to_owned(),
    };
    output::line(&format!("{run}: {said}"))?;
    let begins = report["begins"].as_array().into_iter().flatten();
    let begins: Vec<&str> = begins.filter_map(Value::as_str).collect();
    if !begins.is_empty() {
        output::line(&format!("  begins: {}", begins.join(", ")))?;
    }
    for reason in report["reasons"].as_array().into_iter().flatten() {
        let word = |key: &str| reason[key].as_str().unwrap_or_default();
        output::line(&format!("  {}: {}", word("place"), word("detail")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{MOST_RUNS, first, names_of};

    #[test]
    fn a_command_moves_so_many_runs_and_says_that_there_are_more() {
        let runs = |count: usize| (0..count).map(|run| run.to_string()).collect::<Vec<_>>();
        assert_eq!(first(runs(MOST_RUNS)), (runs(MOST_RUNS), false));
        assert_eq!(first(runs(MOST_RUNS + 1)), (runs(MOST_RUNS), true));
    }

    #[test]
    fn a_map_names_two_steps() {
        assert_eq!(names_of("sign=seal"), Ok(("sign".to_owned(), "seal".to_owned())));
        for wrong in ["sign", "=seal", "sign="] {
            assert!(names_of(wrong).is_err(), "{wrong}");
        }
    }
}
