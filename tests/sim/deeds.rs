//! What people do about tasks beside answering them: drawn by what it is about, so that every driver
//! meets the same.

use super::generate::PEOPLE;
use super::rng::Rng;
use super::schedule::HOUR_MS;
use gatefold::base::id::TaskId;
use gatefold::engine::event::Remark;
use gatefold::engine::view::PlanField;
use gatefold::engine::{Acting, Refusal, TaskAct};

/// People whom nobody asks, until somebody passes a task on to them.
pub const HELPERS: [&str; 2] = ["user:e", "user:f"];

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Claim,
    Start,
    Save,
    Release,
    Remark,
    Question,
    Answer,
    Delegate,
    Reassign,
    ReassignAfresh,
    Suspend,
    Resume,
    Skip,
    Redo,
}

impl Deed {
    /// Those that people begin with; the others follow.
    const FIRST: [Self; 12] = [
        Self::Claim,
        Self::Claim,
        Self::Start,
        Self::Save,
        Self::Release,
        Self::Remark,
        Self::Question,
        Self::Delegate,
        Self::Reassign,
        Self::ReassignAfresh,
        Self::Suspend,
        Self::Redo,
    ];

    /// What a run is said to have met where it was taken.
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Claim => "act: claim",
            Self::Start => "act: start",
            Self::Save => "act: save",
            Self::Release => "act: release",
            Self::Remark | Self::Question | Self::Answer => "act: remark",
            Self::Delegate => "act: delegate",
            Self::Reassign | Self::ReassignAfresh => "act: reassign",
            Self::Suspend => "act: suspend",
            Self::Resume => "act: resume",
            Self::Skip => "act: skip",
            Self::Redo => "act: redo",
        }
    }
}

/// One thing that somebody does about a task, and when, in milliseconds from when they heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    pub deed: Deed,
    pub delay_ms: i64,
    pub admin: bool,
}

/// What can be seen of a task by whoever does something about it.
pub struct Seen<'t> {
    pub form: &'t [PlanField],
    pub thread: &'t [Remark],
}

impl Act {
    /// What somebody does about a task who was asked about it, in a world where that many of a hundred
    /// do something.
    pub fn drawn(rng: &mut Rng, chance: usize) -> Vec<Self> {
        if !rng.percent(chance) {
            return Vec::new();
        }
        let count = rng.below(3) + 1;
        let act = |rng: &mut Rng| {
            let deed = if rng.percent(6) {
                Deed::Skip
            } else {
                rng.choose(&Deed::FIRST)
            };
            let late = if deed == Deed::Redo { 10 * HOUR_MS } else { 0 };
            Self {
                deed,
                delay_ms: late + rng.between(0, 12 * HOUR_MS),
                admin: rng.percent(25),
            }
        };
        (0..count).map(|_| act(rng)).collect()
    }

    /// What `person` asks for.
    pub fn acting(self, task: &TaskId, person: &str, seen: &Seen<'_>) -> Acting {
        let (of, to) = (person.to_owned(), other(person));
        let why = || "so".to_owned();
        let reason = Some(why());
        let remark = |to, answers| TaskAct::Remark {
            text: why(),
            to,
            answers,
        };
        let act = match self.deed {
            Deed::Claim => TaskAct::Claim,
            Deed::Start => TaskAct::Start,
            Deed::Save => TaskAct::Save {
                form: super::schedule::filled(seen.form),
            },
            Deed::Release => TaskAct::Release { reason },
            Deed::Remark => remark(None, None),
            Deed::Question => remark(Some(to), None),
            Deed::Answer => remark(None, Some(asked_of(person, seen.thread))),
            Deed::Delegate => TaskAct::Delegate { of, to, reason },
            Deed::Reassign | Deed::ReassignAfresh => TaskAct::Reassign {
                of,
                to,
                reason,
                afresh: self.deed == Deed::ReassignAfresh,
            },
            Deed::Suspend => TaskAct::Suspend { reason: why() },
            Deed::Resume => TaskAct::Resume { reason },
            Deed::Skip => TaskAct::Skip { reason: why() },
            Deed::Redo => TaskAct::Redo { reason: why() },
        };
        Acting {
            task: task.clone(),
            by: person.to_owned(),
            admin: self.admin,
            act,
        }
    }

    /// Who does what after this one was taken or refused: whoever lets a task rest lets it go on, whoever
    /// is asked answers.
    pub fn then(self, person: &str, refusal: Option<&Refusal>) -> Option<(String, Self)> {
        let next = |deed, delay_ms| Self { deed, delay_ms, ..self };
        match self.deed {
            _ if refusal.is_some() => None,
            Deed::Claim if self.delay_ms % 2 == 0 => Some((person.to_owned(), next(Deed::Release, HOUR_MS + 29))),
            Deed::Suspend => Some((person.to_owned(), next(Deed::Resume, 3 * HOUR_MS + 17))),
            Deed::Question => Some((other(person), next(Deed::Answer, HOUR_MS + 19))),
            _ => None,
        }
    }
}

/// Whom somebody turns to.
fn other(person: &str) -> String {
    let at = PEOPLE.iter().position(|one| *one == person).unwrap_or(1);
    HELPERS[at % 2].to_owned()
}

/// The first question to `person` that nobody has answered, from 1.
fn asked_of(person: &str, thread: &[Remark]) -> u32 {
    let numbered = || (1_u32..).zip(thread);
    let open = |number: u32| thread.iter().all(|remark| remark.answers != Some(number));
    let mut questions = numbered().filter(|(_, remark)| remark.to.as_deref() == Some(person));
    questions
        .find(|(number, _)| open(*number))
        .map_or(1, |(number, _)| number)
}
