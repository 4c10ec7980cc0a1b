//! The runs of other flows that a run has started: its children.

use super::frame::Slot;
use super::state::{Alarm, Phase, RunState, TimerOf};
use super::work::WorkKey;
use crate::base::id::RunId;
use crate::plan::{Plan, PlanVerb};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Type of the event that tells of the end of a run.
pub const RUN_ENDED: &str = "gatefold.run_ended";

/// What started a run, where that was a step of another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parent {
    /// The other run.
    pub run: RunId,
    /// Its step, as its journal names it.
    pub step: String,
    /// How many runs stand above this one.
    pub depth: u32,
}

impl RunState {
    /// The run that the step at `slot` starts in this round. It follows from the step, so that no
    /// second one is started, whatever stops in between.
    pub(super) fn child(&self, plan: &Plan, slot: Slot) -> RunId {
        let key = WorkKey::of_step(&self.run, &self.name(plan, slot), self.step(slot).round);
        RunId::derived(&key.0)
    }

    /// The step that waits for the end of `run`, or is starting it.
    pub(super) fn waits_for(&self, plan: &Plan, run: &str) -> Option<Slot> {
        let of_step = |slot: Slot| match self.get(slot).map(|step| &step.phase)? {
            Phase::Child(child) => (child.as_str() == run).then_some(slot),
            _ => None,
        };
        let owner = self.owned.get(run).and_then(|thing| thing.chain.first().copied());
        owner.and_then(of_step).or_else(|| {
            let mut starting = self.starting(plan);
            starting.find(|slot| self.child(plan, *slot).as_str() == run)
        })
    }

    /// The steps that are starting the run of another flow, or of which a person must find out
    /// whether they have: the run may be there, and its end may be told first.
    pub(super) fn starting<'s>(&'s self, plan: &'s Plan) -> impl Iterator<Item = Slot> + 's {
        let is_it = |slot: &Slot| {
            matches!(self.step(*slot).phase, Phase::Calling(_))
                && matches!(self.planned(plan, *slot).verb, PlanVerb::Run(_))
        };
        let retried = self.timers.iter().filter_map(|timer| match timer.of {
            TimerOf::Step(slot) if timer.alarm == Alarm::Retry => Some(slot),
            _ => None,
        });
        let stopped = self.incidents.keys().filter_map(|name| self.find(plan, name));
        let slots = self.working.iter().copied().chain(retried).chain(stopped);
        slots.filter(is_it)
    }
}
