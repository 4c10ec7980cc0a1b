//! The machines of runs that are worked on, one lock a run.

use crate::base::id::{FileId, RunId, TaskId};
use crate::engine::{EventRecord, RunMachine, WorkKey};
use crate::people::Directory;
use crate::store::{RunRow, Subscription};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

/// Runs kept in memory although nothing is done about them.
const KEPT: usize = 4096;

/// Memory budget for runs, measured in bytes of their stored journals. Other memory of a run grows
/// with its journal.
pub const MAX_LOADED_BYTES: usize = 128 << 20;

/// A run in memory. Everything its machine decided is durable whenever the slot's lock is free.
pub struct Loaded {
    /// Its machine.
    pub machine: RunMachine,
    /// The run as the store lists it.
    pub row: RunRow,
    /// What else the store says of it.
    pub stored: Stored,
    /// The directory from which its open tasks were last updated; `None` if unknown.
    pub directory: Option<Arc<Directory>>,
    /// Its estimated size in bytes.
    pub bytes: usize,
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

/// The slots of all runs. Idle runs stay in memory within a budget of bytes. A run that was dropped
/// is read from its journal when it is needed again.
pub struct Slots {
    inner: Mutex<Inner>,
    most_bytes: usize,
}

#[derive(Default)]
struct Inner {
    places: HashMap<RunId, Place>,
    /// Size of all slots in bytes.
    bytes: usize,
    /// Number of uses so far; orders slots by last use.
    uses: u64,
}

struct Place {
    slot: Arc<tokio::sync::Mutex<Slot>>,
    /// Size of the run when the slot was last put back, in bytes.
    bytes: usize,
    /// The number of its last use.
    used: u64,
}

impl Place {
    /// Whether nobody uses the run and it has no call in flight. The caller must hold the lock of
    /// the slots, so that nobody can begin to use it.
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.slot) == 1 && self.slot.try_lock().is_ok_and(|slot| slot.in_flight.is_empty())
    }
}

impl Slots {
    /// Creates slots with a budget of `most_bytes` bytes.
    pub fn new(most_bytes: usize) -> Self {
        Self {
            inner: Mutex::default(),
            most_bytes,
        }
    }

    /// The place of `run`.
    pub fn of(&self, run: &RunId) -> Arc<tokio::sync::Mutex<Slot>> {
        let mut inner = super::lock(&self.inner);
        if inner.places.len() >= KEPT && !inner.places.contains_key(run) {
            inner.forget_idle(0);
        }
        inner.uses += 1;
        let used = inner.uses;
        let place = inner.places.entry(run.clone()).or_insert_with(|| Place {
            slot: Arc::default(),
            bytes: 0,
            used,
        });
        place.used = used;
        Arc::clone(&place.slot)
    }

    /// Whether nobody uses the run and it has no call in flight.
    pub fn is_idle(&self, run: &RunId) -> bool {
        let slot = super::lock(&self.inner)
            .places
            .get(run)
            .map(|place| Arc::clone(&place.slot));
        slot.is_none_or(|slot| slot.try_lock().is_ok_and(|slot| slot.in_flight.is_empty()))
    }

    /// Called when somebody has finished with a run. Forgets the run if nothing of it is in memory,
    /// and evicts the least recently used runs if the budget is exceeded.
    pub fn put_back(&self, run: &RunId) {
        let mut inner = super::lock(&self.inner);
        inner.measure(run);
        if inner.bytes > self.most_bytes {
            inner.forget_idle(self.most_bytes / 4 * 3);
        }
    }

    /// Evicts every run that nobody uses and that has no call in flight.
    pub fn forget_idle(&self) {
        super::lock(&self.inner).forget_idle(0);
    }

    /// Estimated bytes of the runs in memory.
    pub fn bytes(&self) -> usize {
        super::lock(&self.inner).bytes
    }
}

impl Inner {
    /// Updates the size of a run, unless somebody uses it.
    fn measure(&mut self, run: &RunId) {
        let Some(place) = self.places.get_mut(run) else { return };
        if Arc::strong_count(&place.slot) > 1 {
            return;
        }
        let Ok(slot) = place.slot.try_lock() else { return };
        let bytes = slot.loaded.as_ref().map_or(0, |loaded| loaded.bytes);
        let is_empty = slot.loaded.is_none() && slot.in_flight.is_empty();
        drop(slot);
        self.bytes = self.bytes - place.bytes + bytes;
        place.bytes = bytes;
        if is_empty {
            self.places.remove(run);
        }
    }

    /// Evicts runs that nobody uses, the least recently used first, until at most this many bytes
    /// remain.
    fn forget_idle(&mut self, most_bytes: usize) {
        let mut idle: Vec<(u64, RunId)> = self
            .places
            .iter()
            .filter(|(_, place)| place.is_idle())
            .map(|(run, place)| (place.used, run.clone()))
            .collect();
        idle.sort_unstable();
        for (_, run) in idle {
            if self.bytes <= most_bytes && most_bytes > 0 {
                return;
            }
            if let Some(place) = self.places.remove(&run) {
                self.bytes -= place.bytes;
            }
        }
    }
}

/// The size of stored events in bytes, which approximates their size in memory.
pub(super) fn bytes_of(events: &[EventRecord]) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    for event in events {
        // counting cannot fail, and an event that cannot be written is not stored either
        let _ = serde_json::to_writer(&mut count, event);
    }
    count.0
}
