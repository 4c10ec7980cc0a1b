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
            download: Download::new(entry, None, Some(by.to_owned())),
        })
    }

    /// Files below a folder of the main workspace that somebody of the directory put, is asked about, decided on, or
    /// may read by their role, by folder and name, at most `limit` after the file `after`.
    pub async fn files_below(
        self: &Arc<Self>,
        by: &str,
        folder: &str,
        after: Option<&FileId>,
        limit: usize,
    ) -> Result<Vec<ListedFile>, HostError> {
        let folder = names::folder(folder).map_err(|error| HostError::Invalid(error.to_string()))?;
        let workspace = WorkspaceId::from(Workspace::MAIN);
        let mut last = match after {
            Some(file) => Some(self.stored_file(file).await?),
            None => None,
        };
        let by_role = self.by_role(by);
        let mut found = Vec::new();
        loop {
            let after = last.as_ref().map(|file| (file.folder.as_str(), file.name.as_str()));
            let files = self
                .parts()
                .store
                .files_below(&workspace, &folder, after, limit)
                .await?;
            let is_last = files.len() < limit;
            let tasks = self.tasks_for(&by_role, &files).await?;
            for file in &files {
                let reader = with_tasks(by_role.clone(), tasks.iter().filter(|task| is_about(task, file)));
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

    /// What somebody of the directory may read of one file.
    pub(super) async fn reader_of(self: &Arc<Self>, by: &str, file: &File) -> Result<StaffReader, HostError> {
        let by_role = self.by_role(by);
        let tasks = self.tasks_for(&by_role, std::slice::from_ref(file)).await?;
        let mut reader = with_tasks(by_role, &tasks);
        for task in &tasks {
            let decided = self.decided_on(&reader, task).await?;
            reader.decided.extend(decided);
        }
        Ok(reader)
    }

    /// The tasks about these files that may let somebody of the directory read them, with their people as the
    /// directory has them now.
    async fn tasks_for(self: &Arc<Self>, reader: &StaffReader, files: &[File]) -> Result<Vec<TaskRow>, HostError> {
        if reader.is_operator || reader.has_left || !self.directory().is_entitled(&reader.person, None) {
            return Ok(Vec::new());
        }
        let ids: Vec<FileId> = files.iter().map(|file| file.id.clone()).collect();
        let tasks = self.parts().store.tasks_about(&ids).await?;
        self.up_to_date(tasks, Some(&reader.person)).await
    }

    /// What somebody of the directory may read because of their role alone.
    fn by_role(&self, by: &str) -> StaffReader {
        let directory = self.directory();
        let user = by.strip_prefix("user:");
        let person = user.and_then(|user| directory.users.get(user));
        let has = |role: &&str| person.is_some_and(|person| person.roles.contains(*role));
        StaffReader {
            person: by.to_owned(),
            has_left: user.is_some() && person.is_none(),
            since: self.earlier_until(by),
            is_operator: [roles::ADMIN, roles::OPERATOR].iter().any(has),
            ..StaffReader::default()
        }
    }

    /// SHA-256 of the versions that somebody decided on in a task, as its journal has them: what an older build stored
    /// of a task does not have those that a newer version made void.
    async fn decided_on(&self, reader: &StaffReader, task: &TaskRow) -> Result<BTreeSet<String>, HostError> {
        let journal = self.journal(&task.run, 0, usize::MAX).await?;
        let decided = journal.into_iter().filter_map(|line| match line.event {
            Event::DecisionRecorded { task: one, record }
                if one == task.id && record.by == reader.person && reader.is_about_them(record.at) =>
            {
                record.sha256
            }
            _ => None,
        });
        Ok(decided.collect())
    }
}

fn is_about(task: &TaskRow, file: &File) -> bool {
    let document = task.document.as_ref();
    document.is_some_and(|document| document.id == file.id.as_str())
}

/// What somebody may read because of tasks beside what their role gives them: the versions that open tasks ask them
/// about, and those that they decided on.
fn with_tasks<'t>(mut reader: StaffReader, tasks: impl IntoIterator<Item = &'t TaskRow>) -> StaffReader {
    for task in tasks {
        if let Some(document) = &task.document
            && task.state == TaskState::Open
            && task.asks(&reader.person, reader.since)
        {
            reader.asked.insert(SharedVersion {
                file: FileId(document.id.clone()),
                version: document.version,
            });
        }
        let decided = task.decided_by(&reader.person, reader.since);
        reader
            .decided
            .extend(decided.filter_map(|record| record.sha256.clone()));
    }
    reader
}
