//! When people have agreed, and when they no longer can.

use super::super::event::DecisionRecord;
use super::super::state::Task;
use crate::plan::{Outcome, PlanAsk};
use crate::spec::RuleSpec;
use std::cmp::Reverse;

/// How many of `people` must agree; without a rule one is enough. `None` where there are too few
/// of them.
pub(super) fn needed(rule: Option<RuleSpec>, people: usize) -> Option<usize> {
    if people == 0 {
        return None;
    }
    match rule.unwrap_or(RuleSpec::Any) {
        RuleSpec::All | RuleSpec::InOrder => Some(people),
        RuleSpec::Any => Some(1),
        RuleSpec::Majority => Some(people / 2 + 1),
        RuleSpec::Count(count) => Some((count as usize).max(1)).filter(|count| *count <= people),
        RuleSpec::Percent(percent) => Some((people * percent.min(100) as usize).div_ceil(100).max(1)),
    }
}

/// For whom the decision counts.
pub(super) fn principal(record: &DecisionRecord) -> &str {
    record.on_behalf_of.as_deref().unwrap_or(&record.by)
}

impl Task {
    /// What was decided for `person`.
    pub(super) fn decision_of(&self, person: &str) -> Option<&DecisionRecord> {
        self.decisions.iter().find(|record| principal(record) == person)
    }

    pub(super) fn has_decided(&self, person: &str) -> bool {
        self.decision_of(person).is_some()
    }

    /// Whether `person` was asked, or can veto.
    pub(super) fn is_asked(&self, person: &str) -> bool {
        [&self.people, &self.joined, &self.veto]
            .iter()
            .any(|people| people.iter().any(|one| one == person))
    }

    /// For whom `person` answers: themselves where they are asked, or whoever they stand in for.
    pub(super) fn seat_of(&self, person: &str) -> Option<&str> {
        let own = [&self.people, &self.joined, &self.veto];
        let own = own.into_iter().flatten().find(|one| *one == person);
        let other = || self.deputies.iter().find(|one| one.by == person);
        own.map(String::as_str)
            .or_else(|| other().map(|one| one.on_behalf_of.as_str()))
    }

    /// Whether a decision for `person` counts towards the rule.
    fn counts(&self, person: &str) -> bool {
        self.people.iter().chain(&self.joined).any(|one| one == person)
    }

    /// Whether it is the turn of `person` where people decide one after the other. Whoever joined
    /// by escalation or only vetoes waits for nobody.
    pub(super) fn is_turn_of(&self, person: &str) -> bool {
        let next = self.people.iter().find(|one| !self.has_decided(one));
        next.is_some_and(|next| next == person) || !self.people.iter().any(|one| one == person)
    }
}

/// The outcome that the decisions so far have led to. Whoever joined by escalation stands in: they
/// do not raise the number that is needed.
pub(super) fn verdict<'p>(task: &Task, ask: &'p PlanAsk) -> Option<&'p str> {
    if ask.rule.is_none() {
        let first = task.decisions.first()?;
        return named(ask, &first.decision);
    }
    let positive = ask.decisions.first()?;
    let negative = |record: &&DecisionRecord| record.decision != *positive;
    let mut vetoes = task.decisions.iter().filter(negative);
    if let Some(veto) = vetoes.find(|record| task.veto.iter().any(|one| one == principal(record))) {
        return named(ask, &veto.decision);
    }
    let needed = needed(ask.rule, task.people.len())?;
    let agreed = task
        .decisions
        .iter()
        .filter(|record| record.decision == *positive && task.counts(principal(record)))
        .count();
    if agreed >= needed {
        return Some(positive);
    }
    let everybody = task.people.iter().chain(&task.joined);
    let open = everybody.filter(|person| !task.has_decided(person)).count();
    if agreed + open >= needed {
        return None;
    }
    most_frequent(task, &ask.decisions[1..])
}

/// The decision as the plan has it.
fn named<'p>(ask: &'p PlanAsk, decision: &str) -> Option<&'p str> {
    ask.decisions.iter().map(String::as_str).find(|one| *one == decision)
}

/// The decision made most often; of two made equally often the one listed later.
fn most_frequent<'p>(task: &Task, decisions: &'p [Outcome]) -> Option<&'p str> {
    let times = |decision: &Outcome| {
        let same = |record: &&DecisionRecord| record.decision == *decision && task.counts(principal(record));
        task.decisions.iter().filter(same).count()
    };
    decisions
        .iter()
        .enumerate()
        .min_by_key(|(position, decision)| Reverse((times(decision), *position)))
        .map(|(_, decision)| decision.as_str())
}
