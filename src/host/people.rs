//! Who is meant by a task: asked of the directory, today.

use super::desk::{Desk, plain};
use super::given::version_in;
use super::policy::not_accepted;
use super::slots::Loaded;
use super::{Host, HostError, lock};
use crate::base::id::{RunId, TaskId};
use crate::base::{FlowRight, Reach};
use crate::engine::event::Weight;
use crate::engine::{Assignment, Failure, FailureKind, Input, Members, RunMachine, StandIn, Work};
use crate::people::{Directory, UnknownPrincipal};
use crate::store::{TaskRow, TaskState};
use indexmap::IndexSet;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Host {
    /// Resolves the people of a task, or explains why nobody can be resolved.
    pub(super) async fn resolve_people(
        &self,
        desk: &mut Desk,
        machine: &RunMachine,
        work: Work,
    ) -> Result<Input, HostError> {
        let Work::Assign {
            key,
            by,
            veto,
            mut exclude,
            weights,
            load,
            only,
            task,
            escalated,
            prefer,
        } = work
        else {
            unreachable!("only questions to the directory are asked of it");
        };
        exclude.extend(self.excluded_behind(machine, &task).await?);
        // whoever is gone keeps nobody else from being escalated to
        let by = if escalated { known(&self.directory(), by) } else { by };
        let resolved = assignment(&self.directory(), &by, &veto, &exclude, self.today(machine));
        let resolved = match resolved {
            Ok(assignment) => self.may_ask(machine, &task, assignment).await?,
            Err(error) => Err(error.to_string()),
        };
        let mut assignment = match resolved {
            Ok(assignment) => assignment,
            Err(message) => {
                let failure = Failure {
                    kind: FailureKind::Permanent,
                    message,
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
        assignment.preferred = self.directory().canonical_all(&prefer);
        if load {
            let view = machine.task(&task);
            let step = view.as_ref().map_or("", |view| plain(&view.step));
            assignment.load = self.load_of(desk, machine, &assignment, step).await?;
        }
        Ok(Input::Assigned { work: key, assignment })
    }

    /// The assignment, or why the flow may not ask these people about this document.
    async fn may_ask(
        &self,
        machine: &RunMachine,
        task: &TaskId,
        assignment: Assignment,
    ) -> Result<Result<Assignment, String>, HostError> {
        let rights = self.rights(machine.plan()).await?;
        let flow = &machine.plan().flow;
        for person in assignment.people.iter().chain(&assignment.veto) {
            if let Some(address) = person.strip_prefix("email:") {
                let right = FlowRight::Recipient {
                    who: Reach::only(address),
                };
                if !rights.include(&right) {
                    return Ok(Err(not_accepted(flow, &right)));
                }
            }
        }
        let document = machine.task(task).and_then(|view| view.document);
        match document {
            Some(document) if !self.has_document(machine, &rights, &document).await? => {
                Ok(Err(self.not_given(flow, &version_in(&document)).await))
            }
            _ => Ok(Ok(assignment)),
        }
    }

    /// The directory's current answer about an open task of the run.
    async fn members_of(&self, machine: &RunMachine, task: &TaskId) -> Result<Option<Members>, HostError> {
        let Some(asked) = machine.members_asked(task) else {
            return Ok(None);
        };
        let mut exclude = asked.exclude.clone();
        exclude.extend(self.excluded_behind(machine, task).await?);
        let directory = self.directory();
        let exclude = directory.canonical_all(&exclude);
        let opened_at = machine.task(task).map(|view| view.opened_at);
        // somebody who got the user name of an earlier person does not get that person's place
        let is_another = |principal: &str| {
            let user = directory.canonical(principal);
            let user = user.strip_prefix("user:");
            user.zip(opened_at)
                .is_some_and(|(user, at)| self.is_later_than(user, at))
        };
        let means = |principals: &[String]| {
            let named: Vec<String> = principals.iter().filter(|one| !is_another(one)).cloned().collect();
            let mut people = all_of(&directory, &named);
            // only people of the directory come to an open task: the flow needs no right to ask them, and the written
            // address of one who left is that of somebody outside
            let may_come = |person: &String| !person.starts_with("email:") || asked.persons.contains(person);
            people.retain(|person| !exclude.contains(person) && may_come(person));
            people
        };
        let is_absent = |person: &&String| {
            let user = person.strip_prefix("user:");
            user.is_some_and(|user| !directory.users.contains_key(user))
        };
        let people = means(&asked.by);
        let is_stranger = |person: &&String| is_another(person) && !people.contains(person);
        let absent = asked.persons.iter().filter(|one| is_absent(one) || is_stranger(one));
        Ok(Some(Members {
            people: people.clone(),
            veto: means(&asked.veto),
            escalated: means(&asked.escalated),
            only: only_of(&directory, &asked.only),
            weights: weights_of(&directory, &asked.weights),
            absent: absent.cloned().collect(),
            exclude,
        }))
    }

    /// Updates open tasks of a run from the directory: all of them if the directory has changed
    /// since the last time, otherwise only the one on which somebody acts.
    pub(super) async fn follow_directory(
        &self,
        loaded: &mut Loaded,
        acted_on: Option<&TaskId>,
    ) -> Result<(), HostError> {
        let directory = self.directory();
        let is_known = loaded
            .directory
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, &directory));
        let tasks = match acted_on {
            Some(task) if is_known => vec![task.clone()],
            None if is_known => return Ok(()),
            _ => loaded.machine.open_task_ids(),
        };
        for task in tasks {
            if let Some(members) = self.members_of(&loaded.machine, &task).await? {
                // a task that has closed meanwhile ignores this
                let _ = loaded.machine.handle(self.now(), Input::Members { task, members });
            }
            tokio::task::coop::consume_budget().await;
        }
        loaded.directory = Some(directory);
        Ok(())
    }

    /// Updates the members of every open task from the directory, in the background.
    pub fn tell_tasks_of_people(self: &Arc<Self>) {
        let host = Arc::clone(self);
        self.spawn(async move {
            if let Err(error) = host.people_changed().await {
                tracing::error!(%error, "open tasks could not be updated from the directory; each is updated when somebody works on it");
            }
        });
    }

    /// Updates every open task from the directory: new members of a role see it, people who left
    /// can no longer answer, and too few remaining people raise an incident.
    pub async fn people_changed(self: &Arc<Self>) -> Result<(), HostError> {
        let directory = self.directory();
        let tasks = self.parts().store.open_tasks(None).await?;
        let runs: BTreeSet<RunId> = tasks.into_iter().map(|task| task.run).collect();
        for run in runs {
            match self.resume(&run).await {
                Err(error @ (HostError::Store(_) | HostError::ShuttingDown)) => return Err(error),
                // a failure in one run must not stop the others
                Err(error) => {
                    tracing::error!(%run, %error, "the tasks of a run could not be updated from the directory yet");
                }
                Ok(()) => {}
            }
        }
        self.note_followed(directory);
        self.givers_changed().await
    }

    /// Notes that the people of every stored task are those of `directory`.
    pub fn note_followed(&self, directory: Arc<Directory>) {
        *lock(&self.followed) = Some(directory);
    }

    /// The same tasks, with their people as the directory has them now. Where not every run has followed a change of the
    /// directory yet, those of `person`'s tasks do first; of one that cannot, the task is left out.
    pub(super) async fn up_to_date(
        self: &Arc<Self>,
        tasks: Vec<TaskRow>,
        person: Option<&str>,
    ) -> Result<Vec<TaskRow>, HostError> {
        let directory = self.directory();
        let is_followed = lock(&self.followed)
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, &directory));
        if is_followed {
            return Ok(tasks);
        }
        let is_theirs = |task: &TaskRow| person.is_none_or(|person| task.listed_for().any(|one| one == person));
        let mut found = Vec::with_capacity(tasks.len());
        for task in tasks {
            if task.state != TaskState::Open || !is_theirs(&task) {
                found.push(task);
                continue;
            }
            match self.resume(&task.run).await {
                Ok(()) => found.extend(self.parts().store.task(&task.id).await?),
                Err(error @ (HostError::Store(_) | HostError::ShuttingDown)) => return Err(error),
                Err(error) => {
                    tracing::error!(run = %task.run, %error, "nobody sees a task that cannot follow the directory");
                }
            }
        }
        Ok(found)
    }

    /// The day it is where the flow's calendar is.
    fn today(&self, machine: &RunMachine) -> Date {
        let zone = machine.plan().calendar.as_ref().map(|calendar| calendar.zone.as_str());
        let zone = zone.and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC);
        self.now().to_zoned(zone).date()
    }

    /// Whether `person` is one of those meant by `principals`. A word that fits nobody means nobody.
    pub(super) fn is_one_of(&self, person: &str, principals: &[String]) -> bool {
        only_of(&self.directory(), principals).is_some_and(|people| people.iter().any(|one| one == person))
    }

    /// The one person meant by `principal`, as the directory knows them.
    pub(super) fn one_person(&self, principal: &str) -> Result<String, HostError> {
        let found = self.directory().resolve(&[principal.to_owned()], &[]);
        match found.as_deref() {
            Ok([one]) if one.starts_with("user:") => Ok(one.clone()),
            Ok([_]) => Err(HostError::Invalid(format!(
                "{principal} is nobody in the directory, and could not answer: name a user"
            ))),
            Ok(_) => Err(HostError::Invalid(format!(
                "{principal} is not one person: name a user"
            ))),
            Err(error) => Err(HostError::Invalid(error.to_string())),
        }
    }
}

/// All people to whom the principals resolve, without repetition. A principal that matches nobody
/// is ignored.
fn all_of(directory: &Directory, principals: &[String]) -> Vec<String> {
    let of = |principal: &String| {
        directory
            .resolve(std::slice::from_ref(principal), &[])
            .unwrap_or_default()
    };
    let people: IndexSet<String> = principals.iter().flat_map(of).collect();
    people.into_iter().collect()
}

/// Those of `principals` who mean somebody, or all of them where none does.
fn known(directory: &Directory, principals: Vec<String>) -> Vec<String> {
    let means = |one: &&String| directory.resolve(std::slice::from_ref(*one), &[]).is_ok();
    let found: Vec<String> = principals.iter().filter(means).cloned().collect();
    if found.is_empty() { principals } else { found }
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
        preferred: Vec::new(),
    })
}

/// Who may answer at all, where not everybody may. A word that fits nobody lets nobody.
fn only_of(directory: &Directory, written: &[String]) -> Option<Vec<String>> {
    if written.is_empty() {
        return None;
    }
    Some(all_of(directory, written))
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
