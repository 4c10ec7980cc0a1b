//! A new round of a step and everything downstream of it.

use super::super::frame::{Slot, downstream};
use super::super::scope::fields;
use super::super::state::{EdgeState, Phase, Task};
use super::{Applier, Impossible};
use crate::base::Value;
use std::sync::Arc;

impl Applier<'_> {
    pub(super) fn went_back(&mut self, from: &str, outcome: &str, to: &str) -> Result<(), Impossible> {
        let (from, to) = (self.slot(from)?, self.slot(to)?);
        let jump = self
            .state
            .jumps
            .iter()
            .position(|jump| jump.from == from && jump.to == to && jump.outcome == outcome)
            .and_then(|at| self.state.jumps.remove(at))
            .ok_or_else(|| format!("{outcome} did not lead back"))?;
        *self
            .state
            .step_mut(from)
            .backs
            .entry((jump.outcome, jump.depth))
            .or_insert(0) += 1;
        let round = self.new_round(to);
        if round.binary_search(&from).is_err() {
            // A way back that is not one: the step is over and its outcome goes nowhere.
            self.propagate(from);
        }
        Ok(())
    }

    /// Somebody has the step done again that their task was of.
    pub(super) fn redone(&mut self, task: usize) -> Result<(), Impossible> {
        let Task { slot, round, .. } = self.state.tasks[task];
        let settled = self.state.get(slot).filter(|step| step.round == round);
        if !settled.is_some_and(|step| matches!(step.phase, Phase::Finished(_))) {
            return Err(format!("step {} is not finished", self.state.tasks[task].step));
        }
        self.state.step_mut(slot).redone += 1;
        self.new_round(slot);
        Ok(())
    }

    /// A new round of the step at `to` and everything downstream; gives which steps that are, in order.
    fn new_round(&mut self, to: Slot) -> Vec<Slot> {
        let mut round = downstream(self.plan, self.state.frame(to.frame).body, to);
        round.push(to);
        round.sort_unstable();
        for &slot in &round {
            self.reset(slot);
        }
        self.state.jumps.retain(|jump| round.binary_search(&jump.from).is_err());
        self.state.owned.release_of(|slot| round.binary_search(&slot).is_ok());
        for &slot in &round {
            self.forget_edges(slot, &round);
        }
        for &slot in &round {
            self.reconsider(slot);
        }
        self.turns_change(to.frame);
        round
    }

    /// Ends the step's round, whatever it is at.
    fn reset(&mut self, slot: Slot) {
        // an `each` that the run went on past has one before it is over
        let outcome = self.state.step(slot).outcome().map(str::to_owned);
        self.cancel(slot);
        if self.state.step(slot).phase.is_over() {
            self.again(slot);
        }
        let step = self.state.step_mut(slot);
        if let Some(outcome) = &outcome {
            let round = Value::Object(fields(outcome, &step.output));
            Arc::make_mut(&mut step.rounds).push(Arc::new(round));
        }
        step.output = Arc::default();
        step.added.clear();
        step.phase = Phase::Pending;
        step.round += 1;
    }

    /// Edges from within the new round are open again.
    fn forget_edges(&mut self, slot: Slot, round: &[Slot]) {
        let after = &self.state.planned(self.plan, slot).after;
        let step = self.state.step_mut(slot);
        for (edge, state) in after.iter().zip(&mut step.edges) {
            if round.binary_search(&slot.sibling(edge.from)).is_ok() {
                *state = EdgeState::Pending;
            }
        }
        step.arrived = step.edges.iter().filter(|edge| **edge == EdgeState::Arrived).count();
        step.dead = step.edges.iter().filter(|edge| **edge == EdgeState::Dead).count();
    }
}
