//! Who is told of what, and keys that are used once.

use super::samples::{at, conflict, done, inbound, mail, of_writes};
use gatefold::base::Timestamp;
use gatefold::base::id::{EventId, RunId};
use gatefold::engine::InboundEvent;
use gatefold::store::{
    CommitError, Delivery, KeptEvents, MailState, Mark, OutboxMail, Outdated, PendingEvent, Store, Subscription, Used,
    Write,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

fn own(thing: &str, run: &str) -> Write {
    Write::Own {
        thing: thing.to_owned(),
        run: RunId::from(run),
    }
}

pub async fn owners_are_found_by_thing(store: &Arc<dyn Store>) {
    let owned = [
        own("shr_1", "run_2"),
        own("shr_1", "run_1"),
        own("shr_2", "run_2"),
        own("shr_1", "run_1"),
    ];
    done(&**store, of_writes(owned)).await;
    let owners = async |subjects: &[&str]| -> Vec<String> {
        let subjects: Vec<String> = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        let runs = store.owners_of(&subjects).await.unwrap();
        runs.into_iter().map(|run| run.0).collect()
    };
    assert_eq!(owners(&["shr_1"]).await, ["run_1", "run_2"]);
    assert_eq!(owners(&["shr_2", "shr_1", "fil_9"]).await, ["run_1", "run_2"]);
    assert_eq!(owners(&[]).await, Vec::<String>::new());
    let disown = Write::Disown {
        thing: "shr_1".to_owned(),
        run: RunId::from("run_2"),
    };
    done(&**store, of_writes([disown.clone(), disown])).await;
    assert_eq!(owners(&["shr_1"]).await, ["run_1"]);
    assert_eq!(owners(&["shr_2"]).await, ["run_2"]);
}

fn subscriptions(named: &[(&str, &str)]) -> Vec<Subscription> {
    let named = named.iter().map(|(kind, key)| Subscription {
        kind: (*kind).to_owned(),
        key: (*key).to_owned(),
    });
    named.collect()
}

fn subscribe(run: &str, to: &[(&str, &str)]) -> Write {
    resubscribe(run, to, &[])
}

fn resubscribe(run: &str, to: &[(&str, &str)], no_longer: &[(&str, &str)]) -> Write {
    Write::Subscribe {
        run: RunId::from(run),
        to: subscriptions(to),
        no_longer: subscriptions(no_longer),
    }
}

pub async fn subscriptions_change_and_the_others_stay(store: &Arc<dyn Store>) {
    let first = [
        subscribe("run_2", &[("erp.paid", "4711")]),
        subscribe(
            "run_1",
            &[("erp.paid", "4711"), ("erp.paid", "4712"), ("erp.paid", "4711")],
        ),
    ];
    done(&**store, of_writes(first)).await;
    let subscribers = async |kind, key| -> Vec<String> {
        let runs = store.subscribers(kind, key).await.unwrap();
        runs.into_iter().map(|run| run.0).collect()
    };
    assert_eq!(subscribers("erp.paid", "4711").await, ["run_1", "run_2"]);
    assert_eq!(subscribers("erp.paid", "4712").await, ["run_1"]);
    assert_eq!(subscribers("erp.sent", "4711").await, Vec::<String>::new());
    let second = [
        resubscribe(
            "run_1",
            &[("erp.sent", "4711")],
            &[("erp.paid", "4711"), ("erp.sent", "1")],
        ),
        resubscribe("run_2", &[], &[("erp.paid", "4711")]),
        resubscribe("run_3", &[], &[("erp.paid", "4712")]),
    ];
    done(&**store, of_writes(second)).await;
    assert_eq!(subscribers("erp.paid", "4711").await, Vec::<String>::new());
    assert_eq!(subscribers("erp.paid", "4712").await, ["run_1"], "nobody took it away");
    assert_eq!(subscribers("erp.sent", "4711").await, ["run_1"]);
}

pub async fn what_is_for_a_run_is_found_among_more_and_among_fewer_than_it_has_names(store: &Arc<dyn Store>) {
    let about = |id: &str, thing: &str| InboundEvent {
        subjects: vec![thing.to_owned(), thing.to_owned()],
        ..inbound(id)
    };
    let found = async |names: usize| -> Vec<String> {
        let mut things: BTreeSet<String> = (0..names).map(|name| format!("none_{name}")).collect();
        things.insert("shr_1".to_owned());
        let keys = subscriptions(&[("erp.paid", "4711"), (&inbound("").kind, "shr_2")]);
        let keys = Arc::new(keys.into_iter().collect());
        let run = RunId::from("run_1");
        let events = store.undelivered(&run, &Arc::new(things), &keys).await.unwrap();
        events.into_iter().map(|event| event.id.0).collect()
    };
    let events = [
        keyed("evt_5", "4711"),
        about("evt_4", "shr_1"),
        about("evt_3", "shr_2"),
        keyed("evt_2", "4712"),
        about("evt_1", "shr_3"),
    ];
    done(&**store, of_writes(events.map(Write::Event))).await;
    for names in [0, 10] {
        assert_eq!(found(names).await, ["evt_5", "evt_4", "evt_3"], "{names}");
    }
    // the same again, about something else: the first counts
    done(&**store, of_writes([Write::Event(about("evt_2", "shr_1"))])).await;
    done(&**store, of_writes([keep("evt_5", at(9)), event_done("evt_3", at(1))])).await;
    for names in [0, 10] {
        assert_eq!(found(names).await, ["evt_4"], "{names}");
    }
    done(&**store, of_writes([Write::Event(about("evt_3", "shr_2"))])).await;
    done(&**store, of_writes([subscribe("run_1", &[("erp.paid", "4711")])])).await;
    for names in [0, 10] {
        assert_eq!(
            found(names).await,
            ["evt_5", "evt_4"],
            "what was kept is due again: {names}"
        );
    }
}

pub async fn events_are_found_for_the_run_that_they_concern(store: &Arc<dyn Store>) {
    let about = |id: &str, thing: &str| InboundEvent {
        subjects: vec![thing.to_owned(), "fil_7".to_owned()],
        ..inbound(id)
    };
    let events = [
        about("evt_4", "shr_1"),
        keyed("evt_3", "4711"),
        about("evt_2", "shr_2"),
        keyed("evt_1", "4712"),
    ];
    done(&**store, of_writes(events.map(Write::Event))).await;
    let run = RunId::from("run_1");
    let found = async |things: &[&str], keys: &[(&str, &str)]| -> Vec<String> {
        let things = things.iter().map(|thing| (*thing).to_owned()).collect();
        let key = |(kind, key): &(&str, &str)| Subscription {
            kind: (*kind).to_owned(),
            key: (*key).to_owned(),
        };
        let keys = keys.iter().map(key).collect();
        let events = store
            .undelivered(&run, &Arc::new(things), &Arc::new(keys))
            .await
            .unwrap();
        events.into_iter().map(|event| event.id.0).collect()
    };
    assert_eq!(found(&["shr_1"], &[("erp.paid", "4712")]).await, ["evt_4", "evt_1"]);
    assert_eq!(found(&["fil_7"], &[("erp.sent", "4711")]).await, ["evt_4", "evt_2"]);
    assert_eq!(found(&["4711"], &[]).await, Vec::<String>::new());
    let kind = inbound("evt_0").kind;
    assert_eq!(found(&[], &[(&kind, "shr_2"), ("erp.paid", "shr_1")]).await, ["evt_2"]);
    let delivered = |event: &str, target: &str| {
        Write::Delivered(Delivery {
            event: EventId::from(event),
            target: target.to_owned(),
        })
    };
    let writes = [
        delivered("evt_4", "run_1"),
        delivered("evt_2", "run_2"),
        event_done("evt_3", at(1)),
    ];
    done(&**store, of_writes(writes)).await;
    assert_eq!(found(&["fil_7"], &[("erp.paid", "4711")]).await, ["evt_2"]);
}

fn keyed(id: &str, key: &str) -> InboundEvent {
    InboundEvent {
        kind: "erp.paid".to_owned(),
        subjects: Vec::new(),
        key: Some(key.to_owned()),
        ..inbound(id)
    }
}

fn event_done(id: &str, at: Timestamp) -> Write {
    Write::EventDone {
        event: EventId::from(id),
        at,
    }
}

fn keep(id: &str, until: Timestamp) -> Write {
    Write::KeepEvent {
        event: EventId::from(id),
        until,
    }
}

async fn pending(store: &Arc<dyn Store>, now: Timestamp) -> Vec<(String, u32)> {
    let pending = store.pending_events(now, 10).await.unwrap();
    pending.into_iter().map(|it| (it.event.id.0, it.attempts)).collect()
}

fn new(ids: &[&str]) -> Vec<(String, u32)> {
    ids.iter().map(|id| ((*id).to_owned(), 0)).collect()
}

pub async fn events_wait_in_order_until_done(store: &Arc<dyn Store>) {
    let events = [inbound("evt_2"), inbound("evt_1"), inbound("evt_3")];
    done(&**store, of_writes(events.clone().map(Write::Event))).await;
    let mut changed = inbound("evt_1");
    changed.data = json!({"share": "another"});
    done(&**store, of_writes([Write::Event(changed.clone())])).await;
    let first = store.pending_events(at(0), 2).await.unwrap();
    let expected = events[..2].iter().map(|event| PendingEvent {
        event: event.clone(),
        attempts: 0,
    });
    assert_eq!(first, expected.collect::<Vec<_>>());
    assert_eq!(pending(store, at(0)).await, new(&["evt_2", "evt_1", "evt_3"]));
    let over = ["evt_1", "evt_1", "evt_9"].map(|id| event_done(id, at(5)));
    done(&**store, of_writes(over)).await;
    assert_eq!(pending(store, at(0)).await, new(&["evt_2", "evt_3"]));
    done(&**store, of_writes([Write::Event(changed)])).await;
    assert_eq!(
        pending(store, at(0)).await,
        new(&["evt_2", "evt_3"]),
        "what is done is not recorded again"
    );
    assert_eq!(store.event(&EventId::from("evt_1")).await, Ok(Some(inbound("evt_1"))));
    assert_eq!(store.event(&EventId::from("evt_9")).await, Ok(None));
    done(&**store, of_writes([Write::Event(inbound("evt_9"))])).await;
    assert_eq!(
        pending(store, at(0)).await,
        new(&["evt_2", "evt_3", "evt_9"]),
        "what was done before it came still comes"
    );
}

pub async fn an_event_that_is_put_off_lets_others_pass(store: &Arc<dyn Store>) {
    assert_eq!(store.next_event_due().await, Ok(None));
    done(
        &**store,
        of_writes([inbound("evt_1"), inbound("evt_2"), inbound("evt_3")].map(Write::Event)),
    )
    .await;
    assert!(store.next_event_due().await.unwrap().unwrap() <= at(0));
    let later = |id: &str, due| Write::EventLater {
        event: EventId::from(id),
        due,
    };
    let put_off = [
        later("evt_1", at(20)),
        later("evt_2", at(10)),
        event_done("evt_3", at(0)),
        later("evt_3", at(1)),
    ];
    done(&**store, of_writes(put_off)).await;
    assert_eq!(store.next_event_due().await, Ok(Some(at(10))));
    assert_eq!(pending(store, at(9)).await, []);
    done(&**store, of_writes([Write::Event(inbound("evt_4"))])).await;
    let one = |id: &str| (id.to_owned(), 1);
    assert_eq!(
        pending(store, at(20)).await,
        [("evt_4".to_owned(), 0), one("evt_2"), one("evt_1")],
        "new ones first, then the longest overdue"
    );
    done(&**store, of_writes([Write::EventsDue])).await;
    assert_eq!(
        pending(store, at(0)).await,
        [one("evt_1"), one("evt_2"), ("evt_4".to_owned(), 0)],
        "all at once again, in the order in which they came"
    );
}

pub async fn an_event_is_kept_until_a_run_subscribes_to_it(store: &Arc<dyn Store>) {
    let events = [
        keyed("evt_1", "k"),
        keyed("evt_2", "other"),
        keyed("evt_3", "k"),
        inbound("evt_4"),
    ];
    done(&**store, of_writes(events.map(Write::Event))).await;
    done(&**store, of_writes([subscribe("run_1", &[("erp.paid", "other")])])).await;
    done(&**store, of_writes([keep("evt_3", at(30)), keep("evt_1", at(40))])).await;
    assert_eq!(
        store.commit(of_writes([keep("evt_2", at(40))])).await,
        conflict("event evt_2"),
        "a run waits for it by now"
    );
    assert_eq!(
        store.commit(of_writes([keep("evt_9", at(40))])).await,
        conflict("event evt_9")
    );
    assert_eq!(
        store.commit(of_writes([keep("evt_1", at(40))])).await,
        conflict("event evt_1")
    );
    assert_eq!(pending(store, at(99)).await, new(&["evt_2", "evt_4"]));
    let kept = store.kept_events().await.unwrap();
    let bytes = serde_json::to_string(&keyed("evt_1", "k")).unwrap().len() as u64;
    assert_eq!((kept.count, kept.bytes), (2, 2 * bytes));
    // another kind, another key
    let others = [subscribe("run_2", &[("erp.sent", "k"), ("erp.paid", "K")])];
    done(&**store, of_writes(others)).await;
    assert_eq!(store.kept_events().await.unwrap().count, 2);
    done(&**store, of_writes([subscribe("run_3", &[("erp.paid", "k")])])).await;
    assert_eq!(pending(store, at(0)).await, new(&["evt_1", "evt_2", "evt_3", "evt_4"]));
    assert_eq!(store.kept_events().await, Ok(KeptEvents::default()));
}

pub async fn what_is_outdated_is_forgotten_the_oldest_first(store: &Arc<dyn Store>) {
    let events = ["evt_1", "evt_2", "evt_3", "evt_4", "evt_5"].map(|id| keyed(id, id));
    done(&**store, of_writes(events.map(Write::Event))).await;
    let delivered = ["evt_1", "evt_2", "evt_3"].map(|id| {
        Write::Delivered(Delivery {
            event: EventId::from(id),
            target: "run_1".to_owned(),
        })
    });
    done(&**store, of_writes(delivered)).await;
    let over = [("evt_1", 3), ("evt_2", 1), ("evt_3", 2)].map(|(id, second)| event_done(id, at(second)));
    done(&**store, of_writes(over)).await;
    done(&**store, of_writes([keep("evt_4", at(9)), keep("evt_5", at(8))])).await;

    let has = async |what| store.has_outdated(what).await.unwrap();
    let forget = async |what, at_most| done(&**store, of_writes([Write::Forget { what, at_most }])).await;
    let events = |second| Outdated::Events { done: at(second) };
    assert!(!has(events(0)).await);
    assert!(has(events(1)).await, "at the moment itself");
    forget(events(2), 1).await;
    let is_known = async |id: &str| {
        let id = EventId::from(id);
        let known = store.event(&id).await.unwrap().is_some();
        assert_eq!(known, !store.deliveries(&id).await.unwrap().is_empty(), "both or none");
        known
    };
    assert!(!is_known("evt_2").await && is_known("evt_3").await && is_known("evt_1").await);
    assert!(has(events(2)).await);
    forget(events(2), 9).await;
    assert!(!is_known("evt_3").await && is_known("evt_1").await);
    assert!(!has(events(2)).await);

    let kept = |second| Outdated::Kept {
        until: at(second),
        at: at(100),
    };
    assert!(!has(kept(7)).await);
    forget(kept(9), 1).await;
    assert!(has(events(100)).await, "what was kept is done");
    assert!(
        !has(kept(8)).await && has(kept(9)).await,
        "the one that would have ended first"
    );
    assert_eq!(store.kept_events().await.unwrap().count, 1);
    assert_eq!(pending(store, at(99)).await, []);
}

pub async fn sent_mails_are_forgotten_and_no_others(store: &Arc<dyn Store>) {
    let written = |id: &str, second: i64, state| {
        Write::PutMail(OutboxMail {
            at: at(second),
            state,
            ..mail(id)
        })
    };
    let mails = [
        written("mal_1", 2, MailState::Sent),
        written("mal_2", 1, MailState::Sent),
        written("mal_3", 1, MailState::Failed),
        written("mal_4", 1, MailState::InDoubt),
        written("mal_5", 1, MailState::Queued),
        written("mal_6", 3, MailState::Sent),
    ];
    done(&**store, of_writes(mails)).await;
    let what = Outdated::Mails { written: at(2) };
    done(&**store, of_writes([Write::Forget { what, at_most: 1 }])).await;
    let sent = async || -> Vec<String> {
        let mails = store.mails(MailState::Sent, 10).await.unwrap();
        mails.into_iter().map(|mail| mail.id.0).collect()
    };
    assert_eq!(sent().await, ["mal_1", "mal_6"]);
    assert_eq!(store.has_outdated(what).await, Ok(true));
    done(&**store, of_writes([Write::Forget { what, at_most: 9 }])).await;
    assert_eq!(sent().await, ["mal_6"]);
    assert_eq!(store.has_outdated(what).await, Ok(false));
    for state in [MailState::Failed, MailState::InDoubt, MailState::Queued] {
        assert_eq!(store.mails(state, 10).await.unwrap().len(), 1, "{state:?}");
    }
}

pub async fn a_delivery_happens_once(store: &Arc<dyn Store>) {
    let to = |event: &str, target: &str| {
        of_writes([Write::Delivered(Delivery {
            event: EventId::from(event),
            target: target.to_owned(),
        })])
    };
    let event = EventId::from("evt_1");
    assert_eq!(store.deliveries(&event).await, Ok(Vec::new()));
    done(&**store, to("evt_1", "trigger:review")).await;
    done(&**store, to("evt_1", "run_1")).await;
    done(&**store, to("evt_2", "run_2")).await;
    assert_eq!(
        store.deliveries(&event).await,
        Ok(vec!["run_1".to_owned(), "trigger:review".to_owned()])
    );
    let again = Err(CommitError::Duplicate {
        mark: Mark::Delivered(Delivery {
            event: "evt_1".into(),
            target: "run_1".to_owned(),
        }),
        value: String::new(),
    });
    assert_eq!(store.commit(to("evt_1", "run_1")).await, again);
}

pub async fn a_key_is_used_once_until_it_is_forgotten(store: &Arc<dyn Store>) {
    let once = |scope: &str, key: &str, value: &str, digest: Option<&str>, until| {
        of_writes([Write::Once {
            scope: scope.to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
            digest: digest.map(str::to_owned),
            until,
        }])
    };
    let used = |value: &str, digest: Option<&str>| {
        let digest = digest.map(str::to_owned);
        let value = value.to_owned();
        Ok(Some(Used { value, digest }))
    };
    done(&**store, once("webhook", "k", "run_1", Some("aa"), Some(at(10)))).await;
    done(&**store, once("start", "k", "run_2", None, None)).await;
    let again = Err(CommitError::Duplicate {
        mark: Mark::Used {
            scope: "webhook".to_owned(),
            key: "k".to_owned(),
        },
        value: "run_1".to_owned(),
    });
    assert_eq!(
        store.commit(once("webhook", "k", "run_3", Some("bb"), None)).await,
        again
    );
    assert_eq!(store.used_for("webhook", "k").await, used("run_1", Some("aa")));
    let of_scope = store.used_keys("webhook").await.unwrap();
    assert_eq!(of_scope.len(), 1, "{of_scope:?}");
    assert_eq!(store.is_used("webhook", "k").await, Ok(true));
    assert_eq!(store.is_used("webhook", "other").await, Ok(false));
    let over = |second| Outdated::UsedKeys { now: at(second) };
    let forget = |second| {
        of_writes([Write::Forget {
            what: over(second),
            at_most: 9,
        }])
    };
    assert_eq!(store.has_outdated(over(9)).await, Ok(false));
    done(&**store, forget(9)).await;
    assert_eq!(
        store.commit(once("webhook", "k", "run_3", Some("bb"), None)).await,
        again
    );
    assert_eq!(store.has_outdated(over(10)).await, Ok(true));
    done(&**store, forget(10)).await;
    assert_eq!(store.used_for("webhook", "k").await, Ok(None));
    assert_eq!(
        store.used_for("start", "k").await,
        used("run_2", None),
        "without an end"
    );
    done(&**store, once("webhook", "k", "run_3", Some("bb"), None)).await;
    assert_eq!(store.used_for("webhook", "k").await, used("run_3", Some("bb")));
    done(
        &**store,
        of_writes([Write::ForgetKey {
            scope: "webhook".to_owned(),
            key: "k".to_owned(),
        }]),
    )
    .await;
    assert_eq!(store.used_for("webhook", "k").await, Ok(None));
    assert_eq!(store.is_used("start", "k").await, Ok(true), "another scope");
}
