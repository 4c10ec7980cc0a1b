//! The file space as its users meet it: every way to bytes goes through here, is decided by the
//! rules of `space`, and leaves a line in the access log, allowed or refused.

use super::{Host, HostError};
use crate::base::Timestamp;
use crate::base::id::{FileId, RunId, ShareId};
use crate::engine::event::DocumentRef;
use crate::space::{Comment, Grant, Role, Share};
use std::sync::Arc;
use tokio::io::AsyncRead;

/// Somebody who came through a link, checked: the share lives, the password was right.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The grant.
    pub grant: Grant,
    /// The share.
    pub share: Share,
    /// Who it is, for the log: `email:…`, `user:…` or `link:GRANT`.
    pub actor: String,
}

/// What a visitor sees of a share.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ShareView {
    /// The share.
    pub share: ShareId,
    /// What people call it.
    pub name: String,
    /// What the visitor may do.
    pub role: Role,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Its files at their newest versions.
    pub files: Vec<DocumentRef>,
    /// Its comments.
    pub comments: Vec<Comment>,
}

/// Bytes of one version.
#[derive(Debug)]
pub struct OpenFile {
    /// Which version.
    pub document: DocumentRef,
    /// The bytes.
    pub bytes: tokio::fs::File,
}

impl Host {
    /// Lets somebody in through a link. Counts wrong passwords; logs refusals.
    pub async fn enter(self: &Arc<Self>, token: &str, password: Option<&str>) -> Result<Visitor, HostError> {
        let _ = (token, password);
        todo!()
    }

    /// The share and its files. The first time, the share is opened.
    pub async fn view_share(self: &Arc<Self>, visitor: &Visitor) -> Result<ShareView, HostError> {
        let _ = visitor;
        todo!()
    }

    /// Bytes of a file of the share, at a version or the newest.
    pub async fn download(
        self: &Arc<Self>,
        visitor: &Visitor,
        file: &FileId,
        version: Option<u64>,
    ) -> Result<OpenFile, HostError> {
        let _ = (visitor, file, version);
        todo!()
    }

    /// Whether a visitor who came in before may still fetch bytes: asked again while they flow.
    pub async fn may_continue(&self, visitor: &Visitor) -> bool {
        let _ = visitor;
        todo!()
    }

    /// Puts a file into the share: a new version where one of this name is shared, else a new file.
    pub async fn upload(
        self: &Arc<Self>,
        visitor: &Visitor,
        name: &str,
        bytes: impl AsyncRead + Send + Unpin,
    ) -> Result<DocumentRef, HostError> {
        let _ = (visitor, name, bytes);
        todo!()
    }

    /// Writes a comment.
    pub async fn comment(
        self: &Arc<Self>,
        visitor: &Visitor,
        file: Option<&FileId>,
        text: &str,
    ) -> Result<Comment, HostError> {
        let _ = (visitor, file, text);
        todo!()
    }

    /// Puts a file into a folder of the main workspace, as a person of the directory does.
    pub async fn put_file(
        self: &Arc<Self>,
        by: &str,
        folder: &str,
        name: &str,
        bytes: impl AsyncRead + Send + Unpin,
    ) -> Result<DocumentRef, HostError> {
        let _ = (by, folder, name, bytes);
        todo!()
    }

    /// Bytes of a file, for a person of the directory.
    pub async fn open_file(
        self: &Arc<Self>,
        by: &str,
        file: &FileId,
        version: Option<u64>,
    ) -> Result<OpenFile, HostError> {
        let _ = (by, file, version);
        todo!()
    }

    /// The shares that a run made, with their grants.
    pub async fn shares_of(&self, run: &RunId) -> Result<Vec<(Share, Vec<Grant>)>, HostError> {
        let _ = run;
        todo!()
    }
}
