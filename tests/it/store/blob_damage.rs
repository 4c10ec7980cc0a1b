//! Damaged blobs are never returned, and uploading the right bytes repairs them.

use super::blobs::{bytes, files_below, opened};
use gatefold::store::blobs::CHUNK_BYTES;
use gatefold::store::{BlobError, Blobs};
use std::fs;
use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

#[expect(clippy::cast_possible_truncation, reason = "a megabyte")]
const CHUNK: usize = CHUNK_BYTES as usize;

/// Blob sizes around the boundaries of one and of several chunks.
const SIZES: [usize; 6] = [0, 10, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 77];

fn place(folder: &Path, sha256: &str) -> PathBuf {
    folder.join("blobs").join(&sha256[..2]).join(&sha256[2..])
}

fn chunks_place(folder: &Path, sha256: &str) -> PathBuf {
    place(folder, sha256).with_extension("chunks")
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Reads `length` bytes from an offset, or returns the error.
async fn read(blobs: &Blobs, sha256: &str, from: usize, length: usize) -> Result<Vec<u8>, BlobError> {
    let mut reader = blobs.open_blob(sha256).await?;
    reader.seek(SeekFrom::Start(from as u64)).await?;
    let mut found = Vec::new();
    reader.take(length as u64).read_to_end(&mut found).await?;
    Ok(found)
}

#[track_caller]
fn assert_damaged<T>(answer: Result<T, BlobError>, sha256: &str, what: &str) {
    let is_damaged = matches!(&answer, Err(BlobError::Damaged(told)) if told == sha256);
    assert!(is_damaged, "{what}: {:?}", answer.err());
}

#[tokio::test]
async fn every_part_of_a_blob_comes_back_as_it_was() {
    let (_folder, blobs) = opened();
    for size in SIZES {
        let bytes = bytes(size);
        let stored = blobs.put(bytes.as_slice(), u64::MAX).await.unwrap();
        for from in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, size.saturating_sub(1)] {
            for length in [1, CHUNK, 3 * CHUNK] {
                let expected = &bytes[from.min(size)..(from + length).min(size)];
                let found = read(&blobs, &stored.sha256, from, length).await.unwrap();
                assert!(found == expected, "{length} bytes of {size} from {from}");
            }
        }
    }
    assert!(blobs.quarantined().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_changed_byte_reaches_nobody_and_the_right_bytes_repair_it() {
    for (size, at) in [
        (10, 3),
        (CHUNK, CHUNK - 1),
        (2 * CHUNK + 77, 5),
        (2 * CHUNK + 77, CHUNK + 5),
        (2 * CHUNK + 77, 2 * CHUNK + 76),
    ] {
        let (folder, blobs) = opened();
        let bytes = bytes(size);
        let sha256 = blobs.put(bytes.as_slice(), u64::MAX).await.unwrap().sha256;
        flip(&place(folder.path(), &sha256), at);
        for other in (0..size).step_by(CHUNK).filter(|other| other / CHUNK != at / CHUNK) {
            let found = read(&blobs, &sha256, other, 7).await.unwrap();
            assert!(
                found == bytes[other..(other + 7).min(size)],
                "another chunk is as it was"
            );
        }
        let mut reader = blobs.open_blob(&sha256).await;
        let answer = read(&blobs, &sha256, at, 1).await;
        assert_damaged(answer, &sha256, "the changed byte");
        // a reader that was already open gets the chunks before the changed one, and nothing of
        // that one
        if let Ok(reader) = &mut reader {
            let mut found = Vec::new();
            let ended = reader.read_to_end(&mut found).await;
            assert!(
                ended.is_err() && found.len() == at / CHUNK * CHUNK,
                "{} bytes",
                found.len()
            );
        }
        assert_eq!(blobs.damage().await, std::slice::from_ref(&sha256));
        let aside = blobs.quarantined().await.unwrap();
        let named: Vec<_> = aside.iter().map(|one| (&one.sha256, one.size)).collect();
        assert_eq!(named, [(&sha256, size as u64)]);
        assert_damaged(read(&blobs, &sha256, 0, 1).await, &sha256, "after it was put aside");

        blobs.put(bytes.as_slice(), u64::MAX).await.unwrap();
        assert!(read(&blobs, &sha256, 0, size).await.unwrap() == bytes);
        assert_eq!(
            blobs.quarantined().await.unwrap(),
            aside,
            "the damaged bytes stay aside"
        );
    }
}

#[tokio::test]
async fn an_upload_finds_damage_by_content_and_not_by_length() {
    for size in [10, 2 * CHUNK + 77] {
        let (folder, blobs) = opened();
        let bytes = bytes(size);
        let sha256 = blobs.put(bytes.as_slice(), u64::MAX).await.unwrap().sha256;
        flip(&place(folder.path(), &sha256), size - 1);
        blobs.put(bytes.as_slice(), u64::MAX).await.unwrap();
        assert!(read(&blobs, &sha256, 0, size).await.unwrap() == bytes);
        assert_eq!(blobs.damage().await, [sha256]);
        assert_eq!(blobs.quarantined().await.unwrap().len(), 1);
    }
}

/// Changes a blob at a path, and the list of its chunks at another.
type Change<'c> = &'c dyn Fn(&Path, &Path);

#[tokio::test]
async fn other_bytes_at_the_path_of_a_blob_are_refused() {
    for size in SIZES {
        let (folder, blobs) = opened();
        let bytes = bytes(size);
        let other = blobs.put(vec![9; CHUNK + 3].as_slice(), u64::MAX).await.unwrap().sha256;
        let (path, chunks) = (place(folder.path(), &other), chunks_place(folder.path(), &other));
        let changes: [(&str, Change<'_>); 4] = [
            ("shorter", &|to, _| fs::write(to, &bytes[..size / 2]).unwrap()),
            ("longer", &|to, _| {
                fs::write(to, [bytes.as_slice(), b"x"].concat()).unwrap();
            }),
            ("another", &|to, _| {
                fs::copy(&path, to).unwrap();
            }),
            ("another with its chunks", &|to, beside| {
                fs::copy(&path, to).unwrap();
                fs::copy(&chunks, beside).unwrap();
            }),
        ];
        for (what, change) in changes {
            if size == 0 && what == "shorter" {
                continue;
            }
            let sha256 = blobs.put(bytes.as_slice(), u64::MAX).await.unwrap().sha256;
            change(&place(folder.path(), &sha256), &chunks_place(folder.path(), &sha256));
            let answer = read(&blobs, &sha256, 0, 3 * CHUNK).await;
            assert_damaged(answer, &sha256, &format!("{what}: {size}"));
        }
    }
}

#[tokio::test]
async fn chunk_hashes_that_are_missing_or_damaged_are_made_anew_from_verified_bytes() {
    let (folder, blobs) = opened();
    let bytes = bytes(2 * CHUNK + 77);
    let sha256 = blobs.put(bytes.as_slice(), u64::MAX).await.unwrap().sha256;
    let chunks = chunks_place(folder.path(), &sha256);
    let stored = fs::read(&chunks).unwrap();
    for damage in [None, Some(0), Some(20), Some(stored.len() - 1)] {
        match damage {
            // as an older build left it
            None => fs::remove_file(&chunks).unwrap(),
            Some(at) => flip(&chunks, at),
        }
        assert!(read(&blobs, &sha256, CHUNK, CHUNK).await.unwrap() == bytes[CHUNK..2 * CHUNK]);
        assert_eq!(fs::read(&chunks).unwrap(), stored, "{damage:?}");
    }
    // hashes are never rebuilt from damaged bytes
    fs::remove_file(&chunks).unwrap();
    flip(&place(folder.path(), &sha256), 2 * CHUNK);
    assert_damaged(
        read(&blobs, &sha256, 0, 1).await,
        &sha256,
        "a part that is right, of a whole that is not",
    );
    assert!(!chunks.exists());
}

#[tokio::test]
async fn a_whole_blob_is_verified_on_demand() {
    let (folder, blobs) = opened();
    let sha256 = blobs.put(bytes(CHUNK + 1).as_slice(), u64::MAX).await.unwrap().sha256;
    blobs.verify(&sha256).await.unwrap();
    flip(&place(folder.path(), &sha256), CHUNK);
    assert_damaged(blobs.verify(&sha256).await, &sha256, "verified");
    assert_damaged(blobs.verify(&sha256).await, &sha256, "put aside");
    let unknown = "0".repeat(64);
    let answer = blobs.verify(&unknown).await;
    assert!(matches!(answer, Err(BlobError::Missing(_))), "{answer:?}");
}

#[tokio::test]
async fn a_blob_that_is_damaged_twice_is_quarantined_twice() {
    let (folder, blobs) = opened();
    let bytes = bytes(10);
    for _ in 0..3 {
        let sha256 = blobs.put(bytes.as_slice(), u64::MAX).await.unwrap().sha256;
        flip(&place(folder.path(), &sha256), 1);
        assert_damaged(read(&blobs, &sha256, 0, 1).await, &sha256, "read");
    }
    let aside = blobs.quarantined().await.unwrap();
    assert_eq!(aside.len(), 3);
    assert!(aside.iter().all(|one| one.sha256 == aside[0].sha256));
    assert_eq!(files_below(folder.path()).len(), 3);
}
