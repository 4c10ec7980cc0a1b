//! SQLite: one writer thread with group commit, a few readers.
//!
//! Units of work are encoded on their caller's side, queued, and committed together: as many as
//! are waiting share one transaction and so one sync of the disk. Journals are append-ordered.
//!
//! Invariant: one process has the store open, one thread writes, and whatever was acknowledged
//! survives a power cut.

mod apply;
pub mod check;
mod checkpoint;
mod closed;
mod columns;
pub mod copy;
mod encode;
mod last;
mod layout;
mod lock;
mod loss;
mod outdated;
mod read;
mod readers;
mod recorded;
mod schema;
mod scrub;
mod sums;
mod wal;
mod writer;

use super::Store;
use super::model::{
    CommitError, Deployment, ExpiryOrder, KeptEvents, MailState, OutboxMail, Outdated, PendingEvent, RunFilter, RunRow,
    Scrubbed, Standing, StoreError, Subscription, TaskRow, UnitOfWork, Used,
};
use crate::audit::AccessEntry;
use crate::base::Timestamp;
use crate::base::id::{EventId, FileId, GrantId, MailId, RunId, ShareId, TaskId, WorkspaceId};
use crate::engine::{EventRecord, InboundEvent};
use crate::space::{Comment, Expiry, File, Grant, Share, Workspace};
pub use layout::Opening;

use checkpoint::Copier;
use lock::Locks;
use readers::Readers;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use tokio::sync::oneshot;
use writer::{Job, Shared, Writer};

/// Events of one unit of work that are encoded on their caller's thread; more take a while.
const ENCODED_HERE: usize = 1_000;

/// A store in one SQLite file. Dropping it finishes what is queued and closes the file.
pub struct SqliteStore {
    // `None` only while dropping.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    readers: Readers,
    // Held for as long as anything may touch the database, so it is dropped last.
    _locks: Locks,
}

impl SqliteStore {
    /// Opens the store in the file at `path`, whose folder must exist, and makes it where there is
    /// none. Refuses a store that another process has open or that a newer build wrote.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_as(path.as_ref(), Opening::default())
    }

    /// Opens the store as `opening` says, see `open`.
    pub fn open_as(path: &Path, opening: Opening) -> Result<Self, StoreError> {
        layout::check_presence(path, opening)?;
        let locks = Locks::take(path)?;
        let connection = layout::open_writer(path, opening)?;
        let shared = Arc::new(Shared::default());
        let copier = Copier::start(path, Arc::clone(&shared.closed))?;
        let last = loss::note(&connection, path)?;
        let writer = Writer::new(connection, copier, last, Arc::clone(&shared))?;
        let (jobs, queue) = channel();
        let thread = std::thread::Builder::new()
            .name("gatefold-store".to_owned())
            .spawn(move || writer.run(&queue))
            .map_err(|error| StoreError::Failed(format!("cannot start a thread: {error}")))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            readers: Readers::new(path.to_owned(), Arc::clone(&shared.closed)),
            shared,
            _locks: locks,
        })
    }

    /// Transactions committed since the store was opened; each is one sync of the disk.
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Relaxed)
    }

    /// Lets the database grow to `bytes` at most, or as far as the disk allows. A unit of work
    /// that needs more fails with `StoreError::Full`.
    pub async fn set_size_limit(&self, bytes: Option<u64>) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Job::Limit(bytes, answer))?;
        answered.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Returns when the store has closed itself because the disk failed. It answers no more
    /// requests, and the process must be restarted.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + 'static {
        let closed = Arc::clone(&self.shared.closed);
        async move { closed.wait().await }
    }

    fn ask(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).map_err(|_| StoreError::Closed)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // The last connection to close tidies up, which one that only reads cannot.
        self.readers.close_idle();
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has closed the store for everybody already.
            drop(thread.join());
        }
    }
}

#[async_trait::async_trait]
impl Store for SqliteStore {
    /// Once queued, a unit of work is done even if the caller stops waiting.
    async fn commit(&self, unit: UnitOfWork) -> Result<(), CommitError> {
        let is_long = unit.run.as_ref().is_some_and(|run| run.events.len() > ENCODED_HERE);
        let unit = if is_long {
            // nobody else shall wait for it
            let encoded = tokio::task::spawn_blocking(move || encode::encode(unit)).await;
            encoded.map_err(|_| StoreError::Closed)??
        } else {
            encode::encode(unit)?
        };
        let (answer, answered) = oneshot::channel();
        self.ask(Job::Commit(unit, answer))?;
        answered.await.unwrap_or(Err(CommitError::Store(StoreError::Closed)))
    }

    async fn latest_deployment(&self, flow: &str) -> Result<Option<Deployment>, StoreError> {
        self.readers.point(|db| read::latest_deployment(db, flow)).await
    }

    async fn deployment(&self, hash: &str) -> Result<Option<Deployment>, StoreError> {
        self.readers.point(|db| read::deployment(db, hash)).await
    }

    async fn deployments_of(&self, flow: &str) -> Result<Vec<Deployment>, StoreError> {
        let flow = flow.to_owned();
        self.readers.list(move |db| read::deployments_of(db, &flow)).await
    }

    async fn deployments(&self) -> Result<Vec<Deployment>, StoreError> {
        self.readers.list(read::deployments).await
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunRow>, StoreError> {
        self.readers.point(|db| read::run(db, run)).await
    }

    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, StoreError> {
        let filter = filter.clone();
        self.readers.list(move |db| read::runs(db, &filter)).await
    }

    async fn journal(&self, run: &RunId, after: u64, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        let run = run.clone();
        self.readers.list(move |db| read::journal(db, &run, after, limit)).await
    }

    async fn wakeups(&self) -> Result<Vec<(Timestamp, RunId)>, StoreError> {
        self.readers.list(read::wakeups).await
    }

    async fn last_recorded(&self) -> Result<Option<Timestamp>, StoreError> {
        self.readers.point(read::last_recorded).await
    }

    async fn busy_runs(&self) -> Result<Vec<RunId>, StoreError> {
        self.readers.list(read::busy_runs).await
    }

    async fn task(&self, task: &TaskId) -> Result<Option<TaskRow>, StoreError> {
        self.readers.point(|db| read::task(db, task)).await
    }

    async fn open_tasks(&self, person: Option<&str>) -> Result<Vec<TaskRow>, StoreError> {
        let person = person.map(str::to_owned);
        self.readers
            .list(move |db| read::open_tasks(db, person.as_deref()))
            .await
    }

    async fn tasks_about(&self, files: &[FileId]) -> Result<Vec<TaskRow>, StoreError> {
        let files = files.to_vec();
        self.readers.list(move |db| read::tasks_about(db, &files)).await
    }

    async fn newest_tasks(&self, limit: usize) -> Result<Vec<TaskRow>, StoreError> {
        self.readers.list(move |db| read::newest_tasks(db, limit)).await
    }

    async fn workspace(&self, id: &WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        self.readers.point(|db| read::workspace(db, id)).await
    }

    async fn file(&self, id: &FileId) -> Result<Option<File>, StoreError> {
        self.readers.point(|db| read::file(db, id)).await
    }

    async fn file_named(&self, workspace: &WorkspaceId, folder: &str, name: &str) -> Result<Option<File>, StoreError> {
        self.readers
            .point(|db| read::file_named(db, workspace, folder, name))
            .await
    }

    async fn files_in(&self, workspace: &WorkspaceId, folder: &str) -> Result<Vec<File>, StoreError> {
        let (workspace, folder) = (workspace.clone(), folder.to_owned());
        self.readers
            .list(move |db| read::files_in(db, &workspace, &folder))
            .await
    }

    async fn is_locked(&self, file: &FileId) -> Result<bool, StoreError> {
        self.readers.point(|db| read::is_locked(db, file)).await
    }

    async fn files_below(
        &self,
        workspace: &WorkspaceId,
        folder: &str,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<File>, StoreError> {
        let (workspace, folder) = (workspace.clone(), folder.to_owned());
        let after = after.map(|(folder, name)| (folder.to_owned(), name.to_owned()));
        self.readers
            .list(move |db| read::files_below(db, &workspace, &folder, after, limit))
            .await
    }

    async fn all_files(&self, after: Option<&FileId>, limit: usize) -> Result<Vec<File>, StoreError> {
        let after = after.cloned();
        self.readers
            .list(move |db| read::all_files(db, after.as_ref(), limit))
            .await
    }

    async fn expiry(&self, file: &FileId) -> Result<Option<Expiry>, StoreError> {
        self.readers.point(|db| read::expiry(db, file)).await
    }

    async fn expiries(
        &self,
        order: ExpiryOrder,
        not_before: Timestamp,
        after: Option<&(Timestamp, FileId)>,
        limit: usize,
    ) -> Result<Vec<Expiry>, StoreError> {
        let after = after.cloned();
        let read = move |db: &Connection| read::expiries(db, order, not_before, after, limit);
        self.readers.list(read).await
    }

    async fn untold_expiries(&self, limit: usize) -> Result<Vec<Expiry>, StoreError> {
        self.readers.list(move |db| read::untold_expiries(db, limit)).await
    }

    async fn share(&self, id: &ShareId) -> Result<Option<Share>, StoreError> {
        self.readers.point(|db| read::share(db, id)).await
    }

    async fn shares_due(&self, now: Timestamp) -> Result<Vec<Share>, StoreError> {
        self.readers.list(move |db| read::shares_due(db, now)).await
    }

    async fn next_share_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        self.readers.point(read::next_share_expiry).await
    }

    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StoreError> {
        self.readers.point(|db| read::grant(db, id)).await
    }

    async fn grant_by_token(&self, token_hash: &str) -> Result<Option<Grant>, StoreError> {
        self.readers.point(|db| read::grant_by_token(db, token_hash)).await
    }

    async fn grants_after(&self, after: Option<&GrantId>, limit: usize) -> Result<Vec<Grant>, StoreError> {
        let after = after.cloned();
        self.readers
            .list(move |db| read::grants_after(db, after.as_ref(), limit))
            .await
    }

    async fn grants_of(&self, share: &ShareId) -> Result<Vec<Grant>, StoreError> {
        let share = share.clone();
        self.readers.list(move |db| read::grants_of(db, &share)).await
    }

    async fn comments_in(&self, share: &ShareId) -> Result<Vec<Comment>, StoreError> {
        let share = share.clone();
        self.readers.list(move |db| read::comments_in(db, &share)).await
    }

    async fn access_log(
        &self,
        share: Option<&ShareId>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, AccessEntry)>, StoreError> {
        let share = share.cloned();
        self.readers
            .list(move |db| read::access_log(db, share.as_ref(), after, limit))
            .await
    }

    async fn owners_of(&self, subjects: &[String]) -> Result<Vec<RunId>, StoreError> {
        self.readers.point(|db| read::owners_of(db, subjects)).await
    }

    async fn subscribers(&self, kind: &str, key: &str) -> Result<Vec<RunId>, StoreError> {
        self.readers.point(|db| read::subscribers(db, kind, key)).await
    }

    async fn event(&self, id: &EventId) -> Result<Option<InboundEvent>, StoreError> {
        self.readers.point(|db| read::event(db, id)).await
    }

    async fn pending_events(&self, now: Timestamp, limit: usize) -> Result<Vec<PendingEvent>, StoreError> {
        self.readers.list(move |db| read::pending_events(db, now, limit)).await
    }

    async fn undelivered(
        &self,
        run: &RunId,
        things: &Arc<BTreeSet<String>>,
        keys: &Arc<BTreeSet<Subscription>>,
    ) -> Result<Vec<InboundEvent>, StoreError> {
        let (run, things, keys) = (run.clone(), Arc::clone(things), Arc::clone(keys));
        let read = move |db: &Connection| recorded::undelivered(db, &run, &things, &keys);
        self.readers.list(read).await
    }

    async fn is_delivered(&self, event: &EventId, target: &str) -> Result<bool, StoreError> {
        self.readers.point(|db| read::is_delivered(db, event, target)).await
    }

    async fn next_event_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.readers.point(read::next_event_due).await
    }

    async fn deliveries(&self, event: &EventId) -> Result<Vec<String>, StoreError> {
        self.readers.point(|db| read::deliveries(db, event)).await
    }

    async fn kept_events(&self) -> Result<KeptEvents, StoreError> {
        self.readers.list(read::kept_events).await
    }

    async fn has_outdated(&self, what: Outdated) -> Result<bool, StoreError> {
        self.readers.point(|db| read::has_outdated(db, what)).await
    }

    async fn mail(&self, id: &MailId) -> Result<Option<OutboxMail>, StoreError> {
        self.readers.point(|db| read::mail(db, id)).await
    }

    async fn mails_due(&self, now: Timestamp, limit: usize) -> Result<Vec<OutboxMail>, StoreError> {
        self.readers.list(move |db| read::mails_due(db, now, limit)).await
    }

    async fn standing(&self) -> Result<Standing, StoreError> {
        self.readers.list(read::standing).await
    }

    async fn mails(&self, state: MailState, limit: usize) -> Result<Vec<OutboxMail>, StoreError> {
        self.readers.list(move |db| read::mails(db, state, limit)).await
    }

    async fn scrub(&self, after: Option<&str>, limit: usize) -> Result<Option<Scrubbed>, StoreError> {
        let after = after.map(str::to_owned);
        let read = move |db: &Connection| scrub::scrub(db, after.as_deref(), limit);
        self.readers.list(read).await.map(Some)
    }

    async fn is_used(&self, scope: &str, key: &str) -> Result<bool, StoreError> {
        Ok(self.used_for(scope, key).await?.is_some())
    }

    async fn used_keys(&self, scope: &str) -> Result<Vec<(String, Used)>, StoreError> {
        let scope = scope.to_owned();
        self.readers.list(move |db| read::used_keys(db, &scope)).await
    }

    async fn used_for(&self, scope: &str, key: &str) -> Result<Option<Used>, StoreError> {
        self.readers.point(|db| read::used_for(db, scope, key)).await
    }
}
