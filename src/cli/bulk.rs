//! `gatefold runs retry|skip|cancel` over many runs at once: one after the other through the API, each with the
//! reason in its journal, and a word on what became of each.

use super::client::{Answer, CallError, Client, escaped};
use super::exit::{Failure, Outcome};
use super::output;
use crate::base::Value;
use clap::Args;
use serde_json::json;

/// Runs that one command touches.
const MOST_RUNS: usize = 1_000;

/// Which runs, where it is not one.
#[derive(Debug, Args)]
pub struct Many {
    /// Every run of this flow that fits, at most 1,000
    #[arg(long)]
    flow: Option<String>,
    /// Of these, those that go by this version of it
    #[arg(long, value_name = "VERSION", requires = "flow")]
    flow_version: Option<String>,
    /// Say what would be touched, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print as data
    #[arg(long)]
    pub json: bool,
}

/// What is done.
#[derive(Clone, Copy, Debug)]
pub enum How<'a> {
    /// The failed steps are tried again, or that one alone.
    Retry(Option<&'a str>),
    /// The flow goes on past the failed steps, or that one alone.
    Skip(Option<&'a str>),
    /// The runs are cancelled.
    Cancel,
}

impl<'a> How<'a> {
    const fn word(self) -> &'static str {
        match self {
            Self::Retry(_) => "retry",
            Self::Skip(_) => "skip",
            Self::Cancel => "cancel",
        }
    }

    /// The only step that is meant, where one is.
    const fn step(self) -> Option<&'a str> {
        match self {
            Self::Retry(step) | Self::Skip(step) => step,
            Self::Cancel => None,
        }
    }
}

/// Does it to every run that is meant, and reports on each. That one is refused keeps no other from it.
pub async fn all(client: &Client, named: &[String], many: &Many, how: How<'_>, reason: Option<&str>) -> Outcome {
    if many.flow.is_none() && many.flow_version.is_some() {
        return Err(Failure::Usage(
            "--flow-version is for the runs of a flow: give --flow, or leave it out".to_owned(),
        ));
    }
    let runs = meant(client, named, many, how).await?;
    let body = json!({ "reason": reason.unwrap_or_default(), "dry_run": many.dry_run });
    let mut reports = Vec::new();
    for run in &runs {
        for report in one(client, run, many, how, &body).await? {
            if !many.json {
                tell(&report)?;
            }
            reports.push(report);
        }
    }
    if many.json {
        output::json(&reports)?;
    } else if reports.is_empty() {
        output::say("no runs");
    }
    let refused = reports.iter().any(|report| report["state"] == "refused");
    if refused { Err(Failure::Said) } else { Ok(()) }
}

/// The runs that are meant: those that are named, or those that fit.
async fn meant(client: &Client, named: &[String], many: &Many, how: How<'_>) -> Result<Vec<String>, Failure> {
    let Some(flow) = &many.flow else {
        return bounded(named.to_vec());
    };
    let filter = if matches!(how, How::Cancel) {
        "status=running"
    } else {
        "incident=true"
    };
    let also =
        |name: &str, value: Option<&str>| value.map_or_else(String::new, |value| format!("&{name}={}", escaped(value)));
    let (version, step) = (also("version", many.flow_version.as_deref()), also("step", how.step()));
    let path = format!("/api/v1/runs?{filter}&limit=200&flow={}{version}{step}", escaped(flow));
    let mut runs = Vec::new();
    let mut before = String::new();
    while runs.len() <= MOST_RUNS {
        let page = client.get(&format!("{path}{before}")).await?;
        let items = page["items"].as_array().into_iter().flatten();
        runs.extend(items.filter_map(|run| run["id"].as_str().map(str::to_owned)));
        match page["next"].as_str() {
            Some(next) => before = format!("&before={}", escaped(next)),
            None => break,
        }
    }
    bounded(runs)
}

/// The runs, unless they are more than one command touches: then none of them is touched.
fn bounded(runs: Vec<String>) -> Result<Vec<String>, Failure> {
    if runs.len() <= MOST_RUNS {
        return Ok(runs);
    }
    Err(Failure::Usage(format!(
        "more than {MOST_RUNS} runs are meant, which is what one command touches at most: name them, or say of which version"
    )))
}

/// What became of one run, or of each thing in it that needs a person; what would, in a trial.
async fn one(client: &Client, run: &str, many: &Many, how: How<'_>, body: &Value) -> Answer<Vec<Value>> {
    let word = how.word();
    if matches!(how, How::Cancel) {
        let path = format!("/api/v1/runs/{}/cancel", escaped(run));
        let state = done(client, &path, body).await?;
        return Ok(vec![report(run, None, word, &state)]);
    }
    let step = how.step();
    let names = match (step, &many.flow) {
        // it is named, and the server says what is wrong with the name
        (Some(step), None) => vec![step.to_owned()],
        _ => match client.run(run).await {
            Ok(view) => {
                told_of_more(run, &view);
                failed(&view, step)
            }
            Err(error) => return Ok(vec![report(run, step, word, &refusal(error)?)]),
        },
    };
    if names.is_empty() && many.flow.is_none() {
        let nothing = Became::Refused("nothing in it needs a person".to_owned());
        return Ok(vec![report(run, None, word, &nothing)]);
    }
    let mut reports = Vec::with_capacity(names.len());
    for name in names {
        let path = format!("/api/v1/runs/{}/steps/{}/{word}", escaped(run), escaped(&name));
        let state = done(client, &path, body).await?;
        reports.push(report(run, Some(&name), word, &state));
    }
    Ok(reports)
}

/// Says that a run has more that needs a person than it shows.
fn told_of_more(run: &str, view: &Value) {
    if let Some(more) = view["more_incidents"].as_u64() {
        output::say(&format!(
            "{run}: {more} more need a person; repeat the command for these"
        ));
    }
}

/// What needs a person in a run: steps, what is to be taken back, calls that were given up. Or `only` one step: by its
/// name, or by its id in whatever element.
fn failed(view: &Value, only: Option<&str>) -> Vec<String> {
    let incidents = view["incidents"].as_array().into_iter().flatten();
    let names = incidents.filter_map(|incident| incident["step"].as_str());
    let is_it = |name: &str, only: &str| name == only || (!name.contains(':') && name.rsplit('.').next() == Some(only));
    let names = names.filter(|name| only.is_none_or(|only| is_it(name, only)));
    names.map(str::to_owned).collect()
}

/// What became of a run or a step.
enum Became {
    /// It is only said that it would be touched.
    Meant,
    Done,
    /// Why not.
    Refused(String),
}

/// Does it, or asks whether it would be refused: with the same rights.
async fn done(client: &Client, path: &str, body: &Value) -> Answer<Became> {
    match client.post(path, body).await {
        Ok(_) if body["dry_run"] == true => Ok(Became::Meant),
        Ok(_) => Ok(Became::Done),
        Err(error) => refusal(error),
    }
}

/// Why it was refused, where that is about this run and not about who asks.
fn refusal(error: CallError) -> Answer<Became> {
    match error {
        CallError::Refused { status, problem } if matches!(status.as_u16(), 404 | 409 | 422) => {
            Ok(Became::Refused(output::field(&problem, "detail")))
        }
        other => Err(other),
    }
}

fn report(run: &str, step: Option<&str>, how: &str, became: &Became) -> Value {
    let (state, detail) = match became {
        Became::Meant => ("meant", None),
        Became::Done => ("done", None),
        Became::Refused(why) => ("refused", Some(why)),
    };
    json!({ "run": run, "step": step, "how": how, "state": state, "detail": detail })
}

fn tell(report: &Value) -> Outcome {
    let word = |key: &str| report[key].as_str().unwrap_or_default();
    let step = report["step"].as_str().map_or(String::new(), |step| format!(" {step}"));
    let would = if word("state") == "meant" { "would " } else { "" };
    let refused = report["detail"]
        .as_str()
        .map_or(String::new(), |why| format!(": refused, {why}"));
    output::line(&format!("{}: {would}{}{step}{refused}", word("run"), word("how")))
}

#[cfg(test)]
mod tests {
    use super::{MOST_RUNS, bounded, failed};
    use serde_json::json;

    #[test]
    fn so_many_runs_are_touched_at_once_and_of_more_none() {
        let runs = |count: usize| (0..count).map(|run| run.to_string()).collect::<Vec<_>>();
        assert_eq!(bounded(runs(MOST_RUNS)).expect("it is the limit").len(), MOST_RUNS);
        assert_eq!(bounded(runs(MOST_RUNS + 1)).expect_err("one too many").code(), 2);
    }

    #[test]
    fn what_failed_is_meant_or_the_step_that_is_named() {
        let names = ["a", "abandoned:b.d:1", "c[1].d", "release:shr_1"];
        let incidents: Vec<_> = names.iter().map(|name| json!({ "step": name })).collect();
        let view = json!({ "steps": [], "incidents": incidents });
        assert_eq!(failed(&view, None), names);
        assert_eq!(failed(&view, Some("a")), ["a"]);
        assert_eq!(failed(&view, Some("d")), ["c[1].d"]);
        assert_eq!(failed(&view, Some("release:shr_1")), ["release:shr_1"]);
        assert_eq!(failed(&view, Some("b")), [""; 0]);
    }
}
