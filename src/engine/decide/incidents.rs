//! A person answers an incident.

use super::super::event::Event;
use super::super::input::{Refusal, Reply};
use super::super::state::Progress;
use super::Decider;

impl Decider<'_> {
    pub(super) fn resolve(&mut self, step: String, how: &str, by: String, reason: String) -> Result<Reply, Refusal> {
        if let Progress::Ended { status, .. } = &self.state().progress {
            return Err(Refusal::RunEnded(status.clone()));
        }
        if !self.state().incidents.contains_key(&step) {
            return Err(Refusal::NoIncident(step));
        }
        self.emit(Event::IncidentResolved {
            step,
            how: how.to_owned(),
            by,
            reason,
        });
        Ok(Reply::Accepted)
    }
}
