//! Applies a change of the people who may answer an open task.

use super::super::event::Event;
use super::super::members::Gone;
use super::super::state::Task;
use super::{Applier, Impossible};

impl Applier<'_> {
    pub(super) fn members_changed(&mut self, event: &Event) -> Result<(), Impossible> {
        let Event::TaskMembersChanged {
            task: id,
            people,
            veto,
            joined,
            weights,
            left,
            only,
            exclude,
        } = event
        else {
            return Err("it changes no people of a task".to_owned());
        };
        let (slot, task) = self.open_task(id)?;
        for person in left {
            task.leaves(person);
        }
        for person in people.iter().chain(veto).chain(joined) {
            task.members.gone.retain(|one| one.person != *person);
            task.members.resolved.push(person.clone());
        }
        add(&mut task.people, people);
        add(&mut task.members.added, people);
        add(&mut task.veto, veto);
        add(&mut task.joined, joined);
        task.weights
            .retain(|one| weights.iter().all(|other| other.person != one.person));
        task.weights.extend_from_slice(weights);
        if only.is_some() {
            task.only.clone_from(only);
        }
        task.exclude.extend_from_slice(exclude);
        self.touch(id);
        self.list_task(slot);
        Ok(())
    }
}

/// Appends the persons that are not in the list yet.
fn add(list: &mut Vec<String>, persons: &[String]) {
    for person in persons {
        if !list.contains(person) {
            list.push(person.clone());
        }
    }
}

impl Task {
    /// Marks that `person` can no longer answer. An answer that they gave still counts; otherwise
    /// their place becomes empty.
    fn leaves(&mut self, person: &str) {
        let is_them = |one: &String| one == person;
        let is_open = !self.has_decided(person);
        self.members.gone.push(Gone {
            person: person.to_owned(),
            has_place: is_open && self.people.iter().any(is_them),
            had_veto: is_open && self.veto.iter().any(is_them),
        });
        if is_open {
            for list in [&mut self.people, &mut self.joined, &mut self.veto] {
                list.retain(|one| one != person);
            }
        }
        let represented: Vec<String> = self
            .deputies
            .iter()
            .filter(|one| one.by == person)
            .map(|one| one.on_behalf_of.clone())
            .collect();
        self.deputies
            .retain(|one| one.by != person && one.on_behalf_of != person);
        for absent in represented {
            self.vacate(&absent);
        }
        if self.claimed_by.as_deref() == Some(person) {
            self.claimed_by = None;
        }
        self.members.resolved.retain(|one| one != person);
        self.started.retain(|one| one.by != person);
        self.heard.retain(|(one, _)| one != person);
    }

    /// Empties the place of somebody who left, after their deputy has gone too.
    fn vacate(&mut self, person: &str) {
        let is_open = !self.has_decided(person);
        let Some(gone) = self.members.gone.iter_mut().find(|one| one.person == person) else {
            return;
        };
        if is_open {
            gone.has_place |= self.people.iter().any(|one| one == person);
            gone.had_veto |= self.veto.iter().any(|one| one == person);
            self.people.retain(|one| one != person);
            self.veto.retain(|one| one != person);
        }
    }

    /// Empties the places of everybody who left and has no deputy. Called when earlier answers
    /// become void.
    pub(super) fn vacate_all(&mut self) {
        let gone: Vec<String> = self.members.gone.iter().map(|one| one.person.clone()).collect();
        for person in gone {
            if self.deputies.iter().all(|one| one.on_behalf_of != person) {
                self.vacate(&person);
            }
        }
    }

    /// Restores the place that `of` left, for `to` or for a deputy of `of`.
    pub(super) fn takes_place_of(&mut self, of: &str, to: &str) {
        let Some(at) = self.members.gone.iter().position(|one| one.person == of) else {
            return;
        };
        let gone = &mut self.members.gone[at];
        let (has_place, had_veto) = (gone.has_place, gone.had_veto);
        (gone.has_place, gone.had_veto) = (false, false);
        if has_place {
            self.people.push(to.to_owned());
        }
        if had_veto {
            self.veto.push(to.to_owned());
        }
        if of != to {
            self.members.gone.remove(at);
        }
    }
}
