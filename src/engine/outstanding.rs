//! What must be in flight, asked of the state: a restart asks again and loses nothing.

use super::decide;
use super::machine::RunMachine;
use super::state::{Phase, Slot, Slots, Task};
use super::work::{Work, WorkKey};
use crate::base::Value;
use crate::expr::SecretUse;
use crate::plan::{Pick, PlanVerb};
use serde_json::json;

/// Everything that must be in flight now.
pub(super) fn outstanding(machine: &RunMachine) -> Vec<Work> {
    let state = &machine.state;
    let mut work = Vec::with_capacity(state.working.len());
    for &slot in &state.working {
        match &state.step(slot).phase {
            Phase::Asking(at) => questions(machine, slot, &state.tasks[*at], &mut work),
            _ => work.extend(call(machine, slot)),
        }
    }
    work.extend(release(machine));
    for abandoned in &state.abandoned {
        let tries = &abandoned.call.tries;
        if tries.retry_at.is_none() && !state.incidents.contains_key(&abandoned.name) {
            let input = abandoned.call.input.clone();
            work.extend(action(machine, abandoned.slot, abandoned.round, tries.attempt, input));
        }
    }
    work
}

/// The call of the step at `slot`.
fn call(machine: &RunMachine, slot: Slot) -> Option<Work> {
    let step = machine.state.step(slot);
    let (attempt, input) = match &step.phase {
        Phase::Ready => (1, None),
        Phase::Calling(call) => (call.tries.attempt, call.input.clone()),
        _ => return None,
    };
    action(machine, slot, step.round, attempt, input)
}

/// A call; the input of a pure action follows from the plan. `None` where it cannot be computed:
/// then a decision on that is due, see `next_wakeup`.
fn action(
    machine: &RunMachine,
    slot: Slot,
    round: u32,
    attempt: u32,
    input: Option<(Value, Vec<SecretUse>)>,
) -> Option<Work> {
    let step = machine.plan.at(slot);
    let PlanVerb::Uses { action, pure, .. } = &step.verb else {
        return None;
    };
    let (input, secrets) = match (input, machine.rendered.get(&slot)) {
        (Some(recorded), _) => recorded,
        (None, Some((of, rendered))) if *of == round => rendered.clone(),
        (None, _) => decide::rendered(&machine.plan, &machine.state, slot).ok()?,
    };
    Some(Work::Call {
        key: WorkKey::of_step(&machine.state.run, &step.id, round),
        attempt,
        step: step.id.clone(),
        action: action.clone(),
        input,
        secrets,
        pure: *pure,
    })
}

/// The release of the thing that was acquired last.
fn release(machine: &RunMachine) -> Option<Work> {
    if machine.state.owned.is_empty() {
        return None;
    }
    let thing = machine.state.releasable()?;
    let step = machine.plan.at(thing.slot);
    let PlanVerb::Uses {
        acquires: Some(acquires),
        ..
    } = &step.verb
    else {
        return None;
    };
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
    let (run, step) = (&machine.state.run, &machine.plan.at(slot).id);
    if task.unassigned && !machine.state.incidents.contains_key(step) {
        work.push(Work::Assign {
            key: WorkKey::of_assign(run, step, task.round, task.questions),
            task: task.id.clone(),
            by: task.by.clone(),
            veto: task.veto_by.clone(),
            exclude: task.exclude.clone(),
            escalated: false,
            load: matches!(&machine.plan.at(slot).verb, PlanVerb::Ask(ask) if ask.pick.is_some_and(|pick| pick != Pick::Random)),
        });
    }
    if let Some(joining) = &task.joining {
        work.push(Work::Assign {
            key: WorkKey::of_escalation(run, step, task.round),
            task: task.id.clone(),
            by: joining.clone(),
            veto: Vec::new(),
            exclude: task.exclude.clone(),
            escalated: true,
            load: false,
        });
    }
}
