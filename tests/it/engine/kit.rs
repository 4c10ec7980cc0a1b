//! A run under test: inputs in, answers out, and after each of them the proof that replay leads
//! to the same state.

use super::flows;
use gatefold::base::id::{EventId, RunId, TaskId};
use gatefold::base::{Timestamp, Value, Via};
use gatefold::engine::{
    Acting, Assignment, Decision, Event, EventRecord, Failure, FailureKind, InboundEvent, Input, Migration, Parent,
    Refusal, Reply, RunMachine, RunPhase, StandIn, Start, StepPhase, StepView, TaskAct, TaskView, Work, WorkKey,
};
use gatefold::plan::Plan;
use serde_json::json;
use std::sync::Arc;

/// Hash of the version `number` of the document under test.
pub fn sha(number: u64) -> String {
    format!("{number:064x}")
}

/// The version `number` of the document under test.
pub fn document(number: u64) -> Value {
    json!({ "id": "fil_1", "name": "contract.pdf", "version": number, "sha256": sha(number), "size": 7,
        "media_type": "application/pdf" })
}

/// One run, its journal and its clock.
pub struct Run {
    pub machine: RunMachine,
    pub plan: Arc<Plan>,
    pub journal: Vec<EventRecord>,
    pub now: Timestamp,
    events: u32,
}

impl Run {
    /// Starts a flow with these steps, and whatever else `text` says.
    pub fn of(text: &str) -> Self {
        let inputs = "inputs: { document: { type: file }, who: { type: text, default: role:legal } }";
        Self::start(
            &format!("flow: t\nversion: 1.0.0\ncalendar: office\n{inputs}\n{text}"),
            json!({ "document": document(1) }),
        )
    }

    /// Starts the flow in `text`.
    pub fn start(text: &str, inputs: Value) -> Self {
        Self::start_plan(flows::plan(text), inputs)
    }

    pub fn start_plan(plan: Arc<Plan>, inputs: Value) -> Self {
        Self::start_within(plan, inputs, None)
    }

    /// The same, started by a step of another run.
    pub fn start_within(plan: Arc<Plan>, inputs: Value, parent: Option<Parent>) -> Self {
        Self::start_with(plan, inputs, parent, serde_json::Map::new())
    }

    /// The same, with what the runs of the flow share.
    pub fn start_with(
        plan: Arc<Plan>,
        inputs: Value,
        parent: Option<Parent>,
        settings: serde_json::Map<String, Value>,
    ) -> Self {
        // A Monday morning.
        let now: Timestamp = "2026-11-23T09:00:00Z".parse().expect("it is a time");
        let start = Start {
            run: RunId::from("run_1"),
            inputs,
            settings,
            initiator: "user:ines".to_owned(),
            starter: parent.as_ref().map(|_| "user:otto".to_owned()),
            trigger: "manual".to_owned(),
            seed: 7,
            parent,
        };
        let machine = RunMachine::start(Arc::clone(&plan), now, start);
        let mut run = Self {
            machine,
            plan,
            journal: Vec::new(),
            now,
            events: 0,
        };
        run.record();
        run
    }

    /// Lets something happen now.
    pub fn handle(&mut self, input: Input) -> Result<Reply, Refusal> {
        self.handle_via(input, None)
    }

    /// The same for what a person does through something.
    pub fn handle_via(&mut self, input: Input, via: Option<Via>) -> Result<Reply, Refusal> {
        let before = self.machine.state().clone();
        let reply = self.machine.handle_via(self.now, input, via);
        if reply.is_err() {
            assert!(self.machine.state() == &before, "a refused input changed the run");
        }
        self.record();
        reply
    }

    /// Takes the new events and proves that replaying them leads to the same state and answers.
    fn record(&mut self) {
        let new = self.machine.take_events();
        let text = serde_json::to_string(&new).expect("events can be written");
        let new: Vec<EventRecord> = serde_json::from_str(&text).expect("events can be read");
        self.journal.extend(new);
        let replayed = RunMachine::replay(Arc::clone(&self.plan), &self.journal).expect("the journal can be replayed");
        assert_eq!(replayed.state(), self.machine.state());
        assert_eq!(replayed.outstanding(), self.machine.outstanding());
        assert_eq!(replayed.next_wakeup(), self.machine.next_wakeup());
    }

    /// Goes on in time, without waking the run.
    pub fn pass(&mut self, length: &str) {
        let period = gatefold::base::Period::parse(length).expect("it is a length of time");
        let calendars = flows::calendars();
        self.now = gatefold::base::calendar::after(self.now, &period, calendars.get("office")).expect("it can be said");
    }

    /// Goes on in time and wakes the run.
    pub fn wake_after(&mut self, length: &str) {
        self.pass(length);
        self.wake();
    }

    pub fn wake(&mut self) {
        self.handle(Input::Wake).expect("a wake-up is never refused");
    }

    /// Goes on to when the run wants to be woken, and wakes it.
    pub fn next(&mut self) {
        self.now = self.machine.next_wakeup().expect("it wants to be woken").max(self.now);
        self.wake();
    }

    /// Goes by another version of the flow, the steps in `steps` under other names; or tells every reason why
    /// it cannot, as `PLACE: WHY`.
    pub fn migrate(&mut self, text: &str, steps: &[(&str, &str)]) -> Result<Vec<String>, Vec<String>> {
        let to = flows::plan(text);
        let migration = Migration {
            to: Arc::clone(&to),
            steps: steps
                .iter()
                .map(|(old, new)| ((*old).to_owned(), (*new).to_owned()))
                .collect(),
            settings: [("rate".to_owned(), json!(7))].into_iter().collect(),
            by: "user:ines".to_owned(),
            reason: "the new version is better".to_owned(),
        };
        let before = self.machine.clone();
        let moved = self.machine.migrate(self.now, &self.journal, &migration);
        assert!(
            self.machine.state() == before.state(),
            "it is another machine that moves"
        );
        let moved = moved.map_err(|reasons| {
            let reasons = reasons.into_iter();
            reasons
                .map(|one| format!("{}: {}", one.place, one.why))
                .collect::<Vec<_>>()
        })?;
        self.plan = to;
        self.machine = moved.machine;
        self.record();
        Ok(moved.begins)
    }

    /// What is outstanding, without the run's id and with the number of the try.
    pub fn work(&self) -> Vec<String> {
        let outstanding = self.machine.outstanding();
        outstanding
            .iter()
            .map(|work| {
                let key = work.key().0.strip_prefix("run_1:").expect("keys begin with the run");
                match work {
                    Work::Call { attempt: 1, .. } | Work::Assign { .. } => key.to_owned(),
                    Work::Call { attempt, .. } => format!("{key} #{attempt}"),
                }
            })
            .collect()
    }

    /// The outstanding call whose key ends so.
    pub fn call(&self, key: &str) -> (WorkKey, u32, Value) {
        let outstanding = self.machine.outstanding();
        outstanding
            .into_iter()
            .find_map(|work| match work {
                Work::Call {
                    key: found,
                    attempt,
                    input,
                    ..
                } if found.0 == format!("run_1:{key}") => Some((found, attempt, input)),
                _ => None,
            })
            .unwrap_or_else(|| panic!("{key} is not outstanding: {:?}", self.work()))
    }

    /// The outstanding work is done.
    pub fn done(&mut self, key: &str, output: Value) {
        let (work, attempt, _) = self.call(key);
        let result = Ok(output);
        assert_eq!(
            self.handle(Input::Finished { work, attempt, result }),
            Ok(Reply::Accepted)
        );
    }

    /// The outstanding work failed.
    pub fn fail(&mut self, key: &str, kind: FailureKind) {
        let (work, attempt, _) = self.call(key);
        assert_eq!(self.failed(&work.0, attempt, kind), Ok(Reply::Accepted));
    }

    /// Some work, outstanding or not, failed.
    pub fn failed(&mut self, key: &str, attempt: u32, kind: FailureKind) -> Result<Reply, Refusal> {
        let failure = Failure {
            kind,
            message: "broken".to_owned(),
        };
        self.handle(Input::Finished {
            work: WorkKey(key.to_owned()),
            attempt,
            result: Err(failure),
        })
    }

    /// Some work, outstanding or not, is done.
    pub fn finished(&mut self, key: &str, attempt: u32, output: Value) -> Result<Reply, Refusal> {
        self.handle(Input::Finished {
            work: WorkKey(format!("run_1:{key}")),
            attempt,
            result: Ok(output),
        })
    }

    /// The directory answers the outstanding question.
    pub fn assign(&mut self, people: &[&str]) {
        self.assign_with_veto(people, &[]);
    }

    pub fn assign_with_veto(&mut self, people: &[&str], veto: &[&str]) {
        let outstanding = self.machine.outstanding();
        let asked = outstanding.iter().find(|work| matches!(work, Work::Assign { .. }));
        let work = asked.expect("the directory is asked").key().clone();
        let persons = |names: &[&str]| names.iter().map(|name| format!("user:{name}")).collect();
        let assignment = Assignment {
            people: persons(people),
            veto: persons(veto),
            ..Assignment::default()
        };
        assert_eq!(self.handle(Input::Assigned { work, assignment }), Ok(Reply::Accepted));
    }

    /// The same, with who stands in for whom.
    pub fn assign_with_deputies(&mut self, people: &[&str], deputies: &[(&str, &str)]) {
        let outstanding = self.machine.outstanding();
        let asked = outstanding.iter().find(|work| matches!(work, Work::Assign { .. }));
        let work = asked.expect("the directory is asked").key().clone();
        let assignment = Assignment {
            people: people.iter().map(|name| format!("user:{name}")).collect(),
            deputies: deputies
                .iter()
                .map(|(by, of)| StandIn {
                    by: format!("user:{by}"),
                    on_behalf_of: format!("user:{of}"),
                })
                .collect(),
            ..Assignment::default()
        };
        assert_eq!(self.handle(Input::Assigned { work, assignment }), Ok(Reply::Accepted));
    }

    /// Somebody does something about the last task beside answering it.
    pub fn act(&mut self, by: &str, act: TaskAct) -> Result<Reply, Refusal> {
        let task = self.machine.tasks().pop().expect("there is a task").id;
        let by = format!("user:{by}");
        let admin = by == "user:admin";
        self.handle(Input::Act(Acting { task, by, admin, act }))
    }

    /// The same without proving that it replays.
    pub fn act_unchecked(&mut self, by: &str, act: TaskAct) -> Result<Reply, Refusal> {
        let task = self.machine.tasks().pop().expect("there is a task").id;
        let by = format!("user:{by}");
        let acting = Acting {
            task,
            by,
            admin: false,
            act,
        };
        self.machine.handle(self.now, Input::Act(acting))
    }

    /// Whether the step has not come to an outcome.
    pub fn output_is_open(&self, step: &str) -> bool {
        self.outcome(step).is_none()
    }

    /// The task of `step` in its current round, or the last one it had.
    pub fn task(&self, step: &str) -> TaskView {
        let tasks = self.machine.tasks().into_iter().rev();
        tasks
            .into_iter()
            .find(|task| task.step == step)
            .expect("the step asked people")
    }

    /// A decision on the version that is asked about, with a reason.
    pub fn decision(&self, by: &str, decision: &str) -> Decision {
        let task = self.machine.tasks().pop().expect("there is a task");
        Decision {
            task: task.id,
            by: format!("user:{by}"),
            on_behalf_of: None,
            decision: decision.to_owned(),
            reason: Some("because".to_owned()),
            sha256: task.document.map(|document| document.sha256),
            form: serde_json::Map::new(),
            via: None,
        }
    }

    pub fn decide(&mut self, by: &str, decision: &str) -> Result<Reply, Refusal> {
        let decision = self.decision(by, decision);
        self.handle(Input::Decide(decision))
    }

    /// An event that happens now.
    pub fn inbound(&mut self, kind: &str, subjects: &[&str], data: Value) -> InboundEvent {
        self.events += 1;
        InboundEvent {
            id: EventId(format!("evt_{}", self.events)),
            kind: kind.to_owned(),
            subjects: subjects.iter().map(|subject| (*subject).to_owned()).collect(),
            key: None,
            data,
            at: self.now,
        }
    }

    pub fn event(&mut self, kind: &str, subjects: &[&str], data: Value) -> Reply {
        let event = self.inbound(kind, subjects, data);
        self.handle(Input::Event(event)).expect("an event is never refused")
    }

    pub fn keyed(&mut self, kind: &str, key: &str, data: Value) -> Reply {
        let mut event = self.inbound(kind, &[], data);
        event.key = Some(key.to_owned());
        self.handle(Input::Event(event)).expect("an event is never refused")
    }

    /// Somebody uploads version `number` of the document under test.
    pub fn upload(&mut self, number: u64, by: &str) -> Reply {
        let data = json!({ "share": "shr_1", "file": document(number), "by": by });
        self.event("file360.file_uploaded", &["shr_1", "fil_1"], data)
    }

    pub fn cancel(&mut self) -> Result<Reply, Refusal> {
        self.handle(Input::Cancel {
            by: "user:ines".to_owned(),
            reason: "no longer needed".to_owned(),
        })
    }

    pub fn retry(&mut self, step: &str) -> Result<Reply, Refusal> {
        self.handle(Input::Retry {
            step: step.to_owned(),
            by: "user:ines".to_owned(),
            reason: "repaired".to_owned(),
        })
    }

    pub fn set(&mut self, step: &str, outcome: Option<&str>, output: Value) -> Result<Reply, Refusal> {
        self.handle(Input::Set {
            step: step.to_owned(),
            outcome: outcome.map(str::to_owned),
            output,
            by: "user:ines".to_owned(),
            reason: "done by hand".to_owned(),
        })
    }

    pub fn skip(&mut self, step: &str) -> Result<Reply, Refusal> {
        self.handle(Input::Skip {
            step: step.to_owned(),
            by: "user:ines".to_owned(),
            reason: "done by hand".to_owned(),
        })
    }

    pub fn step(&self, id: &str) -> StepView {
        let steps = self.machine.steps();
        steps
            .into_iter()
            .find(|step| step.id == id)
            .expect("there is such a step")
    }

    pub fn phase(&self, id: &str) -> StepPhase {
        self.step(id).phase
    }

    pub fn outcome(&self, id: &str) -> Option<String> {
        self.step(id).outcome
    }

    /// The status that the run ended with.
    pub fn ended(&self) -> Option<String> {
        match self.machine.status() {
            RunPhase::Ended { status } => Some(status),
            _ => None,
        }
    }

    /// The status that the run closes or ended with.
    pub fn closing(&self) -> Option<String> {
        match self.machine.status() {
            RunPhase::Ended { status } | RunPhase::Closing { status } => Some(status),
            RunPhase::Running => None,
        }
    }

    /// What the last finish of `step` gave.
    pub fn output(&self, id: &str) -> Value {
        let finished = self.journal.iter().rev().find_map(|record| match &record.event {
            Event::StepFinished { step, output, .. } if step == id => Some(output.clone()),
            _ => None,
        });
        finished.expect("the step finished")
    }

    /// Types of the events, in order.
    pub fn types(&self) -> Vec<String> {
        let types = self.journal.iter().map(|record| {
            let value = serde_json::to_value(record).expect("it can be written");
            value["type"].as_str().expect("it has a type").to_owned()
        });
        types.collect()
    }

    /// How many events of a type there are.
    pub fn count(&self, kind: &str) -> usize {
        self.types().iter().filter(|one| *one == kind).count()
    }
}

/// The id of the task that `step` opens in `round`.
pub fn task_id(step: &str, round: u32) -> TaskId {
    TaskId::derived(&format!("run_1:{step}:{round}"))
}
