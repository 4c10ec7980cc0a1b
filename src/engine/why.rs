//! Why a run does not go on: one sentence for each thing that it waits for.

use super::decide::{because, escalated_next, rendered};
use super::frame::{Slot, slots};
use super::leads::{Leads, leads};
use super::state::{Call, Incident, Phase, Wait};
use super::view::{RunPhase, TaskPhase, TaskView};
use super::{RunMachine, collect::Collecting, each::Each};
use crate::base::id::{RunId, TaskId};
use crate::base::moment::{beside, in_words};
use crate::base::{Timestamp, Value};
use crate::plan::{PlanStep, PlanVerb};
use std::fmt;

/// How many things are told of one run; of more there is the number.
pub const MAX_REASONS: usize = 200;

/// What a run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// One by one, in the order of the file, those of elements last; at most [`MAX_REASONS`].
    pub reasons: Vec<Reason>,
    /// How many more there are.
    pub more: usize,
}

/// One thing that a run waits for. Shown, it is a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The step, as journals name it.
    pub step: String,
    /// What people call the step.
    pub title: String,
    /// What it waits for.
    pub what: String,
    /// For whom: `user:anna`, `email:rosa@example.com`; nobody where no person is waited for.
    pub whom: Vec<String>,
    /// Who was added by escalation and has not answered: they do so in the place of another.
    pub escalated: Vec<String>,
    /// In whose place the next of them does.
    pub place: Option<String>,
    /// Persons who were asked and can no longer answer.
    pub gone: Vec<String>,
    /// Since when.
    pub since: Timestamp,
    /// Until when, where that is certain.
    pub until: Option<Timestamp>,
    /// Why then, as `10 business days after it began`, where a step says until when.
    pub because: Option<String>,
    /// What happens then, or what helps where nothing happens by itself.
    pub then: Option<String>,
    /// Who else is told next, and when, where nothing comes before that.
    pub escalation: Option<NextEscalation>,
    /// The zone that moments are told in.
    zone: String,
}

/// The next escalation of a step that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextEscalation {
    /// When.
    pub at: Timestamp,
    /// Who, as written, evaluated: `role:legal-lead`.
    pub to: Vec<String>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" waits for {}", self.title, self.what)?;
        if !self.whom.is_empty() {
            write!(f, " from {}", list(&self.whom))?;
        }
        if let (Some(place), [_, ..]) = (&self.place, &self.escalated[..]) {
            let added = list(&self.escalated);
            write!(f, ", or from {added}, added by escalation, in the place of {place}")?;
        }
        if !self.gone.is_empty() {
            write!(f, " ({}, who was asked, can no longer answer)", list(&self.gone))?;
        }
        match self.until {
            Some(until) => {
                let since = beside(self.since, &self.zone);
                write!(f, ", since {since}, until {}", in_words(until, &self.zone))?;
            }
            None => write!(f, ", since {}, without end", in_words(self.since, &self.zone))?,
        }
        if let Some(because) = &self.because {
            write!(f, ", {because}")?;
        }
        match (&self.until, &self.then) {
            (Some(_), Some(then)) => write!(f, "; then {then}")?,
            (None, Some(then)) => write!(f, ": {then}")?,
            (_, None) => {}
        }
        if let Some(next) = &self.escalation {
            let (at, to) = (in_words(next.at, &self.zone), list(&next.to));
            write!(f, "; before that, on {at}, it is escalated to {to}")?;
        }
        f.write_str(".")
    }
}

/// Everything that the run waits for. Nothing where it has ended.
pub fn why(machine: &RunMachine) -> Why {
    let mut reasons = Vec::new();
    let mut more = 0;
    let mut tell = |reason: Reason| {
        if reasons.len() < MAX_REASONS {
            reasons.push(reason);
        } else {
            more += 1;
        }
    };
    if !matches!(machine.status(), RunPhase::Ended { .. }) {
        for (id, frame) in machine.state.frames.iter() {
            for (slot, step) in slots(id, frame) {
                if !step.phase.is_over() || machine.state.has_incident(&machine.plan, slot) {
                    Teller { machine, slot }.reasons().into_iter().for_each(&mut tell);
                }
            }
        }
        of_side_calls(machine).into_iter().for_each(&mut tell);
    }
    Why { reasons, more }
}

/// What is under way beside the steps: a release, and what failed of releases and of calls of steps
/// that were cancelled.
fn of_side_calls(machine: &RunMachine) -> Vec<Reason> {
    let state = &machine.state;
    let released = state.releasable().filter(|_| !state.is_running()).map(|thing| Reason {
        step: format!("release:{}", thing.id),
        title: "The end of the run".to_owned(),
        what: format!("the {} {} to be taken back", thing.kind, thing.id),
        whom: Vec::new(),
        escalated: Vec::new(),
        place: None,
        gone: Vec::new(),
        since: state.now,
        until: thing.tries.retry_at,
        because: None,
        then: thing.tries.retry_at.map(|_| "it is tried again".to_owned()),
        escalation: None,
        zone: zone(machine),
    });
    let incidents = machine.state.incidents.iter();
    let beside = incidents.filter(|(name, _)| machine.state.find(&machine.plan, name).is_none());
    let told = beside.map(|(name, incident)| Reason {
        step: name.clone(),
        title: name.clone(),
        what: to_be_looked_at(incident),
        whom: Vec::new(),
        escalated: Vec::new(),
        place: None,
        gone: Vec::new(),
        since: machine.state.now,
        until: None,
        because: None,
        then: Some("it is retried or skipped by hand".to_owned()),
        escalation: None,
        zone: zone(machine),
    });
    released.into_iter().chain(told).collect()
}

fn zone(machine: &RunMachine) -> String {
    let calendar = machine.plan.calendar.as_ref();
    calendar.map_or_else(|| "UTC".to_owned(), |calendar| calendar.zone.clone())
}

impl RunMachine {
    /// Why an open task is due when it is, in words for the end of a sentence; nothing where what the flow says means
    /// another moment by now.
    pub fn why_due(&self, task: &TaskId) -> Option<String> {
        let at = self.state.task_index.get(task)?;
        let task = self.state.tasks.get(*at).filter(|task| task.phase == TaskPhase::Open)?;
        because(&self.plan, &self.state, task.slot, task.timers.due?)
    }
}

/// Tells of one step.
struct Teller<'m> {
    machine: &'m RunMachine,
    slot: Slot,
}

impl Teller<'_> {
    fn reasons(&self) -> Vec<Reason> {
        let state = &self.machine.state;
        let name = state.name(&self.machine.plan, self.slot);
        if let Some(incident) = state.incidents.get(&name) {
            let then = "it is retried or skipped by hand".to_owned();
            return vec![self.reason(to_be_looked_at(incident), None, Some(then))];
        }
        match &state.step(self.slot).phase {
            Phase::Ready => vec![self.reason(self.turn(), None, None)],
            Phase::Calling(call) => vec![self.calling(call)],
            Phase::Waiting(wait) => vec![self.waiting(wait)],
            Phase::Asking(_) => self.asking(),
            Phase::Collecting(open) => {
                let own = self.collecting(open);
                own.into_iter().chain(self.asking()).collect()
            }
            Phase::Child(run) => vec![self.child(run)],
            Phase::Spreading(each) => vec![self.spreading(each)],
            _ => Vec::new(),
        }
    }

    fn planned(&self) -> &PlanStep {
        self.machine.state.planned(&self.machine.plan, self.slot)
    }

    fn reason(&self, what: String, until: Option<Timestamp>, then: Option<String>) -> Reason {
        Reason {
            step: self.machine.state.name(&self.machine.plan, self.slot),
            title: self.planned().title.clone(),
            what,
            whom: Vec::new(),
            escalated: Vec::new(),
            place: None,
            gone: Vec::new(),
            since: self.machine.state.step(self.slot).since,
            until,
            because: until.and_then(|until| because(&self.machine.plan, &self.machine.state, self.slot, until)),
            then,
            escalation: until.and_then(|_| self.escalation()),
            zone: zone(self.machine),
        }
    }

    fn escalation(&self) -> Option<NextEscalation> {
        let (at, to) = escalated_next(&self.machine.plan, &self.machine.state, self.slot)?;
        Some(NextEscalation { at, to })
    }

    /// What a step waits for that has not begun: an element before it, or whoever has the lock.
    fn turn(&self) -> String {
        let (plan, state) = (&self.machine.plan, &self.machine.state);
        if let Some(first) = state.before_it(self.slot) {
            return format!("its turn: \"{}\" is before it", state.name(plan, first));
        }
        let lock = self.planned().lock.as_ref();
        let holder = lock.and_then(|lock| Some((&lock.name, *state.locks.get(&lock.name)?.front()?)));
        match holder {
            Some((lock, holder)) if holder != self.slot => {
                format!("its turn: \"{}\" has the lock {lock}", state.name(plan, holder))
            }
            _ => "its turn".to_owned(),
        }
    }

    fn child(&self, run: &RunId) -> Reason {
        let what = match &self.planned().verb {
            PlanVerb::Run(planned) => format!("the end of run {run} of the flow {}", planned.flow),
            _ => format!("the end of run {run}"),
        };
        let then = format!("it goes on when that is over; gatefold why {run} says what it waits for");
        self.reason(what, None, Some(then))
    }

    fn calling(&self, call: &Call) -> Reason {
        let (action, first) = match &self.planned().verb {
            PlanVerb::Uses { action, .. } => (action.clone(), format!("the answer of {action}")),
            PlanVerb::Run(run) => {
                let start = format!("the start of the flow {}", run.flow);
                (start.clone(), start)
            }
            _ => {
                let action = crate::plan::collect::REQUEST_ACTION;
                (action.to_owned(), format!("the answer of {action}"))
            }
        };
        match call.tries.retry_at {
            Some(at) => self.reason(
                format!("another try of {action} after {} that failed", call.tries.failed),
                Some(at),
                Some("it is tried again".to_owned()),
            ),
            None => self.reason(first, None, None),
        }
    }

    fn waiting(&self, wait: &Wait) -> Reason {
        let open = wait.expected.iter();
        let open = open.filter(|expected| wait.met.iter().all(|(met, _)| *met != expected.name));
        let events: Vec<String> = open
            .map(|expected| match expected.on.as_ref().or(expected.key.as_ref()) {
                Some(about) => format!("{} of {about}", expected.event),
                None => expected.event.clone(),
            })
            .collect();
        let PlanVerb::Wait(plan) = &self.planned().verb else {
            return self.reason("an event".to_owned(), wait.timers.due, None);
        };
        let outcome = if plan.until.is_some() { "received" } else { "expired" };
        let then = wait.timers.due.map(|_| self.after(outcome));
        let what = match events.len() {
            0 if plan.when.is_some() => "values of the run that meet its condition".to_owned(),
            0 => "a moment".to_owned(),
            1 => events.concat(),
            _ if plan.all => format!("all of {}", list(&events)),
            _ => format!("one of {}", list(&events)),
        };
        self.reason(what, wait.timers.due, then)
    }

    /// The tasks that the step has open.
    fn asking(&self) -> Vec<Reason> {
        let open = self.machine.state.tasks_at(self.slot).into_iter();
        let open = open.map(|at| &self.machine.state.tasks[at]);
        open.filter_map(|task| Some((task, self.machine.task(&task.id)?)))
            .map(|(task, view)| {
                let due = view.due.or_else(|| self.machine.state.timers_of(self.slot)?.due);
                let then = due.map(|_| match &task.item {
                    Some(_) => self.after("incomplete"),
                    None => self.after("expired"),
                });
                let mut reason = self.reason(asked(&view), due, then);
                if view.people.is_empty() {
                    reason.what = String::from("the directory to tell who is meant");
                }
                let is_later = |person: &String| view.turn.as_ref().is_some_and(|turn| turn.later.contains(person));
                let has_decided = |person: &String| {
                    view.decided
                        .iter()
                        .any(|record| record.persons().any(|one| one == person))
                };
                let waited_for = view
                    .people
                    .iter()
                    .filter(|person| !has_decided(person) && !is_later(person));
                let (escalated, whom) = waited_for.cloned().partition(|person| view.escalated.contains(person));
                (reason.whom, reason.escalated) = (whom, escalated);
                reason.place = view.place.filter(|_| !reason.escalated.is_empty());
                reason.gone = view.left;
                reason.since = view.opened_at;
                if let Some(rest) = view.suspended {
                    reason.what = format!("its task to be resumed, which rests because \"{}\",", rest.reason);
                    (reason.whom, reason.escalated, reason.place) = (vec![rest.by], Vec::new(), None);
                    reason.since = rest.at;
                }
                reason
            })
            .collect()
    }

    /// What is missing of a checklist; nothing where only those who look at it are waited for.
    fn collecting(&self, open: &Collecting) -> Option<Reason> {
        let PlanVerb::Collect(plan) = &self.planned().verb else {
            return None;
        };
        let wanted = plan.items.iter().filter_map(|(name, item)| {
            let state = open.items.get(name)?.state;
            let is_wanted = !item.optional && !state.is_settled() && !state.is_looked_at();
            is_wanted.then(|| format!("{name} ({})", state.as_str()))
        });
        let wanted: Vec<String> = wanted.collect();
        if wanted.is_empty() {
            return None;
        }
        let due = open.timers.due;
        let then = due.map(|_| self.after("incomplete"));
        let mut reason = self.reason(list(&wanted), due, then);
        let asked = rendered(&self.machine.plan, &self.machine.state, self.slot);
        let asked = asked
            .ok()
            .and_then(|(input, _)| input.get("to").and_then(Value::as_str).map(str::to_owned));
        reason.whom.extend(asked);
        Some(reason)
    }

    fn spreading(&self, each: &Each) -> Reason {
        let over = each.ended.len();
        let what = format!(
            "{} of {} elements, {} of them under way",
            each.items.len() - over,
            each.items.len(),
            each.running.len()
        );
        let then = "it goes on when they are over".to_owned();
        self.reason(what, None, Some(then))
    }

    /// Where an outcome of the step leads.
    fn after(&self, outcome: &str) -> String {
        let state = &self.machine.state;
        let body = self.machine.plan.body(state.frame(self.slot.frame).body);
        let planned = self.planned();
        let led = leads(&self.machine.plan, state, self.slot, outcome);
        let named = led == Leads::Named;
        let next = body.steps.iter().filter(|step| {
            let mut edges = step.after.iter().filter(|edge| edge.from == planned.index);
            edges.any(|edge| match &edge.outcome {
                Some(name) => name == outcome,
                None => !named,
            })
        });
        let next: Vec<String> = next.map(|step| format!("\"{}\"", step.title)).collect();
        let whole = if state.frame(self.slot.frame).element.is_some() {
            "the element"
        } else {
            "the run"
        };
        match led {
            Leads::End(status) => format!("{whole} ends as {status}"),
            Leads::Back { to, .. } => format!("it goes back to \"{}\"", body.step(to.step).title),
            Leads::On | Leads::Named if next.is_empty() => format!("{whole} goes on without it"),
            Leads::On | Leads::Named => format!("it goes on with {}", list(&next)),
            Leads::Nowhere => "an administrator has to look".to_owned(),
        }
    }
}

/// What is wrong, and how often it was tried.
fn to_be_looked_at(incident: &Incident) -> String {
    let tries = match incident.attempts {
        0 | 1 => String::new(),
        tries => format!(" (tried {tries} times)"),
    };
    format!("an administrator: {}{tries}", incident.error)
}

/// What people are asked for.
fn asked(view: &TaskView) -> String {
    let what = if view.kind == crate::plan::AskKind::Approve {
        "a decision"
    } else {
        "an answer"
    };
    match &view.document {
        Some(document) => format!("{what} on {}, version {},", document.name, document.version),
        None => what.to_owned(),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
