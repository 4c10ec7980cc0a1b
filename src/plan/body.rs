//! The lists of steps that a plan is made of: the flow's, the `always` steps, and those inside each
//! `each`. Whoever looks at all steps of a flow goes through here, so that none is passed over.

use super::{Index, Plan, PlanStep, StepId};
use std::collections::HashMap;

/// One of the lists of steps of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyId(pub u32);

impl BodyId {
    /// The steps of the flow.
    pub const FLOW: Self = Self(0);
    /// The `always` steps.
    pub const ALWAYS: Self = Self(1);

    /// The position in `Plan::bodies`.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The body of the `each` at this position in `Plan::eaches`.
    pub(super) fn of_each(position: usize) -> Self {
        Self(u32::try_from(position + 2).expect("a file of 1 MiB has fewer steps"))
    }
}

/// The steps inside an `each`.
#[derive(Clone, Debug)]
pub struct EachBody {
    /// The list that the `each` stands in, and where in it.
    pub outer: (BodyId, StepId),
    /// The steps, in the order of the file.
    pub steps: Vec<PlanStep>,
    /// Order, upstream and downstream of them.
    pub index: Index,
}

/// A list of steps, looked at.
#[derive(Clone, Copy, Debug)]
pub struct Body<'p> {
    /// Which.
    pub id: BodyId,
    /// The steps, in the order of the file.
    pub steps: &'p [PlanStep],
    /// Order, upstream and downstream of them.
    pub index: &'p Index,
    /// The `each` that it is inside of.
    pub outer: Option<(BodyId, StepId)>,
}

impl Plan {
    /// One list of steps.
    ///
    /// # Panics
    /// If `id` is of another plan.
    pub fn body(&self, id: BodyId) -> Body<'_> {
        let (steps, index, outer) = match id {
            BodyId::FLOW => (&self.steps, &self.index, None),
            BodyId::ALWAYS => (&self.always, &self.always_index, None),
            BodyId(other) => {
                let each = &self.eaches[other as usize - 2];
                (&each.steps, &each.index, Some(each.outer))
            }
        };
        Body {
            id,
            steps,
            index,
            outer,
        }
    }

    /// Every list of steps: the flow's, the `always` steps, then those inside each `each`, the outer
    /// ones first.
    pub fn bodies(&self) -> impl Iterator<Item = Body<'_>> {
        let eaches = (0..self.eaches.len()).map(BodyId::of_each);
        [BodyId::FLOW, BodyId::ALWAYS]
            .into_iter()
            .chain(eaches)
            .map(|id| self.body(id))
    }

    /// Every step, wherever it stands.
    pub fn all_steps(&self) -> impl Iterator<Item = &PlanStep> {
        self.bodies().flat_map(|body| body.steps)
    }

    /// Where each step stands. The first of two with one id is the one that counts.
    pub(super) fn place_steps(&self) -> HashMap<String, (BodyId, StepId)> {
        let mut positions = HashMap::new();
        for body in self.bodies() {
            for step in body.steps {
                positions.entry(step.id.clone()).or_insert((body.id, step.index));
            }
        }
        positions
    }

    /// Where the step called `id` stands.
    pub fn find(&self, id: &str) -> Option<(BodyId, StepId)> {
        self.positions.get(id).copied()
    }

    /// Whether the list `inner` is `outer` or stands inside it, however deep; and if so, which step
    /// of `outer` it stands in.
    pub fn within(&self, inner: BodyId, outer: BodyId) -> Option<Option<StepId>> {
        let (mut at, mut step) = (inner, None);
        while at != outer {
            let (above, each) = self.body(at).outer?;
            (at, step) = (above, Some(each));
        }
        Some(step)
    }
}

impl<'p> Body<'p> {
    /// The step of this list called `id`.
    pub fn find(&self, id: &str) -> Option<StepId> {
        self.steps.iter().find(|step| step.id == id).map(|step| step.index)
    }

    /// One of its steps.
    pub fn step(&self, step: StepId) -> &'p PlanStep {
        &self.steps[step.index()]
    }
}
