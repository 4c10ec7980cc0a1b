//! How much people have to do, while a run decides on several tasks at once.
//!
//! What is stored is read once and not for each task. What the run has decided and not stored yet counts as
//! well: of several tasks that open at once, each is given to somebody knowing who got the others.

use super::project::task_row;
use super::{Host, HostError};
use crate::base::id::TaskId;
use crate::engine::{Assignment, Load, RunMachine};
use crate::store::{TaskRow, TaskState};
use std::cmp::Reverse;
use std::collections::HashMap;

/// How many tasks, the newest first, are looked through for when somebody last got one.
pub const TASKS_LOOKED_THROUGH: usize = 1_000;

/// What is known of tasks from one commit of a run to the next.
#[derive(Default)]
pub(super) struct Desk {
    /// The newest that are stored.
    newest: Option<Vec<TaskRow>>,
    /// The open ones that are stored, by who has them on their list.
    open: HashMap<String, Vec<TaskId>>,
    /// What the run has decided and not stored, in the order of opening.
    unsaved: Vec<TaskRow>,
    /// Where each of those is.
    index: HashMap<TaskId, usize>,
    /// The last event of the run that was looked at.
    seen: Option<u64>,
}

impl Desk {
    /// Takes up what the run has decided since the last time.
    fn catch_up(&mut self, machine: &RunMachine) {
        let changed = match self.seen.replace(machine.seq()) {
            Some(seen) => machine.tasks_since(seen),
            None => machine.unsaved_tasks(),
        };
        for view in changed {
            let row = task_row(machine.run(), &machine.plan().flow, view, 0);
            match self.index.get(&row.id) {
                Some(at) => self.unsaved[*at] = row,
                None => {
                    self.index.insert(row.id.clone(), self.unsaved.len());
                    self.unsaved.push(row);
                }
            }
        }
    }

    fn is_stored(&self, task: &TaskId) -> bool {
        !self.index.contains_key(task)
    }

    /// How many open tasks `person` has, of whom `stored` are.
    fn open_of(&self, person: &str, stored: &[TaskId]) -> usize {
        let stored = stored.iter().filter(|task| self.is_stored(task)).count();
        let open = self.unsaved.iter().filter(|task| task.state == TaskState::Open);
        stored + open.filter(|task| task.listed_for().any(|one| one == person)).count()
    }

    /// The newest tasks first.
    fn newest(&self) -> Vec<&TaskRow> {
        let stored = self.newest.iter().flatten().filter(|task| self.is_stored(&task.id));
        let mut newest: Vec<&TaskRow> = self.unsaved.iter().rev().chain(stored).collect();
        newest.sort_by_key(|task| Reverse(task.opened_at));
        newest
    }
}

impl Host {
    /// How much those who could act have to do.
    pub(super) async fn load_of(
        &self,
        desk: &mut Desk,
        machine: &RunMachine,
        assignment: &Assignment,
        step: &str,
    ) -> Result<Vec<Load>, HostError> {
        let store = &self.parts().store;
        desk.catch_up(machine);
        if desk.newest.is_none() {
            desk.newest = Some(store.newest_tasks(TASKS_LOOKED_THROUGH).await?);
        }
        let deputies = assignment.deputies.iter().map(|one| &one.by);
        let people: Vec<&String> = assignment.people.iter().chain(deputies).collect();
        for person in &people {
            if !desk.open.contains_key(*person) {
                let stored = store.open_tasks(Some(person)).await?;
                let stored = stored.into_iter().map(|task| task.id).collect();
                desk.open.insert((*person).clone(), stored);
            }
        }
        let newest = desk.newest();
        let load = |person: &String| {
            // who merely saw an offer, or answered one, had no turn
            let since = newest.iter().position(|task| task.given_to.as_ref() == Some(person));
            Load {
                person: person.clone(),
                open: u32::try_from(desk.open_of(person, &desk.open[person])).unwrap_or(u32::MAX),
                since: since.and_then(|since| u32::try_from(since).ok()),
                done: done_by(&newest, person, &machine.plan().flow, step),
            }
        };
        Ok(people.into_iter().map(load).collect())
    }
}

/// How often `person` answered this step of this flow.
fn done_by(tasks: &[&TaskRow], person: &str, flow: &str, step: &str) -> u32 {
    let same = |task: &&&TaskRow| task.flow == flow && plain(&task.step) == step;
    let answered = |task: &&&TaskRow| {
        let settled = matches!(task.state, TaskState::Settled(_));
        settled && task.decided.iter().any(|record| record.by == person)
    };
    let count = tasks.iter().filter(same).filter(answered).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The step as its flow calls it, without the element it stands in.
pub(super) fn plain(step: &str) -> &str {
    step.rsplit_once('.').map_or(step, |(_, id)| id)
}
