//! What must be in flight, asked of the state: a restart asks again and loses nothing.

use super::decide;
use super::decide::exclude::completed_by;
use super::frame::Slot;
use super::holdings::Owned;
use super::machine::RunMachine;
use super::state::{Abandoned, Phase, Task};
use super::work::{Work, WorkKey};
use crate::base::Value;
use crate::expr::SecretUse;
use crate::plan::collect::REQUEST_ACTION;
use crate::plan::run::START_ACTION;
use crate::plan::{BodyId, Pick, PlanStep, PlanVerb, StepId};
use serde_json::json;

/// Work that is due and not put together yet: what it is can be asked without its input being computed or copied.
pub struct Due<'m> {
    machine: &'m RunMachine,
    what: What<'m>,
}

enum What<'m> {
    Step(Slot),
    Task(Slot, usize),
    Release(&'m Owned),
    Abandoned(&'m Abandoned),
}

impl RunMachine {
    /// Everything that must be in flight now, as [`RunMachine::outstanding`] has it, put together where it is asked for.
    pub fn due(&self) -> impl Iterator<Item = Due<'_>> {
        let state = &self.state;
        let at_slot = move |slot: Slot| {
            let asks = matches!(state.step(slot).phase, Phase::Asking(_) | Phase::Collecting(_));
            let tasks = state.tasks_at(slot).into_iter().map(move |at| What::Task(slot, at));
            tasks.chain((!asks).then_some(What::Step(slot)))
        };
        let released = (!state.owned.is_empty()).then(|| state.releasable()).flatten();
        let released = released.filter(|thing| thing.tries.retry_at.is_none());
        let abandoned = state.abandoned.iter().filter(|one| {
            let stopped = state.incidents.contains_key(&one.name);
            one.call.tries.retry_at.is_none() && !stopped
        });
        let steps = state.working.iter().copied().flat_map(at_slot);
        let all = steps
            .chain(released.map(What::Release))
            .chain(abandoned.map(What::Abandoned));
        all.map(|what| Due { machine: self, what })
    }
}

impl<'m> Due<'m> {
    /// The action that is called, and whether that only computes. Nothing for a question to the directory.
    pub fn action(&self) -> Option<(&'m str, bool)> {
        let machine = self.machine;
        match &self.what {
            What::Step(slot) => {
                let calls = matches!(machine.state.step(*slot).phase, Phase::Ready | Phase::Calling(_));
                action(machine.state.planned(&machine.plan, *slot)).filter(|_| calls)
            }
            What::Task(..) => None,
            What::Release(thing) => {
                let acquires = planned(machine, thing.place).acquires()?;
                Some((acquires.release.as_str(), false))
            }
            What::Abandoned(abandoned) => action(planned(machine, abandoned.place)),
        }
    }

    /// Which call it is, if it is one, and which try.
    pub fn call(&self) -> Option<(WorkKey, u32)> {
        let machine = self.machine;
        let run = &machine.state.run;
        match &self.what {
            What::Step(slot) => {
                let step = machine.state.step(*slot);
                let attempt = match &step.phase {
                    Phase::Ready => 1,
                    Phase::Calling(call) => call.tries.attempt,
                    _ => return None,
                };
                let name = machine.state.name(&machine.plan, *slot);
                Some((WorkKey::of_step(run, &name, step.round), attempt))
            }
            What::Task(..) => None,
            What::Release(thing) => Some((WorkKey::of_release(run, &thing.id), thing.tries.attempt)),
            What::Abandoned(abandoned) => {
                let key = WorkKey::of_step(run, &abandoned.step, abandoned.round);
                Some((key, abandoned.call.tries.attempt))
            }
        }
    }

    /// The work. Of a task it may be two questions, of most there is none.
    pub fn work(&self) -> impl Iterator<Item = Work> + use<> {
        let (call, questions) = match self.what {
            What::Task(slot, at) => (None, questions(self.machine, slot, &self.machine.state.tasks[at])),
            _ => (self.put_together(), Vec::new()),
        };
        call.into_iter().chain(questions)
    }

    fn put_together(&self) -> Option<Work> {
        let machine = self.machine;
        let (action, pure) = self.action()?;
        let (key, attempt) = self.call()?;
        let (step, (input, secrets)) = match &self.what {
            What::Step(slot) => (machine.state.name(&machine.plan, *slot), input(machine, *slot)?),
            What::Task(..) => return None,
            What::Release(thing) => {
                let step = planned(machine, thing.place);
                let input = json!({ step.acquires()?.with.clone(): thing.id });
                (step.id.clone(), (input, Vec::new()))
            }
            What::Abandoned(abandoned) => (abandoned.step.clone(), abandoned.call.input.clone()?),
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
}

fn planned(machine: &RunMachine, (body, step): (BodyId, StepId)) -> &PlanStep {
    machine.plan.body(body).step(step)
}

/// The action that a step calls, and whether that only computes.
fn action(step: &PlanStep) -> Option<(&str, bool)> {
    match &step.verb {
        PlanVerb::Uses { action, pure, .. } => Some((action.as_str(), *pure)),
        PlanVerb::Collect(_) => Some((REQUEST_ACTION, false)),
        PlanVerb::Run(_) => Some((START_ACTION, false)),
        _ => None,
    }
}

/// What the step at `slot` calls with. The input of a pure action follows from the plan; where it cannot
/// be computed a decision on that is due, see `next_wakeup`.
fn input(machine: &RunMachine, slot: Slot) -> Option<(Value, Vec<SecretUse>)> {
    let step = machine.state.step(slot);
    let recorded = match &step.phase {
        Phase::Calling(call) => call.input.clone(),
        _ => None,
    };
    match (recorded, machine.rendered.get(&slot)) {
        (Some(recorded), _) => Some(recorded),
        (None, Some((of, rendered))) if *of == step.round => Some(rendered.clone()),
        (None, _) => decide::rendered(&machine.plan, &machine.state, slot).ok(),
    }
}

/// Who completed the step whose person is preferred for the task, as that step names them.
fn preferred(machine: &RunMachine, task: &Task) -> Vec<String> {
    let step = task.asked(&machine.plan).and_then(|ask| ask.prefer);
    step.map_or_else(Vec::new, |step| {
        completed_by(&machine.state.step(task.slot.sibling(step)).output)
    })
}

/// Questions to the directory.
fn questions(machine: &RunMachine, slot: Slot, task: &Task) -> Vec<Work> {
    let mut work = Vec::new();
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
            prefer: preferred(machine, task),
        });
    }
    if let Some(joining) = task.joining.front() {
        work.push(Work::Assign {
            key: WorkKey::of_escalation(run, step, task.round, joining.position),
            task: task.id.clone(),
            by: joining.to.clone(),
            veto: Vec::new(),
            exclude: task.exclude.clone(),
            only: task.only_by.clone(),
            escalated: true,
            weights: Vec::new(),
            load: false,
            prefer: Vec::new(),
        });
    }
    work
}
