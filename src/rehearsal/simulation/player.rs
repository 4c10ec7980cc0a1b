//! Who says what happens next in a simulation.

use super::moves::Move;
use crate::base::{Timestamp, Value};
use crate::spec::InputSpec;
use jiff::SignedDuration;

/// A moment at which the run waits.
#[derive(Debug)]
pub struct Scene<'s> {
    /// What time it is.
    pub now: Timestamp,
    /// The zone that moments are told in.
    pub zone: &'s str,
    /// What is waited for, a sentence each.
    pub waits: &'s [String],
    /// What may happen.
    pub moves: &'s [Move],
    /// What is due next.
    pub next: Option<&'s Next>,
}

/// What is due next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// When.
    pub at: Timestamp,
    /// What, as `a reminder of approval`.
    pub what: String,
}

/// What a player says.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// One of the moves happens.
    Do {
        /// Which.
        index: usize,
        /// How much later. What is due before comes first.
        after: SignedDuration,
    },
    /// Time goes on until something is due.
    Pass,
    /// Time goes on until a moment.
    PassTo(Timestamp),
    /// That is enough.
    Quit,
}

/// What the blank is called into which a code belongs that came by mail.
pub const CODE: &str = "code";

/// Something to fill in.
#[derive(Clone, Debug, PartialEq)]
pub struct Blank {
    /// What, as `shelf` or `reason`.
    pub name: String,
    /// What it must be, as `a text`; empty where anything goes.
    pub hint: String,
    /// What it is if nobody says otherwise.
    pub made_up: Option<Value>,
    /// Whether something must be filled in.
    pub is_needed: bool,
    /// What is wanted, where that is known; then what is typed is read as that.
    pub spec: Option<InputSpec>,
}

/// Says what happens next.
pub trait Player {
    /// Chooses what happens.
    fn choose(&mut self, scene: &Scene<'_>) -> Choice;

    /// Fills something in; nothing leaves it out.
    fn fill(&mut self, blank: &Blank) -> Option<Value>;

    /// Hears that what was chosen did not happen, and why.
    fn refused(&mut self, why: &str);
}
