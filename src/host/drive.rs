//! Lets something happen to a run, and sees it through until only others can go on: people,
//! events, time, calls in flight.
//!
//! Invariant: a machine in a free slot has decided nothing that is not durable. Whoever works on it
//! takes it out, and puts it back when what it decided is stored.

use super::at_length::at_length;
use super::calls::names_of;
use super::checklists::{mark_complete, mark_ended, sent_back};
use super::children::is_about_runs;
use super::desk::Desk;
use super::masks::{hidden, hidden_failure};
use super::project::{Tally, locked};
use super::slots::{Loaded, Slot, Stored, bytes_of};
use super::to_its_end::ToItsEnd;
use super::{Host, HostError};
use crate::base::id::{FileId, RunId, TaskId};
use crate::base::{FlowRights, Value, Via};
use crate::connect::{ActionError, CallContext, Handler, LocalEffect};
use crate::engine::{Due, EventRecord, Failure, FailureKind, Input, Refusal, Reply, RunMachine, Work};
use crate::expr::SecretUse;
use crate::store::{CommitError, Delivery, Mark, RunCommit, RunRow, StoreError, UnitOfWork, Write};
use futures_util::FutureExt as _;
use secrecy::SecretString;
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// How often a run is read anew when somebody else was faster.
pub(super) const TRIES: usize = 16;
/// Lines of a journal read at once.
const JOURNAL_PAGE: usize = 1_000;
/// Lines of a journal that are made a run of on the spot.
const REPLAYED_HERE: usize = 1_000;

/// Why a run could not be seen through.
pub(super) enum Stop {
    /// Somebody else was faster: what was decided is void.
    Conflict,
    /// The mark had been set before.
    Duplicate(Mark),
    /// Anything else.
    Host(HostError),
}

impl From<HostError> for Stop {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl From<CommitError> for Stop {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict { .. } => Self::Conflict,
            CommitError::Duplicate { mark, .. } => Self::Duplicate(mark),
            CommitError::Store(error) => Self::Host(error.into()),
        }
    }
}

/// The context of a call of a local action.
struct Allowed<'h> {
    rights: Arc<FlowRights>,
    input: Value,
    /// The secrets in the input.
    used: Vec<&'h SecretString>,
}

/// What is to happen, until it is durable.
struct Pending {
    input: Input,
    writes: Vec<Write>,
    via: Option<Via>,
}

impl Host {
    /// Lets `input` happen to `run`, together with `writes`. When this returns, it is durable, or it
    /// failed and nothing of it happened. It happens as a whole also where the caller goes away.
    pub(super) async fn drive(
        self: &Arc<Self>,
        run: &RunId,
        input: Input,
        writes: Vec<Write>,
    ) -> Result<Reply, HostError> {
        self.drive_via(run, input, writes, None).await
    }

    /// The same for what a person does `via` something.
    pub(super) async fn drive_via(
        self: &Arc<Self>,
        run: &RunId,
        input: Input,
        writes: Vec<Write>,
        via: Option<Via>,
    ) -> Result<Reply, HostError> {
        let (host, run) = (Arc::clone(self), run.clone());
        let what = of_run(&run);
        self.to_its_end(what.clone(), async move {
            let place = host.slots.of(&run);
            let pending = Pending { input, writes, via };
            let mut slot = place.lock().await;
            let driven = AssertUnwindSafe(host.drive_in(&run, &mut slot, pending)).catch_unwind();
            let result = match driven.await {
                Ok(driven) => driven,
                Err(panic) => {
                    // what its machine decided is not durable
                    slot.loaded = None;
                    let error = broke_off(what, &*panic);
                    host.take_up_again(&run, &error).await;
                    Err(error)
                }
            };
            drop(slot);
            drop(place);
            host.slots.put_back(&run);
            result
        })
        .await
    }

    /// Does `work` to its end, also where whoever asked for it goes away meanwhile. A panic is damage of `what` it is
    /// about, and of nothing else.
    pub(super) async fn to_its_end<T: Send + 'static>(
        &self,
        what: String,
        work: impl Future<Output = Result<T, HostError>> + Send + 'static,
    ) -> Result<T, HostError> {
        let cut_off = self.cut_off.clone();
        let work = async move {
            tokio::select! {
                biased;
                () = cut_off.cancelled() => Err(HostError::ShuttingDown),
                done = AssertUnwindSafe(work).catch_unwind() => done.unwrap_or_else(|panic| Err(broke_off(what, &*panic))),
            }
        };
        ToItsEnd::new(work, &self.tracker).await
    }

    async fn drive_in(self: &Arc<Self>, run: &RunId, slot: &mut Slot, pending: Pending) -> Result<Reply, HostError> {
        let own: Vec<Mark> = pending.writes.iter().filter_map(Mark::of).collect();
        let mut pending = Some(pending);
        let mut reply = Ok(Reply::Accepted);
        for _ in 0..TRIES {
            match self.advance(run, slot, &mut pending, &mut reply).await {
                Ok(()) => {
                    self.follow_up(run, slot);
                    return reply.map_err(HostError::from);
                }
                Err(Stop::Duplicate(mark)) if own.contains(&mark) => return Ok(Reply::AlreadyDone),
                // a mark of somebody else, who was faster: what is decided now depends on what they did
                Err(Stop::Conflict | Stop::Duplicate(_)) => {}
                Err(Stop::Host(error)) => {
                    self.take_up_again(run, &error).await;
                    // what was asked for is durable; what follows from it is taken up again
                    return if pending.is_none() {
                        reply.map_err(HostError::from)
                    } else {
                        Err(error)
                    };
                }
            }
        }
        self.timers.set_again(run, self.now());
        Err(HostError::Conflict(format!(
            "run {run} is being changed by many at once: repeat"
        )))
    }

    async fn advance(
        self: &Arc<Self>,
        run: &RunId,
        slot: &mut Slot,
        pending: &mut Option<Pending>,
        reply: &mut Result<Reply, Refusal>,
    ) -> Result<(), Stop> {
        self.load(run, slot).await?;
        let mut loaded = slot.loaded.take().expect("loaded just now");
        let mut writes = Vec::new();
        if let Some(Pending {
            input,
            writes: with,
            via,
        }) = pending
        {
            writes.clone_from(with);
            if follows_what_came(input) {
                writes.extend(self.take_in_recorded(run, &mut loaded).await?);
            }
            if matches!(input, Input::Change { .. }) {
                // what was due before the values came is not what they decide on
                let _ = loaded.machine.handle(self.now(), Input::Wake);
                self.do_immediate(&mut loaded.machine, loaded.row.seq).await?;
            }
            self.follow_directory(&mut loaded, acted_on(input)).await?;
            let is_long = !loaded.machine.plan().eaches.is_empty();
            *reply = at_length(is_long, || {
                loaded.machine.handle_via(self.now(), input.clone(), via.clone())
            });
        }
        self.settle(run, &mut loaded, writes, &mut || *pending = None).await?;
        slot.loaded = Some(loaded);
        Ok(())
    }

    /// Lets a run take in what was recorded, and do what is due.
    pub(super) async fn bring_to_rest(self: &Arc<Self>, run: &RunId, slot: &mut Slot) -> Result<(), Stop> {
        let mut pending = Some(Pending {
            input: Input::Wake,
            writes: Vec::new(),
            via: None,
        });
        self.advance(run, slot, &mut pending, &mut Ok(Reply::Accepted)).await
    }

    /// A run could not be seen through: it is woken again soon. One that is damaged is shown to people.
    pub(super) async fn take_up_again(&self, run: &RunId, error: &HostError) {
        match error {
            HostError::NotFound(_) => {}
            HostError::Damaged { .. } => {
                tracing::error!(%run, %error, "a run cannot be seen through and stands still; the others go on");
                if let Err(error) = self.show_damage(run).await {
                    tracing::error!(%run, %error, "a damaged run could not be listed as an incident");
                }
            }
            _ => {
                tracing::error!(%run, %error, "a run could not be seen through; it is taken up again");
                self.timers.set_again(run, self.now());
            }
        }
    }

    /// Lists the run among those that a person must look at. Its journal stays as it is.
    async fn show_damage(&self, run: &RunId) -> Result<(), HostError> {
        let Some(mut row) = self.parts().store.run(run).await?.filter(|row| !row.incident) else {
            return Ok(());
        };
        row.incident = true;
        let events = Vec::new();
        let unit = UnitOfWork {
            run: Some(RunCommit { events, row }),
            writes: Vec::new(),
        };
        match self.parts().store.commit(unit).await {
            Ok(()) => {
                self.metrics().incidents.add(1);
                Ok(())
            }
            Err(CommitError::Store(error)) => Err(error.into()),
            // somebody who can read it was faster
            Err(CommitError::Conflict { .. } | CommitError::Duplicate { .. }) => Ok(()),
        }
    }

    /// Lets every event happen to the run that is recorded and not delivered to it yet: what was
    /// recorded before a timer fires or somebody decides counts, however late it is delivered.
    async fn take_in_recorded(&self, run: &RunId, loaded: &mut Loaded) -> Result<Vec<Write>, HostError> {
        let (store, stored) = (&self.parts().store, &loaded.stored);
        let events = store.undelivered(run, &stored.owned, &stored.subscriptions).await?;
        let mut delivered = Vec::with_capacity(events.len());
        for event in events {
            delivered.push(Write::Delivered(Delivery {
                event: event.id.clone(),
                target: run.to_string(),
            }));
            // an ended run takes nothing; it is told all the same
            let _ = loaded.machine.handle(self.now(), Input::Event(event));
            self.do_immediate(&mut loaded.machine, loaded.row.seq).await?;
        }
        Ok(delivered)
    }

    /// Takes up what a run had in flight.
    pub(super) async fn resume(self: &Arc<Self>, run: &RunId) -> Result<(), HostError> {
        self.drive(run, Input::Wake, Vec::new()).await.map(|_| ())
    }

    /// The run in memory, read from its journal where it is not.
    pub(super) async fn load<'a>(&self, run: &RunId, slot: &'a mut Slot) -> Result<&'a mut Loaded, HostError> {
        if slot.loaded.is_none() {
            slot.loaded = Some(self.read(run).await?);
        }
        Ok(slot.loaded.as_mut().expect("set just now"))
    }

    async fn read(&self, run: &RunId) -> Result<Loaded, HostError> {
        let row = self.parts().store.run(run).await?;
        let row = row.ok_or_else(|| HostError::NotFound(format!("run {run}")))?;
        let (machine, bytes) = self.rebuild(run, &row).await.map_err(|error| damage(run, error))?;
        let mut task_revs = BTreeMap::new();
        for view in machine.tasks() {
            if let Some(task) = self.parts().store.task(&view.id).await? {
                task_revs.insert(task.id, task.rev);
            }
        }
        let stored = Stored::of(&machine, task_revs);
        Ok(Loaded {
            machine,
            row,
            stored,
            directory: None,
            bytes,
        })
    }

    /// The run rebuilt from its journal, and the journal's size in bytes.
    async fn rebuild(&self, run: &RunId, row: &RunRow) -> Result<(RunMachine, usize), HostError> {
        let plan = self.plan(&row.plan).await?;
        let journal = self.whole_journal(run).await?;
        let bytes = bytes_of(&journal);
        let replayed = if journal.len() > REPLAYED_HERE {
            // a long journal takes a while, and nobody else shall wait for it
            let replay = move || RunMachine::replay(plan, &journal);
            match tokio::task::spawn_blocking(replay).await {
                Ok(replayed) => replayed,
                Err(error) if error.is_panic() => {
                    return Err(broke_off("its journal".to_owned(), &*error.into_panic()));
                }
                Err(_) => return Err(HostError::ShuttingDown),
            }
        } else {
            std::panic::catch_unwind(AssertUnwindSafe(|| RunMachine::replay(plan, &journal)))
                .map_err(|panic| broke_off("its journal".to_owned(), &*panic))?
        };
        let machine = replayed.map_err(|error| HostError::Damaged {
            what: "its journal".to_owned(),
            why: error.to_string(),
        })?;
        Ok((machine, bytes))
    }

    /// A run's journal from the beginning.
    pub(super) async fn whole_journal(&self, run: &RunId) -> Result<Vec<EventRecord>, HostError> {
        let mut journal = Vec::new();
        loop {
            let page = self
                .parts()
                .store
                .journal(run, journal.len() as u64, JOURNAL_PAGE)
                .await?;
            let complete = page.len() < JOURNAL_PAGE;
            journal.extend(page);
            if complete {
                return Ok(journal);
            }
        }
    }

    /// Does everything that can be done here and now, and makes it durable. `durable` is called
    /// after the first commit, which holds `writes`.
    pub(super) async fn settle(
        self: &Arc<Self>,
        run: &RunId,
        loaded: &mut Loaded,
        mut writes: Vec<Write>,
        durable: &mut (dyn FnMut() + Send),
    ) -> Result<(), Stop> {
        let mut has_local = false;
        loop {
            let stored = loaded.row.seq;
            self.do_immediate(&mut loaded.machine, stored).await?;
            let Some(call) = self.next_local(&loaded.machine) else {
                let sent_back = sent_back(loaded.machine.decided());
                self.commit(run, loaded, std::mem::take(&mut writes)).await?;
                durable();
                if self.tell_of_lost_givers(&mut loaded.machine, &sent_back).await? {
                    continue;
                }
                // from here on the run is told of new versions; one may have come just before
                if self.tell_of_newer(&mut loaded.machine, stored).await? {
                    continue;
                }
                return Ok(());
            };
            // a local action sees only what is stored, so the one before it is stored first, and so
            // is the end of a lock: it may be about the very file that was locked
            if has_local || locked(&loaded.machine) != loaded.stored.locked {
                self.commit(run, loaded, std::mem::take(&mut writes)).await?;
                durable();
            }
            let (input, mut more) = self.call_local(run, loaded, call).await;
            mark_complete(&loaded.machine, &mut more);
            mark_ended(&loaded.machine, &input, &mut more);
            // a result that the run no longer needs leaves no trace
            if matches!(loaded.machine.handle(self.now(), input), Ok(Reply::Accepted)) {
                writes.extend(more);
            }
            has_local = true;
        }
    }

    /// Computes, and asks the directory, as long as there is something to compute or to ask. What
    /// came after the event at `stored` is not durable yet.
    async fn do_immediate(&self, machine: &mut RunMachine, stored: u64) -> Result<(), HostError> {
        let mut desk = Desk::default();
        loop {
            let now = self.now();
            let mut progress = self.tell_of_newer(machine, stored).await?;
            let due = machine.due().filter(|due| self.is_immediate(due));
            let works: Vec<Work> = due.flat_map(|due| due.work()).collect();
            for work in works {
                let input = match work {
                    Work::Call {
                        pure: true,
                        key,
                        attempt,
                        action,
                        input,
                        ..
                    } => Input::Finished {
                        work: key,
                        attempt,
                        result: self.compute(&action, input),
                    },
                    Work::Assign { .. } => self.resolve_people(&mut desk, machine, work).await?,
                    Work::Call {
                        key, attempt, action, ..
                    } => {
                        let message = format!("this build has no action {action}");
                        let result = Err(Failure {
                            kind: FailureKind::Permanent,
                            message,
                        });
                        Input::Finished {
                            work: key,
                            attempt,
                            result,
                        }
                    }
                };
                // an answer that the machine makes nothing of would be asked for for ever
                let before = machine.seq();
                let _ = machine.handle(now, input);
                progress |= machine.seq() > before;
                // there may be thousands, and others have work to do as well
                tokio::task::coop::consume_budget().await;
            }
            if !progress {
                return Ok(());
            }
        }
    }

    /// Whether the work is done on the spot: what computes, a question to the directory, what cannot be done at all.
    fn is_immediate(&self, due: &Due<'_>) -> bool {
        due.action().is_none_or(|(action, pure)| {
            pure || (self.parts().registry.get(action).is_none() && !is_about_runs(action))
        })
    }

    fn compute(&self, action: &str, input: crate::base::Value) -> Result<crate::base::Value, Failure> {
        match self.parts().registry.get(action).map(|action| &action.handler) {
            Some(Handler::Pure(compute)) => compute(input).map_err(|error| failure(&error)),
            _ => Err(Failure {
                kind: FailureKind::Permanent,
                message: format!("this build has no action {action} that only computes"),
            }),
        }
    }

    fn next_local(&self, machine: &RunMachine) -> Option<Work> {
        let is_local = |due: &Due<'_>| {
            let registered = due.action().and_then(|(action, _)| self.parts().registry.get(action));
            registered.is_some_and(|action| matches!(action.handler, Handler::Local(_)))
        };
        machine.due().filter(is_local).find_map(|due| due.work().next())
    }

    async fn call_local(&self, run: &RunId, loaded: &Loaded, work: Work) -> (Input, Vec<Write>) {
        let Work::Call {
            key,
            attempt,
            step,
            action,
            input,
            secrets,
            ..
        } = work
        else {
            unreachable!("only calls are local");
        };
        let Some(Handler::Local(handler)) = self.parts().registry.get(&action).map(|action| &action.handler) else {
            unreachable!("looked up just now");
        };
        let (effect, used) = match self.allowed(loaded, &action, input, &secrets).await {
            Ok(Allowed { rights, input, used }) => {
                let cx = CallContext {
                    run: run.clone(),
                    flow: loaded.row.flow.clone(),
                    step,
                    key: key.to_string(),
                    attempt,
                    now: self.now(),
                    initiator: loaded.row.initiator.clone(),
                    rights,
                    calendar: loaded.machine.plan().calendar.clone(),
                    semantics: loaded.machine.semantics(),
                };
                (handler.call(&cx, self.parts().store.as_ref(), input).await, used)
            }
            Err(error) => (Err(error), Vec::new()),
        };
        let (result, writes) = match effect {
            Ok(LocalEffect { output, writes }) => (Ok(hidden(output, &used)), writes),
            Err(error) => (Err(hidden_failure(&error, &used)), Vec::new()),
        };
        (
            Input::Finished {
                work: key,
                attempt,
                result,
            },
            writes,
        )
    }

    /// The context of a call of a local action, if the flow has the rights for it.
    async fn allowed(
        &self,
        loaded: &Loaded,
        action: &str,
        input: Value,
        secrets: &[SecretUse],
    ) -> Result<Allowed<'_>, ActionError> {
        let machine = &loaded.machine;
        let rights = self.rights(machine.plan()).await;
        let rights = rights.map_err(|error| ActionError::Transient(error.to_string()))?;
        self.check_files(machine, &rights, action, &input).await?;
        let (input, used) = self.with_secrets(input, secrets)?;
        let flow = &machine.plan().flow;
        let policy = &self.parts().policy;
        policy.check_use(flow, &rights, action, &names_of(secrets), &input)?;
        Ok(Allowed { rights, input, used })
    }

    /// Makes everything decided since the last time durable, together with `writes`, and tells
    /// everybody who listens.
    pub(super) async fn commit(
        self: &Arc<Self>,
        run: &RunId,
        loaded: &mut Loaded,
        mut writes: Vec<Write>,
    ) -> Result<(), Stop> {
        let events = loaded.machine.take_events();
        if events.is_empty() && writes.is_empty() {
            return Ok(());
        }
        let (row, projected) = self.project(run, loaded, &events).await?;
        writes.extend(projected);
        let told = (self.listeners.receiver_count() > 0).then(|| events.clone());
        let (stored, count) = (loaded.row.seq, events.len());
        let tally = Tally::of(&events);
        let bytes = bytes_of(&events);
        let unit = if events.is_empty() {
            UnitOfWork { run: None, writes }
        } else {
            UnitOfWork {
                run: Some(RunCommit {
                    events,
                    row: row.clone(),
                }),
                writes,
            }
        };
        let signals = Signals::of(&unit.writes);
        self.parts().store.commit(unit).await?;
        loaded.row = row;
        loaded.bytes += bytes;
        self.count(run, &tally);
        self.tell_listeners(run, told, (stored, count)).await;
        self.signal(signals);
        Ok(())
    }

    /// Tells everybody who listens of so many events after the one at `stored`, which are durable now. Who began to
    /// listen while they became so hears of them too: then they are read.
    async fn tell_listeners(&self, run: &RunId, told: Option<Vec<EventRecord>>, (stored, count): (u64, usize)) {
        let told = match told {
            Some(told) => told,
            None if count == 0 || self.listeners.receiver_count() == 0 => return,
            None => match self.parts().store.journal(run, stored, count).await {
                Ok(read) => read,
                Err(error) => return tracing::warn!(%run, %error, "who just began to listen is not told of events"),
            },
        };
        for event in told {
            let _ = self.listeners.send(Arc::new(event));
        }
    }

    fn signal(&self, signals: Signals) {
        if signals.event {
            self.events_recorded.notify_one();
        }
        if signals.mail {
            self.mails_queued.notify_one();
        }
        if signals.share {
            self.shares_changed.notify_one();
        }
        self.expiring.add(signals.documents);
    }

    /// After a commit: sets the timer and starts the calls that are due.
    pub(super) fn follow_up(self: &Arc<Self>, run: &RunId, slot: &mut Slot) {
        let Some(loaded) = &slot.loaded else { return };
        self.timers.set(run, loaded.row.wakeup_at);
        if loaded.row.status == crate::store::RunStatus::Ended {
            slot.loaded = None;
            return;
        }
        self.start_calls(run, slot);
    }
}

/// Who must look after a commit.
#[derive(Default)]
struct Signals {
    event: bool,
    mail: bool,
    share: bool,
    documents: Vec<FileId>,
}

impl Signals {
    fn of(writes: &[Write]) -> Self {
        writes.iter().fold(Self::default(), |mut signals, write| {
            match write {
                Write::Event(_) => signals.event = true,
                // events may have been kept for it
                Write::Subscribe { to, .. } if !to.is_empty() => signals.event = true,
                Write::PutMail(_) => signals.mail = true,
                Write::PutShare(_) => signals.share = true,
                Write::PutExpiry(expiry) => signals.documents.push(expiry.file.clone()),
                _ => {}
            }
            signals
        })
    }
}

/// The task on which a person acts.
fn acted_on(input: &Input) -> Option<&TaskId> {
    match input {
        Input::Decide(decision) => Some(&decision.task),
        Input::Act(acting) => Some(&acting.task),
        _ => None,
    }
}

/// Whether what was recorded for a run happens to it before this: time, and what people want of it.
fn follows_what_came(input: &Input) -> bool {
    matches!(
        input,
        Input::Wake
            | Input::Decide(_)
            | Input::Act(_)
            | Input::Change { .. }
            | Input::Cancel { .. }
            | Input::Retry { .. }
            | Input::Set { .. }
            | Input::Skip { .. }
    )
}

/// What keeps one run from being read, as damage of that run and of nothing else.
fn damage(run: &RunId, error: HostError) -> HostError {
    let why = match error {
        HostError::Damaged { what, why } => format!("{what}: {why}"),
        HostError::NotFound(what) => format!("there is no {what}"),
        HostError::Store(StoreError::Damaged(why)) => why,
        other => return other,
    };
    let what = of_run(run);
    HostError::Damaged { what, why }
}

fn of_run(run: &RunId) -> String {
    format!("run {run}")
}

/// A panic while `what` was worked on, as damage of it.
pub(super) fn broke_off(what: String, panic: &(dyn Any + Send)) -> HostError {
    let said = panic.downcast_ref::<&str>().copied();
    let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let why = format!(
        "it broke off, which is a bug, please report it: {}",
        said.unwrap_or("it says no more")
    );
    HostError::Damaged { what, why }
}

/// The failure of a call as the engine knows it.
pub(super) fn failure(error: &ActionError) -> Failure {
    let kind = match error {
        ActionError::Transient(_) => FailureKind::Transient,
        ActionError::Permanent(_) => FailureKind::Permanent,
        ActionError::InDoubt(_) => FailureKind::InDoubt,
    };
    Failure {
        kind,
        message: error.to_string(),
    }
}
