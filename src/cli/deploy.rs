//! `gatefold deploy`: a flow becomes the one that new runs take.

use super::embedded::{ServerArgs, Session};
use super::exit::Outcome;
use super::settings::Settings;
use super::{output, sources, with_runtime};
use crate::base::Value;
use clap::Args;
use std::collections::BTreeSet;

/// Deploy a flow.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gatefold deploy definitions/hello.flow.yaml --server http://127.0.0.1:8080")]
pub struct DeployArgs {
    /// The flow's file
    file: String,
    /// Print as data
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub fn run(args: &DeployArgs, settings: Settings) -> Outcome {
    let source = sources::read_one(&args.file)?;
    with_runtime(async move {
        let session = Session::open(&args.server, settings).await?;
        let deployed = session.client.deploy(&source.name, &source.text).await;
        session.close().await?;
        let deployed = deployed?;
        if args.json {
            return output::json(&deployed);
        }
        output::line(&format!(
            "{} {}",
            output::field(&deployed, "flow"),
            output::field(&deployed, "version")
        ))?;
        tell_findings(&source.name, &deployed);
        tell_waiting(&deployed);
        Ok(())
    })
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
