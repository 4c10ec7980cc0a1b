//! The file space as its users meet it: every way to bytes goes through here, is decided by the
//! rules of `space`, and leaves a line in the access log, allowed or refused.

use super::once::{OnceKey, Repeat};
use super::retention::key_until;
use super::{Host, HostError};
use crate::audit::{AccessEntry, AccessKind, Origin};
use crate::base::id::{CommentId, EventId, FileId, RunId, ShareId};
use crate::base::{FileRef, Timestamp, Value, size};
use crate::engine::InboundEvent;
use crate::engine::event::Event;
use crate::plan::{Plan, PlanVerb};
use crate::space::access::{Denial, Right};
use crate::space::events::{CommentAdded, CommentRef};
use crate::space::life::{Crowded, MAX_SHARE_COMMENTS};
use crate::space::{Comment, File, Grant, Principal, Share, SpaceEvent, names};
use crate::store::{BlobError, BlobReader, Write};
use serde_json::json;
use std::io::SeekFrom;
use std::sync::Arc;
use tokio::io::AsyncSeekExt;

pub use super::downloads::{Download, SentBytes};
pub use super::visit::{ShareView, Visitor};

/// Bytes of one version.
#[derive(Debug)]
pub struct OpenFile {
    /// Which version.
    pub document: FileRef,
    /// The bytes.
    pub bytes: BlobReader,
    /// The download to record once all bytes were sent.
    pub download: Download,
}

impl OpenFile {
    /// Goes to a byte of the file and reads there, so that bytes that are damaged or cannot be read are refused before
    /// an answer begins. Whatever is found later breaks the answer off.
    pub async fn begin_at(&mut self, first: u64) -> Result<(), HostError> {
        self.bytes
            .seek(SeekFrom::Start(first))
            .await
            .map_err(|error| blob_error(error.into()))?;
        self.bytes.load().await.map_err(blob_error)
    }
}

impl Host {
    /// Opens a file of the share, at the given version or the newest. The access log records each
    /// request and its end; with `is_told`, flows also receive an event at the end.
    pub async fn download(
        self: &Arc<Self>,
        visitor: &Visitor,
        file: &FileId,
        version: Option<u64>,
        is_told: bool,
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
        self.record(vec![Write::Access(entry.clone())]).await?;
        let holder = (visitor.grant.to != Principal::Link).then(|| visitor.grant.id.to_string());
        let download = Download::new(entry, is_told.then(|| document.clone()), holder);
        Ok(OpenFile {
            document,
            bytes,
            download,
        })
    }

    /// The requested version of a file in the visitor's share, or the newest one. Every version
    /// outside the share gives the same error, so that a visitor cannot find out which other files
    /// exist.
    async fn shared_version(
        &self,
        visitor: &Visitor,
        file: &FileId,
        version: Option<u64>,
    ) -> Result<FileRef, HostError> {
        let hidden = || HostError::NotFound("such file in this share".to_owned());
        if !visitor.share.holds(file) {
            return Err(hidden());
        }
        let stored = self.parts().store.file(file).await?.ok_or_else(hidden)?;
        let version = visitor.share.version_of(&stored, version).ok_or_else(hidden)?;
        Ok(stored.reference_to(version))
    }

    /// What a comment is about, if it is fit to be one.
    async fn comment_about(
        &self,
        visitor: &Visitor,
        file: Option<&FileId>,
        text: &str,
    ) -> Result<Option<FileRef>, HostError> {
        names::check_comment(text).map_err(|error| HostError::Invalid(error.of("the comment")))?;
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
        self.comment_once(visitor, file, text, None).await
    }

    /// Writes a comment like [`Self::comment`]. With an idempotency key, a repeat through the same
    /// link returns the first comment.
    pub async fn comment_once(
        self: &Arc<Self>,
        visitor: &Visitor,
        file: Option<&FileId>,
        text: &str,
        once: Option<Repeat>,
    ) -> Result<Comment, HostError> {
        let mut entry = self.entry(visitor, AccessKind::Comment);
        entry.file = file.map(ToString::to_string);
        let visitor = self.allow(visitor, Right::Comment, &entry).await?;
        let content = json!({ "comment": text, "file": file });
        let once = &once.map(|once| once.through(&visitor.grant.id, &content));
        let (visitor, entry) = (&visitor, &entry);
        self.decide_anew("the share", || async move {
            if let Some(before) = self.comment_before(visitor, once.as_ref()).await? {
                return Ok((before, Vec::new()));
            }
            let mut entry = entry.clone();
            let about = match self.comment_about(visitor, file, text).await {
                Ok(about) => about,
                Err(error) => return Err(self.refused(&entry, error).await),
            };
            entry.version = about.as_ref().map(|document| document.version);
            entry.sha256 = about.as_ref().map(|document| document.sha256.clone());
            let comment = Comment {
                id: CommentId(format!("{}_{}", CommentId::PREFIX, self.new_id())),
                share: visitor.share.id.clone(),
                file: file.cloned(),
                text: text.to_owned(),
                by: visitor.actor.clone(),
                at: entry.at,
            };
            let used = |once: &OnceKey| once.used_for(comment.id.to_string(), key_until(entry.at));
            let mut writes = vec![
                Write::AddComment(comment.clone()),
                Write::Access(entry.clone()),
                Write::Event(added(&comment, about)),
            ];
            writes.extend(once.as_ref().map(used));
            Ok((comment, writes))
        })
        .await
    }

    /// The comment that was already written under `once`.
    async fn comment_before(&self, visitor: &Visitor, once: Option<&OnceKey>) -> Result<Option<Comment>, HostError> {
        let Some(once) = once else { return Ok(None) };
        let Some(id) = self.used_before(once).await? else {
            return Ok(None);
        };
        let comments = self.parts().store.comments_in(&visitor.share.id).await?;
        Ok(comments.into_iter().find(|comment| comment.id.as_str() == id))
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
        match self.decide_access(&visitor.share, &visitor.grant, right, entry.at) {
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
                is_verified: visitor.is_verified,
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
                | HostError::TooLarge(_)
                | HostError::PasswordNeeded { .. }
                | HostError::CodeNeeded { .. }
        );
        if !is_asked_for {
            return why;
        }
        let entry = AccessEntry {
            refused: Some(why.to_string()),
            ..entry.clone()
        };
        match self.record_refusal(entry).await {
            Ok(()) => why,
            Err(error) => error,
        }
    }

    /// Logs a refusal and gives it back as an error.
    pub(super) async fn refuse(self: &Arc<Self>, mut entry: AccessEntry, denial: Denial) -> HostError {
        entry.refused = Some(denial.to_string());
        match self.record_refusal(entry).await {
            Ok(()) => HostError::Denied(denial),
            Err(error) => error,
        }
    }

    /// The beginning of a line in the access log.
    pub(super) fn entry(&self, visitor: &Visitor, kind: AccessKind) -> AccessEntry {
        AccessEntry {
            has_link_only: !visitor.is_verified,
            ..share_entry(kind, &visitor.actor, &visitor.share, self.now())
        }
    }
}

/// The event of a comment.
fn added(comment: &Comment, about: Option<FileRef>) -> InboundEvent {
    let event = CommentAdded {
        share: comment.share.to_string(),
        comment: CommentRef {
            id: comment.id.to_string(),
            text: comment.text.clone(),
        },
        file: about,
        by: comment.by.clone(),
        at: comment.at,
    };
    inbound(EventId::derived(comment.id.as_str()), &event, comment.at)
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
        has_link_only: false,
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
        has_link_only: false,
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
        BlobError::TooLarge { limit } => {
            HostError::TooLarge(format!("the file is larger than {}", size::in_words(limit)))
        }
        BlobError::Interrupted(why) => {
            HostError::Invalid(format!("the upload was interrupted: {why}; nothing was stored"))
        }
        BlobError::Full(why) => HostError::Store(crate::store::StoreError::Full(why.to_string())),
        BlobError::Missing(sha256) => HostError::BytesLost { sha256, how: "missing" },
        BlobError::Damaged(sha256) => HostError::BytesLost { sha256, how: "damaged" },
        BlobError::Failed(why) => HostError::DiskFailed(why.to_string()),
    }
}
