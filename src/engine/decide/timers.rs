//! Time passed: reminders, escalation, expiry, another try.

use super::super::event::{Event, TimerKind};
use super::super::frame::Slot;
use super::super::input::Reply;
use super::super::state::{Alarm, Phase, TimerOf};
use super::Decider;
use super::ask::{output_of, texts};
use crate::base::{Timestamp, Value};
use crate::plan::{PlanAsk, PlanVerb};
use crate::spec::CollectSpec;
use serde_json::json;

impl Decider<'_> {
    pub(super) fn wake(&mut self) -> Reply {
        let before = self.state().seq;
        self.settle();
        self.fire_due(self.now);
        if self.state().seq > before {
            Reply::Accepted
        } else {
            Reply::AlreadyDone
        }
    }

    /// Fires every timer that was due at `until`, the earliest first.
    pub(super) fn fire_due(&mut self, until: Timestamp) {
        while let Some(timer) = self.state().timers.first().filter(|timer| timer.at <= until).cloned() {
            match timer.of {
                TimerOf::Side(name) => self.emit(Event::TimerFired {
                    step: name,
                    timer: TimerKind::Retry,
                    to: Vec::new(),
                }),
                TimerOf::Step(slot) => self.fire(slot, timer.alarm, until),
            }
            self.settle();
        }
    }

    fn fire(&mut self, slot: Slot, alarm: Alarm, until: Timestamp) {
        let due = self.state().timers_of(slot).and_then(|timers| timers.due);
        // Nobody is reminded of what is over.
        if alarm == Alarm::Due || (alarm != Alarm::Retry && due.is_some_and(|due| due <= until)) {
            return self.expire(slot);
        }
        let (timer, to) = match alarm {
            Alarm::Remind(index) => (TimerKind::Remind(index), self.undecided(slot)),
            Alarm::Escalate(position) => (TimerKind::escalation(position), self.escalate_to(slot, position)),
            Alarm::Tell => (TimerKind::Tell, Vec::new()),
            Alarm::Retry | Alarm::Due => (TimerKind::Retry, Vec::new()),
        };
        self.emit(Event::TimerFired {
            step: self.id(slot),
            timer,
            to,
        });
    }

    /// The moment came that the step waited for or should have been done by.
    fn expire(&mut self, slot: Slot) {
        let timers = self.state().timers_of(slot);
        let due = timers.and_then(|timers| timers.due);
        let until = timers.and_then(|timers| timers.until);
        match (&self.state().step(slot).phase, &self.step(slot).verb) {
            (Phase::Waiting(_), PlanVerb::Wait(wait))
                if wait.until.is_some() && until.is_none_or(|at| due >= Some(at)) =>
            {
                self.finish(slot, "received", json!({ "at": due }), None);
            }
            (Phase::Waiting(_), _) => {
                let output = self.met_output(slot);
                self.finish(slot, "expired", output, None);
            }
            (Phase::Collecting(_), _) => self.collected(slot, CollectSpec::INCOMPLETE, None, None),
            (_, PlanVerb::Ask(ask)) => {
                let task = self.state().task_of(slot);
                let output = task.map_or(Value::Null, |task| output_of(task, ask, "expired"));
                self.finish(slot, "expired", output, None);
            }
            _ => {}
        }
    }

    /// Who has not decided yet and can.
    fn undecided(&self, slot: Slot) -> Vec<String> {
        self.state().task_of(slot).map_or_else(Vec::new, |task| {
            if let Some(rest) = &task.suspended {
                // nobody else can do anything about it
                return vec![rest.by.clone()];
            }
            if let Some(holder) = task.holder() {
                return vec![holder.clone()];
            }
            let in_order = task.asked(self.plan).is_some_and(PlanAsk::in_order);
            let everybody = task.people.iter().chain(&task.joined);
            let open = everybody.filter(|person| !task.has_decided(person));
            let open = open.filter(|person| !in_order || task.is_turn_of(person));
            let acting = |person: &String| {
                let deputy = task.deputies.iter().find(|one| one.on_behalf_of == *person);
                deputy.map_or_else(|| person.clone(), |one| one.by.clone())
            };
            open.map(acting).collect()
        })
    }

    /// Who is told. Where that cannot be said, nobody is: the step itself stays as it is.
    fn escalate_to(&self, slot: Slot, position: u32) -> Vec<String> {
        let deadline = self.step(slot).deadline.as_ref();
        let escalation = deadline.and_then(|deadline| deadline.escalate.get(position as usize));
        escalation
            .and_then(|escalation| texts(&escalation.to, &self.scope(slot)).ok())
            .unwrap_or_default()
    }
}
