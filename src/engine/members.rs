//! Membership of open tasks. The directory determines who may answer; the number of answers needed
//! stays fixed.

use super::RunMachine;
use super::event::Weight;
use super::state::Task;
use super::view::TaskPhase;
use crate::base::id::TaskId;

/// A query to the directory about an open task, made whenever somebody acts on the task and when
/// the directory changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembersAsked {
    /// Principals who are asked: `by`, evaluated.
    pub by: Vec<String>,
    /// Principals who can veto: `veto`, evaluated.
    pub veto: Vec<String>,
    /// Principals to whom it was escalated, evaluated.
    pub escalated: Vec<String>,
    /// Principals who may answer: `only`, evaluated.
    pub only: Vec<String>,
    /// Persons who may not answer.
    pub exclude: Vec<String>,
    /// Weights other than 1, by principal.
    pub weights: Vec<(String, u32)>,
    /// All persons who have or had a place in the task.
    pub persons: Vec<String>,
}

/// The people who may answer an open task, as the directory has them now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Persons who are asked.
    pub people: Vec<String>,
    /// Persons who can veto.
    pub veto: Vec<String>,
    /// Persons to whom it was escalated.
    pub escalated: Vec<String>,
    /// Persons who may answer; `None` if everybody may.
    pub only: Option<Vec<String>>,
    /// Excluded persons, in the canonical form of the directory.
    pub exclude: Vec<String>,
    /// Weights other than 1.
    pub weights: Vec<Weight>,
    /// Persons of the query who are no longer in the directory.
    pub absent: Vec<String>,
}

/// Membership changes while a task is open.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Membership {
    /// Persons to whom the principals of the task resolve in the directory.
    pub(super) resolved: Vec<String>,
    /// Sum of the weights of those who were asked when the task opened.
    pub(super) asked_votes: usize,
    /// Persons who were added while it was open.
    pub(super) added: Vec<String>,
    /// Persons who were asked and can no longer answer.
    pub(super) gone: Vec<Gone>,
    /// Persons who were given a place manually.
    pub(super) placed: Vec<String>,
    /// Principals to whom it was escalated, evaluated.
    pub(super) escalated_to: Vec<String>,
}

/// A person who was asked and can no longer answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gone {
    /// Who.
    pub(super) person: String,
    /// Whether their place is empty: they had not answered, and nobody acts for them.
    pub(super) has_place: bool,
    /// Whether they could veto.
    pub(super) had_veto: bool,
}

impl Membership {
    /// Forgets the resolved people, because the directory is asked again or has answered again.
    /// Manual changes are kept.
    pub(super) fn forget_people(&mut self) {
        self.resolved.clear();
        self.asked_votes = 0;
        self.added.clear();
        self.gone.clear();
    }
}

impl Task {
    /// Whether `person` was asked and can no longer answer.
    pub(super) fn has_left(&self, person: &str) -> bool {
        self.members.gone.iter().any(|one| one.person == person)
    }

    /// Whether `person` left a place that somebody else can be given.
    pub(super) fn left_a_place(&self, person: &str) -> bool {
        let mut places = self.members.gone.iter().filter(|one| one.has_place || one.had_veto);
        places.any(|one| one.person == person)
    }

    /// Persons whose place is empty.
    pub(super) fn empty_places(&self) -> impl Iterator<Item = &String> {
        self.members
            .gone
            .iter()
            .filter(|one| one.has_place)
            .map(|one| &one.person)
    }

    /// All persons who have or had a place.
    pub(super) fn everybody(&self) -> Vec<String> {
        let lists = [&self.people, &self.joined, &self.veto];
        let deputies = self.deputies.iter().map(|one| &one.by);
        let gone = self.members.gone.iter().map(|one| &one.person);
        let mut all: Vec<String> = Vec::new();
        for person in lists.into_iter().flatten().chain(deputies).chain(gone) {
            if !all.contains(person) {
                all.push(person.clone());
            }
        }
        all
    }
}

impl RunMachine {
    /// The directory query for a task; `None` if the task is closed or not assigned yet.
    pub fn members_asked(&self, task: &TaskId) -> Option<MembersAsked> {
        let at = self.state.task_index.get(task)?;
        let task = &self.state.tasks[*at];
        if task.phase != TaskPhase::Open || task.unassigned {
            return None;
        }
        Some(MembersAsked {
            by: task.by.clone(),
            veto: task.veto_by.clone(),
            escalated: task.members.escalated_to.clone(),
            only: task.only_by.clone(),
            exclude: task.exclude.clone(),
            weights: task.asked(&self.plan).map_or_else(Vec::new, |ask| ask.weights.clone()),
            persons: task.everybody(),
        })
    }

    /// The open tasks, by their ids.
    pub fn open_task_ids(&self) -> Vec<TaskId> {
        let at = self.state.asking.iter().flat_map(|slot| self.state.tasks_at(*slot));
        at.map(|at| self.state.tasks[at].id.clone()).collect()
    }
}
