//! Bytes of file versions, by their SHA-256, on disk.
//!
//! Bytes go to a temporary file in `incoming`, are synced, and get their name by a rename, which
//! is synced too. Only then may anything refer to them.
//!
//! Invariant: a blob has its name only when all its bytes are durable; it never changes.

use super::fault;
use crate::base::id::hex;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::spawn_blocking;

/// Bytes that are hashed and written at once, and so the memory that an upload takes.
const CHUNK: usize = 256 * 1024;

/// Bytes at the beginning that are handed back.
const HEAD: usize = 4096;

/// Length of a SHA-256 in hexadecimal.
const NAME_LENGTH: usize = 64;

/// The folder of blobs: `blobs/ab/cdef…`, and `blobs/incoming/` for what is not complete.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: PathBuf,
    /// Whether bytes are synced before anything may refer to them.
    synced: bool,
}

/// A complete, durable blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// The first bytes, at most 4096, to tell the type by.
    pub head: Vec<u8>,
}

/// Why bytes were not stored or found.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// More bytes than allowed.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// Bytes allowed.
        limit: u64,
    },
    /// The sender stopped.
    #[error("the upload broke off: {0}")]
    Interrupted(io::Error),
    /// No space is left.
    #[error("the disk is full")]
    Full,
    /// There is no such blob.
    #[error("the bytes of {0} are missing")]
    Missing(String),
    /// The disk failed.
    #[error("the disk failed: {0}")]
    Failed(io::Error),
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Failed(error),
        }
    }
}

/// An upload on its way. Dropping it removes the temporary file.
struct Incoming {
    file: NamedTempFile,
    hash: Sha256,
    size: u64,
    head: Vec<u8>,
}

impl Incoming {
    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        let wanted = HEAD.saturating_sub(self.head.len()).min(chunk.len());
        self.head.extend_from_slice(&chunk[..wanted]);
        self.hash.update(chunk);
        self.size += chunk.len() as u64;
        self.file.as_file_mut().write_all(chunk)
    }
}

impl Blobs {
    /// Opens the folder, making it where it is missing, and removes what was left incomplete.
    /// Only the process that holds the store may do so: it would remove another's uploads.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, BlobError> {
        let blobs = Self {
            folder: folder.into(),
            synced: true,
        };
        fs::create_dir_all(blobs.incoming())?;
        for entry in fs::read_dir(blobs.incoming())? {
            let path = entry?.path();
            fs::remove_file(&path).map_err(|error| not_ours(&path, &error))?;
        }
        // All at once and synced here, so that no upload must sync more than one folder.
        for first in 0..=u8::MAX {
            let folder = blobs.folder.join(hex(&[first]));
            if let Err(error) = fs::create_dir(folder)
                && error.kind() != ErrorKind::AlreadyExists
            {
                return Err(error.into());
            }
        }
        sync_folder(&blobs.folder)?;
        Ok(blobs)
    }

    /// Opens a folder that nobody needs after this process: nothing in it is synced.
    pub fn scratch(folder: impl Into<PathBuf>) -> Result<Self, BlobError> {
        let blobs = Self {
            folder: folder.into(),
            synced: false,
        };
        fs::create_dir_all(blobs.incoming())?;
        Ok(blobs)
    }

    /// The blobs in a folder that another process may own: for reading alone, nothing in it is changed.
    pub fn to_read(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            synced: true,
        }
    }

    /// Stores what `bytes` gives, at most `limit` bytes, in constant memory. When this returns,
    /// the blob is durable.
    pub async fn put(&self, bytes: impl AsyncRead + Send + Unpin, limit: u64) -> Result<StoredBlob, BlobError> {
        let incoming = self.incoming();
        let file = on_disk(move || NamedTempFile::new_in(incoming)).await?;
        self.put_through(file, bytes, limit).await
    }

    async fn put_through(
        &self,
        file: NamedTempFile,
        mut bytes: impl AsyncRead + Send + Unpin,
        limit: u64,
    ) -> Result<StoredBlob, BlobError> {
        let mut incoming = Incoming {
            file,
            hash: Sha256::new(),
            size: 0,
            head: Vec::new(),
        };
        let mut chunk = Vec::with_capacity(CHUNK);
        loop {
            chunk.clear();
            fill(&mut bytes, &mut chunk).await.map_err(BlobError::Interrupted)?;
            if chunk.is_empty() {
                break;
            }
            if incoming.size + chunk.len() as u64 > limit {
                return Err(BlobError::TooLarge { limit });
            }
            (incoming, chunk) = on_disk(move || {
                incoming.write(&chunk)?;
                Ok((incoming, chunk))
            })
            .await?;
        }
        let blobs = self.clone();
        on_disk(move || blobs.finish(incoming)).await
    }

    /// Stores a few bytes durably and takes them back. An error where no file could be stored now.
    pub async fn try_to_store(&self) -> Result<(), BlobError> {
        let incoming = self.incoming();
        on_disk(move || {
            let mut file = NamedTempFile::new_in(incoming)?;
            file.write_all(&[0; HEAD])?;
            file.as_file().sync_all()?;
            file.close()
        })
        .await
    }

    /// Opens a blob for reading.
    pub async fn open_blob(&self, sha256: &str) -> Result<tokio::fs::File, BlobError> {
        let missing = || BlobError::Missing(sha256.to_owned());
        let is_name =
            sha256.len() == NAME_LENGTH && sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_name {
            return Err(missing());
        }
        match tokio::fs::File::open(place(&self.folder, sha256)).await {
            Ok(file) => Ok(file),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(missing()),
            Err(error) => Err(error.into()),
        }
    }

    fn incoming(&self) -> PathBuf {
        self.folder.join("incoming")
    }

    /// Makes the bytes durable and gives them their name.
    fn finish(&self, incoming: Incoming) -> io::Result<StoredBlob> {
        fault::point("blob-temp-written");
        if self.synced {
            incoming.file.as_file().sync_all()?;
        }
        fault::point("blob-synced");
        let sha256 = hex(&incoming.hash.finalize());
        let place = place(&self.folder, &sha256);
        let folder = place.parent().unwrap_or(&self.folder);
        let is_there = fs::metadata(&place).is_ok_and(|there| there.len() == incoming.size);
        if is_there {
            incoming.file.close()?;
        } else {
            if !self.synced {
                fs::create_dir_all(folder)?;
            }
            incoming.file.persist(&place)?;
        }
        fault::point("blob-renamed");
        if self.synced {
            // Also where it was there: whoever put it may not have come to this yet.
            sync_folder(folder)?;
        }
        Ok(StoredBlob {
            sha256,
            size: incoming.size,
            head: incoming.head,
        })
    }
}

/// Why what lies in `incoming` could not be removed.
fn not_ours(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!(
            "{} cannot be removed ({error}): only unfinished uploads belong there, move it away",
            path.display()
        ),
    )
}

/// Reads until the chunk is full or the end is reached.
async fn fill(bytes: &mut (impl AsyncRead + Unpin), chunk: &mut Vec<u8>) -> io::Result<()> {
    while chunk.len() < CHUNK {
        let mut rest = bytes.take((CHUNK - chunk.len()) as u64);
        if rest.read_buf(chunk).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// Does something that waits for the disk on a thread that may wait.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, BlobError> {
    let done = spawn_blocking(work).await;
    let done = done.unwrap_or_else(|error| Err(io::Error::other(error)));
    done.map_err(BlobError::from)
}

fn place(folder: &Path, sha256: &str) -> PathBuf {
    let (first, rest) = sha256.split_at(2);
    folder.join(first).join(rest)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A temporary file in `incoming` whose writes end on a disk without space.
    #[cfg(target_os = "linux")]
    fn on_a_full_disk(blobs: &Blobs) -> NamedTempFile {
        let full = |path: &Path| {
            File::create(path)?;
            File::options().write(true).open("/dev/full")
        };
        tempfile::Builder::new().make_in(blobs.incoming(), full).unwrap()
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_full_disk_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let bytes = vec![7; 3 * CHUNK];
        let answer = blobs
            .put_through(on_a_full_disk(&blobs), bytes.as_slice(), u64::MAX)
            .await;
        assert!(matches!(answer, Err(BlobError::Full)), "{answer:?}");
        assert_eq!(fs::read_dir(blobs.incoming()).unwrap().count(), 0);
        assert!(blobs.put(bytes.as_slice(), u64::MAX).await.is_ok());
    }
}
