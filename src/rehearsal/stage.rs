//! The stage of one case: the product's own host over a store in memory, and a clock that is held.
//!
//! Nothing is waited for: time stands still until everything that can be done at a moment is
//! done, and then jumps to the next moment at which anything is due.

use super::setting::Setting;
use crate::base::Timestamp;
use crate::host::reading::{Reader, Where};
use crate::host::{Clock, Host, HostError, Limits, Parts, Policy, Seed};
use crate::store::memory::MemoryStore;
use crate::store::{RunFilter, RunRow, RunStatus, Store};
use jiff::SignedDuration;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Most moments that one case may come to.
pub const MAX_MOMENTS: usize = 10_000;
/// Most runs that may come of one run of a case: more are no test of anything.
pub const MAX_RUNS: u64 = 1_000;
/// How long time may go on behind the end of the time line, in days: ten years.
pub const MAX_DAYS: i64 = 3_653;
/// The shortest sleep there is. It ends when nothing else can be done.
const MOMENT: Duration = Duration::from_millis(1);
/// When something that is due and was not done is looked at again.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// What starts runs as time goes on.
const STARTED_LATER: [&str; 2] = ["trigger:schedule", "trigger:document"];

/// A host and what it stands on.
pub struct Stage<'s> {
    /// What the cases share.
    pub setting: &'s Setting,
    /// All that is durable.
    pub store: Arc<dyn Store>,
    /// Drives everything.
    pub host: Arc<Host>,
    serving: JoinHandle<()>,
    moments: usize,
    seed: Seed,
}

/// Why a case could not go on.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// Too much happens.
    #[error("more than {MAX_MOMENTS} moments came: does something begin again without end?")]
    TooManyMoments,
    /// The host failed.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl<'s> Stage<'s> {
    /// Opens the stage at `now`, with every flow deployed.
    pub async fn open(setting: &'s Setting, now: Timestamp) -> Result<Self, HostError> {
        set(setting, now);
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let seed = Seed::new(setting.seed);
        let (host, serving) = start(setting, &store, &seed).await?;
        for flow in &setting.flows {
            host.deploy(&flow.name, &flow.text, "rehearsal").await?;
        }
        Ok(Self {
            setting,
            store,
            host,
            serving,
            moments: 0,
            seed,
        })
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.host.now()
    }

    /// Returns when nothing is left to be done at this moment.
    pub async fn settle(&self) {
        tokio::time::sleep(MOMENT).await;
    }

    /// The process dies, and another one takes up what is stored.
    pub async fn crash(&mut self) -> Result<(), HostError> {
        self.down_until(self.now()).await
    }

    /// The process dies, and another one takes up what is stored at `moment`.
    pub async fn down_until(&mut self, moment: Timestamp) -> Result<(), HostError> {
        self.serving.abort();
        self.host.abandon();
        self.settle().await;
        self.setting.world.forget_calls();
        if moment > self.now() {
            set(self.setting, moment);
        }
        (self.host, self.serving) = start(self.setting, &self.store, &self.seed).await?;
        self.settle().await;
        Ok(())
    }

    /// Lets time go on to `moment`. What is due until then, or just then, happens before this returns.
    pub async fn go_on_to(&mut self, moment: Timestamp) -> Result<(), StageError> {
        while let Some(next) = self.next_moment().await?.filter(|next| *next <= moment) {
            self.jump(next).await?;
        }
        if moment > self.now() {
            self.jump(moment).await?;
        }
        Ok(())
    }

    /// Lets time go on until every run has ended or nothing is due any more. What a schedule or a document
    /// starts from now on does not count, or there would be no end.
    pub async fn go_on_to_the_end(&mut self) -> Result<(), StageError> {
        let now = self.now();
        let limit = self.now().checked_add(SignedDuration::from_hours(24 * MAX_DAYS));
        let limit = limit.unwrap_or(Timestamp::MAX);
        while self.goes_on(now).await? {
            match self.next_moment().await?.filter(|next| *next <= limit) {
                Some(next) => self.jump(next).await?,
                None => break,
            }
        }
        Ok(())
    }

    /// Runs of the flow under test, the first one first.
    pub async fn runs(&self) -> Result<Vec<RunRow>, HostError> {
        let filter = RunFilter {
            flow: Some(self.setting.plan.flow.clone()),
            limit: MAX_MOMENTS,
            ..RunFilter::default()
        };
        let mut runs = self.host.list_runs(&filter).await?;
        runs.reverse();
        Ok(runs)
    }

    /// Whether a run can go on by itself: it has not ended and does not wait for a person to look.
    async fn goes_on(&self, end: Timestamp) -> Result<bool, HostError> {
        let is_called = self.setting.world.next_given_up(self.now()).is_some();
        let filter = RunFilter {
            limit: MAX_MOMENTS,
            ..RunFilter::default()
        };
        let runs = self.host.list_runs(&filter).await?;
        if runs.is_empty() {
            let is_due = self.setting.plan.triggers.document.is_some() && self.host.next_expiry().is_some();
            return Ok(is_due || !self.setting.schedules.is_empty());
        }
        let is_later = |run: &RunRow| STARTED_LATER.contains(&run.initiator.as_str()) && run.started_at > end;
        let goes_on = |run: &RunRow| !run.incident || run.wakeup_at.is_some() || is_called;
        let mut open = runs.iter().filter(|run| run.status != RunStatus::Ended);
        // what is expected is expected of the first one, whatever started it
        let first = runs.last().map(|run| &run.id);
        Ok(open.any(|run| goes_on(run) && (first == Some(&run.id) || !is_later(run))))
    }

    async fn next_moment(&self) -> Result<Option<Timestamp>, HostError> {
        let now = self.now();
        let wakeups = self.store.wakeups().await.map_err(HostError::from)?;
        let scheduled = self.setting.schedules.iter();
        let moments = [
            wakeups.into_iter().map(|(at, _)| at).min(),
            self.store.next_share_expiry().await.map_err(HostError::from)?,
            self.host.next_expiry(),
            self.setting.world.next_given_up(now),
            scheduled.filter_map(|schedule| schedule.after(now)).min(),
        ];
        Ok(moments.into_iter().flatten().min().map(|at| not_before(at, now)))
    }

    async fn jump(&mut self, to: Timestamp) -> Result<(), StageError> {
        self.moments += 1;
        if self.moments > MAX_MOMENTS {
            return Err(StageError::TooManyMoments);
        }
        let ahead = Duration::try_from(to.duration_since(self.now())).unwrap_or_default();
        set(self.setting, to);
        // the sleepers must wake too, and their clock counts whole milliseconds
        tokio::time::advance(ahead + MOMENT).await;
        self.settle().await;
        Ok(())
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        self.serving.abort();
        self.host.abandon();
    }
}

/// When to look at what is due at a moment: at once where that is over, and it was not done.
pub(super) fn not_before(at: Timestamp, now: Timestamp) -> Timestamp {
    if at > now {
        at
    } else {
        now.saturating_add(AGAIN).unwrap_or(now)
    }
}

fn set(setting: &Setting, now: Timestamp) {
    *setting.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
}

async fn start(
    setting: &Setting,
    store: &Arc<dyn Store>,
    seed: &Seed,
) -> Result<(Arc<Host>, JoinHandle<()>), HostError> {
    let host = Host::new(Parts {
        store: Arc::clone(store),
        blobs: setting.blobs.clone(),
        reader: Reader::new(Where::Here),
        registry: setting.registry.clone(),
        mailer: Arc::clone(&setting.mailer),
        links: setting.links.clone(),
        directory: Arc::new(RwLock::new(Arc::clone(&setting.directory))),
        calendars: setting.calendars.clone(),
        secrets: setting.secrets.clone(),
        clock: Clock::Held(Arc::clone(&setting.now)),
        seed: Some(seed.clone()),
        limits: Limits {
            descendants: MAX_RUNS,
            call_timeout_ms: super::canned::CALL_TIMEOUT_MS,
            ..Limits::default()
        },
        policy: Policy::open(),
    });
    host.recover().await?;
    let serving = tokio::spawn(Arc::clone(&host).serve(CancellationToken::new(), Duration::ZERO));
    Ok((host, serving))
}
