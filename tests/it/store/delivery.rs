//! Who is told of what, and keys that are used once.

use super::samples::{at, done, inbound, of_writes};
use gatefold::base::id::{EventId, RunId};
use gatefold::engine::InboundEvent;
use gatefold::store::{CommitError, Delivery, Store, Subscription, Used, Write};
use serde_json::json;
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

fn subscribe(run: &str, to: &[(&str, &str)]) -> Write {
    let to = to.iter().map(|(kind, key)| Subscription {
        kind: (*kind).to_owned(),
        key: (*key).to_owned(),
    });
    Write::Subscribe {
        run: RunId::from(run),
        to: to.collect(),
    }
}

pub async fn subscriptions_are_replaced_as_a_whole(store: &Arc<dyn Store>) {
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
    done(
        &**store,
        of_writes([subscribe("run_1", &[("erp.sent", "4711")]), subscribe("run_2", &[])]),
    )
    .await;
    assert_eq!(subscribers("erp.paid", "4711").await, Vec::<String>::new());
    assert_eq!(subscribers("erp.paid", "4712").await, Vec::<String>::new());
    assert_eq!(subscribers("erp.sent", "4711").await, ["run_1"]);
}

pub async fn events_are_found_for_the_run_that_they_concern(store: &Arc<dyn Store>) {
    let about = |id: &str, thing: &str| InboundEvent {
        subjects: vec![thing.to_owned(), "fil_7".to_owned()],
        ..inbound(id)
    };
    let keyed = |id: &str, key: &str| InboundEvent {
        subjects: Vec::new(),
        kind: "erp.paid".to_owned(),
        key: Some(key.to_owned()),
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
        let events = store.undelivered(&run, &things, &keys).await.unwrap();
        events.into_iter().map(|event| event.id.0).collect()
    };
    assert_eq!(found(&["shr_1"], &[("erp.paid", "4712")]).await, ["evt_4", "evt_1"]);
    assert_eq!(found(&["fil_7"], &[("erp.sent", "4711")]).await, ["evt_4", "evt_2"]);
    assert_eq!(found(&["4711"], &[]).await, Vec::<String>::new());
    let delivered = |event: &str, target: &str| {
        Write::Delivered(Delivery {
            event: EventId::from(event),
            target: target.to_owned(),
        })
    };
    let writes = [
        delivered("evt_4", "run_1"),
        delivered("evt_2", "run_2"),
        Write::EventDone(EventId::from("evt_3")),
    ];
    done(&**store, of_writes(writes)).await;
    assert_eq!(found(&["fil_7"], &[("erp.paid", "4711")]).await, ["evt_2"]);
}

pub async fn events_wait_in_order_until_done(store: &Arc<dyn Store>) {
    let events = [inbound("evt_2"), inbound("evt_1"), inbound("evt_3")];
    done(&**store, of_writes(events.clone().map(Write::Event))).await;
    let mut changed = inbound("evt_1");
    changed.data = json!({"share": "another"});
    done(&**store, of_writes([Write::Event(changed.clone())])).await;
    assert_eq!(store.pending_events(10).await, Ok(events.to_vec()));
    assert_eq!(store.pending_events(2).await, Ok(events[..2].to_vec()));
    let over = [EventId::from("evt_1"), EventId::from("evt_1"), EventId::from("evt_9")];
    done(&**store, of_writes(over.map(Write::EventDone))).await;
    assert_eq!(
        store.pending_events(10).await,
        Ok(vec![events[0].clone(), events[2].clone()])
    );
    done(&**store, of_writes([Write::Event(changed)])).await;
    assert_eq!(
        store.pending_events(10).await.unwrap().len(),
        2,
        "what is done is not recorded again"
    );
    assert_eq!(
        store.event(&EventId::from("evt_1")).await,
        Ok(Some(events[1].clone())),
        "the first of an id stays, delivered or not"
    );
    assert_eq!(store.event(&EventId::from("evt_9")).await, Ok(None));
    done(&**store, of_writes([Write::Event(inbound("evt_9"))])).await;
    assert_eq!(
        store.pending_events(10).await.unwrap().len(),
        3,
        "what was done before it came still comes"
    );
}

pub async fn a_delivery_happens_once(store: &Arc<dyn Store>) {
    let to = |event: &str, target: &str| {
        of_writes([Write::Delivered(Delivery {
            event: EventId::from(event),
            target: target.to_owned(),
        })])
    };
    let event = EventId::from("evt_1");
    assert_eq!(store.is_delivered(&event, "run_1").await, Ok(false));
    done(&**store, to("evt_1", "run_1")).await;
    done(&**store, to("evt_1", "trigger:review")).await;
    done(&**store, to("evt_2", "run_1")).await;
    assert_eq!(store.is_delivered(&event, "run_1").await, Ok(true));
    assert_eq!(store.is_delivered(&event, "run_2").await, Ok(false));
    let again = Err(CommitError::Duplicate {
        what: "delivery of evt_1 to run_1".to_owned(),
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
        what: "webhook k".to_owned(),
        value: "run_1".to_owned(),
    });
    assert_eq!(
        store.commit(once("webhook", "k", "run_3", Some("bb"), None)).await,
        again
    );
    assert_eq!(store.used_for("webhook", "k").await, used("run_1", Some("aa")));
    assert_eq!(store.is_used("webhook", "k").await, Ok(true));
    assert_eq!(store.is_used("webhook", "other").await, Ok(false));
    done(&**store, of_writes([Write::ForgetUsed { now: at(9) }])).await;
    assert_eq!(
        store.commit(once("webhook", "k", "run_3", Some("bb"), None)).await,
        again
    );
    done(&**store, of_writes([Write::ForgetUsed { now: at(10) }])).await;
    assert_eq!(store.used_for("webhook", "k").await, Ok(None));
    assert_eq!(
        store.used_for("start", "k").await,
        used("run_2", None),
        "without an end"
    );
    done(&**store, once("webhook", "k", "run_3", Some("bb"), None)).await;
    assert_eq!(store.used_for("webhook", "k").await, used("run_3", Some("bb")));
}
