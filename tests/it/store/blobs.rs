//! Bytes on disk.

use gatefold::base::id::hex;
use gatefold::store::{BlobError, Blobs};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

pub fn opened() -> (TempDir, Blobs) {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let blobs = Blobs::open(folder.path().join("blobs")).expect("an empty folder opens");
    (folder, blobs)
}

/// Bytes that do not repeat.
pub fn bytes(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Hands out its bytes in odd portions, then ends or breaks.
struct Dribble<'b> {
    bytes: &'b [u8],
    portion: usize,
    breaks: bool,
}

impl AsyncRead for Dribble<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() && self.breaks {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let count = self.portion.min(self.bytes.len()).min(into.remaining());
        let (now, later) = self.bytes.split_at(count);
        into.put_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn what_was_put_is_found_by_its_hash() {
    let (folder, blobs) = opened();
    for length in [
        0,
        1,
        4095,
        4096,
        4097,
        256 * 1024 - 1,
        256 * 1024,
        256 * 1024 + 1,
        1_000_000,
    ] {
        let bytes = bytes(length);
        let dribble = Dribble {
            bytes: &bytes,
            portion: 70_001,
            breaks: false,
        };
        let stored = blobs.put(dribble, length as u64).await.expect("the bytes are stored");
        assert_eq!(stored.size, length as u64);
        assert_eq!(stored.sha256, hex(&Sha256::digest(&bytes)));
        assert_eq!(stored.head, bytes[..length.min(4096)]);
        let mut read = Vec::new();
        let mut file = blobs.open_blob(&stored.sha256).await.expect("the blob is there");
        file.read_to_end(&mut read).await.expect("it can be read");
        assert!(read == bytes, "{length} bytes come back as they were");
    }
    assert_eq!(files_below(folder.path()).len(), 9);
}

#[tokio::test]
async fn the_same_bytes_are_stored_once() {
    let (folder, blobs) = opened();
    let bytes = bytes(300_000);
    let first = blobs.put(bytes.as_slice(), u64::MAX).await.unwrap();
    let before = fs::metadata(&files_below(folder.path())[0])
        .unwrap()
        .modified()
        .unwrap();
    let puts = (0..8).map(|_| blobs.put(bytes.as_slice(), u64::MAX));
    for stored in futures_util::future::join_all(puts).await {
        assert_eq!(stored.unwrap().sha256, first.sha256);
    }
    let files = files_below(folder.path());
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(fs::metadata(&files[0]).unwrap().modified().unwrap(), before);
}

#[tokio::test]
async fn a_blob_that_lost_bytes_is_replaced() {
    let (folder, blobs) = opened();
    let bytes = bytes(1000);
    let stored = blobs.put(bytes.as_slice(), u64::MAX).await.unwrap();
    let place = &files_below(folder.path())[0];
    fs::write(place, b"short").unwrap();
    let again = blobs.put(bytes.as_slice(), u64::MAX).await.unwrap();
    assert_eq!(again.sha256, stored.sha256);
    assert_eq!(fs::read(place).unwrap(), bytes);
}

#[tokio::test]
async fn too_many_bytes_are_refused_and_removed() {
    let (folder, blobs) = opened();
    for length in [11, 256 * 1024 + 11, 900_000] {
        let bytes = bytes(length);
        let limit = length as u64 - 1;
        let answer = blobs.put(bytes.as_slice(), limit).await;
        assert!(
            matches!(answer, Err(BlobError::TooLarge { limit: told }) if told == limit),
            "{answer:?}"
        );
    }
    assert_eq!(files_below(folder.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_removed() {
    let (folder, blobs) = opened();
    let bytes = bytes(700_000);
    for sent in [0, 1, 256 * 1024, 700_000] {
        let dribble = Dribble {
            bytes: &bytes[..sent],
            portion: 9_999,
            breaks: true,
        };
        let answer = blobs.put(dribble, u64::MAX).await;
        assert!(matches!(answer, Err(BlobError::Interrupted(_))), "{answer:?}");
    }
    assert_eq!(files_below(folder.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_a_crash_left_is_removed_at_the_next_start() {
    let (folder, blobs) = opened();
    let stored = blobs.put(bytes(10).as_slice(), u64::MAX).await.unwrap();
    fs::write(folder.path().join("blobs/incoming/.tmp1234"), b"half").unwrap();
    let blobs = Blobs::open(folder.path().join("blobs")).unwrap();
    assert_eq!(files_below(folder.path()).len(), 1);
    assert!(blobs.open_blob(&stored.sha256).await.is_ok());
}

#[tokio::test]
async fn only_a_hash_is_a_name() {
    let (folder, blobs) = opened();
    fs::write(folder.path().join("secret"), b"secret").unwrap();
    let absolute = folder.path().join("secret").display().to_string();
    let stored = blobs.put(b"x".as_slice(), u64::MAX).await.unwrap();
    let upper = stored.sha256.to_uppercase();
    let shorter = &stored.sha256[..63];
    let longer = format!("{}0", stored.sha256);
    let climbing = format!("{:.<64}", "../../secret");
    let umlauts = "ä".repeat(32);
    let unknown = "0".repeat(64);
    for name in [
        "",
        "..",
        "../secret",
        &absolute,
        &upper,
        shorter,
        &longer,
        &climbing,
        &umlauts,
        &unknown,
    ] {
        let answer = blobs.open_blob(name).await;
        assert!(
            matches!(&answer, Err(BlobError::Missing(told)) if told == name),
            "{name}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn what_does_not_belong_to_the_uploads_is_told_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let strange = folder.path().join("incoming").join("notes");
    std::fs::create_dir_all(&strange).unwrap();
    let error = Blobs::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains(&strange.display().to_string()), "{error}");
    assert!(error.contains("move it away"), "{error}");
}
