//! The graph of one list of steps, and what is certain on every path through it.

use crate::plan::{Certainty, Edge, Index, Knowledge, Plan, PlanStep, StepId};

/// `steps` or `always` of a plan, as a graph.
#[derive(Debug)]
pub struct Paths<'a> {
    /// The steps.
    pub steps: &'a [PlanStep],
    /// Order, upstream and downstream.
    pub index: &'a Index,
    /// What is certain when each step starts.
    pub knowledge: Knowledge,
}

impl<'a> Paths<'a> {
    /// The graphs of `steps` and of `always`, in this order.
    pub fn of(plan: &'a Plan) -> [Self; 2] {
        [(&plan.steps, &plan.index), (&plan.always, &plan.always_index)].map(|(steps, index)| Self {
            steps,
            index,
            knowledge: Knowledge::of(steps, index),
        })
    }

    /// The step at the other end of an edge.
    pub fn from(&self, edge: &Edge) -> &'a PlanStep {
        &self.steps[edge.from.index()]
    }

    /// How the author names an edge, as `approval.approved`.
    pub fn name(&self, edge: &Edge) -> String {
        let from = &self.from(edge).id;
        edge.outcome
            .as_ref()
            .map_or_else(|| from.clone(), |outcome| format!("{from}.{outcome}"))
    }

    /// The outcomes that let the edge arrive. A skipped predecessor has none of them.
    pub fn outcomes(&self, edge: &Edge) -> Vec<&'a str> {
        let from = self.from(edge);
        match &edge.outcome {
            Some(outcome) => from
                .outcomes
                .keys()
                .filter(|name| *name == outcome)
                .map(String::as_str)
                .collect(),
            None => {
                let going_on = from.outcomes.iter().filter(|(_, disposition)| disposition.can_go_on());
                going_on.map(|(name, _)| name.as_str()).collect()
            }
        }
    }

    /// A step that would have to have two different outcomes for both edges to arrive.
    pub fn conflict(&self, a: &Edge, b: &Edge) -> Option<&'a PlanStep> {
        self.steps
            .iter()
            .find(|step| match (self.known(a, step.index), self.known(b, step.index)) {
                (Some(a), Some(b)) => !a.iter().any(|outcome| b.contains(outcome)),
                _ => false,
            })
    }

    /// How many of the edges can arrive in one run. Exact up to a few edges; beyond that, all.
    pub fn most_together(&self, edges: &[&Edge]) -> usize {
        const EXACT_UP_TO: usize = 8;
        if edges.len() > EXACT_UP_TO {
            return edges.len();
        }
        let mut conflicts = vec![0_u32; edges.len()];
        for (i, a) in edges.iter().enumerate() {
            for (j, b) in edges.iter().enumerate().filter(|(j, _)| *j != i) {
                if self.conflict(a, b).is_some() {
                    conflicts[i] |= 1 << j;
                }
            }
        }
        let compatible = |chosen: &u32| (0..edges.len()).all(|i| chosen & (1 << i) == 0 || chosen & conflicts[i] == 0);
        (0_u32..1 << edges.len())
            .filter(compatible)
            .map(u32::count_ones)
            .max()
            .unwrap_or(0) as usize
    }

    /// The outcomes that a step can have had when the edge arrives; nothing where it need not have
    /// finished.
    fn known(&self, edge: &Edge, step: StepId) -> Option<Vec<&'a str>> {
        if edge.from == step {
            let skippable = edge.outcome.is_none() && self.from(edge).condition.is_some();
            return (!skippable).then(|| self.outcomes(edge));
        }
        match self.knowledge.before(self.steps, edge.from, step) {
            Certainty::Sure(outcomes) => Some(outcomes),
            Certainty::Maybe => None,
        }
    }
}
