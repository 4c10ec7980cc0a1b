//! Calls: scheduled, failed, abandoned; things released.

use super::super::event::Event;
use super::super::frame::Slot;
use super::super::holdings::Owned;
use super::super::state::{Alarm, Call, Phase, Timer, TimerOf, Tries, abandoned_name, release_name};
use super::{Applier, Impossible};
use crate::base::{Timestamp, Value};
use crate::plan::{BodyId, PlanStep, PlanVerb, StepId};

impl Applier<'_> {
    pub(super) fn call(&mut self, event: &Event) -> Result<(), Impossible> {
        match event {
            Event::ActionScheduled {
                step,
                round,
                input,
                secrets,
            } => {
                let slot = self.ready_slot(step, *round)?;
                self.state.step_mut(slot).phase = Phase::Calling(Call {
                    tries: Tries::first(),
                    input: Some((input.clone(), secrets.clone())),
                });
                self.state.working.insert(slot);
                Ok(())
            }
            Event::AttemptFailed {
                step,
                attempt,
                retry_at,
                ..
            } => self.attempt_failed(step, *attempt, *retry_at),
            Event::CallAbandoned { step, round, output } => {
                let name = abandoned_name(step, *round);
                let at = self
                    .state
                    .abandoned
                    .iter()
                    .position(|call| call.name == name)
                    .ok_or_else(|| format!("no call of step {step} was abandoned"))?;
                self.drop_side(&name);
                let call = self.state.abandoned.remove(at);
                if let Some(output) = output {
                    self.acquire(call.place, Vec::new(), output, true);
                }
                Ok(())
            }
            Event::Released { id, .. } => self.disown(id),
            _ => Err("it is no event of a call".to_owned()),
        }
    }

    /// The thing is no longer the run's.
    pub(super) fn disown(&mut self, id: &str) -> Result<(), Impossible> {
        self.drop_side(&release_name(id));
        self.fresh.changes.things.insert(id.to_owned());
        let gone = self.state.owned.remove(id);
        gone.map(|_| ()).ok_or_else(|| format!("the run does not own {id}"))
    }

    /// What the output of an action names belongs to the run from now on.
    pub(super) fn acquire(&mut self, place: (BodyId, StepId), chain: Vec<Slot>, output: &Value, releasing: bool) {
        let step: &PlanStep = self.plan.body(place.0).step(place.1);
        let Some(acquires) = step.acquires() else {
            return;
        };
        let id = output.get(&acquires.output).and_then(Value::as_str);
        let Some(id) = id.filter(|_| !step.keep) else {
            return;
        };
        let thing = Owned {
            kind: acquires.kind.clone(),
            id: id.to_owned(),
            place,
            chain,
            tries: Tries::first(),
            complete: false,
        };
        self.fresh.changes.things.insert(thing.id.clone());
        self.state.owned.add(thing, releasing);
    }

    /// Forgets timer and incident of a release or an abandoned call.
    fn drop_side(&mut self, name: &str) {
        if let Some(at) = self.side_tries(name).and_then(|tries| tries.retry_at.take()) {
            self.state.timers.remove(&retry(at, TimerOf::Side(name.to_owned())));
        }
        self.state.incidents.remove(name);
    }

    /// How trying stands of `release:THING` or `abandoned:STEP:ROUND`.
    pub(super) fn side_tries(&mut self, name: &str) -> Option<&mut Tries> {
        if let Some(thing) = name.strip_prefix("release:") {
            return self.state.owned.get_mut(thing).map(|owned| &mut owned.tries);
        }
        self.state
            .abandoned
            .iter_mut()
            .find(|call| call.name == name)
            .map(|call| &mut call.call.tries)
    }

    fn attempt_failed(&mut self, name: &str, attempt: u32, retry_at: Timestamp) -> Result<(), Impossible> {
        let slot = self.find(name);
        if let Some(slot) = slot {
            self.calling(slot, 1);
        }
        let tries = match slot {
            Some(slot) => self.step_tries(slot),
            None => self.side_tries(name),
        };
        let tries = tries.ok_or_else(|| format!("{name} is not being tried"))?;
        if tries.attempt != attempt {
            return Err(format!("{name} is at try {}, not {attempt}", tries.attempt));
        }
        tries.attempt += 1;
        tries.failed += 1;
        tries.retry_at = Some(retry_at);
        let of = match slot {
            Some(slot) => {
                self.state.working.remove(&slot);
                TimerOf::Step(slot)
            }
            None => TimerOf::Side(name.to_owned()),
        };
        self.state.timers.insert(retry(retry_at, of));
        Ok(())
    }

    /// A pure action that was called from being ready is a call from now on.
    pub(super) fn calling(&mut self, slot: Slot, attempt: u32) {
        let pure = matches!(self.planned(slot).verb, PlanVerb::Uses { pure: true, .. });
        let step = self.state.step_mut(slot);
        if pure && step.phase == Phase::Ready {
            step.phase = Phase::Calling(Call {
                tries: Tries {
                    attempt,
                    ..Tries::first()
                },
                input: None,
            });
        }
    }

    pub(super) fn step_tries(&mut self, slot: Slot) -> Option<&mut Tries> {
        match &mut self.state.step_mut(slot).phase {
            Phase::Calling(call) => Some(&mut call.tries),
            _ => None,
        }
    }

    /// The pause before another try is over.
    pub(super) fn retry_due(&mut self, name: &str) -> Result<(), Impossible> {
        let slot = self.find(name);
        let tries = match slot {
            Some(slot) => self.step_tries(slot),
            None => self.side_tries(name),
        };
        let at = tries
            .and_then(|tries| tries.retry_at.take())
            .ok_or_else(|| format!("{name} does not wait for another try"))?;
        let of = match slot {
            Some(slot) => {
                self.state.working.insert(slot);
                TimerOf::Step(slot)
            }
            None => TimerOf::Side(name.to_owned()),
        };
        self.state.timers.remove(&retry(at, of));
        Ok(())
    }

    /// Trying stops until a person says otherwise.
    pub(super) fn stop_trying(&mut self, name: &str, slot: Option<Slot>) {
        let tries = match slot {
            Some(slot) => self.step_tries(slot),
            None => self.side_tries(name),
        };
        let Some(at) = tries.and_then(|tries| tries.retry_at.take()) else {
            return;
        };
        let of = slot.map_or_else(|| TimerOf::Side(name.to_owned()), TimerOf::Step);
        self.state.timers.remove(&retry(at, of));
    }
}

fn retry(at: Timestamp, of: TimerOf) -> Timer {
    Timer {
        at,
        of,
        alarm: Alarm::Retry,
    }
}
