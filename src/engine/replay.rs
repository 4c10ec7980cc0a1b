//! A journal → the run that it is of.

use super::frame::slots;
use super::machine::RunMachine;
use super::migrate::names::translated;
use super::state::{Fresh, Phase};
use super::{EventRecord, JOURNAL_VERSION, apply, decide};
use crate::plan::Plan;
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// Rebuilds a run from its journal. Nothing is decided: where the journal ends in the middle
    /// of a decision, `next_wakeup` is at once.
    ///
    /// `plan` is the one that the run goes by at the end of the journal.
    pub fn replay(plan: Arc<Plan>, journal: &[EventRecord]) -> Result<Self, ReplayError> {
        let mut machine = Self::rebuilt(plan, journal)?;
        machine.look_again();
        let mut probe = machine.clone();
        decide::settle(&mut probe);
        if probe.pending.is_empty() {
            // The same run, with the inputs of its pure actions at hand.
            machine = probe;
        } else {
            machine.unsettled = true;
        }
        Ok(machine)
    }

    /// The run after the last event of its journal, and nothing that follows from it.
    pub(super) fn rebuilt(plan: Arc<Plan>, journal: &[EventRecord]) -> Result<Self, ReplayError> {
        let journal = translated(journal);
        let mut fresh = Fresh::default();
        let mut records = journal.iter();
        let first = records.next().ok_or_else(|| ReplayError::Impossible {
            seq: 1,
            why: "the journal is empty".to_owned(),
        })?;
        check(first)?;
        if first.seq != 1 {
            return Err(impossible(first, "the journal begins with event 1".to_owned()));
        }
        let mut state = apply::begin(&plan, first, &mut fresh).map_err(|why| impossible(first, why))?;
        for record in records {
            check(record)?;
            apply::apply(&plan, &mut state, record, &mut fresh).map_err(|why| impossible(record, why))?;
        }
        Ok(Self {
            plan,
            state,
            fresh: Fresh::default(),
            pending: Vec::new(),
            rendered: BTreeMap::new(),
            unsettled: false,
            traced: None,
        })
    }

    /// Lists everything that a decision may be open on.
    pub(super) fn look_again(&mut self) {
        self.fresh.look_at_all = true;
        let state = &self.state;
        for (id, frame) in state.frames.iter() {
            for (slot, step) in slots(id, frame) {
                match step.phase {
                    // one that waits for its turn is looked at when it has it
                    Phase::Ready if state.may_begin(&self.plan, slot) => self.fresh.ready.push_back(slot),
                    Phase::Collecting(_) => self.fresh.collects.push_back(slot),
                    Phase::Spreading(_) => self.fresh.eaches.push_back(slot),
                    _ => {}
                }
            }
            if id.is_element() && frame.ending.is_some() {
                self.fresh.ending.push_back(id);
            }
            if id.is_element() && frame.live == 0 {
                self.fresh.idle.push_back(id);
            }
        }
    }
}

fn check(record: &EventRecord) -> Result<(), ReplayError> {
    if record.v > JOURNAL_VERSION {
        return Err(ReplayError::Newer {
            seq: record.seq,
            found: record.v,
            known: JOURNAL_VERSION,
        });
    }
    Ok(())
}

fn impossible(record: &EventRecord, why: String) -> ReplayError {
    ReplayError::Impossible { seq: record.seq, why }
}
