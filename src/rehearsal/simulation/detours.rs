//! What people may do about a task beside answering it: pass it on, let it rest, go on past it.

use super::calendar::who;
use super::deeds::Doer;
use super::moves::{Deed, Move};
use crate::base::Value;
use crate::engine::Acting;
use crate::engine::event::TaskAct;
use crate::plan::Detour;
use crate::rehearsal::doings::Fault;
use crate::rehearsal::facts::{parties, party};
use crate::store::TaskRow;
use serde_json::json;

/// What somebody does about a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// Lets somebody act for them.
    Delegate,
    /// Lets it rest.
    Suspend,
    /// Lets it go on.
    Resume,
    /// Has the flow go on past it.
    Skip,
}

impl Course {
    const fn words(self) -> &'static str {
        match self {
            Self::Delegate => "lets somebody else act for them",
            Self::Suspend => "lets it rest",
            Self::Resume => "lets it go on",
            Self::Skip => "skips it",
        }
    }
}

/// What may be done about a task that the calendar calls `step`. At random, only the first of several people does.
pub(super) fn of_task(task: &TaskRow, step: &str, about: &str, moves: &mut Vec<Move>) {
    let mut add = |by: &str, course: Course, weight| {
        let deed = Deed::Detour {
            task: Box::new(task.clone()),
            by: by.to_owned(),
            course,
        };
        let label = format!("{step}: {} {}{about}", who(by), course.words());
        moves.push(Move::new(label, weight, deed));
    };
    if let Some(rest) = &task.suspended {
        add(&rest.by, Course::Resume, 8);
        return;
    }
    let allowed = [
        (Detour::Delegate, Course::Delegate),
        (Detour::Suspend, Course::Suspend),
        (Detour::Skip, Course::Skip),
    ];
    for (_, course) in allowed.iter().filter(|(detour, _)| task.allow.contains(detour)) {
        let has_answered = |person: &str| task.decided.iter().any(|record| record.by == person);
        let has_deputy = |person: &str| task.deputies.iter().any(|one| one.on_behalf_of == person);
        let is_user = |person: &str| person.starts_with("user:");
        let people = task
            .people
            .iter()
            .filter(|person| is_user(person) && !has_answered(person));
        let people = people.filter(|person| *course != Course::Delegate || !has_deputy(person));
        for (index, person) in people.enumerate() {
            add(person, *course, usize::from(index == 0));
        }
    }
}

impl Doer<'_, '_> {
    /// Does something about a task.
    pub(super) async fn detour(&mut self, task: &TaskRow, by: &str, course: Course) -> Result<(), Fault> {
        let act = match course {
            Course::Delegate => TaskAct::Delegate {
                of: by.to_owned(),
                to: self.somebody_else(task)?,
                reason: None,
            },
            Course::Suspend => TaskAct::Suspend {
                reason: self.reason("reason"),
            },
            Course::Resume => TaskAct::Resume { reason: None },
            Course::Skip => TaskAct::Skip {
                reason: self.reason("reason"),
            },
        };
        let admins = parties(&self.stage.setting.directory, "role:admin").unwrap_or_default();
        let acting = Acting {
            task: task.id.clone(),
            admin: admins.iter().any(|admin| admin == by),
            by: by.to_owned(),
            act,
        };
        self.stage.host.act(acting).await?;
        Ok(())
    }

    /// A person who is not asked.
    fn somebody_else(&mut self, task: &TaskRow) -> Result<String, Fault> {
        let directory = &self.stage.setting.directory;
        let is_asked = |user: &str| {
            task.people
                .iter()
                .any(|person| person.strip_prefix("user:") == Some(user))
        };
        let others: Vec<String> = directory.users.keys().filter(|user| !is_asked(user)).cloned().collect();
        let nobody = || Fault::Refused("there is nobody else".to_owned());
        let made_up = self.maker.chance.pick(&others).cloned().ok_or_else(nobody)?;
        match self.blank("to", "a person", json!(made_up)) {
            Value::String(name) => Ok(party(directory, &name)),
            other => Err(Fault::Wrong(format!("{other} is nobody"))),
        }
    }
}
