//! A run that goes by another version of its flow: the events before were applied by its plan already.

use super::super::frame::{Slot, slots};
use super::super::state::{Phase, RunState};
use super::super::view::TaskPhase;
use super::{Applier, Impossible};
use crate::base::Value;
use serde_json::Map;
use std::sync::Arc;

impl Applier<'_> {
    /// What the run gets with the version, and from when the time counts of what the version lets begin.
    pub(super) fn migrated(
        &mut self,
        inputs: &Map<String, Value>,
        settings: &Map<String, Value>,
        values: &Map<String, Value>,
    ) -> Result<(), Impossible> {
        if !self.state.is_running() {
            return Err("the run is over or about to be".to_owned());
        }
        if let Value::Object(given) = Arc::make_mut(&mut self.state.inputs) {
            given.extend(inputs.clone());
        }
        self.state.settings.extend(settings.clone());
        let known = values.iter().filter(|(name, _)| self.plan.values.contains_key(*name));
        let known: Vec<_> = known.map(|(name, value)| (name.clone(), value.clone())).collect();
        self.state.values.extend(known);
        for slot in not_opened(self.state) {
            self.state.step_mut(slot).since = self.at;
        }
        // lists show the tasks as the version has them
        let open = (0..self.state.tasks.len()).filter(|at| self.state.tasks[*at].phase == TaskPhase::Open);
        for at in open.collect::<Vec<_>>() {
            self.touch_at(at);
        }
        Ok(())
    }
}

/// Steps that may begin and of which nothing is recorded.
fn not_opened(state: &RunState) -> Vec<Slot> {
    let all = state.frames.iter().flat_map(|(id, frame)| slots(id, frame));
    all.filter(|(_, step)| step.phase == Phase::Ready)
        .map(|(slot, _)| slot)
        .collect()
}
