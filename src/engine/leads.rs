//! Where an outcome leads, given how often it led back already.

use super::frame::Slot;
use super::limits::MAX_ROUNDS;
use super::state::RunState;
use crate::plan::{Disposition, Plan};

/// Where an outcome leads this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leads<'p> {
    /// On, by every edge that does not name another outcome.
    On,
    /// On, by edges that name the outcome.
    Named,
    /// The run ends with this status, or the element.
    End(&'p str),
    /// A new round from `to` on; `depth` tells which of nested ways back it is.
    Back { to: Slot, depth: u32 },
    /// Nowhere.
    Nowhere,
}

/// Where `outcome` of the step at `slot` leads.
pub(super) fn leads<'p>(plan: &'p Plan, state: &RunState, slot: Slot, outcome: &str) -> Leads<'p> {
    let Some(mut disposition) = state.planned(plan, slot).outcomes.get(outcome) else {
        return Leads::Nowhere;
    };
    let mut depth = 0;
    loop {
        match disposition {
            Disposition::GoOn => return Leads::On,
            Disposition::Named => return Leads::Named,
            Disposition::Nowhere => return Leads::Nowhere,
            // `always` steps run once, whatever they come to.
            Disposition::End(_) | Disposition::BackTo { .. } if slot.is_always() => return Leads::Named,
            Disposition::End(status) => return Leads::End(status),
            Disposition::BackTo {
                target,
                max_rounds,
                then,
            } => {
                if taken(state, slot, outcome, depth).saturating_add(1) < (*max_rounds).min(MAX_ROUNDS) {
                    let to = slot.sibling(*target);
                    return Leads::Back { to, depth };
                }
                disposition = then;
                depth += 1;
            }
        }
    }
}

/// How often the way back was taken. The key is built only where one was.
fn taken(state: &RunState, slot: Slot, outcome: &str, depth: u32) -> u32 {
    let backs = &state.step(slot).backs;
    if backs.is_empty() {
        return 0;
    }
    backs.get(&(outcome.to_owned(), depth)).copied().unwrap_or(0)
}
