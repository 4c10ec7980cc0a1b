//! What must be on the lists of people, and who works on what, held against what is so.

use super::expect::{Judge, listed};
use super::facts::{parties, party};
use super::file::{ExpectSpec, ListSpec};
use crate::base::source::escape;
use crate::host::tasks::Order;
use crate::store::TaskRow;
use std::collections::BTreeSet;

impl Judge<'_> {
    /// Judges what an `expect` at `at` says of lists.
    pub(super) fn lists(&mut self, at: &str, expect: &ExpectSpec) {
        for (person, wanted) in &expect.in_order {
            let found = self.facts.listed(&self.name(person), Order::Priority, |_| true);
            let at = format!("{at}/in_order/{}", escape(person));
            self.same(&at, &format!("{person} has another list of tasks"), &found, wanted);
        }
        for (index, wanted) in expect.lists.iter().enumerate() {
            self.list(&format!("{at}/lists/{index}/shows"), wanted);
        }
        for (person, wanted) in &expect.watched {
            let found = self.facts.watched.get(&self.name(person)).cloned().unwrap_or_default();
            let at = format!("{at}/watched/{}", escape(person));
            self.same(&at, &format!("{person} sees other tasks"), &found, wanted);
        }
        for (step, wanted) in &expect.started {
            self.started(&format!("{at}/started/{}", escape(step)), step, wanted);
        }
    }

    fn name(&self, person: &str) -> String {
        party(&self.setting.directory, person)
    }

    fn list(&mut self, at: &str, wanted: &ListSpec) {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        let is_shown = |task: &TaskRow| is(&wanted.flow, &task.flow) && is(&wanted.step, &task.step);
        let found = self.facts.listed(&self.name(&wanted.of), wanted.order, is_shown);
        self.same(
            at,
            &format!("{} has another list of tasks", wanted.of),
            &found,
            &wanted.shows,
        );
    }

    fn same(&mut self, at: &str, message: &str, found: &[String], wanted: &[String]) {
        if found == wanted {
            return;
        }
        let label = match found {
            [] => "there is nothing".to_owned(),
            steps => format!("there is `{}`", steps.join("`, `")),
        };
        let help = self.facts.excerpt(None);
        self.wrong(at, message.to_owned(), label, help);
    }

    fn started(&mut self, at: &str, step: &str, wanted: &[String]) {
        let directory = &self.setting.directory;
        let people = wanted
            .iter()
            .flat_map(|text| parties(directory, text).unwrap_or_default());
        let wanted: BTreeSet<String> = people.collect();
        let found = self.facts.started.get(step).cloned().unwrap_or_default();
        if found == wanted {
            return;
        }
        let label = format!("{} does", listed(&found));
        let help = self.facts.excerpt(Some(step));
        self.wrong(at, format!("other people work on `{step}`"), label, help);
    }
}
