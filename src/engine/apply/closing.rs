//! The end of a run: cancel, release, `always` steps, over.

use super::super::frame::{FrameId, Slot};
use super::super::state::{Phase, Progress};
use super::{Applier, Impossible};
use crate::base::Value;

impl Applier<'_> {
    pub(super) fn closing(&mut self, status: &str) -> Result<(), Impossible> {
        if !self.state.is_running() {
            return Err("the run is closing already".to_owned());
        }
        for step in &self.plan.steps {
            let slot = Slot {
                frame: FrameId::FLOW,
                step: step.index,
            };
            if self.state.step(slot).phase.is_over() {
                continue;
            }
            self.cancel(slot);
            self.state.step_mut(slot).phase = Phase::Cancelled;
            self.over(slot);
        }
        self.state.progress = Progress::Closing {
            status: status.to_owned(),
            always: false,
        };
        self.state.frame_mut(FrameId::FLOW).ending = None;
        self.state.jumps.clear();
        self.state.owned.release_all();
        Ok(())
    }

    pub(super) fn ended(&mut self, status: &str, outputs: &Value) -> Result<(), Impossible> {
        if !matches!(self.state.progress, Progress::Closing { always: true, .. })
            || self.state.frame(FrameId::ALWAYS).live > 0
            || !self.state.owned.is_empty()
        {
            return Err("the run has not released everything or runs `always` steps".to_owned());
        }
        self.state.progress = Progress::Ended {
            status: status.to_owned(),
            outputs: outputs.clone(),
        };
        self.state.ended_at = Some(self.at);
        Ok(())
    }

    /// What follows by itself while a run closes: `always` steps begin once everything is
    /// released, and what they acquire is released once they are over.
    pub(super) fn advance(&mut self) {
        let Progress::Closing { always, .. } = &mut self.state.progress else {
            return;
        };
        let released = self.state.owned.is_empty() && self.state.abandoned.is_empty();
        if !*always && released {
            *always = true;
            self.begin_list(FrameId::ALWAYS);
        }
        let over = self.state.frame(FrameId::ALWAYS).live == 0;
        if over && matches!(self.state.progress, Progress::Closing { always: true, .. }) {
            self.state.owned.release_all();
        }
    }
}
