//! People who come and go while a task is open: who may answer it follows the directory, how many must does not.

use super::RunMachine;
use super::event::Weight;
use super::state::Task;
use super::view::TaskPhase;
use crate::base::id::TaskId;

/// What the directory is asked about an open task whenever somebody acts on it, and when people change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembersAsked {
    /// Who is asked, as written, evaluated.
    pub by: Vec<String>,
    /// Who can veto, as written, evaluated.
    pub veto: Vec<String>,
    /// Whom it was escalated to, as written, evaluated.
    pub escalated: Vec<String>,
    /// Who may answer at all, as written, evaluated.
    pub only: Vec<String>,
    /// Persons who may not answer.
    pub exclude: Vec<String>,
    /// How much a decision counts where it is not 1, by principal.
    pub weights: Vec<(String, u32)>,
    /// Everybody who has a place in the task, or had one.
    pub persons: Vec<String>,
}

/// What the directory says about an open task now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Who is meant by those who are asked.
    pub people: Vec<String>,
    /// Who is meant by those who can veto.
    pub veto: Vec<String>,
    /// Who is meant by those whom it was escalated to.
    pub escalated: Vec<String>,
    /// Who may answer at all, where not everybody may.
    pub only: Option<Vec<String>>,
    /// The excluded as the directory knows them.
    pub exclude: Vec<String>,
    /// How much the decision of some counts, where it is not 1.
    pub weights: Vec<Weight>,
    /// Those of the persons asked about who are no longer in the directory.
    pub absent: Vec<String>,
}

/// Who came and who left while a task was open.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Membership {
    /// Whom the directory has meant so far, and still means.
    pub(super) resolved: Vec<String>,
    /// How much the decisions of those who were asked first count together.
    pub(super) asked_votes: usize,
    /// Who came to be asked while it was open.
    pub(super) added: Vec<String>,
    /// Who was asked and can no longer answer.
    pub(super) gone: Vec<Gone>,
    /// Who was given a place by hand.
    pub(super) placed: Vec<String>,
    /// Whom it was escalated to, as written, evaluated.
    pub(super) escalated_to: Vec<String>,
}

/// Somebody who was asked and can no longer answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gone {
    /// Who.
    pub(super) person: String,
    /// Whether their place among those who are asked is empty: nobody acts for them, and they had not answered.
    pub(super) has_place: bool,
    /// Whether they could veto.
    pub(super) had_veto: bool,
}

impl Membership {
    /// The directory is asked anew, or has answered anew. What people did by hand stays known.
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

    /// Those whose place is empty.
    pub(super) fn empty_places(&self) -> impl Iterator<Item = &String> {
        self.members
            .gone
            .iter()
            .filter(|one| one.has_place)
            .map(|one| &one.person)
    }

    /// Everybody who has a place, or had one.
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
    /// What the directory is to be asked about a task; nothing where it is closed, or nobody has been meant yet.
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
