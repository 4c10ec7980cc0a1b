//! What is open in a run, held against the steps of another version.

use super::Check;
use crate::engine::decide::rule::{needed, votes};
use crate::engine::frame::{Slot, slots};
use crate::engine::state::{Phase, Task, Wait};
use crate::plan::{PlanAsk, PlanCollect, PlanStep, PlanVerb, PlanWait};
use crate::spec::CollectSpec;
use std::collections::BTreeSet;

/// What a wait or a task comes to when its time is over.
const EXPIRED: &str = "expired";

impl Check<'_> {
    /// Whether everything that is under way can go on as it is.
    pub(super) fn open(&mut self) {
        let old = self.old;
        let all: Vec<Slot> = old
            .state
            .frames
            .iter()
            .flat_map(|(id, frame)| slots(id, frame))
            .map(|(slot, _)| slot)
            .collect();
        for slot in all {
            let before = old.state.planned(&old.plan, slot);
            self.key(slot, &before.id);
            if let Some(there) = self.there(&before.id) {
                for why in self.differences(slot, before, there) {
                    self.at_step(&before.id, why);
                }
            }
        }
        for call in &old.state.abandoned {
            let (body, step) = call.place;
            let id = &old.plan.body(body).step(step).id;
            if super::names::renamed(&call.step, &self.steps) != call.step {
                self.at_step(id, told_apart("what it may have acquired is still looked after"));
            }
        }
    }

    /// Whether a step has work outside that is told apart by its name, which changes.
    fn key(&mut self, slot: Slot, id: &str) {
        if self.target(id) == id {
            return;
        }
        let what = match self.old.state.step(slot).phase {
            Phase::Calling(_) => "its call is under way",
            Phase::Collecting(_) => "its checklist is open",
            Phase::Child(_) => "the run that it started goes on",
            Phase::Spreading(_) => "its elements are under way",
            _ => return,
        };
        self.at_step(id, told_apart(what));
    }

    /// How what is open at a step differs from what it would be.
    fn differences(&self, slot: Slot, before: &PlanStep, there: &PlanStep) -> Vec<String> {
        let state = &self.old.state;
        let mut found = Vec::new();
        let due = state.timers_of(slot).is_some_and(|timers| timers.due.is_some());
        let late = match (&state.step(slot).phase, &before.verb, &there.verb) {
            (Phase::Waiting(wait), PlanVerb::Wait(was), PlanVerb::Wait(is)) => {
                found.extend(self.other_wait(wait, was, is));
                was.until.is_none().then_some(EXPIRED)
            }
            (Phase::Asking(at), PlanVerb::Ask(was), PlanVerb::Ask(is)) => {
                found.extend(self.other_ask(&state.tasks[*at], was, is));
                Some(EXPIRED)
            }
            (Phase::Collecting(_), PlanVerb::Collect(was), PlanVerb::Collect(is)) => {
                found.extend(self.other_list(was, is));
                Some(CollectSpec::INCOMPLETE)
            }
            _ => None,
        };
        if let Some(late) = late.filter(|late| due && !there.outcomes.contains_key(*late)) {
            found.push(format!(
                "it has a deadline, and cannot come to {late} in {}",
                self.version()
            ));
        }
        found
    }

    fn other_wait(&self, open: &Wait, was: &PlanWait, is: &PlanWait) -> Option<String> {
        let names = |wait: &PlanWait| wait.alternatives.keys().cloned().collect::<BTreeSet<_>>();
        let said = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        if names(was) != names(is) {
            let met: Vec<&str> = open.met.iter().map(|(name, _)| name.as_str()).collect();
            let met = if met.is_empty() {
                String::new()
            } else {
                format!(" (of these {} has come)", met.join(", "))
            };
            return Some(format!(
                "it waits for {}{met}, and for {} in {}",
                said(&names(was)),
                said(&names(is)),
                self.version()
            ));
        }
        let other = was.until.is_some() != is.until.is_some() || was.when.is_some() != is.when.is_some();
        other.then(|| {
            format!(
                "it waits for an event, for a moment or until something holds, and otherwise in {}",
                self.version()
            )
        })
    }

    fn other_ask(&self, task: &Task, was: &PlanAsk, is: &PlanAsk) -> Vec<String> {
        let mut found = Vec::new();
        if was.document.is_some() != is.document.is_some() {
            found.push(format!(
                "people are asked about a document or about none, and otherwise in {}",
                self.version()
            ));
        }
        let same = was.rule == is.rule && was.decisions == is.decisions && was.form == is.form;
        if !task.decisions.is_empty() && !same {
            found.push(format!(
                "people have answered already, and the answers, their form or how many must agree are others in {}",
                self.version()
            ));
        }
        let votes = votes(&task.people, &task.weights);
        if is.rule.is_some() && !task.people.is_empty() && needed(is.rule, votes).is_none() {
            found.push(format!(
                "{} people are asked, and more must agree in {}",
                task.people.len(),
                self.version()
            ));
        }
        found
    }

    fn other_list(&self, was: &PlanCollect, is: &PlanCollect) -> Option<String> {
        let names = |list: &PlanCollect| list.items.keys().cloned().collect::<BTreeSet<_>>();
        (names(was) != names(is)).then(|| format!("its checklist is open, and has other items in {}", self.version()))
    }
}

/// Why a step keeps its name for now.
fn told_apart(what: &str) -> String {
    format!("{what}, and is told apart by the name of the step: rename it once that is over")
}
