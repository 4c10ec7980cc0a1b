//! Incidents: raised, resolved by a person.

use super::super::decide::members::ENOUGH;
use super::super::event::OUTPUTS;
use super::super::frame::Slot;
use super::super::state::{Incident, Phase};
use super::{Applier, Impossible};

impl Applier<'_> {
    /// A person must look at a step, a release or an abandoned call.
    pub(super) fn incident(
        &mut self,
        name: &str,
        error: &str,
        in_doubt: bool,
        attempts: u32,
    ) -> Result<(), Impossible> {
        let slot = self.find(name);
        match slot {
            Some(slot) => {
                let phase = &self.state.step(slot).phase;
                if phase.is_over() || *phase == Phase::Pending {
                    return Err(format!("step {name} is not being done"));
                }
                if attempts > 0 {
                    self.calling(slot, attempts);
                }
                self.state.working.remove(&slot);
            }
            None if name == OUTPUTS && self.state.is_running() => {}
            None => {
                self.side_tries(name).ok_or_else(|| format!("there is no {name}"))?;
            }
        }
        self.stop_trying(name, slot);
        let incident = Incident {
            error: error.to_owned(),
            in_doubt,
            attempts,
        };
        if self.state.incidents.insert(name.to_owned(), incident).is_some() {
            return Err(format!("{name} has an incident already"));
        }
        Ok(())
    }

    /// A person answered an incident.
    pub(super) fn resolved(&mut self, name: &str, how: &str) -> Result<(), Impossible> {
        let incident = self.state.incidents.remove(name);
        let incident = incident.ok_or_else(|| format!("{name} has no incident"))?;
        match (self.find(name), how) {
            (Some(slot), "retry") => self.try_again(slot),
            (Some(slot), "skip") => {
                if incident.in_doubt {
                    // The doubt is about what was made, and stays after the step is gone past.
                    self.state.incidents.insert(name.to_owned(), incident);
                    self.abandon(slot, false);
                }
                self.skip(slot);
            }
            (Some(slot), ENOUGH) => self.list_task(slot),
            (None, "retry") if name == OUTPUTS => {}
            (None, "skip") if name == OUTPUTS => self.state.ends_without_outputs = true,
            (None, "retry") => {
                let tries = self.side_tries(name).ok_or_else(|| format!("there is no {name}"))?;
                tries.again();
            }
            (None, "skip") => self.skip_side(name)?,
            _ => return Err(format!("an incident cannot be resolved by {how}")),
        }
        Ok(())
    }

    fn try_again(&mut self, slot: Slot) {
        let at = self.at;
        match &mut self.state.step_mut(slot).phase {
            Phase::Ready => self.ready(slot),
            Phase::Calling(call) => {
                call.tries.again();
                self.state.working.insert(slot);
            }
            Phase::Asking(_) => self.ask_again(slot),
            Phase::Collecting(_) => self.collect_again(slot),
            Phase::Child(_) => self.run_again(slot),
            Phase::Spreading(_) => self.spread_again(slot),
            _ => self.state.step_mut(slot).since = at,
        }
    }

    fn skip_side(&mut self, name: &str) -> Result<(), Impossible> {
        if let Some(thing) = name.strip_prefix("release:") {
            return self.disown(thing);
        }
        self.state.abandoned.retain(|call| call.name != name);
        Ok(())
    }
}
