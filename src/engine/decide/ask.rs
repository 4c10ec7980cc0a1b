//! Asking people: opening a task, and who is meant by it.

use super::super::event::{Event, StandIn, Timers, Watchers, Weight};
use super::super::frame::Slot;
use super::super::input::Reply;
use super::super::scope::RunScope;
use super::super::state::Task;
use super::super::view::TaskPhase;
use super::super::work::{Assignment, Place, WorkKey};
use super::Decider;
use super::branch::text_of;
use super::due::timers;
use super::exclude::completed_by;
use super::pick::picked;
use super::rule::{needed, votes};
use crate::base::calendar::after;
use crate::base::id::TaskId;
use crate::base::{FileRef, Value};
use crate::expr::Template;
use crate::plan::{AskKind, PlanAsk, Priority, Starts};
use crate::spec::limits::{MAX_LINE, MAX_TEXT};
use serde_json::{Map, json};

impl Decider<'_> {
    pub(super) fn start_ask(&mut self, slot: Slot, ask: &PlanAsk) {
        match self.task_for(slot, ask) {
            Ok(event) => self.emit(event),
            Err(error) => self.raise(slot, &error, false, 0),
        }
    }

    fn task_for(&self, slot: Slot, ask: &PlanAsk) -> Result<Event, String> {
        let scope = self.scope(slot);
        let document = ask
            .document
            .as_ref()
            .map(|written| document(written, &scope))
            .transpose()?;
        let sentence = |written: Option<&Template>| {
            let value = written.map(|written| written.eval(&scope)).transpose();
            value
                .map(|value| value.as_ref().map(text_of))
                .map_err(|error| error.message)
        };
        let round = self.round(slot);
        let step = self.id(slot);
        let key = WorkKey::of_step(&self.state().run, &step, round);
        Ok(Event::TaskOpened {
            step,
            round,
            task: TaskId::derived(&key.0),
            item: None,
            title: sentence(ask.title.as_ref())?.map(|title| bounded(&one_line(&title), MAX_LINE)),
            ask: sentence(ask.ask.as_ref())?.map(|ask| bounded(&ask, MAX_TEXT)),
            by: texts(&ask.by, &scope)?,
            veto: texts(&ask.veto, &scope)?,
            exclude: self.excluded(slot, ask, document.as_ref())?,
            only: texts(&ask.reach.only, &scope)?,
            visible: Watchers {
                untaken: texts(&ask.reach.untaken, &scope)?,
                taken: texts(&ask.reach.taken, &scope)?,
            },
            priority: priority(ask, &scope)?,
            timers: self.ask_timers(slot, ask, &scope)?,
            document,
        })
    }

    /// The timers of a step that asks; where people hear of it later, when that is.
    fn ask_timers(&self, slot: Slot, ask: &PlanAsk, scope: &RunScope<'_>) -> Result<Timers, String> {
        let mut timers = timers(self.plan, self.state(), slot, None, scope)?;
        if let Some(hold_back) = &ask.reach.hold_back {
            let tell = after(scope.now, hold_back, self.plan.calendar.as_ref()).map_err(|error| error.0)?;
            timers.tell = Some(tell).filter(|tell| timers.due.is_none_or(|due| *tell < due));
        }
        Ok(timers)
    }

    pub(super) fn assigned(&mut self, work: &WorkKey, assignment: &Assignment) -> Reply {
        match work.place(&self.state().run) {
            Some(Place::Assign { id, round, number }) => match self.asked_in(id, round, number) {
                Some(at) => {
                    self.assign(at, assignment);
                    Reply::Accepted
                }
                None => Reply::AlreadyDone,
            },
            Some(Place::Escalate { id, round, position }) => self.joined(id, round, position, assignment),
            _ => Reply::AlreadyDone,
        }
    }

    /// The open task that questions to the directory name so, by its position. Its id follows from that name
    /// unless the step was called otherwise when it opened.
    fn task_called(&self, name: &str, round: u32) -> Option<usize> {
        let state = self.state();
        let is_it = |at: &usize| {
            let task = &state.tasks[*at];
            task.phase == TaskPhase::Open && task.name == name && task.round == round
        };
        let key = WorkKey::of_step(&state.run, name, round);
        let derived = state.task_index.get(&TaskId::derived(&key.0)).copied();
        let mut open = state.asking.iter().flat_map(|slot| state.tasks_at(*slot));
        derived.filter(is_it).or_else(|| open.find(is_it))
    }

    /// The task of which the directory was asked this, if the answer is wanted.
    pub(super) fn asked_in(&self, name: &str, round: u32, number: u32) -> Option<usize> {
        let at = self.task_called(name, round)?;
        let task = &self.state().tasks[at];
        let asks = task.asks_directory() && task.questions == number && !self.has_incident(task.slot);
        asks.then_some(at)
    }

    fn assign(&mut self, at: usize, assignment: &Assignment) {
        let task = &self.state().tasks[at];
        let Some(ask) = task.asked(self.plan) else {
            return;
        };
        let exclude = [&task.exclude[..], &assignment.exclude].concat();
        let only = assignment.only.as_deref();
        let people = authorized(allowed(&assignment.people, &exclude, &[]), only);
        let veto = authorized(allowed(&assignment.veto, &exclude, &[]), only);
        let weights: Vec<Weight> = assignment
            .weights
            .iter()
            .filter(|weight| people.contains(&weight.person))
            .cloned()
            .collect();
        let votes = votes(&people, &weights);
        if needed(ask.rule, votes).is_none() {
            let error = format!(
                "{votes} of {} may decide, which is too few: add people to who is asked, or to the directory",
                task.by.join(", ")
            );
            return self.raise(task.slot, &error, false, 0);
        }
        let mut deputies = stand_ins(&assignment.deputies, &exclude, &[&people, &veto], &[]);
        deputies.retain(|one| may(&one.by, only));
        let assigned_to = self.assigned_to(task, ask, &people, &deputies, assignment);
        self.emit(Event::TaskAssigned {
            task: task.id.clone(),
            exclude: only_new(&assignment.exclude, &task.exclude),
            people,
            veto,
            deputies,
            weights,
            only: assignment.only.clone(),
            assigned_to,
            escalated: false,
        });
        // whoever had joined may have decided before
        self.settle_task(at);
    }

    /// Who gets the task, where one of those asked does: whoever is preferred, or is picked.
    fn assigned_to(
        &self,
        task: &Task,
        ask: &PlanAsk,
        people: &[String],
        deputies: &[StandIn],
        assignment: &Assignment,
    ) -> Option<String> {
        if !ask.settles_alone() {
            return None;
        }
        // Who is away does not get it: who stands in does.
        let acting = |person: &String| {
            let deputy = deputies.iter().find(|one| one.on_behalf_of == *person);
            deputy.map_or_else(|| person.clone(), |one| one.by.clone())
        };
        let acting: Vec<String> = people.iter().map(acting).collect();
        let preferred = ask.prefer.and_then(|step| {
            let before = completed_by(&self.state().step(task.slot.sibling(step)).output);
            let is_preferred = |person: &&String| before.contains(person) || assignment.preferred.contains(person);
            acting.iter().find(is_preferred)
        });
        let name = format!("{}#{}", task.name, task.round);
        let same = || {
            self.same_person(task)
                .and_then(|one| acting.iter().find(|person| *person == one))
        };
        let picked = || picked(ask.pick?, &acting, assignment, self.state().seed, &name);
        let alone = || {
            acting
                .first()
                .filter(|_| acting.len() == 1 && ask.reach.starts == Some(Starts::Opened))
        };
        preferred.or_else(same).or_else(picked).or_else(alone).cloned()
    }

    /// Whoever first took, was given or answered a task of the run, where all of them go to one person.
    fn same_person(&self, task: &Task) -> Option<&String> {
        let others = self.state().tasks.iter().filter(|other| other.id != task.id);
        let has = |other: &&Task| other.claimed_by.is_some() || !other.decisions.is_empty();
        let first = others.filter(|_| self.plan.same_person).find(has)?;
        let answered = first.decisions.first().map(|record| &record.by);
        answered.or(first.claimed_by.as_ref())
    }

    /// The directory told who joins an open task by the escalation at `position`.
    pub(super) fn joined(&mut self, name: &str, round: u32, position: u32, assignment: &Assignment) -> Reply {
        let Some(at) = self.task_called(name, round) else {
            return Reply::AlreadyDone;
        };
        let task = &self.state().tasks[at];
        if task.joining.front().is_none_or(|joining| joining.position != position) {
            return Reply::AlreadyDone;
        }
        let exclude = [&task.exclude[..], &assignment.exclude].concat();
        let in_already: Vec<String> = task
            .people
            .iter()
            .chain(&task.joined)
            .chain(&task.veto)
            .chain(task.deputies.iter().map(|one| &one.by))
            .cloned()
            .collect();
        let only = assignment.only.as_deref().or(task.only.as_deref());
        let people = authorized(allowed(&assignment.people, &exclude, &in_already), only);
        let mut deputies = stand_ins(&assignment.deputies, &exclude, &[&people], &[&in_already]);
        deputies.retain(|one| may(&one.by, only));
        let event = Event::TaskAssigned {
            task: task.id.clone(),
            deputies,
            exclude: only_new(&assignment.exclude, &task.exclude),
            people,
            veto: Vec::new(),
            weights: Vec::new(),
            only: None,
            assigned_to: None,
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

/// What comes first in lists, where it is said.
fn priority(ask: &PlanAsk, scope: &RunScope<'_>) -> Result<Option<Priority>, String> {
    let Some(written) = &ask.reach.priority else {
        return Ok(None);
    };
    let text = text_of(&written.eval(scope).map_err(|error| error.message)?);
    let priority = Priority::parse(&text);
    priority
        .map(Some)
        .ok_or_else(|| format!("{text:?} is no priority: it is {}", Priority::WORDS))
}

/// Those who may answer at all.
fn authorized(mut people: Vec<String>, only: Option<&[String]>) -> Vec<String> {
    people.retain(|person| may(person, only));
    people
}

/// Whether somebody may answer at all.
pub(super) fn may(person: &str, only: Option<&[String]>) -> bool {
    only.is_none_or(|only| only.iter().any(|one| one == person))
}

/// Who stands in for those `asked`, without the excluded, those who are asked themselves and the
/// `others`; nobody for two.
fn stand_ins(given: &[StandIn], exclude: &[String], asked: &[&[String]], others: &[&[String]]) -> Vec<StandIn> {
    let is_in = |lists: &[&[String]], person: &String| lists.iter().any(|people| people.contains(person));
    let mut found: Vec<StandIn> = Vec::new();
    for one in given {
        let fits = is_in(asked, &one.on_behalf_of)
            && !is_in(asked, &one.by)
            && !is_in(others, &one.by)
            && !exclude.contains(&one.by)
            && found
                .iter()
                .all(|other| other.by != one.by && other.on_behalf_of != one.on_behalf_of);
        if fits {
            found.push(one.clone());
        }
    }
    found
}

/// The names that are not known yet.
fn only_new(names: &[String], known: &[String]) -> Vec<String> {
    names.iter().filter(|name| !known.contains(name)).cloned().collect()
}

/// The version of a document that `written` means.
fn document(written: &Template, scope: &RunScope<'_>) -> Result<FileRef, String> {
    let value = written.eval(scope).map_err(|error| error.message)?;
    let is_there = !value.is_null();
    serde_json::from_value(value).map_err(|_| {
        let found = if is_there {
            "is no version of a file"
        } else {
            "has no value"
        };
        format!(
            "the document to decide on, `{}`, {found}: name an input of the type file, or the file that a step gave",
            written.source
        )
    })
}

/// What a step that asks gives: an approval its decisions, a task who settled it, both what was
/// filled in by whoever answered last as it came out.
pub(super) fn output_of(task: &Task, ask: &PlanAsk, outcome: &str) -> Value {
    let mut output = Map::new();
    if let Some(document) = &task.document {
        output.insert("document".to_owned(), json!(document));
    }
    let settled = task.decisions.iter().rev().find(|record| record.decision == outcome);
    if ask.kind == AskKind::Approve {
        output.insert("decisions".to_owned(), json!(task.decisions));
    } else if let Some(record) = settled {
        output.insert("by".to_owned(), json!(record.by));
        output.insert("at".to_owned(), json!(record.at));
        for (name, text) in [
            ("on_behalf_of", &record.on_behalf_of),
            ("escalated_to", &record.escalated_to),
            ("reason", &record.reason),
        ] {
            output.extend(text.as_ref().map(|text| (name.to_owned(), json!(text))));
        }
    }
    output.extend(settled.into_iter().flat_map(|record| record.form.clone()));
    Value::Object(output)
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

/// The text on one line: what a run was given may hold anything, and a title becomes the subject of mails.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// At most so many characters of the text, the last of them telling that there were more.
fn bounded(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{bounded, one_line};

    #[test]
    fn what_people_are_shown_has_a_limit() {
        assert_eq!(one_line(" Pay \r\nBcc: x\u{85}y\tz"), "Pay Bcc: x y z");
        assert_eq!(bounded(&"ä".repeat(5), 5), "äääää");
        assert_eq!(bounded(&"ä".repeat(6), 5), "ääää…");
    }
}
