//! What has happened in a case so far, as a test asks about it.

use super::canned::Sent;
use super::stage::Stage;
use crate::base::{Timestamp, Value};
use crate::engine::EventRecord;
use crate::engine::event::Event;
use crate::host::HostError;
use crate::host::runs::StepView;
use crate::host::tasks::Order;
use crate::people::Directory;
use crate::plan::{Plan, PlanStep, PlanVerb};
use crate::space::State;
use crate::store::{RunRow, TaskRow};
use std::collections::{BTreeMap, BTreeSet};

/// Most lines of a journal that are looked at.
pub(super) const JOURNAL: usize = 100_000;
/// Most lines of a journal that a finding shows.
const EXCERPT: usize = 8;
/// Keys of an event that say nothing to a person, or too much.
const DULL: [&str; 18] = [
    "type", "step", "run", "seq", "v", "at", "timers", "expected", "input", "output", "document", "secrets", "data",
    "id", "plan", "seed", "task", "sha256",
];

/// What has happened so far.
pub struct Facts {
    /// When it is asked.
    pub now: Timestamp,
    /// The run, if one has begun.
    pub run: Option<RunRow>,
    /// How many runs of the flow there are.
    pub runs: usize,
    /// Its journal.
    pub journal: Vec<EventRecord>,
    /// Its steps.
    pub steps: Vec<StepView>,
    /// What it gave.
    pub outputs: Option<Value>,
    /// Open tasks: who has each on their list, and the step that asks.
    pub tasks: Vec<(Vec<String>, String)>,
    /// Mails that went.
    pub mails: Vec<Sent>,
    /// Actions that were called outside.
    pub calls: Vec<String>,
    /// Shares that are open, by id.
    pub open_shares: BTreeSet<String>,
    /// The open tasks in the list of each person, the oldest first.
    pub lists: BTreeMap<String, Vec<TaskRow>>,
    /// By step: who works on its open tasks.
    pub started: BTreeMap<String, BTreeSet<String>>,
    /// Steps of the open tasks that each person sees without being asked.
    pub watched: BTreeMap<String, Vec<String>>,
}

impl Facts {
    /// Asks the host.
    pub async fn gather(stage: &Stage<'_>) -> Result<Self, HostError> {
        let world = &stage.setting.world;
        let runs = stage.runs().await?;
        let mut facts = Self {
            now: stage.now(),
            runs: runs.len(),
            run: runs.into_iter().next(),
            journal: Vec::new(),
            steps: Vec::new(),
            outputs: None,
            tasks: Vec::new(),
            mails: world.mails(),
            calls: world.calls(),
            open_shares: BTreeSet::new(),
            lists: BTreeMap::new(),
            started: BTreeMap::new(),
            watched: BTreeMap::new(),
        };
        for user in stage.setting.directory.users.keys() {
            let person = format!("user:{user}");
            let tasks = stage.host.open_tasks(Some(&person)).await?;
            facts.lists.insert(person.clone(), tasks);
            let watched = steps_of(&stage.host.watched_tasks(&person).await?);
            facts.watched.insert(person, watched);
        }
        let Some(run) = facts.run.as_ref().map(|run| run.id.clone()) else {
            return Ok(facts);
        };
        facts.journal = stage.host.journal(&run, 0, JOURNAL).await?;
        let view = stage.host.run_view(&run).await?;
        facts.steps = view.steps;
        facts.outputs = view.outputs;
        for task in stage.host.open_tasks(None).await? {
            let started = task.started.iter().map(|one| one.by.clone());
            facts.started.entry(task.step.clone()).or_default().extend(started);
            let people = task.listed_for().cloned().collect();
            facts.tasks.push((people, task.step));
        }
        for (share, _) in stage.host.shares_of(&run).await? {
            if share.state == State::Live && share.expires_at > facts.now {
                facts.open_shares.insert(share.id.to_string());
            }
        }
        Ok(facts)
    }

    /// The status that the run ended with, or how it stands.
    pub fn outcome(&self) -> Option<String> {
        let run = self.run.as_ref()?;
        match (&run.outcome, run.ended_at, run.incident) {
            (Some(outcome), Some(_), _) => Some(outcome.clone()),
            (_, _, true) => Some("incident".to_owned()),
            _ => Some("waiting".to_owned()),
        }
    }

    /// How a step stands.
    pub fn step(&self, id: &str) -> Option<&StepView> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// The outcomes that a step came to, round by round; by the id alone, that of every element.
    pub fn outcomes(&self, id: &str) -> Vec<String> {
        let outcome = |record: &EventRecord| match &record.event {
            Event::StepFinished { step, outcome, .. } if is_of(step, id) => Some(outcome.clone()),
            _ => None,
        };
        self.journal.iter().filter_map(outcome).collect()
    }

    /// Every outcome of every step; a step of an `each` counts in any of its elements.
    pub fn all_outcomes(&self) -> BTreeSet<(String, String)> {
        let outcome = |record: &EventRecord| match &record.event {
            Event::StepFinished { step, outcome, .. } => Some((bare(step).to_owned(), outcome.clone())),
            _ => None,
        };
        self.journal.iter().filter_map(outcome).collect()
    }

    /// Who was asked last by a step; nothing where nobody was.
    pub fn asked(&self, id: &str) -> Option<BTreeSet<String>> {
        let mut asked: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let mut last = None;
        for record in &self.journal {
            match &record.event {
                Event::TaskOpened { step, task, .. } if step == id => last = Some(task.as_str()),
                Event::TaskAssigned { task, people, .. } => {
                    asked.entry(task.as_str()).or_default().extend(people.iter().cloned());
                }
                _ => {}
            }
        }
        Some(asked.remove(last?).unwrap_or_default())
    }

    /// The steps whose open tasks a person has on their list, in alphabetical order.
    pub fn inbox_of(&self, person: &str) -> Vec<String> {
        let theirs = self
            .tasks
            .iter()
            .filter(|(people, _)| people.iter().any(|other| other == person));
        let mut steps: Vec<String> = theirs.map(|(_, step)| step.clone()).collect();
        steps.sort_unstable();
        steps
    }

    /// The steps of a person's list, in an order, of those tasks that `is_shown` lets through.
    pub fn listed(&self, person: &str, order: Order, is_shown: impl Fn(&TaskRow) -> bool) -> Vec<String> {
        let mut tasks = self.lists.get(person).cloned().unwrap_or_default();
        order.sort(&mut tasks);
        tasks.retain(is_shown);
        steps_of(&tasks)
    }

    /// Whether a step has begun; by the id alone, in any element.
    pub fn has_begun(&self, id: &str) -> bool {
        self.begun().any(|step| is_of(step, id))
    }

    /// Steps that have begun, each as often as something about it was recorded.
    fn begun(&self) -> impl Iterator<Item = &str> {
        self.journal.iter().filter_map(|record| match &record.event {
            Event::ActionScheduled { step, .. }
            | Event::WaitOpened { step, .. }
            | Event::CollectOpened { step, .. }
            | Event::EachOpened { step, .. }
            | Event::TaskOpened { step, .. }
            | Event::StepFinished { step, .. }
            | Event::IncidentRaised { step, .. } => Some(step.as_str()),
            _ => None,
        })
    }

    /// Whether an action was called, here or outside.
    pub fn was_called(&self, plan: &Plan, name: &str) -> bool {
        let calls = |step: &str| {
            let verb = plan.step(step).map(|step| &step.verb);
            matches!(verb, Some(PlanVerb::Uses { action, .. }) if action == name)
        };
        self.calls.iter().any(|call| call == name) || self.begun().any(calls)
    }

    /// Ids of what a step acquired, by the id alone in all elements, and of those, which were taken back.
    pub fn acquired(&self, plan: &Plan, id: &str) -> (Vec<String>, Vec<String>) {
        let Some(acquires) = plan.step(id).and_then(PlanStep::acquires) else {
            return (Vec::new(), Vec::new());
        };
        let thing = |record: &EventRecord| match &record.event {
            Event::StepFinished { step, output, .. } if is_of(step, id) => {
                output.get(&acquires.output).and_then(Value::as_str).map(str::to_owned)
            }
            Event::CollectOpened { step, request, .. } if is_of(step, id) => Some(request.clone()),
            _ => None,
        };
        let acquired: Vec<String> = self.journal.iter().filter_map(thing).collect();
        let is_released = |thing: &String| {
            let is_it = |record: &EventRecord| matches!(&record.event, Event::Released { id, .. } if id == thing);
            self.journal.iter().any(is_it)
        };
        let released = acquired.iter().filter(|thing| is_released(thing)).cloned().collect();
        (acquired, released)
    }

    /// The last lines of the journal that are about a step, or the last lines of all.
    pub fn excerpt(&self, step: Option<&str>) -> String {
        let mut steps = BTreeMap::new();
        let mut lines = Vec::new();
        for record in &self.journal {
            if let Event::TaskOpened { task, step, .. } = &record.event {
                steps.insert(task.to_string(), step.clone());
            }
            let Ok(fields) = serde_json::to_value(record) else {
                continue;
            };
            let of_task = fields["task"].as_str().and_then(|task| steps.get(task));
            let of_step = fields["step"].as_str().or(of_task.map(String::as_str));
            if step.is_none_or(|name| of_step.is_some_and(|step| is_of(step, name))) {
                lines.push(line(record, &fields, of_step.filter(|_| step.is_none())));
            }
        }
        if lines.is_empty() {
            return match step {
                Some(step) => format!("the journal has nothing about `{step}`"),
                None => "no run has begun".to_owned(),
            };
        }
        let skipped = lines.len().saturating_sub(EXCERPT);
        format!("what happened, in UTC:\n{}", lines[skipped..].join("\n"))
    }
}

fn steps_of(tasks: &[TaskRow]) -> Vec<String> {
    tasks.iter().map(|task| task.step.clone()).collect()
}

/// A line of the journal in short: when, what, and the fields that are a word.
fn line(record: &EventRecord, fields: &Value, step: Option<&str>) -> String {
    let what = fields["type"].as_str().unwrap_or_default().replace('_', " ");
    let own = fields.as_object().into_iter().flatten();
    let of_decision = fields["record"].as_object().into_iter().flatten();
    let words = own.chain(of_decision).filter_map(|(key, value)| {
        let words: Vec<&str> = match value {
            Value::String(text) => vec![text],
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            _ => return None,
        };
        let words: Vec<&str> = words.into_iter().filter(|word| !is_id(word)).collect();
        (!DULL.contains(&key.as_str()) && !words.is_empty()).then(|| words.join(", "))
    });
    let at = record.at.strftime("%Y-%m-%d %H:%M").to_string();
    let mut parts = vec![at, step.unwrap_or_default().to_owned(), what];
    parts.extend(words);
    parts.retain(|part| !part.is_empty());
    parts.join("  ")
}

/// The id of a step without the element that it is of: of `departments[3].sign`, `sign`.
pub(super) fn bare(step: &str) -> &str {
    step.rsplit_once('.').map_or(step, |(_, id)| id)
}

/// Whether a step that the journal names so is meant by `name`: the same, or the id alone.
fn is_of(step: &str, name: &str) -> bool {
    step == name || bare(step) == name
}

/// Whether it is the id of something, as `tsk_…`: another one each time.
fn is_id(word: &str) -> bool {
    let kind = word.split_once('_').map_or("", |(kind, _)| kind);
    kind.len() == 3 && kind.bytes().all(|letter| letter.is_ascii_lowercase())
}

/// The party that a test means by `anna`, `user:anna`, `role:legal` or an address.
pub fn party(directory: &Directory, text: &str) -> String {
    let text = text.trim();
    if directory.users.contains_key(text) {
        return format!("user:{text}");
    }
    match directory.resolve(&[text.to_owned()], &[]).as_deref() {
        Ok([one]) if !text.starts_with("role:") && !text.starts_with("group:") => one.clone(),
        _ => text.to_owned(),
    }
}

/// Everybody that a test means by `anna`, `user:anna`, `role:legal` or an address.
pub fn parties(directory: &Directory, text: &str) -> Result<Vec<String>, String> {
    let party = party(directory, text);
    directory.resolve(&[party], &[]).map_err(|unknown| unknown.to_string())
}

/// Whether `found` has everything that `wanted` says: of maps, the keys that are given.
pub fn fits(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| found.get(key).is_some_and(|found| fits(found, value))),
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| fits(found, wanted))
        }
        (Value::Number(found), Value::Number(wanted)) => found.as_f64() == wanted.as_f64(),
        (found, wanted) => found == wanted,
    }
}
