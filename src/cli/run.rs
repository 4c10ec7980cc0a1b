//! `gatefold run`: starts a flow and, if wanted, follows it to its end.

use super::client::{Answer, CallError, Client};
use super::deployments::say_pending;
use super::embedded::{ServerArgs, Session};
use super::exit::{Failure, Outcome};
use super::inputs::{self, Given};
use super::progress::Progress;
use super::settings::Settings;
use super::{output, sources, with_runtime};
use crate::base::Value;
use crate::base::id::hex;
use crate::engine::EventRecord;
use crate::engine::event::Event;
use crate::spec::FlowSpec;
use clap::Args;
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Folder of the file space below which every file given as an input gets a folder of its own: a
/// file of the same name is another document, not a new version of one that a run is about.
const INPUTS_FOLDER: &str = "/inputs";
/// Pause before a broken connection is asked for again.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// What the pause grows to while nothing new comes.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Ends that are none of those that went as somebody planned.
const FAILURES: [&str; 2] = ["cancelled", "failed"];

/// Start a flow.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gatefold run hello --input document=@contract.pdf --watch\n  gatefold run definitions/hello.flow.yaml --input document=@contract.pdf --as dora\n\nWith --watch the exit code is 0 for every end that the flow writes, and 1 for a run that was cancelled or ended as failed; --json tells the end as `outcome`."
)]
pub struct RunArgs {
    /// Name of a deployed flow, or a file that is deployed first
    flow: String,
    /// An input; NAME=@FILE uploads a file; lists and objects are JSON, a text is taken as typed
    #[arg(long = "input", short, value_name = "NAME=VALUE")]
    inputs: Vec<String>,
    /// Follow the run until it ends; ctrl-c stops following, not the run
    #[arg(long, short)]
    watch: bool,
    /// The same key starts one run, however often it is given
    #[arg(long, value_name = "KEY")]
    once: Option<String>,
    /// Print as data
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub fn run(args: &RunArgs, settings: Settings) -> Outcome {
    with_runtime(async move {
        let session = Session::open(&args.server, settings).await?;
        let outcome = start(args, &session.client).await;
        session.close().await?;
        outcome
    })
}

async fn start(args: &RunArgs, client: &Client) -> Outcome {
    let (flow, given) = if args.flow.ends_with(sources::ENDING) {
        let source = sources::read_one(&args.flow)?;
        let given = given_for(inputs::flow_of(&source.text), args)?;
        for other in sources::run_by(&source)? {
            in_force(&client.deploy(&other.name, &other.text).await?)?;
        }
        let deployed = client.deploy(&source.name, &source.text).await?;
        in_force(&deployed)?;
        (output::field(&deployed, "flow"), given)
    } else {
        let spec = inputs::deployed(client, &args.flow).await;
        (args.flow.clone(), given_for(spec, args)?)
    };
    let inputs = uploaded(&flow, given, args.once.as_deref(), client).await?;
    let run = client.start(&flow, &inputs, args.once.as_deref()).await?;
    if !args.watch {
        return shown(args, client, &run).await;
    }
    tokio::select! {
        ended = follow(client, &run) => ended?,
        _ = tokio::signal::ctrl_c() => {
            output::say(&format!("{run} goes on; look again with `gatefold runs show {run}`"));
            return Ok(());
        }
    }
    shown(args, client, &run).await?;
    let view = client.run(&run).await?;
    if FAILURES.iter().any(|failure| view["outcome"] == *failure) {
        Err(Failure::Said)
    } else {
        Ok(())
    }
}

/// Fails if the flow is a pending deployment, which cannot be started.
fn in_force(deployed: &Value) -> Outcome {
    if !deployed["pending"].is_string() {
        return Ok(());
    }
    output::line("pending")?;
    say_pending(deployed);
    Err(Failure::Said)
}

/// The inputs that are given, read as the flow wants them.
fn given_for(flow: Option<FlowSpec>, args: &RunArgs) -> Result<Vec<(String, Given)>, Failure> {
    let wanted = flow.map(|flow| flow.inputs).unwrap_or_default();
    inputs::given(&args.inputs, &wanted)
}

async fn shown(args: &RunArgs, client: &Client, run: &str) -> Outcome {
    if args.json {
        return output::json(&client.run(run).await?);
    }
    output::line(run)
}

/// Shows the events of a run until it ends.
pub async fn follow(client: &Client, run: &str) -> Answer<()> {
    let progress = Progress::start(run);
    let watch = |after| client.watch(run, after);
    let is_over = || async { Ok(client.run(run).await?["status"] == "ended") };
    hear(watch, is_over, |record| progress.event(record)).await?;
    progress.finish();
    Ok(())
}

/// Tells every event of a run once, in order, until it ends. A connection that ends before is asked for
/// again from where it broke off, after a pause that grows while nothing new comes.
async fn hear<S: Stream<Item = Answer<EventRecord>>>(
    watch: impl AsyncFn(u64) -> Answer<S>,
    is_over: impl AsyncFn() -> Answer<bool>,
    tell: impl Fn(&EventRecord),
) -> Answer<()> {
    let (mut after, mut pause) = (0, PAUSE_MIN);
    loop {
        let mut events = std::pin::pin!(watch(after).await?);
        while let Some(record) = events.next().await {
            let record = match record {
                Ok(record) => record,
                Err(error @ CallError::Unreadable { .. }) => return Err(error),
                Err(_) => break,
            };
            (after, pause) = (record.seq, PAUSE_MIN);
            tell(&record);
            if matches!(record.event, Event::RunEnded { .. }) {
                return Ok(());
            }
        }
        if is_over().await? && pause > PAUSE_MIN {
            // There is nothing more to be heard of it.
            return Ok(());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Inputs as data; files are uploaded, each into a folder of its own. With a key, a repeat gives
/// the files of the first time.
async fn uploaded(
    flow: &str,
    given: Vec<(String, Given)>,
    once: Option<&str>,
    client: &Client,
) -> Result<Value, Failure> {
    let mut inputs = serde_json::Map::new();
    for (name, value) in given {
        let value = match value {
            Given::Plain(value) => value,
            Given::File(file) => {
                let folder = format!("{INPUTS_FOLDER}/{}", uuid::Uuid::now_v7().simple());
                let key = once.map(|once| hex(&Sha256::digest(format!("{flow}\0{once}\0{name}").as_bytes())));
                client.put_file(&folder, &file, key.as_deref()).await?
            }
        };
        inputs.insert(name, value);
    }
    Ok(Value::Object(inputs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream::iter;
    use serde_json::json;
    use std::cell::{Cell, RefCell};
    use tokio::time::Instant;

    fn record(seq: u64, event: &Value) -> EventRecord {
        let line = json!({ "v": 1, "run": "run_1", "seq": seq, "at": "2026-11-23T08:00:00Z" });
        let mut line = line.as_object().unwrap().clone();
        line.extend(event.as_object().unwrap().clone());
        serde_json::from_value(Value::Object(line)).unwrap()
    }

    fn broken() -> CallError {
        CallError::Unreachable {
            server: "x".to_owned(),
            why: "gone".to_owned(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_ends_at_once_is_asked_for_after_pauses_that_grow() {
        let (asked, heard) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
        let began = Instant::now();
        let watch = async |after| {
            asked.borrow_mut().push((after, began.elapsed().as_millis()));
            let released = json!({ "type": "released", "kind": "share", "id": "shr_1" });
            let ended = json!({ "type": "run_ended", "status": "completed", "outputs": {} });
            Ok(iter(match asked.borrow().len() {
                8 => vec![Ok(record(1, &released)), Err(broken())],
                9 => vec![Ok(record(2, &ended))],
                _ => Vec::new(),
            }))
        };
        let tell = |record: &EventRecord| heard.borrow_mut().push(record.seq);
        hear(watch, async || Ok(false), tell).await.unwrap();
        let pauses = [0, 200, 600, 1_400, 3_000, 6_200, 11_200, 16_200].map(|at| (0, at));
        assert_eq!(asked.borrow()[..8], pauses);
        assert_eq!(asked.borrow()[8..], [(1, 16_400)]);
        assert_eq!(*heard.borrow(), [1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_read_is_an_error_and_not_asked_for_again() {
        let asked = Cell::new(0);
        let watch = async |_| {
            asked.set(asked.get() + 1);
            let why = CallError::Unreadable {
                server: "x".to_owned(),
                why: "a line".to_owned(),
            };
            Ok(iter([Err(why)]))
        };
        let error = hear(watch, async || Ok(false), |_| ()).await.unwrap_err();
        assert!(matches!(error, CallError::Unreadable { .. }), "{error}");
        assert_eq!(asked.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_is_over_and_tells_nothing_more_is_left() {
        let watch = async |_| Ok(iter(Vec::new()));
        hear(watch, async || Ok(true), |_| ()).await.unwrap();
    }
}
