//! Work came back: calls of steps, releases, cancelled calls, questions to the directory.

use super::super::event::Event;
use super::super::frame::Slot;
use super::super::input::{Failure, FailureKind, Reply};
use super::super::limits::{MAX_PAYLOAD_BYTES, RELEASE_RETRY, payload_bytes, shorten};
use super::super::state::{Phase, Tries, abandoned_name, release_name};
use super::super::work::{Assignment, Place, WorkKey};
use super::{Decider, retry};
use crate::base::Value;
use crate::plan::{PlanVerb, Retry};
use serde_json::json;

impl Decider<'_> {
    pub(super) fn work_finished(&mut self, work: &WorkKey, attempt: u32, result: Result<Value, Failure>) -> Reply {
        let Some(place) = work.place(&self.state().run) else {
            return Reply::AlreadyDone;
        };
        if let Place::Release(thing) = place {
            return self.release_finished(thing, attempt, result);
        }
        let Some((name, round)) = place.step() else {
            return Reply::AlreadyDone;
        };
        match (place, result) {
            (Place::Step { .. } | Place::Release(_), result) => {
                let is_at = |slot: &Slot| self.round(*slot) == round && self.is_live(*slot);
                match self.find(name).filter(is_at) {
                    Some(slot) => self.call_finished(slot, attempt, result),
                    None => self.abandoned_finished(name, round, attempt, result),
                }
            }
            (Place::Assign { number, .. }, Err(failure)) => match self.asked_in(name, round, number) {
                Some(at) => {
                    self.raise(self.state().tasks[at].slot, &failure.message, false, 0);
                    Reply::Accepted
                }
                None => Reply::AlreadyDone,
            },
            (Place::Escalate { position, .. }, Err(_)) => self.joined(name, round, position, &Assignment::default()),
            (Place::Assign { .. } | Place::Escalate { .. }, Ok(_)) => Reply::AlreadyDone,
        }
    }

    /// A call of a step in its current round.
    fn call_finished(&mut self, slot: Slot, attempt: u32, result: Result<Value, Failure>) -> Reply {
        let Some((current, in_flight)) = self.tries(slot) else {
            return Reply::AlreadyDone;
        };
        if attempt == 0 || attempt > current {
            return Reply::AlreadyDone;
        }
        match checked(result) {
            // The effect happened, whichever try brought the news.
            Ok(output) if matches!(self.step(slot).verb, PlanVerb::Collect(_)) => {
                self.request_opened(slot, &output);
                Reply::Accepted
            }
            Ok(output) if matches!(self.step(slot).verb, PlanVerb::Run(_)) => {
                self.child_started(slot, &output);
                Reply::Accepted
            }
            Ok(output) => {
                let released = self.released_by(slot);
                self.finish(slot, "done", output, None);
                for (kind, id) in released {
                    self.emit(Event::Released { kind, id });
                }
                Reply::Accepted
            }
            Err(failure) if attempt == current && in_flight => {
                self.call_failed(slot, attempt, &failure);
                Reply::Accepted
            }
            Err(_) => Reply::AlreadyDone,
        }
    }

    /// The try that is due, and whether it is in flight. `None` where nothing was called.
    fn tries(&self, slot: Slot) -> Option<(u32, bool)> {
        let step = self.step(slot);
        let stopped = self.has_incident(slot) || !self.state().may_begin(self.plan, slot);
        match &self.state().step(slot).phase {
            Phase::Ready if matches!(step.verb, PlanVerb::Uses { pure: true, .. }) && !stopped => Some((1, true)),
            Phase::Calling(call) => Some((call.tries.attempt, call.tries.retry_at.is_none() && !stopped)),
            _ => None,
        }
    }

    fn call_failed(&mut self, slot: Slot, attempt: u32, failure: &Failure) {
        let step = self.step(slot);
        match failure.kind {
            FailureKind::InDoubt => self.raise(slot, &failure.message, true, attempt),
            FailureKind::Permanent => self.fail(slot, &failure.message, attempt),
            FailureKind::Transient => {
                let failed = match &self.state().step(slot).phase {
                    Phase::Calling(call) => call.tries.failed,
                    _ => 0,
                };
                if failed.saturating_add(1) >= step.retry.attempts {
                    let pure = matches!(step.verb, PlanVerb::Uses { pure: true, .. });
                    return self.give_up(slot, &failure.message, attempt, !pure);
                }
                let round = self.round(slot);
                let name = self.id(slot);
                let key = WorkKey::of_step(&self.state().run, &name, round);
                self.try_later(&name, &key, attempt, failed + 1, &step.retry, failure);
            }
        }
    }

    /// There is another try after a pause.
    fn try_later(&mut self, name: &str, key: &WorkKey, attempt: u32, failed: u32, retry: &Retry, failure: &Failure) {
        let pause = retry::pause(retry, failed, self.state().seed, key, attempt);
        let retry_at = self.now.checked_add(pause).unwrap_or(self.now);
        self.emit(Event::AttemptFailed {
            step: name.to_owned(),
            attempt,
            error: shorten(&failure.message),
            retry_at,
        });
    }

    /// Things of the run that the call at `slot` released, because the flow itself says so.
    fn released_by(&self, slot: Slot) -> Vec<(String, String)> {
        if self.state().owned.is_empty() {
            return Vec::new();
        }
        let Phase::Calling(call) = &self.state().step(slot).phase else {
            return Vec::new();
        };
        let (PlanVerb::Uses { action, .. }, Some((input, _))) = (&self.step(slot).verb, &call.input) else {
            return Vec::new();
        };
        let given = input.as_object().into_iter().flatten();
        let things = given.filter_map(|(key, id)| Some((key, self.state().owned.get(id.as_str()?)?)));
        things
            .filter(
                |(key, thing)| match self.plan.body(thing.place.0).step(thing.place.1).acquires() {
                    Some(acquires) => acquires.release == *action && acquires.with == **key,
                    None => false,
                },
            )
            .map(|(_, thing)| (thing.kind.clone(), thing.id.clone()))
            .collect()
    }

    fn release_finished(&mut self, thing: &str, attempt: u32, result: Result<Value, Failure>) -> Reply {
        let name = release_name(thing);
        let owned = &self.state().owned;
        let found = owned.get(thing).filter(|_| owned.is_releasing(thing));
        let Some((kind, tries)) = found.map(|owned| (owned.kind.clone(), owned.tries.clone())) else {
            return Reply::AlreadyDone;
        };
        if attempt == 0 || attempt > tries.attempt {
            return Reply::AlreadyDone;
        }
        match result {
            Ok(_) => {
                let id = thing.to_owned();
                self.emit(Event::Released { kind, id });
                Reply::Accepted
            }
            Err(failure) => {
                let key = WorkKey::of_release(&self.state().run, thing);
                self.side_failed(&name, &key, attempt, &tries, &failure)
            }
        }
    }

    /// A call whose step was cancelled meanwhile.
    fn abandoned_finished(&mut self, step: &str, round: u32, attempt: u32, result: Result<Value, Failure>) -> Reply {
        let name = abandoned_name(step, round);
        let found = self.state().abandoned.iter().find(|call| call.name == name);
        let Some((place, tries)) = found.map(|call| (call.place, call.call.tries.clone())) else {
            return Reply::AlreadyDone;
        };
        if attempt == 0 || attempt > tries.attempt {
            return Reply::AlreadyDone;
        }
        let output = match (result, self.plan.body(place.0).step(place.1).acquires()) {
            // Only what names the thing matters now.
            (Ok(output), Some(acquires)) => Some(json!({ acquires.output.clone(): output[&acquires.output] })),
            (Ok(_), _) => None,
            (Err(failure), _) if failure.kind == FailureKind::Permanent && attempt == tries.attempt => None,
            (Err(failure), _) => {
                let key = WorkKey::of_step(&self.state().run, step, round);
                return self.side_failed(&name, &key, attempt, &tries, &failure);
            }
        };
        self.emit(Event::CallAbandoned {
            step: step.to_owned(),
            round,
            output,
        });
        Reply::Accepted
    }

    /// Releasing a thing or following up a cancelled call failed.
    fn side_failed(&mut self, name: &str, key: &WorkKey, attempt: u32, tries: &Tries, failure: &Failure) -> Reply {
        let in_flight = tries.retry_at.is_none() && !self.state().incidents.contains_key(name);
        if attempt != tries.attempt || !in_flight {
            return Reply::AlreadyDone;
        }
        let failed = tries.failed + 1;
        if failure.kind == FailureKind::Transient && failed < RELEASE_RETRY.attempts {
            self.try_later(name, key, attempt, failed, &RELEASE_RETRY, failure);
        } else {
            self.emit(Event::IncidentRaised {
                step: name.to_owned(),
                error: shorten(&failure.message),
                in_doubt: failure.kind == FailureKind::InDoubt,
                attempts: attempt,
            });
        }
        Reply::Accepted
    }
}

/// The result, if it is not too large to keep.
fn checked(result: Result<Value, Failure>) -> Result<Value, Failure> {
    let output = result?;
    let bytes = payload_bytes(&output);
    if bytes <= MAX_PAYLOAD_BYTES {
        return Ok(output);
    }
    Err(Failure {
        kind: FailureKind::Permanent,
        message: format!("the output has {bytes} bytes; {MAX_PAYLOAD_BYTES} is the most"),
    })
}
