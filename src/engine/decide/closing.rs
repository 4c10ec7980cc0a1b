//! How a run ends.

use super::super::event::{Event, OUTPUTS};
use super::super::frame::FrameId;
use super::super::input::{Refusal, Reply};
use super::super::limits::shorten;
use super::super::scope::RunScope;
use super::super::state::Progress;
use super::Decider;
use crate::base::Value;
use crate::expr::Tree;
use serde_json::Map;
use std::collections::BTreeMap;

/// What a run or an element gives.
pub(super) struct Outputs {
    pub(super) values: Map<String, Value>,
    /// Those that could not be computed, and why.
    pub(super) failed: BTreeMap<String, String>,
}

/// The values of `written`. One that is missing is left out; one that cannot be computed has failed.
pub(super) fn outputs(written: &[(String, Tree)], scope: &RunScope<'_>) -> Outputs {
    let (mut values, mut failed) = (Map::new(), BTreeMap::new());
    for (name, tree) in written {
        match tree.eval(scope) {
            Ok((value, _)) => {
                values.insert(name.clone(), value);
            }
            Err(error) if error.is_missing => {}
            Err(error) => {
                failed.insert(name.clone(), shorten(&error.message));
            }
        }
    }
    Outputs { values, failed }
}

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
            Progress::Running if state.frame(FrameId::FLOW).live == 0 => return self.complete_run(),
            Progress::Closing { status, always: true }
                if state.frame(FrameId::ALWAYS).live == 0 && state.owned.is_empty() && state.abandoned.is_empty() =>
            {
                let Outputs { values, failed } = self.outputs();
                let event = Event::RunEnded {
                    status: status.clone(),
                    outputs: Value::Object(values),
                    failed_outputs: failed,
                };
                self.emit(event);
            }
            _ => return false,
        }
        true
    }

    /// Closes a run with nothing left to do as completed. One whose outputs cannot be computed waits for a person.
    fn complete_run(&mut self) -> bool {
        let state = self.state();
        if state.semantics.has_strict_values() && !state.ends_without_outputs {
            if state.incidents.contains_key(OUTPUTS) {
                return false;
            }
            let failed = self.outputs().failed;
            if !failed.is_empty() {
                let each: Vec<String> = failed.iter().map(|(name, why)| format!("{name}: {why}")).collect();
                self.emit(Event::IncidentRaised {
                    step: OUTPUTS.to_owned(),
                    error: shorten(&each.join("; ")),
                    in_doubt: false,
                    attempts: 0,
                });
                return true;
            }
        }
        self.close("completed".to_owned(), None, None);
        true
    }

    /// What the run gives. An output that this end has no value for is left out.
    fn outputs(&self) -> Outputs {
        let scope = RunScope {
            plan: self.plan,
            state: self.state(),
            frame: FrameId::FLOW,
            now: self.now,
            event: None,
            results: None,
        };
        outputs(&self.plan.outputs, &scope)
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
