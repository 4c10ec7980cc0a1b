//! Who is meant by a task: asked of the directory, today.

use super::desk::{Desk, plain};
use super::policy::not_accepted;
use super::{Host, HostError};
use crate::base::id::TaskId;
use crate::base::{FlowRight, Reach};
use crate::engine::event::Weight;
use crate::engine::{Assignment, Failure, FailureKind, Input, RunMachine, StandIn, Work};
use crate::people::{Directory, UnknownPrincipal};
use jiff::civil::Date;
use jiff::tz::TimeZone;

impl Host {
    /// Who is meant, or why nobody is.
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
            exclude,
            weights,
            load,
            only,
            task,
            escalated,
        } = work
        else {
            unreachable!("only questions to the directory are asked of it");
        };
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
            Some(document) if !self.has_file(machine, &rights, &document.id).await? => {
                Ok(Err(self.not_given(flow, &document.id).await))
            }
            _ => Ok(Ok(assignment)),
        }
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
    })
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
