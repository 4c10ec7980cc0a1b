//! A new round of a step and everything downstream of it.
//!
//! A way back *calls* its target where what comes before that does not let it begin, because the run came into the
//! loop elsewhere. How it came there counts no more for what follows the target: it would begin beside it otherwise.

use super::super::frame::{Slot, downstream};
use super::super::scope::fields;
use super::super::state::{EdgeState, Phase, Task};
use super::graph::Joined;
use super::{Applier, Impossible};
use crate::base::Value;
use crate::plan::{Index, StepId};
use crate::spec::JoinSpec;
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
        let is_back = from == to || self.index(to).is_upstream(to.step, from.step);
        let round = self.new_round(to, is_back);
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
        let called = self.state.step(slot).called;
        self.new_round(slot, called);
        Ok(())
    }

    /// The graph of the list that the step stands in.
    fn index(&self, slot: Slot) -> &Index {
        self.plan.body(self.state.frame(slot.frame).body).index
    }

    /// A new round of the step at `to` and everything downstream; gives which steps that are, in order. Where it
    /// `calls`, the step begins whatever came before it.
    fn new_round(&mut self, to: Slot, calls: bool) -> Vec<Slot> {
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
        if calls {
            self.spend_past(to);
        }
        self.state.step_mut(to).called = calls && self.joined(to) != Joined::Ready;
        self.spend(to, &round);
        for &slot in &round {
            self.reconsider(slot);
        }
        self.turns_change(to.frame);
        round
    }

    /// What of the round of `to` comes after a called step begins by something that arrives anew.
    fn spend(&mut self, to: Slot, round: &[Slot]) {
        let called = self.state.step(to).called;
        for &slot in round.iter().filter(|slot| **slot != to) {
            self.spend_past(slot);
            if called {
                self.spend_edges(slot, &[to.step]);
            }
        }
    }

    /// The same for one step, whichever called step it is that it comes after.
    fn spend_past(&mut self, slot: Slot) {
        let index = self.index(slot);
        let steps = (0..).map(StepId).zip(&self.state.frame(slot.frame).steps);
        let called = steps.filter(|(id, step)| step.called && index.is_upstream(*id, slot.step));
        let called: Vec<StepId> = called.map(|(id, _)| id).collect();
        if !called.is_empty() {
            self.spend_edges(slot, &called);
        }
    }

    /// Lets one arrival be missing to a step that enough arrived at on ways that lead through none of `called`.
    fn spend_edges(&mut self, slot: Slot, called: &[StepId]) {
        let planned = self.state.planned(self.plan, slot);
        if planned.join == JoinSpec::All {
            return;
        }
        let needed = planned.join.needed(planned.after.len());
        let index = self.plan.body(self.state.frame(slot.frame).body).index;
        let through = |from: StepId| {
            let mut called = called.iter();
            called.any(|called| from == *called || index.is_upstream(*called, from))
        };
        let step = self.state.step_mut(slot);
        let edges = planned.after.iter().zip(&mut step.edges);
        let past = edges.filter(|(edge, state)| **state == EdgeState::Arrived && !through(edge.from));
        let past: Vec<&mut EdgeState> = past.map(|(_, state)| state).collect();
        let spent = (past.len() + 1).saturating_sub(needed);
        for state in past.into_iter().take(spent) {
            *state = EdgeState::Spent;
            step.arrived -= 1;
            step.dead += 1;
        }
    }

    /// What a step did that waits for something new, it did before any way back called a step: then every arrival
    /// counted. Journals of that time say so.
    pub(super) fn unspend(&mut self, slot: Slot) {
        let step = self.state.step_mut(slot);
        if step.phase != Phase::Pending || !step.edges.contains(&EdgeState::Spent) {
            return;
        }
        for edge in step.edges.iter_mut().filter(|edge| **edge == EdgeState::Spent) {
            *edge = EdgeState::Arrived;
            step.arrived += 1;
            step.dead -= 1;
        }
        self.reconsider(slot);
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
        step.called = false;
    }

    /// Edges from within the new round are open again; those from elsewhere stand as they came.
    fn forget_edges(&mut self, slot: Slot, round: &[Slot]) {
        let after = &self.state.planned(self.plan, slot).after;
        let step = self.state.step_mut(slot);
        for (edge, state) in after.iter().zip(&mut step.edges) {
            if round.binary_search(&slot.sibling(edge.from)).is_ok() {
                *state = EdgeState::Pending;
            } else if *state == EdgeState::Spent {
                *state = EdgeState::Arrived;
            }
        }
        step.arrived = step.edges.iter().filter(|edge| **edge == EdgeState::Arrived).count();
        step.dead = step.edges.iter().filter(|edge| **edge == EdgeState::Dead).count();
    }
}
