//! The port of all that is durable: questions as domain verbs, and one unit of work.
//!
//! Invariants: a unit of work happens as a whole, durably, or not at all; the events of a run
//! have no gaps; a record is never overwritten by somebody who has not seen it.

pub mod blobs;
pub mod fault;
pub mod memory;
pub mod model;
pub mod settings;
pub mod sqlite;

pub use blobs::{BlobError, BlobReader, Blobs, StoredBlob};
pub use model::{
    CommitError, Delivery, Deployment, ExpiryOrder, KeptEvents, MailState, Mark, OutboxMail, Outdated, PendingEvent,
    RunCommit, RunFilter, RunRow, RunStatus, Scrubbed, Standing, StoreError, Subscription, TaskRow, TaskState,
    UnitOfWork, Used, Write,
};

use crate::audit::AccessEntry;
use crate::base::Timestamp;
use crate::base::id::{EventId, FileId, GrantId, MailId, RunId, ShareId, TaskId, WorkspaceId};
use crate::engine::{EventRecord, InboundEvent};
use crate::space::{Comment, Expiry, File, Grant, Share, Workspace};
use std::collections::BTreeSet;
use std::sync::Arc;

/// All that is durable. Implemented by `memory` and `sqlite`; one conformance suite runs
/// against every adapter. Reads see every unit of work that was acknowledged before them.
#[async_trait::async_trait]
pub trait Store: Send + Sync + 'static {
    /// Does all of `unit`, durably, or nothing of it.
    async fn commit(&self, unit: UnitOfWork) -> Result<(), CommitError>;

    /// The deployed version of `flow` that new runs take.
    async fn latest_deployment(&self, flow: &str) -> Result<Option<Deployment>, StoreError>;
    /// The deployment that runs pinned to `hash` use.
    async fn deployment(&self, hash: &str) -> Result<Option<Deployment>, StoreError>;
    /// Every deployment of a flow, oldest first.
    async fn deployments_of(&self, flow: &str) -> Result<Vec<Deployment>, StoreError>;
    /// The latest deployment of every flow, by name.
    async fn deployments(&self) -> Result<Vec<Deployment>, StoreError>;

    /// One run.
    async fn run(&self, run: &RunId) -> Result<Option<RunRow>, StoreError>;
    /// Runs, newest first.
    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, StoreError>;
    /// The journal of a run after position `after`, at most `limit` lines.
    async fn journal(&self, run: &RunId, after: u64, limit: usize) -> Result<Vec<EventRecord>, StoreError>;
    /// Every run that has not ended and wants to be woken, with the moment.
    async fn wakeups(&self) -> Result<Vec<(Timestamp, RunId)>, StoreError>;
    /// The latest recorded time in journals, the access log and events.
    async fn last_recorded(&self) -> Result<Option<Timestamp>, StoreError>;
    /// Every run that had work in flight when it was last stored.
    async fn busy_runs(&self) -> Result<Vec<RunId>, StoreError>;

    /// One task.
    async fn task(&self, task: &TaskId) -> Result<Option<TaskRow>, StoreError>;
    /// Open tasks of a person (`user:…`, `email:…`), or of everybody, oldest first.
    async fn open_tasks(&self, person: Option<&str>) -> Result<Vec<TaskRow>, StoreError>;

    /// The tasks about any of these files, open or not, oldest first.
    async fn tasks_about(&self, files: &[FileId]) -> Result<Vec<TaskRow>, StoreError>;

    /// The newest tasks, open or not, at most `limit`.
    async fn newest_tasks(&self, limit: usize) -> Result<Vec<TaskRow>, StoreError>;

    /// One workspace.
    async fn workspace(&self, id: &WorkspaceId) -> Result<Option<Workspace>, StoreError>;
    /// One file.
    async fn file(&self, id: &FileId) -> Result<Option<File>, StoreError>;
    /// The file called `name` in a folder.
    async fn file_named(&self, workspace: &WorkspaceId, folder: &str, name: &str) -> Result<Option<File>, StoreError>;
    /// The files in a folder, by name.
    async fn files_in(&self, workspace: &WorkspaceId, folder: &str) -> Result<Vec<File>, StoreError>;
    /// Whether a run holds the file to the version it has, see `Write::Lock`.
    async fn is_locked(&self, file: &FileId) -> Result<bool, StoreError>;
    /// The files in a folder and everything below it, by folder and name, at most `limit` after the
    /// place `after` (a folder and a name).
    async fn files_below(
        &self,
        workspace: &WorkspaceId,
        folder: &str,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<File>, StoreError>;
    /// Every file of every workspace, by id, at most `limit` after the file `after`.
    async fn all_files(&self, after: Option<&FileId>, limit: usize) -> Result<Vec<File>, StoreError>;
    /// The document that counts in a file, if one does that expires.
    async fn expiry(&self, file: &FileId) -> Result<Option<Expiry>, StoreError>;
    /// Documents that count and expire, in `order` and by file: of those whose day begins at `not_before` or later, at
    /// most `limit` after the place `after` (a moment of that order and a file).
    async fn expiries(
        &self,
        order: ExpiryOrder,
        not_before: Timestamp,
        after: Option<&(Timestamp, FileId)>,
        limit: usize,
    ) -> Result<Vec<Expiry>, StoreError>;
    /// Documents of which it was not yet told that they are due for renewal, the first one first.
    async fn untold_expiries(&self, limit: usize) -> Result<Vec<Expiry>, StoreError>;
    /// One share.
    async fn share(&self, id: &ShareId) -> Result<Option<Share>, StoreError>;
    /// Live shares whose time is over at `now`.
    async fn shares_due(&self, now: Timestamp) -> Result<Vec<Share>, StoreError>;
    /// When the next live share ends by itself.
    async fn next_share_expiry(&self) -> Result<Option<Timestamp>, StoreError>;
    /// One grant.
    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StoreError>;
    /// The grant whose link's token has this hash.
    async fn grant_by_token(&self, token_hash: &str) -> Result<Option<Grant>, StoreError>;
    /// Grants of all shares, oldest first, at most `limit` after the grant `after`.
    async fn grants_after(&self, after: Option<&GrantId>, limit: usize) -> Result<Vec<Grant>, StoreError>;
    /// The grants of a share, oldest first.
    async fn grants_of(&self, share: &ShareId) -> Result<Vec<Grant>, StoreError>;
    /// The comments in a share, oldest first.
    async fn comments_in(&self, share: &ShareId) -> Result<Vec<Comment>, StoreError>;
    /// The access log of a share, or of everything, oldest first, at most `limit` lines after
    /// position `after`.
    async fn access_log(
        &self,
        share: Option<&ShareId>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, AccessEntry)>, StoreError>;

    /// Runs that own one of `subjects` (a share, a workspace, a document that people decide on) or wait for it.
    async fn owners_of(&self, subjects: &[String]) -> Result<Vec<RunId>, StoreError>;
    /// Runs that wait for an event of this type and key.
    async fn subscribers(&self, kind: &str, key: &str) -> Result<Vec<RunId>, StoreError>;
    /// An event as it was recorded, delivered or not.
    async fn event(&self, id: &EventId) -> Result<Option<InboundEvent>, StoreError>;
    /// Events that are recorded and not yet delivered to `run`, about one of `things`, or of the type of
    /// one of `keys` and with its key or about it; oldest first.
    async fn undelivered(
        &self,
        run: &RunId,
        things: &Arc<BTreeSet<String>>,
        keys: &Arc<BTreeSet<Subscription>>,
    ) -> Result<Vec<InboundEvent>, StoreError>;
    /// Whether `event` was delivered to `target` (a run's id, or `trigger:FLOW`).
    async fn is_delivered(&self, event: &EventId, target: &str) -> Result<bool, StoreError>;
    /// Events that are not yet delivered to everybody and due at `now`: new ones first, oldest
    /// first, and then those that failed before, the longest overdue first.
    async fn pending_events(&self, now: Timestamp, limit: usize) -> Result<Vec<PendingEvent>, StoreError>;
    /// When the next event is due that is not yet delivered to everybody.
    async fn next_event_due(&self) -> Result<Option<Timestamp>, StoreError>;
    /// Targets that `event` was delivered to: ids of runs, and `trigger:FLOW`.
    async fn deliveries(&self, event: &EventId) -> Result<Vec<String>, StoreError>;
    /// What is kept for runs that may subscribe to it.
    async fn kept_events(&self) -> Result<KeptEvents, StoreError>;
    /// Whether there is anything that is outdated so.
    async fn has_outdated(&self, what: Outdated) -> Result<bool, StoreError>;
    /// One mail.
    async fn mail(&self, id: &MailId) -> Result<Option<OutboxMail>, StoreError>;
    /// Queued mails to be tried at `now` or before, oldest first.
    async fn mails_due(&self, now: Timestamp, limit: usize) -> Result<Vec<OutboxMail>, StoreError>;
    /// How much is open now.
    async fn standing(&self) -> Result<Standing, StoreError>;
    /// Mails in a state, oldest first.
    async fn mails(&self, state: MailState, limit: usize) -> Result<Vec<OutboxMail>, StoreError>;
    /// Whether a key was used, see `Write::Once`.
    async fn is_used(&self, scope: &str, key: &str) -> Result<bool, StoreError>;
    /// All used keys of a scope, sorted by key; see `Write::Once`.
    async fn used_keys(&self, scope: &str) -> Result<Vec<(String, Used)>, StoreError>;
    /// Verifies at most `limit` rows after a position that an earlier call returned. `None` if the
    /// store has no checksums.
    async fn scrub(&self, after: Option<&str>, limit: usize) -> Result<Option<Scrubbed>, StoreError>;
    /// What a key was used for, see `Write::Once`.
    async fn used_for(&self, scope: &str, key: &str) -> Result<Option<Used>, StoreError>;
}
