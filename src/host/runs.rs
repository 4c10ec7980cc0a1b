//! Runs: start, look, watch.

use super::at_length::at_length;
use super::documents::Giver;
use super::drive::{Stop, broke_off};
use super::lineage::Place;
use super::once::OnceKey;
use super::retention::key_until;
use super::slots::{Loaded, Stored};
use super::tasks::check_reason;
use super::triggers::BY_RUN;
use super::{Host, HostError, inputs};
use crate::base::id::RunId;
use crate::base::{Actor, Value, Via};
use crate::engine::view::RunPhase;
use crate::engine::{EventRecord, IncidentView, Input, Parent, Reply, RunMachine, Start, Why, why};
use crate::plan::Plan;
use crate::store::{Mark, RunFilter, RunRow, RunStatus, Write};
use futures_util::FutureExt as _;
use serde_json::Map;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::broadcast;

/// How a run is started.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartRun {
    /// The flow.
    pub flow: String,
    /// Its inputs, as an object. A file may be given by its id alone.
    pub inputs: Value,
    /// Who starts it, as `user:anna` or `trigger:webhook`.
    pub initiator: String,
    /// `manual`, `webhook`, `event`, `flow`, `schedule` or `run`.
    pub trigger: String,
    /// The same key starts one run, however often it is sent.
    pub once: Option<OnceKey>,
    /// The person who caused the start where `initiator` is a system, such as the uploader of an expiring document.
    pub cause: Option<String>,
    /// The party whose rights decide which files the inputs may name.
    pub files_from: FilesFrom,
    /// Through what the initiator acts, where that is known.
    pub via: Option<Via>,
}

/// The party whose rights decide which files the inputs of a new run may name.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum FilesFrom {
    /// The initiator.
    #[default]
    Initiator,
    /// The flow, because the server and not a person names the files.
    Flow,
    /// The initiator for files that this event data names, because the initiator sent it; the flow
    /// for all other files.
    Event(Value),
}

/// A run with its steps, as people see it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct RunView {
    /// How it stands.
    pub run: RunRow,
    /// Its steps in the order of the file; behind an `each` the steps of elements under way.
    pub steps: Vec<StepView>,
    /// What a person must look at, in the order of names: at most [`SHOWN_INCIDENTS`].
    pub incidents: Vec<Incident>,
    /// How many more there are.
    pub more_incidents: usize,
    /// Inputs.
    pub inputs: Value,
    /// What changes while it goes on, as it is now.
    pub values: Map<String, Value>,
    /// Outputs, once it ended.
    pub outputs: Option<Value>,
    /// The step of another run that started it, if one did.
    pub parent: Option<Parent>,
    /// The person who started the first run of the chain, if the initiator is a run or a system.
    pub starter: Option<String>,
    /// What it waits for.
    #[serde(skip)]
    pub why: Why,
}

/// A step as people see it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct StepView {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// `pending`, `active`, `finished`, `skipped`, `not_reached`, `incident`, `cancelled`.
    pub state: String,
    /// Its outcome.
    pub outcome: Option<String>,
    /// Its round, from 1.
    pub round: u32,
    /// When it expires.
    pub due: Option<crate::base::Timestamp>,
    /// What is wrong, where a person must look.
    pub error: Option<String>,
    /// How often it was tried, where a person must look at a call that failed.
    pub attempts: Option<u32>,
    /// How many of its elements stand how, where it is an `each` that began.
    pub elements: Option<ElementCounts>,
    /// The run of another flow that it started, where it did.
    pub run: Option<RunId>,
}

/// Something that a person must look at.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Incident {
    /// A step by its full name, `release:THING` for what is to be taken back, `abandoned:STEP:ROUND` for a call that
    /// was given up: what `retry` and `skip` name.
    pub step: String,
    /// What is wrong.
    pub error: String,
    /// How often it was tried; 0 where nothing was called.
    pub attempts: u32,
    /// Whether it is not known if the effect happened.
    pub in_doubt: bool,
}

/// Incidents that a view of a run shows: as many as one command answers at once.
pub const SHOWN_INCIDENTS: usize = 1_000;

/// How many elements of an `each` stand how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ElementCounts {
    /// All of them.
    pub total: u32,
    /// Those that completed.
    pub completed: u32,
    /// Those that ended otherwise.
    pub otherwise: u32,
    /// Those under way; the steps of the first of these are among the steps of the run.
    pub running: u32,
}

impl Host {
    /// Starts a run. When this returns, its start is durable, and so is everything that could be
    /// done at once. With `once`, a second call gives the first run; one with another request is refused.
    pub async fn start_run(self: &Arc<Self>, start: StartRun) -> Result<RunId, HostError> {
        let started = self.start_run_with(start, Vec::new()).await?;
        started.ok_or_else(|| HostError::Conflict("the run was started at the same time: repeat".to_owned()))
    }

    /// Starts a run in the same transaction as `writes`; as a whole, also where the caller goes away.
    /// `None` where a mark of `writes` had been set before: the run of then is not started again.
    pub(super) async fn start_run_with(
        self: &Arc<Self>,
        start: StartRun,
        writes: Vec<Write>,
    ) -> Result<Option<RunId>, HostError> {
        let host = Arc::clone(self);
        let what = format!("a start of flow {}", start.flow);
        self.to_its_end(what, Box::pin(async move { host.start_here(start, writes).await }))
            .await
    }

    async fn start_here(
        self: &Arc<Self>,
        mut start: StartRun,
        mut writes: Vec<Write>,
    ) -> Result<Option<RunId>, HostError> {
        if let Some(once) = &start.once
            && let Some(first) = self.started_before(once).await?
        {
            return Ok(Some(first));
        }
        let own: Vec<Mark> = writes.iter().filter_map(Mark::of).collect();
        let plan = self.latest_plan(&start.flow).await?;
        let giver = match &start.files_from {
            FilesFrom::Flow if !start.initiator.starts_with(BY_RUN) => Giver::Flow,
            FilesFrom::Event(data) if start.initiator.starts_with("user:") => Giver::Sender {
                person: &start.initiator,
                data,
            },
            _ => Giver::of(&start.initiator),
        };
        let given = self.with_documents(&plan, &start.inputs, &giver).await?;
        let checked = inputs::check(&plan.inputs, &given, plan.calendar.is_some(), plan.semantics);
        let checked = checked.map_err(|problems| HostError::BadInputs { problems })?;
        let settings = self.settings_for(&plan).await?;
        start.cause = self.person_behind(&start).await?;
        let run = RunId(format!("{}_{}", RunId::PREFIX, self.new_id()));
        let mut place = None;
        if let Some(before) = start.initiator.strip_prefix(BY_RUN) {
            let descent = self.descend(&RunId::from(before), &run, None).await?;
            writes.extend(descent.writes);
            place = Some(descent.place);
        }
        let until = key_until(self.now());
        writes.extend(start.once.as_ref().map(|once| once.used_for(run.to_string(), until)));
        match self
            .begin_run(&plan, &run, &start, None, (checked, settings), writes)
            .await
        {
            Ok(()) => {
                place.into_iter().for_each(Place::keep);
                Ok(Some(run))
            }
            Err(Stop::Duplicate(mark)) if own.contains(&mark) => Ok(None),
            Err(Stop::Duplicate(mark)) if start.once.as_ref().is_some_and(|once| once.mark() == mark) => {
                match &start.once {
                    Some(once) => self.started_before(once).await,
                    None => Ok(None),
                }
            }
            Err(Stop::Host(error)) => Err(error),
            Err(Stop::Conflict | Stop::Duplicate(_)) => Err(HostError::Conflict(
                "others changed the same files at the same time: repeat".to_owned(),
            )),
        }
    }

    /// Begins `run` and sees it through as far as it can go at once, in one transaction with `writes`.
    pub(super) async fn begin_run(
        self: &Arc<Self>,
        plan: &Arc<Plan>,
        run: &RunId,
        start: &StartRun,
        parent: Option<Parent>,
        given: (Value, Map<String, Value>),
        writes: Vec<Write>,
    ) -> Result<(), Stop> {
        let place = self.slots.of(run);
        let mut slot = place.lock().await;
        let mut loaded = self.begin(plan, run, start, parent, given)?;
        let mut has_begun = false;
        let mut begun = || has_begun = true;
        let settled = AssertUnwindSafe(self.settle(run, &mut loaded, writes, &mut begun)).catch_unwind();
        let settled = settled
            .await
            .unwrap_or_else(|panic| Err(broke_off(format!("run {run}"), &*panic).into()));
        match settled {
            Ok(()) => {
                slot.loaded = Some(loaded);
                self.follow_up(run, &mut slot);
                drop(slot);
                drop(place);
                self.slots.put_back(run);
                Ok(())
            }
            Err(stop) if has_begun => {
                drop(slot);
                self.go_on(run, stop).await;
                Ok(())
            }
            Err(stop) => Err(stop),
        }
    }

    /// A run has begun, and what follows from that could not be stored: it is taken up again.
    pub(super) async fn go_on(self: &Arc<Self>, run: &RunId, stop: Stop) {
        if let Stop::Host(error) = stop {
            return self.take_up_again(run, &error).await;
        }
        let (host, run) = (Arc::clone(self), run.clone());
        self.spawn(async move {
            if let Err(error) = host.resume(&run).await {
                tracing::error!(%run, %error, "a run that has begun could not go on");
            }
        });
    }

    fn begin(
        &self,
        plan: &Arc<Plan>,
        run: &RunId,
        start: &StartRun,
        parent: Option<Parent>,
        (inputs, settings): (Value, Map<String, Value>),
    ) -> Result<Loaded, HostError> {
        let drawn = |error| HostError::Store(crate::store::StoreError::Failed(format!("no randomness: {error}")));
        let seed = match &self.parts().seed {
            Some(seed) => seed.value,
            None => getrandom::u64().map_err(drawn)?,
        };
        let now = self.now();
        let row = RunRow {
            id: run.clone(),
            flow: plan.flow.clone(),
            version: plan.version.clone(),
            plan: plan.hash.clone(),
            status: RunStatus::Running,
            outcome: None,
            initiator: start.initiator.clone(),
            started_at: now,
            ended_at: None,
            wakeup_at: None,
            busy: false,
            incident: false,
            seq: 0,
        };
        let begin = Start {
            run: run.clone(),
            inputs,
            settings,
            initiator: start.initiator.clone(),
            starter: start.cause.clone().filter(|person| *person != start.initiator),
            trigger: start.trigger.clone(),
            seed,
            parent,
        };
        let is_long = !plan.eaches.is_empty();
        let mut machine = at_length(is_long, || RunMachine::start(Arc::clone(plan), now, begin));
        machine.note_via(0, start.via.clone());
        Ok(Loaded {
            machine,
            row,
            stored: Stored::default(),
            directory: None,
            bytes: 0,
        })
    }

    /// One run.
    pub async fn run_view(&self, run: &RunId) -> Result<RunView, HostError> {
        if let Some(view) = self.ended.get(run) {
            return Ok(view);
        }
        let view = self.looked_at(run, view).await?;
        if view.run.status == RunStatus::Ended {
            self.ended.put(view.clone());
        }
        Ok(view)
    }

    /// What `look` finds at a run as it stands. Nothing is changed; one that has ended is not kept.
    pub(super) async fn looked_at<T>(&self, run: &RunId, look: impl FnOnce(&Loaded) -> T) -> Result<T, HostError> {
        let place = self.slots.of(run);
        let found = {
            let mut slot = place.lock().await;
            let loaded = self.load(run, &mut slot).await?;
            let found = look(loaded);
            if matches!(loaded.machine.status(), RunPhase::Ended { .. }) {
                slot.loaded = None;
            }
            found
        };
        drop(place);
        self.slots.put_back(run);
        Ok(found)
    }

    /// The plan that a run is pinned to.
    pub async fn plan_of_run(&self, run: &RunId) -> Result<Arc<Plan>, HostError> {
        let row = self.parts().store.run(run).await?;
        let row = row.ok_or_else(|| HostError::NotFound(format!("run {run}")))?;
        self.plan(&row.plan).await
    }

    /// Runs, newest first.
    pub async fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, HostError> {
        Ok(self.parts().store.runs(filter).await?)
    }

    /// The journal of a run after position `after`, at most `limit` lines.
    pub async fn journal(&self, run: &RunId, after: u64, limit: usize) -> Result<Vec<EventRecord>, HostError> {
        let journal = self.parts().store.journal(run, after, limit).await?;
        if journal.is_empty() && self.parts().store.run(run).await?.is_none() {
            return Err(HostError::NotFound(format!("run {run}")));
        }
        Ok(journal)
    }

    /// Told of every durable event of every run from now on. A slow listener misses some and must
    /// read the journal again.
    pub fn watch(&self) -> broadcast::Receiver<Arc<EventRecord>> {
        self.listeners.subscribe()
    }

    /// Gives values of a run.
    pub async fn set_values(
        self: &Arc<Self>,
        run: &RunId,
        values: Map<String, Value>,
        by: impl Into<Actor>,
        reason: &str,
    ) -> Result<Reply, HostError> {
        check_reason(Some(reason))?;
        let Actor { principal, via } = by.into();
        let input = Input::Change {
            values,
            by: principal,
            reason: reason.to_owned(),
        };
        self.drive_via(run, input, Vec::new(), via).await
    }
}

fn view(loaded: &Loaded) -> RunView {
    let machine = &loaded.machine;
    let (incidents, more_incidents) = shown(machine.incidents());
    RunView {
        run: loaded.row.clone(),
        steps: step_views(machine.steps()),
        incidents,
        more_incidents,
        inputs: machine.inputs().clone(),
        values: machine.values().clone(),
        outputs: machine.outputs().cloned(),
        parent: machine.parent().cloned(),
        starter: Some(machine.started_by().to_owned()).filter(|one| one != machine.initiator()),
        why: why(machine),
    }
}

/// The first of them, and how many more there are.
fn shown(mut incidents: Vec<IncidentView>) -> (Vec<Incident>, usize) {
    let more = incidents.len().saturating_sub(SHOWN_INCIDENTS);
    incidents.truncate(SHOWN_INCIDENTS);
    (incidents.into_iter().map(incident).collect(), more)
}

fn incident(view: IncidentView) -> Incident {
    Incident {
        step: view.name,
        error: view.error,
        attempts: view.attempts,
        in_doubt: view.in_doubt,
    }
}

/// The steps with those of elements right behind their `each`.
fn step_views(views: Vec<crate::engine::StepView>) -> Vec<StepView> {
    let mut steps = Vec::with_capacity(views.len());
    for mut view in views {
        let shown = view
            .elements
            .as_mut()
            .map(|elements| std::mem::take(&mut elements.shown));
        steps.push(step_view(view));
        for element in shown.into_iter().flatten() {
            steps.extend(step_views(element.steps));
        }
    }
    steps
}

fn step_view(view: crate::engine::StepView) -> StepView {
    StepView {
        elements: view.elements.map(|elements| ElementCounts {
            total: elements.total,
            completed: elements.completed,
            otherwise: elements.otherwise,
            running: elements.running,
        }),
        id: view.id,
        title: view.title,
        state: view.phase.as_str().to_owned(),
        outcome: view.outcome,
        round: view.round,
        due: view.due,
        error: view.error,
        attempts: view.attempts,
        run: view.run,
    }
}

#[cfg(test)]
mod tests {
    use super::{IncidentView, SHOWN_INCIDENTS, shown};

    #[test]
    fn so_many_incidents_are_shown_and_the_others_are_counted() {
        let incidents = |count: usize| {
            let incident = IncidentView {
                name: "a".to_owned(),
                error: "no".to_owned(),
                in_doubt: false,
                attempts: 0,
            };
            let (shown, more) = shown(vec![incident; count]);
            (shown.len(), more)
        };
        assert_eq!(incidents(SHOWN_INCIDENTS), (SHOWN_INCIDENTS, 0));
        assert_eq!(incidents(SHOWN_INCIDENTS + 1), (SHOWN_INCIDENTS, 1));
    }
}
