//! Random units of work, the same for every adapter: the answers must be the same.

use super::samples::{
    access, at, comment, deployment, event, file, grant, inbound, mail, run_row, share, task, workspace,
};
use gatefold::base::Timestamp;
use gatefold::base::id::{EventId, FileId, GrantId, RunId, ShareId, TaskId, WorkspaceId};
use gatefold::engine::InboundEvent;
use gatefold::space::{Expiry, State};
use gatefold::store::{
    Delivery, ExpiryOrder, MailState, Outdated, RunCommit, RunFilter, RunStatus, Store, Subscription, TaskState,
    UnitOfWork, Write,
};

const SEEDS: u64 = 24;
const BATCHES: usize = 25;

/// `SplitMix64`: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    fn id(&mut self, prefix: &str) -> String {
        format!("{prefix}_{}", self.roll(4))
    }

    fn moment(&mut self) -> gatefold::base::Timestamp {
        at(self.roll(6).cast_signed())
    }
}

/// The last position of each run, as whoever has read it knows it: right most of the time.
async fn run_commit(dice: &mut Dice, store: &dyn Store) -> RunCommit {
    let id = dice.id("run");
    let known = store
        .run(&RunId::from(id.as_str()))
        .await
        .unwrap()
        .map_or(0, |row| row.seq);
    let before = if dice.chance(80) { known } else { dice.roll(6) };
    let seq = before + if before == 0 { 1 + dice.roll(3) } else { dice.roll(4) };
    let mut row = run_row(&id, seq);
    row.flow = dice.id("flow");
    row.busy = dice.chance(50);
    row.incident = dice.chance(30);
    row.wakeup_at = dice.chance(50).then(|| dice.moment());
    row.status = match dice.roll(3) {
        0 => RunStatus::Running,
        1 => RunStatus::Closing,
        _ => RunStatus::Ended,
    };
    let events = (before + 1..=seq).map(|seq| event(&id, seq)).collect();
    RunCommit { events, row }
}

/// What the record's `rev` is now, or sometimes something else.
fn rev(dice: &mut Dice, stored: Option<u64>) -> u64 {
    if dice.chance(85) {
        stored.unwrap_or(0)
    } else {
        dice.roll(4)
    }
}

async fn space_write(dice: &mut Dice, store: &dyn Store) -> Write {
    match dice.roll(6) {
        4 => expiry_write(dice),
        0 => {
            let mut record = workspace(&dice.id("wsp"));
            let stored = store.workspace(&record.id).await.unwrap().map(|record| record.rev);
            record.rev = rev(dice, stored);
            record.name = dice.id("name");
            Write::PutWorkspace(record)
        }
        1 => {
            let mut record = file(&dice.id("fil"), &dice.id("/folder"), &dice.id("name"));
            let stored = store.file(&record.id).await.unwrap().map(|record| record.rev);
            record.rev = rev(dice, stored);
            Write::PutFile(record)
        }
        2 => {
            let mut record = share(&dice.id("shr"), dice.moment());
            let stored = store.share(&record.id).await.unwrap().map(|record| record.rev);
            record.rev = rev(dice, stored);
            record.state = if dice.chance(70) { State::Live } else { State::Revoked };
            Write::PutShare(record)
        }
        3 => {
            let token = if dice.chance(20) {
                String::new()
            } else {
                dice.id("token")
            };
            let mut record = grant(&dice.id("grt"), &dice.id("shr"), &token);
            let stored = store.grant(&record.id).await.unwrap().map(|record| record.rev);
            record.rev = rev(dice, stored);
            Write::PutGrant(record)
        }
        _ => Write::AddComment(comment(&format!("cmt_{}", dice.roll(40)), &dice.id("shr"))),
    }
}

fn expiry_write(dice: &mut Dice) -> Write {
    let file = FileId(dice.id("fil"));
    let version = 1 + dice.roll(2);
    match dice.roll(4) {
        0 => Write::EndExpiry { file },
        1 => Write::ExpiryTold { file, version },
        _ => Write::PutExpiry(Expiry {
            file,
            version,
            day: dice.moment(),
            renew_at: dice.chance(70).then(|| dice.moment()),
        }),
    }
}

async fn record_write(dice: &mut Dice, store: &dyn Store) -> Write {
    match dice.roll(4) {
        0 => {
            let people = [dice.id("user:p"), dice.id("user:p")];
            let mut record = task(&dice.id("tsk"), &[&people[0], &people[1]], dice.moment());
            let stored = store.task(&record.id).await.unwrap().map(|record| record.rev);
            record.rev = rev(dice, stored);
            if dice.chance(30) {
                record.state = TaskState::Settled("approved".to_owned());
            }
            Write::PutTask(record)
        }
        1 => {
            let mut record = mail(&dice.id("mal"));
            record.rev = dice.roll(3);
            record.at = dice.moment();
            record.state = if dice.chance(50) {
                MailState::Queued
            } else {
                MailState::Sent
            };
            Write::PutMail(record)
        }
        2 => Write::Deploy(deployment(&dice.id("flow"), &dice.id("v"))),
        _ => Write::Access(access(dice.chance(70).then(|| dice.id("shr")).as_deref())),
    }
}

fn delivery_write(dice: &mut Dice) -> Write {
    let run = RunId(dice.id("run"));
    match dice.roll(12) {
        7 => Write::Lock {
            file: FileId(dice.id("fil")),
            run,
        },
        8 => Write::Unlock {
            file: FileId(dice.id("fil")),
            run,
        },
        0 => Write::Own {
            thing: dice.id("shr"),
            run,
        },
        1 => Write::Disown {
            thing: dice.id("shr"),
            run,
        },
        2 => {
            let some = |dice: &mut Dice| {
                let some = (0..dice.roll(3)).map(|_| Subscription {
                    kind: dice.id("kind"),
                    key: dice.id("key"),
                });
                some.collect()
            };
            Write::Subscribe {
                run,
                to: some(dice),
                no_longer: some(dice),
            }
        }
        3 => Write::Event(InboundEvent {
            kind: dice.id("kind"),
            key: dice.chance(70).then(|| dice.id("key")),
            ..inbound(&format!("evt_{}", dice.roll(20)))
        }),
        4 => Write::Delivered(Delivery {
            event: EventId(format!("evt_{}", dice.roll(20))),
            target: dice.id("run"),
        }),
        5 => Write::EventDone {
            event: EventId(format!("evt_{}", dice.roll(20))),
            at: dice.moment(),
        },
        9 => Write::EventLater {
            event: EventId(format!("evt_{}", dice.roll(20))),
            due: dice.moment(),
        },
        10 if dice.chance(20) => Write::EventsDue,
        10 => Write::KeepEvent {
            event: EventId(format!("evt_{}", dice.roll(20))),
            until: dice.moment(),
        },
        11 => forget(dice),
        _ => used_key(dice),
    }
}

fn outdated(number: u64, moment: Timestamp) -> Outdated {
    match number {
        0 => Outdated::Events { done: moment },
        1 => Outdated::Kept {
            until: moment,
            at: moment,
        },
        2 => Outdated::Mails { written: moment },
        _ => Outdated::UsedKeys { now: moment },
    }
}

fn forget(dice: &mut Dice) -> Write {
    Write::Forget {
        what: outdated(dice.roll(4), dice.moment()),
        at_most: usize::try_from(dice.roll(4)).expect("it is small"),
    }
}

fn used_key(dice: &mut Dice) -> Write {
    if dice.chance(30) {
        return Write::ForgetKey {
            scope: dice.id("scope"),
            key: dice.id("key"),
        };
    }
    Write::Once {
        scope: dice.id("scope"),
        key: dice.id("key"),
        value: dice.id("value"),
        digest: dice.chance(50).then(|| dice.id("digest")),
        until: dice.chance(60).then(|| dice.moment()),
    }
}

/// The start of a run, as the host stores it: its first events, the key that makes it start once, and
/// the delivery that it answers. Most keys were used before.
fn start_run(dice: &mut Dice) -> UnitOfWork {
    let id = format!("run_{}", dice.roll(10));
    let seq = 1 + dice.roll(3);
    let mut row = run_row(&id, seq);
    row.flow = dice.id("flow");
    let delivery = Delivery {
        event: EventId(format!("evt_{}", dice.roll(20))),
        target: format!("trigger:{}", row.flow),
    };
    let once = Write::Once {
        scope: dice.id("scope"),
        key: dice.id("key"),
        value: id.clone(),
        digest: dice.chance(50).then(|| dice.id("digest")),
        until: dice.chance(60).then(|| dice.moment()),
    };
    UnitOfWork {
        run: Some(RunCommit {
            events: (1..=seq).map(|seq| event(&id, seq)).collect(),
            row,
        }),
        writes: vec![once, Write::Delivered(delivery)],
    }
}

async fn unit(dice: &mut Dice, store: &dyn Store) -> UnitOfWork {
    if dice.chance(15) {
        return start_run(dice);
    }
    let mut unit = UnitOfWork::default();
    if dice.chance(60) {
        unit.run = Some(run_commit(dice, store).await);
    }
    for _ in 0..dice.roll(4) {
        unit.writes.push(match dice.roll(3) {
            0 => space_write(dice, store).await,
            1 => record_write(dice, store).await,
            _ => delivery_write(dice),
        });
    }
    unit
}

/// Every answer that a store can give about the ids that `Dice` makes up.
async fn everything(store: &dyn Store) -> Vec<String> {
    let mut seen = vec![
        format!("{:?}", store.deployments().await),
        format!("{:?}", store.wakeups().await),
        format!("{:?}", store.busy_runs().await),
        format!("{:?}", store.open_tasks(None).await),
        format!("{:?}", store.next_share_expiry().await),
        format!("{:?}", store.untold_expiries(9).await),
        format!("{:?}", store.access_log(None, 2, 50).await),
        format!("{:?}", store.pending_events(at(3), 5).await),
        format!("{:?}", store.pending_events(at(9), 50).await),
        format!("{:?}", store.next_event_due().await),
        format!("{:?}", store.kept_events().await),
        format!("{:?}", store.mails(MailState::Queued, 3).await),
        format!("{:?}", store.mails(MailState::Sent, 30).await),
    ];
    let statuses = [
        None,
        Some(RunStatus::Running),
        Some(RunStatus::Closing),
        Some(RunStatus::Ended),
    ];
    for status in statuses {
        for incident in [None, Some(true), Some(false)] {
            let filter = RunFilter {
                status,
                incident,
                ..RunFilter::default()
            };
            seen.push(format!("{:?}", store.runs(&filter).await));
        }
    }
    for number in 0..4 {
        by_number(store, number, &mut seen).await;
    }
    for number in 0..20 {
        let event = EventId(format!("evt_{number}"));
        seen.push(format!("{:?}", store.deliveries(&event).await));
        seen.push(format!("{:?}", store.event(&event).await));
    }
    seen
}

async fn by_number(store: &dyn Store, number: u64, seen: &mut Vec<String>) {
    let id = |prefix: &str| format!("{prefix}_{number}");
    let (run, share, main) = (RunId(id("run")), ShareId(id("shr")), WorkspaceId::from("wsp_main"));
    let flow = RunFilter {
        flow: Some(id("flow")),
        before: Some(RunId::from("run_2")),
        ..RunFilter::default()
    };
    let (day, place) = (at(number.cast_signed()), (at(2), FileId(id("fil"))));
    let answers = [
        format!("{:?}", store.expiry(&FileId(id("fil"))).await),
        format!("{:?}", store.expiries(ExpiryOrder::Day, day, Some(&place), 3).await),
        format!("{:?}", store.expiries(ExpiryOrder::Renewal, day, Some(&place), 3).await),
        format!("{:?}", store.expiries(ExpiryOrder::Renewal, day, None, 9).await),
        format!("{:?}", store.has_outdated(outdated(number, at(4))).await),
        format!("{:?}", store.run(&run).await),
        format!("{:?}", store.runs(&flow).await),
        format!("{:?}", store.journal(&run, number, 5).await),
        format!("{:?}", store.journal(&run, 0, 500).await),
        format!("{:?}", store.latest_deployment(&id("flow")).await),
        format!("{:?}", store.deployments_of(&id("flow")).await),
        format!("{:?}", store.deployment(&format!("{}-v_1", id("flow"))).await),
        format!("{:?}", store.task(&TaskId(id("tsk"))).await),
        format!("{:?}", store.open_tasks(Some(&id("user:p"))).await),
        format!("{:?}", store.workspace(&WorkspaceId(id("wsp"))).await),
        format!("{:?}", store.file(&FileId(id("fil"))).await),
        format!("{:?}", store.files_in(&main, &id("/folder")).await),
        format!("{:?}", store.file_named(&main, &id("/folder"), "name_1").await),
        format!("{:?}", store.is_locked(&FileId(id("fil"))).await),
        format!("{:?}", store.share(&share).await),
        format!("{:?}", store.shares_due(at(number.cast_signed())).await),
        format!("{:?}", store.grant(&GrantId(id("grt"))).await),
        format!("{:?}", store.grant_by_token(&id("token")).await),
        format!("{:?}", store.grants_of(&share).await),
        format!("{:?}", store.comments_in(&share).await),
        format!("{:?}", store.access_log(Some(&share), 0, 50).await),
        format!("{:?}", store.owners_of(&[id("shr"), "shr_0".to_owned()]).await),
        format!("{:?}", store.subscribers(&id("kind"), "key_1").await),
        format!("{:?}", store.event(&EventId(id("evt"))).await),
        format!("{:?}", store.used_for(&id("scope"), "key_1").await),
    ];
    seen.extend(answers);
}

async fn compare(seed: u64) {
    let (memory, sqlite) = (super::open_memory().store, super::open_sqlite());
    let mut dice = Dice(seed);
    for batch in 0..BATCHES {
        let mut units = Vec::new();
        for _ in 0..=dice.roll(4) {
            units.push(unit(&mut dice, &*memory).await);
        }
        // Queued in this order, so that one commit of SQLite carries several of them.
        let on_memory = futures_util::future::join_all(units.iter().map(|unit| memory.commit(unit.clone()))).await;
        let on_sqlite =
            futures_util::future::join_all(units.iter().map(|unit| sqlite.store.commit(unit.clone()))).await;
        assert_eq!(on_memory, on_sqlite, "seed {seed}, batch {batch}: {units:#?}");
        let (in_memory, in_sqlite) = (everything(&*memory).await, everything(&*sqlite.store).await);
        assert_eq!(in_memory, in_sqlite, "seed {seed}, after batch {batch}: {units:#?}");
    }
}

#[tokio::test]
async fn the_adapters_answer_alike() {
    for seed in 0..SEEDS {
        compare(seed).await;
    }
}
