//! Ways back that begin their target whatever came before it.
//!
//! A step that a way back leads to, and that need not have been reached by then, knows no more when it begins than
//! what is known where the way back begins, of what comes before both.

use super::{Finished, Index, Knowledge, Outcomes, StepSet, joined};
use crate::plan::{Disposition, PlanStep, StepId};

/// A way back: after an outcome of one step to another one that comes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WayBack {
    /// The step whose outcome leads back.
    pub from: StepId,
    /// Which of its outcomes, by position.
    pub outcome: usize,
    /// The step that is done again.
    pub to: StepId,
}

/// Every way back of the list that leads to an earlier step.
fn ways_back(steps: &[PlanStep], index: &Index) -> Vec<WayBack> {
    let mut all = Vec::new();
    for step in steps {
        for (outcome, disposition) in step.outcomes.values().enumerate() {
            let mut next = disposition;
            while let Disposition::BackTo { target, then, .. } = next {
                if index.is_upstream(*target, step.index) {
                    all.push(WayBack {
                        from: step.index,
                        outcome,
                        to: *target,
                    });
                }
                next = then;
            }
        }
    }
    all
}

impl Knowledge {
    /// Takes away what is not known where a way back begins a step that need not have been reached, and from all that
    /// comes after it, until nothing changes: knowledge only shrinks, so that it ends.
    pub(super) fn shrink(&mut self, steps: &[PlanStep], index: &Index) {
        let backs = ways_back(steps, index);
        let mut stale = vec![false; steps.len()];
        for back in backs.iter().filter(|back| self.calls(back)) {
            stale[back.to.index()] = true;
        }
        if stale.contains(&true) {
            self.plain.clone_from(&self.known);
        }
        while stale.contains(&true) {
            for &id in &index.order {
                if !std::mem::take(&mut stale[id.index()]) {
                    continue;
                }
                let known = self.begun(steps, index, id, &backs);
                if known == self.known[id.index()] {
                    continue;
                }
                self.known[id.index()] = known;
                let back = backs.iter().filter(|back| back.from == id).map(|back| back.to);
                for next in index.edges_out(id).map(|(next, _)| next).chain(back) {
                    stale[next.index()] = true;
                }
            }
        }
        self.calling = backs.into_iter().filter(|back| self.calls(back)).collect();
    }

    /// Whether the way back may lead to a step that was not reached.
    fn calls(&self, back: &WayBack) -> bool {
        let known = self.known[back.from.index()].as_ref();
        known.is_some_and(|known| known[back.to.index()] == 0)
    }

    /// What is known when the step begins, by its join or by a way back.
    fn begun(&self, steps: &[PlanStep], index: &Index, id: StepId, backs: &[WayBack]) -> Option<Finished> {
        let step = &steps[id.index()];
        let arriving = step.after.iter().filter_map(|edge| self.along(steps, edge).ok());
        let mut all = joined(step, arriving.collect(), steps.len());
        for back in backs.iter().filter(|back| back.to == id && self.calls(back)) {
            if let Some(known) = self.along_back(index, back) {
                all = Some(match all {
                    Some(others) => either(others, known),
                    None => known,
                });
            }
        }
        all
    }

    /// What is known where the way back begins, of what comes before its target. The rest does not count: a new
    /// round of it begins with the target's, or may begin while the target is under way.
    fn along_back(&self, index: &Index, back: &WayBack) -> Option<Finished> {
        let known = self.known[back.from.index()].as_ref()?;
        let above: &StepSet = &index.upstream[back.to.index()];
        let kept = known
            .iter()
            .zip(0..)
            .map(|(outcomes, at)| if above.contains(StepId(at)) { *outcomes } else { 0 });
        Some(kept.collect())
    }

    /// The way back because of which it is not sure that `other` has finished whenever `step` starts: without it, it
    /// would be.
    pub fn led_past(&self, index: &Index, step: StepId, other: StepId) -> Option<WayBack> {
        let is_sure = |of: &[Option<Finished>]| {
            let known = of.get(step.index()).and_then(Option::as_ref);
            known.is_some_and(|known| known[other.index()] != 0)
        };
        if !is_sure(&self.plain) || is_sure(&self.known) {
            return None;
        }
        let past = |back: &&WayBack| {
            let leads_here = back.to == step || index.is_upstream(back.to, step);
            let known = self.along_back(index, back);
            leads_here && known.is_some_and(|known| known[other.index()] == 0)
        };
        // one that does not have the other step done again, if there is one
        let mut all = self.calling.iter().filter(past);
        let missing = |back: &&WayBack| back.to != other && !index.is_upstream(back.to, other);
        all.clone().find(missing).or_else(|| all.next()).copied()
    }

    /// By step, whether it comes after one that a way back may begin whatever came before that.
    pub(super) fn after_called(&self, index: &Index, count: usize) -> Vec<bool> {
        let mut after = vec![false; count];
        for back in &self.calling {
            for step in index.downstream[back.to.index()].iter() {
                after[step.index()] = true;
            }
        }
        after
    }

    /// Whether enough of what is sure to arrive at the step leads through every step before it that a way back may
    /// begin: what arrived on other ways before does not begin it again.
    pub(super) fn arrives_anew(&self, index: &Index, step: StepId, arriving: &[StepId]) -> bool {
        let mut called = self.calling.iter().map(|back| back.to);
        called.all(|called| {
            let through = |from: &StepId| *from == called || index.is_upstream(called, *from);
            !index.is_upstream(called, step) || arriving.iter().any(through)
        })
    }
}

/// What holds on both ways.
pub(super) fn either(one: Finished, other: Finished) -> Finished {
    let both = |(one, other): (Outcomes, Outcomes)| if one == 0 || other == 0 { 0 } else { one | other };
    one.into_iter().zip(other).map(both).collect()
}

impl WayBack {
    /// The name of the outcome that leads back.
    pub fn outcome<'a>(&self, steps: &'a [PlanStep]) -> &'a str {
        let name = steps[self.from.index()].outcomes.get_index(self.outcome);
        name.map_or("", |(name, _)| name.as_str())
    }
}
