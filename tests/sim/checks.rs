//! What must hold of every run, however it went.

use super::driver::Sim;
use gatefold::engine::{Event, RunPhase};
use gatefold::plan::PlanVerb;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that must hold at the end.
pub fn check(sim: &Sim<'_>) {
    ended(sim);
    gapless(sim);
    sim.compare();
    effects(sim);
    released(sim);
    once(sim);
    in_time(sim);
}

fn ended(sim: &Sim<'_>) {
    let machine = sim.machine.as_ref().expect("the process is up");
    assert!(matches!(machine.status(), RunPhase::Ended { .. }));
    assert!(machine.outstanding().is_empty() && machine.next_wakeup().is_none());
    assert!(machine.owned().is_empty() && !machine.incident() && machine.subscriptions().is_empty());
}

fn gapless(sim: &Sim<'_>) {
    for (record, seq) in sim.journal.iter().zip(1..) {
        assert_eq!(record.seq, seq, "the journal has a gap");
    }
    assert!(
        sim.journal.windows(2).all(|pair| pair[0].at <= pair[1].at),
        "time went back in the journal"
    );
    assert!(matches!(
        sim.journal.last().map(|record| &record.event),
        Some(Event::RunEnded { .. })
    ));
}

/// Every effect happened once for its key, and was announced before.
fn effects(sim: &Sim<'_>) {
    let mut seen = BTreeSet::new();
    for effect in &sim.world.ledger {
        assert!(
            seen.insert(&effect.key),
            "{} happened twice by {}",
            effect.key,
            effect.action
        );
        let announced = sim.journal.iter().any(|record| match &record.event {
            Event::ActionScheduled { step, round, .. } => effect.key == format!("run_1:{step}:{round}"),
            Event::RunClosing { .. }
            | Event::WentBack { .. }
            | Event::CallAbandoned { .. }
            | Event::ElementEnded { .. }
            | Event::IncidentResolved { .. } => effect.key.starts_with("run_1::release:"),
            // What a call acquired whose step had failed in doubt.
            Event::StepFinished { in_doubt, .. } => *in_doubt && effect.key.starts_with("run_1::release:"),
            _ => false,
        });
        assert!(announced, "{} happened without being announced", effect.key);
    }
}

/// Nothing that was acquired is alive, but for what the flow says is kept.
fn released(sim: &Sim<'_>) {
    let plan = &sim.flow.plan;
    let kept = plan
        .steps
        .iter()
        .chain(&plan.always)
        .filter(|step| step.keep)
        .flat_map(|step| {
            let keys = (1..20).map(|round| format!("run_1:{}:{round}", step.id));
            keys.map(|key| gatefold::base::id::derive("shr", &key))
        });
    let kept: BTreeSet<String> = kept.collect();
    let alive: Vec<&String> = sim.world.alive.iter().filter(|id| !kept.contains(*id)).collect();
    assert!(alive.is_empty(), "{alive:?} outlive the run");
}

/// Nothing counts twice: no round of a step, no person on a version, no event.
fn once(sim: &Sim<'_>) {
    let mut rounds = BTreeSet::new();
    let mut votes = BTreeSet::new();
    let mut used = BTreeSet::new();
    let mut versions: BTreeMap<String, u64> = BTreeMap::new();
    for record in &sim.journal {
        match &record.event {
            Event::StepFinished { step, round, cause, .. } => {
                assert!(
                    rounds.insert((step.clone(), *round)),
                    "{step} finished twice in round {round}"
                );
                if let Some(event) = cause {
                    assert!(used.insert(event.clone()), "{event} was used twice");
                }
            }
            Event::StepSkipped { step, round } => {
                assert!(
                    rounds.insert((step.clone(), *round)),
                    "{step} was skipped after it finished"
                );
            }
            Event::AlternativeMet { event, .. } => assert!(used.insert(event.clone()), "{event} was used twice"),
            Event::DecisionsVoided { task, .. } => *versions.entry(task.0.clone()).or_insert(0) += 1,
            Event::DecisionRecorded { task, record } => {
                let version = versions.get(&task.0).copied().unwrap_or(0);
                let person = record.on_behalf_of.as_ref().unwrap_or(&record.by);
                let vote = (task.0.clone(), version, person.clone());
                assert!(votes.insert(vote), "two answers of {person} count");
            }
            _ => {}
        }
    }
}

/// Nothing expired early, and no decision was taken at its due moment or later.
fn in_time(sim: &Sim<'_>) {
    let mut due = BTreeMap::new();
    let mut tasks = BTreeMap::new();
    for record in &sim.journal {
        match &record.event {
            Event::WaitOpened { step, timers, .. } => {
                due.insert(step.clone(), timers.due);
            }
            Event::TaskOpened { step, timers, task, .. } => {
                due.insert(step.clone(), timers.due);
                tasks.insert(task.clone(), timers.due);
            }
            Event::DecisionRecorded { task, record: decision } => {
                let due = tasks.get(task).copied().flatten();
                assert!(
                    due.is_none_or(|due| decision.at < due),
                    "a decision came too late and counts"
                );
            }
            Event::StepFinished { step, outcome, .. } if outcome == "expired" => {
                let due = due.get(step).copied().flatten();
                assert!(due.is_some_and(|due| record.at >= due), "{step} expired early");
            }
            _ => {}
        }
    }
    let waits = sim
        .flow
        .plan
        .all_steps()
        .any(|step| matches!(step.verb, PlanVerb::Wait(_) | PlanVerb::Ask(_) | PlanVerb::Collect(_)));
    assert!(waits || due.is_empty());
}
