//! The graph of one list of steps, and what is certain on every path through it.

use crate::plan::{Body, Completion, Edge, Index, Knowledge, Plan, PlanStep, StepId};

/// One list of steps of a plan, as a graph.
#[derive(Debug)]
pub struct Paths<'a> {
    /// The steps.
    pub steps: &'a [PlanStep],
    /// Order, upstream and downstream.
    pub index: &'a Index,
    /// What is certain when each step starts.
    pub knowledge: Knowledge,
    /// What is certain when the run is completed.
    pub completion: Completion,
}

impl<'a> Paths<'a> {
    /// The graphs of all lists, in the order of `Plan::bodies`.
    pub fn of(plan: &'a Plan) -> Vec<Self> {
        let of_body = |body: Body<'a>| {
            let knowledge = Knowledge::of(body.steps, body.index);
            Self {
                steps: body.steps,
                index: body.index,
                completion: Completion::of(body.steps, body.index, &knowledge),
                knowledge,
            }
        };
        plan.bodies().map(of_body).collect()
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

    /// A step that would have to have two different outcomes for both edges to arrive.
    pub fn conflict(&self, a: &Edge, b: &Edge) -> Option<&'a PlanStep> {
        self.steps.iter().find(|step| self.is_torn(step.index, a, b))
    }

    /// Two of the edges that cannot both arrive, and the step that would have to have two different
    /// outcomes for it.
    pub fn torn<'e>(&self, edges: &'e [Edge]) -> Option<(&'e Edge, &'e Edge, &'a PlanStep)> {
        // What all edges agree on needs no look at each pair of them.
        let torn = |step: &&PlanStep| {
            let known = edges.iter().filter_map(|edge| self.known(edge, step.index));
            known.fold(u128::MAX, |all, outcomes| all & outcomes) == 0
        };
        let pairs = || {
            edges
                .iter()
                .enumerate()
                .flat_map(|(i, a)| edges[i + 1..].iter().map(move |b| (a, b)))
        };
        let mut steps = self.steps.iter().filter(torn);
        steps.find_map(|step| {
            let (a, b) = pairs().find(|(a, b)| self.is_torn(step.index, a, b))?;
            Some((a, b, step))
        })
    }

    fn is_torn(&self, step: StepId, a: &Edge, b: &Edge) -> bool {
        match (self.known(a, step), self.known(b, step)) {
            (Some(a), Some(b)) => a & b == 0,
            _ => false,
        }
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

    /// The outcomes that a step can have had when the edge arrives, a bit for each; nothing where it
    /// need not have finished.
    fn known(&self, edge: &Edge, step: StepId) -> Option<u128> {
        self.knowledge.when_arrived(self.steps, edge, step)
    }
}
