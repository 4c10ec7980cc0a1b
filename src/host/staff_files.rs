//! File access for people in the directory. `space::reach` decides what they may read, from the
//! directory and the tasks at the time of the request.

use super::downloads::Download;
use super::files::{OpenFile, blob_error, file_entry};
use super::{Host, HostError};
use crate::audit::AccessKind;
use crate::base::id::{FileId, WorkspaceId};
use crate::engine::event::Event;
use crate::people::roles;
use crate::space::{File, SharedVersion, StaffReader, Version, Workspace, names};
use crate::store::{TaskRow, TaskState, Write};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Reason in the access log when a person may not read a file.
const NO_RIGHT: &str = "not uploaded by them, no task on it, no role";

/// A file in a list, with the newest version that the requester may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    /// The file.
    pub file: File,
    /// The version.
    pub version: Version,
}

impl Host {
    /// Opens a file for a person in the directory, at the requested version or the newest one that
    /// they may read. They may read versions that they stored, are asked about or decided on;
    /// operators and administrators may read everything.
    pub async fn open_file(
        self: &Arc<Self>,
        by: &str,
        file: &FileId,
        version: Option<u64>,
    ) -> Result<OpenFile, HostError> {
        let stored = self.stored_file(file).await?;
        let mut entry = file_entry(AccessKind::Download, by, file, self.now());
        entry.version = version;
        let reader = self.reader_of(by, &stored).await?;
        let Some(found) = reader.version_of(&stored, version) else {
            // a person who may read no version of the file does not learn which versions exist
            let (reason, why) = match reader.version_of(&stored, None) {
                Some(_) if stored.version(version.unwrap_or_default()).is_some() => {
                    (NO_RIGHT, format!("such version of {} that you may read", stored.name))
                }
                Some(_) => ("no such version", format!("such version of {}", stored.name)),
                None => (NO_RIGHT, format!("file {file}")),
            };
            entry.refused = Some(reason.to_owned());
            self.record(vec![Write::Access(entry)]).await?;
            return Err(HostError::NotFound(why));
        };
        let document = stored.reference_to(found);
        let blobs = &self.parts().blobs;
        let bytes = blobs.open_blob(&document.sha256).await.map_err(blob_error)?;
        entry.version = Some(document.version);
        entry.sha256 = Some(document.sha256.clone());
        self.record(vec![Write::Access(entry.clone())]).await?;
        Ok(OpenFile {
            document,
            bytes,
            download: Download::new(entry, None),
        })
    }

    /// Files below a folder of the main workspace that a person stored, is asked about, or may read
    /// because of their role. Sorted by folder and name, at most `limit` after the file `after`.
    pub async fn files_below(
        &self,
        by: &str,
        folder: &str,
        after: Option<&FileId>,
        limit: usize,
    ) -> Result<Vec<ListedFile>, HostError> {
        let folder = names::folder(folder).map_err(|error| HostError::Invalid(error.to_string()))?;
        let workspace = WorkspaceId::from(Workspace::MAIN);
        let store = &self.parts().store;
        let mut last = match after {
            Some(file) => Some(self.stored_file(file).await?),
            None => None,
        };
        let mut reader = self.by_role(by);
        if !reader.is_operator {
            reader.asked = asked_about(by, &store.open_tasks(Some(by)).await?);
        }
        let mut found = Vec::new();
        loop {
            let after = last.as_ref().map(|file| (file.folder.as_str(), file.name.as_str()));
            let files = store.files_below(&workspace, &folder, after, limit).await?;
            let is_last = files.len() < limit;
            for file in &files {
                found.extend(reader.version_of(file, None).map(|version| ListedFile {
                    version: version.clone(),
                    file: file.clone(),
                }));
                if found.len() == limit {
                    return Ok(found);
                }
            }
            if is_last {
                return Ok(found);
            }
            last = files.into_iter().last();
        }
    }

    /// The read permissions of a person for one file.
    pub(super) async fn reader_of(&self, by: &str, file: &File) -> Result<StaffReader, HostError> {
        let mut reader = self.by_role(by);
        if reader.is_operator || !self.directory().is_entitled(by, None) {
            return Ok(reader);
        }
        let tasks = self.parts().store.tasks_about(&file.id).await?;
        reader.asked = asked_about(by, &tasks);
        for task in &tasks {
            reader.decided.extend(self.decided_on(by, task).await?);
        }
        Ok(reader)
    }

    /// The read permissions that a person has because of their roles alone.
    fn by_role(&self, by: &str) -> StaffReader {
        let directory = self.directory();
        let person = by.strip_prefix("user:").and_then(|user| directory.users.get(user));
        let has = |role: &&str| person.is_some_and(|person| person.roles.contains(*role));
        StaffReader {
            person: by.to_owned(),
            is_operator: [roles::ADMIN, roles::OPERATOR].iter().any(has),
            ..StaffReader::default()
        }
    }

    /// SHA-256 of the versions on which a person decided in a task, including decisions that a
    /// newer version made void.
    async fn decided_on(&self, by: &str, task: &TaskRow) -> Result<BTreeSet<String>, HostError> {
        let journal = self.journal(&task.run, 0, usize::MAX).await?;
        let decided = journal.into_iter().filter_map(|line| match line.event {
            Event::DecisionRecorded { task: one, record } if one == task.id && record.by == by => record.sha256,
            _ => None,
        });
        Ok(decided.collect())
    }
}

/// The versions about which open tasks ask a person.
fn asked_about(by: &str, tasks: &[TaskRow]) -> BTreeSet<SharedVersion> {
    let asked = tasks
        .iter()
        .filter(|task| task.state == TaskState::Open && task.listed_for().any(|one| one == by));
    let documents = asked.filter_map(|task| task.document.as_ref());
    documents
        .map(|document| SharedVersion {
            file: FileId(document.id.clone()),
            version: document.version,
        })
        .collect()
}
