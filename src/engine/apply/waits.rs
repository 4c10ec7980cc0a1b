//! Waits: opened, events that came in, alternatives met, timers fired.

use super::super::event::{Event, TimerKind, Timers};
use super::super::frame::Slot;
use super::super::state::{Alarm, KeptEvent, Phase, Timer, TimerOf, Wait, alarms};
use super::{Applier, Impossible};
use crate::base::id::EventId;
use crate::plan::PlanVerb;

impl Applier<'_> {
    pub(super) fn wait(&mut self, event: &Event) -> Result<(), Impossible> {
        match event {
            Event::WaitOpened {
                step,
                round,
                expected,
                timers,
            } => {
                let slot = self.ready_slot(step, *round)?;
                self.state.step_mut(slot).phase = Phase::Waiting(Wait {
                    expected: expected.clone(),
                    met: Vec::new(),
                    opened: (self.at, self.state.seq),
                    timers: timers.clone(),
                });
                self.state.waiting.insert(slot);
                self.fresh.changes.waits = true;
                if matches!(&self.planned(slot).verb, PlanVerb::Wait(wait) if wait.when.is_some()) {
                    self.state.watching.insert(slot);
                }
                self.start_timers(slot, timers);
                self.fresh.opened.push_back(slot);
                Ok(())
            }
            Event::EventReceived {
                id,
                kind,
                subjects,
                key,
                data,
                happened,
                displaced,
            } => {
                if let Some(displaced) = displaced {
                    self.consume(displaced)?;
                }
                if !self.state.seen.insert(id.clone()) {
                    return Err(format!("event {id} was received before"));
                }
                self.state.kept.push(KeptEvent {
                    id: id.clone(),
                    kind: kind.clone(),
                    subjects: subjects.clone(),
                    key: key.clone(),
                    data: data.clone(),
                    came: (happened.unwrap_or(self.at), self.state.seq),
                });
                self.fresh.events.push_back(id.clone());
                Ok(())
            }
            Event::AlternativeMet { step, name, event } => self.alternative_met(step, name, event),
            Event::TimerFired { step, timer, to } => self.timer_fired(step, *timer, to),
            _ => Err("it is no event of a wait".to_owned()),
        }
    }

    pub(super) fn start_timers(&mut self, slot: Slot, timers: &Timers) {
        for (at, alarm) in alarms(timers) {
            self.state.timers.insert(Timer {
                at,
                of: TimerOf::Step(slot),
                alarm,
            });
        }
    }

    /// The event is used up.
    pub(super) fn consume(&mut self, event: &EventId) -> Result<KeptEvent, Impossible> {
        let at = self
            .state
            .kept
            .iter()
            .position(|kept| kept.id == *event)
            .ok_or_else(|| format!("event {event} is not there to be used"))?;
        Ok(self.state.kept.remove(at))
    }

    fn alternative_met(&mut self, id: &str, name: &str, event: &EventId) -> Result<(), Impossible> {
        let slot = self.slot(id)?;
        let open = match &self.state.step(slot).phase {
            Phase::Waiting(wait) => {
                wait.expected.iter().any(|expected| expected.name == name)
                    && wait.met.iter().all(|(met, _)| met != name)
            }
            _ => false,
        };
        if !open {
            return Err(format!("step {id} does not wait for {name}"));
        }
        let kept = self.consume(event)?;
        if let Phase::Waiting(wait) = &mut self.state.step_mut(slot).phase {
            wait.met.push((name.to_owned(), kept.data));
            self.fresh.changes.waits = true;
        }
        Ok(())
    }

    fn timer_fired(&mut self, id: &str, timer: TimerKind, to: &[String]) -> Result<(), Impossible> {
        if timer == TimerKind::Retry {
            return self.retry_due(id);
        }
        let slot = self.slot(id)?;
        let fired = self.state.timers_of(slot).and_then(|timers| match timer {
            TimerKind::Remind(index) => {
                let at = timers.remind.get(index as usize)?;
                Some((*at, Alarm::Remind(index)))
            }
            TimerKind::Escalate | TimerKind::Onwards(_) => {
                let position = timer.as_escalation()?;
                let at = timers.escalations().nth(position as usize)?;
                Some((at, Alarm::Escalate(position)))
            }
            TimerKind::Tell => Some((timers.tell?, Alarm::Tell)),
            TimerKind::Retry => None,
        });
        let (at, alarm) = fired.ok_or_else(|| format!("step {id} has no such timer"))?;
        let timer = Timer {
            at,
            of: TimerOf::Step(slot),
            alarm,
        };
        if !self.state.timers.remove(&timer) {
            return Err(format!("the timer of step {id} fired before"));
        }
        match alarm {
            Alarm::Escalate(position) if !to.is_empty() => self.join_task(slot, position, to),
            Alarm::Tell => self.tell_task(slot),
            _ => {}
        }
        Ok(())
    }
}
