//! A host in miniature under virtual time: one process that dies and is started again, a durable
//! journal, an inbox, people, a person who answers incidents.

use super::deeds::Act;
use super::generate::PEOPLE;
use super::pool::{Flow, info};
use super::schedule::{
    Arrival, COME_BACK_MS, CallFate, Fate, HEAL_MS, HOUR_MS, Move, NUDGE_MS, NUDGED, OPERATOR_MS, Schedule, Standing,
    Vote, beginning, nudges,
};
use super::world::{World, computed, output};
use children::is_impossible;
use gatefold::base::id::{RunId, TaskId};
use gatefold::base::{Timestamp, Value};
use gatefold::engine::{
    Assignment, EventRecord, Failure, FailureKind, InboundEvent, Input, Refusal, Reply, RunMachine, RunPhase, RunState,
    Start, TaskPhase, Work, WorkKey,
};
use gatefold::plan::run::{CANCEL_ACTION, START_ACTION};
use jiff::SignedDuration;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

mod at_once;
mod children;
mod people;

/// How long a call is waited for.
pub const PATIENCE_MS: i64 = 60_000;
/// When a late call happens, counted from its start.
const LATE_MS: i64 = 90_000;
/// From here on happenings are counted that come in the order in which they were thought of.
const LATER: u64 = 1 << 32;
/// Happenings within which a run must end.
const BOUND: usize = 20_000;

/// What is to happen.
#[derive(Clone, Debug)]
enum Happening {
    Start,
    Effect {
        key: String,
        action: String,
        input: Value,
        idempotent: bool,
    },
    Reply {
        life: u32,
        work: WorkKey,
        attempt: u32,
        result: Result<Value, Failure>,
    },
    Local {
        life: u32,
        work: WorkKey,
        attempt: u32,
        action: String,
        input: Value,
    },
    Assigned {
        life: u32,
        work: WorkKey,
        assignment: Assignment,
    },
    Arrive(InboundEvent),
    /// The run of another flow comes to its end.
    ChildEnds {
        run: String,
        outcome: &'static str,
    },
    Decide {
        task: TaskId,
        person: String,
        vote: Vote,
    },
    Act {
        task: TaskId,
        person: String,
        act: Act,
    },
    Change(Value),
    /// Somebody comes to the directory, leaves it or changes their role.
    Move(Move),
    Wake,
    Operate,
    Cancel,
    ClockStep(i64),
    Nudge(u32),
    Kill(i64),
}

/// What commits together with events.
enum With {
    Nothing,
    /// The first event of the inbox was delivered.
    Delivered,
    /// A local action did this.
    Local {
        key: String,
        action: String,
        input: Value,
    },
}

/// How often each kind of trouble came about.
pub type Marks = BTreeMap<String, u64>;

/// One run in one world.
pub struct Sim<'f> {
    pub flow: &'f Flow,
    pub schedule: Schedule,
    pub world: World,
    /// What is durable.
    pub journal: Vec<EventRecord>,
    inbox: Vec<InboundEvent>,
    pub machine: Option<RunMachine>,
    queue: BTreeMap<(i64, u64), Happening>,
    order: u64,
    urgent: u64,
    now_ms: i64,
    offset_ms: i64,
    pub writes: u64,
    life: u32,
    in_flight: BTreeSet<(String, u32)>,
    /// Calls that cannot be repeated and that some process has begun, where fates follow keys.
    started: BTreeSet<(String, u32)>,
    /// Calls whose effect is on its way.
    promised: BTreeSet<String>,
    calls: usize,
    votes: usize,
    incidents: usize,
    asked: BTreeSet<(TaskId, u64, String)>,
    operator_called: bool,
    /// How people stand in the directory who have ever moved.
    standings: BTreeMap<&'static str, Standing>,
    /// Ends of runs of other flows that nobody was there to see: when they were to be, and whose.
    overdue: BTreeSet<(i64, String)>,
    /// Lines of the journal that were looked through for requests.
    looked_through: usize,
    /// When the process will look at its timers.
    wake_ms: Option<i64>,
    pub marks: Marks,
}

impl<'f> Sim<'f> {
    pub fn new(flow: &'f Flow, schedule: Schedule) -> Self {
        let mut sim = Self {
            flow,
            world: World::default(),
            journal: Vec::new(),
            inbox: Vec::new(),
            machine: None,
            queue: BTreeMap::new(),
            order: LATER,
            urgent: 0,
            now_ms: 0,
            offset_ms: 0,
            writes: 0,
            life: 0,
            in_flight: BTreeSet::new(),
            started: BTreeSet::new(),
            promised: BTreeSet::new(),
            calls: 0,
            votes: 0,
            incidents: 0,
            asked: BTreeSet::new(),
            operator_called: false,
            standings: BTreeMap::new(),
            overdue: BTreeSet::new(),
            looked_through: 0,
            wake_ms: None,
            marks: Marks::new(),
            schedule,
        };
        sim.push(0, Happening::Start);
        sim.push(HEAL_MS, Happening::Nudge(0));
        for (at, step) in sim.schedule.clock_steps.clone() {
            sim.push(at, Happening::ClockStep(step));
        }
        for (at, down_ms) in sim.schedule.kills.clone() {
            sim.push(at, Happening::Kill(down_ms));
        }
        if let Some(at) = sim.schedule.cancel_ms {
            sim.push(at, Happening::Cancel);
        }
        for (at, given) in sim.schedule.changes.clone() {
            sim.push(at, Happening::Change(given));
        }
        for moved in sim.schedule.moves.clone() {
            sim.push(moved.at_ms, Happening::Move(moved));
        }
        for (number, arrival) in sim.schedule.arrivals.clone().into_iter().enumerate() {
            sim.announce(number, &arrival);
        }
        sim
    }

    fn announce(&mut self, number: usize, arrival: &Arrival) {
        let event = arrival.event(number, self.time_at(arrival.at_ms));
        for copy in 0..i64::from(arrival.copies) {
            self.mark_if(copy > 0, "event sent again");
            self.push(arrival.at_ms + copy * 700, Happening::Arrive(event.clone()));
        }
    }

    fn push(&mut self, at_ms: i64, happening: Happening) {
        self.order += 1;
        self.queue.insert((at_ms.max(self.now_ms), self.order), happening);
    }

    /// It happens before everything else that happens now.
    fn push_at_once(&mut self, happening: Happening) {
        self.urgent += 1;
        self.queue.insert((self.now_ms, self.urgent), happening);
    }

    fn mark(&mut self, name: &'static str) {
        *self.marks.entry(name.to_owned()).or_insert(0) += 1;
    }

    fn mark_if(&mut self, happened: bool, name: &'static str) {
        if happened {
            self.mark(name);
        }
    }

    fn time_at(&self, at_ms: i64) -> Timestamp {
        beginning() + SignedDuration::from_millis(at_ms + self.offset_ms)
    }

    fn now(&self) -> Timestamp {
        self.time_at(self.now_ms)
    }

    /// Lets things happen until the run has ended and everything durable is quiet.
    pub fn run(&mut self) {
        for _ in 0..BOUND {
            let Some(((at, _), happening)) = self.queue.pop_first() else {
                break;
            };
            self.now_ms = at;
            self.happen(happening);
            if self.is_over() {
                return;
            }
        }
        let machine = self.machine.as_ref();
        panic!(
            "seed {}: the run does not end\n{}\n{:#?}\n{:?}",
            self.schedule.seed,
            self.flow.text,
            machine.map(RunMachine::steps),
            machine.map(RunMachine::outstanding),
        );
    }

    /// Whether the end of the run is durable and no effect is on its way.
    fn is_over(&self) -> bool {
        let ended = |machine: &RunMachine| matches!(machine.status(), RunPhase::Ended { .. });
        self.machine.as_ref().is_some_and(ended) && self.promised.is_empty()
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Start => self.boot(),
            Happening::Effect {
                key,
                action,
                input,
                idempotent,
            } => {
                self.promised.remove(&key);
                let is_first = !self.world.has(&key);
                self.world.call(&key, &action, &input, idempotent);
                if action == START_ACTION && is_first {
                    self.child_begins(&key);
                }
            }
            Happening::ChildEnds { run, outcome } => self.child_ends(&run, outcome),
            Happening::ClockStep(step) => {
                self.mark(if step < 0 {
                    "clock stepped back"
                } else {
                    "clock stepped on"
                });
                self.offset_ms += step;
                self.wake_ms = None;
                self.push(self.now_ms, Happening::Wake);
            }
            Happening::Arrive(event) => {
                let seen = |events: &[InboundEvent]| events.iter().any(|one| one.id == event.id);
                if !seen(&self.inbox) {
                    self.inbox.push(event);
                }
                self.deliver();
            }
            Happening::Nudge(count) => self.nudge(count),
            Happening::Move(moved) => {
                self.standings.insert(moved.person, moved.standing);
                self.mark("somebody moved");
                self.follow_people();
                self.go_on();
            }
            Happening::Kill(_) if self.machine.is_none() => {}
            Happening::Kill(down_ms) => {
                self.mark("killed");
                self.die(down_ms);
            }
            Happening::Reply { life, .. } | Happening::Local { life, .. } | Happening::Assigned { life, .. }
                if life != self.life || self.machine.is_none() =>
            {
                self.mark("answer to a dead process");
            }
            // Whoever finds the process down comes again.
            Happening::Decide { .. }
            | Happening::Act { .. }
            | Happening::Change(_)
            | Happening::Operate
            | Happening::Cancel
                if self.machine.is_none() =>
            {
                self.push(self.now_ms + COME_BACK_MS, happening);
            }
            Happening::Wake if self.wake_ms.is_some_and(|at| at > self.now_ms) => {}
            Happening::Wake if self.machine.is_none() => self.wake_ms = None,
            other => self.input(other),
        }
    }

    /// What becomes an input of the run.
    fn input(&mut self, happening: Happening) {
        match happening {
            Happening::Reply {
                work, attempt, result, ..
            } => {
                let late = result.is_ok() && !self.in_flight.contains(&(work.0.clone(), attempt + 1));
                let input = Input::Finished { work, attempt, result };
                if self.give(input) == Ok(Reply::AlreadyDone) && late {
                    self.mark("second answer");
                }
                self.commit(With::Nothing);
            }
            Happening::Local {
                work,
                attempt,
                action,
                input,
                ..
            } => {
                let key = work.0.clone();
                let result = Ok(output(&action, &key));
                let reply = self.give(Input::Finished { work, attempt, result });
                let counted = reply == Ok(Reply::Accepted);
                self.commit(if counted {
                    With::Local { key, action, input }
                } else {
                    With::Nothing
                });
            }
            Happening::Assigned { work, assignment, .. } => {
                let _ = self.give(Input::Assigned { work, assignment });
                self.commit(With::Nothing);
                self.follow_people();
            }
            Happening::Decide { task, person, vote } => self.decide(task, person, vote),
            Happening::Act { task, person, act } => self.act(task, person, act),
            Happening::Change(given) => self.change(given),
            Happening::Wake => {
                self.wake_ms = None;
                let _ = self.give(Input::Wake);
                self.commit(With::Nothing);
            }
            Happening::Operate => self.operate(),
            Happening::Cancel => {
                self.mark("cancelled");
                let (by, reason) = ("user:a".to_owned(), "so".to_owned());
                let _ = self.give(Input::Cancel { by, reason });
                self.commit(With::Nothing);
            }
            other => unreachable!("{other:?} is no input"),
        }
        self.go_on();
    }

    fn give(&mut self, input: Input) -> Result<Reply, Refusal> {
        let now = self.now();
        let reply = self.machine.as_mut().expect("the process is up").handle(now, input);
        if self.schedule.by_key {
            self.do_at_once();
        }
        reply
    }

    /// The process starts: takes up the journal, finds out what it does not know, goes on.
    fn boot(&mut self) {
        self.life += 1;
        self.in_flight.clear();
        self.operator_called = false;
        if self.journal.is_empty() {
            let start = Start {
                run: RunId::from("run_1"),
                inputs: self.schedule.inputs.clone(),
                settings: serde_json::Map::new(),
                initiator: "user:a".to_owned(),
                starter: None,
                trigger: "manual".to_owned(),
                seed: self.schedule.seed,
                parent: None,
            };
            self.machine = Some(RunMachine::start(Arc::clone(&self.flow.plan), self.now(), start));
            self.commit(With::Nothing);
            self.trace();
        } else {
            let machine = RunMachine::replay(Arc::clone(&self.flow.plan), &self.journal);
            self.machine = Some(machine.expect("the journal can be replayed"));
            self.trace();
            if !self.schedule.by_key {
                self.doubt();
            }
        }
        self.deliver();
        if self.machine.is_some() {
            let _ = self.give(Input::Wake);
            self.commit(With::Nothing);
        }
        self.follow_people();
        self.go_on();
        self.end_overdue();
    }

    /// Some of the runs are looked at after every single event.
    fn trace(&mut self) {
        if self.schedule.seed.is_multiple_of(8) {
            self.machine.iter_mut().for_each(RunMachine::trace);
        }
    }

    /// Calls that an earlier process may have started and that must not be repeated.
    fn doubt(&mut self) {
        for work in self.machine.as_ref().map(RunMachine::outstanding).unwrap_or_default() {
            let Work::Call {
                key,
                attempt,
                action,
                pure: false,
                ..
            } = work
            else {
                continue;
            };
            if self.machine.is_none() || info(&action).idempotent {
                continue;
            }
            self.mark("in doubt after a crash");
            let result = Err(failure(FailureKind::InDoubt));
            let work = key;
            assert_eq!(
                self.give(Input::Finished { work, attempt, result }),
                Ok(Reply::Accepted)
            );
            self.commit(With::Nothing);
        }
    }

    /// Delivers what is in the inbox, the oldest first.
    fn deliver(&mut self) {
        while self.machine.is_some() && !self.inbox.is_empty() {
            let event = self.inbox[0].clone();
            if self.is_for_nobody(&event) {
                self.inbox.remove(0);
                continue;
            }
            let _ = self.give(Input::Event(event));
            self.commit(With::Delivered);
        }
        self.go_on();
    }

    /// Makes durable what was decided. The process may die before or after.
    fn commit(&mut self, with: With) {
        let Some(machine) = &mut self.machine else {
            return;
        };
        let events = machine.take_events();
        let traced = machine.take_trace();
        if events.is_empty() && matches!(with, With::Nothing) {
            return;
        }
        self.writes += 1;
        let crash = self
            .schedule
            .crashes
            .iter()
            .find(|crash| crash.write == self.writes)
            .copied();
        if crash.is_some_and(|crash| !crash.after) {
            self.mark("crash before a write");
            return self.die(crash.map_or(0, |crash| crash.down_ms));
        }
        self.journal.extend(events);
        self.compare_each(&traced);
        match with {
            With::Nothing => {}
            With::Delivered => {
                self.inbox.remove(0);
            }
            With::Local { key, action, input } => {
                self.world.call(&key, &action, &input, false);
            }
        }
        if crash.is_some() || self.writes.is_multiple_of(16) {
            self.compare();
        }
        if let Some(crash) = crash {
            self.mark("crash after a write");
            self.die(crash.down_ms);
        }
    }

    /// Replaying what is durable up to each of the last events leads to the run as it was then.
    fn compare_each(&self, traced: &[RunState]) {
        for (end, live) in (self.journal.len() - traced.len() + 1..).zip(traced) {
            let prefix = RunMachine::replay(Arc::clone(&self.flow.plan), &self.journal[..end]);
            let prefix = prefix.expect("it can be replayed");
            assert_eq!(prefix.state(), live, "seed {}: at event {end}", self.schedule.seed);
        }
    }

    /// Replaying what is durable leads to the run as it is.
    pub fn compare(&self) {
        let replayed = RunMachine::replay(Arc::clone(&self.flow.plan), &self.journal).expect("it can be replayed");
        let live = self.machine.as_ref().expect("the process is up");
        assert_eq!(replayed.state(), live.state(), "seed {}", self.schedule.seed);
        assert_eq!(
            replayed.outstanding(),
            live.outstanding(),
            "seed {}",
            self.schedule.seed
        );
        assert_eq!(
            replayed.next_wakeup(),
            live.next_wakeup(),
            "seed {}",
            self.schedule.seed
        );
    }

    fn die(&mut self, down_ms: i64) {
        self.machine = None;
        self.push(self.now_ms + down_ms, Happening::Start);
    }

    /// Does what the run asks for.
    fn go_on(&mut self) {
        let Some(machine) = &self.machine else {
            return;
        };
        let (outstanding, wakeup) = (machine.outstanding(), machine.next_wakeup());
        let (incident, tasks) = (machine.incident(), machine.tasks());
        for work in outstanding {
            let attempt = match &work {
                Work::Call { attempt, .. } => *attempt,
                Work::Assign { .. } => 0,
            };
            if self.in_flight.insert((work.key().0.clone(), attempt)) {
                self.begin(work);
            }
        }
        if let Some(at) = wakeup {
            let ahead = at.duration_since(self.now()).as_millis();
            let ahead = i64::try_from(ahead).expect("it is not that far away").max(0);
            // Clocks are asked again at least once an hour, as they may step.
            let at = self.now_ms + ahead.min(HOUR_MS) + self.schedule.timer_lag_ms;
            if self.wake_ms.is_none_or(|planned| planned > at) {
                self.wake_ms = Some(at);
                self.push(at, Happening::Wake);
            }
        }
        self.hear_of_requests();
        if incident && !self.operator_called {
            self.operator_called = true;
            self.push(self.now_ms + OPERATOR_MS, Happening::Operate);
        }
        for task in tasks.into_iter().filter(|task| task.phase == TaskPhase::Open) {
            for person in task.people {
                let version = task.document.as_ref().map_or(0, |document| document.version);
                if self.asked.insert((task.id.clone(), version, person.clone())) {
                    self.ask(task.id.clone(), version, person);
                }
            }
        }
    }

    /// Everything that can be waited for happens, every hour.
    fn nudge(&mut self, count: u32) {
        for event in nudges(count, self.now()) {
            self.push(self.now_ms, Happening::Arrive(event));
        }
        self.push(self.now_ms + 13, Happening::Change(json!(NUDGED)));
        self.push(self.now_ms + NUDGE_MS, Happening::Nudge(count + 1));
    }

    /// Begins work.
    fn begin(&mut self, work: Work) {
        match work {
            Work::Assign { key, exclude, .. } => self.begin_assign(key, &exclude),
            Work::Call {
                key,
                attempt,
                action,
                input,
                pure,
                ..
            } => {
                let life = self.life;
                if pure {
                    let result = Ok(computed(&input));
                    let work = key;
                    self.push(
                        self.now_ms,
                        Happening::Reply {
                            life,
                            work,
                            attempt,
                            result,
                        },
                    );
                } else if info(&action).local {
                    let happening = Happening::Local {
                        life,
                        work: key,
                        attempt,
                        action,
                        input,
                    };
                    self.push(self.now_ms, happening);
                } else {
                    self.begin_call(key, attempt, action, input);
                }
            }
        }
    }

    fn fate(&mut self, work: &WorkKey, attempt: u32) -> CallFate {
        self.calls += 1;
        self.schedule.call(self.calls - 1, &work.0, attempt)
    }

    fn begin_assign(&mut self, work: WorkKey, exclude: &[String]) {
        let fate = self.fate(&work, 1);
        let life = self.life;
        if fate.fate == Fate::Impossible {
            let result = Err(failure(FailureKind::Permanent));
            let attempt = 1;
            return self.push(
                self.now_ms,
                Happening::Reply {
                    life,
                    work,
                    attempt,
                    result,
                },
            );
        }
        let people = PEOPLE.iter().filter(|person| !exclude.iter().any(|one| one == *person));
        let people = people.filter(|person| self.stands(person) == Standing::Member);
        let assignment = Assignment {
            people: people.map(|person| (*person).to_owned()).collect(),
            veto: vec![PEOPLE[3].to_owned()],
            ..Assignment::default()
        };
        self.push(
            self.now_ms + fate.delay_ms,
            Happening::Assigned { life, work, assignment },
        );
    }

    fn begin_call(&mut self, work: WorkKey, attempt: u32, action: String, input: Value) {
        let CallFate { mut fate, delay_ms } = self.fate(&work, attempt);
        if self.schedule.by_key && (action == START_ACTION || action == CANCEL_ACTION) {
            return self.begin_in_house(work, attempt, &action, &input);
        }
        let idempotent = info(&action).idempotent;
        if self.schedule.by_key && !idempotent && !self.started.insert((work.0.clone(), attempt)) {
            return self.begin_in_doubt(work, attempt);
        }
        let done = self.world.has(&work.0) || self.promised.contains(&work.0);
        if fate == Fate::Impossible && done {
            fate = Fate::Done;
        }
        if is_impossible(&action, &input) {
            fate = Fate::Impossible;
        }
        self.mark(match fate {
            Fate::Done => "call done",
            Fate::DoneTwice => "call answered twice",
            Fate::Late => "call late",
            Fate::LostAnswer => "answer lost",
            Fate::Hang => "call hung",
            Fate::Refused => "call refused",
            Fate::Impossible => "call impossible",
        });
        let done = Ok(output(&action, &work.0));
        let life = self.life;
        let effect_ms = match fate {
            Fate::Done | Fate::DoneTwice | Fate::LostAnswer => Some(delay_ms * 2 / 3),
            Fate::Late => Some(LATE_MS),
            Fate::Hang | Fate::Refused | Fate::Impossible => None,
        };
        if let Some(after) = effect_ms {
            let key = work.0.clone();
            self.promised.insert(key.clone());
            let happening = Happening::Effect {
                key,
                action,
                input,
                idempotent,
            };
            self.push(self.now_ms + after, happening);
        }
        let given_up = if idempotent {
            FailureKind::Transient
        } else {
            FailureKind::InDoubt
        };
        let answers = match fate {
            Fate::Done => vec![(delay_ms, done)],
            Fate::DoneTwice => vec![(delay_ms, done.clone()), (delay_ms + 2_000, done)],
            Fate::Late => vec![(PATIENCE_MS, Err(failure(given_up))), (LATE_MS + 1, done)],
            Fate::LostAnswer | Fate::Hang => vec![(PATIENCE_MS, Err(failure(given_up)))],
            Fate::Refused => vec![(delay_ms, Err(failure(FailureKind::Transient)))],
            Fate::Impossible => vec![(delay_ms, Err(failure(FailureKind::Permanent)))],
        };
        for (after, result) in answers {
            let work = work.clone();
            self.push(
                self.now_ms + after,
                Happening::Reply {
                    life,
                    work,
                    attempt,
                    result,
                },
            );
        }
    }
}

fn failure(kind: FailureKind) -> Failure {
    Failure {
        kind,
        message: format!("{kind:?}"),
    }
}
