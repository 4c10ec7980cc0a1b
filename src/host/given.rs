//! Versions of files that a run may use: those that it was given or made, and those in folders that its flow may
//! read.
//!
//! A flow names a file by data, and data can come from anywhere: from the text of its author, from
//! another service, from a form. The rules here decide whether the run has the version that is named.
//!
//! Invariant: no version of a file gets from one run to another, or from the file space into a run, unless a
//! person with the right to it gave it, or the right to its folder was accepted with the flow. To have one
//! version gives a run no other one, except that people who are asked about a document are asked about the
//! versions that are stored while the process runs (`on_new_version`).

use super::children::MAX_NESTED;
use super::policy::not_accepted;
use super::triggers::BY_RUN;
use super::{Host, HostError, lock};
use crate::base::id::{FileId, RunId, ShareId};
use crate::base::rights::folder_name;
use crate::base::{FileRef, FlowRight, FlowRights, Reach, Timestamp, Value};
use crate::connect::ActionError;
use crate::engine::{Event, EventRecord, RUN_ENDED, RunMachine};
use crate::plan::{Plan, PlanVerb};
use crate::space::{File, SharedVersion};
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

/// The versions of files that a run has, as its journal tells of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    /// Sequence number of the last event read.
    seq: u64,
    /// Versions that were given to the run, or that it made.
    files: BTreeSet<SharedVersion>,
    /// Versions that came through shares; they count if the share is one of this run.
    by_share: Vec<(ShareId, BTreeSet<SharedVersion>)>,
    /// Versions that other runs gave at their end; they count if that run has them.
    by_run: Vec<(RunId, BTreeSet<SharedVersion>)>,
    /// Newer versions that people were asked about in the place of an earlier one; they count if the run has another
    /// version of the file.
    followed: BTreeSet<SharedVersion>,
}

/// Which versions of a file are looked for.
#[derive(Clone, Copy, Debug)]
enum Wanted<'w> {
    /// This one.
    Exact(&'w SharedVersion),
    /// Any version of the file.
    AnyOf(&'w FileId),
}

impl Wanted<'_> {
    fn is(self, found: &SharedVersion) -> bool {
        match self {
            Self::Exact(wanted) => found == wanted,
            Self::AnyOf(file) => found.file == *file,
        }
    }
}

impl Given {
    fn take(&mut self, plan: &Plan, record: &EventRecord) {
        match &record.event {
            Event::RunStarted { inputs, .. } => self.files.extend(given_in(plan, inputs)),
            Event::StepFinished { step, output, .. } if is_of_space(plan, step) => find_files(output, &mut self.files),
            Event::ItemChanged { files, .. } => {
                self.files.extend(files.iter().map(|item| version_in(&item.file)));
            }
            Event::DecisionsVoided { document, .. } => {
                self.followed.insert(version_in(document));
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

/// The version that a reference names.
pub(super) fn version_in(reference: &FileRef) -> SharedVersion {
    SharedVersion {
        file: FileId::from(reference.id.as_str()),
        version: reference.version,
    }
}

/// Versions that are named by inputs of type file: who gave them was asked for their rights.
fn given_in(plan: &Plan, inputs: &Value) -> BTreeSet<SharedVersion> {
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

/// The versions of files that `value` names, however deep.
pub(super) fn files_in(value: &Value) -> BTreeSet<SharedVersion> {
    let mut found = BTreeSet::new();
    find_files(value, &mut found);
    found
}

fn find_files(value: &Value, found: &mut BTreeSet<SharedVersion>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| find_files(item, found)),
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str);
            if let (Some(id), Some(_)) = (text("id"), text("sha256")) {
                found.insert(SharedVersion {
                    file: FileId::from(id),
                    // no version has the number 0, so that nobody has one that is not named
                    version: fields.get("version").and_then(Value::as_u64).unwrap_or_default(),
                });
            }
            fields.values().for_each(|field| find_files(field, found));
        }
        _ => {}
    }
}

impl Host {
    /// Refuses what an action of the file space is called with where it names a version that the run does not have.
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

    /// That a run does not have a version of a file, with the right that would let it.
    pub(super) async fn not_given(&self, flow: &str, wanted: &SharedVersion) -> String {
        let found = self.parts().store.file(&wanted.file).await;
        match found {
            Ok(Some(file)) => {
                let refused = not_accepted(flow, &read_right(&file));
                format!(
                    "version {} of {} was not given to this run, and {refused}",
                    wanted.version, file.name
                )
            }
            _ => format!("there is no file {:?}", wanted.file.as_str()),
        }
    }

    /// Whether a run has a version of a file: it was given it, has made it, or its flow may read the folder.
    pub(super) async fn has_file(
        &self,
        machine: &RunMachine,
        rights: &FlowRights,
        file: &SharedVersion,
    ) -> Result<bool, HostError> {
        let plan = machine.plan();
        let inputs = given_in(plan, machine.inputs());
        if inputs.contains(file) || self.is_readable(rights, &file.file).await? {
            return Ok(true);
        }
        let mut given = self.stored_given(machine.run(), plan).await?;
        // what is not durable yet may be taken back, so that it is not remembered
        machine.decided().iter().for_each(|record| given.take(plan, record));
        given.files.extend(inputs);
        self.is_given(machine.run(), &given, file, MAX_NESTED).await
    }

    /// Whether a run has the version that people are to be asked about, with the bytes that the reference names.
    pub(super) async fn has_document(
        &self,
        machine: &RunMachine,
        rights: &FlowRights,
        document: &FileRef,
    ) -> Result<bool, HostError> {
        let wanted = version_in(document);
        let Some(file) = self.parts().store.file(&wanted.file).await? else {
            // it lies in no folder of ours, so that a task about it lets nobody read anything
            return Ok(true);
        };
        let is_true = match file.version(wanted.version) {
            Some(version) => version.sha256 == document.sha256,
            // the run has just made it, and it is stored together with what follows from it
            None => made_just_now(machine, document),
        };
        Ok(is_true && self.has_file(machine, rights, &wanted).await?)
    }

    /// Whether people who are asked about `known` are asked about the `newer` version instead: the run has the earlier
    /// one, and the newer one was stored since the process began, or is the run's in any case.
    pub(super) async fn may_follow(
        &self,
        machine: &RunMachine,
        known: &FileRef,
        newer: &SharedVersion,
        stored_at: Timestamp,
    ) -> Result<bool, HostError> {
        let rights = self.rights(machine.plan()).await?;
        let is_later = stored_at >= self.began_at(machine).await?;
        Ok((is_later && self.has_document(machine, &rights, known).await?)
            || self.has_file(machine, &rights, newer).await?)
    }

    /// When the process began that a run belongs to: when the first run of its chain started.
    async fn began_at(&self, machine: &RunMachine) -> Result<Timestamp, HostError> {
        let parent = machine.parent().map(|parent| parent.run.clone());
        let before = parent.or_else(|| machine.initiator().strip_prefix(BY_RUN).map(RunId::from));
        let Some(before) = before else {
            return Ok(machine.started_at());
        };
        let root = self.root_of(&before).await?;
        let row = self.parts().store.run(&root).await?;
        Ok(row.map_or_else(|| machine.started_at(), |row| row.started_at))
    }

    /// Whether a run that is stored has a version of a file, as far as its journal tells.
    pub(super) async fn stored_run_has_file(&self, run: &RunId, file: &SharedVersion) -> Result<bool, HostError> {
        self.stored_run_has(run, file, MAX_NESTED).await
    }

    async fn stored_run_has(&self, run: &RunId, file: &SharedVersion, hands: u32) -> Result<bool, HostError> {
        let Some(row) = self.parts().store.run(run).await? else {
            return Ok(false);
        };
        let plan = self.plan(&row.plan).await?;
        let rights = self.rights(&plan).await?;
        if self.is_readable(&rights, &file.file).await? {
            return Ok(true);
        }
        let given = self.stored_given(run, &plan).await?;
        self.is_given(run, &given, file, hands).await
    }

    /// Whether the flow may read the folder that the file lies in.
    pub(super) async fn is_readable(&self, rights: &FlowRights, file: &FileId) -> Result<bool, HostError> {
        let file = self.parts().store.file(file).await?;
        Ok(file.is_some_and(|file| rights.include(&read_right(&file))))
    }

    /// What the stored journal of a run tells of its files.
    async fn stored_given(&self, run: &RunId, plan: &Plan) -> Result<Given, HostError> {
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
        Ok(given)
    }

    fn remember_given(&self, run: &RunId, given: Given) {
        let mut all = lock(&self.given);
        if all.len() >= REMEMBERED && !all.contains_key(run) {
            all.clear();
        }
        all.insert(run.clone(), given);
    }

    async fn is_given(&self, run: &RunId, given: &Given, file: &SharedVersion, hands: u32) -> Result<bool, HostError> {
        if self.came(run, given, Wanted::Exact(file), hands).await? {
            return Ok(true);
        }
        // who never had the file has no newer version of it either
        let is_followed = given.followed.contains(file);
        Ok(is_followed && self.came(run, given, Wanted::AnyOf(&file.file), hands).await?)
    }

    /// Whether a version came to the run by itself, and not in the place of another one.
    async fn came(&self, run: &RunId, given: &Given, wanted: Wanted<'_>, hands: u32) -> Result<bool, HostError> {
        if given.files.iter().any(|one| wanted.is(one)) {
            return Ok(true);
        }
        for (share, files) in &given.by_share {
            if files.iter().any(|one| wanted.is(one)) {
                let share = self.parts().store.share(share).await?;
                if share.is_some_and(|share| share.run.as_ref() == Some(run)) {
                    return Ok(true);
                }
            }
        }
        for (other, files) in given.by_run.iter().filter(|_| hands > 0) {
            for file in files.iter().filter(|one| wanted.is(one)) {
                if Box::pin(self.stored_run_has(other, file, hands - 1)).await? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// Whether a step that is not durable yet made this version, with these bytes.
fn made_just_now(machine: &RunMachine, document: &FileRef) -> bool {
    machine.decided().iter().any(|record| match &record.event {
        Event::StepFinished { step, output, .. } => is_of_space(machine.plan(), step) && has_bytes(output, document),
        _ => false,
    })
}

/// Whether a value names the version with these bytes.
fn has_bytes(value: &Value, document: &FileRef) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| has_bytes(item, document)),
        Value::Object(fields) => {
            let is = |name: &str, wanted: &str| fields.get(name).and_then(Value::as_str) == Some(wanted);
            let is_version = fields.get("version").and_then(Value::as_u64) == Some(document.version);
            (is_version && is("id", &document.id) && is("sha256", &document.sha256))
                || fields.values().any(|field| has_bytes(field, document))
        }
        _ => false,
    }
}

/// The right to use a file that nobody gave.
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
        let named = files_in(&input).into_iter();
        let named: Vec<(String, u64)> = named.map(|one| (one.file.to_string(), one.version)).collect();
        assert_eq!(named, [("fil_1".to_owned(), 1), ("fil_2".to_owned(), 1)]);
    }

    #[test]
    fn a_file_without_a_number_of_a_version_is_no_version_that_anybody_has() {
        for version in [json!(null), json!("1"), json!(1.0), json!(-1)] {
            let named = files_in(&json!({ "id": "fil_1", "sha256": "00", "version": version }));
            assert!(named.iter().all(|one| one.version == 0), "{version}");
            assert_eq!(named.len(), 1);
        }
    }
}
