//! Asking people: opening a task, and who is meant by it.

use super::super::event::{DocumentRef, Event};
use super::super::input::Reply;
use super::super::scope::RunScope;
use super::super::state::{Slot, Slots, Task};
use super::super::work::{Assignment, Place, WorkKey};
use super::Decider;
use super::branch::text_of;
use super::due::timers;
use super::rule::needed;
use crate::base::Value;
use crate::base::id::TaskId;
use crate::expr::Template;
use crate::plan::{Exclusion, PlanApprove, PlanVerb};
use serde_json::json;

impl Decider<'_> {
    pub(super) fn start_approve(&mut self, slot: Slot, approve: &PlanApprove) {
        match self.task_for(slot, approve) {
            Ok(event) => self.emit(event),
            Err(error) => self.raise(slot, &error, false, 0),
        }
    }

    fn task_for(&self, slot: Slot, approve: &PlanApprove) -> Result<Event, String> {
        let scope = self.scope(slot);
        let document = approve.document.eval(&scope).map_err(|error| error.message)?;
        let document: DocumentRef = serde_json::from_value(document)
            .map_err(|error| format!("`{}` is no version of a document: {error}", approve.document.source))?;
        let ask = approve.ask.as_ref().map(|ask| ask.eval(&scope)).transpose();
        let round = self.round(slot);
        let key = WorkKey::of_step(&self.state().run, &self.step(slot).id, round);
        Ok(Event::TaskOpened {
            step: self.id(slot),
            round,
            task: TaskId::derived(&key.0),
            ask: ask.map_err(|error| error.message)?.as_ref().map(text_of),
            by: texts(&approve.by, &scope)?,
            veto: texts(&approve.veto, &scope)?,
            exclude: self.excluded(slot, approve, &document),
            timers: timers(self.plan, slot, None, &scope)?,
            document,
        })
    }

    /// Persons who may not decide on `document`.
    pub(super) fn excluded(&self, slot: Slot, approve: &PlanApprove, document: &DocumentRef) -> Vec<String> {
        let mut persons = Vec::new();
        for exclusion in &approve.exclude {
            match exclusion {
                Exclusion::Initiator => persons.push(self.state().initiator.clone()),
                Exclusion::Uploader => persons.extend(document.by.clone()),
                Exclusion::Step(step) => {
                    let other = self.plan.sibling(slot, *step);
                    persons.extend(completed_by(&self.state().step(other).output));
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        persons.retain(|person| seen.insert(person.clone()));
        persons
    }

    pub(super) fn assigned(&mut self, work: &WorkKey, assignment: &Assignment) -> Reply {
        let place = work.place(&self.state().run);
        let step = place.as_ref().and_then(Place::step);
        let Some((slot, round)) = step.and_then(|(id, round)| Some((self.plan.slot(id)?, round))) else {
            return Reply::AlreadyDone;
        };
        match place {
            Some(Place::Assign { number, .. }) if self.asks(slot, round, number) => {
                self.assign(slot, assignment);
                Reply::Accepted
            }
            Some(Place::Escalate { .. }) => self.joined(slot, round, &assignment.people),
            _ => Reply::AlreadyDone,
        }
    }

    /// Whether the directory's answer to this question is wanted.
    pub(super) fn asks(&self, slot: Slot, round: u32, number: u32) -> bool {
        let asks = |task: &Task| task.round == round && task.unassigned && task.questions == number;
        self.state().task_of(slot).is_some_and(asks) && !self.state().incidents.contains_key(&self.step(slot).id)
    }

    fn assign(&mut self, slot: Slot, assignment: &Assignment) {
        let (Some(task), PlanVerb::Approve(approve)) = (self.state().task_of(slot), &self.step(slot).verb) else {
            return;
        };
        let people = allowed(&assignment.people, &task.exclude, &[]);
        let veto = allowed(&assignment.veto, &task.exclude, &[]);
        if needed(approve.rule, people.len()).is_none() {
            let error = format!(
                "{} of {} may decide, which is too few: add people to who is asked, or to the directory",
                people.len(),
                task.by.join(", ")
            );
            return self.raise(slot, &error, false, 0);
        }
        let task = task.id.clone();
        self.emit(Event::TaskAssigned {
            task,
            people,
            veto,
            escalated: false,
        });
    }

    /// The directory told who joins an open task.
    pub(super) fn joined(&mut self, slot: Slot, round: u32, people: &[String]) -> Reply {
        let Some(task) = self.state().task_of(slot) else {
            return Reply::AlreadyDone;
        };
        if task.round != round || task.joining.is_none() {
            return Reply::AlreadyDone;
        }
        let event = Event::TaskAssigned {
            task: task.id.clone(),
            people: allowed(people, &task.exclude, &task.people),
            veto: Vec::new(),
            escalated: true,
        };
        self.emit(event);
        Reply::Accepted
    }
}

/// Each person once, in order, without the excluded and those who are in already.
fn allowed(people: &[String], exclude: &[String], already: &[String]) -> Vec<String> {
    let mut allowed: Vec<String> = Vec::with_capacity(people.len());
    for person in people {
        if !exclude.contains(person) && !already.contains(person) && !allowed.contains(person) {
            allowed.push(person.clone());
        }
    }
    allowed
}

/// Who brought a step to its outcome, as far as its output tells: both whoever acted and for whom.
fn completed_by(output: &Value) -> Vec<String> {
    let decisions = output.get("decisions").and_then(Value::as_array);
    let records = decisions.into_iter().flatten().chain(std::iter::once(output));
    records
        .flat_map(|record| [record.get("by"), record.get("on_behalf_of")])
        .filter_map(|person| person.and_then(Value::as_str).map(str::to_owned))
        .collect()
}

/// What an approval gives.
pub(super) fn output_of(task: &Task) -> Value {
    json!({ "document": task.document, "decisions": task.decisions })
}

/// The templates as texts; one that gives a list gives each of its elements.
pub(super) fn texts(templates: &[Template], scope: &RunScope<'_>) -> Result<Vec<String>, String> {
    let mut found = Vec::with_capacity(templates.len());
    for template in templates {
        match template.eval(scope).map_err(|error| error.message)? {
            Value::Array(items) => found.extend(items.iter().map(text_of)),
            other => found.push(text_of(&other)),
        }
    }
    Ok(found)
}
