//! What goes wrong in one run, and when. Says nothing about who is driven by it: the simulator
//! below, or the real host under a paused clock.

use super::generate::{KEY, PEOPLE, SUBJECT};
use super::rng::Rng;
use serde_json::{Value, json};

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
}

const HOUR_MS: i64 = 3_600_000;

/// A version of the document under decision.
pub fn document(version: u64) -> Value {
    json!({ "id": "fil_1", "name": "a.pdf", "version": version, "sha256": format!("{version:064x}") })
}

impl Schedule {
    /// The schedule of a seed. Every seed has a mood, so that some runs see one kind of fault often
    /// and none of the others.
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
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
        }
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

fn vote(rng: &mut Rng) -> Vote {
    let decisions = ["approved", "approved", "approved", "changes_requested", "rejected"];
    Vote {
        delay_ms: rng.between(0, 12 * HOUR_MS),
        decision: rng.choose(&decisions),
        current: rng.percent(85),
        again: rng.percent(30).then(|| rng.choose(&decisions)),
    }
}
