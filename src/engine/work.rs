//! What a run needs done by its host, as an answer to a question.

use crate::base::Value;
use crate::base::id::TaskId;
use crate::expr::SecretUse;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names one piece of work for good: the same through retries and restarts, and so the
/// idempotency key towards the other side. `RUN:STEP:ROUND`, `RUN:release:THING`,
/// `RUN:STEP:ROUND:assign:N` for the Nth question to the directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkKey(pub String);

impl fmt::Display for WorkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
        /// Whether these join an open task.
        escalated: bool,
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
}
