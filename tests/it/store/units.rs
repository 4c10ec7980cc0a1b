//! A unit of work happens as a whole or not at all, whatever its neighbours do.

use super::samples::{
    access, at, comment, conflict, deployment, done, file, grant, inbound, mail, of_writes, progress, share, task,
    workspace,
};
use gatefold::base::id::{EventId, FileId, RunId, ShareId, WorkspaceId};
use gatefold::engine::InboundEvent;
use gatefold::store::{
    CommitError, Delivery, MailState, OutboxMail, Outdated, RunFilter, Store, Subscription, UnitOfWork, Write,
};
use std::sync::Arc;

/// One of every change, none of which is refused by an empty store.
fn one_of_each() -> Vec<Write> {
    [
        Write::Deploy(deployment("review", "1")),
        Write::PutWorkspace(workspace("wsp_1")),
        Write::PutFile(file("fil_1", "/", "a.pdf")),
        Write::PutShare(share("shr_1", at(10))),
        Write::PutGrant(grant("grt_1", "shr_1", "aa")),
        Write::AddComment(comment("cmt_1", "shr_1")),
        Write::Access(access(Some("shr_1"))),
        Write::PutTask(task("tsk_1", &["user:anna"], at(1))),
        Write::Own {
            thing: "shr_1".to_owned(),
            run: RunId::from("run_1"),
        },
        Write::Disown {
            thing: "shr_0".to_owned(),
            run: RunId::from("run_0"),
        },
        Write::Lock {
            file: FileId::from("fil_1"),
            run: RunId::from("run_1"),
        },
        Write::Unlock {
            file: FileId::from("fil_0"),
            run: RunId::from("run_0"),
        },
        Write::Subscribe {
            run: RunId::from("run_1"),
            to: vec![Subscription {
                kind: "erp.paid".to_owned(),
                key: "1".to_owned(),
            }],
            no_longer: vec![Subscription {
                kind: "erp.paid".to_owned(),
                key: "0".to_owned(),
            }],
        },
    ]
    .into_iter()
    .chain(events())
    .chain(mails_and_keys())
    .collect()
}

/// One of every change of an event.
fn events() -> Vec<Write> {
    vec![
        Write::Event(inbound("evt_1")),
        Write::Delivered(Delivery {
            event: EventId::from("evt_1"),
            target: "run_1".to_owned(),
        }),
        Write::EventDone {
            event: EventId::from("evt_0"),
            at: at(1),
        },
        Write::Event(waiting("evt_4")),
        Write::EventLater {
            event: EventId::from("evt_1"),
            due: at(9),
        },
        Write::KeepEvent {
            event: EventId::from("evt_4"),
            until: at(9),
        },
        Write::EventsDue,
    ]
}

fn mails_and_keys() -> Vec<Write> {
    vec![
        Write::PutMail(mail("mal_1")),
        Write::Once {
            scope: "webhook".to_owned(),
            key: "k".to_owned(),
            value: "v".to_owned(),
            digest: None,
            until: None,
        },
        Write::ForgetKey {
            scope: "webhook".to_owned(),
            key: "given back".to_owned(),
        },
        forget(Outdated::UsedKeys { now: at(5) }),
        forget(Outdated::Events { done: at(5) }),
        forget(Outdated::Mails { written: at(5) }),
        forget(Outdated::Kept {
            until: at(5),
            at: at(5),
        }),
    ]
}

fn forget(what: Outdated) -> Write {
    Write::Forget { what, at_most: 5 }
}

/// An event that a run can wait for by its key.
fn waiting(id: &str) -> InboundEvent {
    InboundEvent {
        kind: "erp.signed".to_owned(),
        key: Some(id.to_owned()),
        ..inbound(id)
    }
}

/// What was there before, so that the changes that undo something have something to undo.
async fn furnish(store: &dyn Store) {
    let before = [
        Write::Lock {
            file: FileId::from("fil_0"),
            run: RunId::from("run_0"),
        },
        Write::Own {
            thing: "shr_0".to_owned(),
            run: RunId::from("run_0"),
        },
        Write::Subscribe {
            run: RunId::from("run_1"),
            to: vec![Subscription {
                kind: "erp.paid".to_owned(),
                key: "0".to_owned(),
            }],
            no_longer: Vec::new(),
        },
        Write::Event(inbound("evt_0")),
        Write::Event(waiting("evt_longer")),
        Write::KeepEvent {
            event: EventId::from("evt_longer"),
            until: at(3),
        },
        Write::Event(inbound("evt_3")),
        Write::EventDone {
            event: EventId::from("evt_3"),
            at: at(3),
        },
        Write::PutMail(OutboxMail {
            state: MailState::Sent,
            ..mail("mal_0")
        }),
        Write::Once {
            scope: "webhook".to_owned(),
            key: "given back".to_owned(),
            value: "v".to_owned(),
            digest: None,
            until: None,
        },
        Write::Once {
            scope: "webhook".to_owned(),
            key: "old".to_owned(),
            value: "v".to_owned(),
            digest: None,
            until: Some(at(1)),
        },
    ];
    done(store, of_writes(before)).await;
}

/// Everything that `one_of_each` and `furnish` can be seen by.
async fn seen(store: &dyn Store) -> String {
    let share = ShareId::from("shr_1");
    let subjects = ["shr_0".to_owned(), "shr_1".to_owned()];
    let parts = [
        format!("{:?}", store.deployments().await),
        format!("{:?}", store.workspace(&WorkspaceId::from("wsp_1")).await),
        format!("{:?}", store.files_in(&WorkspaceId::from("wsp_main"), "/").await),
        format!("{:?}", store.is_locked(&FileId::from("fil_0")).await),
        format!("{:?}", store.is_locked(&FileId::from("fil_1")).await),
        format!("{:?}", store.share(&share).await),
        format!("{:?}", store.shares_due(at(100)).await),
        format!("{:?}", store.grants_of(&share).await),
        format!("{:?}", store.grant_by_token("aa").await),
        format!("{:?}", store.comments_in(&share).await),
        format!("{:?}", store.access_log(None, 0, 10).await),
        format!("{:?}", store.open_tasks(Some("user:anna")).await),
        format!("{:?}", store.owners_of(&subjects).await),
        format!("{:?}", store.subscribers("erp.paid", "0").await),
        format!("{:?}", store.subscribers("erp.paid", "1").await),
        format!("{:?}", store.pending_events(at(100), 10).await),
        format!("{:?}", store.kept_events().await),
        format!("{:?}", store.event(&EventId::from("evt_3")).await),
        format!("{:?}", store.mails(MailState::Sent, 10).await),
        format!("{:?}", store.used_for("webhook", "given back").await),
        format!("{:?}", store.deliveries(&EventId::from("evt_1")).await),
        format!("{:?}", store.mails(MailState::Queued, 10).await),
        format!("{:?}", store.used_for("webhook", "k").await),
        format!("{:?}", store.used_for("webhook", "old").await),
        format!("{:?}", store.runs(&RunFilter::default()).await),
        format!("{:?}", store.journal(&RunId::from("run_1"), 0, 10).await),
    ];
    parts.join("\n")
}

fn refused_write() -> Write {
    let mut unseen = workspace("wsp_none");
    unseen.rev = 7;
    Write::PutWorkspace(unseen)
}

pub async fn a_refused_unit_leaves_no_trace(store: &Arc<dyn Store>) {
    furnish(&**store).await;
    let before = seen(&**store).await;
    let count = one_of_each().len();
    for place in 0..=count {
        let mut writes = one_of_each();
        writes.insert(place, refused_write());
        let unit = UnitOfWork {
            run: Some(progress("run_1", 0, 2)),
            writes,
        };
        assert_eq!(
            store.commit(unit).await,
            conflict("workspace wsp_none"),
            "refused at {place}"
        );
        assert_eq!(seen(&**store).await, before, "refused at {place}");
    }
    let unit = UnitOfWork {
        run: Some(progress("run_1", 0, 2)),
        writes: one_of_each(),
    };
    done(&**store, unit).await;
    let after = seen(&**store).await;
    assert_eq!(
        before
            .lines()
            .zip(after.lines())
            .filter(|(before, after)| before == after)
            .count(),
        0,
        "each change can be seen"
    );
}

pub async fn a_refused_run_takes_its_writes_with_it(store: &Arc<dyn Store>) {
    furnish(&**store).await;
    let before = seen(&**store).await;
    let unit = UnitOfWork {
        run: Some(progress("run_1", 3, 4)),
        writes: one_of_each(),
    };
    assert_eq!(store.commit(unit).await, conflict("run run_1"));
    assert_eq!(seen(&**store).await, before);
}

pub async fn a_unit_sees_its_own_writes(store: &Arc<dyn Store>) {
    let first = workspace("wsp_1");
    let mut second = first.clone();
    second.rev = 1;
    "Renamed".clone_into(&mut second.name);
    done(
        &**store,
        of_writes([Write::PutWorkspace(first.clone()), Write::PutWorkspace(second)]),
    )
    .await;
    let stored = store.workspace(&first.id).await.unwrap().unwrap();
    assert_eq!((stored.rev, stored.name.as_str()), (2, "Renamed"));
    let once = Write::Once {
        scope: "start".to_owned(),
        key: "k".to_owned(),
        value: "first".to_owned(),
        digest: None,
        until: None,
    };
    let answer = store.commit(of_writes([once.clone(), once])).await;
    assert!(matches!(answer, Err(CommitError::Duplicate { value, .. }) if value == "first"));
    assert_eq!(store.used_for("start", "k").await, Ok(None));
}

pub async fn good_neighbours_do_not_suffer(store: &Arc<dyn Store>) {
    let mut commits = tokio::task::JoinSet::new();
    for number in 0..200 {
        let store = Arc::clone(store);
        commits.spawn(async move {
            let run = format!("run_{number}");
            let is_good = number % 3 != 0;
            let mut writes = vec![Write::Access(access(Some(&run)))];
            if !is_good {
                writes.push(refused_write());
            }
            let unit = UnitOfWork {
                run: Some(progress(&run, 0, 2)),
                writes,
            };
            (run, is_good, store.commit(unit).await)
        });
    }
    for (run, is_good, answer) in commits.join_all().await {
        let expected = if is_good {
            Ok(())
        } else {
            conflict("workspace wsp_none")
        };
        assert_eq!(answer, expected, "{run}");
        let journal = store.journal(&RunId::from(run.as_str()), 0, 10).await.unwrap();
        assert_eq!(journal.len(), if is_good { 2 } else { 0 }, "{run}");
        let accesses = store
            .access_log(Some(&ShareId::from(run.as_str())), 0, 10)
            .await
            .unwrap();
        assert_eq!(accesses.len(), usize::from(is_good), "{run}");
    }
}
