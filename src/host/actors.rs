//! The person behind an action: who started a chain of runs, and who uploaded the bytes of a
//! version.
//!
//! A run may be started by a run that a person started, and a version may be a copy of what a
//! person uploaded. Separation of duties counts these people, not the runs in between.

use super::runs::StartRun;
use super::triggers::{BY_RUN, MAX_CHAIN};
use super::{Host, HostError};
use crate::base::id::{FileId, RunId, TaskId};
use crate::base::{FileRef, Value};
use crate::engine::{Event, RunMachine};
use crate::plan::Exclusion;

/// Prefixes of people in journals: members of the directory, and outsiders by their address.
const PEOPLE: [&str; 2] = ["user:", "email:"];

impl Host {
    /// The person who caused a start, in the canonical form of the directory; `None` if a system
    /// caused it.
    pub(super) async fn person_behind(&self, start: &StartRun) -> Result<Option<String>, HostError> {
        self.person_of(start.cause.as_deref().unwrap_or(&start.initiator)).await
    }

    /// The person behind `party`. If `party` is a run, follows the chain of runs back to the person
    /// who started it.
    pub(super) async fn person_of(&self, party: &str) -> Result<Option<String>, HostError> {
        let mut party = party.to_owned();
        for _ in 0..MAX_CHAIN {
            let Some(run) = party.strip_prefix(BY_RUN) else {
                let is_person = PEOPLE.iter().any(|kind| party.starts_with(kind));
                return Ok(is_person.then(|| self.directory().canonical(&party)));
            };
            let first = self.parts().store.journal(&RunId::from(run), 0, 1).await?;
            match first.into_iter().next().map(|record| record.event) {
                Some(Event::RunStarted { starter, initiator, .. }) => party = starter.unwrap_or(initiator),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Persons whom `exclude` covers but whom the task does not name: the starter of a chain of
    /// runs, and the uploader of the document's bytes.
    pub(super) async fn excluded_behind(&self, machine: &RunMachine, task: &TaskId) -> Result<Vec<String>, HostError> {
        let mut people = Vec::new();
        for exclusion in machine.exclusions(task) {
            match exclusion {
                Exclusion::Initiator => people.extend(self.person_of(machine.started_by()).await?),
                Exclusion::Uploader => {
                    let document = machine.task(task).and_then(|view| view.document);
                    people.extend(self.uploaders_of(document.as_ref()).await?);
                }
                Exclusion::Step(_) | Exclusion::Person(_) => {}
            }
        }
        Ok(people)
    }

    /// Who put a version, who uploaded its bytes where that was somebody else, and who put the same bytes there again. The file space knows, whatever the
    /// reference says.
    async fn uploaders_of(&self, document: Option<&FileRef>) -> Result<Vec<String>, HostError> {
        let Some(document) = document else {
            return Ok(Vec::new());
        };
        let file = self.parts().store.file(&FileId(document.id.clone())).await?;
        let version = file.as_ref().and_then(|file| file.version(document.version));
        Ok(version.map_or_else(Vec::new, |version| version.putters().cloned().collect()))
    }
}

/// The person who stored the document that starts a run, as named by the event.
pub(super) fn put_by(fields: &Value) -> Option<String> {
    fields.get("from")?.as_str().map(str::to_owned)
}
