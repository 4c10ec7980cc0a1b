//! The machines of runs that are worked on, one lock a run.

use crate::base::id::{FileId, RunId, TaskId};
use crate::engine::{RunMachine, WorkKey};
use crate::people::Directory;
use crate::store::{RunRow, Subscription};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

/// Runs kept in memory although nothing is done about them.
const KEPT: usize = 4096;

/// A run in memory. Everything its machine decided is durable whenever the slot's lock is free.
pub struct Loaded {
    /// Its machine.
    pub machine: RunMachine,
    /// The run as the store lists it.
    pub row: RunRow,
    /// What else the store says of it.
    pub stored: Stored,
    /// The directory that its open tasks follow; nothing where that is not known.
    pub directory: Option<Arc<Directory>>,
}

/// What the store says of a run beside its journal and its row. It changes by what its events changed, not as a whole:
/// a run over many elements owns much, and stores often. Where the store refused the change, the run is read anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Ids of what events go to the run about.
    pub owned: Arc<BTreeSet<String>>,
    /// Those of these that it does not own: the runs that it is starting, the documents it asks people about.
    pub about: BTreeSet<String>,
    /// Files that it holds to their version.
    pub locked: BTreeSet<FileId>,
    /// Events it waits for: by type, and key or what they are about.
    pub subscriptions: Arc<BTreeSet<Subscription>>,
    /// How often each of its tasks was stored.
    pub task_revs: BTreeMap<TaskId, u64>,
}

/// One run's place. Empty when its journal has to be read first.
#[derive(Default)]
pub struct Slot {
    /// The run, if it is in memory.
    pub loaded: Option<Loaded>,
    /// Outside calls in flight, with their try.
    pub in_flight: BTreeSet<(WorkKey, u32)>,
}

/// Every run's place.
#[derive(Default)]
pub struct Slots {
    slots: Mutex<HashMap<RunId, Arc<tokio::sync::Mutex<Slot>>>>,
}

impl Slots {
    /// The place of `run`.
    pub fn of(&self, run: &RunId) -> Arc<tokio::sync::Mutex<Slot>> {
        let mut slots = super::lock(&self.slots);
        if slots.len() >= KEPT && !slots.contains_key(run) {
            forget_idle(&mut slots);
        }
        Arc::clone(slots.entry(run.clone()).or_default())
    }

    /// Whether nobody is at the run and it has no call in flight.
    pub fn is_idle(&self, run: &RunId) -> bool {
        let slot = super::lock(&self.slots).get(run).map(Arc::clone);
        slot.is_none_or(|slot| slot.try_lock().is_ok_and(|slot| slot.in_flight.is_empty()))
    }

    /// Forgets a run that nothing is in memory of, unless somebody is at it.
    pub fn forget_empty(&self, run: &RunId) {
        let mut slots = super::lock(&self.slots);
        let is_empty = |slot: &Arc<tokio::sync::Mutex<Slot>>| {
            // invariant: a new holder needs the map's lock, which we have
            Arc::strong_count(slot) == 1
                && slot
                    .try_lock()
                    .is_ok_and(|slot| slot.loaded.is_none() && slot.in_flight.is_empty())
        };
        if slots.get(run).is_some_and(is_empty) {
            slots.remove(run);
        }
    }
}

/// Drops every run that nobody is at and that has nothing in flight.
fn forget_idle(slots: &mut HashMap<RunId, Arc<tokio::sync::Mutex<Slot>>>) {
    slots.retain(|_, slot| {
        // invariant: a new holder needs the map's lock, which we have
        Arc::strong_count(slot) > 1 || slot.try_lock().map_or(true, |slot| !slot.in_flight.is_empty())
    });
}
