//! Everything in memory: for tests and simulation, with the same rules as a real store.
//!
//! Invariant: a unit of work that is refused leaves no trace; each change remembers how it is
//! undone.

mod delivery;
mod expiries;

use super::Store;
use super::model::{
    CommitError, Deployment, ExpiryOrder, KeptEvents, MailState, OutboxMail, Outdated, PendingEvent, RunCommit,
    RunFilter, RunRow, RunStatus, Scrubbed, Standing, StoreError, Subscription, TaskRow, TaskState, UnitOfWork, Used,
    Write, file_in_words, is_for,
};
use crate::audit::AccessEntry;
use crate::base::Timestamp;
use crate::base::id::{EventId, FileId, GrantId, MailId, RunId, ShareId, TaskId, WorkspaceId};
use crate::engine::{EventRecord, InboundEvent};
use crate::space::{Comment, Expiry, File, Grant, Share, State, Workspace};
use delivery::Recorded;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    runs: Table<RunRow>,
    journals: BTreeMap<String, Vec<EventRecord>>,
    deployments: Vec<Deployment>,
    workspaces: Table<Workspace>,
    files: Table<File>,
    expiries: BTreeMap<FileId, expiries::Counted>,
    shares: Table<Share>,
    grants: Table<Grant>,
    comments: Table<Comment>,
    access_log: Vec<AccessEntry>,
    tasks: Table<TaskRow>,
    mails: Table<OutboxMail>,
    owners: BTreeSet<(String, RunId)>,
    locks: BTreeSet<(FileId, RunId)>,
    subscriptions: BTreeMap<RunId, BTreeSet<Subscription>>,
    events: Table<Recorded>,
    deliveries: BTreeSet<(EventId, String)>,
    used: BTreeMap<(String, String), (Used, Option<Timestamp>)>,
}

impl Tables {
    fn is_locked(&self, file: &FileId) -> bool {
        self.locks.iter().any(|(locked, _)| locked == file)
    }
}

/// Records by id, in the order in which they came.
#[derive(Clone)]
struct Table<T> {
    records: Vec<T>,
    places: BTreeMap<String, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            places: BTreeMap::new(),
        }
    }
}

impl<T> Table<T> {
    fn get(&self, id: &str) -> Option<&T> {
        self.places.get(id).map(|place| &self.records[*place])
    }

    fn iter(&self) -> std::slice::Iter<'_, T> {
        self.records.iter()
    }

    /// Inserts or replaces, and gives what was replaced.
    fn set(&mut self, id: &str, record: T) -> Option<T> {
        if let Some(place) = self.places.get(id) {
            return Some(std::mem::replace(&mut self.records[*place], record));
        }
        self.places.insert(id.to_owned(), self.records.len());
        self.records.push(record);
        None
    }

    /// Undoes `set`, where that was the last change that is not undone.
    fn unset(&mut self, id: &str, before: Option<T>) {
        if let Some(record) = before {
            self.set(id, record);
        } else {
            self.places.remove(id);
            self.records.pop();
        }
    }
}

/// A record that counts how often it was stored.
trait Counted: Clone + Send + 'static {
    fn id(&self) -> &str;
    fn rev(&mut self) -> &mut u64;
    fn table(tables: &mut Tables) -> &mut Table<Self>;
}

macro_rules! counted {
    ($type:ty, $table:ident) => {
        impl Counted for $type {
            fn id(&self) -> &str {
                self.id.as_str()
            }
            fn rev(&mut self) -> &mut u64 {
                &mut self.rev
            }
            fn table(tables: &mut Tables) -> &mut Table<Self> {
                &mut tables.$table
            }
        }
    };
}

counted!(Workspace, workspaces);
counted!(File, files);
counted!(Share, shares);
counted!(Grant, grants);
counted!(TaskRow, tasks);
counted!(OutboxMail, mails);

type Undo = Box<dyn FnOnce(&mut Tables)>;

/// A unit of work on its way.
struct Attempt<'t> {
    tables: &'t mut Tables,
    undo: Vec<Undo>,
}

impl Attempt<'_> {
    fn undo(&mut self, undo: impl FnOnce(&mut Tables) + 'static) {
        self.undo.push(Box::new(undo));
    }

    fn run(&mut self, commit: RunCommit) -> Result<(), CommitError> {
        let before = commit.position_before()?;
        let id = commit.row.id.clone();
        let stored = self.tables.runs.get(id.as_str());
        if stored.map_or(0, |row| row.seq) != before {
            return conflict(format!("run {id}"));
        }
        let mut row = commit.row;
        if let Some(stored) = stored {
            let stored = stored.clone();
            row.flow = stored.flow;
            row.initiator = stored.initiator;
            row.started_at = stored.started_at;
        }
        let replaced = self.tables.runs.set(id.as_str(), row);
        let journal = self.tables.journals.entry(id.0.clone()).or_default();
        let length = journal.len();
        journal.extend(commit.events);
        self.undo(move |tables| {
            tables.runs.unset(id.as_str(), replaced);
            if let Some(journal) = tables.journals.get_mut(id.as_str()) {
                journal.truncate(length);
            }
        });
        Ok(())
    }

    fn put<T: Counted>(&mut self, mut record: T, what: String) -> Result<(), CommitError> {
        let table = T::table(self.tables);
        let stored = table.get(record.id()).cloned().map_or(0, |mut stored| *stored.rev());
        if stored != *record.rev() {
            return conflict(what);
        }
        *record.rev() += 1;
        let id = record.id().to_owned();
        let replaced = table.set(&id, record);
        self.undo(move |tables| T::table(tables).unset(&id, replaced));
        Ok(())
    }

    fn write(&mut self, write: Write) -> Result<(), CommitError> {
        match write {
            Write::Deploy(deployment) => {
                let is_there =
                    |other: &Deployment| (&other.flow, &other.version) == (&deployment.flow, &deployment.version);
                if self.tables.deployments.iter().any(is_there) {
                    return Err(CommitError::Conflict {
                        what: deployment.what(),
                    });
                }
                self.tables.deployments.push(deployment);
                self.undo(|tables| drop(tables.deployments.pop()));
                Ok(())
            }
            Write::PutWorkspace(workspace) => {
                let what = format!("workspace {}", workspace.id);
                self.put(workspace, what)
            }
            Write::PutFile(file) => self.put_file(file),
            Write::Lock { file, run } => {
                let lock = (file, run);
                if self.tables.locks.insert(lock.clone()) {
                    self.undo(move |tables| _ = tables.locks.remove(&lock));
                }
                Ok(())
            }
            Write::Unlock { file, run } => {
                let lock = (file, run);
                if self.tables.locks.remove(&lock) {
                    self.undo(move |tables| _ = tables.locks.insert(lock));
                }
                Ok(())
            }
            Write::PutShare(share) => {
                let what = format!("share {}", share.id);
                self.put(share, what)
            }
            Write::PutGrant(grant) => self.put_grant(grant),
            Write::PutTask(task) => {
                let what = format!("task {}", task.id);
                self.put(task, what)
            }
            Write::PutMail(mail) => {
                let what = format!("mail {}", mail.id);
                self.put(mail, what)
            }
            Write::AddComment(comment) => self.add_comment(comment),
            Write::Access(entry) => {
                self.tables.access_log.push(entry);
                self.undo(|tables| drop(tables.access_log.pop()));
                Ok(())
            }
            Write::Own { thing, run } => {
                self.own(thing, run);
                Ok(())
            }
            Write::Disown { thing, run } => {
                let owned = (thing, run);
                if self.tables.owners.remove(&owned) {
                    self.undo(move |tables| _ = tables.owners.insert(owned));
                }
                Ok(())
            }
            write @ (Write::PutExpiry(_) | Write::EndExpiry { .. } | Write::ExpiryTold { .. }) => {
                self.write_expiry(write)
            }
            other => self.write_delivery(other),
        }
    }

    fn put_file(&mut self, file: File) -> Result<(), CommitError> {
        let what = file_in_words(&file);
        let place = (&file.workspace, &file.folder, &file.name);
        let mut others = self.tables.files.iter().filter(|other| other.id != file.id);
        let is_taken = others.any(|other| (&other.workspace, &other.folder, &other.name) == place);
        if is_taken || self.tables.is_locked(&file.id) {
            return conflict(what);
        }
        self.put(file, what)
    }

    fn put_grant(&mut self, grant: Grant) -> Result<(), CommitError> {
        let what = format!("grant {}", grant.id);
        let mut others = self.tables.grants.iter().filter(|other| other.id != grant.id);
        if !grant.token_hash.is_empty() && others.any(|other| other.token_hash == grant.token_hash) {
            return conflict(what);
        }
        self.put(grant, what)
    }

    fn add_comment(&mut self, comment: Comment) -> Result<(), CommitError> {
        let id = comment.id.clone();
        if self.tables.comments.get(id.as_str()).is_some() {
            return conflict(format!("comment {id}"));
        }
        self.tables.comments.set(id.as_str(), comment);
        self.undo(move |tables| tables.comments.unset(id.as_str(), None));
        Ok(())
    }

    fn own(&mut self, thing: String, run: RunId) {
        let owned = (thing, run);
        if self.tables.owners.insert(owned.clone()) {
            self.undo(move |tables| _ = tables.owners.remove(&owned));
        }
    }
}

fn conflict(what: String) -> Result<(), CommitError> {
    Err(CommitError::Conflict { what })
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl Store for MemoryStore {
    async fn commit(&self, unit: UnitOfWork) -> Result<(), CommitError> {
        let mut tables = self.tables();
        let mut attempt = Attempt {
            tables: &mut tables,
            undo: Vec::new(),
        };
        let run = unit.run.map_or(Ok(()), |commit| attempt.run(commit));
        let done = run.and_then(|()| unit.writes.into_iter().try_for_each(|write| attempt.write(write)));
        if done.is_err() {
            for undo in std::mem::take(&mut attempt.undo).into_iter().rev() {
                undo(attempt.tables);
            }
        }
        done
    }

    async fn latest_deployment(&self, flow: &str) -> Result<Option<Deployment>, StoreError> {
        let tables = self.tables();
        Ok(tables
            .deployments
            .iter()
            .rev()
            .find(|deployment| deployment.flow == flow)
            .cloned())
    }

    async fn deployment(&self, hash: &str) -> Result<Option<Deployment>, StoreError> {
        let tables = self.tables();
        Ok(tables
            .deployments
            .iter()
            .rev()
            .find(|deployment| deployment.hash == hash)
            .cloned())
    }

    async fn deployments_of(&self, flow: &str) -> Result<Vec<Deployment>, StoreError> {
        let tables = self.tables();
        let of_flow = tables.deployments.iter().filter(|deployment| deployment.flow == flow);
        Ok(of_flow.cloned().collect())
    }

    async fn deployments(&self) -> Result<Vec<Deployment>, StoreError> {
        let tables = self.tables();
        let latest: BTreeMap<_, _> = tables
            .deployments
            .iter()
            .map(|deployment| (deployment.flow.clone(), deployment))
            .collect();
        Ok(latest.into_values().cloned().collect())
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunRow>, StoreError> {
        Ok(self.tables().runs.get(run.as_str()).cloned())
    }

    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, StoreError> {
        let tables = self.tables();
        let end = match &filter.before {
            None => tables.runs.records.len(),
            Some(before) => tables.runs.places.get(before.as_str()).copied().unwrap_or(0),
        };
        let is_meant = |row: &&RunRow| {
            filter.flow.as_ref().is_none_or(|flow| *flow == row.flow)
                && filter.status.is_none_or(|status| status == row.status)
                && filter.incident.is_none_or(|incident| incident == row.incident)
                && filter.version.as_ref().is_none_or(|one| *one == row.version)
                && filter.initiator.as_ref().is_none_or(|one| *one == row.initiator)
        };
        let limit = if filter.limit == 0 { 100 } else { filter.limit };
        Ok(tables.runs.records[..end]
            .iter()
            .rev()
            .filter(is_meant)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn journal(&self, run: &RunId, after: u64, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        let tables = self.tables();
        let journal = tables.journals.get(run.as_str()).map(Vec::as_slice).unwrap_or_default();
        Ok(journal
            .iter()
            .filter(|record| record.seq > after)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn wakeups(&self) -> Result<Vec<(Timestamp, RunId)>, StoreError> {
        let tables = self.tables();
        let alive = tables.runs.iter().filter(|row| row.status != RunStatus::Ended);
        let mut wakeups: Vec<_> = alive.filter_map(|row| Some((row.wakeup_at?, row.id.clone()))).collect();
        wakeups.sort_by_key(|(at, _)| *at);
        Ok(wakeups)
    }

    async fn last_recorded(&self) -> Result<Option<Timestamp>, StoreError> {
        let tables = self.tables();
        let journals = tables
            .journals
            .values()
            .filter_map(|journal| journal.last())
            .map(|one| one.at);
        let accesses = tables.access_log.last().map(|entry| entry.at);
        let events = tables.events.records.last().map(|one| one.event.at);
        Ok(journals.chain(accesses).chain(events).max())
    }

    async fn busy_runs(&self) -> Result<Vec<RunId>, StoreError> {
        Ok(self
            .tables()
            .runs
            .iter()
            .filter(|row| row.busy)
            .map(|row| row.id.clone())
            .collect())
    }

    async fn task(&self, task: &TaskId) -> Result<Option<TaskRow>, StoreError> {
        Ok(self.tables().tasks.get(task.as_str()).cloned())
    }

    async fn newest_tasks(&self, limit: usize) -> Result<Vec<TaskRow>, StoreError> {
        let tables = self.tables();
        let mut tasks: Vec<_> = tables.tasks.iter().cloned().collect();
        tasks.reverse();
        tasks.truncate(limit);
        Ok(tasks)
    }

    async fn tasks_about(&self, files: &[FileId]) -> Result<Vec<TaskRow>, StoreError> {
        let files: BTreeSet<&str> = files.iter().map(FileId::as_str).collect();
        let is_about = |task: &&TaskRow| {
            let document = task.document.as_ref();
            document.is_some_and(|document| files.contains(document.id.as_str()))
        };
        Ok(self.tables().tasks.iter().filter(is_about).cloned().collect())
    }

    async fn open_tasks(&self, person: Option<&str>) -> Result<Vec<TaskRow>, StoreError> {
        let tables = self.tables();
        let is_theirs = |task: &&TaskRow| person.is_none_or(|person| task.listed_for().any(|other| other == person));
        let open = tables.tasks.iter().filter(|task| task.state == TaskState::Open);
        let mut tasks: Vec<_> = open.filter(is_theirs).cloned().collect();
        tasks.sort_by_key(|task| task.opened_at);
        Ok(tasks)
    }

    async fn workspace(&self, id: &WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        Ok(self.tables().workspaces.get(id.as_str()).cloned())
    }

    async fn file(&self, id: &FileId) -> Result<Option<File>, StoreError> {
        Ok(self.tables().files.get(id.as_str()).cloned())
    }

    async fn file_named(&self, workspace: &WorkspaceId, folder: &str, name: &str) -> Result<Option<File>, StoreError> {
        let tables = self.tables();
        let is_it = |file: &&File| file.workspace == *workspace && file.folder == folder && file.name == name;
        Ok(tables.files.iter().find(is_it).cloned())
    }

    async fn files_in(&self, workspace: &WorkspaceId, folder: &str) -> Result<Vec<File>, StoreError> {
        let tables = self.tables();
        let is_there = |file: &&File| file.workspace == *workspace && file.folder == folder;
        let mut files: Vec<_> = tables.files.iter().filter(is_there).cloned().collect();
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(files)
    }

    async fn is_locked(&self, file: &FileId) -> Result<bool, StoreError> {
        Ok(self.tables().is_locked(file))
    }

    async fn files_below(
        &self,
        workspace: &WorkspaceId,
        folder: &str,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<File>, StoreError> {
        let tables = self.tables();
        let below = format!("{}/", folder.trim_end_matches('/'));
        let is_meant = |file: &&File| {
            let place = (file.folder.as_str(), file.name.as_str());
            file.workspace == *workspace
                && (file.folder == folder || file.folder.starts_with(&below))
                && after.is_none_or(|after| place > after)
        };
        let mut files: Vec<_> = tables.files.iter().filter(is_meant).cloned().collect();
        files.sort_by(|one, other| (&one.folder, &one.name).cmp(&(&other.folder, &other.name)));
        files.truncate(limit);
        Ok(files)
    }

    async fn all_files(&self, after: Option<&FileId>, limit: usize) -> Result<Vec<File>, StoreError> {
        let tables = self.tables();
        let is_meant = |file: &&File| after.is_none_or(|after| file.id > *after);
        let mut files: Vec<_> = tables.files.iter().filter(is_meant).cloned().collect();
        files.sort_by(|one, other| one.id.cmp(&other.id));
        files.truncate(limit);
        Ok(files)
    }

    async fn expiry(&self, file: &FileId) -> Result<Option<Expiry>, StoreError> {
        Ok(self.tables().expiry(file))
    }

    async fn expiries(
        &self,
        order: ExpiryOrder,
        not_before: Timestamp,
        after: Option<&(Timestamp, FileId)>,
        limit: usize,
    ) -> Result<Vec<Expiry>, StoreError> {
        Ok(self.tables().expiries(order, not_before, after, limit))
    }

    async fn untold_expiries(&self, limit: usize) -> Result<Vec<Expiry>, StoreError> {
        Ok(self.tables().untold_expiries(limit))
    }

    async fn share(&self, id: &ShareId) -> Result<Option<Share>, StoreError> {
        Ok(self.tables().shares.get(id.as_str()).cloned())
    }

    async fn shares_due(&self, now: Timestamp) -> Result<Vec<Share>, StoreError> {
        let tables = self.tables();
        let is_due = |share: &&Share| share.state == State::Live && share.expires_at <= now;
        let mut due: Vec<_> = tables.shares.iter().filter(is_due).cloned().collect();
        due.sort_by_key(|share| share.expires_at);
        Ok(due)
    }

    async fn next_share_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        let tables = self.tables();
        let live = tables.shares.iter().filter(|share| share.state == State::Live);
        Ok(live.map(|share| share.expires_at).min())
    }

    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StoreError> {
        Ok(self.tables().grants.get(id.as_str()).cloned())
    }

    async fn grant_by_token(&self, token_hash: &str) -> Result<Option<Grant>, StoreError> {
        let tables = self.tables();
        let mut with_link = tables.grants.iter().filter(|grant| !grant.token_hash.is_empty());
        Ok(with_link.find(|grant| grant.token_hash == token_hash).cloned())
    }

    async fn grants_after(&self, after: Option<&GrantId>, limit: usize) -> Result<Vec<Grant>, StoreError> {
        let tables = self.tables();
        let from = after.and_then(|after| tables.grants.places.get(after.as_str()));
        let from = from.map_or(0, |place| place + 1);
        Ok(tables.grants.iter().skip(from).take(limit).cloned().collect())
    }

    async fn grants_of(&self, share: &ShareId) -> Result<Vec<Grant>, StoreError> {
        Ok(self
            .tables()
            .grants
            .iter()
            .filter(|grant| grant.share == *share)
            .cloned()
            .collect())
    }

    async fn comments_in(&self, share: &ShareId) -> Result<Vec<Comment>, StoreError> {
        Ok(self
            .tables()
            .comments
            .iter()
            .filter(|comment| comment.share == *share)
            .cloned()
            .collect())
    }

    async fn access_log(
        &self,
        share: Option<&ShareId>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, AccessEntry)>, StoreError> {
        let tables = self.tables();
        let lines = (1..).zip(&tables.access_log).filter(|(position, _)| *position > after);
        let meant = lines.filter(|(_, line)| share.is_none_or(|share| line.share.as_deref() == Some(share.as_str())));
        Ok(meant
            .take(limit)
            .map(|(position, line)| (position, line.clone()))
            .collect())
    }

    async fn owners_of(&self, subjects: &[String]) -> Result<Vec<RunId>, StoreError> {
        let tables = self.tables();
        let owned = tables.owners.iter().filter(|(thing, _)| subjects.contains(thing));
        let runs: BTreeSet<_> = owned.map(|(_, run)| run.clone()).collect();
        Ok(runs.into_iter().collect())
    }

    async fn subscribers(&self, kind: &str, key: &str) -> Result<Vec<RunId>, StoreError> {
        let tables = self.tables();
        let meant = Subscription {
            kind: kind.to_owned(),
            key: key.to_owned(),
        };
        let subscribed = tables.subscriptions.iter().filter(|(_, to)| to.contains(&meant));
        Ok(subscribed.map(|(run, _)| run.clone()).collect())
    }

    async fn event(&self, id: &EventId) -> Result<Option<InboundEvent>, StoreError> {
        Ok(self
            .tables()
            .events
            .get(id.as_str())
            .map(|recorded| recorded.event.clone()))
    }

    async fn undelivered(
        &self,
        run: &RunId,
        things: &Arc<BTreeSet<String>>,
        keys: &Arc<BTreeSet<Subscription>>,
    ) -> Result<Vec<InboundEvent>, StoreError> {
        let tables = self.tables();
        let is_due = |event: &&InboundEvent| {
            is_for(event, things, keys) && !tables.deliveries.contains(&(event.id.clone(), run.to_string()))
        };
        Ok(tables.due_events().filter(is_due).cloned().collect())
    }

    async fn is_delivered(&self, event: &EventId, target: &str) -> Result<bool, StoreError> {
        Ok(self.tables().deliveries.contains(&(event.clone(), target.to_owned())))
    }

    async fn pending_events(&self, now: Timestamp, limit: usize) -> Result<Vec<PendingEvent>, StoreError> {
        Ok(self.tables().pending_events(now, limit))
    }

    async fn next_event_due(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.tables().next_event_due())
    }

    async fn deliveries(&self, event: &EventId) -> Result<Vec<String>, StoreError> {
        let tables = self.tables();
        let delivered = tables.deliveries.iter().filter(|(delivered, _)| delivered == event);
        Ok(delivered.map(|(_, target)| target.clone()).collect())
    }

    async fn kept_events(&self) -> Result<KeptEvents, StoreError> {
        Ok(self.tables().kept_events())
    }

    async fn has_outdated(&self, what: Outdated) -> Result<bool, StoreError> {
        Ok(self.tables().has_outdated(what))
    }

    async fn mail(&self, id: &MailId) -> Result<Option<OutboxMail>, StoreError> {
        Ok(self.tables().mails.iter().find(|mail| mail.id == *id).cloned())
    }

    async fn mails_due(&self, now: Timestamp, limit: usize) -> Result<Vec<OutboxMail>, StoreError> {
        let tables = self.tables();
        let is_due = |mail: &&OutboxMail| mail.state == MailState::Queued && mail.next_at.is_none_or(|at| at <= now);
        Ok(tables.mails.iter().filter(is_due).take(limit).cloned().collect())
    }

    async fn standing(&self) -> Result<Standing, StoreError> {
        let tables = self.tables();
        let mails =
            |states: &[MailState]| tables.mails.iter().filter(|mail| states.contains(&mail.state)).count() as u64;
        let alive = || tables.runs.iter().filter(|run| run.status != RunStatus::Ended);
        Ok(Standing {
            runs: alive().count() as u64,
            incidents: alive().filter(|run| run.incident).count() as u64,
            tasks: tables.tasks.iter().filter(|task| task.state == TaskState::Open).count() as u64,
            mails_queued: mails(&[MailState::Queued, MailState::Sending]),
            mails_failed: mails(&[MailState::Failed, MailState::InDoubt]),
        })
    }

    async fn mails(&self, state: MailState, limit: usize) -> Result<Vec<OutboxMail>, StoreError> {
        let tables = self.tables();
        Ok(tables
            .mails
            .iter()
            .filter(|mail| mail.state == state)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn is_used(&self, scope: &str, key: &str) -> Result<bool, StoreError> {
        Ok(self.used_for(scope, key).await?.is_some())
    }

    async fn used_keys(&self, scope: &str) -> Result<Vec<(String, Used)>, StoreError> {
        let tables = self.tables();
        let of_scope = tables.used.iter().filter(|((one, _), _)| one == scope);
        Ok(of_scope
            .map(|((_, key), (used, _))| (key.clone(), used.clone()))
            .collect())
    }

    async fn scrub(&self, _: Option<&str>, _: usize) -> Result<Option<Scrubbed>, StoreError> {
        Ok(None)
    }

    async fn used_for(&self, scope: &str, key: &str) -> Result<Option<Used>, StoreError> {
        let tables = self.tables();
        let used = tables.used.get(&(scope.to_owned(), key.to_owned()));
        Ok(used.map(|(used, _)| used.clone()))
    }
}
