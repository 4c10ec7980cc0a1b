//! Which outcomes of a flow its cases come to.

use crate::plan::{Disposition, Plan};
use std::collections::BTreeSet;

/// Outcomes that are tested, and those that never are.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Coverage {
    /// How many outcomes the flow has.
    pub outcomes: usize,
    /// Step and outcome, in the order of the flow, that no case comes to.
    pub untested: Vec<(String, String)>,
}

impl Coverage {
    /// Of `plan`, whose cases came to `seen`. That an action fails counts where the flow says what happens then.
    pub fn of(plan: &Plan, seen: &BTreeSet<(String, String)>) -> Self {
        let mut coverage = Self::default();
        for step in plan.bodies().flat_map(|body| body.steps) {
            let written = step
                .outcomes
                .iter()
                .filter(|(_, disposition)| **disposition != Disposition::Nowhere);
            for (outcome, _) in written {
                coverage.outcomes += 1;
                let pair = (step.id.clone(), outcome.clone());
                if !seen.contains(&pair) {
                    coverage.untested.push(pair);
                }
            }
        }
        coverage
    }

    /// Tested outcomes of a hundred, rounded down.
    pub fn percent(&self) -> usize {
        match self.outcomes {
            0 => 100,
            outcomes => (outcomes - self.untested.len()) * 100 / outcomes,
        }
    }
}
