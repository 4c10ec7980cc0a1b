//! When people have agreed, and when they no longer can.

use super::super::event::{DecisionRecord, Weight};
use super::super::state::Task;
use super::super::view::TaskPhase;
use crate::plan::{Outcome, PlanAsk};
use crate::spec::RuleSpec;
use std::cmp::Reverse;

/// How many of all the `people`, counted by their weights, must agree; without a rule one is enough.
/// `None` where there are too few of them.
pub(in super::super) fn needed(rule: Option<RuleSpec>, people: usize) -> Option<usize> {
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

/// How much the decisions of `people` count together.
pub(in super::super) fn votes<'p>(people: impl IntoIterator<Item = &'p String>, weights: &[Weight]) -> usize {
    let weight = |person: &String| {
        let own = weights.iter().find(|weight| weight.person == *person);
        own.map_or(1, |weight| weight.weight as usize)
    };
    people.into_iter().map(weight).sum()
}

/// For whom the decision counts.
pub(super) fn principal(record: &DecisionRecord) -> &str {
    record.on_behalf_of.as_deref().unwrap_or(&record.by)
}

impl Task {
    /// What was decided for `person`, or by them or for them where they were escalated to.
    pub(super) fn decision_of(&self, person: &str) -> Option<&DecisionRecord> {
        let is_it =
            |record: &&DecisionRecord| principal(record) == person || record.escalated_to.as_deref() == Some(person);
        self.decisions.iter().find(is_it)
    }

    pub(in super::super) fn has_decided(&self, person: &str) -> bool {
        self.decision_of(person).is_some()
    }

    /// Who has taken it. Whoever has answered, or whose place is taken, has it no longer, where that settled nothing: the
    /// others do then.
    pub(in super::super) fn holder(&self) -> Option<&String> {
        let answered = |person: &String| {
            let by_them = self.decisions.iter().any(|record| record.by == *person);
            by_them || self.seat_of(person).is_some_and(|seat| self.has_decided(seat))
        };
        self.claimed_by
            .as_ref()
            .filter(|holder| self.phase != TaskPhase::Open || !answered(holder))
    }

    /// Whether `person` was asked, or can veto.
    pub(super) fn is_asked(&self, person: &str) -> bool {
        [&self.people, &self.joined, &self.veto]
            .iter()
            .any(|people| people.iter().any(|one| one == person))
    }

    /// For whom `person` answers: themselves where they are asked or joined, or whoever they stand in for.
    pub(in super::super) fn seat_of(&self, person: &str) -> Option<&str> {
        let own = [&self.people, &self.joined, &self.veto];
        let own = own.into_iter().flatten().find(|one| *one == person);
        let other = || self.deputies.iter().find(|one| one.by == person);
        own.map(String::as_str)
            .or_else(|| other().map(|one| one.on_behalf_of.as_str()))
    }

    /// Whether `person` joined by escalation and is asked in no other way: they answer in the place of another.
    pub(in super::super) fn is_escalated(&self, person: &str) -> bool {
        let is_in = |people: &[String]| people.iter().any(|one| one == person);
        is_in(&self.joined) && !is_in(&self.people) && !is_in(&self.veto)
    }

    /// In whose place somebody who was escalated to answers now: of whoever has the task, or else of the first in the
    /// order asked who has not answered. Under `in_order` that is whose turn it is. Nobody where all have answered, or it
    /// is not known yet who is asked.
    pub(in super::super) fn open_place(&self) -> Option<&str> {
        let is_open = |person: &&str| {
            self.people.iter().any(|one| one == person)
                && !self.has_decided(person)
                && self.exclude.iter().all(|one| one != person)
        };
        let holder = self.holder().and_then(|holder| self.seat_of(holder)).filter(is_open);
        holder.or_else(|| self.people.iter().map(String::as_str).find(is_open))
    }

    /// Whether a decision for `person` counts towards the rule.
    fn counts(&self, person: &str) -> bool {
        self.people.iter().chain(&self.joined).any(|one| one == person)
    }

    /// The weight that must agree. It stays as it was when people were asked, except that under
    /// `all` those who left without an answer no longer count.
    fn needed(&self, ask: &PlanAsk) -> Option<usize> {
        let needed = needed(ask.rule, self.members.asked_votes)?;
        Some(if wants_all(ask) {
            needed.saturating_sub(self.empty_votes()).max(1)
        } else {
            needed
        })
    }

    /// Total weight of the people who have not decided.
    fn open_votes(&self) -> usize {
        let open = self.people.iter().filter(|person| !self.has_decided(person));
        votes(open, &self.weights)
    }

    /// Total weight of the people who left without an answer.
    fn empty_votes(&self) -> usize {
        votes(self.empty_places(), &self.weights)
    }

    /// How much was decided so, by those who count towards the rule.
    fn votes_for(&self, decision: &str) -> usize {
        let so = self.decisions.iter().filter(|record| record.decision == decision);
        let whom: Vec<String> = so.map(|record| principal(record).to_owned()).collect();
        votes(whom.iter().filter(|person| self.counts(person)), &self.weights)
    }

    /// Whether somebody was asked something about it.
    pub(super) fn is_consulted(&self, person: &str) -> bool {
        self.thread.iter().any(|remark| remark.to.as_deref() == Some(person))
    }

    /// Whether it is the turn of `person` where people decide one after the other. Whoever joined
    /// by escalation or only vetoes waits for nobody.
    pub(in super::super) fn is_turn_of(&self, person: &str) -> bool {
        let next = self.people.iter().find(|one| !self.has_decided(one));
        next.is_some_and(|next| next == person) || !self.people.iter().any(|one| one == person)
    }
}

/// The outcome that the decisions so far have led to. Whoever joined by escalation takes the place of one who was asked:
/// their answer is no veto, and nothing is waited for from them once every place is taken. (Before places were recorded,
/// their answers counted beside those of who was asked; journals of then count so still.)
pub(super) fn verdict<'p>(task: &Task, ask: &'p PlanAsk) -> Option<&'p str> {
    if ask.rule.is_none() {
        let first = task.decisions.first()?;
        return named(ask, &first.decision);
    }
    let positive = ask.decisions.first()?;
    let negative = |record: &&DecisionRecord| record.decision != *positive;
    let mut vetoes = task.decisions.iter().filter(negative);
    let is_veto = |record: &&DecisionRecord| {
        record.escalated_to.is_none() && task.veto.iter().any(|one| one == principal(record))
    };
    if let Some(veto) = vetoes.find(is_veto) {
        return named(ask, &veto.decision);
    }
    let needed = task.needed(ask)?;
    let agreed = task.votes_for(positive);
    if agreed >= needed {
        return Some(positive);
    }
    let is_refused = task
        .decisions
        .iter()
        .any(|record| negative(&record) && task.counts(principal(record)));
    let has_changed = !task.members.added.is_empty() || !task.members.gone.is_empty();
    let is_open = if wants_all(ask) && has_changed {
        // if all must agree, people who were added later cannot make up for a refusal
        !is_refused
    } else {
        agreed + task.open_votes() + task.empty_votes() >= needed
    };
    if is_open {
        return None;
    }
    most_frequent(task, &ask.decisions[1..])
}

/// Whether everybody who is asked must agree.
fn wants_all(ask: &PlanAsk) -> bool {
    matches!(ask.rule, Some(RuleSpec::All | RuleSpec::InOrder))
}

/// Whether the task can no longer be settled because people left.
pub(super) fn is_stuck(task: &Task, ask: &PlanAsk) -> bool {
    if task.empty_places().next().is_none() || verdict(task, ask).is_some() {
        return false;
    }
    if ask.rule.is_none() {
        return task.people.is_empty();
    }
    let agreed = ask.decisions.first().map_or(0, |positive| task.votes_for(positive));
    task.needed(ask)
        .is_none_or(|needed| agreed + task.open_votes() < needed)
}

/// The decision as the plan has it.
fn named<'p>(ask: &'p PlanAsk, decision: &str) -> Option<&'p str> {
    ask.decisions.iter().map(String::as_str).find(|one| *one == decision)
}

/// The decision that counts most; of two that count the same the one listed later.
fn most_frequent<'p>(task: &Task, decisions: &'p [Outcome]) -> Option<&'p str> {
    let times = |decision: &Outcome| task.votes_for(decision);
    decisions
        .iter()
        .enumerate()
        .min_by_key(|(position, decision)| Reverse((times(decision), *position)))
        .map(|(_, decision)| decision.as_str())
}
