//! Drives runs with tokio: timers, triggers, events, outbox, shutdown. Knows ports, no adapter.
//!
//! Invariant: what a run decided is durable before anything outside is done about it.

mod accepted;
pub mod actors;
mod asked;
mod at_length;
pub mod by_hand;
pub mod calls;
mod checklists;
pub mod children;
pub mod clock;
mod codes;
pub mod damage;
pub mod deploy;
pub mod desk;
mod documents;
mod downloads;
pub mod drive;
pub mod ended;
pub mod error;
pub mod events;
pub mod expiries;
pub mod files;
mod given;
pub mod grants;
pub mod health;
pub mod inputs;
pub mod late;
mod lineage;
mod masks;
mod meant;
pub mod metrics;
pub mod migrate;
mod new_members;
mod newest;
pub mod once;
pub mod outbox;
pub mod parts_sent;
pub mod people;
pub mod plans;
pub mod policy;
pub mod project;
pub mod propose;
pub mod reading;
mod record;
pub mod refusals;
pub mod registry;
pub mod requests;
pub mod retention;
mod role_links;
pub mod runs;
pub mod schedules;
pub mod scrub;
pub mod settings;
pub mod slots;
pub mod staff_files;
mod stripes;
pub mod tasks;
pub mod throttle;
pub mod timers;
mod to_its_end;
pub mod touched;
pub mod triggers;
pub mod turns;
mod unstarted;
pub mod uploads;
pub mod visit;
mod words;

pub use clock::Clock;
pub use error::HostError;
pub use metrics::Metrics;
pub use policy::Policy;

use crate::audit::{AccessEntry, AccessKind, Origin};
use crate::base::id::RunId;
use crate::base::{Calendars, Timestamp};
use crate::connect::{Links, Mailer, Registry};
use crate::engine::EventRecord;
use crate::people::Directory;
use crate::plan::Plan;
use crate::spec::Catalog;
use crate::store::{Blobs, Standing, Store, Write};
use futures_util::FutureExt as _;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Events that a slow listener may lag behind before it misses some.
const LISTENER_BACKLOG: usize = 1024;
/// Pause before a loop of the host that broke off begins anew.
const BEGIN_ANEW: Duration = Duration::from_secs(5);

/// Pause before it is looked again whether there is something to do.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Most events that are not delivered, and most runs with work in flight, that a start takes up before it is ready; the
/// others follow.
pub const TAKEN_UP_FIRST: usize = 256;

/// Secrets by name. Values are never stored, logged or shown.
pub type Secrets = std::collections::BTreeMap<String, secrecy::SecretString>;

/// What a host is put together from.
pub struct Parts {
    /// All that is durable.
    pub store: Arc<dyn Store>,
    /// Bytes of files.
    pub blobs: Blobs,
    /// Reads what stands in files.
    pub reader: reading::Reader,
    /// What flows can call.
    pub registry: Registry,
    /// Sends mails.
    pub mailer: Arc<dyn Mailer>,
    /// Derives links.
    pub links: Links,
    /// Who there is; replaced as a whole when people.yaml changes.
    pub directory: Arc<RwLock<Arc<Directory>>>,
    /// Calendars that flows may name.
    pub calendars: Calendars,
    /// Secrets by name.
    pub secrets: Secrets,
    /// Tells the time.
    pub clock: Clock,
    /// Where everything shall go the same way each time: the seed of every run, and ids in order. Otherwise both are drawn.
    pub seed: Option<Seed>,
    /// Limits.
    pub limits: Limits,
    /// Policy that an administrator sets for flows.
    pub policy: Policy,
}

/// What takes the place of chance. Whoever opens a host anew on the same store hands the same one on.
#[derive(Clone, Debug)]
pub struct Seed {
    value: u64,
    /// How many ids were given.
    ids: Arc<AtomicU64>,
}

impl Seed {
    /// Every run has this seed, and ids count from the beginning.
    pub fn new(value: u64) -> Self {
        Self {
            value,
            ids: Arc::default(),
        }
    }
}

/// What a host refuses to exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest upload, in bytes.
    pub upload_bytes: u64,
    /// Outside calls in flight at once.
    pub calls_in_flight: usize,
    /// Longest outside call, in milliseconds.
    pub call_timeout_ms: u64,
    /// Bytes of the runs that are kept in memory: see [`slots::MAX_LOADED_BYTES`].
    pub loaded_bytes: usize,
    /// Bytes of the plans that are kept in memory: see [`plans::MAX_PLAN_BYTES`].
    pub plan_bytes: usize,
    /// Most runs that come of one run: see [`lineage::MAX_DESCENDANTS`].
    pub descendants: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            upload_bytes: 4 << 30,
            calls_in_flight: 64,
            call_timeout_ms: 60_000,
            loaded_bytes: slots::MAX_LOADED_BYTES,
            plan_bytes: plans::MAX_PLAN_BYTES,
            descendants: lineage::MAX_DESCENDANTS,
        }
    }
}

/// Drives everything.
pub struct Host {
    parts: Parts,
    catalog: Catalog,
    plans: plans::Plans,
    /// The plan that new runs of a flow take, by flow.
    latest: Mutex<HashMap<String, Arc<Plan>>>,
    /// The accepted rights of versions, by the hash of their plan.
    rights_by_plan: accepted::RightsByPlan,
    /// Cached files of runs, collected from the journals read so far.
    given: given::GivenFiles,
    /// Whether `latest` holds every flow.
    all_latest_known: AtomicBool,
    /// Held while a flow is deployed, so that what is latest is so everywhere.
    deploying: tokio::sync::Mutex<()>,
    slots: slots::Slots,
    /// How many runs have come of a run, where one has.
    descendants: Mutex<HashMap<RunId, u64>>,
    ended: ended::EndedViews,
    /// Held while a file gets a version, by folder and name.
    parts_sent: parts_sent::PartsSent,
    uploads: stripes::Stripes,
    /// Held while a password is tried, by grant.
    passwords: stripes::Stripes,
    /// Wrong passwords and codes, by grant and address.
    tries: throttle::Throttle,
    /// Who waits for a turn at a link that was tried too often.
    turns: turns::Turns,
    /// Codes that were asked for, by grant and address.
    codes_asked_for: throttle::Throttle,
    refusals: refusals::Refusals,
    timers: timers::TimerQueue,
    calls: Semaphore,
    tracker: TaskTracker,
    /// Nothing new is begun.
    stop: CancellationToken,
    /// Nothing in flight is waited for.
    cut_off: CancellationToken,
    events_recorded: Notify,
    shares_changed: Notify,
    mails_queued: Notify,
    expiring: expiries::Expiring,
    flow_deployed: Notify,
    /// Keeps ids of the same millisecond in order.
    ids: Mutex<uuid::ContextV7>,
    listeners: broadcast::Sender<Arc<EventRecord>>,
    /// The registry of people; `None` until it is first read.
    registry: Mutex<Option<crate::people::registry::Registry>>,
    /// The directory that every stored task follows.
    followed: Mutex<Option<Arc<Directory>>>,
    ready: AtomicBool,
    metrics: Metrics,
}

impl Host {
    /// Puts a host together. Nothing runs before `recover` and `serve`.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            catalog: parts.registry.catalog(),
            plans: plans::Plans::new(parts.limits.plan_bytes),
            latest: Mutex::default(),
            rights_by_plan: accepted::RightsByPlan::default(),
            given: given::GivenFiles::default(),
            all_latest_known: AtomicBool::new(false),
            deploying: tokio::sync::Mutex::default(),
            slots: slots::Slots::new(parts.limits.loaded_bytes),
            descendants: Mutex::default(),
            ended: ended::EndedViews::default(),
            parts_sent: parts_sent::PartsSent::default(),
            uploads: stripes::Stripes::default(),
            passwords: stripes::Stripes::default(),
            tries: throttle::Throttle::new(throttle::PASSWORDS),
            turns: turns::Turns::default(),
            codes_asked_for: throttle::Throttle::new(throttle::CODES),
            refusals: refusals::Refusals::default(),
            timers: timers::TimerQueue::default(),
            calls: Semaphore::new(parts.limits.calls_in_flight),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            cut_off: CancellationToken::new(),
            events_recorded: Notify::new(),
            shares_changed: Notify::new(),
            mails_queued: Notify::new(),
            expiring: expiries::Expiring::default(),
            flow_deployed: Notify::new(),
            ids: Mutex::new(uuid::ContextV7::new()),
            listeners: broadcast::channel(LISTENER_BACKLOG).0,
            registry: Mutex::default(),
            followed: Mutex::default(),
            ready: AtomicBool::new(false),
            metrics: Metrics::default(),
            parts,
        })
    }

    /// Takes up everything that a crash or a shutdown left: events, work in flight, timers, mails.
    /// The host is ready when this returns.
    pub async fn recover(self: &Arc<Self>) -> Result<(), HostError> {
        self.begin_clock().await?;
        for (at, run) in self.parts.store.wakeups().await? {
            self.timers.set(&run, Some(at));
        }
        self.record_earlier_rights().await?;
        self.recover_mails().await?;
        self.split_role_links().await?;
        self.retry_events().await?;
        // a run takes in what was recorded for it before it is woken and before anybody decides, so that the others need
        // not be waited for
        self.deliver_pending(TAKEN_UP_FIRST).await?;
        let mut busy = self.parts.store.busy_runs().await?;
        let later = busy.split_off(busy.len().min(TAKEN_UP_FIRST));
        for run in busy {
            match self.resume(&run).await {
                Err(error @ HostError::Store(_)) => return Err(error),
                // one run does not keep the others from going on
                Err(error) => tracing::error!(%run, %error, "a run could not be taken up"),
                Ok(()) => {}
            }
        }
        self.take_up_beside(later);
        self.warn_of_all_missing_secrets().await?;
        self.ready.store(true, Ordering::Release);
        self.invite_new_members_beside();
        Ok(())
    }

    /// Takes up the other runs while people are served already.
    fn take_up_beside(self: &Arc<Self>, runs: Vec<RunId>) {
        let host = Arc::clone(self);
        self.spawn(async move {
            for run in runs {
                if host.stop.is_cancelled() {
                    return;
                }
                if let Err(error) = host.resume(&run).await {
                    tracing::error!(%run, %error, "a run could not be taken up");
                    host.timers.set_again(&run, host.now());
                }
            }
        });
    }

    /// Ready without having taken anything up: for looking at what is stored.
    pub fn stand_still(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Starts the clock at the last recorded time, so that time does not run backwards over a
    /// restart.
    pub async fn begin_clock(&self) -> Result<(), HostError> {
        if let Some(recorded) = self.parts.store.last_recorded().await? {
            self.parts.clock.begin_after(recorded);
        }
        Ok(())
    }

    /// Whether `recover` has returned and `serve` has not been stopped.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire) && !self.stop.is_cancelled()
    }

    /// Runs timers, event delivery, the outbox and retention until `stop` is cancelled, then lets calls in
    /// flight finish for at most `grace`. What is not finished by then is taken up by `recover`.
    pub async fn serve(self: Arc<Self>, stop: CancellationToken, grace: Duration) {
        let background = TaskTracker::new();
        background.spawn(Arc::clone(&self).kept_up("timers", Self::run_timers));
        background.spawn(Arc::clone(&self).kept_up("events", Self::run_events));
        background.spawn(Arc::clone(&self).kept_up("mails", Self::run_outbox));
        background.spawn(Arc::clone(&self).kept_up("schedules", Self::run_schedules));
        background.spawn(Arc::clone(&self).kept_up("expiries", Self::run_expiries));
        background.spawn(Arc::clone(&self).kept_up("retention", Self::run_retention));
        background.spawn(Arc::clone(&self).kept_up("sweep", Self::run_sweep));
        background.spawn(Arc::clone(&self).kept_up("refusals", Self::run_refusals));
        background.spawn(Arc::clone(&self).kept_up("scrub", Self::run_scrub));
        background.spawn(Arc::clone(&self).kept_up("damage", Self::run_damage));
        background.close();
        stop.cancelled().await;
        self.stop.cancel();
        self.tracker.close();
        let everything = async {
            background.wait().await;
            self.tracker.wait().await;
        };
        if tokio::time::timeout(grace, everything).await.is_err() {
            self.cut_off.cancel();
            tracing::warn!("calls in flight were cut off; they are taken up at the next start");
        }
    }

    /// Returns when nothing is left that can be done at once: every event is delivered that is due, and no run has work
    /// in flight. After `most` it returns in any case.
    pub async fn come_to_rest(&self, most: Duration) -> Result<(), HostError> {
        let at_rest = async {
            let store = &self.parts.store;
            while !store.pending_events(self.now(), 1).await?.is_empty() || !store.busy_runs().await?.is_empty() {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Ok(())
        };
        tokio::time::timeout(most, at_rest).await.unwrap_or(Ok(()))
    }

    /// Keeps one of the loops going until the host stops: a panic in it costs what it was about, not the loop.
    async fn kept_up<F: Future<Output = ()> + Send>(self: Arc<Self>, what: &'static str, run: fn(Arc<Self>) -> F) {
        while let Err(panic) = AssertUnwindSafe(run(Arc::clone(&self))).catch_unwind().await {
            let error = drive::broke_off(what.to_owned(), &*panic);
            tracing::error!(%error, "it begins anew");
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(BEGIN_ANEW) => {}
            }
        }
    }

    /// Stops at once, as a crash does: nothing new is begun and nothing in flight is waited for.
    pub fn abandon(&self) {
        self.stop.cancel();
        self.cut_off.cancel();
    }

    /// Does `work` beside everything else, until the host is cut off.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let cut_off = self.cut_off.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                biased;
                () = cut_off.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// What tells a new thing from every other. Ordered by time.
    fn new_id(&self) -> String {
        let Some(seed) = &self.parts.seed else {
            let now = std::time::Duration::try_from(self.now().as_duration()).unwrap_or_default();
            let context = lock(&self.ids);
            let at = uuid::Timestamp::from_unix(&*context, now.as_secs(), now.subsec_nanos());
            return uuid::Uuid::new_v7(at).simple().to_string();
        };
        let number = seed.ids.fetch_add(1, Ordering::Relaxed);
        let mut rest = [0; 10];
        rest[2..].copy_from_slice(&number.to_be_bytes());
        let now = u64::try_from(self.now().as_millisecond()).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(now, &rest);
        id.into_uuid().simple().to_string()
    }

    /// What it is put together from.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// What flows can call and wait for.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// What happened so far, as counts.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Bytes of runs and of plans that are in memory, as estimated.
    pub fn bytes_in_memory(&self) -> (usize, usize) {
        (self.slots.bytes(), self.plans.bytes())
    }

    /// How much is open, now.
    pub async fn standing(&self) -> Result<Standing, HostError> {
        Ok(self.parts.store.standing().await?)
    }

    /// Who there is, now.
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.parts.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The current time. It never runs backwards.
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Whether timers and expiries stand still, because the system clock has jumped ahead.
    pub fn is_time_held(&self) -> bool {
        self.parts.clock.standing().is_held()
    }

    /// Accepts the system clock after it jumped ahead, as confirmed by an administrator. Timers
    /// that are due by it run now.
    pub async fn confirm_clock(self: &Arc<Self>, by: &str, origin: Origin) -> Result<Timestamp, HostError> {
        let now = self.parts.clock.confirm().ok_or_else(|| {
            HostError::Conflict(
                "there is nothing to confirm: the system clock has not jumped ahead to a usable time".to_owned(),
            )
        })?;
        let origin = origin.about("the system clock");
        let entry = AccessEntry::of(AccessKind::Administer, by, origin, now);
        self.record(vec![Write::Access(entry)]).await?;
        self.timers.look_again();
        self.flow_deployed.notify_one();
        self.expiring.changed.notify_one();
        Ok(now)
    }
}

/// A lock that a panicking holder leaves usable: what it guards is replaced as a whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
