//! What a run owns and will release.

use super::frame::{FrameId, Slot};
use super::state::Tries;
use crate::plan::{BodyId, StepId};
use std::collections::{BTreeMap, BTreeSet};

/// A thing of the run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Owned {
    pub(super) kind: String,
    pub(super) id: String,
    /// The step that acquired it, as the plan has it.
    pub(super) place: (BodyId, StepId),
    /// The step that acquired it and every `each` around it.
    pub(super) chain: Vec<Slot>,
    pub(super) tries: Tries,
    /// Whether it was a request, and everything was given that it asked for.
    pub(super) complete: bool,
}

/// All of them, in the order of acquisition. Looking one up by its id does not walk the others: a
/// run over many elements owns many.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Holdings {
    things: BTreeMap<u64, Owned>,
    by_id: BTreeMap<String, u64>,
    /// Those that are to be released now.
    releasing: BTreeSet<u64>,
    next: u64,
}

impl Holdings {
    pub(super) fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// In the order of acquisition.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Owned> {
        self.things.values()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Owned> {
        self.things.get(self.by_id.get(id)?)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Owned> {
        self.things.get_mut(self.by_id.get(id)?)
    }

    /// Whether the thing is to be released now.
    pub(super) fn is_releasing(&self, id: &str) -> bool {
        self.by_id.get(id).is_some_and(|at| self.releasing.contains(at))
    }

    /// Those that are to be released now, the one acquired last first.
    pub(super) fn releasing(&self) -> impl Iterator<Item = &Owned> {
        self.releasing.iter().rev().filter_map(|at| self.things.get(at))
    }

    /// Takes over a thing that is not there yet.
    pub(super) fn add(&mut self, thing: Owned, releasing: bool) {
        let at = self.next;
        if self.by_id.contains_key(&thing.id) {
            return;
        }
        self.next += 1;
        self.by_id.insert(thing.id.clone(), at);
        self.things.insert(at, thing);
        if releasing {
            self.releasing.insert(at);
        }
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Owned> {
        let at = self.by_id.remove(id)?;
        self.releasing.remove(&at);
        self.things.remove(&at)
    }

    /// Everything is to be released.
    pub(super) fn release_all(&mut self) {
        self.releasing = self.things.keys().copied().collect();
    }

    /// This one is to be released.
    pub(super) fn release(&mut self, id: &str) {
        self.releasing.extend(self.by_id.get(id));
    }

    /// What these steps acquired, or what stands inside them, is to be released.
    pub(super) fn release_of(&mut self, is_it: impl Fn(Slot) -> bool) {
        let found = self
            .things
            .iter()
            .filter(|(_, thing)| thing.chain.iter().any(|slot| is_it(*slot)));
        self.releasing.extend(found.map(|(at, _)| *at));
    }

    /// Everything was given that this step asked for.
    pub(super) fn complete(&mut self, slot: Slot) {
        let mut newest = self.things.values_mut().rev();
        if let Some(thing) = newest.find(|thing| thing.chain.contains(&slot)) {
            thing.complete = true;
        }
    }

    /// What these elements acquired is to be released.
    pub(super) fn release_of_elements(&mut self, elements: &BTreeSet<FrameId>) {
        if !elements.is_empty() {
            self.release_of(|slot| elements.contains(&slot.frame));
        }
    }
}
