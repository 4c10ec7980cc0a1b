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
    let runs = meant(client, named, many, how).await?;
    let mut reports = Vec::new();
    for run in &runs {
        for report in one(client, run, how, reason.filter(|_| !many.dry_run)).await? {
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
    let version = many.flow_version.as_ref();
    let version = version.map_or_else(String::new, |version| format!("&version={}", escaped(version)));
    let path = format!("/api/v1/runs?{filter}&limit=200&flow={}{version}", escaped(flow));
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

/// What became of one run, or of each of its failed steps; what would, where there is no `reason`.
async fn one(client: &Client, run: &str, how: How<'_>, reason: Option<&str>) -> Answer<Vec<Value>> {
    let word = how.word();
    if matches!(how, How::Cancel) {
        let path = format!("/api/v1/runs/{}/cancel", escaped(run));
        let state = match reason {
            Some(_) => done(client, &path, reason).await?,
            None => match client.run(run).await {
                Ok(view) if view["status"] == "ended" => {
                    Became::Refused(format!("the run has ended: {}", output::field(&view, "outcome")))
                }
                Ok(_) => Became::Meant,
                Err(error) => refusal(error)?,
            },
        };
        return Ok(vec![report(run, None, word, &state)]);
    }
    let step = how.step();
    let view = match client.run(run).await {
        Ok(view) => view,
        Err(error) => return Ok(vec![report(run, step, word, &refusal(error)?)]),
    };
    let mut reports = Vec::new();
    for failed in failed_steps(&view, step) {
        let path = format!("/api/v1/runs/{}/steps/{}/{word}", escaped(run), escaped(failed));
        let state = done(client, &path, reason).await?;
        reports.push(report(run, Some(failed), word, &state));
    }
    if reports.is_empty() && step.is_none() && view["incident"] == true {
        let why = "what needs a person is none of its steps: `gatefold why` names it".to_owned();
        reports.push(report(run, None, word, &Became::Refused(why)));
    }
    Ok(reports)
}

/// The steps of a run that need a person, or `only` that one: by its name, or by its id in whatever element.
fn failed_steps<'v>(view: &'v Value, only: Option<&str>) -> Vec<&'v str> {
    let steps = view["steps"].as_array().into_iter().flatten();
    let failed = steps.filter(|step| step["state"] == "incident");
    let names = failed.filter_map(|step| step["id"].as_str());
    let is_it = |name: &str, only: &str| name == only || name.rsplit('.').next() == Some(only);
    names.filter(|name| only.is_none_or(|only| is_it(name, only))).collect()
}

/// What became of a run or a step.
enum Became {
    /// It is only said that it would be touched.
    Meant,
    Done,
    /// Why not.
    Refused(String),
}

/// Does it, where there is a reason.
async fn done(client: &Client, path: &str, reason: Option<&str>) -> Answer<Became> {
    let Some(reason) = reason else {
        return Ok(Became::Meant);
    };
    match client.post(path, &json!({ "reason": reason })).await {
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
    use super::{MOST_RUNS, bounded, failed_steps};
    use serde_json::json;

    #[test]
    fn so_many_runs_are_touched_at_once_and_of_more_none() {
        let runs = |count: usize| (0..count).map(|run| run.to_string()).collect::<Vec<_>>();
        assert_eq!(bounded(runs(MOST_RUNS)).expect("it is the limit").len(), MOST_RUNS);
        assert_eq!(bounded(runs(MOST_RUNS + 1)).expect_err("one too many").code(), 2);
    }

    #[test]
    fn steps_that_failed_are_meant_or_the_one_that_is_named() {
        let step = |id: &str, state: &str| json!({ "id": id, "state": state });
        let view = json!({ "steps": [step("a", "incident"), step("b", "finished"), step("c[1].d", "incident")] });
        assert_eq!(failed_steps(&view, None), ["a", "c[1].d"]);
        assert_eq!(failed_steps(&view, Some("a")), ["a"]);
        assert_eq!(failed_steps(&view, Some("d")), ["c[1].d"]);
        assert_eq!(failed_steps(&view, Some("b")), [""; 0]);
    }
}
