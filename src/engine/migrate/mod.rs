//! A run that goes on by another version of its flow, or every reason why it cannot.
//!
//! The journal is replayed by the other version's plan, its steps under the names that they have there. The run
//! can go on so if that leads to where it stands now: what is done stays done, what is open stays open, what it
//! owns stays its own.

mod data;
mod history;
pub(super) mod names;
mod open;
mod order;
mod standing;

use super::decide;
use super::event::{Event, EventRecord, JOURNAL_VERSION, VersionRef};
use super::machine::RunMachine;
use crate::base::{Timestamp, Value};
use crate::plan::{Plan, PlanStep};
use names::Renamed;
use serde_json::Map;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a run is to go by.
#[derive(Clone, Debug)]
pub struct Migration {
    /// The plan of the other version, of the same flow.
    pub to: Arc<Plan>,
    /// Steps that are called otherwise there: old name, new name.
    pub steps: BTreeMap<String, String>,
    /// What runs of the flow share now, as far as it is given or has a default.
    pub settings: Map<String, Value>,
    /// Who moves it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// One reason why a run cannot go by another version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Obstacle {
    /// What is in the way: `step ID`, `input NAME`, `setting NAME`, `value NAME`, `run`.
    pub place: String,
    /// Why, and what to do about it.
    pub why: String,
}

/// A run that goes by another version.
#[derive(Clone, Debug)]
pub struct Moved {
    /// It, with everything decided that follows at once; see `take_events`.
    pub machine: RunMachine,
    /// Steps that begin with it, by their names there.
    pub begins: Vec<String>,
}

impl RunMachine {
    /// The run by another version of its flow. `journal` is its own, from the beginning to where it stands.
    ///
    /// # Errors
    /// Every reason why it cannot go on so; nothing is changed then.
    pub fn migrate(
        &self,
        now: Timestamp,
        journal: &[EventRecord],
        migration: &Migration,
    ) -> Result<Moved, Vec<Obstacle>> {
        let mut check = Check::new(self, journal, migration);
        check.before();
        if !check.found.is_empty() {
            return Err(check.found);
        }
        let record = EventRecord {
            run: self.state.run.clone(),
            seq: self.state.seq + 1,
            at: now.max(self.state.now),
            v: JOURNAL_VERSION,
            via: None,
            event: check.event(migration),
        };
        let mut whole = journal.to_vec();
        whole.push(record.clone());
        let mut machine = match Self::rebuilt(Arc::clone(&migration.to), &whole) {
            Ok(machine) => machine,
            Err(error) => {
                let version = check.version();
                let why = format!("what it has done could not have been done by {version}: {error}");
                check.obstacle("run".to_owned(), why);
                return Err(check.found);
            }
        };
        check.standing(&machine);
        if !check.found.is_empty() {
            return Err(check.found);
        }
        let begins = check.begins(&machine);
        machine.pending = vec![record];
        machine.look_again();
        decide::settle(&mut machine);
        Ok(Moved { machine, begins })
    }
}

/// One migration being looked at.
struct Check<'m> {
    old: &'m RunMachine,
    to: &'m Plan,
    /// The journal as it was written.
    written: &'m [EventRecord],
    /// The same as the version sees it that the run goes by now.
    journal: Cow<'m, [EventRecord]>,
    steps: Renamed,
    settings: &'m Map<String, Value>,
    /// The steps that the journal tells of.
    begun: BTreeSet<String>,
    found: Vec<Obstacle>,
}

impl<'m> Check<'m> {
    fn new(old: &'m RunMachine, written: &'m [EventRecord], migration: &'m Migration) -> Self {
        let journal = names::translated(written);
        let begun = journal.iter().flat_map(|record| names::ids_in(&record.event));
        let begun = begun.filter(|id| old.plan.find(id).is_some()).collect();
        let steps = migration.steps.iter().filter(|(old, new)| old != new);
        Self {
            old,
            to: &migration.to,
            written,
            begun,
            journal,
            steps: steps.map(|(old, new)| (old.clone(), new.clone())).collect(),
            settings: &migration.settings,
            found: Vec::new(),
        }
    }

    /// Everything that can be said without replaying.
    fn before(&mut self) {
        if !self.old.state.is_running() {
            let why = "it is over or about to be: only a run that goes on goes by another version";
            return self.obstacle("run".to_owned(), why.to_owned());
        }
        if self.old.unsettled || !self.old.pending.is_empty() {
            return self.obstacle("run".to_owned(), "it is being worked on: repeat in a moment".to_owned());
        }
        self.map();
        self.history();
        self.open();
        self.order();
        self.ways();
        self.data();
    }

    /// Takes a reason down, once.
    fn obstacle(&mut self, place: String, why: String) {
        let obstacle = Obstacle { place, why };
        if !self.found.contains(&obstacle) {
            self.found.push(obstacle);
        }
    }

    fn at_step(&mut self, id: &str, why: String) {
        self.obstacle(format!("step {id}"), why);
    }

    /// What a step is called in the other version.
    fn target<'a>(&'a self, id: &'a str) -> &'a str {
        self.steps.get(id).map_or(id, String::as_str)
    }

    /// The step there.
    fn there(&self, id: &str) -> Option<&'m PlanStep> {
        let (body, step) = self.to.find(self.target(id))?;
        Some(self.to.body(body).step(step))
    }

    /// What the step of the other version called `id` is called now.
    fn source<'a>(&'a self, id: &'a str) -> &'a str {
        let renamed = self.steps.iter().find(|(_, new)| *new == id);
        renamed.map_or(id, |(old, _)| old.as_str())
    }

    fn version(&self) -> &'m str {
        &self.to.version
    }

    /// What the journal will say.
    fn event(&self, migration: &Migration) -> Event {
        let plan = &self.old.plan;
        Event::Migrated {
            from: VersionRef {
                version: plan.version.clone(),
                plan: plan.hash.clone(),
                semantics: self.old.state.semantics,
            },
            to: VersionRef {
                version: self.to.version.clone(),
                plan: self.to.hash.clone(),
                semantics: self.to.semantics,
            },
            steps: self.steps.clone(),
            inputs: self.new_inputs(),
            settings: self.new_settings(),
            values: self.kept_values(),
            by: migration.by.clone(),
            reason: migration.reason.clone(),
        }
    }
}
