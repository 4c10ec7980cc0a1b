//! A flow is played once, with answers from somebody or at random, and what came of it is a calendar.
//!
//! The stage is that of tests: the product's own host under a clock that is held. Invariant: the same seed
//! gives the same calendar.

mod book;
pub mod calendar;
pub mod chance;
mod deeds;
mod detours;
mod document;
mod made;
mod moves;
pub mod people;
pub mod player;
pub mod summary;

pub use moves::Move;

use super::doings::{Actor, Fault};
use super::moment::When;
use super::setting::{BEGINNING, CannotPlay, Flow, Setting};
use super::stage::{Stage, StageError};
use crate::audit::Origin;
use crate::base::id::RunId;
use crate::base::{Calendars, Timestamp, Value};
use crate::host::HostError;
use crate::people::{Directory, roles};
use crate::spec::{InputKind, InputSpec};
use book::{Book, zone_of};
use calendar::{Line, short};
use chance::Chance;
use deeds::{Doer, sentence};
use indexmap::IndexMap;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use made::Maker;
use player::{Choice, Next, Player, Scene};
use serde_json::{Map, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Most times that a player is asked in one simulation.
pub const MAX_ANSWERS: usize = 1_000;

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Request {
    /// The flow, and those that it runs.
    pub flows: Vec<Flow>,
    /// Who there is.
    pub directory: Directory,
    /// Working time.
    pub calendars: Calendars,
    /// The folders that they were looked for in.
    pub calendars_from: Vec<PathBuf>,
    /// The folder of the flow.
    pub folder: PathBuf,
    /// Inputs by name; a file as `{ name, text }` or `{ name, path }`. Those that are missing are made up.
    pub inputs: Map<String, Value>,
    /// What was set for the flow before, by name.
    pub settings: Map<String, Value>,
    /// Who starts the run, by user name; without, somebody who may.
    pub by: Option<String>,
    /// When, as `2026-03-02T09:00`; without, on a Monday morning.
    pub start: Option<String>,
    /// Where chance begins.
    pub seed: u64,
    /// How long it goes on at most, as `30 days`.
    pub until: Option<String>,
}

/// How a simulation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The run ended so.
    Ended(String),
    /// Nothing can happen any more, and the run waits.
    Stuck,
    /// The time that was wanted is over.
    TimeOver,
    /// Whoever played had enough.
    Quit,
    /// Too much happened, in a sentence.
    TooMuch(String),
}

impl End {
    /// What came of the run, in a word: the status it ended with, or how it stands.
    pub fn word(&self) -> &str {
        match self {
            Self::Ended(status) => status,
            Self::Stuck => "stuck",
            Self::TimeOver => "time_over",
            Self::Quit => "quit",
            Self::TooMuch(_) => "too_much",
        }
    }

    /// The same in a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Ended(status) => format!("The run ended as {status}."),
            Self::Stuck => "The run waits, and nothing can happen any more.".to_owned(),
            Self::TimeOver => "The run goes on; this is as far as was wanted.".to_owned(),
            Self::Quit => "The run goes on; that was enough.".to_owned(),
            Self::TooMuch(why) => format!("The run goes on: {why}."),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// The flow.
    pub flow: String,
    /// Its version.
    pub version: String,
    /// The zone that moments are told in.
    pub zone: String,
    /// Where chance began.
    pub seed: u64,
    /// Who started the run.
    pub by: String,
    /// When.
    pub began: Timestamp,
    /// What it was started with.
    pub inputs: Map<String, Value>,
    /// Names of those inputs that were made up.
    pub made_up: Vec<String>,
    /// The calendar.
    pub lines: Vec<Line>,
    /// Steps with the outcomes that they came to, in order.
    pub outcomes: Vec<(String, String)>,
    /// How it ended.
    pub end: End,
    /// Virtual time from the beginning to the end.
    pub passed: SignedDuration,
}

impl Simulated {
    /// The calendar as cells: the header and a row for each line.
    pub fn table(&self) -> ([String; 4], Vec<Vec<String>>) {
        let header = [
            format!("when ({})", self.zone),
            "what".to_owned(),
            "step".to_owned(),
            "how".to_owned(),
        ];
        let row = |line: &Line| {
            vec![
                short(line.at, &self.zone),
                line.what.word(),
                line.place(),
                line.words(&self.zone),
            ]
        };
        (header, self.lines.iter().map(row).collect())
    }

    /// All of it as data.
    pub fn to_json(&self) -> Value {
        json!({
            "version": 1,
            "flow": self.flow,
            "flow_version": self.version,
            "zone": self.zone,
            "seed": self.seed,
            "by": self.by,
            "began": self.began,
            "inputs": self.inputs,
            "made_up": self.made_up,
            "end": self.end.word(),
            "message": self.end.sentence(),
            "calendar": self.lines,
        })
    }
}

/// Why a simulation did not take place.
#[derive(Debug)]
enum Broken {
    Stage(StageError),
    Said(String),
}

impl From<HostError> for Broken {
    fn from(error: HostError) -> Self {
        Self::Stage(StageError::Host(error))
    }
}

impl From<StageError> for Broken {
    fn from(error: StageError) -> Self {
        Self::Stage(error)
    }
}

/// Plays a flow. Must not be called in a runtime.
///
/// # Errors
/// Where the flow has errors, and where it cannot be started so.
pub fn simulate(request: &Request, player: &mut dyn Player) -> Result<Simulated, CannotPlay> {
    let setting = Setting::of(
        request.flows.clone(),
        request.directory.clone(),
        request.calendars.clone(),
        request.folder.clone(),
        request.seed,
    )?;
    let played = super::in_virtual_time(play(&setting, request, player));
    played.map_err(|broken| {
        CannotPlay::Wrong(match broken {
            Broken::Stage(error) => error.to_string(),
            Broken::Said(why) => why,
        })
    })
}

async fn play(setting: &Setting, request: &Request, player: &mut dyn Player) -> Result<Simulated, Broken> {
    setting.world.begin_asking();
    let calendar = setting.plan.calendar.as_ref();
    let beginning: Timestamp = BEGINNING.parse().expect("it is a moment");
    let moment = |text: &str, from| {
        When::parse(text)
            .and_then(|when| when.resolve(from, calendar))
            .map_err(Broken::Said)
    };
    let began = moment(request.start.as_deref().unwrap_or(BEGINNING), beginning)?;
    let stage = Stage::open(setting, began).await?;
    if !request.settings.is_empty() {
        let flow = &setting.plan.flow;
        let origin = Origin::default();
        stage
            .host
            .set_settings(flow, &request.settings, "role:admin", origin)
            .await?;
    }
    let mut game = Game {
        stage,
        chance: Chance::new(request.seed),
        zone: zone_of(&setting.plan),
        until: None,
        answers: 0,
        refused: BTreeSet::new(),
        ended: None,
        passes: BTreeMap::new(),
    };
    let by = starter(&setting.directory, request.by.as_deref())?;
    known_people(&setting.plan.inputs, &setting.directory, &request.inputs)?;
    let by_document = if request.inputs.is_empty() {
        game.start_by_document(player, &by).await?
    } else {
        None
    };
    let (run, inputs, made_up) = match by_document {
        Some(started) => started,
        None => {
            let (inputs, made_up) = game.inputs(&request.inputs);
            (game.start(&by, &inputs).await?, inputs, made_up)
        }
    };
    let began = game.stage.now();
    let until = request
        .until
        .as_ref()
        .map(|length| moment(&format!("+{length}"), began));
    game.until = until.transpose()?;
    let mut book = Book::of(&game.stage, run).await?;
    let end = game.go_on(&mut book, player, &by).await?;
    Ok(Simulated {
        flow: setting.plan.flow.clone(),
        version: setting.plan.version.clone(),
        zone: game.zone.clone(),
        seed: request.seed,
        by,
        began,
        inputs,
        made_up,
        passed: game.ended.unwrap_or_else(|| game.stage.now()).duration_since(began),
        outcomes: std::mem::take(&mut book.outcomes),
        lines: book.into_lines(),
        end,
    })
}

/// Who starts the run: whoever is named, or somebody who may.
fn starter(directory: &Directory, named: Option<&str>) -> Result<String, Broken> {
    if let Some(user) = named.map(|user| user.strip_prefix("user:").unwrap_or(user)) {
        let known: Vec<&str> = directory.users.keys().map(String::as_str).collect();
        let unknown = || Broken::Said(format!("there is no person {user:?}; there is {}", known.join(", ")));
        return directory
            .users
            .get_key_value(user)
            .map(|(user, _)| user.clone())
            .ok_or_else(unknown);
    }
    let may = directory
        .users
        .iter()
        .find(|(_, person)| person.roles.contains(roles::OPERATOR));
    let anybody = may.or_else(|| directory.users.iter().next());
    let nobody = || Broken::Said("there is nobody who could start the run".to_owned());
    anybody.map(|(user, _)| user.clone()).ok_or_else(nobody)
}

/// Whether somebody is called so, wherever an input names a person of the directory.
fn known_people(
    wanted: &IndexMap<String, InputSpec>,
    directory: &Directory,
    given: &Map<String, Value>,
) -> Result<(), Broken> {
    let of_people = |spec: &InputSpec| spec.kind == InputKind::Person || spec.of == Some(InputKind::Person);
    for (name, _) in wanted.iter().filter(|(_, spec)| of_people(spec)) {
        let people = match given.get(name) {
            Some(Value::Array(people)) => people.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => continue,
        };
        let users = people
            .iter()
            .filter_map(|person| person.as_str()?.strip_prefix("user:"));
        if let Some(user) = users.into_iter().find(|user| !directory.users.contains_key(*user)) {
            let known: Vec<&str> = directory.users.keys().map(String::as_str).collect();
            let known = known.join(", ");
            return Err(Broken::Said(format!(
                "the input {name} names {user:?}, and there is no such person; there is {known}"
            )));
        }
    }
    Ok(())
}

/// A simulation that is going on.
struct Game<'s> {
    stage: Stage<'s>,
    chance: Chance,
    zone: String,
    until: Option<Timestamp>,
    /// How often the player was asked.
    answers: usize,
    /// What was refused at this moment.
    refused: BTreeSet<String>,
    /// When the run ended.
    ended: Option<Timestamp>,
    /// What those keep who have typed the code of their link, by grant.
    passes: BTreeMap<String, String>,
}

impl Game<'_> {
    /// The inputs, with what is missing made up; and the names of what was.
    fn inputs(&mut self, given: &Map<String, Value>) -> (Map<String, Value>, Vec<String>) {
        let setting = self.stage.setting;
        let mut inputs = given.clone();
        let mut made_up = Vec::new();
        let today = self.today();
        let mut maker = Maker {
            chance: &mut self.chance,
            directory: &setting.directory,
            today,
        };
        for (name, spec) in &setting.plan.inputs {
            if spec.default.is_none() && !inputs.contains_key(name) {
                inputs.insert(name.clone(), maker.input(name, spec));
                made_up.push(name.clone());
            }
        }
        (inputs, made_up)
    }

    fn today(&self) -> jiff::civil::Date {
        let zone = TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC);
        self.stage.now().to_zoned(zone).date()
    }

    async fn start(&self, by: &str, inputs: &Map<String, Value>) -> Result<RunId, Broken> {
        let actor = Actor {
            stage: &self.stage,
            run: None,
            key: "start".to_owned(),
        };
        let inputs = inputs.clone().into_iter().collect();
        let started = actor.start(by, &inputs).await;
        self.stage.settle().await;
        started.map_err(|fault| Broken::Said(format!("the run cannot be started: {}", sentence(fault))))
    }

    /// Asks the player again and again, until the run ends.
    async fn go_on(&mut self, book: &mut Book, player: &mut dyn Player, by: &str) -> Result<End, Broken> {
        loop {
            book.read(&self.stage).await?;
            if let Some(status) = book.root().view.run.outcome.clone() {
                self.ended = book.root().view.run.ended_at;
                return Ok(End::Ended(status));
            }
            if self.until.is_some_and(|until| self.stage.now() >= until) {
                return Ok(End::TimeOver);
            }
            if self.answers >= MAX_ANSWERS {
                let why = format!("{MAX_ANSWERS} answers were given, which is the most of a simulation");
                return Ok(End::TooMuch(why));
            }
            self.answers += 1;
            match self.turn(book, player, by).await {
                Ok(None) => {}
                Ok(Some(end)) => {
                    book.read(&self.stage).await?;
                    return Ok(end);
                }
                Err(Broken::Stage(error @ StageError::TooManyMoments)) => return Ok(End::TooMuch(error.to_string())),
                Err(error) => return Err(error),
            }
        }
    }

    /// One answer of the player.
    async fn turn(&mut self, book: &mut Book, player: &mut dyn Player, by: &str) -> Result<Option<End>, Broken> {
        let mut moves = moves::moves(&self.stage, book).await?;
        moves.retain(|one| !self.refused.contains(&one.label));
        let next = self.next(book).await?;
        if moves.is_empty() && next.is_none() {
            return Ok(Some(End::Stuck));
        }
        let waits = waits(book);
        let scene = Scene {
            now: self.stage.now(),
            zone: &self.zone,
            waits: &waits,
            moves: &moves,
            next: next.as_ref(),
        };
        match player.choose(&scene) {
            Choice::Quit => return Ok(Some(End::Quit)),
            Choice::Pass => {
                if let Some(next) = next {
                    self.pass_to(next.at).await?;
                }
            }
            Choice::PassTo(moment) => self.pass_to(moment).await?,
            Choice::Do { index, after } => {
                if after > SignedDuration::ZERO {
                    let at = self.stage.now().saturating_add(after).unwrap_or(Timestamp::MAX);
                    self.pass_to(at).await?;
                    if self.until.is_some_and(|until| self.stage.now() >= until) {
                        return Ok(None);
                    }
                    book.read(&self.stage).await?;
                }
                if let Some(chosen) = moves.get(index) {
                    self.perform(book, player, by, chosen).await;
                }
            }
        }
        Ok(None)
    }

    async fn perform(&mut self, book: &Book, player: &mut dyn Player, by: &str, chosen: &Move) {
        let today = self.today();
        let setting = self.stage.setting;
        let starter = format!("user:{by}");
        let mut doer = Doer {
            stage: &self.stage,
            book,
            maker: Maker {
                chance: &mut self.chance,
                directory: &setting.directory,
                today,
            },
            player: &mut *player,
            count: self.answers,
            starter: &starter,
            passes: &mut self.passes,
        };
        let done = doer.perform(&chosen.deed).await;
        self.stage.settle().await;
        match done {
            Ok(()) => self.refused.clear(),
            Err(fault) => {
                player.refused(&sentence(fault));
                self.refused.insert(chosen.label.clone());
            }
        }
    }

    /// Lets time go on, but not past the end that was wanted.
    async fn pass_to(&mut self, moment: Timestamp) -> Result<(), Broken> {
        let moment = self.until.map_or(moment, |until| moment.min(until));
        self.refused.clear();
        self.stage.go_on_to(moment).await?;
        Ok(())
    }

    async fn next(&self, book: &Book) -> Result<Option<Next>, Broken> {
        let at = moves::next_moment(&self.stage, book).await?;
        Ok(at.map(|at| {
            let calls = self.stage.setting.world.asked();
            let other = if calls.is_empty() {
                "something is due"
            } else {
                "the time of a call is over"
            };
            let what = book.due_at(at).unwrap_or_else(|| other.to_owned());
            Next { at, what }
        }))
    }
}

/// What the runs wait for, a sentence each.
fn waits(book: &Book) -> Vec<String> {
    let told = book.kin.iter().flat_map(|kin| &kin.view.why.reasons);
    told.map(ToString::to_string).collect()
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Said(sentence(fault))
    }
}
