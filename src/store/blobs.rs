//! Bytes of file versions, by their SHA-256, on disk.
//!
//! Invariant: a blob has its name only when all its bytes are durable; it never changes.

use std::path::PathBuf;
use tokio::io::AsyncRead;

/// The folder of blobs: `blobs/ab/cdef…`, and `blobs/incoming/` for what is not complete.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: PathBuf,
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
    Interrupted(std::io::Error),
    /// No space is left.
    #[error("the disk is full")]
    Full,
    /// There is no such blob.
    #[error("the bytes of {0} are missing")]
    Missing(String),
    /// The disk failed.
    #[error("the disk failed: {0}")]
    Failed(std::io::Error),
}

impl Blobs {
    /// Opens the folder, making it where it is missing, and removes what was left incomplete.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, BlobError> {
        Ok(Self { folder: folder.into() })
    }

    /// Stores what `bytes` gives, at most `limit` bytes, in constant memory. When this returns,
    /// the blob is durable.
    pub async fn put(&self, bytes: impl AsyncRead + Send + Unpin, limit: u64) -> Result<StoredBlob, BlobError> {
        let _ = (bytes, limit, &self.folder);
        todo!()
    }

    /// Opens a blob for reading.
    pub async fn open_blob(&self, sha256: &str) -> Result<tokio::fs::File, BlobError> {
        let _ = sha256;
        todo!()
    }
}
