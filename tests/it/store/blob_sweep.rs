//! A sweep removes unreferenced blobs and no others.

use super::blobs::{bytes, files_below, opened};
use gatefold::store::Blobs;
use gatefold::store::blobs::{CHUNK_BYTES, Candidates, ORPHAN_AGE, RELEASED_AFTER};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncReadExt;

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

/// Whether the blob can be read and has these bytes.
async fn is_right(blobs: &Blobs, sha256: &str, length: usize) -> Result<bool, String> {
    let mut reader = blobs.open_blob(sha256).await.map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    let read = reader.read_to_end(&mut found).await;
    read.map_err(|error| error.to_string())?;
    Ok(found == bytes(length))
}

/// Uploads of the same few contents that become nothing, while sweeps find all of them old.
#[tokio::test(start_paused = true)]
async fn no_sweep_removes_what_an_upload_holds_however_they_meet() {
    let (folder, blobs) = opened();
    let upload = async |who: usize| {
        for number in 0..50 {
            let length = 1 + (who + number) % 3;
            let held = stored(&blobs, length).await;
            crate::turn::turn().await;
            assert_eq!(
                is_right(&blobs, &held.sha256, length).await,
                Ok(true),
                "{who}: {number}"
            );
        }
    };
    let sweeps = async {
        let mut removed = 0;
        for _ in 0..50 {
            tokio::time::advance(RELEASED_AFTER).await;
            let blobs_alone = |path: &std::path::PathBuf| !path.to_string_lossy().contains("incoming");
            for path in files_below(folder.path()).into_iter().filter(blobs_alone) {
                // it may be gone since it was listed
                if let Ok(file) = File::options().write(true).open(path) {
                    file.set_modified(SystemTime::now() - 2 * ORPHAN_AGE).unwrap();
                }
            }
            removed += sweep(&blobs, Candidates::Released).await;
            removed += sweep(&blobs, Candidates::Everything).await;
        }
        removed
    };
    let uploads = futures_util::future::join_all((0..4).map(upload));
    let (removed, _) = tokio::join!(sweeps, uploads);
    assert!(removed > 0, "the sweeps never met anything to remove");
}

/// Readers, uploads and a disk that changes the bytes all the time.
#[tokio::test]
async fn wrong_bytes_are_read_by_nobody_while_uploads_repair_what_a_disk_damages() {
    let (folder, blobs) = opened();
    let length = 3;
    let first = stored(&blobs, length).await;
    let place = folder
        .path()
        .join("blobs")
        .join(&first.sha256[..2])
        .join(&first.sha256[2..]);
    let work = async |who: usize| {
        for number in 0..40 {
            if who == 0 {
                std::fs::write(&place, b"bad").unwrap();
            }
            let held = stored(&blobs, length).await;
            let read = is_right(&blobs, &held.sha256, length).await;
            assert_ne!(read, Ok(false), "{who}: {number}");
            crate::turn::turn().await;
        }
    };
    futures_util::future::join_all((0..4).map(work)).await;
    let last = stored(&blobs, length).await;
    assert_eq!(is_right(&blobs, &last.sha256, length).await, Ok(true));
    assert!(!blobs.quarantined().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_removed_at_once_unless_somebody_needs_it() {
    let (folder, blobs) = opened();
    let count = || files_below(folder.path()).len();
    assert!(blobs.discard(stored(&blobs, 10).await).await.unwrap());
    assert_eq!(count(), 0);
    let other = stored(&blobs, 10).await;
    assert!(
        !blobs.discard(stored(&blobs, 10).await).await.unwrap(),
        "another upload has it"
    );
    assert_eq!(count(), 1);
    assert!(blobs.discard(other).await.unwrap());
    let kept = stored(&blobs, 10).await;
    kept.keep();
    assert!(
        !blobs.discard(stored(&blobs, 10).await).await.unwrap(),
        "a version refers to it"
    );
    drop(kept);
    assert!(!blobs.discard(stored(&blobs, 10).await).await.unwrap());
    assert_eq!(count(), 1);
    let again = Blobs::open(folder.path().join("blobs")).unwrap();
    assert!(
        !again.discard(stored(&again, 10).await).await.unwrap(),
        "it was there before"
    );
    assert_eq!(count(), 1);
}
