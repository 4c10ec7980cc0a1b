//! The real host under tokio's paused clock, compared with the simulator on the same schedule: the
//! same flow, calls, people, arrivals and kills must lead to the same journal and the same effects.
//!
//! `SEED=n cargo test --test sim host -- --nocapture` compares one seed and prints both journals.

mod drive;
mod world;

use super::driver::{Marks, Sim};
use super::flows;
use super::generate::SUBJECT;
use super::pool::Flow;
use super::schedule::{Arrival, CallFate, Fate, HOUR_MS, Schedule};
use super::world::Effect;
use super::{checks, number, on_all_cores, pool};
use drive::Real;
use gatefold::engine::{Event, EventRecord, RunMachine};
use gatefold::plan::run::{CANCEL_ACTION, START_ACTION};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// Seeds of a usual run.
const SEEDS: u64 = 240;

/// What came of a run, whoever drove it.
#[derive(Debug)]
pub struct Outcome {
    pub journal: Vec<EventRecord>,
    /// Everything that happened outside and in local actions.
    pub effects: Vec<Effect>,
    /// How the runs of other flows ended, by their ids.
    pub children: BTreeMap<String, String>,
}

/// A line of a journal without the words for what went wrong, which are each driver's own.
fn line(record: &EventRecord) -> Value {
    let mut line = json!(record);
    blank(&mut line);
    line
}

/// The lines of a journal, in an order that both drivers agree on. After a standstill the host hears that a call was
/// cut off while it delivers what came meanwhile, before the timers that are still to fire; the simulator hears it
/// right after them, in the same moment. Either is right.
fn lines(journal: &[EventRecord]) -> Vec<Value> {
    let mut lines: Vec<Value> = journal.iter().map(line).collect();
    let is_swapped = |timer: &Value, doubt: &Value| {
        let kinds = timer["type"] == "timer_fired" && doubt["type"] == "incident_raised";
        kinds && doubt["in_doubt"] == true && timer["at"] == doubt["at"]
    };
    for end in 1..lines.len() {
        let mut at = end;
        while at > 0 && is_swapped(&lines[at - 1], &lines[at]) {
            let (one, other) = (lines[at - 1]["seq"].take(), lines[at]["seq"].take());
            (lines[at - 1]["seq"], lines[at]["seq"]) = (other, one);
            lines.swap(at - 1, at);
            at -= 1;
        }
    }
    lines
}

fn blank(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(error) = fields.get_mut("error") {
                *error = Value::Null;
            }
            fields.values_mut().for_each(blank);
        }
        Value::Array(elements) => elements.iter_mut().for_each(blank),
        _ => {}
    }
}

fn sorted(effects: &[Effect]) -> Vec<(&str, &str, &Value)> {
    // runs of other flows are looked at as runs
    let is_in_house = |effect: &&Effect| [START_ACTION, CANCEL_ACTION].contains(&effect.action.as_str());
    let mut effects: Vec<_> = effects
        .iter()
        .filter(|effect| !is_in_house(effect))
        .map(|effect| (effect.key.as_str(), effect.action.as_str(), &effect.input))
        .collect();
    effects.sort_by_key(|(key, action, _)| (*key, *action));
    effects
}

/// How a run stands at its end: its status, and round, state and outcome of every step.
fn verdict(sim: &Sim<'_>, journal: &[EventRecord]) -> String {
    let machine = RunMachine::replay(Arc::clone(&sim.flow.plan), journal).expect("it can be replayed");
    let steps = machine.steps();
    let steps: Vec<_> = steps
        .iter()
        .map(|step| format!("{} {} {} {:?}", step.id, step.round, step.phase.as_str(), step.outcome))
        .collect();
    format!("{:?}\n{}\n{:?}", machine.status(), steps.join("\n"), machine.outputs())
}

fn compare(seed: u64) -> Marks {
    let flow = pool::flow_of(seed);
    let (mut sim, real) = both(flow, &Schedule::comparable(seed));
    agree(&sim, &real);
    super::coverage::note(&mut sim);
    sim.marks
}

fn both(flow: &'static Flow, schedule: &Schedule) -> (Sim<'static>, Outcome) {
    let mut sim = Sim::new(flow, schedule.clone());
    sim.run();
    checks::check(&sim);
    (sim, drive::run(Real::new(flow, schedule.clone())))
}

/// Whether a run of another flow was to be started in the very moment in which the run came to its end: the host does
/// what is local first, and then starts nothing; the simulator had started it, and cancels it. Both are right, and
/// part here.
fn is_start_at_the_end(real: &Value, sim: &Value) -> bool {
    let same = |name: &str| real[name] == sim[name];
    let is_abandoned = real["type"] == "call_abandoned" && ["type", "step", "round", "at"].into_iter().all(same);
    is_abandoned && real.get("output").is_none() && sim["output"].get("run").is_some()
}

fn agree(sim: &Sim<'_>, real: &Outcome) {
    let seed = sim.schedule.seed;
    let found = lines(&real.journal).into_iter().zip(lines(&sim.journal));
    for (real, sim) in found {
        if is_start_at_the_end(&real, &sim) {
            return;
        }
        assert_eq!(real, sim, "seed {seed}: the host (left) and the simulator part");
    }
    assert_eq!(real.journal.len(), sim.journal.len(), "seed {seed}");
    assert_eq!(verdict(sim, &real.journal), verdict(sim, &sim.journal), "seed {seed}");
    assert_eq!(sorted(&real.effects), sorted(&sim.world.ledger), "seed {seed}");
    // A run that is called off just as its time is over, as after the process was away, may end by itself first:
    // nobody hears of that, and how it ended is all that differs.
    let called_off = |run: &str| {
        let is_it =
            |record: &EventRecord| matches!(&record.event, Event::Released { kind, id } if kind == "run" && id == run);
        real.journal.iter().any(is_it)
    };
    let names = |ended: &BTreeMap<String, String>| ended.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&real.children), names(&sim.world.ended), "seed {seed}");
    for (run, end) in &real.children {
        assert!(
            *end == sim.world.ended[run] || called_off(run),
            "seed {seed}: {run} ended as {end}"
        );
    }
}

/// Everything there is to know of a seed.
fn report(sim: &Sim<'_>, real: &Outcome) -> String {
    let mut report = format!("{}\n{:#?}\n", sim.flow.text, sim.schedule);
    for (name, journal) in [("simulator", &sim.journal), ("host", &real.journal)] {
        report.push_str(&format!("{name}:\n"));
        for record in journal {
            report.push_str(&format!("{}\n", json!(record)));
        }
    }
    report + &format!("{:#?}\n{:#?}\n{:?}", sim.world.ledger, real.effects, sim.marks)
}

#[test]
fn the_host_and_the_simulator_come_to_the_same() {
    if let Some(seed) = number("SEED") {
        let (sim, real) = both(pool::flow_of(seed), &Schedule::comparable(seed));
        println!("{}", report(&sim, &real));
        return agree(&sim, &real);
    }
    let seeds = number("SEEDS").unwrap_or(SEEDS);
    let marks = on_all_cores(seeds, " host", compare);
    let expected = [
        "act: claim",
        "act: delegate",
        "act: reassign",
        "act: remark",
        "act: start",
        "act: suspend",
        "add",
        "answer lost",
        "answer to a dead process",
        "approve",
        "call done",
        "call hung",
        "call impossible",
        "call refused",
        "cancel",
        "cancelled",
        "child ended",
        "collect",
        "complete",
        "decision refused",
        "each",
        "event item_changed",
        "event sent again",
        "in doubt after a crash",
        "incident",
        "killed",
        "lock",
        "outcome by hand",
        "run",
        "second decision refused",
        "section",
        "set",
        "task",
        "uses emit",
        "value given from outside",
    ];
    for name in expected {
        let found = marks.get(name).copied().unwrap_or(0);
        assert!(
            found >= seeds / 200,
            "only {found} of {seeds} seeds had {name:?}: {marks:?}"
        );
    }
}

/// A call and a wait beside it, so that a restart has work to take up.
static BESIDE: LazyLock<Flow> = LazyLock::new(|| {
    let text = "
flow: beside
version: 1.0.0
inputs: { n: { type: integer }, document: { type: file } }
steps:
  - { id: call, uses: t.call, after: start }
  - id: reply
    after: start
    wait: { event: t.ping, on: thing }
    deadline: { due: 5 hours }
    outcomes: { expired: { end: expired } }
";
    Flow {
        text: text.to_owned(),
        plan: flows::plan(text),
    }
});

/// The answer is recorded while the call is out and the process down; its deadline passes before
/// anybody delivers it.
#[test]
fn an_answer_that_was_recorded_in_time_counts_after_a_restart() {
    let mut schedule = Schedule::comparable(0);
    let fate = Fate::Done;
    schedule.calls = vec![CallFate { fate, delay_ms: 40_000 }; 1_000];
    schedule.kills = vec![(10_000, 10 * HOUR_MS)];
    schedule.cancel_ms = None;
    schedule.arrivals = vec![Arrival {
        at_ms: 2 * HOUR_MS,
        kind: "t.ping",
        subjects: vec![SUBJECT.to_owned()],
        key: None,
        data: json!({ "n": 1 }),
        copies: 1,
    }];
    while schedule.call(0, "run_1:call:1", 1).delay_ms < 40_000 {
        schedule.seed += 1;
    }
    let (sim, real) = both(&BESIDE, &schedule);
    assert!(sim.marks.contains_key("answer to a dead process"), "{:?}", sim.marks);
    let received =
        |record: &EventRecord| matches!(&record.event, Event::StepFinished { outcome, .. } if outcome == "received");
    assert!(real.journal.iter().any(received), "{:#?}", real.journal);
    agree(&sim, &real);
}
