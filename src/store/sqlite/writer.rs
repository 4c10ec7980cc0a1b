//! The one thread that writes. It takes everything that is queued into one transaction, so that
//! many units of work share one sync of the disk, and answers when that is durable.
//!
//! Invariant: nothing is answered as done before its commit returned; when it is in doubt
//! whether a commit is durable, the store closes and nothing more is answered as done.

use super::apply::{NotApplied, apply};
use super::checkpoint::Copier;
use super::closed::Closed;
use super::encode::EncodedUnit;
use super::last::Last;
use super::layout::{failure, store_error};
use crate::store::fault;
use crate::store::model::{CommitError, StoreError};
use rusqlite::{Connection, ErrorCode, ffi};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use tokio::sync::oneshot;

/// Units of work in one transaction, at most: a bound on how long the first one waits.
const BATCH: usize = 1024;

/// Pages in the log after which it is copied into the database: 32 MB.
const CHECKPOINT_PAGES: i32 = 8000;

/// What the thread is asked.
#[expect(clippy::large_enum_variant, reason = "nearly all are the large one")]
pub(super) enum Job {
    /// Do a unit of work.
    Commit(EncodedUnit, Answer),
    /// Let the database grow to so many bytes at most, or as far as it likes.
    Limit(Option<u64>, oneshot::Sender<Result<(), StoreError>>),
}

type Answer = oneshot::Sender<Result<(), CommitError>>;

/// What others see of the thread.
#[derive(Default)]
pub(super) struct Shared {
    /// Nothing is answered any more.
    pub closed: Arc<Closed>,
    /// Transactions that were committed, each with one sync.
    pub commits: AtomicU64,
}

/// The state of the thread.
pub(super) struct Writer {
    connection: Connection,
    shared: Arc<Shared>,
    log_pages: Arc<AtomicI32>,
    copier: Copier,
    last: Last,
    commit: fn(&Connection) -> rusqlite::Result<()>,
}

/// Why nothing of a batch happened.
enum Broken {
    /// Before the commit: certainly nothing.
    Before(rusqlite::Error),
    /// In the commit, for lack of space: certainly nothing.
    Full(rusqlite::Error),
    /// In the commit: it is not known what reached the disk.
    InDoubt(rusqlite::Error),
}

impl Writer {
    pub fn new(
        mut connection: Connection,
        copier: Copier,
        last: Last,
        shared: Arc<Shared>,
    ) -> Result<Self, StoreError> {
        let log_pages = Arc::new(AtomicI32::new(0));
        let seen = Arc::clone(&log_pages);
        let hook = move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            seen.store(pages, Ordering::Relaxed);
            Ok(())
        };
        connection.wal_hook(Some(hook)).map_err(store_error)?;
        Ok(Self {
            connection,
            shared,
            log_pages,
            copier,
            last,
            commit: |connection| connection.prepare_cached("COMMIT")?.execute([]).map(drop),
        })
    }

    /// Works until nobody can ask any more.
    pub fn run(self, jobs: &Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Ok(first) = jobs.recv() {
            let mut next = Some(first);
            while let Some(job) = next.take() {
                match job {
                    Job::Commit(unit, answer) => batch.push((unit, answer)),
                    Job::Limit(bytes, answer) => drop(answer.send(self.limit(bytes))),
                }
                if batch.len() < BATCH {
                    next = jobs.try_recv().ok();
                }
            }
            self.commit_all(&mut batch);
            self.checkpoint_if_due();
        }
    }

    /// Does a batch and answers everybody in it.
    fn commit_all(&self, batch: &mut Vec<(EncodedUnit, Answer)>) {
        if batch.is_empty() {
            return;
        }
        let (units, answers): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        for (result, answer) in self.results(&units).into_iter().zip(answers) {
            // Whoever no longer waits finds out by reading.
            drop(answer.send(result));
        }
    }

    fn results(&self, units: &[EncodedUnit]) -> Vec<Result<(), CommitError>> {
        if self.shared.closed.is_closed() {
            return all(units.len(), &StoreError::Closed);
        }
        match self.attempt(units) {
            Ok(results) => results,
            // One of them asks too much: the others shall not suffer for it.
            Err(Broken::Before(_) | Broken::Full(_)) if units.len() > 1 => {
                units.chunks(1).flat_map(|unit| self.results(unit)).collect()
            }
            Err(Broken::Before(error) | Broken::Full(error)) => all(units.len(), &store_error(error)),
            Err(Broken::InDoubt(error)) => {
                self.close(&format!("a commit failed: {error}"));
                let why = "the disk failed, so it is not known whether this change is durable: look at what is stored \
                           before you repeat it";
                all(units.len(), &StoreError::InDoubt(why.to_owned()))
            }
        }
    }

    /// One transaction. An error means that nothing of it counts.
    fn attempt(&self, units: &[EncodedUnit]) -> Result<Vec<Result<(), CommitError>>, Broken> {
        let begun = self
            .connection
            .prepare_cached("BEGIN IMMEDIATE")
            .and_then(|mut begin| begin.execute([]));
        begun.map_err(Broken::Before)?;
        if fault::fails("store-write-fails") {
            self.roll_back();
            return Err(Broken::Before(failure(ffi::SQLITE_IOERR_WRITE)));
        }
        let mut results = Vec::with_capacity(units.len());
        for unit in units {
            match apply(&self.connection, unit) {
                Ok(()) => results.push(Ok(())),
                Err(NotApplied::Refused(refusal)) => results.push(Err(refusal)),
                Err(NotApplied::Broken(error)) => {
                    self.roll_back();
                    return Err(Broken::Before(error));
                }
            }
        }
        if results.iter().all(Result::is_err) {
            self.roll_back();
            return Ok(results);
        }
        let number = self.count_up().map_err(|error| {
            self.roll_back();
            Broken::Before(error)
        })?;
        fault::point("store-before-commit");
        let committed = if fault::fails("store-commit-fails") {
            Err(failure(ffi::SQLITE_IOERR_FSYNC))
        } else {
            (self.commit)(&self.connection)
        };
        if let Err(error) = committed {
            self.roll_back();
            return Err(match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => Broken::Full(error),
                _ => Broken::InDoubt(error),
            });
        }
        fault::point("store-after-commit");
        if let Err(error) = self.last.note(number) {
            // it lags behind, as after a power cut
            tracing::warn!(%error, "the number of the last change could not be noted");
        }
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        Ok(results)
    }

    /// Increments the transaction number.
    fn count_up(&self) -> rusqlite::Result<u64> {
        let number: i64 = self
            .connection
            .prepare_cached("UPDATE last_commit SET number = number + 1 WHERE key = 1 RETURNING number")?
            .query_row([], |row| row.get(0))?;
        Ok(number.cast_unsigned())
    }

    /// Ends the transaction without a trace. SQLite may have done so by itself.
    fn roll_back(&self) {
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.connection.execute_batch("ROLLBACK") {
            self.close(&format!("a rollback failed: {error}"));
        }
    }

    /// Sees to it that the log is copied into the database when it has grown.
    fn checkpoint_if_due(&self) {
        if self.log_pages.load(Ordering::Relaxed) >= CHECKPOINT_PAGES && !self.shared.closed.is_closed() {
            self.copier.go_on(&self.connection, &self.shared.closed);
            if let Err(error) = self.last.sync() {
                tracing::warn!(%error, "the number of the last change is not durable");
            }
        }
    }

    fn close(&self, why: &str) {
        self.shared.closed.close(why);
    }

    fn limit(&self, bytes: Option<u64>) -> Result<(), StoreError> {
        let page: u64 = self
            .connection
            .pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0))
            .map_err(store_error)?
            .cast_unsigned();
        // SQLite takes the largest it can for anything larger.
        let pages = bytes.map_or(i64::from(u32::MAX - 1), |bytes| (bytes / page).max(1).cast_signed());
        let set = format!("PRAGMA max_page_count = {pages}");
        self.connection.query_row(&set, [], |_| Ok(())).map_err(store_error)
    }
}

fn all(count: usize, error: &StoreError) -> Vec<Result<(), CommitError>> {
    (0..count).map(|_| Err(CommitError::Store(error.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::model::{UnitOfWork, Write};
    use crate::store::sqlite::lock::Locks;
    use crate::store::sqlite::{Opening, encode, layout, loss};

    fn writer(folder: &std::path::Path) -> Writer {
        let path = folder.join("gatefold.db");
        drop(Locks::take(&path).unwrap());
        let connection = layout::open_writer(&path, Opening::default()).unwrap();
        let shared = Arc::<Shared>::default();
        let copier = Copier::start(&path, Arc::clone(&shared.closed)).unwrap();
        let last = loss::note(&connection, &path).unwrap();
        Writer::new(connection, copier, last, shared).unwrap()
    }

    fn unit(key: &str) -> EncodedUnit {
        let write = Write::Once {
            scope: "test".to_owned(),
            key: key.to_owned(),
            value: String::new(),
            digest: None,
            until: None,
        };
        let unit = UnitOfWork {
            run: None,
            writes: vec![write],
        };
        encode::encode(unit).unwrap()
    }

    fn keys(writer: &Writer) -> i64 {
        writer
            .connection
            .query_row("SELECT count(*) FROM used_key", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn a_failed_sync_closes_the_store_and_acknowledges_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(folder.path());
        writer.commit = |_| Err(failure(ffi::SQLITE_IOERR_FSYNC));
        let results = writer.results(&[unit("a"), unit("b")]);
        assert_eq!(results.len(), 2);
        for result in results {
            assert!(
                matches!(result, Err(CommitError::Store(StoreError::InDoubt(_)))),
                "{result:?}"
            );
        }
        assert_eq!(keys(&writer), 0);
        // Even if the next sync succeeds: what the failed one lost is gone.
        writer.commit = |connection| connection.execute_batch("COMMIT");
        assert_eq!(
            writer.results(&[unit("c")]),
            [Err(CommitError::Store(StoreError::Closed))]
        );
        assert!(writer.shared.closed.is_closed());
    }

    #[test]
    fn a_commit_without_space_changes_nothing_and_the_next_one_may_succeed() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(folder.path());
        writer.commit = |_| Err(failure(ffi::SQLITE_FULL));
        for result in writer.results(&[unit("a"), unit("b")]) {
            assert!(
                matches!(result, Err(CommitError::Store(StoreError::Full(_)))),
                "{result:?}"
            );
        }
        writer.commit = |connection| connection.execute_batch("COMMIT");
        assert_eq!(writer.results(&[unit("a"), unit("b")]), [Ok(()), Ok(())]);
        assert_eq!(keys(&writer), 2);
    }

    #[test]
    fn the_log_is_copied_into_the_database_when_it_has_grown() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(folder.path());
        let log = |writer: &Writer| writer.log_pages.load(Ordering::Relaxed);
        assert_eq!(writer.results(&[unit("a")]), [Ok(())]);
        assert!(log(&writer) > 0, "the log is watched");
        writer.log_pages.store(CHECKPOINT_PAGES, Ordering::Relaxed);
        writer.checkpoint_if_due();
        while !writer.copier.has_copied() {
            std::thread::yield_now();
        }
        writer.checkpoint_if_due();
        // All of the log is in the database: the next commit begins the log anew.
        assert_eq!(writer.results(&[unit("b")]), [Ok(())]);
        assert!(log(&writer) <= 4, "the log has {} pages", log(&writer));
        assert!(!writer.shared.closed.is_closed());
    }
}
