//! Steps that share a lock: of these one at most is under way.
//!
//! Who holds a lock is no event: it is the step that was ready first, and in one event the one that
//! became ready first in the order of the file.

use super::super::frame::Slot;
use super::super::state::Phase;
use super::Applier;
use std::collections::VecDeque;

impl Applier<'_> {
    /// Lines the step up for its lock, if it has one.
    pub(super) fn queue(&mut self, slot: Slot) {
        let Some(lock) = &self.state.planned(self.plan, slot).lock else {
            return;
        };
        let queue = self.state.locks.entry(lock.name.clone()).or_default();
        if !queue.contains(&slot) {
            queue.push_back(slot);
        }
    }

    /// The step no longer waits for its lock. One that holds it gives it up when the event is over.
    pub(super) fn queue_no_more(&mut self, slot: Slot) {
        if self.state.has_lock(self.plan, slot) {
            return;
        }
        if let Some(lock) = &self.state.planned(self.plan, slot).lock
            && let Some(queue) = self.state.locks.get_mut(&lock.name)
        {
            queue.retain(|one| *one != slot);
        }
    }

    /// Gives locks of steps that are over to those who wait for them. Time counts for a step from
    /// when it has its lock.
    pub(super) fn pass_locks_on(&mut self) {
        let names: Vec<String> = self.state.locks.keys().cloned().collect();
        for name in names {
            let mut passed = false;
            while let Some(&holder) = self.state.locks.get(&name).and_then(|queue| queue.front()) {
                if self.holds(holder) {
                    if passed && self.state.has_turn(holder) {
                        self.state.step_mut(holder).since = self.at;
                        self.begin(holder);
                    }
                    break;
                }
                passed = true;
                if let Some(queue) = self.state.locks.get_mut(&name) {
                    queue.pop_front();
                }
            }
            if self.state.locks.get(&name).is_some_and(VecDeque::is_empty) {
                self.state.locks.remove(&name);
            }
        }
    }

    /// Whether the step at the head of its queue still wants the lock: it is not over, or what it
    /// keeps the lock for is not.
    fn holds(&self, slot: Slot) -> bool {
        let Some(step) = self.state.get(slot) else {
            return false;
        };
        let until = self.planned(slot).lock.as_ref().and_then(|lock| lock.until);
        match &step.phase {
            Phase::Pending | Phase::NotReached | Phase::Cancelled => false,
            Phase::Finished(_) | Phase::Skipped => {
                until.is_some_and(|until| !self.state.step(slot.sibling(until)).phase.is_over())
            }
            _ => true,
        }
    }
}
