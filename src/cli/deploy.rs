//! `gatefold deploy`: a flow becomes the one that new runs take.

use super::client::escaped;
use super::deployments::say_pending;
use super::embedded::{ServerArgs, Session};
use super::exit::{Failure, Outcome};
use super::settings::Settings;
use super::{output, sources, with_runtime};
use crate::base::Value;
use clap::Args;
use std::collections::BTreeSet;
use std::time::Duration;

/// Deploy a flow.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gatefold deploy definitions/hello.flow.yaml --server http://127.0.0.1:8080")]
pub struct DeployArgs {
    /// The flow's file
    file: String,
    /// Print as data
    #[arg(long)]
    json: bool,
    /// If the deployment needs a second person, wait for the answer
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Interval for polling the answer to a pending deployment.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Runs the command.
pub fn run(args: &DeployArgs, settings: Settings) -> Outcome {
    let source = sources::read_one(&args.file)?;
    with_runtime(async move {
        let session = Session::open(&args.server, settings).await?;
        let deployed = deploy(args, &session, &source).await;
        session.close().await?;
        let deployed = deployed?;
        if args.json {
            return output::json(&deployed);
        }
        let is_pending = deployed["pending"].is_string();
        output::line(&format!(
            "{} {}{}",
            output::field(&deployed, "flow"),
            output::field(&deployed, "version"),
            if is_pending { " pending" } else { "" }
        ))?;
        if is_pending {
            say_pending(&deployed);
        }
        tell_findings(&source.name, &deployed);
        tell_waiting(&deployed);
        Ok(())
    })
}

/// Deploys the flow. If it becomes pending and `--wait` is given, waits for the answer of the
/// second person.
async fn deploy(args: &DeployArgs, session: &Session, source: &sources::Source) -> Result<Value, Failure> {
    let client = &session.client;
    let mut deployed = client.deploy(&source.name, &source.text).await?;
    let Some(id) = deployed["pending"].as_str().filter(|_| args.wait).map(str::to_owned) else {
        return Ok(deployed);
    };
    if session.is_embedded() {
        return Err(Failure::Usage(format!(
            "--wait needs a running server, as nobody can answer while this command holds the data folder; the \
             deployment waits as {id}"
        )));
    }
    say_pending(&deployed);
    loop {
        tokio::time::sleep(ASK_AGAIN).await;
        let now = client.get(&format!("/api/v1/deployments/{}", escaped(&id))).await?;
        match now["state"].as_str() {
            Some("pending") => {}
            Some("accepted") => {
                deployed["pending"] = Value::Null;
                return Ok(deployed);
            }
            _ => {
                let (by, reason) = (
                    output::field(&now["answer"], "by"),
                    output::field(&now["answer"], "reason"),
                );
                return Err(Failure::Negative(format!("{by} rejected it: {reason}")));
            }
        }
    }
}

/// Says what lint warns of, and what runs will miss.
fn tell_findings(file: &str, deployed: &Value) {
    for finding in deployed["findings"].as_array().into_iter().flatten() {
        let word = |key: &str| output::field(finding, key);
        let line = &finding["span"]["line"];
        output::say(&format!(
            "{}[{}]: {file}:{line}: {}",
            word("severity"),
            word("code"),
            word("message")
        ));
    }
    for sentence in deployed["lacking"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        output::say(&format!("warning: {sentence}"));
    }
}

/// Says which runs of earlier versions wait, and whether the new version has their steps.
fn tell_waiting(deployed: &Value) {
    for at in deployed["waiting"].as_array().into_iter().flatten() {
        let became = match at["change"].as_str() {
            Some("same") => "which is the same in the new one",
            Some("gone") => "which is not in the new one",
            _ => "which is written otherwise in the new one",
        };
        let runs = at["runs"].as_u64().unwrap_or_default();
        let (version, step) = (output::field(at, "version"), output::field(at, "step"));
        let s = if runs == 1 { " waits" } else { "s wait" };
        output::say(&format!("{runs} run{s} at {step} of {version}, {became}"));
    }
    if deployed["waiting"]
        .as_array()
        .is_some_and(|waiting| !waiting.is_empty())
    {
        output::say("they go on with the version that they go by now");
        for version in versions(deployed) {
            let flow = output::field(deployed, "flow");
            output::say(&format!(
                "which of them can go on by this one: gatefold runs migrate --flow {flow} --from {version} --dry-run"
            ));
        }
    }
    if deployed["more_waiting"] == true {
        output::say("of the runs under way, the newest were looked at");
    }
    if deployed["waiting_unknown"] == true {
        output::say("which runs of earlier versions wait could not be looked at: `gatefold runs list` shows them");
    }
}

/// The versions that runs wait by, each once.
fn versions(deployed: &Value) -> BTreeSet<&str> {
    let waiting = deployed["waiting"].as_array().into_iter().flatten();
    waiting.filter_map(|at| at["version"].as_str()).collect()
}
