//! Which runs come of one another, by steps, by events and by ends: how many there are of one run, and
//! whether those above still want more.
//!
//! Invariant: what a run comes of, and its number among all that come of the same one, commit with its
//! beginning, so that no restart begins to count anew.

use super::children::{Caller, MAX_NESTED};
use super::{Host, HostError, lock};
use crate::base::id::RunId;
use crate::store::{RunStatus, Write};
use serde::{Deserialize, Serialize};

/// Most runs that come of one run. An `each` of 10,000 elements may run another flow for each of them, and
/// that one another.
pub const MAX_DESCENDANTS: u64 = 20_000;

/// Scope of what runs come of.
const ORIGINS: &str = "origin";
/// What the scope of the numbers of those that come of a run begins with.
const NUMBERS: &str = "descendants:";

/// What a run comes of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    /// The first of all.
    root: RunId,
    /// The run that it stands in, where a step started it.
    parent: Option<RunId>,
    /// Whether it is wanted at that one's end, whatever is above.
    at_the_end: bool,
}

impl Host {
    /// What makes `child` one of the runs that come of `before`; `caller` where a step starts it.
    ///
    /// # Errors
    /// `Invalid` where there are as many as may be.
    pub(super) async fn descend(
        &self,
        before: &RunId,
        child: &RunId,
        caller: Option<&Caller>,
    ) -> Result<Vec<Write>, HostError> {
        let root = self
            .origin(before)
            .await?
            .map_or_else(|| before.clone(), |origin| origin.root);
        let number = self.next_number(&root).await?;
        let origin = Origin {
            root: root.clone(),
            parent: caller.map(|caller| caller.run.clone()),
            at_the_end: caller.is_some_and(|caller| caller.is_always),
        };
        let value = serde_json::to_string(&origin).expect("names are plain data");
        let once = |scope: String, key: String, value: String| Write::Once {
            scope,
            key,
            value,
            digest: None,
            until: None,
        };
        Ok(vec![
            once(ORIGINS.to_owned(), child.to_string(), value),
            once(numbers_of(&root), number.to_string(), child.to_string()),
        ])
    }

    /// Refuses what a run above no longer wants: it is closing or has ended, and what it has begun is being
    /// cancelled.
    pub(super) async fn check_wanted(&self, caller: &Caller) -> Result<(), HostError> {
        // what a run does at its end, it does whatever is above it
        if caller.is_always {
            return Ok(());
        }
        let mut run = caller.run.clone();
        for _ in 0..MAX_NESTED {
            let row = self.parts().store.run(&run).await?;
            if row.is_some_and(|row| row.status != RunStatus::Running) {
                return Err(HostError::Invalid(format!(
                    "run {run} above it is over: nothing more begins"
                )));
            }
            match self.origin(&run).await? {
                Some(Origin {
                    parent: Some(parent),
                    at_the_end: false,
                    ..
                }) => run = parent,
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    async fn origin(&self, run: &RunId) -> Result<Option<Origin>, HostError> {
        let used = self.parts().store.used_for(ORIGINS, run.as_str()).await?;
        Ok(used.and_then(|used| serde_json::from_str(&used.value).ok()))
    }

    /// The number of one more that comes of `root`.
    async fn next_number(&self, root: &RunId) -> Result<u64, HostError> {
        let known = lock(&self.descendants).get(root).copied();
        let there = match known {
            Some(there) => there,
            None => self.stored_descendants(root).await?,
        };
        let mut descendants = lock(&self.descendants);
        // somebody may have been faster
        let next = descendants.entry(root.clone()).or_insert(there);
        let most = self.parts().limits.descendants;
        if *next >= most {
            return Err(HostError::Invalid(format!(
                "{most} runs have come of run {root}, which is as many as may: look for flows that run or start one \
                 another without end"
            )));
        }
        let number = *next;
        *next += 1;
        Ok(number)
    }

    /// How many the store knows that came of `root`: their numbers are given one after the other.
    async fn stored_descendants(&self, root: &RunId) -> Result<u64, HostError> {
        let scope = numbers_of(root);
        let (mut there, mut free) = (0, self.parts().limits.descendants);
        while there < free {
            let middle = there + (free - there) / 2;
            if self.parts().store.is_used(&scope, &middle.to_string()).await? {
                there = middle + 1;
            } else {
                free = middle;
            }
        }
        Ok(there)
    }
}

fn numbers_of(root: &RunId) -> String {
    format!("{NUMBERS}{root}")
}
