//! A sweep removes unreferenced blobs and no others.

use super::blobs::{bytes, files_below, opened};
use gatefold::store::Blobs;
use gatefold::store::blobs::{CHUNK_BYTES, Candidates, ORPHAN_AGE, RELEASED_AFTER};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

async fn stored(blobs: &Blobs, length: usize) -> gatefold::store::StoredBlob {
    blobs.put(bytes(length).as_slice(), u64::MAX).await.unwrap()
}

/// Removes every candidate, as if the store referred to none of them.
async fn sweep(blobs: &Blobs, which: Candidates) -> u64 {
    let orphans = blobs.candidates(which).await.unwrap();
    blobs.remove_orphans(orphans).await.unwrap().blobs
}

/// Sets the modification time of every file in the folder to so long ago.
fn age(folder: &Path, age: Duration) {
    for path in files_below(folder) {
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_blob_without_a_commit_is_removed_an_hour_after_its_release() {
    let (folder, blobs) = opened();
    let one = stored(&blobs, 10).await;
    let length = usize::try_from(CHUNK_BYTES).unwrap() + 1;
    drop(stored(&blobs, length).await);
    tokio::time::advance(RELEASED_AFTER.saturating_sub(Duration::from_millis(1))).await;
    assert_eq!(
        sweep(&blobs, Candidates::Released).await,
        0,
        "its commit may still come"
    );
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(sweep(&blobs, Candidates::Released).await, 1);
    assert_eq!(files_below(folder.path()).len(), 1, "the other one is held");
    drop(one);
    tokio::time::advance(RELEASED_AFTER).await;
    assert_eq!(sweep(&blobs, Candidates::Released).await, 1);
    assert!(files_below(folder.path()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_version_refers_to_is_no_candidate() {
    let (_folder, blobs) = opened();
    let kept = stored(&blobs, 10).await;
    kept.keep();
    drop(kept);
    tokio::time::advance(RELEASED_AFTER).await;
    assert_eq!(blobs.candidates(Candidates::Released).await.unwrap(), BTreeSet::new());
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_finds_a_blob_while_the_store_is_asked_keeps_it() {
    let (_folder, blobs) = opened();
    drop(stored(&blobs, 10).await);
    tokio::time::advance(RELEASED_AFTER).await;
    let orphans = blobs.candidates(Candidates::Released).await.unwrap();
    assert_eq!(orphans.len(), 1);
    let again = stored(&blobs, 10).await;
    let sha256 = again.sha256.clone();
    // its commit is done before the sweep goes on
    again.keep();
    drop(again);
    assert_eq!(blobs.remove_orphans(orphans).await.unwrap().blobs, 0);
    assert!(blobs.open_blob(&sha256).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_a_crash_left_is_removed_once_it_is_old_enough() {
    let (folder, blobs) = opened();
    let length = usize::try_from(CHUNK_BYTES).unwrap() + 1;
    drop((stored(&blobs, 10).await, stored(&blobs, length).await));
    std::fs::write(folder.path().join("blobs/incoming/.tmp1234"), b"half").unwrap();
    let blobs = Blobs::scratch(folder.path().join("blobs")).unwrap();
    age(folder.path(), ORPHAN_AGE.saturating_sub(Duration::from_mins(1)));
    assert_eq!(sweep(&blobs, Candidates::Everything).await, 0);
    assert_eq!(files_below(folder.path()).len(), 4);
    age(folder.path(), ORPHAN_AGE + Duration::from_mins(1));
    assert_eq!(
        sweep(&blobs, Candidates::Released).await,
        0,
        "nobody looked into the folder"
    );
    let held = stored(&blobs, 10).await;
    assert_eq!(sweep(&blobs, Candidates::Everything).await, 1);
    assert!(blobs.open_blob(&held.sha256).await.is_ok());
    assert_eq!(
        files_below(folder.path()).len(),
        1,
        "with the temporary file, and the hashes of chunks"
    );
}
