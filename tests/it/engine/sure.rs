//! What lint proves is so: in generated flows with ways back to whatever comes before, whatever `Knowledge` calls
//! sure at the start of a step has finished whenever the step is under way or over, and what `Completion` calls sure
//! has finished when the run is completed, where a way back may lead to a step that was not reached.

use super::flows;
use super::kit::Run;
use super::rng::Rng;
use gatefold::base::diagnostic::has_errors;
use gatefold::engine::FailureKind::Permanent;
use gatefold::engine::{Event, StepPhase, StepView, Work};
use gatefold::lint::{Surroundings, check};
use gatefold::plan::{Certainty, Completion, Disposition, Knowledge, Plan};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Flows tried.
const SEEDS: u64 = 6_000;

/// Answers within which a run ends.
const INPUTS: usize = 400;

/// Steps that call something, which is done or fails; failures go on, end the run or lead back.
fn flow(rng: &mut Rng) -> String {
    let count = 3 + rng.below(7);
    let mut above: Vec<Vec<usize>> = Vec::new();
    let mut steps: Vec<Value> = Vec::new();
    for at in 0..count {
        let mut step = Map::from_iter([("id".to_owned(), json!(format!("s{at}")))]);
        let direct = after(rng, at, &mut step);
        let mut all: Vec<usize> = direct.iter().flat_map(|from| above[*from].clone()).collect();
        all.extend(direct);
        all.sort_unstable();
        all.dedup();
        if at > 1 && rng.percent(6) {
            step.insert("cancel".to_owned(), json!([format!("s{}", rng.below(at))]));
        } else {
            step.insert("uses".to_owned(), json!("t.call"));
            if rng.percent(80) {
                let failed = disposition(rng, &all, 2);
                step.insert("outcomes".to_owned(), json!({ "failed": failed }));
            }
        }
        if rng.percent(10) {
            step.insert("if".to_owned(), json!(["inputs.n > 1", "inputs.n < 1"][rng.below(2)]));
        }
        above.push(all);
        steps.push(Value::Object(step));
    }
    json!({ "flow": "t", "version": "1.0.0", "inputs": { "n": { "type": "integer" } }, "steps": steps }).to_string()
}

/// Puts `after` and `join` into the step and says what is directly before it.
fn after(rng: &mut Rng, at: usize, step: &mut Map<String, Value>) -> Vec<usize> {
    if at == 0 || rng.percent(8) {
        step.insert("after".to_owned(), json!("start"));
        return Vec::new();
    }
    let mut from: Vec<usize> = (0..=rng.below(3)).map(|_| at - 1 - rng.below(at.min(4))).collect();
    from.sort_unstable();
    from.dedup();
    let name = |from: &usize| format!("s{from}{}", rng.choose(&["", ".done", ".done", ".failed", ".failed"]));
    let edges: Vec<String> = from.iter().map(name).collect();
    let joins = [
        json!("all"),
        json!("any"),
        json!("any"),
        json!("settled"),
        json!(1 + rng.below(edges.len())),
    ];
    step.insert("join".to_owned(), rng.pick(&joins).clone());
    step.insert("after".to_owned(), json!(edges));
    from
}

fn disposition(rng: &mut Rng, above: &[usize], depth: usize) -> Value {
    match rng.below(7) {
        0 => json!({ "end": "stopped" }),
        1..=4 if depth > 0 && !above.is_empty() => {
            let (to, rounds) = (rng.pick(above), 2 + rng.below(3));
            let then = disposition(rng, above, depth - 1);
            json!({ "back_to": format!("s{to}"), "max_rounds": rounds, "then": then })
        }
        _ => json!("continue"),
    }
}

/// The plan, if the flow could be deployed.
fn deployable(text: &str) -> Option<Arc<Plan>> {
    let calendars = flows::calendars();
    let surroundings = Surroundings {
        catalog: &flows::CATALOG,
        calendars: &calendars,
        people: None,
        flows: None,
        secrets: None,
    };
    if has_errors(&check("test.flow.yaml", text, surroundings).findings) {
        return None;
    }
    Some(flows::plan(text))
}

struct Proof {
    text: String,
    plan: Arc<Plan>,
    knowledge: Knowledge,
    completion: Completion,
    /// Whether some way back may lead to a step that was not reached.
    calls: bool,
}

impl Proof {
    fn of(text: String, plan: Arc<Plan>) -> Self {
        let knowledge = plan.knowledge();
        Self {
            completion: Completion::of(&plan.steps, &plan.index, &knowledge),
            calls: calls(&plan, &knowledge),
            knowledge,
            plan,
            text,
        }
    }

    /// Whether what is sure of steps has become of them.
    fn holds(&self, steps: &[StepView], of: &str, certainty: impl Fn(usize) -> Certainty<'static>) {
        for (at, other) in steps.iter().enumerate() {
            if let Certainty::Sure(outcomes) = certainty(at) {
                let is = other.outcome.as_deref();
                assert!(
                    is.is_some_and(|is| outcomes.contains(&is)),
                    "{}\nat {of}, {} should be one of {outcomes:?} and is {is:?}",
                    self.text,
                    other.id
                );
            }
        }
    }

    fn check(&self, run: &Run) {
        let steps = run.machine.steps();
        let id = |at: usize| self.plan.steps[at].index;
        let owned = |certainty: Certainty<'_>| match certainty {
            Certainty::Sure(outcomes) => Certainty::Sure(outcomes.into_iter().map(known).collect()),
            Certainty::Maybe => Certainty::Maybe,
        };
        for (at, step) in steps.iter().enumerate() {
            if matches!(step.phase, StepPhase::Active | StepPhase::Finished) {
                assert!(self.knowledge.can_start(id(at)), "{}\n{} started", self.text, step.id);
                let before = |other| owned(self.knowledge.before(&self.plan.steps, id(at), id(other)));
                self.holds(&steps, &step.id, before);
            }
        }
        if run.ended().as_deref() == Some("completed") && self.calls {
            let at_end = |other| owned(self.completion.has(&self.plan.steps, id(other)));
            self.holds(&steps, "the end", at_end);
        }
    }
}

/// Whether some way back may lead to a step that was not reached.
fn calls(plan: &Plan, knowledge: &Knowledge) -> bool {
    let mut found = false;
    for step in plan.steps.iter().filter(|step| knowledge.can_start(step.index)) {
        for outcome in step.outcomes.values() {
            let mut next = outcome;
            while let Disposition::BackTo { target, then, .. } = next {
                found |= knowledge.before(&plan.steps, step.index, *target) == Certainty::Maybe;
                next = then;
            }
        }
    }
    found
}

/// The outcomes that the generated steps have.
fn known(outcome: &str) -> &'static str {
    ["done", "failed"]
        .into_iter()
        .find(|one| *one == outcome)
        .unwrap_or_else(|| panic!("{outcome}"))
}

/// Whether the step says what comes of its failure.
fn may_fail(plan: &Plan, id: &str) -> bool {
    let failed = plan.step(id).and_then(|step| step.outcomes.get("failed"));
    !matches!(failed, None | Some(Disposition::Nowhere))
}

/// Answers one of the calls that are outstanding, if there is one.
fn answer(run: &mut Run, rng: &mut Rng) -> bool {
    let calls = run.machine.outstanding().into_iter().filter_map(|work| match work {
        Work::Call { key, .. } => key.0.strip_prefix("run_1:").map(str::to_owned),
        Work::Assign { .. } => None,
    });
    let calls: Vec<String> = calls.collect();
    if calls.is_empty() {
        return false;
    }
    let key = rng.pick(&calls);
    let step = key.split(':').next().expect("a key begins with the step").to_owned();
    if may_fail(&run.plan, &step) && rng.percent(60) {
        run.fail(key, Permanent);
    } else {
        run.done(key, json!({}));
    }
    true
}

#[test]
fn what_is_sure_has_finished_in_every_run_whatever_leads_back() {
    let (mut tried, mut completed, mut called, mut proved) = (0, 0, 0, 0);
    for seed in 0..SEEDS {
        let mut rng = Rng::new(seed ^ 0x5eed);
        let text = flow(&mut rng);
        let Some(plan) = deployable(&text) else { continue };
        tried += 1;
        let proof = Proof::of(text, Arc::clone(&plan));
        let mut run = Run::start_plan(plan, json!({ "n": rng.below(3) }));
        proof.check(&run);
        for _ in 0..INPUTS {
            let (before, known) = (run.machine.steps(), run.journal.len());
            if !answer(&mut run, &mut rng) {
                break;
            }
            proof.check(&run);
            for record in &run.journal[known..] {
                if let Event::WentBack { to, .. } = &record.event {
                    let target = before.iter().find(|step| step.id == *to).expect("it is a step");
                    called += usize::from(target.phase == StepPhase::NotReached);
                }
            }
        }
        assert!(run.ended().is_some(), "{}\nit goes on for ever", proof.text);
        completed += usize::from(run.ended().as_deref() == Some("completed"));
        proved += run.machine.steps().len();
    }
    println!("{tried} flows, {completed} completed, {called} calls, {proved} steps");
    assert!(
        tried > SEEDS / 8 && completed > 300 && called > 150,
        "{tried} {completed} {called}"
    );
}
