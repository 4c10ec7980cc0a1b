//! What a host may show and store of a run: questions whose answers change only with events.

use super::RunMachine;
use super::child::Parent;
use super::each::COMPLETED;
use super::event::{DecisionRecord, Draft, Expected, Remark, StandIn, Started, Suspension, Watchers};
use super::frame::{FrameId, Slot, is_each, slots};
use super::state::{Phase, Progress, StepState, Task};
use crate::base::id::{RunId, TaskId};
use crate::base::{FileRef, ItemState, Timestamp, Value};
pub use crate::plan::{AskKind, Detour, PlanField, Priority};
use crate::plan::{Exclusion, Plan, PlanAsk, PlanVerb};
use crate::spec::RunSpec;
use crate::spec::step::OnNewVersion;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunPhase {
    /// Something is to be done or waited for.
    Running,
    /// It releases what it owns and runs its `always` steps.
    Closing {
        /// The status it will end with.
        status: String,
    },
    /// It is over.
    Ended {
        /// The status it ended with.
        status: String,
    },
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepPhase {
    /// Its predecessors have not settled, or it does not have its turn yet.
    Pending,
    /// It is being done or waited for.
    Active,
    /// It came to an outcome.
    Finished,
    /// Its condition was false, or a person skipped it.
    Skipped,
    /// Its join can no longer be met.
    NotReached,
    /// A person must look.
    Incident,
    /// The run closed before it was done.
    Cancelled,
}

impl StepPhase {
    /// As written in views and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Finished => "finished",
            Self::Skipped => "skipped",
            Self::NotReached => "not_reached",
            Self::Incident => "incident",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A step as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepView {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// How it stands.
    pub phase: StepPhase,
    /// Its outcome, if it came to one in this round.
    pub outcome: Option<String>,
    /// Its round, from 1.
    pub round: u32,
    /// When it expires.
    pub due: Option<Timestamp>,
    /// What is wrong, where a person must look or the outcome is `failed`.
    pub error: Option<String>,
    /// How often it was tried, where a person must look at a call that failed.
    pub attempts: Option<u32>,
    /// How its elements stand, where it does its steps for each of several.
    pub elements: Option<ElementsView>,
    /// The run of another flow that it started, where it did.
    pub run: Option<RunId>,
}

/// How the elements of an `each` stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementsView {
    /// How many there are.
    pub total: u32,
    /// How many completed.
    pub completed: u32,
    /// How many ended otherwise.
    pub otherwise: u32,
    /// How many are under way.
    pub running: u32,
    /// The first of those under way, at most [`SHOWN_ELEMENTS`]; those where a person must look
    /// before the others.
    pub shown: Vec<ElementView>,
}

/// An element under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementView {
    /// From 0.
    pub index: u32,
    /// Its steps in the order of the file, by their full names.
    pub steps: Vec<StepView>,
}

/// How many elements of an `each` a view shows one by one.
pub const SHOWN_ELEMENTS: usize = 20;

/// Something that a person must look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentView {
    /// A step, `release:THING` or `abandoned:STEP:ROUND`: what `Retry` and `Skip` name.
    pub name: String,
    /// What is wrong.
    pub error: String,
    /// Whether it is not known if the effect happened.
    pub in_doubt: bool,
    /// How often it was tried; 0 where nothing was called.
    pub attempts: u32,
}

/// A checklist that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChecklistView {
    /// The request that it was asked for with.
    pub request: String,
    /// Its items in the order of the file.
    pub items: Vec<ItemView>,
}

/// One item of a checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemView {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: ItemState,
    /// Whether the checklist is complete without it.
    pub optional: bool,
    /// Why it was sent back, or does not apply.
    pub reason: Option<String>,
    /// Number of the change in the file space that led here.
    pub change: u64,
}

/// A thing that the run owns and will release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnedView {
    /// Kind of the thing, as `share`.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// How a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskPhase {
    /// People are asked.
    Open,
    /// Settled, with the outcome.
    Settled(String),
    /// No longer needed.
    Withdrawn,
}

/// People who decide one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnView {
    /// Those whose decisions count one after the other, in this order.
    pub order: Vec<String>,
    /// Who decides next, and who stands in for them.
    pub now: Vec<String>,
    /// Who comes after that, and who stands in for them: they cannot decide yet.
    pub later: Vec<String>,
}

/// How somebody stands to a task that is escalated to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// They are in it already and can answer now.
    Answers,
    /// They are asked, and others come first.
    Later,
    /// They are not in it yet, and are asked as the directory has told.
    Joins,
    /// They cannot answer now: they may not, have answered already, somebody else has the task, or it rests.
    Told,
}

/// A task as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskView {
    /// The task.
    pub id: TaskId,
    /// The step.
    pub step: String,
    /// What people call the step.
    pub title: String,
    /// The step's round.
    pub round: u32,
    /// The question.
    pub ask: Option<String>,
    /// What people are asked for.
    pub kind: AskKind,
    /// The version it is about.
    pub document: Option<FileRef>,
    /// What can be filled in, in order.
    pub form: Vec<PlanField>,
    /// The decisions that are possible.
    pub decisions: Vec<String>,
    /// Decisions that need a reason.
    pub reason: Vec<String>,
    /// Who may decide; empty until the directory has told.
    pub people: Vec<String>,
    /// Who stands in for whom of them.
    pub deputies: Vec<StandIn>,
    /// Who joined by escalation and is asked in no other way: they answer in the place of another.
    pub escalated: Vec<String>,
    /// In whose place the next of them would answer now; nobody where none is left or is known yet.
    pub place: Option<String>,
    /// Persons who were asked and can no longer answer, because they left the directory or lost
    /// their role.
    pub left: Vec<String>,
    /// Who has taken it, if somebody has.
    pub claimed_by: Option<String>,
    /// Whom it was assigned to last, whatever became of it then; nobody where it was offered.
    pub given_to: Option<String>,
    /// Who lets it rest, if somebody does.
    pub suspended: Option<Suspension>,
    /// What people may do beside answering.
    pub allow: Vec<Detour>,
    /// Who works on it, since when.
    pub started: Vec<Started>,
    /// What was filled in and kept before the answer.
    pub draft: Option<Draft>,
    /// Who else sees it.
    pub visible: Watchers,
    /// What comes first in lists.
    pub priority: Priority,
    /// What was said about it, in order.
    pub thread: Vec<Remark>,
    /// What was decided so far on this version.
    pub decided: Vec<DecisionRecord>,
    /// What was decided on earlier versions, which newer ones made void.
    pub voided: Vec<DecisionRecord>,
    /// Whose turn it is, where people decide one after the other.
    pub turn: Option<TurnView>,
    /// When it expires.
    pub due: Option<Timestamp>,
    /// When it opened.
    pub opened_at: Timestamp,
    /// How it stands.
    pub phase: TaskPhase,
    /// Position in the journal of the event that last changed it: whoever stored the run at an
    /// earlier `seq` stores the task anew.
    pub changed: u64,
}

impl RunMachine {
    /// The run.
    pub fn run(&self) -> &RunId {
        &self.state.run
    }

    /// The plan it is pinned to.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Position of the last event decided, durable or not.
    pub fn seq(&self) -> u64 {
        self.state.seq
    }

    /// How the run stands.
    pub fn status(&self) -> RunPhase {
        match &self.state.progress {
            Progress::Running => RunPhase::Running,
            Progress::Closing { status, .. } => RunPhase::Closing { status: status.clone() },
            Progress::Ended { status, .. } => RunPhase::Ended { status: status.clone() },
        }
    }

    /// Who started it.
    pub fn initiator(&self) -> &str {
        &self.state.initiator
    }

    /// The person who started it, directly or through other runs; the run or system if no person is
    /// known.
    pub fn started_by(&self) -> &str {
        self.state.started_by()
    }

    /// When it started.
    pub fn started_at(&self) -> Timestamp {
        self.state.started_at
    }

    /// When it ended.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.state.ended_at
    }

    /// Its inputs, defaults included.
    pub fn inputs(&self) -> &Value {
        &self.state.inputs
    }

    /// What changes while it goes on, as it is now.
    pub fn values(&self) -> &serde_json::Map<String, Value> {
        &self.state.values
    }

    /// Its outputs, once it ended.
    pub fn outputs(&self) -> Option<&Value> {
        match &self.state.progress {
            Progress::Ended { outputs, .. } => Some(outputs),
            _ => None,
        }
    }

    /// Whether a person must look.
    pub fn incident(&self) -> bool {
        !self.state.incidents.is_empty()
    }

    /// Whether a person must look at what has this name.
    pub fn has_incident_at(&self, name: &str) -> bool {
        self.state.incidents.contains_key(name)
    }

    /// Everything that a person must look at, in the order of names: a step,
    /// `release:THING` or `abandoned:STEP:ROUND`, and what is wrong.
    pub fn incidents(&self) -> Vec<IncidentView> {
        self.state
            .incidents
            .iter()
            .map(|(name, incident)| IncidentView {
                name: name.clone(),
                error: incident.error.clone(),
                in_doubt: incident.in_doubt,
                attempts: incident.attempts,
            })
            .collect()
    }

    /// Its steps in the order of the file, `always` steps last.
    pub fn steps(&self) -> Vec<StepView> {
        let lists = [FrameId::FLOW, FrameId::ALWAYS].into_iter();
        lists.flat_map(|list| self.steps_of(list)).collect()
    }

    /// One step by its name, as `departments[3].grant`; nothing where its element is over.
    pub fn step(&self, name: &str) -> Option<StepView> {
        let slot = self.state.find(&self.plan, name)?;
        Some(self.step_view(slot, self.state.step(slot)))
    }

    fn steps_of(&self, list: FrameId) -> Vec<StepView> {
        let steps = slots(list, self.state.frame(list));
        steps.map(|(slot, step)| self.step_view(slot, step)).collect()
    }

    fn step_view(&self, slot: Slot, step: &StepState) -> StepView {
        let plan = self.state.planned(&self.plan, slot);
        let id = self.state.name(&self.plan, slot);
        let incident = self.state.incidents.get(&id);
        let phase = match &step.phase {
            _ if incident.is_some() => StepPhase::Incident,
            Phase::Pending => StepPhase::Pending,
            Phase::Ready if !self.state.may_begin(&self.plan, slot) => StepPhase::Pending,
            Phase::Ready
            | Phase::Calling(_)
            | Phase::Waiting(_)
            | Phase::Asking(_)
            | Phase::Collecting(_)
            | Phase::Child(_)
            | Phase::Spreading(_) => StepPhase::Active,
            Phase::Finished(_) => StepPhase::Finished,
            Phase::Skipped => StepPhase::Skipped,
            Phase::NotReached => StepPhase::NotReached,
            Phase::Cancelled => StepPhase::Cancelled,
        };
        let outcome = match &step.phase {
            Phase::Finished(outcome) => Some(outcome.clone()),
            _ => None,
        };
        let failed = outcome.as_ref().filter(|outcome| *outcome == "failed");
        let error = failed.and_then(|_| step.output.get("error")?.as_str());
        StepView {
            elements: self.elements_view(slot, step),
            run: self.child_of(slot, step),
            id,
            title: plan.title.clone(),
            phase,
            round: step.round,
            due: self.state.timers_of(slot).and_then(|timers| timers.due),
            attempts: incident
                .map(|incident| incident.attempts)
                .filter(|attempts| *attempts > 0),
            error: incident
                .map(|incident| incident.error.as_str())
                .or(error)
                .map(str::to_owned),
            outcome,
        }
    }

    fn child_of(&self, slot: Slot, step: &StepState) -> Option<RunId> {
        let PlanVerb::Run(_) = self.state.planned(&self.plan, slot).verb else {
            return None;
        };
        match &step.phase {
            Phase::Child(run) => Some(run.clone()),
            _ => step.output.get(RunSpec::RUN)?.as_str().map(RunId::from),
        }
    }

    /// The runs of other flows that it is about to start: their ends are told to it from now on.
    pub fn starting(&self) -> Vec<RunId> {
        let starting = self.state.starting(&self.plan);
        starting.map(|slot| self.state.child(&self.plan, slot)).collect()
    }

    /// The step of another run that started it, if one did.
    pub fn parent(&self) -> Option<&Parent> {
        self.state.parent.as_ref()
    }

    fn elements_view(&self, slot: Slot, step: &StepState) -> Option<ElementsView> {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        if let Some(each) = self.state.each(slot) {
            let mut running: Vec<_> = each.running.iter().map(|(index, frame)| (*index, *frame)).collect();
            if running.len() > SHOWN_ELEMENTS {
                running.sort_by_key(|(index, _)| !self.has_incident_in(slot, *index));
                running.truncate(SHOWN_ELEMENTS);
            }
            return Some(ElementsView {
                total: each.total(),
                completed: count(each.completed.len()),
                otherwise: count(each.ended.len() - each.completed.len()),
                running: count(each.running.len()),
                shown: running
                    .into_iter()
                    .map(|(index, frame)| ElementView {
                        index,
                        steps: self.steps_of(frame),
                    })
                    .collect(),
            });
        }
        let results = step.output.get("results").and_then(Value::as_array);
        let results = results.filter(|_| is_each(self.state.planned(&self.plan, slot)))?;
        let completed = results.iter().filter(|result| result["status"] == COMPLETED).count();
        Some(ElementsView {
            total: count(results.len()),
            completed: count(completed),
            otherwise: count(results.len() - completed),
            running: 0,
            shown: Vec::new(),
        })
    }

    /// Whether a person must look at a step of the element.
    fn has_incident_in(&self, of: Slot, index: u32) -> bool {
        let prefix = self.state.prefix(&self.plan, of, index);
        let mut from_there = self.state.incidents.range(prefix.clone()..);
        from_there.next().is_some_and(|(name, _)| name.starts_with(&prefix))
    }

    /// What it owns now, in the order of acquisition. Events about these go to the run.
    pub fn owned(&self) -> Vec<OwnedView> {
        let owned = self.state.owned.iter();
        owned
            .map(|thing| OwnedView {
                kind: thing.kind.clone(),
                id: thing.id.clone(),
            })
            .collect()
    }

    /// Whether `request`, which it owns, asked for what has all been given.
    pub fn is_complete(&self, request: &str) -> bool {
        self.state.owned.get(request).is_some_and(|thing| thing.complete)
    }

    /// The events from outside that it waits for now: type and key.
    pub fn subscriptions(&self) -> BTreeSet<(String, String)> {
        let waits = self
            .state
            .waiting
            .iter()
            .filter_map(|slot| match &self.state.step(*slot).phase {
                Phase::Waiting(wait) => Some(wait),
                _ => None,
            });
        waits
            .flat_map(|wait| {
                let open = |name: &str| wait.met.iter().all(|(met, _)| met != name);
                wait.expected.iter().filter(move |expected| open(&expected.name))
            })
            .filter_map(|expected| Some((expected.event.clone(), expected.key.clone()?)))
            .collect()
    }

    /// The things that it waits for events about now, whether it owns them or not: type and thing.
    pub fn interests(&self) -> BTreeSet<(String, String)> {
        let phases = self.state.waiting.iter().map(|slot| &self.state.step(*slot).phase);
        let expected = phases.flat_map(|phase| match phase {
            Phase::Waiting(wait) => wait.expected.as_slice(),
            _ => &[],
        });
        expected
            .filter_map(|expected| Some((expected.event.clone(), expected.on.clone()?)))
            .collect()
    }

    /// The checklist that a step has open, if it has one.
    pub fn checklist(&self, step: &str) -> Option<ChecklistView> {
        let slot = self.state.find(&self.plan, step)?;
        let open = self.state.collecting(slot)?;
        let PlanVerb::Collect(plan) = &self.state.planned(&self.plan, slot).verb else {
            return None;
        };
        let items = plan.items.iter().filter_map(|(name, planned)| {
            let item = open.items.get(name)?;
            Some(ItemView {
                name: name.clone(),
                state: item.state,
                optional: planned.optional,
                reason: item.reason.clone(),
                change: item.change,
            })
        });
        Some(ChecklistView {
            request: open.request.clone(),
            items: items.collect(),
        })
    }

    /// What a step waits for, met or not; empty where it does not wait.
    pub fn expected(&self, step: &str) -> &[Expected] {
        let slot = self.state.find(&self.plan, step);
        match slot.map(|slot| &self.state.step(slot).phase) {
            Some(Phase::Waiting(wait)) => &wait.expected,
            _ => &[],
        }
    }

    /// Every task it ever opened, in the order of opening; look at `phase` and `changed`.
    pub fn tasks(&self) -> Vec<TaskView> {
        self.state.tasks.iter().map(|task| self.task_view(task)).collect()
    }

    /// The tasks that were opened or changed after the event at `seq`, in the order of opening.
    pub fn tasks_since(&self, seq: u64) -> Vec<TaskView> {
        let changed = self.state.task_changes.range((seq + 1, 0)..);
        let mut changed: Vec<usize> = changed.map(|(_, at)| *at).collect();
        changed.sort_unstable();
        changed
            .iter()
            .map(|at| self.task_view(&self.state.tasks[*at]))
            .collect()
    }

    /// The tasks that what was decided since the last [`RunMachine::take_events`] opened or changed, in the
    /// order of opening.
    pub fn unsaved_tasks(&self) -> Vec<TaskView> {
        self.tasks_since(self.seq() - self.pending.len() as u64)
    }

    /// The tasks at which people are asked, in the order of the steps.
    pub fn open_tasks(&self) -> Vec<TaskView> {
        let asking = self.state.asking.iter();
        let tasks = asking.flat_map(|slot| self.state.tasks_at(*slot));
        tasks.map(|at| self.task_view(&self.state.tasks[at])).collect()
    }

    /// The documents that people are asked about now, and whether these take no new version meanwhile.
    pub fn asked_about(&self) -> impl Iterator<Item = (&FileRef, bool)> {
        let tasks = self.state.asking.iter().flat_map(|slot| self.state.tasks_at(*slot));
        tasks.filter_map(|at| {
            let task = &self.state.tasks[at];
            let (body, step) = task.place;
            let locks = match &self.plan.body(body).step(step).verb {
                PlanVerb::Ask(ask) => ask.on_new_version == OnNewVersion::Lock,
                _ => false,
            };
            Some((task.document.as_ref()?, locks))
        })
    }

    /// Whether the thing is the run's.
    pub fn owns(&self, thing: &str) -> bool {
        self.state.owned.get(thing).is_some()
    }

    /// One task.
    pub fn task(&self, task: &TaskId) -> Option<TaskView> {
        let at = self.state.task_index.get(task)?;
        self.state.tasks.get(*at).map(|task| self.task_view(task))
    }

    /// The `exclude` list of the task's step.
    pub fn exclusions(&self, task: &TaskId) -> &[Exclusion] {
        let at = self.state.task_index.get(task);
        let ask = at.and_then(|at| self.state.tasks[*at].asked(&self.plan));
        ask.map_or(&[], |ask| &ask.exclude)
    }

    /// Who has heard of the task, each with the position of the event since which they can answer it and before which they
    /// did not know of it.
    pub fn heard(&self, task: &TaskId) -> &[(String, u64)] {
        let at = self.state.task_index.get(task);
        at.map_or(&[], |at| &self.state.tasks[*at].heard)
    }

    /// How somebody stands to a task when it is escalated to them.
    pub fn reach(&self, task: &TaskId, person: &str) -> Reach {
        let at = self.state.task_index.get(task);
        let Some(task) = at.map(|at| &self.state.tasks[*at]) else {
            return Reach::Told;
        };
        let is_in = |people: &[String]| people.iter().any(|one| one == person);
        let barred = is_in(&task.exclude) || task.only.as_ref().is_some_and(|only| !is_in(only));
        let seat = task.seat_of(person);
        if barred || task.suspended.is_some() || seat.is_some_and(|seat| task.has_decided(seat)) {
            return Reach::Told;
        }
        let in_order = task.asked(&self.plan).is_some_and(PlanAsk::in_order);
        match seat {
            None => Reach::Joins,
            Some(seat) if in_order && !task.is_turn_of(seat) => Reach::Later,
            Some(seat)
                if task.holder().is_some_and(|holder| holder != person)
                    && task.people.iter().any(|one| one == seat) =>
            {
                Reach::Told
            }
            Some(_) => Reach::Answers,
        }
    }

    fn task_view(&self, task: &Task) -> TaskView {
        let (body, step) = task.place;
        let plan = self.plan.body(body).step(step);
        let ask = task.asked(&self.plan).expect("a task belongs to a step that asks");
        let holder = task.holder();
        let offered = task.people.iter().filter(|_| holder.is_none());
        let deputies = task.deputies.iter().map(|one| &one.by);
        let deputies = deputies.filter(|_| holder.is_none());
        let mut people: Vec<String> = Vec::new();
        for person in holder
            .into_iter()
            .chain(offered)
            .chain(&task.joined)
            .chain(&task.veto)
            .chain(deputies)
        {
            if !people.contains(person) && !task.exclude.contains(person) {
                people.push(person.clone());
            }
        }
        let escalated = task.joined.iter().filter(|one| people.contains(one));
        let escalated = escalated.filter(|one| task.is_escalated(one)).cloned().collect();
        TaskView {
            id: task.id.clone(),
            step: task.step.clone(),
            title: task.title.clone().unwrap_or_else(|| plan.title.clone()),
            round: task.round,
            kind: ask.kind,
            form: ask.form.clone(),
            ask: task.ask.clone(),
            document: task.document.clone(),
            decisions: ask.decisions.clone(),
            reason: ask.reason.clone(),
            people,
            deputies: task.deputies.clone(),
            escalated,
            place: task.open_place().map(str::to_owned),
            left: task.empty_places().cloned().collect(),
            claimed_by: holder.cloned(),
            given_to: task.given_to.clone(),
            suspended: task.suspended.clone(),
            allow: ask.allow.clone(),
            started: task.started.clone(),
            draft: task.draft.clone(),
            visible: task.visible.clone(),
            priority: task.priority,
            thread: task.thread.clone(),
            decided: task.decisions.clone(),
            voided: task.voided.clone(),
            turn: ask.in_order().then(|| turn_view(task)),
            due: task.timers.due,
            opened_at: task.opened_at,
            phase: task.phase.clone(),
            changed: task.changed,
        }
    }
}

fn turn_view(task: &Task) -> TurnView {
    let open = task.people.iter().filter(|person| !task.has_decided(person));
    let (mut now, mut later) = (Vec::new(), Vec::new());
    for person in open {
        let list = if task.is_turn_of(person) { &mut now } else { &mut later };
        list.push(person.clone());
        let deputies = task.deputies.iter().filter(|one| one.on_behalf_of == *person);
        list.extend(deputies.map(|one| one.by.clone()));
    }
    TurnView {
        order: task.people.clone(),
        now,
        later,
    }
}
