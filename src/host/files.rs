//! The file space as its users meet it: every way to bytes goes through here, is decided by the
//! rules of `space`, and leaves a line in the access log, allowed or refused.

use super::{Host, HostError};
use crate::audit::{AccessEntry, AccessKind, Origin};
use crate::base::id::{CommentId, EventId, FileId, RunId, ShareId, WorkspaceId};
use crate::base::{FileRef, Timestamp, Value};
use crate::engine::InboundEvent;
use crate::engine::event::Event;
use crate::people::roles;
use crate::plan::{Plan, PlanVerb};
use crate::space::access::{Denial, Right, decide};
use crate::space::events::{CommentAdded, CommentRef, FileDownloaded};
use crate::space::life::{Crowded, MAX_SHARE_COMMENTS};
use crate::space::{Comment, File, Grant, Share, SpaceEvent, Workspace, names};
use crate::store::{BlobError, BlobReader, Write};
use std::collections::BTreeSet;
use std::sync::Arc;

pub use super::visit::{ShareView, Visitor};

/// Bytes of one version.
#[derive(Debug)]
pub struct OpenFile {
    /// Which version.
    pub document: FileRef,
    /// The bytes.
    pub bytes: BlobReader,
}

/// Somebody of the directory who wants to open files.
struct Reader<'b> {
    by: &'b str,
    runs_the_place: bool,
    asked_about: BTreeSet<String>,
}

impl Reader<'_> {
    /// Whoever runs the place, put a version, or is asked about the file.
    fn may_open(&self, file: &File) -> bool {
        self.runs_the_place
            || file.versions.iter().any(|version| version.by == self.by)
            || self.asked_about.contains(file.id.as_str())
    }
}

impl Host {
    /// Bytes of a file of the share, at a version or the newest. The access log tells of every
    /// asking; an event tells of a download where `is_download` says of the version that this
    /// answer is one, or ends one.
    pub async fn download(
        self: &Arc<Self>,
        visitor: &Visitor,
        file: &FileId,
        version: Option<u64>,
        is_download: impl FnOnce(&FileRef) -> bool,
    ) -> Result<OpenFile, HostError> {
        let mut entry = self.entry(visitor, AccessKind::Download);
        entry.file = Some(file.to_string());
        let visitor = self.allow(visitor, Right::Download, &entry).await?;
        let document = match self.shared_version(&visitor, file, version).await {
            Ok(document) => document,
            Err(error) => return Err(self.refused(&entry, error).await),
        };
        let bytes = self
            .parts()
            .blobs
            .open_blob(&document.sha256)
            .await
            .map_err(blob_error)?;
        entry.version = Some(document.version);
        entry.sha256 = Some(document.sha256.clone());
        let event = FileDownloaded {
            share: Some(visitor.share.id.to_string()),
            file: document.clone(),
            by: visitor.actor.clone(),
            at: entry.at,
        };
        let event = inbound(
            EventId(format!("{}_{}", EventId::PREFIX, self.new_id())),
            &event,
            entry.at,
        );
        let mut writes = vec![Write::Access(entry)];
        if is_download(&document) {
            writes.push(Write::Event(event));
        }
        self.record(writes).await?;
        Ok(OpenFile { document, bytes })
    }

    /// A version of a file that is in the share.
    async fn shared_version(
        &self,
        visitor: &Visitor,
        file: &FileId,
        version: Option<u64>,
    ) -> Result<FileRef, HostError> {
        if !visitor.share.files.contains(file) {
            return Err(HostError::NotFound("such file in this share".to_owned()));
        }
        version_of(&self.stored_file(file).await?, version)
    }

    /// What a comment is about, if it is fit to be one.
    async fn comment_about(
        &self,
        visitor: &Visitor,
        file: Option<&FileId>,
        text: &str,
    ) -> Result<Option<FileRef>, HostError> {
        names::check_comment(text).map_err(|error| HostError::Invalid(format!("the comment: {error}")))?;
        let comments = self.parts().store.comments_in(&visitor.share.id).await?;
        if comments.len() >= MAX_SHARE_COMMENTS {
            return Err(HostError::Conflict(Crowded::Comments.to_string()));
        }
        match file {
            Some(file) => self.shared_version(visitor, file, None).await.map(Some),
            None => Ok(None),
        }
    }

    /// Writes a comment.
    pub async fn comment(
        self: &Arc<Self>,
        visitor: &Visitor,
        file: Option<&FileId>,
        text: &str,
    ) -> Result<Comment, HostError> {
        let mut entry = self.entry(visitor, AccessKind::Comment);
        entry.file = file.map(ToString::to_string);
        let visitor = self.allow(visitor, Right::Comment, &entry).await?;
        let about = match self.comment_about(&visitor, file, text).await {
            Ok(about) => about,
            Err(error) => return Err(self.refused(&entry, error).await),
        };
        let comment = Comment {
            id: CommentId(format!("{}_{}", CommentId::PREFIX, self.new_id())),
            share: visitor.share.id.clone(),
            file: file.cloned(),
            text: text.to_owned(),
            by: visitor.actor.clone(),
            at: entry.at,
        };
        let event = CommentAdded {
            share: visitor.share.id.to_string(),
            comment: CommentRef {
                id: comment.id.to_string(),
                text: text.to_owned(),
            },
            file: about.clone(),
            by: visitor.actor.clone(),
            at: entry.at,
        };
        let event = inbound(EventId::derived(comment.id.as_str()), &event, entry.at);
        self.record(vec![
            Write::AddComment(comment.clone()),
            Write::Access(entry),
            Write::Event(event),
        ])
        .await?;
        Ok(comment)
    }

    /// Bytes of a file, for a person of the directory: whoever put a version, is asked to decide
    /// on it, or runs the place.
    pub async fn open_file(
        self: &Arc<Self>,
        by: &str,
        file: &FileId,
        version: Option<u64>,
    ) -> Result<OpenFile, HostError> {
        let stored = self.stored_file(file).await?;
        let mut entry = file_entry(AccessKind::Download, by, file, self.now());
        if !self.may_open(by, &stored).await? {
            entry.refused = Some("not uploaded by them, no task on it, no role".to_owned());
            self.record(vec![Write::Access(entry)]).await?;
            return Err(HostError::NotFound(format!("file {file}")));
        }
        let document = match version_of(&stored, version) {
            Ok(document) => document,
            Err(error) => return Err(self.refused(&entry, error).await),
        };
        let bytes = self
            .parts()
            .blobs
            .open_blob(&document.sha256)
            .await
            .map_err(blob_error)?;
        entry.version = Some(document.version);
        entry.sha256 = Some(document.sha256.clone());
        self.record(vec![Write::Access(entry)]).await?;
        Ok(OpenFile { document, bytes })
    }

    /// Files below a folder of the main workspace that somebody of the directory may open, by folder
    /// and name, at most `limit` after the file `after`.
    pub async fn files_below(
        &self,
        by: &str,
        folder: &str,
        after: Option<&FileId>,
        limit: usize,
    ) -> Result<Vec<File>, HostError> {
        let folder = names::folder(folder).map_err(|error| HostError::Invalid(error.to_string()))?;
        let workspace = WorkspaceId::from(Workspace::MAIN);
        let mut last = match after {
            Some(file) => Some(self.stored_file(file).await?),
            None => None,
        };
        let reader = self.reader(by).await?;
        let mut found = Vec::new();
        loop {
            let after = last.as_ref().map(|file| (file.folder.as_str(), file.name.as_str()));
            let files = self
                .parts()
                .store
                .files_below(&workspace, &folder, after, limit)
                .await?;
            let is_last = files.len() < limit;
            for file in &files {
                if reader.may_open(file) {
                    found.push(file.clone());
                }
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

    /// Lines of the access log, oldest first, at most `limit` after position `after`.
    pub async fn access_log(
        &self,
        share: Option<&ShareId>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, AccessEntry)>, HostError> {
        Ok(self.parts().store.access_log(share, after, limit).await?)
    }

    pub(super) async fn may_open(&self, by: &str, file: &File) -> Result<bool, HostError> {
        Ok(self.reader(by).await?.may_open(file))
    }

    /// What somebody of the directory may open.
    async fn reader<'b>(&self, by: &'b str) -> Result<Reader<'b>, HostError> {
        let directory = self.directory();
        let person = by.strip_prefix("user:").and_then(|user| directory.users.get(user));
        let runs_the_place = person.is_some_and(|person| {
            [roles::ADMIN, roles::OPERATOR]
                .iter()
                .any(|role| person.roles.contains(*role))
        });
        let tasks = if runs_the_place {
            Vec::new()
        } else {
            self.parts().store.open_tasks(Some(by)).await?
        };
        let asked_about = tasks.into_iter().filter_map(|task| Some(task.document?.id)).collect();
        Ok(Reader {
            by,
            runs_the_place,
            asked_about,
        })
    }

    /// The shares that a run made, with their grants.
    pub async fn shares_of(&self, run: &RunId) -> Result<Vec<(Share, Vec<Grant>)>, HostError> {
        let plan = self.plan_of_run(run).await?;
        let mut shares = Vec::new();
        for record in self.journal(run, 0, usize::MAX).await? {
            let id = match record.event {
                Event::StepFinished { step, output, .. } => shared_by(&plan, &step, &output),
                Event::CollectOpened { request, .. } => Some(request),
                _ => None,
            };
            let Some(id) = id else { continue };
            if let Some(share) = self.parts().store.share(&ShareId(id)).await? {
                let grants = self.parts().store.grants_of(&share.id).await?;
                shares.push((share, grants));
            }
        }
        Ok(shares)
    }

    pub(super) async fn stored_file(&self, file: &FileId) -> Result<File, HostError> {
        self.parts()
            .store
            .file(file)
            .await?
            .ok_or_else(|| HostError::NotFound(format!("file {file}")))
    }

    /// Whether `right` is the visitor's now. A refusal is logged.
    pub(super) async fn allow(
        self: &Arc<Self>,
        visitor: &Visitor,
        right: Right,
        entry: &AccessEntry,
    ) -> Result<Visitor, HostError> {
        let visitor = self.look_again(visitor).await?;
        match decide(&visitor.share, &visitor.grant, right, entry.at) {
            Ok(()) => Ok(visitor),
            Err(denial) => Err(self.refuse(entry.clone(), denial).await),
        }
    }

    /// The visitor with share and grant as they stand now.
    pub(super) async fn look_again(&self, visitor: &Visitor) -> Result<Visitor, HostError> {
        let store = &self.parts().store;
        let grant = store.grant(&visitor.grant.id).await?;
        let share = store.share(&visitor.share.id).await?;
        match (grant, share) {
            (Some(grant), Some(share)) => Ok(Visitor {
                grant,
                share,
                actor: visitor.actor.clone(),
            }),
            _ => Err(HostError::NotFound("such share".to_owned())),
        }
    }

    /// Logs that something was refused for what was asked, and gives the reason back. A failure
    /// inside is no refusal, and one that the rules gave is logged already.
    pub(super) async fn refused(self: &Arc<Self>, entry: &AccessEntry, why: HostError) -> HostError {
        let is_asked_for = matches!(
            why,
            HostError::NotFound(_)
                | HostError::Invalid(_)
                | HostError::Conflict(_)
                | HostError::TooLarge { .. }
                | HostError::PasswordNeeded { .. }
                | HostError::CodeNeeded { .. }
        );
        if !is_asked_for {
            return why;
        }
        self.metrics().accesses_refused.add(1);
        let entry = AccessEntry {
            refused: Some(why.to_string()),
            ..entry.clone()
        };
        match self.record(vec![Write::Access(entry)]).await {
            Ok(()) => why,
            Err(error) => error,
        }
    }

    /// Logs a refusal and gives it back as an error.
    pub(super) async fn refuse(self: &Arc<Self>, mut entry: AccessEntry, denial: Denial) -> HostError {
        entry.refused = Some(denial.to_string());
        self.metrics().accesses_refused.add(1);
        match self.record(vec![Write::Access(entry)]).await {
            Ok(()) => HostError::Denied(denial),
            Err(error) => error,
        }
    }

    /// The beginning of a line in the access log.
    pub(super) fn entry(&self, visitor: &Visitor, kind: AccessKind) -> AccessEntry {
        share_entry(kind, &visitor.actor, &visitor.share, self.now())
    }
}

/// The share that a step made, if it made one.
fn shared_by(plan: &Plan, step: &str, output: &Value) -> Option<String> {
    let PlanVerb::Uses {
        acquires: Some(acquires),
        ..
    } = &plan.step(step)?.verb
    else {
        return None;
    };
    let is_share = ["share", "request"].contains(&acquires.kind.as_str());
    let id = output.get(&acquires.output).and_then(Value::as_str);
    id.filter(|_| is_share).map(str::to_owned)
}

/// A version of a file as documents are named, or the newest.
pub(super) fn version_of(file: &File, version: Option<u64>) -> Result<FileRef, HostError> {
    let found = match version {
        Some(number) => file.version(number),
        None => Some(file.current()),
    };
    let found = found.ok_or_else(|| HostError::NotFound(format!("such version of {}", file.name)))?;
    Ok(file.reference_to(found))
}

pub(super) fn file_entry(kind: AccessKind, by: &str, file: &FileId, at: Timestamp) -> AccessEntry {
    AccessEntry {
        at,
        actor: by.to_owned(),
        kind,
        share: None,
        file: Some(file.to_string()),
        version: None,
        sha256: None,
        refused: None,
        run: None,
        origin: Origin::default(),
    }
}

/// The beginning of a line in the access log about a share.
pub(super) fn share_entry(kind: AccessKind, actor: &str, share: &Share, at: Timestamp) -> AccessEntry {
    AccessEntry {
        at,
        actor: actor.to_owned(),
        kind,
        share: Some(share.id.to_string()),
        file: None,
        version: None,
        sha256: None,
        refused: None,
        run: share.run.as_ref().map(ToString::to_string),
        origin: Origin::default(),
    }
}

/// An event of the file space, to be recorded.
pub(super) fn inbound<E: SpaceEvent>(id: EventId, event: &E, at: Timestamp) -> InboundEvent {
    InboundEvent {
        id,
        kind: E::KIND.to_owned(),
        subjects: event.subjects(),
        key: None,
        data: event.data(),
        at,
    }
}

pub(super) fn blob_error(error: BlobError) -> HostError {
    match error {
        BlobError::TooLarge { limit } => HostError::TooLarge { limit },
        BlobError::Interrupted(why) => HostError::Invalid(format!("the upload broke off: {why}; nothing was kept")),
        BlobError::Full(why) => HostError::Store(crate::store::StoreError::Full(why.to_string())),
        BlobError::Missing(sha256) => HostError::BytesLost { sha256, how: "missing" },
        BlobError::Damaged(sha256) => HostError::BytesLost { sha256, how: "damaged" },
        BlobError::Failed(why) => HostError::DiskFailed(why.to_string()),
    }
}
