//! What a run has done, held against the steps of another version.

use super::Check;
use super::names::ids;
use crate::engine::event::Event;
use crate::plan::{AskKind, BodyId, Plan, PlanStep, PlanVerb, PlanWait};
use std::collections::{BTreeMap, BTreeSet};

impl Check<'_> {
    /// Whether the map makes sense, and gives every step that was begun one of its own.
    pub(super) fn map(&mut self) {
        let mut targets: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (old, new) in self.steps.clone() {
            if self.old.plan.find(&old).is_none() {
                let why = format!(
                    "there is no such step in {}, which the run goes by",
                    self.old.plan.version
                );
                self.at_step(&old, why);
            }
            if self.to.find(&new).is_none() {
                self.at_step(&old, format!("{} has no step {new}", self.version()));
            }
            targets.entry(new).or_default().push(old);
        }
        for id in &self.begun {
            if !self.steps.contains_key(id) {
                targets.entry(id.clone()).or_default().push(id.clone());
            }
        }
        for (new, olds) in targets.into_iter().filter(|(_, olds)| olds.len() > 1) {
            let why = format!("steps {} would all be this one", olds.join(" and "));
            self.at_step(&new, why);
        }
        for name in self.names_used_up() {
            let why = format!(
                "this run has done another step under that name, and what a step did is told apart by its name: give \
                 the one of {} another",
                self.version()
            );
            self.at_step(&name, why);
        }
    }

    /// Names that stand in the journal for a step that is called otherwise from now on, and for another step
    /// in the other version: keys of work would be used twice.
    fn names_used_up(&self) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        for (written, now) in self.written.iter().zip(self.journal.iter()) {
            if matches!(written.event, Event::Migrated { .. }) {
                continue;
            }
            let now = super::names::ids_in(&now.event);
            for (written, now) in super::names::ids_in(&written.event).into_iter().zip(now) {
                if self.target(&now) != written && self.to.find(&written).is_some() {
                    used.insert(written);
                }
            }
        }
        used
    }

    /// Whether the other version has every step that was begun, doing the same at the same place, with the
    /// outcomes that it came to.
    pub(super) fn history(&mut self) {
        for id in self.begun.clone() {
            let Some((body, step)) = self.old.plan.find(&id) else {
                continue;
            };
            let Some(there) = self.there(&id) else {
                if !self.steps.contains_key(&id) {
                    let why = format!(
                        "the run has begun it, and {} has no such step: say which one it is there, as {id}=NEW",
                        self.version()
                    );
                    self.at_step(&id, why);
                }
                continue;
            };
            let before = self.old.plan.body(body).step(step);
            if let Some(why) = differs(before, there, self.version()) {
                self.at_step(&id, why);
            }
            self.place(&id, body);
        }
        self.outcomes();
        self.items();
    }

    /// Whether a step stands among the same steps: the flow's, the `always` steps, those of the same `each`.
    fn place(&mut self, id: &str, body: BodyId) {
        let Some((there, _)) = self.to.find(self.target(id)) else {
            return;
        };
        let before = list(&self.old.plan, body).map(|each| self.target(each).to_owned());
        let after = list(self.to, there).map(str::to_owned);
        let always = |body| body == BodyId::ALWAYS;
        if before != after || always(body) != always(there) {
            let why = format!("it stands in another list of steps in {}", self.version());
            self.at_step(id, why);
        }
    }

    fn outcomes(&mut self) {
        let come_to = self.journal.iter().filter_map(|record| match &record.event {
            Event::StepFinished { step, outcome, .. } | Event::EachPassed { step, outcome, .. } => {
                Some((ids(step).last()?.to_owned(), outcome.clone()))
            }
            _ => None,
        });
        let come_to: BTreeSet<(String, String)> = come_to.collect();
        for (id, outcome) in come_to {
            let before = self.old.plan.step(&id);
            let knew = before.is_some_and(|step| step.outcomes.contains_key(&outcome));
            let knows = self.there(&id).is_none_or(|step| step.outcomes.contains_key(&outcome));
            if knew && !knows {
                let why = format!("it came to {outcome}, which it cannot come to in {}", self.version());
                self.at_step(&id, why);
            }
        }
    }

    /// Whether checklists have every item that something happened about.
    fn items(&mut self) {
        let told = self.journal.iter().filter_map(|record| match &record.event {
            Event::ItemChanged { step, item, .. } => Some((ids(step).last()?.to_owned(), item.clone(), false)),
            Event::TaskOpened {
                step, item: Some(item), ..
            } => Some((ids(step).last()?.to_owned(), item.clone(), true)),
            _ => None,
        });
        let told: BTreeSet<(String, String, bool)> = told.collect();
        for (id, item, reviewed) in told {
            let Some(PlanVerb::Collect(collect)) = self.there(&id).map(|step| &step.verb) else {
                continue;
            };
            let why = match collect.items.get(&item) {
                None => format!(
                    "something was given for {item}, which {} does not ask for",
                    self.version()
                ),
                Some(there) if reviewed && there.review.is_none() => {
                    format!(
                        "people were asked to look at {item}, which {} asks nobody",
                        self.version()
                    )
                }
                Some(_) => continue,
            };
            self.at_step(&id, why);
        }
    }
}

/// The `each` that a list of steps belongs to.
fn list(plan: &Plan, body: BodyId) -> Option<&str> {
    let (outer, step) = plan.body(body).outer?;
    Some(plan.body(outer).step(step).id.as_str())
}

/// How a step that was begun differs from what it did, where that matters to what it gave.
fn differs(before: &PlanStep, there: &PlanStep, version: &str) -> Option<String> {
    let (was, is) = (verb(&before.verb), verb(&there.verb));
    if was != is {
        return Some(format!("the run has begun it as {was}, and it is {is} in {version}"));
    }
    let (PlanVerb::Wait(was), PlanVerb::Wait(is)) = (&before.verb, &there.verb) else {
        return None;
    };
    if was.all != is.all {
        return Some(format!(
            "it waits for any of several or for all, and otherwise in {version}"
        ));
    }
    events(was, is).map(|(name, was, is)| format!("its {name} is the event {was}, and {is} in {version}"))
}

/// The first event that has another type under the same name.
fn events<'p>(was: &'p PlanWait, is: &'p PlanWait) -> Option<(&'p str, &'p str, &'p str)> {
    was.alternatives.iter().find_map(|(name, before)| {
        let after = is.alternatives.get(name)?;
        (before.event != after.event).then_some((name.as_str(), before.event.as_str(), after.event.as_str()))
    })
}

/// What a step does, as its author wrote it.
fn verb(verb: &PlanVerb) -> String {
    match verb {
        PlanVerb::Uses { action, .. } => return format!("uses: {action}"),
        PlanVerb::Run(run) => return format!("run: {}", run.flow),
        PlanVerb::Ask(ask) if ask.kind == AskKind::Approve => "approve",
        PlanVerb::Ask(_) => "task",
        PlanVerb::Wait(_) => "wait",
        PlanVerb::Choose(_) => "choose",
        PlanVerb::Check(_) => "check",
        PlanVerb::Collect(_) => "collect",
        PlanVerb::Each(_) => "each",
        PlanVerb::Set(_) => "set",
        PlanVerb::Cancel(_) => "cancel",
        PlanVerb::Complete(_) => "complete",
        PlanVerb::Add { .. } => "add",
        PlanVerb::End { .. } => "end",
    }
    .to_owned()
}
