//! A store in memory that fails, stalls and forgets as told.

use gatefold::audit::AccessEntry;
use gatefold::base::Timestamp;
use gatefold::base::id::{EventId, FileId, GrantId, MailId, RunId, ShareId, TaskId, WorkspaceId};
use gatefold::engine::{EventRecord, InboundEvent};
use gatefold::space::{Comment, Expiry, File, Grant, Share, Workspace};
use gatefold::store::memory::MemoryStore;
use gatefold::store::{
    CommitError, Deployment, ExpiryOrder, KeptEvents, MailState, OutboxMail, Outdated, PendingEvent, RunFilter, RunRow,
    Scrubbed, Standing, Store, StoreError, Subscription, TaskRow, UnitOfWork, Used, Write,
};
use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How journals are read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Journals {
    #[default]
    Readable,
    /// None can be read.
    Hidden,
    /// They take for ever.
    Stalled,
}

/// What the store is told to do, until it is told otherwise.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    /// The next commit of a run but so many fails.
    pub fail_commit_after: Option<usize>,
    /// So many times it fails to keep that a mail was sent.
    pub forget_sent: usize,
    /// Answers to commits take so long; what they do is durable at once.
    pub slow_answers: Option<Duration>,
    /// Commits begin so late.
    pub slow_commits: Option<Duration>,
    /// Nobody learns which events are pending.
    pub hide_pending: bool,
    /// How journals are read.
    pub journals: Journals,
    /// Neither runs nor tasks can be listed.
    pub hide_lists: bool,
    /// Nobody learns what a key was used for: settings are kept so.
    pub hide_used: bool,
    /// The journal of this run takes for ever.
    pub stalled: Option<RunId>,
    /// Looking for events panics so often.
    pub panic_at_events: usize,
    /// The first line of this run's journal is lost.
    pub damaged: Option<RunId>,
}

fn is_sent(write: &Write) -> bool {
    matches!(write, Write::PutMail(mail) if mail.state == MailState::Sent)
}

/// A store in memory that does as told.
#[derive(Default)]
pub struct Told {
    inner: MemoryStore,
    orders: Mutex<Orders>,
    committed: Mutex<Vec<UnitOfWork>>,
    /// How often tasks were read.
    pub task_reads: AtomicUsize,
}

impl Told {
    pub fn order(&self, orders: Orders) {
        *self.orders.lock().unwrap() = orders;
    }

    /// Everything committed since the last time that somebody asked.
    pub fn committed(&self) -> Vec<UnitOfWork> {
        std::mem::take(&mut self.committed.lock().unwrap())
    }

    fn orders(&self) -> Orders {
        self.orders.lock().unwrap().clone()
    }

    fn may_list(&self) -> Result<(), StoreError> {
        let why = || StoreError::Failed("nothing can be listed".to_owned());
        if self.orders().hide_lists { Err(why()) } else { Ok(()) }
    }

    /// Whether it fails to keep what became of this mail.
    fn forgets(&self) -> bool {
        let mut orders = self.orders.lock().unwrap();
        let left = orders.forget_sent;
        orders.forget_sent = left.saturating_sub(1);
        left > 0
    }

    fn panics_at_events(&self) -> bool {
        let mut orders = self.orders.lock().unwrap();
        let left = orders.panic_at_events;
        orders.panic_at_events = left.saturating_sub(1);
        left > 0
    }

    /// Whether this commit of a run is the one to fail.
    fn fails(&self) -> bool {
        let mut orders = self.orders.lock().unwrap();
        match &mut orders.fail_commit_after {
            Some(0) => {
                orders.fail_commit_after = None;
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }
}

#[async_trait::async_trait]
impl Store for Told {
    async fn commit(&self, unit: UnitOfWork) -> Result<(), CommitError> {
        if unit.run.is_some() && self.fails() {
            return Err(StoreError::Full("as told by the test".to_owned()).into());
        }
        if unit.writes.iter().any(is_sent) && self.forgets() {
            return Err(StoreError::Full("as told by the test".to_owned()).into());
        }
        let delay = self.orders().slow_commits;
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        let done = self.inner.commit(unit.clone()).await;
        if done.is_ok() {
            self.committed.lock().unwrap().push(unit);
        }
        if let Some(delay) = self.orders().slow_answers {
            tokio::time::sleep(delay).await;
        }
        done
    }

    async fn pending_events(&self, now: Timestamp, limit: usize) -> Result<Vec<PendingEvent>, StoreError> {
        if self.orders().hide_pending {
            pending::<()>().await;
        }
        assert!(!self.panics_at_events(), "as told by the test");
        self.inner.pending_events(now, limit).await
    }

    async fn journal(&self, run: &RunId, after: u64, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        if self.orders().journals == Journals::Hidden {
            return Err(StoreError::Failed("no journal can be read".to_owned()));
        }
        if self.orders().journals == Journals::Stalled || self.orders().stalled.as_ref() == Some(run) {
            pending::<()>().await;
        }
        let mut journal = self.inner.journal(run, after, limit).await?;
        if after == 0 && self.orders().damaged.as_ref() == Some(run) {
            journal.remove(0);
        }
        Ok(journal)
    }

    async fn expiry(&self, file: &FileId) -> Result<Option<Expiry>, StoreError> {
        self.inner.expiry(file).await
    }

    async fn expiries(
        &self,
        order: ExpiryOrder,
        not_before: Timestamp,
        after: Option<&(Timestamp, FileId)>,
        limit: usize,
    ) -> Result<Vec<Expiry>, StoreError> {
        self.inner.expiries(order, not_before, after, limit).await
    }

    async fn untold_expiries(&self, limit: usize) -> Result<Vec<Expiry>, StoreError> {
        self.inner.untold_expiries(limit).await
    }

    async fn latest_deployment(&self, flow: &str) -> Result<Option<Deployment>, StoreError> {
        self.inner.latest_deployment(flow).await
    }

    async fn deployment(&self, hash: &str) -> Result<Option<Deployment>, StoreError> {
        self.inner.deployment(hash).await
    }

    async fn deployments(&self) -> Result<Vec<Deployment>, StoreError> {
        self.inner.deployments().await
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunRow>, StoreError> {
        self.inner.run(run).await
    }

    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, StoreError> {
        self.may_list()?;
        self.inner.runs(filter).await
    }

    async fn wakeups(&self) -> Result<Vec<(Timestamp, RunId)>, StoreError> {
        self.inner.wakeups().await
    }

    async fn last_recorded(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.last_recorded().await
    }

    async fn busy_runs(&self) -> Result<Vec<RunId>, StoreError> {
        self.inner.busy_runs().await
    }

    async fn task(&self, task: &TaskId) -> Result<Option<TaskRow>, StoreError> {
        self.inner.task(task).await
    }

    async fn open_tasks(&self, person: Option<&str>) -> Result<Vec<TaskRow>, StoreError> {
        self.task_reads.fetch_add(1, Ordering::Relaxed);
        self.may_list()?;
        self.inner.open_tasks(person).await
    }

    async fn tasks_about(&self, files: &[FileId]) -> Result<Vec<TaskRow>, StoreError> {
        self.inner.tasks_about(files).await
    }

    async fn newest_tasks(&self, limit: usize) -> Result<Vec<TaskRow>, StoreError> {
        self.task_reads.fetch_add(1, Ordering::Relaxed);
        self.inner.newest_tasks(limit).await
    }

    async fn workspace(&self, id: &WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        self.inner.workspace(id).await
    }

    async fn file(&self, id: &FileId) -> Result<Option<File>, StoreError> {
        self.inner.file(id).await
    }

    async fn file_named(&self, workspace: &WorkspaceId, folder: &str, name: &str) -> Result<Option<File>, StoreError> {
        self.inner.file_named(workspace, folder, name).await
    }

    async fn files_in(&self, workspace: &WorkspaceId, folder: &str) -> Result<Vec<File>, StoreError> {
        self.inner.files_in(workspace, folder).await
    }

    async fn share(&self, id: &ShareId) -> Result<Option<Share>, StoreError> {
        self.inner.share(id).await
    }

    async fn shares_due(&self, now: Timestamp) -> Result<Vec<Share>, StoreError> {
        self.inner.shares_due(now).await
    }

    async fn next_share_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_share_expiry().await
    }

    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StoreError> {
        self.inner.grant(id).await
    }

    async fn grant_by_token(&self, token_hash: &str) -> Result<Option<Grant>, StoreError> {
        self.inner.grant_by_token(token_hash).await
    }

    async fn grants_after(&self, after: Option<&GrantId>, limit: usize) -> Result<Vec<Grant>, StoreError> {
        self.inner.grants_after(after, limit).await
    }

    async fn grants_of(&self, share: &ShareId) -> Result<Vec<Grant>, StoreError> {
        self.inner.grants_of(share).await
    }

    async fn comments_in(&self, share: &ShareId) -> Result<Vec<Comment>, StoreError> {
        self.inner.comments_in(share).await
    }

    async fn access_log(
        &self,
        share: Option<&ShareId>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, AccessEntry)>, StoreError> {
        self.inner.access_log(share, after, limit).await
    }

    async fn owners_of(&self, subjects: &[String]) -> Result<Vec<RunId>, StoreError> {
        self.inner.owners_of(subjects).await
    }

    async fn subscribers(&self, kind: &str, key: &str) -> Result<Vec<RunId>, StoreError> {
        self.inner.subscribers(kind, key).await
    }

    async fn event(&self, id: &EventId) -> Result<Option<InboundEvent>, StoreError> {
        self.inner.event(id).await
    }

    async fn undelivered(
        &self,
        run: &RunId,
        things: &Arc<BTreeSet<String>>,
        keys: &Arc<BTreeSet<Subscription>>,
    ) -> Result<Vec<InboundEvent>, StoreError> {
        self.inner.undelivered(run, things, keys).await
    }

    async fn is_locked(&self, file: &FileId) -> Result<bool, StoreError> {
        self.inner.is_locked(file).await
    }
    async fn next_event_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_event_due().await
    }
    async fn deliveries(&self, event: &EventId) -> Result<Vec<String>, StoreError> {
        self.inner.deliveries(event).await
    }
    async fn kept_events(&self) -> Result<KeptEvents, StoreError> {
        self.inner.kept_events().await
    }
    async fn has_outdated(&self, what: Outdated) -> Result<bool, StoreError> {
        self.inner.has_outdated(what).await
    }
    async fn is_delivered(&self, event: &EventId, target: &str) -> Result<bool, StoreError> {
        self.inner.is_delivered(event, target).await
    }

    async fn files_below(
        &self,
        workspace: &WorkspaceId,
        folder: &str,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<File>, StoreError> {
        self.inner.files_below(workspace, folder, after, limit).await
    }

    async fn all_files(&self, after: Option<&FileId>, limit: usize) -> Result<Vec<File>, StoreError> {
        self.inner.all_files(after, limit).await
    }

    async fn mail(&self, id: &MailId) -> Result<Option<OutboxMail>, StoreError> {
        self.inner.mail(id).await
    }

    async fn mails_due(&self, now: Timestamp, limit: usize) -> Result<Vec<OutboxMail>, StoreError> {
        self.inner.mails_due(now, limit).await
    }

    async fn standing(&self) -> Result<Standing, StoreError> {
        self.inner.standing().await
    }

    async fn deployments_of(&self, flow: &str) -> Result<Vec<Deployment>, StoreError> {
        self.inner.deployments_of(flow).await
    }

    async fn mails(&self, state: MailState, limit: usize) -> Result<Vec<OutboxMail>, StoreError> {
        self.inner.mails(state, limit).await
    }

    async fn is_used(&self, scope: &str, key: &str) -> Result<bool, StoreError> {
        self.inner.is_used(scope, key).await
    }

    async fn used_keys(&self, scope: &str) -> Result<Vec<(String, Used)>, StoreError> {
        self.inner.used_keys(scope).await
    }

    async fn scrub(&self, after: Option<&str>, limit: usize) -> Result<Option<Scrubbed>, StoreError> {
        self.inner.scrub(after, limit).await
    }

    async fn used_for(&self, scope: &str, key: &str) -> Result<Option<Used>, StoreError> {
        if self.orders().hide_used {
            return Err(StoreError::Failed("nobody knows what it was used for".to_owned()));
        }
        self.inner.used_for(scope, key).await
    }
}
