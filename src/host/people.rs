//! Who is meant by a task: asked of the directory, today.

use super::project::task_row;
use super::{Host, HostError};
use crate::base::id::TaskId;
use crate::engine::event::Weight;
use crate::engine::{Assignment, Failure, FailureKind, Input, Load, RunMachine, StandIn, Work};
use crate::people::{Directory, UnknownPrincipal};
use crate::store::{TaskRow, TaskState};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// How many tasks, the newest first, are looked through for when somebody last got one.
pub const TASKS_LOOKED_THROUGH: usize = 1_000;

impl Host {
    /// Who is meant, or why nobody is.
    pub(super) async fn resolve_people(&self, machine: &RunMachine, work: Work) -> Result<Input, HostError> {
        let Work::Assign {
            key,
            by,
            veto,
            exclude,
            weights,
            load,
            only,
            task,
            ..
        } = work
        else {
            unreachable!("only questions to the directory are asked of it");
        };
        let resolved = assignment(&self.directory(), &by, &veto, &exclude, self.today(machine));
        let mut assignment = match resolved {
            Ok(assignment) => assignment,
            Err(error) => {
                let failure = Failure {
                    kind: FailureKind::Permanent,
                    message: error.to_string(),
                };
                return Ok(Input::Finished {
                    work: key,
                    attempt: 1,
                    result: Err(failure),
                });
            }
        };
        assignment.weights = weights_of(&self.directory(), &weights);
        assignment.only = only_of(&self.directory(), &only);
        if load {
            let view = machine.task(&task);
            let step = view.as_ref().map_or("", |view| plain(&view.step));
            assignment.load = self.load_of(machine, &assignment, step).await?;
        }
        Ok(Input::Assigned { work: key, assignment })
    }

    /// The day it is where the flow's calendar is.
    fn today(&self, machine: &RunMachine) -> Date {
        let zone = machine.plan().calendar.as_ref().map(|calendar| calendar.zone.as_str());
        let zone = zone.and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC);
        self.now().to_zoned(zone).date()
    }

    /// How much those who could act have to do. What the run has decided and not stored yet counts as well: of
    /// several tasks that open at once, each is given to somebody knowing who got the others.
    async fn load_of(&self, machine: &RunMachine, assignment: &Assignment, step: &str) -> Result<Vec<Load>, HostError> {
        let store = &self.parts().store;
        let row = |view| task_row(machine.run(), &machine.plan().flow, view, 0);
        let unsaved: Vec<TaskRow> = machine.unsaved_tasks().into_iter().map(row).collect();
        let ids: BTreeSet<TaskId> = unsaved.iter().map(|task| task.id.clone()).collect();
        let is_stored = |task: &TaskRow| !ids.contains(&task.id);
        let stored = store.newest_tasks(TASKS_LOOKED_THROUGH).await?;
        let stored = stored.into_iter().filter(is_stored);
        let mut newest: Vec<TaskRow> = unsaved.iter().rev().cloned().chain(stored).collect();
        newest.sort_by_key(|task| Reverse(task.opened_at));
        let mut load = Vec::with_capacity(assignment.people.len());
        let deputies = assignment.deputies.iter().map(|one| &one.by);
        for person in assignment.people.iter().chain(deputies) {
            let is_theirs = |task: &&TaskRow| task.listed_for().any(|other| other == person);
            let stored = store.open_tasks(Some(person)).await?;
            let stored = stored.iter().filter(|task| is_stored(task)).count();
            let new = unsaved.iter().filter(|task| task.state == TaskState::Open);
            let open = stored + new.filter(is_theirs).count();
            let since = newest.iter().position(|task| task.people.contains(person));
            load.push(Load {
                person: person.clone(),
                open: u32::try_from(open).unwrap_or(u32::MAX),
                since: since.and_then(|since| u32::try_from(since).ok()),
                done: done_by(&newest, person, &machine.plan().flow, step),
            });
        }
        Ok(load)
    }

    /// Whether `person` is one of those meant by `principals`. A word that fits nobody means nobody.
    pub(super) fn is_one_of(&self, person: &str, principals: &[String]) -> bool {
        only_of(&self.directory(), principals).is_some_and(|people| people.iter().any(|one| one == person))
    }

    /// The one person meant by `principal`, as the directory knows them.
    pub(super) fn one_person(&self, principal: &str) -> Result<String, HostError> {
        let found = self.directory().resolve(&[principal.to_owned()], &[]);
        match found.as_deref() {
            Ok([one]) => Ok(one.clone()),
            Ok(_) => Err(HostError::Invalid(format!(
                "{principal} is not one person: name a user"
            ))),
            Err(error) => Err(HostError::Invalid(error.to_string())),
        }
    }
}

fn assignment(
    directory: &Directory,
    by: &[String],
    veto: &[String],
    exclude: &[String],
    today: Date,
) -> Result<Assignment, UnknownPrincipal> {
    let people = directory.resolve(by, exclude)?;
    let veto = directory.resolve(veto, exclude)?;
    let asked: Vec<String> = people
        .iter()
        .chain(veto.iter().filter(|person| !people.contains(person)))
        .cloned()
        .collect();
    let stand_ins = directory.stand_ins(&asked, exclude, today)?;
    Ok(Assignment {
        people,
        veto,
        deputies: stand_ins
            .into_iter()
            .map(|one| StandIn {
                by: one.by,
                on_behalf_of: one.on_behalf_of,
            })
            .collect(),
        exclude: directory.canonical_all(exclude),
        only: None,
        weights: Vec::new(),
        load: Vec::new(),
    })
}

/// How often `person` answered this step of this flow.
fn done_by(tasks: &[TaskRow], person: &str, flow: &str, step: &str) -> u32 {
    let same = |task: &&TaskRow| task.flow == flow && plain(&task.step) == step;
    let answered = |task: &&TaskRow| {
        let settled = matches!(task.state, TaskState::Settled(_));
        settled && task.decided.iter().any(|record| record.by == person)
    };
    let count = tasks.iter().filter(same).filter(answered).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The step as its flow calls it, without the element it stands in.
fn plain(step: &str) -> &str {
    step.rsplit_once('.').map_or(step, |(_, id)| id)
}

/// Who may answer at all, where not everybody may. A word that fits nobody lets nobody.
fn only_of(directory: &Directory, written: &[String]) -> Option<Vec<String>> {
    if written.is_empty() {
        return None;
    }
    let of = |principal: &String| {
        directory
            .resolve(std::slice::from_ref(principal), &[])
            .unwrap_or_default()
    };
    Some(written.iter().flat_map(of).collect())
}

/// How much the decision of each person counts; of several words that fit a person the largest.
/// A word that fits nobody weighs nothing.
fn weights_of(directory: &Directory, written: &[(String, u32)]) -> Vec<Weight> {
    let mut found: Vec<Weight> = Vec::new();
    for (principal, weight) in written {
        let people = directory
            .resolve(std::slice::from_ref(principal), &[])
            .unwrap_or_default();
        for person in people {
            match found.iter_mut().find(|one| one.person == person) {
                Some(one) => one.weight = one.weight.max(*weight),
                None => found.push(Weight {
                    person,
                    weight: *weight,
                }),
            }
        }
    }
    found
}
