//! Which runs come of one another, by steps, by events and by ends: how many there are of one run, and
//! whether those above still want more.
//!
//! Invariant: what a run comes of commits with its beginning, and so does a row among those that come of
//! the same run, so that a restart counts them again. A start that fails leaves no row and is not counted.

use super::children::{Caller, MAX_NESTED};
use super::{Host, HostError, lock};
use crate::base::id::RunId;
use crate::store::{RunStatus, Write};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most runs that come of one run. An `each` of 10,000 elements may run another flow for each of them, and
/// that one another.
pub const MAX_DESCENDANTS: u64 = 20_000;

/// Scope of what runs come of.
const ORIGINS: &str = "origin";
/// Prefix of the scope in which every run that comes of one run has a key: its id, or a number in what
/// earlier builds wrote.
const DESCENDANTS: &str = "descendants:";

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

/// The writes that make a run one of those that come of another, and its place among them.
pub(super) struct Descent {
    /// To be committed with the beginning of the run.
    pub writes: Vec<Write>,
    /// To be kept once they are committed.
    pub place: Place,
}

/// A place among the runs that come of one run. It is free again unless it is kept.
pub(super) struct Place {
    host: Arc<Host>,
    root: RunId,
    is_kept: bool,
}

impl Place {
    /// The run has begun, so the place stays taken.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_kept
            && let Some(count) = lock(&self.host.descendants).get_mut(&self.root)
        {
            *count = count.saturating_sub(1);
        }
    }
}

impl Host {
    /// Makes `child` one of the runs that come of `before`; `caller` where a step starts it.
    ///
    /// # Errors
    /// `Invalid` where there are as many as may be.
    pub(super) async fn descend(
        self: &Arc<Self>,
        before: &RunId,
        child: &RunId,
        caller: Option<&Caller>,
    ) -> Result<Descent, HostError> {
        let root = self.root_of(before).await?;
        let place = self.place_among(&root).await?;
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
        let writes = vec![
            once(ORIGINS.to_owned(), child.to_string(), value),
            once(descendants_of(&root), child.to_string(), String::new()),
        ];
        Ok(Descent { writes, place })
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

    /// The first of the runs that `run` comes of, or the run itself where it comes of none.
    pub(super) async fn root_of(&self, run: &RunId) -> Result<RunId, HostError> {
        let origin = self.origin(run).await?;
        Ok(origin.map_or_else(|| run.clone(), |origin| origin.root))
    }

    async fn origin(&self, run: &RunId) -> Result<Option<Origin>, HostError> {
        let used = self.parts().store.used_for(ORIGINS, run.as_str()).await?;
        Ok(used.and_then(|used| serde_json::from_str(&used.value).ok()))
    }

    /// A place for one more that comes of `root`.
    async fn place_among(self: &Arc<Self>, root: &RunId) -> Result<Place, HostError> {
        let known = lock(&self.descendants).get(root).copied();
        let there = match known {
            Some(there) => there,
            None => self.stored_descendants(root).await?,
        };
        let mut descendants = lock(&self.descendants);
        // somebody may have been faster
        let count = descendants.entry(root.clone()).or_insert(there);
        let most = self.parts().limits.descendants;
        if *count >= most {
            return Err(HostError::Invalid(format!(
                "{most} runs have come of run {root}, which is as many as may: look for flows that run or start one \
                 another without end"
            )));
        }
        *count += 1;
        Ok(Place {
            host: Arc::clone(self),
            root: root.clone(),
            is_kept: false,
        })
    }

    /// How many the store knows that came of `root`.
    async fn stored_descendants(&self, root: &RunId) -> Result<u64, HostError> {
        let keys = self.parts().store.used_keys(&descendants_of(root)).await?;
        Ok(u64::try_from(keys.len()).unwrap_or(u64::MAX))
    }
}

fn descendants_of(root: &RunId) -> String {
    format!("{DESCENDANTS}{root}")
}
