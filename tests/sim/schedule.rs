//! What goes wrong in one run, and when. Says nothing about who is driven by it: the simulator
//! below, or the real host under a paused clock.

use super::deeds::Act;
use super::generate::{KEY, PEOPLE, SUBJECT};
use super::pool::Wanted;
use super::rng::Rng;
use gatefold::base::Timestamp;
use gatefold::base::id::{EventId, TaskId};
use gatefold::engine::view::PlanField;
use gatefold::engine::{InboundEvent, Refusal};
use serde_json::{Map, Value, json};

const MINUTE_MS: i64 = 60_000;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// When everything that can be waited for begins to happen again and again; not at a full hour, at
/// which deadlines are.
pub const HEAL_MS: i64 = 80 * HOUR_MS + 7;
/// How long until it happens again; not hours, after which timers fire that it has set.
pub const NUDGE_MS: i64 = HOUR_MS + 1_217;
/// What the value of a run is given as then, so that every condition on it holds.
pub const NUDGED: i64 = 9;
/// When somebody comes again who found the process down.
pub const COME_BACK_MS: i64 = 30 * MINUTE_MS;
/// How long an incident waits for a person.
pub const OPERATOR_MS: i64 = 25 * HOUR_MS + 13;

/// When every run begins.
pub fn beginning() -> Timestamp {
    Timestamp::from_second(1_795_424_400).expect("it is a time")
}

/// What becomes of one call to the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It happens and is answered.
    Done,
    /// It happens and is answered twice.
    DoneTwice,
    /// It happens long after the caller lost patience.
    Late,
    /// It happens and the answer is lost.
    LostAnswer,
    /// It does not happen and is never answered.
    Hang,
    /// It does not happen; trying again may help.
    Refused,
    /// It does not happen and never will.
    Impossible,
}

impl Fate {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Done,
        Self::DoneTwice,
        Self::Late,
        Self::LostAnswer,
        Self::Hang,
        Self::Refused,
        Self::Impossible,
    ];
}

/// One call: what becomes of it, and how long it takes, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallFate {
    pub fate: Fate,
    pub delay_ms: i64,
}

/// The process dies at a write to its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// Which write, counted from 1 over all lives of the process.
    pub write: u64,
    /// Whether the write is durable by then.
    pub after: bool,
    /// How long until the process is started again, in milliseconds.
    pub down_ms: i64,
}

/// Something happens outside, and is sent to the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// When, in milliseconds from the start.
    pub at_ms: i64,
    pub kind: &'static str,
    pub subjects: Vec<String>,
    pub key: Option<String>,
    pub data: Value,
    /// How often it is sent.
    pub copies: u32,
}

impl Arrival {
    /// The event that tells of it.
    pub fn event(&self, number: usize, at: Timestamp) -> InboundEvent {
        InboundEvent {
            id: EventId(format!("evt_{number}")),
            kind: self.kind.to_owned(),
            subjects: self.subjects.clone(),
            key: self.key.clone(),
            data: self.data.clone(),
            at,
        }
    }
}

/// Everything that can be waited for.
pub fn nudges(count: u32, at: Timestamp) -> impl Iterator<Item = InboundEvent> {
    let event = move |kind: &str| InboundEvent {
        id: EventId(format!("evt_nudge_{count}_{kind}")),
        kind: kind.to_owned(),
        subjects: vec![SUBJECT.to_owned()],
        key: Some(KEY.to_owned()),
        data: json!({ "n": 1, "by": PEOPLE[2], "file": document(1) }),
        at,
    };
    ["t.ping", "t.pong", "file360.file_uploaded"].into_iter().map(event)
}

/// One decision of somebody who was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Vote {
    /// How long after they are asked, in milliseconds.
    pub delay_ms: i64,
    pub decision: &'static str,
    /// Whether they saw the version that is asked about.
    pub current: bool,
    /// Whether they click twice, or change their mind and answer otherwise.
    pub again: Option<&'static str>,
}

/// What they fill in: everything that can be.
pub fn filled(fields: &[PlanField]) -> Map<String, Value> {
    fields.iter().map(|field| (field.name.clone(), json!("A1"))).collect()
}

impl Vote {
    /// What they answer to a task with these answers.
    pub fn answer(&self, decisions: &[String]) -> String {
        let own = decisions.iter().find(|one| *one == self.decision);
        let other = match self.decision {
            "approved" => decisions.first(),
            _ => decisions.last(),
        };
        own.or(other).cloned().unwrap_or_default()
    }

    /// What they do after the answer to this one.
    pub fn then(self, refusal: Option<&Refusal>) -> Option<Self> {
        match refusal {
            None => self.again.map(|decision| Self {
                decision,
                again: None,
                delay_ms: 300,
                ..self
            }),
            // They read the version that is asked about, or wait for their turn.
            Some(Refusal::OtherVersion { .. } | Refusal::NotYourTurn) => Some(Self {
                current: true,
                delay_ms: HOUR_MS,
                ..self
            }),
            // They look again whether it is free.
            Some(Refusal::Taken | Refusal::Suspended { .. }) => Some(Self {
                delay_ms: HOUR_MS + 11,
                ..self
            }),
            Some(_) => None,
        }
    }
}

/// A fault schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    pub seed: u64,
    pub inputs: Value,
    /// What becomes of the nth call; past the end all is well.
    pub calls: Vec<CallFate>,
    pub crashes: Vec<Crash>,
    /// When the clock steps, and by how much, in milliseconds.
    pub clock_steps: Vec<(i64, i64)>,
    pub arrivals: Vec<Arrival>,
    /// Decisions in the order in which they are asked for; past the end everybody agrees.
    pub votes: Vec<Vote>,
    /// When somebody cancels the run, in milliseconds.
    pub cancel_ms: Option<i64>,
    /// How late the process looks at its timers, in milliseconds.
    pub timer_lag_ms: i64,
    /// Whether a person answers the nth incident by trying again; past the end by skipping.
    pub retries: Vec<bool>,
    /// Whether what becomes of a call or of a question follows from what it is about and not from
    /// the order in which it comes up, so that two drivers meet the same.
    pub by_key: bool,
    /// When the process is killed, and how long until it is started again, in milliseconds.
    pub kills: Vec<(i64, i64)>,
    /// How many of a hundred who are asked do something else about a task than to answer it.
    pub acting: usize,
    /// When somebody outside gives the value of the run, in milliseconds.
    pub changes: Vec<(i64, Value)>,
    /// How the directory changes.
    pub moves: Vec<Move>,
}

/// A change of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// When, in milliseconds.
    pub at_ms: i64,
    pub person: &'static str,
    pub standing: Standing,
}

/// How a person stands in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They have the role that is asked.
    Member,
    /// They are there and do not have it.
    OtherRole,
    /// They are suspended or removed.
    Away,
}

/// A version of the document under decision.
pub fn document(version: u64) -> Value {
    json!({ "id": "fil_1", "name": "a.pdf", "version": version, "sha256": format!("{version:064x}") })
}

impl Schedule {
    /// The schedule of a seed. Every seed has a mood, so that some runs see one kind of fault often
    /// and none of the others.
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut people = Rng::new(seed ^ 0xac75);
        let mood = rng.below(5);
        let faulty = [0, 10, 30, 50, 70][mood];
        Self {
            seed,
            inputs: json!({ "n": rng.below(4), "document": document(1) }),
            calls: (0..rng.below(40)).map(|_| call(&mut rng, faulty)).collect(),
            crashes: crashes(&mut rng),
            clock_steps: clock_steps(&mut rng),
            arrivals: arrivals(&mut rng),
            votes: (0..rng.below(12)).map(|_| vote(&mut rng)).collect(),
            cancel_ms: rng.percent(15).then(|| rng.between(0, 60 * HOUR_MS)),
            timer_lag_ms: if rng.percent(60) {
                0
            } else {
                rng.between(0, 5 * HOUR_MS)
            },
            retries: (0..rng.below(6)).map(|_| rng.percent(60)).collect(),
            by_key: false,
            kills: Vec::new(),
            acting: people.choose(&[0, 30, 90]),
            changes: changes(&mut people),
            moves: moves(&mut Rng::new(seed ^ 0x9e0b)),
        }
    }

    /// The schedule of a seed with nothing in it that another driver cannot meet: the process dies
    /// at moments and not at writes, the clock goes on evenly, timers are in time, and a call is
    /// answered in time or not at all.
    #[cfg(feature = "runtime")]
    pub fn comparable(seed: u64) -> Self {
        let mut schedule = Self::of(seed);
        schedule.by_key = true;
        schedule.crashes.clear();
        schedule.moves.clear();
        schedule.clock_steps.clear();
        schedule.timer_lag_ms = 0;
        schedule.kills = kills(&mut Rng::new(!seed));
        for call in &mut schedule.calls {
            call.fate = match call.fate {
                Fate::DoneTwice => Fate::Done,
                Fate::Late => Fate::LostAnswer,
                fate => fate,
            };
        }
        for arrival in &mut schedule.arrivals {
            arrival.subjects = vec![SUBJECT.to_owned()];
        }
        schedule
    }

    /// How a person answers the `number`th incident, if what happened leaves the choice.
    pub fn wanted(&self, number: usize) -> Wanted {
        match self.retries.get(number) {
            Some(true) => Wanted::Retry,
            _ if (self.seed + number as u64).is_multiple_of(3) => Wanted::Set,
            _ => Wanted::Skip,
        }
    }

    /// What becomes of the `number`th call, try `attempt` of `key`.
    pub fn call(&self, number: usize, key: &str, attempt: u32) -> CallFate {
        let mut rng = self.rng_of(&[key, &attempt.to_string()]);
        let number = self.number(number, self.calls.len(), &mut rng);
        let mut call = self.calls.get(number).copied().unwrap_or(CallFate {
            fate: Fate::Done,
            delay_ms: 1,
        });
        if self.by_key {
            // Two calls that begin together do not end together.
            call.delay_ms += rng.between(3, 999);
        }
        call
    }

    /// What somebody does about the `number`th question, which is about `version` in `task`.
    pub fn vote(&self, number: usize, task: &TaskId, version: u64, person: &str) -> Vote {
        let mut rng = self.rng_of(&[&task.0, &version.to_string(), person]);
        let number = self.number(number, self.votes.len(), &mut rng);
        let mut vote = self.votes.get(number).cloned().unwrap_or(Vote {
            delay_ms: HOUR_MS,
            decision: "approved",
            current: true,
            again: None,
        });
        if self.by_key {
            vote.delay_ms += rng.between(3, 999);
        }
        vote
    }

    /// What somebody does about the question about `version` in `task` beside answering it.
    pub fn acts(&self, task: &TaskId, version: u64, person: &str) -> Vec<Act> {
        let mut rng = self.rng_of(&["acts", &task.0, &version.to_string(), person]);
        let mut acts = Act::drawn(&mut rng, self.acting);
        for act in &mut acts {
            act.delay_ms += rng.between(3, 999);
        }
        acts
    }

    /// What is said about the items of a request, and how long after it was opened, in milliseconds.
    pub fn items(&self, request: &str) -> Vec<(i64, Item)> {
        let mut rng = self.rng_of(&["items", request]);
        let count = rng.below(7) as u64;
        (1..=count)
            .map(|change| {
                let at_ms = rng.between(0, 40 * HOUR_MS) + rng.between(3, 999);
                (at_ms, item(&mut rng, change))
            })
            .collect()
    }

    fn number(&self, number: usize, len: usize, rng: &mut Rng) -> usize {
        if self.by_key {
            rng.below(len * 3 / 2 + 1)
        } else {
            number
        }
    }

    /// Chance that follows from the seed and the words.
    fn rng_of(&self, words: &[&str]) -> Rng {
        let bytes = words.iter().flat_map(|word| word.bytes().chain([0]));
        Rng::new(bytes.fold(self.seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }
}

fn call(rng: &mut Rng, faulty: usize) -> CallFate {
    let fate = if rng.percent(faulty) {
        rng.choose(&Fate::ALL)
    } else {
        Fate::Done
    };
    let delay_ms = if rng.percent(20) {
        rng.between(0, 40_000)
    } else {
        rng.between(0, 50)
    };
    CallFate { fate, delay_ms }
}

fn crashes(rng: &mut Rng) -> Vec<Crash> {
    let count = if rng.percent(30) { 0 } else { rng.below(6) };
    let mut crashes: Vec<Crash> = (0..count)
        .map(|_| Crash {
            write: if rng.percent(60) {
                rng.below(12) as u64 + 1
            } else {
                rng.below(60) as u64 + 1
            },
            after: rng.percent(50),
            down_ms: if rng.percent(20) {
                rng.between(0, 30 * HOUR_MS)
            } else {
                rng.between(0, 5_000)
            },
        })
        .collect();
    crashes.sort_by_key(|crash| crash.write);
    crashes.dedup_by_key(|crash| crash.write);
    crashes
}

#[cfg(feature = "runtime")]
fn kills(rng: &mut Rng) -> Vec<(i64, i64)> {
    let count = if rng.percent(30) { 0 } else { rng.below(5) };
    let kill = |rng: &mut Rng| {
        let within = if rng.percent(70) { 3 * MINUTE_MS } else { 60 * HOUR_MS };
        let down_ms = if rng.percent(70) { 5_000 } else { 30 * HOUR_MS };
        (rng.between(1, within), rng.between(1, down_ms))
    };
    (0..count).map(|_| kill(rng)).collect()
}

fn clock_steps(rng: &mut Rng) -> Vec<(i64, i64)> {
    let count = if rng.percent(70) { 0 } else { rng.below(3) + 1 };
    let step = |rng: &mut Rng| {
        let size = if rng.percent(50) { 10 * HOUR_MS } else { 2_000 };
        (rng.between(0, 40 * HOUR_MS), rng.between(-size, size))
    };
    (0..count).map(|_| step(rng)).collect()
}

fn arrivals(rng: &mut Rng) -> Vec<Arrival> {
    let count = rng.below(8);
    (0..count)
        .map(|_| Arrival {
            at_ms: if rng.percent(40) {
                rng.between(0, 2_000)
            } else {
                rng.between(0, 60 * HOUR_MS)
            },
            kind: rng.choose(&["t.ping", "t.pong", "file360.file_uploaded", "t.unheard"]),
            subjects: if rng.percent(70) {
                vec![SUBJECT.to_owned()]
            } else {
                Vec::new()
            },
            key: rng.percent(60).then(|| KEY.to_owned()),
            data: json!({
                "n": rng.below(2), "by": rng.choose(&PEOPLE), "file": document(rng.below(4) as u64),
            }),
            copies: if rng.percent(30) { 3 } else { 1 },
        })
        .collect()
}

/// Something about an item of a request, or about the whole of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    kind: &'static str,
    data: Value,
}

impl Item {
    /// The event that tells of it.
    pub fn event(&self, request: &str, at: Timestamp) -> InboundEvent {
        InboundEvent {
            id: EventId(format!("evt_{request}_{}", self.data["change"])),
            kind: self.kind.to_owned(),
            subjects: vec![request.to_owned()],
            key: None,
            data: self.data.clone(),
            at,
        }
    }
}

fn item(rng: &mut Rng, change: u64) -> Item {
    let (kind, state, files) = rng.choose(&[
        ("file360.item_received", "received", 1),
        ("file360.item_received", "received", 1),
        ("file360.item_received", "accepted", 1),
        ("file360.item_received", "accepted", 2),
        ("file360.item_received", "more_needed", 1),
        ("file360.item_removed", "missing", 0),
        ("file360.item_not_applicable", "not_applicable", 0),
    ]);
    let kind = if rng.percent(5) {
        "file360.request_withdrawn"
    } else {
        kind
    };
    let files: Vec<Value> = (0..files)
        .map(|at| json!({ "file": { "id": format!("fil_{change}_{at}"), "name": "b.pdf", "version": 1, "sha256": "0" } }))
        .collect();
    let data = json!({
        "item": rng.choose(&["one", "one", "two"]), "state": state, "files": files, "change": change,
        "because": "so", "reason": "so",
    });
    Item { kind, data }
}

fn changes(rng: &mut Rng) -> Vec<(i64, Value)> {
    let given = [json!(0), json!(1), json!(2), json!(3), json!("nonsense")];
    let count = rng.below(4);
    (0..count)
        .map(|_| (rng.between(0, 50 * HOUR_MS), rng.pick(&given).clone()))
        .collect()
}

/// People who leave, lose the role, get it and come back; in the end all of them are there.
fn moves(rng: &mut Rng) -> Vec<Move> {
    let count = if rng.percent(50) { 0 } else { rng.below(5) + 1 };
    let standings = [Standing::Member, Standing::OtherRole, Standing::Away, Standing::Away];
    let mut moves: Vec<Move> = (0..count)
        .map(|_| Move {
            at_ms: if rng.percent(30) {
                0
            } else {
                rng.between(0, 50 * HOUR_MS)
            },
            person: rng.choose(&PEOPLE),
            standing: rng.choose(&standings),
        })
        .collect();
    if count > 0 {
        let back = PEOPLE.map(|person| Move {
            at_ms: HEAL_MS,
            person,
            standing: Standing::Member,
        });
        moves.extend(back);
    }
    moves
}

fn vote(rng: &mut Rng) -> Vote {
    let decisions = ["approved", "approved", "approved", "changes_requested", "rejected"];
    Vote {
        delay_ms: rng.between(0, 12 * HOUR_MS),
        decision: rng.choose(&decisions),
        current: rng.percent(85),
        again: rng.percent(30).then(|| rng.choose(&decisions)),
    }
}
