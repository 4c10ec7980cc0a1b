//! Generated flows under generated inputs: replay leads to the same state after every event, also in
//! the middle of an input; every prefix of a journal can be taken up, every run comes to an end,
//! nothing owned is left.
//!
//! After an input, what is to be done (`outstanding`, `next_wakeup`) is the same as well. In the middle of
//! one nobody asks a live run for that, and a replay that ends there asks to be woken at once.

mod migrate;

use super::flows;
use super::generate::{self, CHILD_ENDS, KEY, PEOPLE, SUBJECT};
use super::rng::Rng;
use gatefold::base::id::{EventId, RunId};
use gatefold::base::{Timestamp, Value};
use gatefold::engine::event::{Event, Weight};
use gatefold::engine::{
    Acting, Assignment, Decision, EventRecord, Failure, FailureKind, InboundEvent, Input, Members, RUN_ENDED,
    RunMachine, RunPhase, RunState, StandIn, Start, StepPhase, StepView, TaskAct, TaskPhase, Work, WorkKey,
};
use gatefold::plan::{Plan, PlanField, PlanVerb};
use jiff::SignedDuration;
use serde_json::{Map, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Flows tried.
const SEEDS: u64 = 300;

/// So many seeds, or as many as `SEEDS` says.
fn seeds() -> u64 {
    let asked = std::env::var("SEEDS").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(SEEDS)
}

/// Inputs by chance before every answer is given.
const INPUTS: usize = 40;
/// Inputs within which a run must end once every answer is given.
const BOUND: usize = 600;

/// One run under random inputs.
struct Subject {
    plan: Arc<Plan>,
    machine: RunMachine,
    journal: Vec<EventRecord>,
    now: Timestamp,
    rng: Rng,
    events: u64,
    seed: u64,
}

/// Every field of a generated form.
fn full_form(fields: &[PlanField]) -> Map<String, Value> {
    fields.iter().map(|field| (field.name.clone(), json!("A1"))).collect()
}

/// The lock of every step that is under way and has one.
fn locks<'p>(plan: &'p Plan, steps: &[StepView], held: &mut Vec<&'p str>) {
    for step in steps {
        let lock = plan.step(&step.id).and_then(|planned| planned.lock.as_ref());
        if matches!(step.phase, StepPhase::Active | StepPhase::Incident) {
            held.extend(lock.map(|lock| lock.name.as_str()));
        }
        for element in step.elements.iter().flat_map(|elements| &elements.shown) {
            locks(plan, &element.steps, held);
        }
    }
}

/// The steps of elements in order at which more than one element is.
fn crowded(plan: &Plan, steps: &[StepView], found: &mut Vec<String>) {
    for step in steps {
        let Some(elements) = &step.elements else { continue };
        for element in &elements.shown {
            crowded(plan, &element.steps, found);
        }
        let planned = plan.step(&step.id).map(|planned| &planned.verb);
        if !matches!(planned, Some(PlanVerb::Each(each)) if each.in_order) {
            continue;
        }
        let all = elements.shown.iter().flat_map(|element| &element.steps);
        let at = all.filter(|step| matches!(step.phase, StepPhase::Active | StepPhase::Incident));
        let mut seen = BTreeSet::new();
        let ids = at.map(|step| step.id.rsplit_once('.').map_or("", |(_, id)| id));
        found.extend(ids.filter(|id| !seen.insert(*id)).map(str::to_owned));
    }
}

/// Replaying the journal up to each event after the first `known` ones leads to the state in which the live
/// run was then.
fn same_at_every_event(plan: &Arc<Plan>, journal: &[EventRecord], known: usize, live: &[RunState]) {
    assert_eq!(journal.len() - known, live.len(), "every event was traced");
    for (end, live) in (known + 1..).zip(live) {
        let replayed = RunMachine::replay(Arc::clone(plan), &journal[..end]).expect("a prefix is a journal");
        assert_eq!(replayed.state(), live, "at event {end}, {:?}", journal[end - 1].event);
    }
}

fn document(version: u64) -> Value {
    json!({ "id": "fil_1", "name": "a.pdf", "version": version, "sha256": format!("{version:064x}") })
}

impl Subject {
    fn new(seed: u64) -> Option<Self> {
        let (plan, _) = flows::try_plan(&generate::flow(seed));
        let plan = Arc::new(plan?);
        let mut rng = Rng::new(seed ^ 0xdead);
        let now = "2026-11-23T09:00:00Z".parse().expect("it is a time");
        let start = Start {
            run: RunId::from("run_1"),
            inputs: json!({ "n": rng.below(4), "document": document(1) }),
            settings: serde_json::Map::new(),
            initiator: "user:a".to_owned(),
            starter: None,
            trigger: "manual".to_owned(),
            seed,
            parent: None,
        };
        let mut started = RunMachine::start(Arc::clone(&plan), now, start);
        let journal = started.take_events();
        let (machine, journal) = Self::taken_up(&plan, now, &journal, &started);
        let mut subject = Self {
            plan,
            machine,
            journal,
            now,
            rng,
            events: 0,
            seed,
        };
        subject.check();
        Some(subject)
    }

    /// The run as whoever reads its first event alone takes it up, traced: it comes to the same, by way of
    /// the same states.
    fn taken_up(
        plan: &Arc<Plan>,
        now: Timestamp,
        journal: &[EventRecord],
        started: &RunMachine,
    ) -> (RunMachine, Vec<EventRecord>) {
        let mut machine = RunMachine::replay(Arc::clone(plan), &journal[..1]).expect("a run begins");
        machine.trace();
        machine.handle(now, Input::Wake).expect("a wake-up is never refused");
        let mut again = journal[..1].to_vec();
        again.extend(machine.take_events());
        assert_eq!(again, journal, "the first event and a wake-up are a start");
        assert_eq!(machine.state(), started.state());
        same_at_every_event(plan, &again, 1, &machine.take_trace());
        (machine, again)
    }

    fn handle(&mut self, input: Input) {
        let before = self.machine.clone();
        let shown = format!("{input:?}");
        let reply = self.machine.handle(self.now, input);
        let new = self.machine.take_events();
        if reply.is_err() {
            assert!(
                new.is_empty() && self.machine.state() == before.state(),
                "seed {}: {shown}",
                self.seed
            );
        }
        let known = self.journal.len();
        self.journal.extend(new);
        same_at_every_event(&self.plan, &self.journal, known, &self.machine.take_trace());
        self.check();
    }

    /// Replaying the journal leads to the same state and the same answers.
    fn check(&mut self) {
        let replayed = RunMachine::replay(Arc::clone(&self.plan), &self.journal)
            .unwrap_or_else(|error| panic!("seed {}: {error}", self.seed));
        assert_eq!(replayed.state(), self.machine.state(), "seed {}", self.seed);
        assert_eq!(replayed.outstanding(), self.machine.outstanding(), "seed {}", self.seed);
        assert_eq!(replayed.next_wakeup(), self.machine.next_wakeup(), "seed {}", self.seed);
        let mut held = Vec::new();
        locks(&self.plan, &self.machine.steps(), &mut held);
        let all = held.len();
        held.sort_unstable();
        held.dedup();
        assert_eq!(held.len(), all, "seed {}: two steps have one lock", self.seed);
        let mut found = Vec::new();
        crowded(&self.plan, &self.machine.steps(), &mut found);
        assert_eq!(found, [""; 0], "seed {}: more than one element is at a step", self.seed);
    }

    fn output(&mut self, key: &WorkKey) -> Value {
        let number = self.rng.below(50);
        json!({ "n": number, "run": RunId::derived(&key.0), "version": "1.0.0", "share": format!("shr_{number}"), "grant": format!("grt_{number}"),
            "request": format!("req_{number}") })
    }

    /// The end of a run that was started, or is about to be.
    fn end_of_child(&mut self) -> Option<InboundEvent> {
        let owned = self.machine.owned().into_iter().filter(|thing| thing.kind == "run");
        let mut runs: Vec<String> = owned.map(|thing| thing.id).collect();
        runs.extend(self.machine.starting().into_iter().map(|run| run.0));
        if runs.is_empty() {
            return None;
        }
        let run = self.rng.pick(&runs).clone();
        self.events += 1;
        let outcome = self.rng.choose(&CHILD_ENDS);
        Some(InboundEvent {
            id: EventId(format!("evt_{}", self.events)),
            kind: RUN_ENDED.to_owned(),
            subjects: vec![run.clone()],
            key: None,
            data: json!({ "run": run, "flow": "child", "version": "1.0.0", "outcome": outcome, "outputs": { "n": 7 } }),
            at: self.now,
        })
    }

    /// Something about an item of a checklist, or of none.
    fn item_event(&mut self) -> Option<InboundEvent> {
        let owned = self.machine.owned();
        let request = owned.iter().find(|thing| thing.kind == "request")?.id.clone();
        self.events += 1;
        let (state, files) = self.rng.choose(&[
            ("received", 1),
            ("received", 1),
            ("accepted", 1),
            ("accepted", 2),
            ("more_needed", 1),
            ("missing", 0),
            ("not_applicable", 0),
        ]);
        let files: Vec<Value> = (0..files).map(|at| json!({ "file": document(at) })).collect();
        let kinds = [
            "file360.item_received",
            "file360.item_removed",
            "file360.item_not_applicable",
        ];
        let withdrawn = self.rng.percent(3);
        Some(InboundEvent {
            id: EventId(format!("evt_{}", self.events)),
            kind: if withdrawn {
                "file360.request_withdrawn"
            } else {
                self.rng.choose(&kinds)
            }
            .to_owned(),
            subjects: vec![request],
            key: None,
            data: json!({
                "item": self.rng.choose(&["one", "one", "two", "three"]), "state": state, "files": files,
                "change": self.events.saturating_sub(self.rng.below(4) as u64), "because": "so", "reason": "so",
            }),
            at: self.now - SignedDuration::from_mins(self.rng.between(0, 200)),
        })
    }

    fn event(&mut self) -> Input {
        if self.rng.percent(30)
            && let Some(event) = self.end_of_child()
        {
            return Input::Event(event);
        }
        if self.rng.percent(50)
            && let Some(event) = self.item_event()
        {
            return Input::Event(event);
        }
        let repeated = self.rng.percent(20);
        if !repeated {
            self.events += 1;
        }
        let kind = self
            .rng
            .choose(&["t.ping", "t.pong", "file360.file_uploaded", "t.other"]);
        let version = self.rng.below(6) as u64;
        let data = json!({ "n": self.rng.below(2), "by": self.rng.choose(&PEOPLE), "file": document(version) });
        Input::Event(InboundEvent {
            id: EventId(format!("evt_{}", self.events)),
            kind: kind.to_owned(),
            subjects: if self.rng.percent(60) {
                vec![SUBJECT.to_owned()]
            } else {
                Vec::new()
            },
            key: self.rng.percent(50).then(|| KEY.to_owned()),
            data,
            at: self.now - SignedDuration::from_mins(self.rng.between(0, 200)),
        })
    }

    fn finished(&mut self) -> Option<Input> {
        let outstanding = self.machine.outstanding();
        if outstanding.is_empty() {
            return None;
        }
        let (mut key, mut attempt) = match self.rng.pick(&outstanding) {
            Work::Call { key, attempt, .. } => (key.clone(), *attempt),
            Work::Assign { key, .. } => {
                let count = self.rng.below(5);
                let people = PEOPLE[..count.min(4)].iter().map(|one| (*one).to_owned()).collect();
                let veto = if self.rng.percent(50) {
                    vec!["user:d".to_owned()]
                } else {
                    Vec::new()
                };
                let work = key.clone();
                return Some(if self.rng.percent(90) {
                    let assignment = Assignment {
                        people,
                        veto,
                        deputies: self.deputies(),
                        weights: self.weights(),
                        only: self
                            .rng
                            .percent(20)
                            .then(|| vec!["user:a".to_owned(), "user:c".to_owned()]),
                        ..Assignment::default()
                    };
                    Input::Assigned { work, assignment }
                } else {
                    let result = Err(self.failure());
                    Input::Finished {
                        work,
                        attempt: 1,
                        result,
                    }
                });
            }
        };
        if self.rng.percent(10) {
            // An answer to some earlier round or try.
            key = WorkKey(key.0.replace(":2", ":1"));
            attempt = attempt.saturating_sub(u32::from(self.rng.percent(50)));
        }
        let result = if self.rng.percent(65) {
            Ok(self.output(&key))
        } else {
            Err(self.failure())
        };
        Some(Input::Finished {
            work: key,
            attempt,
            result,
        })
    }

    fn failure(&mut self) -> Failure {
        let kinds = [
            FailureKind::Transient,
            FailureKind::Transient,
            FailureKind::Permanent,
            FailureKind::InDoubt,
        ];
        Failure {
            kind: self.rng.choose(&kinds),
            message: "broken".to_owned(),
        }
    }

    fn decision(&mut self) -> Option<Input> {
        let tasks = self.machine.tasks();
        if tasks.is_empty() {
            return None;
        }
        let task = self.rng.pick(&tasks).clone();
        let decisions = [
            "approved",
            "changes_requested",
            "rejected",
            "done",
            "declined",
            "accepted",
            "sent_back",
            "nonsense",
        ];
        let first = task.decisions[0].clone();
        let decision = self.rng.choose(&decisions).to_owned();
        Some(Input::Decide(Decision {
            task: task.id,
            by: self.rng.choose(&PEOPLE).to_owned(),
            on_behalf_of: self.rng.percent(10).then(|| "user:b".to_owned()),
            decision: if self.rng.percent(40) { first } else { decision },
            reason: self.rng.percent(80).then(|| "so".to_owned()),
            sha256: if self.rng.percent(90) {
                task.document.map(|document| document.sha256)
            } else {
                Some("0".to_owned())
            },
            form: self.form(),
            via: None,
        }))
    }

    /// Who stands in, wanted or not.
    fn deputies(&mut self) -> Vec<StandIn> {
        let count = self.rng.below(3);
        let one = |subject: &mut Self| StandIn {
            by: subject.rng.choose(&PEOPLE).to_owned(),
            on_behalf_of: subject.rng.choose(&PEOPLE).to_owned(),
        };
        (0..count).map(|_| one(self)).collect()
    }

    /// How much somebody's decision counts.
    fn weights(&mut self) -> Vec<Weight> {
        let person = self.rng.choose(&PEOPLE).to_owned();
        let weight = u32::try_from(self.rng.below(3)).expect("it is small") + 1;
        vec![Weight { person, weight }]
    }

    /// Something that people do about a task beside answering it.
    fn acting(&mut self) -> Option<Input> {
        let tasks = self.machine.tasks();
        if tasks.is_empty() {
            return None;
        }
        let task = self.rng.pick(&tasks).id.clone();
        let of = self.rng.choose(&PEOPLE).to_owned();
        let to = self.rng.choose(&PEOPLE).to_owned();
        let reason = self.rng.percent(50).then(|| "so".to_owned());
        let why = if self.rng.percent(80) { "so" } else { "" }.to_owned();
        let act = match self.rng.below(11) {
            9 => TaskAct::Start,
            10 => TaskAct::Save { form: self.form() },
            5 => TaskAct::Suspend { reason: why },
            6 => TaskAct::Resume { reason },
            7 => TaskAct::Skip { reason: why },
            8 => TaskAct::Redo { reason: why },
            0 => TaskAct::Claim,
            4 => TaskAct::Remark {
                text: "so".to_owned(),
                to: self.rng.percent(50).then_some(to),
                answers: self.rng.percent(30).then_some(1),
            },
            1 => TaskAct::Release { reason },
            2 => TaskAct::Delegate { of, to, reason },
            _ => TaskAct::Reassign {
                of,
                to,
                reason,
                afresh: self.rng.percent(30),
            },
        };
        Some(Input::Act(Acting {
            task,
            by: self.rng.choose(&PEOPLE).to_owned(),
            admin: self.rng.percent(30),
            act,
        }))
    }

    /// What somebody fills in: mostly what is wanted, at times nonsense.
    fn form(&mut self) -> Map<String, Value> {
        let shelf = [json!("A1"), json!(7), json!("far too long for it")];
        let mut form = Map::new();
        if self.rng.percent(70) {
            form.insert("shelf".to_owned(), self.rng.pick(&shelf).clone());
        }
        if self.rng.percent(10) {
            form.insert("other".to_owned(), json!(1));
        }
        form
    }

    fn wake(&mut self) -> Input {
        match self.rng.below(10) {
            0 => self.now -= SignedDuration::from_hours(self.rng.between(1, 30)),
            1..=4 => self.now += SignedDuration::from_mins(self.rng.between(0, 400)),
            _ => self.now = self.machine.next_wakeup().unwrap_or(self.now).max(self.now),
        }
        Input::Wake
    }

    /// What somebody outside gives, wanted or not.
    fn given(&mut self) -> Input {
        let given = [
            json!({ "v": self.rng.below(4) }),
            json!({ "v": "nonsense" }),
            json!({ "w": 1 }),
        ];
        let values = self.rng.pick(&given).as_object().cloned().unwrap_or_default();
        let (by, reason) = ("user:a".to_owned(), "so".to_owned());
        Input::Change { values, by, reason }
    }

    /// The file space knows a version that the run was never told of.
    fn newer(&mut self) -> Option<Input> {
        let tasks = self.machine.open_tasks();
        let task = tasks.first()?.id.clone();
        let document = serde_json::from_value(document(self.rng.below(9) as u64)).expect("it is a document");
        Some(Input::Newer { task, document })
    }

    /// The directory says that other people are meant by an open task now.
    fn members(&mut self) -> Option<Input> {
        let tasks = self.machine.open_tasks();
        if tasks.is_empty() {
            return None;
        }
        let task = self.rng.pick(&tasks).id.clone();
        let mut some = |percent: usize| -> Vec<String> {
            let chosen = PEOPLE.iter().filter(|_| self.rng.percent(percent));
            chosen.map(|one| (*one).to_owned()).collect()
        };
        let members = Members {
            people: some(60),
            veto: some(20),
            escalated: some(20),
            only: Some(some(80)).filter(|only| only.len() % 2 == 0),
            exclude: some(10),
            absent: some(20),
            weights: self.weights(),
        };
        Some(Input::Members { task, members })
    }

    /// Nobody can give anything to a request any more.
    fn nobody_gives(&self) -> Option<Input> {
        let owned = self.machine.owned();
        let request = owned.iter().find(|thing| thing.kind == "request")?.id.clone();
        Some(Input::NobodyGives { request })
    }

    fn resolution(&mut self) -> Input {
        let incidents = self.machine.incidents();
        let step = if incidents.is_empty() {
            "s0".to_owned()
        } else {
            self.rng.pick(&incidents).name.clone()
        };
        let (by, reason) = ("user:a".to_owned(), "so".to_owned());
        match self.rng.below(5) {
            0 => Input::Set {
                step,
                outcome: self.rng.percent(40).then(|| "failed".to_owned()),
                output: self.output(&WorkKey("run_1:s0:1".to_owned())),
                by,
                reason,
            },
            1..=2 => Input::Retry { step, by, reason },
            _ => Input::Skip { step, by, reason },
        }
    }

    fn input(&mut self) -> Input {
        let input = match self.rng.below(20) {
            0..=7 => self.finished(),
            8..=10 => Some(self.event()),
            11..=13 => self.decision(),
            14..=15 => self.acting(),
            16..=17 => Some(self.resolution()),
            19 if self.rng.percent(70) => Some(self.given()),
            19 => self.newer(),
            18 if self.rng.percent(10) => Some(Input::Cancel {
                by: "user:a".to_owned(),
                reason: String::new(),
            }),
            18 if self.rng.percent(60) => self.members(),
            18 if self.rng.percent(30) => self.nobody_gives(),
            _ => None,
        };
        match input {
            Some(input) => input,
            None => self.wake(),
        }
    }

    /// Gives every answer that is waited for. True when there was one to give.
    fn answer(&mut self) -> bool {
        if let Some(incident) = self.machine.incidents().first() {
            let step = incident.name.clone();
            let (by, reason) = ("user:a".to_owned(), "so".to_owned());
            self.handle(Input::Skip { step, by, reason });
            return true;
        }
        if let Some(work) = self.machine.outstanding().into_iter().next() {
            let input = match work {
                Work::Call { key, attempt, .. } => Input::Finished {
                    result: Ok(self.output(&key)),
                    work: key,
                    attempt,
                },
                Work::Assign { key, .. } => Input::Assigned {
                    work: key,
                    assignment: Assignment {
                        people: vec!["user:c".to_owned(), "user:d".to_owned()],
                        veto: Vec::new(),
                        ..Assignment::default()
                    },
                },
            };
            self.handle(input);
            return true;
        }
        if self.answer_task() {
            return true;
        }
        let before = self.machine.seq();
        if let Some(event) = self.end_of_child() {
            self.handle(Input::Event(event));
            // A run that closes has no use for the end of a run it is about to call off.
            if self.machine.seq() > before {
                return true;
            }
        }
        for kind in ["t.ping", "t.pong", "file360.file_uploaded"] {
            self.events += 1;
            let event = InboundEvent {
                id: EventId(format!("evt_{}", self.events)),
                kind: kind.to_owned(),
                subjects: vec![SUBJECT.to_owned()],
                key: Some(KEY.to_owned()),
                data: json!({ "n": 1, "by": "user:c", "file": document(1) }),
                at: self.now,
            };
            self.handle(Input::Event(event));
        }
        if let Some(at) = self.machine.next_wakeup() {
            self.now = at.max(self.now);
            self.handle(Input::Wake);
        }
        if self.machine.seq() == before || self.machine.next_wakeup().is_none() {
            // What waits until a value is so waits for the outside, where no step sets it. That events came
            // which are kept is no help.
            let values = [("v".to_owned(), json!(9))].into_iter().collect();
            let (by, reason) = ("user:a".to_owned(), "so".to_owned());
            self.handle(Input::Change { values, by, reason });
        }
        self.machine.seq() > before
    }

    /// Somebody answers an open task. True when that changed something.
    fn answer_task(&mut self) -> bool {
        let open = self
            .machine
            .tasks()
            .into_iter()
            .find(|task| task.phase == TaskPhase::Open);
        if let Some(task) = open {
            if task.suspended.is_some() {
                self.handle(Input::Act(Acting {
                    task: task.id,
                    by: "user:a".to_owned(),
                    admin: true,
                    act: TaskAct::Resume {
                        reason: Some("so".to_owned()),
                    },
                }));
                return true;
            }
            let decided = |person: &&String| {
                let by = |record: &gatefold::engine::event::DecisionRecord| {
                    record.on_behalf_of.clone().unwrap_or_else(|| record.by.clone())
                };
                task.decided.iter().all(|record| by(record) != ***person)
            };
            for person in task.people.iter().filter(decided) {
                let decision = Decision {
                    task: task.id.clone(),
                    by: person.clone(),
                    on_behalf_of: None,
                    decision: task.decisions[0].clone(),
                    reason: None,
                    sha256: task.document.as_ref().map(|document| document.sha256.clone()),
                    form: full_form(&task.form),
                    via: None,
                };
                let before = self.machine.seq();
                self.handle(Input::Decide(decision));
                if self.machine.seq() > before {
                    return true;
                }
            }
        }
        false
    }

    fn finish(&mut self) {
        for _ in 0..BOUND {
            if matches!(self.machine.status(), RunPhase::Ended { .. }) {
                assert!(self.machine.owned().is_empty(), "seed {}", self.seed);
                assert!(self.machine.outstanding().is_empty(), "seed {}", self.seed);
                assert!(
                    !self.machine.incident() && self.machine.next_wakeup().is_none(),
                    "seed {}",
                    self.seed
                );
                return;
            }
            if !self.answer() {
                break;
            }
        }
        panic!(
            "seed {}: the run does not end\n{}\n{:#?}\n{:?}",
            self.seed,
            generate::flow(self.seed),
            self.machine.steps(),
            self.machine.outstanding(),
        );
    }
}

#[test]
fn generated_runs_replay_to_themselves_and_come_to_an_end() {
    let (mut ended, mut called, mut moved, mut stuck) = (0, 0, 0, 0);
    for seed in 0..seeds() {
        let Some(mut subject) = Subject::new(seed) else {
            continue;
        };
        for _ in 0..INPUTS {
            let input = subject.input();
            subject.handle(input);
        }
        subject.finish();
        ended += 1;
        called += flows::calls(&subject.journal);
        for record in &subject.journal {
            moved += u64::from(matches!(record.event, Event::TaskMembersChanged { .. }));
            stuck += u64::from(
                matches!(&record.event, Event::IncidentRaised { error, .. } if error.starts_with("Nobody who was asked")),
            );
        }
    }
    println!("{called} called, {moved} times other people were meant, {stuck} times nobody could give");
    assert!(
        moved > 0 && stuck > 0,
        "the directory changed nothing: {moved}, {stuck}"
    );
    assert!(called > 0, "no way back led to a step that was not taken");
    assert!(ended > seeds() * 9 / 10, "only {ended} of the generated flows compile");
}

#[test]
fn a_journal_cut_anywhere_is_taken_up_by_a_wake_up() {
    for seed in 0..seeds() / 6 {
        let Some(mut subject) = Subject::new(seed) else {
            continue;
        };
        for _ in 0..INPUTS {
            let input = subject.input();
            subject.handle(input);
        }
        let whole = subject.journal.clone();
        let cut = 1 + subject.rng.below(whole.len());
        subject.journal.truncate(cut);
        subject.machine =
            RunMachine::replay(Arc::clone(&subject.plan), &subject.journal).expect("a prefix is a journal");
        subject.machine.trace();
        let early = subject.machine.next_wakeup().is_some_and(|at| at <= subject.now);
        let unsettled = cut < whole.len() && early;
        let machine = &mut subject.machine;
        machine
            .handle(subject.now, Input::Wake)
            .expect("a wake-up is never refused");
        let new = machine.take_events();
        assert!(
            !unsettled || !new.is_empty(),
            "seed {seed}: a wake-up was asked for and did nothing"
        );
        subject.journal.extend(new);
        same_at_every_event(&subject.plan, &subject.journal, cut, &subject.machine.take_trace());
        subject.check();
        subject.finish();
    }
}
