//! What people and the world do to the host, moment by moment, and how its process is killed.

use super::super::deeds::{Act, Seen};
use super::super::flows;
use super::super::generate::SUBJECT;
use super::super::pool::{CHILD, CHILD_PLAN, Flow};
use super::super::schedule::{
    COME_BACK_MS, HEAL_MS, HOUR_MS, NUDGE_MS, NUDGED, OPERATOR_MS, Schedule, Vote, beginning, filled, nudges,
};
use super::Outcome;
use super::world::{Outside, parts};
use gatefold::base::id::{RunId, TaskId};
use gatefold::base::{Timestamp, Value};
use gatefold::engine::{
    Decision, Event, EventRecord, InboundEvent, Input, JOURNAL_VERSION, Refusal, RunMachine, RunPhase,
};
use gatefold::host::by_hand::SetStep;
use gatefold::host::{Clock, Host, HostError};
use gatefold::plan::Plan;
use gatefold::plan::run::START_ACTION;
use gatefold::store::memory::MemoryStore;
use gatefold::store::{Deployment, RunCommit, RunFilter, RunRow, RunStatus, Store, UnitOfWork, Write};
use jiff::SignedDuration;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// When a run that goes on is stuck.
const STUCK_MS: i64 = 5_000 * HOUR_MS;

/// What is to happen to the host.
enum Happening {
    Start,
    Kill(i64),
    Arrive(InboundEvent),
    Decide { task: TaskId, person: String, vote: Vote },
    Act { task: TaskId, person: String, act: Act },
    Change(Value),
    Operate,
    Cancel,
    Nudge(u32),
}

/// A running host.
struct Process {
    host: Arc<Host>,
    told: broadcast::Receiver<Arc<EventRecord>>,
    serving: tokio::task::JoinHandle<()>,
}

/// One run in one world, driven by the real host.
pub struct Real {
    flow: &'static Flow,
    schedule: Schedule,
    run: RunId,
    queue: BTreeMap<(i64, u64), Happening>,
    order: u64,
    now_ms: i64,
    incidents: usize,
    asked: BTreeSet<(TaskId, u64, String)>,
    operator_called: bool,
    /// Lines of the journal that were looked through for requests.
    looked_through: u64,
}

/// What outlives the process.
struct Durable {
    store: Arc<dyn Store>,
    outside: Arc<Outside>,
    clock: Clock,
    begun: Instant,
    folder: tempfile::TempDir,
}

/// Runs it to its end.
pub fn run(real: Real) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("there can be another one");
    runtime.block_on(real.see_through())
}

impl Real {
    pub fn new(flow: &'static Flow, schedule: Schedule) -> Self {
        let mut real = Self {
            flow,
            run: RunId::from("run_1"),
            queue: BTreeMap::new(),
            order: 0,
            now_ms: 0,
            incidents: 0,
            asked: BTreeSet::new(),
            operator_called: false,
            looked_through: 0,
            schedule,
        };
        real.push(0, Happening::Start);
        real.push(HEAL_MS, Happening::Nudge(0));
        for (at, down_ms) in real.schedule.kills.clone() {
            real.push(at, Happening::Kill(down_ms));
        }
        if let Some(at) = real.schedule.cancel_ms {
            real.push(at, Happening::Cancel);
        }
        for (at, given) in real.schedule.changes.clone() {
            real.push(at, Happening::Change(given));
        }
        for (number, arrival) in real.schedule.arrivals.clone().into_iter().enumerate() {
            let event = arrival.event(number, time_at(arrival.at_ms));
            for copy in 0..i64::from(arrival.copies) {
                real.push(arrival.at_ms + copy * 700, Happening::Arrive(event.clone()));
            }
        }
        real
    }

    fn push(&mut self, at_ms: i64, happening: Happening) {
        self.order += 1;
        self.queue.insert((at_ms.max(self.now_ms), self.order), happening);
    }

    async fn see_through(mut self) -> Outcome {
        let durable = Durable {
            store: Arc::new(MemoryStore::default()),
            outside: Outside::new(self.schedule.clone()),
            clock: Clock::tokio_from(beginning()),
            begun: Instant::now(),
            folder: tempfile::tempdir().expect("there can be another one"),
        };
        self.begin(durable.store.as_ref()).await;
        let mut process = None;
        while !self.has_ended(&durable).await {
            let next = self.queue.first_key_value().map_or(i64::MAX, |((at, _), _)| *at);
            assert!(next < STUCK_MS, "seed {}: the run does not end", self.schedule.seed);
            let next = durable.begun + Duration::from_millis(u64::try_from(next).expect("it is not negative"));
            tokio::select! {
                biased;
                () = told(&mut process) => self.look(&durable).await,
                () = tokio::time::sleep_until(next) => {
                    let ((at, _), happening) = self.queue.pop_first().expect("looked at above");
                    self.now_ms = at;
                    self.happen(&durable, &mut process, happening).await;
                }
            }
        }
        while !durable.outside.is_quiet() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        self.outcome(&durable, process).await
    }

    /// The flow is deployed and the first event of the run is durable; the host takes it up. That
    /// way the run has the id and the seed that the simulator's has.
    async fn begin(&self, store: &dyn Store) {
        let plan = &self.flow.plan;
        let row = RunRow {
            id: self.run.clone(),
            flow: plan.flow.clone(),
            version: plan.version.clone(),
            plan: plan.hash.clone(),
            status: RunStatus::Running,
            outcome: None,
            initiator: "user:a".to_owned(),
            started_at: beginning(),
            ended_at: None,
            wakeup_at: None,
            busy: true,
            incident: false,
            seq: 1,
        };
        let started = EventRecord {
            run: self.run.clone(),
            seq: 1,
            at: beginning(),
            v: JOURNAL_VERSION,
            via: None,
            event: Event::RunStarted {
                flow: plan.flow.clone(),
                version: plan.version.clone(),
                plan: plan.hash.clone(),
                semantics: plan.semantics,
                inputs: self.schedule.inputs.clone(),
                settings: serde_json::Map::new(),
                initiator: "user:a".to_owned(),
                starter: None,
                trigger: "manual".to_owned(),
                seed: self.schedule.seed,
                parent: None,
            },
        };
        // the run hears of everything about this thing, as if it owned it
        let own = Write::Own {
            thing: SUBJECT.to_owned(),
            run: self.run.clone(),
        };
        let run = RunCommit {
            events: vec![started],
            row,
        };
        let unit = UnitOfWork {
            run: Some(run),
            writes: vec![deployment(plan, &self.flow.text), deployment(&CHILD_PLAN, CHILD), own],
        };
        store.commit(unit).await.expect("the store is empty");
    }

    async fn has_ended(&self, durable: &Durable) -> bool {
        let row = durable.store.run(&self.run).await.expect("it is in memory");
        row.is_some_and(|row| row.status == RunStatus::Ended)
    }

    async fn happen(&mut self, durable: &Durable, process: &mut Option<Process>, happening: Happening) {
        match happening {
            Happening::Start => {
                self.operator_called = false;
                *process = Some(start(durable, [&self.flow.plan.hash, &CHILD_PLAN.hash]).await);
                self.look(durable).await;
            }
            Happening::Kill(down_ms) => {
                if let Some(process) = process.take() {
                    process.host.abandon();
                    process.serving.abort();
                    self.push(self.now_ms + down_ms, Happening::Start);
                }
            }
            Happening::Nudge(count) => {
                for event in nudges(count, time_at(self.now_ms)) {
                    self.push(self.now_ms, Happening::Arrive(event));
                }
                self.push(self.now_ms + 13, Happening::Change(json!(NUDGED)));
                self.push(self.now_ms + NUDGE_MS, Happening::Nudge(count + 1));
            }
            Happening::Arrive(event) => match process {
                Some(process) => process.host.publish_event(event).await.expect("it can be recorded"),
                // recorded, and nobody there to deliver it
                None => {
                    let unit = UnitOfWork {
                        run: None,
                        writes: vec![Write::Event(event)],
                    };
                    durable.store.commit(unit).await.expect("it can be recorded");
                }
            },
            by_people => match process {
                Some(process) => self.act(durable, &process.host, by_people).await,
                // whoever finds the process down comes again
                None => self.push(self.now_ms + COME_BACK_MS, by_people),
            },
        }
    }

    /// A person does something.
    async fn act(&mut self, durable: &Durable, host: &Arc<Host>, happening: Happening) {
        match happening {
            Happening::Decide { task, person, vote } => self.decide(host, task, person, vote).await,
            Happening::Act { task, person, act } => self.do_about(host, task, person, act).await,
            Happening::Change(given) => {
                let values = [("v".to_owned(), given)].into_iter().collect();
                _ = refusal(host.set_values(&self.run, values, "user:b", "so").await);
            }
            Happening::Cancel => {
                let cancelled = host.cancel_run(&self.run, "user:a", "so").await;
                assert!(
                    matches!(cancelled, Ok(()) | Err(HostError::Refused(_))),
                    "{cancelled:?}"
                );
            }
            Happening::Operate => self.operate(durable, host).await,
            _ => unreachable!("nobody does that"),
        }
    }

    async fn decide(&mut self, host: &Arc<Host>, task: TaskId, person: String, vote: Vote) {
        let found = host.task(&task).await.expect("somebody was asked");
        let document = found.document.filter(|_| vote.current);
        let decided = host
            .decide(Decision {
                task: task.clone(),
                by: person.clone(),
                on_behalf_of: None,
                decision: vote.answer(&found.decisions),
                reason: Some("so".to_owned()),
                sha256: Some(document.map(|document| document.sha256).unwrap_or_default()),
                form: filled(&found.form),
                via: None,
            })
            .await;
        let refusal = refusal(decided);
        if refusal == Some(Refusal::NoSuchTask) {
            // they are asked again if it comes back to them
            self.asked.retain(|(of, _, one)| *of != task || *one != person);
        }
        if let Some(vote) = vote.then(refusal.as_ref()) {
            self.push(self.now_ms + vote.delay_ms, Happening::Decide { task, person, vote });
        }
    }

    /// Somebody does something else about a task.
    async fn do_about(&mut self, host: &Arc<Host>, task: TaskId, person: String, act: Act) {
        let found = host.task(&task).await.expect("somebody was asked");
        let seen = Seen {
            form: &found.form,
            thread: &found.thread,
        };
        let refusal = refusal(host.act(act.acting(&task, &person, &seen)).await);
        if let Some((person, act)) = act.then(&person, refusal.as_ref()) {
            self.push(self.now_ms + act.delay_ms, Happening::Act { task, person, act });
        }
    }

    async fn operate(&mut self, durable: &Durable, host: &Arc<Host>) {
        self.operator_called = false;
        let machine = self.replay(durable).await;
        if machine.incident() {
            let key = Flow::key_of_incident(&machine);
            if durable.outside.is_promised(&key) {
                // nobody can say yet whether it happened
                self.operator_called = true;
                return self.push(self.now_ms + OPERATOR_MS, Happening::Operate);
            }
            let wanted = self.schedule.wanted(self.incidents);
            self.incidents += 1;
            let mut world = durable.outside.world(durable.store.as_ref()).await;
            if durable
                .store
                .run(&RunId::derived(&key))
                .await
                .expect("it is in memory")
                .is_some()
            {
                world.take_down(&key, START_ACTION);
            }
            let done = match self.flow.answer(&machine, &world, wanted) {
                Input::Retry { step, by, reason } => host.retry_step(&self.run, &step, &by, &reason).await,
                Input::Skip { step, by, reason } => host.skip_step(&self.run, &step, &by, &reason).await,
                Input::Set {
                    step,
                    outcome,
                    output,
                    by,
                    reason,
                } => {
                    let output = output.as_object().cloned().unwrap_or_default();
                    let set = SetStep {
                        step,
                        outcome,
                        output,
                        by: by.as_str().into(),
                        reason,
                    };
                    host.set_step(&self.run, set).await
                }
                _ => unreachable!("incidents are answered in three ways"),
            };
            assert!(matches!(done, Ok(()) | Err(HostError::Refused(_))), "{done:?}");
        }
        self.look(durable).await;
    }

    /// People look at what there is for them.
    async fn look(&mut self, durable: &Durable) {
        self.now_ms = i64::try_from(durable.begun.elapsed().as_millis()).expect("it is not that long");
        let row = durable.store.run(&self.run).await.expect("it is in memory");
        if row.is_some_and(|row| row.incident) && !self.operator_called {
            self.operator_called = true;
            self.push(self.now_ms + OPERATOR_MS, Happening::Operate);
        }
        self.hear_of_requests(durable).await;
        for task in durable.store.open_tasks(None).await.expect("it is in memory") {
            for person in task.people {
                let version = task.document.as_ref().map_or(0, |document| document.version);
                if self.asked.insert((task.id.clone(), version, person.clone())) {
                    let vote = self.schedule.vote(0, &task.id, version, &person);
                    for act in self.schedule.acts(&task.id, version, &person) {
                        let (task, person) = (task.id.clone(), person.clone());
                        self.push(self.now_ms + act.delay_ms, Happening::Act { task, person, act });
                    }
                    let (at, task) = (self.now_ms + vote.delay_ms, task.id.clone());
                    self.push(at, Happening::Decide { task, person, vote });
                }
            }
        }
    }

    /// Whoever is asked for documents has something to say about some of them.
    async fn hear_of_requests(&mut self, durable: &Durable) {
        let new = durable.store.journal(&self.run, self.looked_through, 100_000).await;
        for record in new.expect("it is in memory") {
            self.looked_through = record.seq;
            let Event::CollectOpened { request, .. } = record.event else {
                continue;
            };
            for (after_ms, item) in self.schedule.items(&request) {
                let at_ms = self.now_ms + after_ms;
                self.push(at_ms, Happening::Arrive(item.event(&request, time_at(at_ms))));
            }
        }
    }

    async fn journal(&self, durable: &Durable) -> Vec<EventRecord> {
        let journal = durable.store.journal(&self.run, 0, 100_000).await;
        journal.expect("it is in memory")
    }

    async fn replay(&self, durable: &Durable) -> RunMachine {
        let journal = self.journal(durable).await;
        RunMachine::replay(Arc::clone(&self.flow.plan), &journal).expect("it can be replayed")
    }

    /// What came of it. What the host shows must be what the journal says.
    async fn outcome(&self, durable: &Durable, process: Option<Process>) -> Outcome {
        let journal = self.journal(durable).await;
        let machine = self.replay(durable).await;
        if let Some(process) = process {
            let view = process.host.run_view(&self.run).await.expect("there is a run");
            let RunPhase::Ended { status } = machine.status() else {
                panic!("the list says that it has ended and the journal does not");
            };
            assert_eq!(view.run.outcome, Some(status));
            assert_eq!(view.run.seq, journal.len() as u64);
            assert!(!view.run.busy && !view.run.incident && view.run.wakeup_at.is_none());
            assert_eq!(view.outputs.as_ref(), machine.outputs());
            let open = process.host.open_tasks(None).await.expect("it is in memory");
            assert!(open.is_empty(), "tasks outlive the run");
            process.host.abandon();
            process.serving.abort();
        }
        let effects = durable.outside.world(durable.store.as_ref()).await.ledger;
        let children = self.children(durable).await;
        Outcome {
            journal,
            effects,
            children,
        }
    }

    /// How the runs of other flows ended, which all have.
    async fn children(&self, durable: &Durable) -> BTreeMap<String, String> {
        let all = RunFilter {
            limit: 10_000,
            ..RunFilter::default()
        };
        let rows = durable.store.runs(&all).await.expect("it is in memory");
        let others = rows.into_iter().filter(|row| row.id != self.run);
        let end = |row: RunRow| {
            assert_eq!(row.status, RunStatus::Ended, "{} outlives its parent", row.id);
            (row.id.0, row.outcome.unwrap_or_default())
        };
        others.map(end).collect()
    }
}

fn deployment(plan: &Plan, source: &str) -> Write {
    Write::Deploy(Deployment {
        flow: plan.flow.clone(),
        version: plan.version.clone(),
        hash: plan.hash.clone(),
        source: source.to_owned(),
        calendars: flows::calendars(),
        semantics: plan.semantics,
        by: "user:a".to_owned(),
        at: beginning(),
    })
}

/// Why it was refused, if it was; anything else has no business to happen.
fn refusal<T>(done: Result<T, HostError>) -> Option<Refusal> {
    match done {
        Ok(_) => None,
        Err(HostError::Refused(refusal)) => Some(refusal),
        Err(error) => panic!("{error}"),
    }
}

/// A new process over what is durable.
async fn start(durable: &Durable, hashes: [&str; 2]) -> Process {
    let parts = parts(
        &durable.store,
        &durable.outside,
        durable.clock.clone(),
        durable.folder.path(),
    );
    let host = Host::new(parts);
    let told = host.watch();
    // compiled in a thread of its own where it is not known, so that what begins at once would come in any order
    for hash in hashes {
        host.plan(hash).await.expect("it is deployed");
    }
    host.recover().await.expect("the store can be read");
    let serve = Arc::clone(&host).serve(CancellationToken::new(), Duration::from_secs(1));
    Process {
        host,
        told,
        serving: tokio::spawn(serve),
    }
}

/// Returns when the process has told of something.
async fn told(process: &mut Option<Process>) {
    match process {
        // whoever missed something looks at what there is
        Some(process) => _ = process.told.recv().await,
        None => std::future::pending().await,
    }
}

fn time_at(at_ms: i64) -> Timestamp {
    beginning() + SignedDuration::from_millis(at_ms)
}
