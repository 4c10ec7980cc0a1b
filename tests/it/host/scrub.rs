//! Background verification of stored rows.

use crate::harness::Harness;
use gatefold::base::Timestamp;
use gatefold::base::id::WorkspaceId;
use gatefold::host::Host;
use gatefold::host::scrub::BATCH;
use gatefold::space::{State, Workspace};
use gatefold::store::sqlite::SqliteStore;
use gatefold::store::{Store, UnitOfWork, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Advances the clock until a condition holds.
async fn until(host: &Host, holds: impl Fn(&Host) -> bool) {
    for _ in 0..100_000 {
        if holds(host) {
            return;
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        // the store has threads of its own, which need real time
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    }
    panic!("it never comes to that");
}

async fn stored(path: &Path, count: usize) {
    let store = SqliteStore::open(path).unwrap();
    let workspace = |number| {
        Write::PutWorkspace(Workspace {
            id: WorkspaceId(format!("wsp_{number}")),
            name: format!("Original {number}"),
            created_by: "user:anna".to_owned(),
            created_at: Timestamp::UNIX_EPOCH,
            state: State::Live,
            rev: 0,
        })
    };
    let unit = UnitOfWork {
        run: None,
        writes: (0..count).map(workspace).collect(),
    };
    store.commit(unit).await.unwrap();
}

fn damage(path: &Path, from: &str, to: &str) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes());
    let at = at.unwrap();
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test(start_paused = true)]
async fn damage_is_found_in_the_background_also_past_the_first_batch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatefold.db");
    stored(&path, BATCH + 1).await;
    damage(&path, &format!("Original {BATCH}\""), &format!("Modified {BATCH}\""));
    let harness = Harness::at_rest(Arc::new(SqliteStore::open(&path).unwrap())).await;
    let host = Arc::clone(&harness.host);
    let served = tokio::spawn(Arc::clone(&host).serve(harness.stop.clone(), Duration::from_secs(1)));
    until(&host, |host| host.metrics().rows_damaged.get() == 1).await;
    assert!(host.metrics().rows_verified.get() > BATCH as u64);
    // and again from the beginning, a day later
    until(&host, |host| host.metrics().rows_damaged.get() == 2).await;
    harness.stop.cancel();
    served.await.unwrap();
}
