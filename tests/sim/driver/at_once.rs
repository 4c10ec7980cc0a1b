//! Work that takes no time, done the way the host does it: all that computes and asks, then one
//! local action after the other. Used where the simulator is compared with the host.

use super::super::pool::{directory, info};
use super::super::world::{computed, output};
use super::{Happening, Sim, failure};
use gatefold::base::id::TaskId;
use gatefold::engine::view::{TaskPhase, TaskView};
use gatefold::engine::{Assignment, FailureKind, Input, Load, Reply, RunMachine, Work, WorkKey};
use std::cmp::Reverse;

impl Sim<'_> {
    pub(super) fn do_at_once(&mut self) {
        loop {
            self.compute_and_ask();
            let machine = self.machine.as_ref().expect("the process is up");
            let is_local = |work: &Work| matches!(work, Work::Call { action, pure: false, .. } if info(action).local);
            let Some(Work::Call {
                key,
                attempt,
                action,
                input,
                ..
            }) = machine.outstanding().into_iter().find(is_local)
            else {
                return;
            };
            let finished = Input::Finished {
                work: key.clone(),
                attempt,
                result: Ok(output(&action, &key.0)),
            };
            let now = self.now();
            let machine = self.machine.as_mut().expect("the process is up");
            if machine.handle(now, finished) == Ok(Reply::Accepted) {
                self.world.call(&key.0, &action, &input, false);
            }
        }
    }

    fn compute_and_ask(&mut self) {
        let now = self.now();
        let machine = self.machine.as_mut().expect("the process is up");
        let mut progress = true;
        while progress {
            progress = false;
            for work in machine.outstanding() {
                if let Some(input) = answer(machine, work) {
                    progress |= machine.handle(now, input).is_ok();
                }
            }
        }
    }

    /// A call that an earlier process may have made.
    pub(super) fn begin_in_doubt(&mut self, work: WorkKey, attempt: u32) {
        self.mark("in doubt after a crash");
        let happening = Happening::Reply {
            life: self.life,
            work,
            attempt,
            result: Err(failure(FailureKind::InDoubt)),
        };
        self.push(self.now_ms, happening);
    }
}

/// The answer to what only computes or asks who is meant.
fn answer(machine: &RunMachine, work: Work) -> Option<Input> {
    match work {
        Work::Call {
            pure: true,
            key,
            attempt,
            input,
            ..
        } => Some(Input::Finished {
            work: key,
            attempt,
            result: Ok(computed(&input)),
        }),
        Work::Call { .. } => None,
        Work::Assign {
            key,
            by,
            veto,
            exclude,
            load: wanted,
            task,
            ..
        } => {
            let people = directory().resolve(&by, &exclude);
            let veto = directory().resolve(&veto, &exclude);
            Some(match (people, veto) {
                (Ok(people), Ok(veto)) => Input::Assigned {
                    work: key,
                    assignment: Assignment {
                        load: if wanted {
                            load(machine, &people, &task)
                        } else {
                            Vec::new()
                        },
                        people,
                        veto,
                        ..Assignment::default()
                    },
                },
                _ => Input::Finished {
                    work: key,
                    attempt: 1,
                    result: Err(failure(FailureKind::Permanent)),
                },
            })
        }
    }
}

/// How much each of `people` has to do, by the tasks of the run.
fn load(machine: &RunMachine, people: &[String], task: &TaskId) -> Vec<Load> {
    let step = |task: &TaskView| task.step.rsplit('.').next().unwrap_or_default().to_owned();
    let asked = machine.task(task).map(|task| step(&task)).unwrap_or_default();
    let mut newest = machine.tasks();
    newest.reverse();
    newest.sort_by_key(|task| Reverse(task.opened_at));
    let count = |count: usize| u32::try_from(count).expect("it is small");
    let of = |person: &String| {
        let is_consulted = |task: &TaskView| task.thread.iter().any(|remark| remark.to.as_ref() == Some(person));
        let has =
            |task: &&TaskView| task.phase == TaskPhase::Open && (task.people.contains(person) || is_consulted(task));
        let done = |task: &&TaskView| {
            matches!(task.phase, TaskPhase::Settled(_))
                && step(task) == asked
                && task.decided.iter().any(|record| record.by == *person)
        };
        Load {
            person: person.clone(),
            open: count(newest.iter().filter(has).count()),
            since: newest
                .iter()
                .position(|task| task.given_to.as_ref() == Some(person))
                .map(count),
            done: count(newest.iter().filter(done).count()),
        }
    };
    people.iter().map(of).collect()
}
