//! `gatefold simulate`: a flow played once in virtual time, at a prompt or at random, and its calendar.

mod prompt;

use super::exit::{Failure, Outcome};
use super::inputs::{self, Given};
use super::settings::Settings;
use super::sources::Source;
use super::{output, sources};
use crate::base::Calendars;
use crate::base::render::human;
use crate::people::Directory;
use crate::rehearsal::simulation::chance::AtRandom;
use crate::rehearsal::simulation::player::Player;
use crate::rehearsal::simulation::summary::{MAX_REPEATS, Summary, counted};
use crate::rehearsal::simulation::{Request, Simulated, people, simulate};
use crate::rehearsal::{CannotPlay, Flow};
use crate::{config, lint};
use clap::Args;
use jiff::SignedDuration;
use prompt::Prompt;
use serde_json::{Map, json};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Seeds that are drawn are below this, so that they can be typed.
const SEEDS: u64 = 1_000_000;

/// Play a flow once in virtual time, and print the calendar of mails, reminders and escalations.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gatefold simulate definitions/external-review.flow.yaml\n  gatefold simulate definitions/external-review.flow.yaml --seed 7 --json\n  gatefold simulate definitions/external-review.flow.yaml --seed 1 --repeat 100\n\nAt a terminal it asks what happens, moment by moment; otherwise everybody answers at random, passes tasks on and lets them rest, and types codes that come by mail. A flow that documents start is started by one that expires, where no input is given. The same seed gives the same calendar. Nothing leaves the process: no mail is sent, no service is called."
)]
pub struct SimulateArgs {
    /// The flow's file; those beside it that it runs are played too
    flow: String,
    /// An input; NAME=@FILE takes a file; lists and objects are JSON, a text is taken as typed. Those that are missing are made up
    #[arg(long = "input", short, value_name = "NAME=VALUE")]
    inputs: Vec<String>,
    /// A setting of the flow, as `gatefold flows set` gives it; repeat it for each
    #[arg(long = "setting", value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// Who starts it: a person of people.yaml
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
    /// When it starts, in the zone of the flow's calendar; without, on a Monday morning
    #[arg(long, value_name = "MOMENT")]
    start: Option<String>,
    /// Where chance begins: answers at random, and what is made up
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Ask what happens, also where standard input is no terminal or a seed is given
    #[arg(long)]
    ask: bool,
    /// Stop after so much virtual time, as "30 days"
    #[arg(long, value_name = "LENGTH")]
    until: Option<String>,
    /// Play it so often at random, and tell how often what came of it
    #[arg(long, value_name = "TIMES", conflicts_with = "ask", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_REPEATS)))]
    repeat: Option<u32>,
    /// Print as data
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &SimulateArgs, settings: &Settings) -> Outcome {
    let is_asked = args.ask || (args.seed.is_none() && args.repeat.is_none() && std::io::stdin().is_terminal());
    let seed = match args.seed {
        Some(seed) => seed,
        None => drawn()?,
    };
    let request = request(args, settings, seed)?;
    if let Some(times) = args.repeat {
        return repeat(&request, times, args.json);
    }
    let refused = |why| refused(why, &request);
    let mut prompt = Prompt::default();
    let mut at_random = AtRandom::new(seed);
    let player: &mut dyn Player = if is_asked { &mut prompt } else { &mut at_random };
    let simulated = simulate(&request, player).map_err(refused)?;
    if args.json {
        output::json(&simulated.to_json())?;
    } else {
        let (header, rows) = simulated.table();
        output::line(&output::table(&header.each_ref().map(String::as_str), &rows))?;
    }
    output::say(&told(&simulated));
    Ok(())
}

/// What is said of a simulation beside its calendar.
fn told(simulated: &Simulated) -> String {
    let made_up = match simulated.made_up.as_slice() {
        [] => String::new(),
        names => {
            let value = |name: &String| format!("{name} = {}", simulated.inputs.get(name).unwrap_or_default());
            let values: Vec<String> = names.iter().map(value).collect();
            format!("Made up: {}.\n", values.join(", "))
        }
    };
    let length = span(simulated.passed);
    let end = simulated.end.sentence();
    format!("\n{made_up}{end} It took {length}; the seed was {}.", simulated.seed)
}

fn drawn() -> Result<u64, Failure> {
    let drawn = getrandom::u64();
    drawn
        .map(|number| number % SEEDS)
        .map_err(|error| Failure::Environment(format!("no randomness: {error}")))
}

fn refused(why: CannotPlay, request: &Request) -> Failure {
    match why {
        CannotPlay::Flows(mut files) => {
            let folders: Vec<&Path> = request.calendars_from.iter().map(PathBuf::as_path).collect();
            for file in &mut files {
                lint::say_where(&mut file.findings, &folders);
            }
            output::say(&human::render(&files, true));
            Failure::Negative("the flow cannot be played before its errors are mended".to_owned())
        }
        CannotPlay::Wrong(why) => Failure::Usage(why),
    }
}

fn request(args: &SimulateArgs, settings: &Settings, seed: u64) -> Result<Request, Failure> {
    let source = sources::read_one(&args.flow)?;
    let (wanted, settable) =
        inputs::flow_of(&source.text).map_or_else(Default::default, |flow| (flow.inputs, flow.settings));
    let set = inputs::values(&args.settings, &settable)?;
    let mut inputs = Map::new();
    for (name, value) in inputs::given(&args.inputs, &wanted)? {
        let value = match value {
            Given::Plain(value) => value,
            Given::File(file) => {
                let path = std::path::absolute(&file).map_err(|error| Failure::Usage(error.to_string()))?;
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                json!({ "name": name, "path": path })
            }
        };
        inputs.insert(name, value);
    }
    let others = sources::run_by(&source)?;
    let folder = source.folder.clone().unwrap_or_default();
    let resolved = settings.load()?;
    let calendars_from = vec![folder.join("calendars"), resolved.calendars];
    let mut calendars = Calendars::new();
    for folder in &calendars_from {
        calendars.extend(config::calendars(folder)?);
    }
    let directory = directory(&[resolved.people, folder.join("people.yaml")], &source, &others)?;
    let flow = |source: Source| Flow {
        name: source.name,
        text: source.text,
    };
    Ok(Request {
        flows: std::iter::once(source).chain(others).map(flow).collect(),
        directory,
        calendars,
        calendars_from,
        folder,
        inputs,
        settings: set,
        by: args.user.clone(),
        start: args.start.clone(),
        seed,
        until: args.until.clone(),
    })
}

/// The people of the first file that is there, or some that are made up.
fn directory(files: &[impl AsRef<Path>], source: &Source, others: &[Source]) -> Result<Directory, Failure> {
    if let Some(file) = files.iter().find(|file| file.as_ref().is_file()) {
        return Ok(config::people::read(file.as_ref())?);
    }
    let texts: Vec<&str> = std::iter::once(source)
        .chain(others)
        .map(|one| one.text.as_str())
        .collect();
    let directory = people::made_up(&texts);
    let names: Vec<&str> = directory.users.keys().map(String::as_str).collect();
    output::say(&format!("There is no people.yaml: {} are made up.", names.join(", ")));
    Ok(directory)
}

fn repeat(request: &Request, times: u32, as_json: bool) -> Outcome {
    let mut summary = Summary::default();
    for number in 0..u64::from(times) {
        let request = Request {
            seed: request.seed.wrapping_add(number),
            ..request.clone()
        };
        let simulated = simulate(&request, &mut AtRandom::new(request.seed));
        let simulated = simulated.map_err(|why| refused(why, &request))?;
        summary.add(&simulated);
    }
    if as_json {
        output::json(&summary.to_json())?;
    } else {
        let rows: Vec<Vec<String>> = summary
            .outcomes
            .iter()
            .map(|(step, outcomes)| vec![step.clone(), counted(outcomes)])
            .chain([vec!["(the run)".to_owned(), counted(&summary.ends)]])
            .collect();
        output::line(&output::table(&["step", "outcomes"], &rows))?;
    }
    let lengths = summary.lengths.map_or(String::new(), |(shortest, longest)| {
        format!(" The shortest took {}, the longest {}.", span(shortest), span(longest))
    });
    output::say(&format!("\n{times} times, from seed {} on.{lengths}", request.seed));
    Ok(())
}

/// A length of virtual time, as `12 d 4 h`.
fn span(passed: SignedDuration) -> String {
    super::test::span(passed)
}

#[cfg(test)]
mod tests {
    use super::super::args::Cli;
    use super::MAX_REPEATS;
    use clap::Parser as _;

    #[test]
    fn so_many_simulations_are_played_and_no_more() {
        let repeated =
            |times: u32| Cli::try_parse_from(["gatefold", "simulate", "a.flow.yaml", "--repeat", &times.to_string()]);
        assert!(repeated(MAX_REPEATS).is_ok() && repeated(1).is_ok());
        assert!(repeated(MAX_REPEATS + 1).is_err() && repeated(0).is_err());
    }
}
