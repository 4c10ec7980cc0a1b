//! Documents that expire.

use super::samples::{at, conflict, done, of_writes};
use gatefold::base::Timestamp;
use gatefold::base::id::FileId;
use gatefold::space::Expiry;
use gatefold::store::{ExpiryOrder, Store, Write};
use std::sync::Arc;

pub fn expiry(file: &str, version: u64, day: i64, renew_at: Option<i64>) -> Expiry {
    Expiry {
        file: FileId::from(file),
        version,
        day: at(day),
        renew_at: renew_at.map(at),
    }
}

fn told(file: &str, version: u64) -> Write {
    Write::ExpiryTold {
        file: FileId::from(file),
        version,
    }
}

async fn put(store: &Arc<dyn Store>, expiries: impl IntoIterator<Item = Expiry>) {
    done(&**store, of_writes(expiries.into_iter().map(Write::PutExpiry))).await;
}

/// The files of documents in an order, as they are found.
async fn found(
    store: &Arc<dyn Store>,
    order: ExpiryOrder,
    not_before: Timestamp,
    after: Option<(i64, &str)>,
) -> Vec<String> {
    let after = after.map(|(moment, file)| (at(moment), FileId::from(file)));
    let found = store.expiries(order, not_before, after.as_ref(), 2).await.unwrap();
    found.into_iter().map(|it| it.file.0).collect()
}

async fn untold(store: &Arc<dyn Store>) -> Vec<String> {
    let untold = store.untold_expiries(10).await.unwrap();
    untold.into_iter().map(|it| it.file.0).collect()
}

pub async fn documents_are_found_in_the_order_of_their_moments(store: &Arc<dyn Store>) {
    let all = [
        expiry("fil_c", 1, 30, Some(5)),
        expiry("fil_b", 1, 20, None),
        expiry("fil_a", 1, 20, Some(10)),
        expiry("fil_d", 1, 40, Some(5)),
    ];
    put(store, all.clone()).await;
    assert_eq!(
        store.expiry(&FileId::from("fil_c")).await.unwrap(),
        Some(all[0].clone())
    );
    assert_eq!(store.expiry(&FileId::from("fil_x")).await.unwrap(), None);
    let (day, renewal) = (ExpiryOrder::Day, ExpiryOrder::Renewal);
    assert_eq!(found(store, day, Timestamp::MIN, None).await, ["fil_a", "fil_b"]);
    assert_eq!(
        found(store, day, Timestamp::MIN, Some((20, "fil_a"))).await,
        ["fil_b", "fil_c"]
    );
    assert_eq!(found(store, day, at(30), None).await, ["fil_c", "fil_d"]);
    assert_eq!(found(store, day, at(31), None).await, ["fil_d"]);
    assert_eq!(found(store, renewal, Timestamp::MIN, None).await, ["fil_c", "fil_d"]);
    assert_eq!(
        found(store, renewal, Timestamp::MIN, Some((5, "fil_d"))).await,
        ["fil_a"]
    );
    assert_eq!(found(store, renewal, at(31), None).await, ["fil_d"]);
}

pub async fn one_document_counts_in_a_file_until_another_or_none_does(store: &Arc<dyn Store>) {
    put(store, [expiry("fil_a", 1, 20, Some(5)), expiry("fil_a", 2, 50, None)]).await;
    let file = FileId::from("fil_a");
    assert_eq!(store.expiry(&file).await.unwrap(), Some(expiry("fil_a", 2, 50, None)));
    assert_eq!(
        found(store, ExpiryOrder::Renewal, Timestamp::MIN, None).await,
        [""; 0],
        "the later one says nothing of it"
    );
    for _ in 0..2 {
        let ended = Write::EndExpiry { file: file.clone() };
        done(&**store, of_writes([ended])).await;
        assert_eq!(store.expiry(&file).await.unwrap(), None);
        assert_eq!(found(store, ExpiryOrder::Day, Timestamp::MIN, None).await, [""; 0]);
    }
}

pub async fn a_document_is_told_of_once(store: &Arc<dyn Store>) {
    put(
        store,
        [expiry("fil_b", 1, 20, Some(6)), expiry("fil_a", 1, 20, Some(7))],
    )
    .await;
    assert_eq!(untold(store).await, ["fil_b", "fil_a"]);
    let first = store.commit(of_writes([told("fil_b", 1)])).await;
    assert_eq!(first, Ok(()));
    assert_eq!(untold(store).await, ["fil_a"]);
    for again in [told("fil_b", 1), told("fil_a", 2)] {
        let Write::ExpiryTold { file, .. } = &again else {
            continue;
        };
        let what = format!("document {file}");
        assert_eq!(store.commit(of_writes([again])).await, conflict(&what));
    }
    put(store, [expiry("fil_b", 1, 21, Some(8))]).await;
    assert_eq!(untold(store).await, ["fil_a"], "the same version stays told");
    put(store, [expiry("fil_b", 2, 21, Some(8))]).await;
    assert_eq!(untold(store).await, ["fil_a", "fil_b"], "another one is not");
}

pub async fn a_refused_unit_leaves_documents_as_they_were(store: &Arc<dyn Store>) {
    put(store, [expiry("fil_a", 1, 20, Some(6))]).await;
    let refused = of_writes([
        Write::PutExpiry(expiry("fil_a", 2, 30, Some(9))),
        Write::PutExpiry(expiry("fil_b", 1, 30, None)),
        Write::EndExpiry {
            file: FileId::from("fil_b"),
        },
        told("fil_b", 1),
    ]);
    assert_eq!(store.commit(refused).await, conflict("document fil_b"));
    let stored = store.expiry(&FileId::from("fil_a")).await.unwrap();
    assert_eq!(stored, Some(expiry("fil_a", 1, 20, Some(6))));
    assert_eq!(untold(store).await, ["fil_a"]);
}
