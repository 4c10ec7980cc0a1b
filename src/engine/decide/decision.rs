//! A person decides.

use super::super::event::{DecisionRecord, Event};
use super::super::input::{Decision, Refusal, Reply};
use super::super::state::{Slot, Task};
use super::super::view::TaskPhase;
use super::Decider;
use super::approve::output_of;
use super::rule::verdict;
use crate::plan::{PlanApprove, PlanVerb};
use crate::spec::RuleSpec;

impl Decider<'_> {
    pub(super) fn decide(&mut self, decision: Decision) -> Result<Reply, Refusal> {
        let at = self.state().task_index.get(&decision.task).copied();
        let task = at
            .and_then(|at| self.state().tasks.get(at))
            .ok_or(Refusal::NoSuchTask)?;
        let slot = task.slot;
        let PlanVerb::Approve(approve) = &self.step(slot).verb else {
            return Err(Refusal::NoSuchTask);
        };
        if self.check_decision(task, approve, &decision)? == Reply::AlreadyDone {
            return Ok(Reply::AlreadyDone);
        }
        let record = DecisionRecord {
            by: decision.by,
            on_behalf_of: decision.on_behalf_of,
            decision: decision.decision,
            reason: decision.reason,
            sha256: decision.sha256,
            at: self.now,
        };
        self.emit(Event::DecisionRecorded {
            task: decision.task,
            record,
        });
        self.settle_task(slot, approve);
        Ok(Reply::Accepted)
    }

    /// Brings the step to its outcome if its people have led to one.
    fn settle_task(&mut self, slot: Slot, approve: &PlanApprove) {
        let settled = self.state().task_of(slot).and_then(|task| {
            let outcome = verdict(task, approve)?;
            Some((outcome.to_owned(), output_of(task)))
        });
        if let Some((outcome, output)) = settled {
            self.finish(slot, &outcome, output, None);
        }
    }

    /// Whether the decision counts, counted before, or why it does not.
    fn check_decision(&self, task: &Task, approve: &PlanApprove, given: &Decision) -> Result<Reply, Refusal> {
        let person = given.on_behalf_of.as_deref().unwrap_or(&given.by);
        let excluded = task.exclude.iter().any(|one| *one == given.by || one == person);
        if excluded || !task.is_asked(person) {
            return Err(Refusal::NoSuchTask);
        }
        let before = task.decision_of(person);
        if before.is_some_and(|before| before.decision == given.decision && before.sha256 == given.sha256) {
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
        if given.sha256 != task.document.sha256 {
            return Err(Refusal::OtherVersion {
                current: Box::new(task.document.clone()),
            });
        }
        if before.is_some() {
            return Err(already_decided(task, person));
        }
        check_words(approve, given)?;
        if approve.rule == RuleSpec::InOrder && !task.is_turn_of(person) {
            return Err(Refusal::NotYourTurn);
        }
        Ok(Reply::Accepted)
    }
}

fn already_decided(task: &Task, person: &str) -> Refusal {
    Refusal::AlreadyDecided(
        task.decision_of(person)
            .map_or_else(String::new, |record| record.decision.clone()),
    )
}

/// Whether the decision is one that can be made, with a reason where it needs one.
fn check_words(approve: &PlanApprove, given: &Decision) -> Result<(), Refusal> {
    if !approve.decisions.contains(&given.decision) {
        return Err(Refusal::NoSuchDecision {
            given: given.decision.clone(),
            possible: approve.decisions.clone(),
        });
    }
    let has_reason = given.reason.as_ref().is_some_and(|reason| !reason.trim().is_empty());
    if approve.reason.contains(&given.decision) && !has_reason {
        return Err(Refusal::ReasonMissing(given.decision.clone()));
    }
    Ok(())
}
