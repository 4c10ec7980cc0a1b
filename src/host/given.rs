//! Decides which files a run may use: files that it was given or made, and files in folders that
//! its flow may read.
//!
//! A flow names files by data, and data can come from anywhere: the author's text, another service,
//! a form. Naming a file is therefore not enough.
//!
//! Invariant: no file gets from one run to another, or from the file space into a run, unless a
//! person with access to it gave it, or the right to its folder was accepted with the flow.

use super::children::MAX_NESTED;
use super::policy::not_accepted;
use super::{Host, HostError, lock};
use crate::base::id::{FileId, RunId, ShareId};
use crate::base::rights::folder_name;
use crate::base::{FlowRight, FlowRights, Reach, Value};
use crate::connect::ActionError;
use crate::engine::{Event, EventRecord, RUN_ENDED, RunMachine};
use crate::plan::{Plan, PlanVerb};
use crate::space::File;
use crate::spec::InputKind;
use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

/// Number of runs whose files are cached.
const REMEMBERED: usize = 1_024;
/// Number of journal events read per page.
const PAGE: usize = 1_000;
/// Prefix of the actions and events of the file space.
const SPACE: &str = "file360.";

/// Cached files by run.
pub(super) type GivenFiles = Mutex<HashMap<RunId, Given>>;

/// The files of a run, collected from its journal.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    /// Sequence number of the last event read.
    seq: u64,
    /// Files that were given to the run, or that it made.
    files: BTreeSet<String>,
    /// Files that came through shares; they count only if the share belongs to this run.
    by_share: Vec<(ShareId, BTreeSet<String>)>,
    /// Files in the outputs of other runs; they count only if the other run has them.
    by_run: Vec<(RunId, BTreeSet<String>)>,
}

impl Given {
    fn take(&mut self, plan: &Plan, record: &EventRecord) {
        match &record.event {
            Event::RunStarted { inputs, .. } => self.files.extend(given_in(plan, inputs)),
            Event::StepFinished { step, output, .. } if is_of_space(plan, step) => find_files(output, &mut self.files),
            Event::ItemChanged { files, .. } => {
                self.files.extend(files.iter().map(|item| item.file.id.clone()));
            }
            Event::EventReceived { kind, data, .. } if kind == RUN_ENDED => {
                if let Some(run) = data.get("run").and_then(Value::as_str) {
                    self.by_run.push((RunId::from(run), files_in(&data["outputs"])));
                }
            }
            Event::EventReceived { kind, data, .. } if kind.starts_with(SPACE) => {
                let share = data
                    .get("share")
                    .or_else(|| data.get("request"))
                    .and_then(Value::as_str);
                if let Some(share) = share {
                    self.by_share.push((ShareId::from(share), files_in(data)));
                }
            }
            _ => {}
        }
    }
}

/// Files in inputs of type `file`; the rights of their giver were checked at the start.
fn given_in(plan: &Plan, inputs: &Value) -> BTreeSet<String> {
    let is_file = |name: &&String| {
        let spec = &plan.inputs[name.as_str()];
        spec.kind == InputKind::File || (spec.kind == InputKind::List && spec.of == Some(InputKind::File))
    };
    let mut found = BTreeSet::new();
    for name in plan.inputs.keys().filter(is_file) {
        find_files(&inputs[name.as_str()], &mut found);
    }
    found
}

/// Whether the step calls an action of the file space, which checks rights itself.
fn is_of_space(plan: &Plan, step: &str) -> bool {
    plan.step(step)
        .is_some_and(|step| matches!(&step.verb, PlanVerb::Uses { action, .. } if action.starts_with(SPACE)))
}

/// Ids of all files that `value` contains at any depth.
pub(super) fn files_in(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    find_files(value, &mut found);
    found
}

fn find_files(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| find_files(item, found)),
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str);
            if let (Some(id), Some(_)) = (text("id"), text("sha256")) {
                found.insert(id.to_owned());
            }
            fields.values().for_each(|field| find_files(field, found));
        }
        _ => {}
    }
}

impl Host {
    /// Refuses the input of a file space action if it names a file that the run does not have.
    pub(super) async fn check_files(
        &self,
        machine: &RunMachine,
        rights: &FlowRights,
        action: &str,
        input: &Value,
    ) -> Result<(), ActionError> {
        if !action.starts_with(SPACE) {
            return Ok(());
        }
        for file in files_in(input) {
            let has = self.has_file(machine, rights, &file).await;
            if !has.map_err(|error| ActionError::Transient(error.to_string()))? {
                return Err(ActionError::Permanent(
                    self.not_given(&machine.plan().flow, &file).await,
                ));
            }
        }
        Ok(())
    }

    /// The error for a file that the run does not have; names the right that is missing.
    pub(super) async fn not_given(&self, flow: &str, file: &str) -> String {
        let found = self.parts().store.file(&FileId::from(file)).await;
        match found {
            Ok(Some(file)) => {
                let refused = not_accepted(flow, &read_right(&file));
                format!("{} was not given to this run, and {refused}", file.name)
            }
            _ => format!("there is no file {file:?}"),
        }
    }

    /// Whether a run has a file: it was given the file, has made it, or its flow may read the
    /// folder.
    pub(super) async fn has_file(
        &self,
        machine: &RunMachine,
        rights: &FlowRights,
        file: &str,
    ) -> Result<bool, HostError> {
        let plan = machine.plan();
        if given_in(plan, machine.inputs()).contains(file) || self.is_readable(rights, file).await? {
            return Ok(true);
        }
        // what is not durable yet may be taken back, so that it is not remembered
        let mut decided = Given::default();
        machine.decided().iter().for_each(|record| decided.take(plan, record));
        Ok(self.is_given(machine.run(), &decided, file, MAX_NESTED).await?
            || self.run_has(machine.run(), plan, file, MAX_NESTED).await?)
    }

    /// Whether a stored run has a file, according to its journal.
    pub(super) async fn stored_run_has_file(&self, run: &RunId, file: &str) -> Result<bool, HostError> {
        self.stored_run_has(run, file, MAX_NESTED).await
    }

    async fn stored_run_has(&self, run: &RunId, file: &str, hands: u32) -> Result<bool, HostError> {
        let Some(row) = self.parts().store.run(run).await? else {
            return Ok(false);
        };
        let plan = self.plan(&row.plan).await?;
        let rights = self.rights(&plan).await?;
        Ok(self.is_readable(&rights, file).await? || self.run_has(run, &plan, file, hands).await?)
    }

    /// Whether the flow may read the file's folder.
    pub(super) async fn is_readable(&self, rights: &FlowRights, file: &str) -> Result<bool, HostError> {
        let file = self.parts().store.file(&FileId::from(file)).await?;
        Ok(file.is_some_and(|file| rights.include(&read_right(&file))))
    }

    async fn run_has(&self, run: &RunId, plan: &Plan, file: &str, hands: u32) -> Result<bool, HostError> {
        let remembered = lock(&self.given).get(run).cloned();
        let mut given = remembered.unwrap_or_default();
        loop {
            let page = self.parts().store.journal(run, given.seq, PAGE).await?;
            for record in &page {
                given.take(plan, record);
                given.seq = record.seq;
            }
            if page.len() < PAGE {
                break;
            }
        }
        self.remember_given(run, given.clone());
        self.is_given(run, &given, file, hands).await
    }

    fn remember_given(&self, run: &RunId, given: Given) {
        let mut all = lock(&self.given);
        if all.len() >= REMEMBERED && !all.contains_key(run) {
            all.clear();
        }
        all.insert(run.clone(), given);
    }

    async fn is_given(&self, run: &RunId, given: &Given, file: &str, hands: u32) -> Result<bool, HostError> {
        if given.files.contains(file) {
            return Ok(true);
        }
        for (share, files) in &given.by_share {
            if files.contains(file) {
                let share = self.parts().store.share(share).await?;
                if share.is_some_and(|share| share.run.as_ref() == Some(run)) {
                    return Ok(true);
                }
            }
        }
        for (other, files) in &given.by_run {
            let has = hands > 0 && files.contains(file);
            if has && Box::pin(self.stored_run_has(other, file, hands - 1)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The right to read the folder of a file that nobody gave.
fn read_right(file: &File) -> FlowRight {
    FlowRight::Read {
        folder: Reach::Only(folder_name(file.workspace.as_str(), &file.folder)),
    }
}

#[cfg(test)]
mod tests {
    use super::files_in;
    use serde_json::json;

    #[test]
    fn files_are_found_wherever_they_stand() {
        let file = |id: &str| json!({ "id": id, "name": "a", "version": 1, "sha256": "00" });
        let input = json!({ "files": [file("fil_1"), { "deep": [file("fil_2")] }], "other": { "id": "fil_3" } });
        let found: Vec<String> = files_in(&input).into_iter().collect();
        assert_eq!(found, ["fil_1", "fil_2"]);
    }
}
