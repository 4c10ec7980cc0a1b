//! Ready is who can store something.

use crate::harness::Harness;
use axum::http::StatusCode;
use gatefold::server::readiness::GOOD_FOR;
use gatefold::store::memory::MemoryStore;
use gatefold::store::sqlite::SqliteStore;
use gatefold::store::{Store as _, UnitOfWork, Write};
use std::sync::Arc;
use std::time::Duration;

async fn readiness(harness: &Harness) -> StatusCode {
    let answer = harness.get("/readyz").send().await;
    if answer.status != StatusCode::OK {
        assert_eq!(answer.problem(), "cannot-store");
        assert!(answer.text().contains("look at the disk"), "{}", answer.text());
        assert_eq!(answer.header("retry-after"), "5");
    }
    answer.status
}

/// Stores until nothing more fits: a database may have pages that nothing uses.
async fn fill(store: &SqliteStore) {
    for number in 0.. {
        let write = Write::Once {
            scope: "fill".to_owned(),
            key: number.to_string(),
            value: "x".repeat(2048),
            digest: None,
            until: None,
        };
        let unit = UnitOfWork {
            run: None,
            writes: vec![write],
        };
        if store.commit(unit).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_store_that_is_full_is_not_ready_until_it_has_space() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path().join("gatefold.db")).unwrap());
    let harness = Harness::at_rest(store.clone()).await;
    store.set_size_limit(Some(1)).await.unwrap();
    fill(&store).await;
    assert_eq!(readiness(&harness).await, StatusCode::SERVICE_UNAVAILABLE);
    store.set_size_limit(None).await.unwrap();
    // Paused no longer than this: the store has a thread of its own, for which the clock would not wait.
    tokio::time::pause();
    tokio::time::advance(GOOD_FOR).await;
    tokio::time::resume();
    assert_eq!(readiness(&harness).await, StatusCode::OK);
    assert_eq!(harness.get("/healthz").send().await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_takes_no_file_is_not_ready() {
    let harness = Harness::new().await;
    assert_eq!(readiness(&harness).await, StatusCode::OK);
    let incoming = harness.data.path().join("blobs/incoming");
    std::fs::remove_dir(&incoming).unwrap();
    tokio::time::advance(GOOD_FOR).await;
    assert_eq!(readiness(&harness).await, StatusCode::SERVICE_UNAVAILABLE);
    std::fs::create_dir(&incoming).unwrap();
    tokio::time::advance(GOOD_FOR).await;
    assert_eq!(readiness(&harness).await, StatusCode::OK);
    assert_eq!(
        std::fs::read_dir(&incoming).unwrap().count(),
        0,
        "nothing is left of the trial"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_often_makes_no_more_work() {
    let harness = Harness::new().await;
    assert_eq!(readiness(&harness).await, StatusCode::OK);
    // Whatever is tried from here on fails.
    std::fs::remove_dir(harness.data.path().join("blobs/incoming")).unwrap();
    let many = || futures_util::future::join_all((0..50).map(|_| readiness(&harness)));
    let moment = Duration::from_millis(1);
    tokio::time::advance(GOOD_FOR.saturating_sub(moment)).await;
    assert!(many().await.iter().all(|status| *status == StatusCode::OK));
    tokio::time::advance(moment).await;
    assert!(
        many()
            .await
            .iter()
            .all(|status| *status == StatusCode::SERVICE_UNAVAILABLE)
    );
}

#[tokio::test(start_paused = true)]
async fn before_and_after_nothing_is_tried() {
    let harness = Harness::not_recovered(Arc::new(MemoryStore::default()));
    assert_eq!(harness.get("/readyz").send().await.problem(), "not-ready");
    assert_eq!(harness.store.used_for("trial", "readiness").await, Ok(None));
}
