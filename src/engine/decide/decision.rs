//! A person decides.

use super::super::event::{DecisionRecord, Event};
use super::super::input::{Decision, Refusal, Reply};
use super::super::state::Task;
use super::super::view::TaskPhase;
use super::ask::output_of;
use super::form;
use super::rule::{principal, verdict};
use super::{Decider, work};
use crate::base::{Value, Via};
use crate::plan::PlanAsk;
use serde_json::Map;

/// What one person filled in, by the names of the fields.
type Form = Map<String, Value>;

impl Decider<'_> {
    pub(super) fn decide(&mut self, decision: Decision) -> Result<Reply, Refusal> {
        let at = self.state().task_index.get(&decision.task).copied();
        let task = at
            .and_then(|at| self.state().tasks.get(at))
            .ok_or(Refusal::NoSuchTask)?;
        let ask = task.asked(self.plan).ok_or(Refusal::NoSuchTask)?;
        let given = work::with_draft(task, &decision.form);
        let (has_calendar, semantics) = (self.plan.calendar.is_some(), self.state().semantics);
        let form = form::checked(ask, &decision.decision, &given, has_calendar, semantics);
        if self.check_decision(task, ask, &decision, form.as_ref().ok())? == Reply::AlreadyDone {
            return Ok(Reply::AlreadyDone);
        }
        let seat = task.seat_of(&decision.by).unwrap_or(&decision.by);
        let escalated_to = Some(seat).filter(|seat| task.is_escalated(seat));
        let whose = escalated_to.map_or(Some(seat), |_| task.open_place());
        let has_document = task.document.is_some();
        let (token, local) = match decision.via {
            Some(Via::Token(id)) => (Some(id), None),
            Some(Via::Local(local)) => (None, Some(local)),
            None => (None, None),
        };
        let record = DecisionRecord {
            on_behalf_of: whose.filter(|whose| *whose != decision.by).map(str::to_owned),
            escalated_to: escalated_to.map(str::to_owned),
            by: decision.by,
            decision: decision.decision,
            reason: decision.reason,
            sha256: decision.sha256.filter(|_| has_document),
            form: form?,
            local,
            token,
            at: self.now,
        };
        self.emit(Event::DecisionRecorded {
            task: decision.task,
            record,
        });
        if let Some(at) = at {
            self.settle_task(at);
            self.look_at_places(at);
        }
        Ok(Reply::Accepted)
    }

    /// Brings the step to its outcome if its people have led to one.
    pub(super) fn settle_task(&mut self, at: usize) {
        let task = &self.state().tasks[at];
        let slot = task.slot;
        if task.item.is_some() {
            return self.item_decided(slot, at);
        }
        let settled = task.asked(self.plan).and_then(|ask| {
            let outcome = verdict(task, ask)?;
            Some((outcome.to_owned(), output_of(task, ask, outcome)))
        });
        if let Some((outcome, output)) = settled {
            self.finish(slot, &outcome, output, None);
        }
    }

    /// Whether the decision counts, counted before, or why it does not.
    /// `form` is what was filled in, where it fits.
    fn check_decision(
        &self,
        task: &Task,
        ask: &PlanAsk,
        given: &Decision,
        form: Option<&Form>,
    ) -> Result<Reply, Refusal> {
        if task.phase == TaskPhase::Open && task.has_left(&given.by) {
            return Err(Refusal::NoLongerAsked);
        }
        let person = task.seat_of(&given.by).ok_or(Refusal::NoSuchTask)?;
        let before = task.decision_of(person);
        let excluded = task.exclude.iter().any(|one| *one == given.by || one == person);
        if excluded || !is_meant(task, person, before, given) {
            return Err(Refusal::NoSuchTask);
        }
        let taken_by = before.and_then(|record| record.escalated_to.as_deref());
        if taken_by.is_some_and(|other| other != person) {
            return Err(Refusal::PlaceTaken);
        }
        let is_same = |before: &DecisionRecord| {
            before.decision == given.decision
                && (before.sha256 == given.sha256 || task.document.is_none())
                && form == Some(&before.form)
        };
        if before.is_some_and(is_same) {
            return Ok(Reply::AlreadyDone);
        }
        match &task.phase {
            TaskPhase::Open => {}
            _ if before.is_some() => return Err(already_decided(task, person)),
            TaskPhase::Settled(outcome) => return Err(Refusal::TaskClosed(outcome.clone())),
            TaskPhase::Withdrawn => return Err(Refusal::TaskClosed("withdrawn".to_owned())),
        }
        if task.timers.due.is_some_and(|due| due <= self.now) {
            return Err(Refusal::TaskClosed("expired".to_owned()));
        }
        task.check_rests()?;
        let taken = task.holder().is_some_and(|holder| *holder != given.by);
        if taken && task.people.iter().any(|one| one == person) {
            return Err(Refusal::Taken);
        }
        check_version(task, given)?;
        if before.is_some() {
            return Err(already_decided(task, person));
        }
        check_words(ask, given)?;
        if ask.in_order() && !task.is_turn_of(person) {
            return Err(Refusal::NotYourTurn);
        }
        if task.is_escalated(person) && task.open_place().is_none() {
            return Err(Refusal::NoPlace);
        }
        Ok(Reply::Accepted)
    }
}

/// Whether whoever answers means the place that `person` has, where they name one. Who was escalated to may name the one
/// whose place they take.
fn is_meant(task: &Task, person: &str, before: Option<&DecisionRecord>, given: &Decision) -> bool {
    let Some(meant) = given.on_behalf_of.as_deref() else {
        return true;
    };
    let place = || before.map_or_else(|| task.open_place(), |record| Some(principal(record)));
    meant == person || (task.is_escalated(person) && place() == Some(meant))
}

fn already_decided(task: &Task, person: &str) -> Refusal {
    Refusal::AlreadyDecided(
        task.decision_of(person)
            .map_or_else(String::new, |record| record.decision.clone()),
    )
}

/// Whether it is about the version that is asked about.
fn check_version(task: &Task, given: &Decision) -> Result<(), Refusal> {
    match (&task.document, &given.sha256) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(Refusal::VersionMissing),
        (Some(document), Some(sha256)) if document.sha256 == *sha256 => Ok(()),
        (Some(document), Some(_)) => Err(Refusal::OtherVersion {
            current: Box::new(document.clone()),
        }),
    }
}

/// Whether the decision is one that can be made, with a reason where it needs one.
fn check_words(ask: &PlanAsk, given: &Decision) -> Result<(), Refusal> {
    if !ask.decisions.contains(&given.decision) {
        return Err(Refusal::NoSuchDecision {
            given: given.decision.clone(),
            possible: ask.decisions.clone(),
        });
    }
    let has_reason = given.reason.as_ref().is_some_and(|reason| !reason.trim().is_empty());
    if ask.reason.contains(&given.decision) && !has_reason {
        return Err(Refusal::ReasonMissing(given.decision.clone()));
    }
    Ok(())
}
