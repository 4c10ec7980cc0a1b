//! How a run ends.

use super::super::event::Event;
use super::super::frame::FrameId;
use super::super::input::{Refusal, Reply};
use super::super::scope::RunScope;
use super::super::state::Progress;
use super::Decider;
use crate::base::Value;
use serde_json::Map;

impl Decider<'_> {
    pub(super) fn close(&mut self, status: String, message: Option<String>, by: Option<String>) {
        self.machine.rendered.clear();
        self.emit(Event::RunClosing { status, message, by });
    }

    /// Closes a run that has nothing left to do, ends one that has released everything.
    /// False where there is something left.
    pub(super) fn finish_run(&mut self) -> bool {
        let state = self.state();
        match &state.progress {
            Progress::Running if state.frame(FrameId::FLOW).live == 0 => self.close("completed".to_owned(), None, None),
            Progress::Closing { status, always: true }
                if state.frame(FrameId::ALWAYS).live == 0 && state.owned.is_empty() && state.abandoned.is_empty() =>
            {
                let event = Event::RunEnded {
                    status: status.clone(),
                    outputs: self.outputs(),
                };
                self.emit(event);
            }
            _ => return false,
        }
        true
    }

    /// What the run gives. An output that this end has no value for is left out.
    fn outputs(&self) -> Value {
        let scope = RunScope {
            plan: self.plan,
            state: self.state(),
            frame: FrameId::FLOW,
            now: self.now,
            event: None,
            results: None,
        };
        let outputs = self.plan.outputs.iter();
        let found = outputs.filter_map(|(name, tree)| Some((name.clone(), tree.eval(&scope).ok()?.0)));
        Value::Object(found.collect::<Map<_, _>>())
    }

    pub(super) fn cancel(&mut self, by: String, reason: String) -> Result<Reply, Refusal> {
        match &self.state().progress {
            Progress::Ended { status, .. } => Err(Refusal::RunEnded(status.clone())),
            Progress::Closing { .. } => Ok(Reply::AlreadyDone),
            Progress::Running => {
                self.close(
                    "cancelled".to_owned(),
                    Some(reason).filter(|text| !text.is_empty()),
                    Some(by),
                );
                Ok(Reply::Accepted)
            }
        }
    }
}
