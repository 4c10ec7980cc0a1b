//! What a run needs done by its host, as an answer to a question.

use super::event::{StandIn, Weight};
use crate::base::Value;
use crate::base::id::{RunId, TaskId};
use crate::expr::SecretUse;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names one piece of work for good: the same through retries and restarts, and so the
/// idempotency key towards the other side. `RUN:STEP:ROUND`, `RUN::release:THING` (no step has an
/// empty id), `RUN:STEP:ROUND:assign:N` for the Nth question to the directory, `RUN:STEP:ROUND:escalate`
/// for who joins by the first escalation, with `:N` behind it for the Nth after that.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkKey(pub String);

impl fmt::Display for WorkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a key names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'k> {
    /// The action of a step.
    Step { id: &'k str, round: u32 },
    /// A question to the directory, by number.
    Assign { id: &'k str, round: u32, number: u32 },
    /// The question who joins by an escalation, by its position.
    Escalate { id: &'k str, round: u32, position: u32 },
    /// The release of a thing.
    Release(&'k str),
}

impl<'k> Place<'k> {
    /// The step and its round.
    pub(super) fn step(&self) -> Option<(&'k str, u32)> {
        match *self {
            Self::Step { id, round } | Self::Assign { id, round, .. } | Self::Escalate { id, round, .. } => {
                Some((id, round))
            }
            Self::Release(_) => None,
        }
    }
}

impl WorkKey {
    /// The action of a step.
    pub(super) fn of_step(run: &RunId, step: &str, round: u32) -> Self {
        Self(format!("{run}:{step}:{round}"))
    }

    /// A question to the directory.
    pub(super) fn of_assign(run: &RunId, step: &str, round: u32, number: u32) -> Self {
        Self(format!("{run}:{step}:{round}:assign:{number}"))
    }

    /// The question who joins by the escalation at a position.
    pub(super) fn of_escalation(run: &RunId, step: &str, round: u32, position: u32) -> Self {
        let onwards = if position == 0 {
            String::new()
        } else {
            format!(":{position}")
        };
        Self(format!("{run}:{step}:{round}:escalate{onwards}"))
    }

    /// The release of a thing.
    pub(super) fn of_release(run: &RunId, thing: &str) -> Self {
        Self(format!("{run}::release:{thing}"))
    }

    /// Whether the key is for a release at the end of `run`.
    pub fn is_release(&self, run: &RunId) -> bool {
        matches!(self.place(run), Some(Place::Release(_)))
    }

    /// What the key names, if it is one of `run`.
    pub(super) fn place(&self, run: &RunId) -> Option<Place<'_>> {
        let rest = self.0.strip_prefix(run.as_str())?.strip_prefix(':')?;
        if let Some(thing) = rest.strip_prefix(":release:") {
            return Some(Place::Release(thing));
        }
        let (id, rest) = rest.split_once(':').filter(|(id, _)| !id.is_empty())?;
        let mut parts = rest.split(':');
        let round = parts.next()?.parse().ok()?;
        let place = match (parts.next(), parts.next()) {
            (None, _) => Place::Step { id, round },
            (Some("escalate"), number) => Place::Escalate {
                id,
                round,
                position: number.map_or(Some(0), |number| number.parse().ok().filter(|at| *at > 0))?,
            },
            (Some("assign"), Some(number)) => Place::Assign {
                id,
                round,
                number: number.parse().ok()?,
            },
            _ => return None,
        };
        parts.next().is_none().then_some(place)
    }
}

/// Work that is due now.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// Call an action and hand back its output with `Input::Finished`.
    Call {
        /// Which work.
        key: WorkKey,
        /// The try, from 1.
        attempt: u32,
        /// The step it belongs to.
        step: String,
        /// `CONNECTION.ACTION`.
        action: String,
        /// Its input.
        input: Value,
        /// Where secrets belong in it.
        secrets: Vec<SecretUse>,
        /// Whether the call needs no record before it.
        pure: bool,
    },
    /// Ask the directory who is meant and hand it back with `Input::Assigned`, or a failure with
    /// `Input::Finished`.
    Assign {
        /// Which work.
        key: WorkKey,
        /// The task.
        task: TaskId,
        /// Who decides, as `role:legal`.
        by: Vec<String>,
        /// Who can veto.
        veto: Vec<String>,
        /// Persons who may not decide.
        exclude: Vec<String>,
        /// Who may answer at all; everybody where it is empty.
        only: Vec<String>,
        /// How much a decision counts where it is not 1, by principal.
        weights: Vec<(String, u32)>,
        /// Whether these join an open task.
        escalated: bool,
        /// Whether one of them is picked by how much they have to do.
        load: bool,
        /// Who gets the task rather than others, as an earlier step names them.
        prefer: Vec<String>,
    },
}

impl Work {
    /// Which work.
    pub fn key(&self) -> &WorkKey {
        match self {
            Self::Call { key, .. } | Self::Assign { key, .. } => key,
        }
    }
}

/// Who is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// Persons, as `user:anna` or `email:…`, in the order listed, without the excluded.
    pub people: Vec<String>,
    /// Persons who can veto.
    pub veto: Vec<String>,
    /// Who stands in for whom of them today.
    pub deputies: Vec<StandIn>,
    /// The excluded as the directory knows them.
    pub exclude: Vec<String>,
    /// Who may answer at all, where not everybody may.
    pub only: Option<Vec<String>>,
    /// How much the decision of some counts, where it is not 1.
    pub weights: Vec<Weight>,
    /// How much those who could act have to do, where that was asked for.
    pub load: Vec<Load>,
    /// Who is preferred, as the directory knows them.
    pub preferred: Vec<String>,
}

/// How much somebody has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Who.
    pub person: String,
    /// Their open tasks.
    pub open: u32,
    /// How many other tasks were opened since one was last assigned to them; nothing where none was lately.
    pub since: Option<u32>,
    /// How often they answered the same step of the same flow.
    pub done: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_what_it_was_made_of() {
        let run = RunId::from("run_1");
        for id in ["sign", "release", "assign", "escalate"] {
            let cases = [
                (WorkKey::of_step(&run, id, 2), Place::Step { id, round: 2 }),
                (
                    WorkKey::of_escalation(&run, id, 2, 0),
                    Place::Escalate {
                        id,
                        round: 2,
                        position: 0,
                    },
                ),
                (
                    WorkKey::of_escalation(&run, id, 2, 3),
                    Place::Escalate {
                        id,
                        round: 2,
                        position: 3,
                    },
                ),
                (WorkKey::of_release(&run, "a:b"), Place::Release("a:b")),
                (
                    WorkKey::of_assign(&run, id, 2, 3),
                    Place::Assign {
                        id,
                        round: 2,
                        number: 3,
                    },
                ),
            ];
            for (key, place) in cases {
                assert_eq!(key.place(&run), Some(place));
                assert_eq!(key.place(&RunId::from("run_2")), None);
            }
        }
    }

    #[test]
    fn a_foreign_key_names_nothing() {
        let run = RunId::from("run_1");
        for key in [
            "",
            "run_1",
            "run_1:",
            "run_1::1",
            "run_1:a",
            "run_1:a:x",
            "run_1:a:1:b",
            "run_1:a:1:assign",
            "run_1:a:1:escalate:0",
            "run_1:a:1:escalate:x",
            "run_12:a:1",
        ] {
            assert_eq!(WorkKey(key.to_owned()).place(&run), None, "{key}");
        }
    }
}
