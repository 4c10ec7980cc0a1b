//! What had to come before, by the other version.

use super::Check;
use crate::engine::apply::graph::{Joined, joined};
use crate::engine::frame::{FrameId, slots};
use crate::engine::state::{EdgeState, Phase, StepState};
use crate::plan::{Disposition, Edge, PlanStep, StepId};

/// How an edge of the other version stands.
enum Stands {
    Arrived,
    /// It has not arrived, under this name; whether it never will.
    Missing(String, bool),
    /// Where its outcome led back or to an end, which replay tells.
    Unclear,
}

impl Check<'_> {
    /// Whether every step that was begun could have been by the order of the other version.
    pub(super) fn order(&mut self) {
        let old = self.old;
        for (id, frame) in old.state.frames.iter() {
            for (slot, step) in slots(id, frame) {
                if matches!(
                    step.phase,
                    Phase::Pending | Phase::NotReached | Phase::Ready | Phase::Cancelled
                ) {
                    continue;
                }
                let before = old.state.planned(&old.plan, slot);
                if let Some(there) = self.there(&before.id) {
                    let why = self.out_of_order((id, before, step), there);
                    if let Some(why) = why {
                        self.at_step(&before.id, why);
                    }
                }
            }
        }
    }

    /// Whether what steps came to leads on by the other version where it led on so far.
    pub(super) fn ways(&mut self) {
        let old = self.old;
        for (id, frame) in old.state.frames.iter() {
            for (slot, step) in slots(id, frame) {
                let before = old.state.planned(&old.plan, slot);
                let Some((outcome, there)) = step.outcome().zip(self.there(&before.id)) else {
                    continue;
                };
                let ends =
                    |way: Option<&Disposition>| matches!(way, Some(Disposition::End(_) | Disposition::BackTo { .. }));
                let (was, is) = (before.outcomes.get(outcome), there.outcomes.get(outcome));
                if ends(was) || !ends(is) {
                    continue;
                }
                let what = match is {
                    Some(Disposition::BackTo { target, .. }) => format!("goes back to {}", self.beside(there, *target)),
                    Some(Disposition::End(status)) => format!("ends as {status}"),
                    _ => continue,
                };
                let why = format!("it came to {outcome}, after which {} {what}", self.version());
                self.at_step(&before.id, why);
            }
        }
    }

    /// The id of another step of the list that `step` stands in.
    fn beside(&self, step: &PlanStep, other: StepId) -> &str {
        let list = self.to.find(&step.id).map(|(body, _)| self.to.body(body));
        list.map_or("", |list| list.step(other).id.as_str())
    }

    fn out_of_order(&self, now: (FrameId, &PlanStep, &StepState), there: &PlanStep) -> Option<String> {
        if now.2.called {
            // It began whatever came before it: replay tells whether a way back calls it there too.
            return None;
        }
        let (mut arrived, mut dead, mut missing) = (0, 0, Vec::new());
        for edge in &there.after {
            match self.edge(now, there, edge)? {
                Stands::Arrived => arrived += 1,
                Stands::Missing(what, never) => {
                    dead += usize::from(never);
                    missing.push(what);
                }
                Stands::Unclear => return None,
            }
        }
        if joined(there.join, there.after.len(), arrived, dead) == Joined::Ready {
            return None;
        }
        Some(format!(
            "the run has begun it, and in {} it comes after {}, which the run has not done",
            self.version(),
            missing.join(" and ")
        ))
    }

    /// How an edge into `to` stands: as it does now where there is one like it, or as what the run has done
    /// would make it.
    fn edge(&self, now: (FrameId, &PlanStep, &StepState), to: &PlanStep, edge: &Edge) -> Option<Stands> {
        let (frame, before, step) = now;
        let (body, _) = self.to.find(&to.id)?;
        let from = self.to.body(body).step(edge.from);
        let named = match &edge.outcome {
            Some(outcome) => format!("{}.{outcome}", from.id),
            None => from.id.clone(),
        };
        let list = self.old.plan.body(self.old.state.frame(frame).body);
        let is_like = |one: &Edge| list.step(one.from).id == self.source(&from.id) && one.outcome == edge.outcome;
        if let Some(at) = before.after.iter().position(is_like) {
            return Some(match step.edges[at] {
                EdgeState::Arrived | EdgeState::Spent => Stands::Arrived,
                other => Stands::Missing(named, other == EdgeState::Dead),
            });
        }
        Some(match self.stands(frame, &from.id) {
            Some(step) => arrives(step, from, edge).unwrap_or(Stands::Missing(named, step.phase.is_over())),
            None => Stands::Missing(named, false),
        })
    }

    /// How the step of the other version called `id` stands now, in the list `frame`.
    fn stands(&self, frame: FrameId, id: &str) -> Option<&StepState> {
        let list = self.old.state.frame(frame);
        let step = self.old.plan.body(list.body).find(self.source(id))?;
        list.steps.get(step.index())
    }
}

fn arrives(step: &StepState, from: &PlanStep, edge: &Edge) -> Option<Stands> {
    let wanted = edge.outcome.as_deref();
    if step.phase == Phase::Skipped {
        return wanted.is_none().then_some(Stands::Arrived);
    }
    let outcome = step.outcome()?;
    match from.outcomes.get(outcome) {
        Some(Disposition::GoOn) if wanted.is_none_or(|wanted| wanted == outcome) => Some(Stands::Arrived),
        Some(Disposition::Named | Disposition::Nowhere) if wanted == Some(outcome) => Some(Stands::Arrived),
        Some(Disposition::End(_) | Disposition::BackTo { .. }) => Some(Stands::Unclear),
        _ => None,
    }
}
