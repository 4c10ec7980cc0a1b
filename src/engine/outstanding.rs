//! What must be in flight, asked of the state: a restart asks again and loses nothing.

use super::decide;
use super::frame::Slot;
use super::machine::RunMachine;
use super::state::{Abandoned, Phase, Task};
use super::work::{Work, WorkKey};
use crate::base::Value;
use crate::expr::SecretUse;
use crate::plan::collect::REQUEST_ACTION;
use crate::plan::run::START_ACTION;
use crate::plan::{Pick, PlanStep, PlanVerb};
use serde_json::json;

/// Everything that must be in flight now.
pub(super) fn outstanding(machine: &RunMachine) -> Vec<Work> {
    let state = &machine.state;
    let mut work = Vec::with_capacity(state.working.len());
    for &slot in &state.working {
        match &state.step(slot).phase {
            Phase::Asking(_) | Phase::Collecting(_) => {
                for at in state.tasks_at(slot) {
                    questions(machine, slot, &state.tasks[at], &mut work);
                }
            }
            _ => work.extend(call(machine, slot)),
        }
    }
    work.extend(release(machine));
    for abandoned in &state.abandoned {
        if abandoned.call.tries.retry_at.is_none() && !state.incidents.contains_key(&abandoned.name) {
            work.extend(follow_up(machine, abandoned));
        }
    }
    work
}

/// The call of the step at `slot`. The input of a pure action follows from the plan; where it cannot
/// be computed a decision on that is due, see `next_wakeup`.
fn call(machine: &RunMachine, slot: Slot) -> Option<Work> {
    let step = machine.state.step(slot);
    let (attempt, input) = match &step.phase {
        Phase::Ready => (1, None),
        Phase::Calling(call) => (call.tries.attempt, call.input.clone()),
        _ => return None,
    };
    let input = match (input, machine.rendered.get(&slot)) {
        (Some(recorded), _) => recorded,
        (None, Some((of, rendered))) if *of == step.round => rendered.clone(),
        (None, _) => decide::rendered(&machine.plan, &machine.state, slot).ok()?,
    };
    let name = machine.state.name(&machine.plan, slot);
    let key = WorkKey::of_step(&machine.state.run, &name, step.round);
    action(machine.state.planned(&machine.plan, slot), name, key, attempt, input)
}

/// The call of a step that was cancelled meanwhile.
fn follow_up(machine: &RunMachine, abandoned: &Abandoned) -> Option<Work> {
    let (body, step) = abandoned.place;
    let step = machine.plan.body(body).step(step);
    let key = WorkKey::of_step(&machine.state.run, &abandoned.step, abandoned.round);
    let call = &abandoned.call;
    action(
        step,
        abandoned.step.clone(),
        key,
        call.tries.attempt,
        call.input.clone()?,
    )
}

fn action(
    plan: &PlanStep,
    step: String,
    key: WorkKey,
    attempt: u32,
    (input, secrets): (Value, Vec<SecretUse>),
) -> Option<Work> {
    let (action, pure) = match &plan.verb {
        PlanVerb::Uses { action, pure, .. } => (action.as_str(), *pure),
        PlanVerb::Collect(_) => (REQUEST_ACTION, false),
        PlanVerb::Run(_) => (START_ACTION, false),
        _ => return None,
    };
    Some(Work::Call {
        key,
        attempt,
        step,
        action: action.to_owned(),
        input,
        secrets,
        pure,
    })
}

/// The release of the thing that was acquired last.
fn release(machine: &RunMachine) -> Option<Work> {
    if machine.state.owned.is_empty() {
        return None;
    }
    let thing = machine.state.releasable()?;
    let (body, step) = thing.place;
    let step = machine.plan.body(body).step(step);
    let acquires = step.acquires()?;
    if thing.tries.retry_at.is_some() {
        return None;
    }
    Some(Work::Call {
        key: WorkKey::of_release(&machine.state.run, &thing.id),
        attempt: thing.tries.attempt,
        step: step.id.clone(),
        action: acquires.release.clone(),
        input: json!({ acquires.with.clone(): thing.id }),
        secrets: Vec::new(),
        pure: false,
    })
}

/// Questions to the directory.
fn questions(machine: &RunMachine, slot: Slot, task: &Task, work: &mut Vec<Work>) {
    let (run, step) = (&machine.state.run, &task.name);
    if task.asks_directory() && !machine.state.has_incident(&machine.plan, slot) {
        work.push(Work::Assign {
            key: WorkKey::of_assign(run, step, task.round, task.questions),
            task: task.id.clone(),
            by: task.by.clone(),
            veto: task.veto_by.clone(),
            exclude: task.exclude.clone(),
            only: task.only_by.clone(),
            escalated: false,
            weights: task
                .asked(&machine.plan)
                .map_or_else(Vec::new, |ask| ask.weights.clone()),
            load: task
                .asked(&machine.plan)
                .is_some_and(|ask| ask.pick.is_some_and(|pick| pick != Pick::Random)),
        });
    }
    if let Some(joining) = &task.joining {
        work.push(Work::Assign {
            key: WorkKey::of_escalation(run, step, task.round),
            task: task.id.clone(),
            by: joining.clone(),
            veto: Vec::new(),
            exclude: task.exclude.clone(),
            only: task.only_by.clone(),
            escalated: true,
            weights: Vec::new(),
            load: false,
        });
    }
}
