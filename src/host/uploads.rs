//! New versions of files: through a share, or by a person of the directory.
//!
//! Bytes come in first, and as long as they take. What they become is decided afterwards, on what
//! is stored then, and committed in the same transaction as the access log and the event.

use super::expiries::{check_day, counts};
use super::files::{Visitor, blob_error, file_entry, inbound, version_of};
use super::once::{self, OnceKey, Repeat};
use super::retention::key_until;
use super::{Host, HostError};
use crate::audit::{AccessEntry, AccessKind};
use crate::base::id::{EventId, FileId, WorkspaceId};
use crate::base::{FileRef, Timestamp};
use crate::engine::InboundEvent;
use crate::space::access::Right;
use crate::space::events::FileUploaded;
use crate::space::life::has_room;
use crate::space::media::media_type;
use crate::space::{Content, File, Locked, Paper, Share, SharedVersion, State, Workspace, names};
use crate::store::{StoredBlob, Write};
use serde_json::json;
use std::sync::Arc;
use tokio::io::AsyncRead;

/// What an upload is about to become.
pub(super) struct Incoming<'a> {
    pub(super) name: &'a str,
    pub(super) blob: &'a StoredBlob,
    pub(super) by: &'a str,
    pub(super) at: Timestamp,
}

/// A file that was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// Its version.
    pub document: FileRef,
    /// Whether that version was there already, with the same bytes.
    pub is_unchanged: bool,
}

impl Sent {
    /// A version that was not there before, or whose upload is repeated.
    pub(super) fn new(document: FileRef) -> Self {
        Self {
            document,
            is_unchanged: false,
        }
    }
}

impl Incoming<'_> {
    /// Whether these are the bytes of the newest version.
    pub(super) fn is_newest_of(&self, file: &File) -> bool {
        file.current().sha256 == self.blob.sha256
    }
}

/// Where an upload goes.
pub(super) struct Place {
    pub(super) folder: String,
    /// The file of which it becomes a new version, if any.
    pub(super) existing: Option<File>,
}

impl Host {
    /// Uploads a file into the share. It becomes a new version of the shared file of this name, or
    /// else a new file, even if the folder has another file of this name.
    pub async fn upload(
        self: &Arc<Self>,
        visitor: &Visitor,
        name: &str,
        bytes: impl AsyncRead + Send + Unpin,
    ) -> Result<FileRef, HostError> {
        self.upload_once(visitor, name, bytes, None).await
    }

    /// Uploads a file like [`Self::upload`]. With an idempotency key, a repeat through the same
    /// link returns the first document.
    pub async fn upload_once(
        self: &Arc<Self>,
        visitor: &Visitor,
        name: &str,
        bytes: impl AsyncRead + Send + Unpin,
        once: Option<Repeat>,
    ) -> Result<FileRef, HostError> {
        Ok(self.send_upload(visitor, name, bytes, once).await?.document)
    }

    /// The same, with whether the bytes were there already. Such an upload makes no version, and only what waits for one
    /// hears of it.
    pub async fn send_upload(
        self: &Arc<Self>,
        visitor: &Visitor,
        name: &str,
        bytes: impl AsyncRead + Send + Unpin,
        once: Option<Repeat>,
    ) -> Result<Sent, HostError> {
        let entry = self.entry(visitor, AccessKind::Upload);
        self.allow(visitor, Right::Upload, &entry).await?;
        match self.upload_allowed(visitor, name, bytes, once).await {
            Ok(sent) => Ok(sent),
            Err(error) => Err(self.refused(&entry, error).await),
        }
    }

    async fn upload_allowed(
        self: &Arc<Self>,
        visitor: &Visitor,
        name: &str,
        bytes: impl AsyncRead + Send + Unpin,
        once: Option<Repeat>,
    ) -> Result<Sent, HostError> {
        if visitor.share.request.is_some() {
            let why = "this is a request: say which item the file is for";
            return Err(HostError::Invalid(why.to_owned()));
        }
        let name = &one_form(name)?;
        let blob = self.store_blob(bytes).await?;
        let sent = self.put_into(visitor, name, &blob, once).await;
        self.keep_or_discard(blob, sent).await
    }

    async fn put_into(
        self: &Arc<Self>,
        visitor: &Visitor,
        name: &str,
        blob: &StoredBlob,
        once: Option<Repeat>,
    ) -> Result<Sent, HostError> {
        let content = json!({ "upload": name, "sha256": blob.sha256 });
        let once = &once.map(|once| once.through(&visitor.grant.id, &content));
        let _alone = self.uploads.of((&visitor.share.folder, name)).await;
        self.decide_anew("the share", || async move {
            // the share may have been revoked while the bytes came in
            let entry = self.entry(visitor, AccessKind::Upload);
            let visitor = self.allow(visitor, Right::Upload, &entry).await?;
            let (by, at) = (visitor.actor.as_str(), entry.at);
            let incoming = Incoming { name, blob, by, at };
            if let Some(before) = self.put_before(once.as_ref()).await? {
                return Ok((Sent::new(before), Vec::new()));
            }
            let (sent, mut writes) = self.plan_upload(&visitor.share, &incoming, entry).await?;
            let used = |once: &OnceKey| once.used_for(once::of_document(&sent.document), key_until(at));
            writes.extend(once.as_ref().map(used));
            Ok((sent, writes))
        })
        .await
    }

    /// Keeps the bytes of what was taken, and removes those of what was refused at once. Where it is not known whether
    /// the commit was made, they are left to the sweep.
    pub(super) async fn keep_or_discard<T>(
        &self,
        blob: StoredBlob,
        sent: Result<T, HostError>,
    ) -> Result<T, HostError> {
        match &sent {
            Ok(_) => blob.keep(),
            Err(error) if error.is_refusal() => {
                if let Err(error) = self.parts().blobs.discard(blob).await {
                    tracing::warn!(%error, "bytes that were refused could not be removed; a sweep does that later");
                }
            }
            Err(_) => {}
        }
        sent
    }

    /// What an upload writes, as the share stands now.
    async fn plan_upload(
        &self,
        share: &Share,
        incoming: &Incoming<'_>,
        entry: AccessEntry,
    ) -> Result<(Sent, Vec<Write>), HostError> {
        self.takes_new(&share.workspace).await?;
        let shared = self.shared_files(share).await?;
        let existing = share.target_of(&shared, incoming.name).cloned();
        if let Some(file) = existing.as_ref().filter(|file| incoming.is_newest_of(file)) {
            let (sent, mut writes) = self.sent_again(Some(share), file, incoming, entry);
            let mut share = share.clone();
            share.add(SharedVersion::new(file, file.current()));
            writes.push(Write::PutShare(share));
            return Ok((sent, writes));
        }
        let room = has_room(share, &shared, existing.as_ref(), incoming.blob.size);
        room.map_err(|crowded| HostError::Conflict(crowded.to_string()))?;
        let place = match existing {
            Some(_) => Place {
                folder: share.folder.clone(),
                existing,
            },
            None => self.place_for(share, &share.folder, incoming.name, |_| false).await?,
        };
        let (file, document) = self
            .next_version(place.existing, &share.workspace, &place.folder, incoming)
            .await?;
        let event = uploaded(Some(share), &file, &document, incoming);
        let mut share = share.clone();
        share.add(SharedVersion::new(&file, file.current()));
        let entry = about(entry, &document);
        let writes = vec![
            Write::PutShare(share),
            Write::PutFile(file),
            Write::Access(entry),
            Write::Event(event),
        ];
        Ok((Sent::new(document), writes))
    }

    /// What an upload writes whose bytes are those of the newest version: no version, and an event for what waits now.
    fn sent_again(
        &self,
        share: Option<&Share>,
        file: &File,
        incoming: &Incoming<'_>,
        entry: AccessEntry,
    ) -> (Sent, Vec<Write>) {
        let document = file.reference();
        let event = InboundEvent {
            id: EventId(format!("{}_{}", EventId::PREFIX, self.new_id())),
            ..told(share, file, &document, incoming, true)
        };
        let writes = vec![Write::Access(about(entry, &document)), Write::Event(event)];
        let sent = Sent {
            document,
            is_unchanged: true,
        };
        (sent, writes)
    }

    /// The target of a new file of this name: `folder`, or a folder of the share's own below it if
    /// a file outside the share has taken the name. The file keeps its name, so that nobody learns
    /// what else the folder holds.
    pub(super) async fn place_for(
        &self,
        share: &Share,
        folder: &str,
        name: &str,
        belongs: impl Fn(&File) -> bool,
    ) -> Result<Place, HostError> {
        for folder in [folder.to_owned(), names::path(folder, share.id.as_str())] {
            let existing = self.parts().store.file_named(&share.workspace, &folder, name).await?;
            if existing.as_ref().is_none_or(&belongs) {
                return Ok(Place { folder, existing });
            }
        }
        Err(HostError::Conflict(format!(
            "{name} cannot be stored under this name. Give the file another name"
        )))
    }

    /// Refuses what would come into a workspace that is closed.
    pub(super) async fn takes_new(&self, workspace: &WorkspaceId) -> Result<(), HostError> {
        let workspace = self.parts().store.workspace(workspace).await?;
        if workspace.is_some_and(|workspace| workspace.state != State::Live) {
            return Err(HostError::Conflict(
                "the workspace is closed: it takes nothing new".to_owned(),
            ));
        }
        Ok(())
    }

    async fn shared_files(&self, share: &Share) -> Result<Vec<File>, HostError> {
        let ids = share.file_ids();
        let mut files = Vec::with_capacity(ids.len());
        for id in ids {
            files.extend(self.parts().store.file(id).await?);
        }
        Ok(files)
    }

    /// Puts a file into a folder of the main workspace, as a person of the directory does.
    pub async fn put_file(
        self: &Arc<Self>,
        by: &str,
        folder: &str,
        name: &str,
        bytes: impl AsyncRead + Send + Unpin,
    ) -> Result<FileRef, HostError> {
        self.put_file_once(by, folder, name, bytes, None, None).await
    }

    /// The same; with a key, a repeat by the same person gives the document that the first one put,
    /// whatever folder it names. With other bytes or another name it is refused. With a day until which it is valid,
    /// meant in UTC, the version is a document that counts from now on.
    pub async fn put_file_once(
        self: &Arc<Self>,
        by: &str,
        folder: &str,
        name: &str,
        bytes: impl AsyncRead + Send + Unpin,
        key: Option<String>,
        valid_until: Option<&str>,
    ) -> Result<FileRef, HostError> {
        let sent = self.send_file(by, folder, name, bytes, key, valid_until);
        Ok(sent.await?.document)
    }

    /// The same, with whether the bytes were there already, and valid until the same day.
    pub async fn send_file(
        self: &Arc<Self>,
        by: &str,
        folder: &str,
        name: &str,
        bytes: impl AsyncRead + Send + Unpin,
        key: Option<String>,
        valid_until: Option<&str>,
    ) -> Result<Sent, HostError> {
        valid_until.map_or(Ok(()), check_day)?;
        let name = &one_form(name)?;
        let folder = &names::folder(folder).map_err(|error| HostError::Invalid(error.to_string()))?;
        let blob = self.store_blob(bytes).await?;
        let once = key.map(|key| once::upload(by, key, name, &blob.sha256));
        let incoming = Incoming {
            name,
            blob: &blob,
            by,
            at: self.now(),
        };
        let sent = self.put_of_person(&incoming, folder, once.as_ref(), valid_until).await;
        self.keep_or_discard(blob, sent).await
    }

    async fn put_of_person(
        self: &Arc<Self>,
        incoming: &Incoming<'_>,
        folder: &str,
        once: Option<&OnceKey>,
        valid_until: Option<&str>,
    ) -> Result<Sent, HostError> {
        let (name, by) = (incoming.name, incoming.by);
        let _alone = self.uploads.of((folder, name)).await;
        self.decide_anew("the file", || async move {
            if let Some(before) = self.put_before(once).await? {
                return Ok((Sent::new(before), Vec::new()));
            }
            let workspace = WorkspaceId::from(Workspace::MAIN);
            let at = self.now();
            let existing = self.parts().store.file_named(&workspace, folder, name).await?;
            let incoming = Incoming { at, ..*incoming };
            let used = |once: &OnceKey, document: &FileRef| once.used_for(once::of_document(document), key_until(at));
            let is_same = |file: &&File| incoming.is_newest_of(file) && file.current().day() == valid_until;
            if let Some(file) = existing.as_ref().filter(is_same) {
                let entry = file_entry(AccessKind::Upload, by, &file.id, at);
                let (sent, mut writes) = self.sent_again(None, file, &incoming, entry);
                writes.extend(once.map(|once| used(once, &sent.document)));
                return Ok((sent, writes));
            }
            let (file, document) = self.next_version(existing, &workspace, folder, &incoming).await?;
            let entry = about(file_entry(AccessKind::Upload, by, &file.id, at), &document);
            let event = uploaded(None, &file, &document, &incoming);
            let paper = valid_until.map(|day| Paper {
                valid_until: Some(day.to_owned()),
                zone: "UTC".to_owned(),
                ..Paper::default()
            });
            let file = file.with_paper(paper);
            let counting = counts(&file, document.version);
            let mut writes = vec![Write::PutFile(file), Write::Access(entry), Write::Event(event)];
            writes.extend(counting);
            writes.extend(once.map(|once| used(once, &document)));
            Ok((Sent::new(document), writes))
        })
        .await
    }

    async fn store_blob(&self, bytes: impl AsyncRead + Send + Unpin) -> Result<StoredBlob, HostError> {
        self.store_blob_within(bytes, None).await
    }

    /// Stores bytes, as many as are taken at all and not more than `limit`.
    pub(super) async fn store_blob_within(
        &self,
        bytes: impl AsyncRead + Send + Unpin,
        limit: Option<u64>,
    ) -> Result<StoredBlob, HostError> {
        let most = self.parts().limits.upload_bytes;
        let most = limit.map_or(most, |limit| limit.min(most));
        let blob = self.parts().blobs.put(bytes, most).await.map_err(blob_error)?;
        self.metrics().bytes_uploaded.add(blob.size);
        Ok(blob)
    }

    /// The file with one more version, and that version. Told in words where it is locked; the
    /// store refuses it in any case, also where the lock comes between this look and the commit.
    pub(super) async fn next_version(
        &self,
        existing: Option<File>,
        workspace: &WorkspaceId,
        folder: &str,
        incoming: &Incoming<'_>,
    ) -> Result<(File, FileRef), HostError> {
        let content = Content {
            sha256: incoming.blob.sha256.clone(),
            size: incoming.blob.size,
            media_type: media_type(incoming.name, incoming.blob.sample()).media_type.to_owned(),
        };
        let file = match existing {
            Some(file) if self.parts().store.is_locked(&file.id).await? => {
                return Err(HostError::Conflict(format!("{}: {Locked}", file.name)));
            }
            Some(file) => file.with_version(content, incoming.by, incoming.at),
            None => {
                let id = FileId(format!("{}_{}", FileId::PREFIX, self.new_id()));
                let (folder, name) = (folder.to_owned(), incoming.name.to_owned());
                File::create(id, workspace.clone(), folder, name, content, incoming.by, incoming.at)
            }
        };
        let document = version_of(&file, None)?;
        Ok((file, document))
    }
}

/// A name as files have it.
pub(super) fn one_form(name: &str) -> Result<String, HostError> {
    names::name(name).map_err(|error| HostError::Invalid(error.to_string()))
}

/// The line of the access log about this version.
pub(super) fn about(entry: AccessEntry, document: &FileRef) -> AccessEntry {
    AccessEntry {
        file: Some(document.id.clone()),
        version: Some(document.version),
        sha256: Some(document.sha256.clone()),
        ..entry
    }
}

/// The event of an upload. One version makes one event.
pub(super) fn uploaded(
    share: Option<&Share>,
    file: &File,
    document: &FileRef,
    incoming: &Incoming<'_>,
) -> InboundEvent {
    told(share, file, document, incoming, false)
}

fn told(
    share: Option<&Share>,
    file: &File,
    document: &FileRef,
    incoming: &Incoming<'_>,
    unchanged: bool,
) -> InboundEvent {
    let event = FileUploaded {
        unchanged,
        share: share.map(|share| share.id.to_string()),
        workspace: file.workspace.to_string(),
        folder: file.folder.clone(),
        file: document.clone(),
        by: incoming.by.to_owned(),
        at: incoming.at,
    };
    inbound(
        EventId::derived(&format!("upload:{}:{}", document.id, document.version)),
        &event,
        incoming.at,
    )
}
