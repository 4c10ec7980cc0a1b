//! One run: the only way in and the questions a host may ask.

use super::{Event, EventRecord, Input, Refusal, Reply, Start, Work};
use crate::base::Timestamp;
use crate::plan::Plan;
use std::sync::Arc;

/// The interpreter of one run.
#[derive(Clone, Debug)]
pub struct RunMachine {
    pub(super) plan: Arc<Plan>,
}

/// Why a journal cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The journal was written by a newer build.
    #[error("event {seq} has version {found}; this build reads up to {known}: start a newer build")]
    Newer {
        /// Position in the journal.
        seq: u64,
        /// Version found.
        found: u32,
        /// Newest version known.
        known: u32,
    },
    /// The journal does not fit the plan or itself.
    #[error("event {seq} cannot have happened: {why}")]
    Impossible {
        /// Position in the journal.
        seq: u64,
        /// What does not fit.
        why: String,
    },
}

impl RunMachine {
    /// Begins a run. Everything that follows at once has been decided; see `take_events`.
    pub fn start(plan: Arc<Plan>, now: Timestamp, start: Start) -> Self {
        let _ = (now, start);
        Self { plan }
    }

    /// Rebuilds a run from its journal.
    pub fn replay(plan: Arc<Plan>, journal: &[EventRecord]) -> Result<Self, ReplayError> {
        let _ = journal;
        Ok(Self { plan })
    }

    /// Lets something happen. Refused inputs change nothing.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Result<Reply, Refusal> {
        let _ = (now, input, &self.plan);
        let _: Option<Event> = None;
        todo!()
    }

    /// The events decided since the last call, in order. They count once they are durable.
    pub fn take_events(&mut self) -> Vec<EventRecord> {
        todo!()
    }

    /// Everything that must be in flight now. The same answer until an input changes it.
    pub fn outstanding(&self) -> Vec<Work> {
        todo!()
    }

    /// When to send `Input::Wake` next.
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        todo!()
    }
}
