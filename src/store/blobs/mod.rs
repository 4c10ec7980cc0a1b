//! Bytes of file versions, by their SHA-256, on disk.
//!
//! Bytes go to a temporary file in `incoming`, are synced, and get their name by a rename, which
//! is synced too. Only then may anything refer to them. Everybody who reads them goes through
//! [`BlobReader`], which verifies them.
//!
//! Invariants: a blob has its name only when all its bytes are durable; it never changes. Bytes that
//! have changed on the disk reach nobody: the blob goes to `quarantine`, and the next upload of the
//! right bytes takes its place.

mod chunks;
mod quarantine;
mod reader;
mod sweep;

pub use chunks::CHUNK_BYTES;
pub use quarantine::Quarantined;
pub use reader::BlobReader;
pub use sweep::{Candidates, ORPHAN_AGE, RELEASED_AFTER};

use super::fault;
use crate::base::id::hex;
use chunks::{BlobHasher, ChunkHashes, hash_of};
use reader::{Source, read_chunk};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use sweep::Lease;
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::spawn_blocking;

/// Bytes that are hashed and written at once. An upload takes this much memory, and a hash for each
/// chunk of it.
const PIECE: usize = 256 * 1024;

/// Bytes at the beginning that are handed back.
const HEAD: usize = 4096;

/// What is written to find out whether the folders can be used, and its name there.
const TRIAL: [u8; HEAD] = [0x5a; HEAD];
const TRIAL_NAME: &str = "trial";

/// Ending of the file with the hashes of a blob's chunks, which lies beside it.
const CHUNKS_ENDING: &str = "chunks";

/// The folder of blobs: `blobs/ab/cdef…`, `blobs/incoming/` for what is not complete, and
/// `blobs/quarantine/` for what is damaged.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: PathBuf,
    /// Whether bytes are synced before anything may refer to them.
    synced: bool,
    /// Whether nothing in the folder may be changed.
    is_read_only: bool,
    shared: Arc<Shared>,
}

/// What all users of one folder share.
#[derive(Debug, Default)]
struct Shared {
    damage: quarantine::Reports,
    leases: sweep::Leases,
    /// How often it was tried to store something; wraps around.
    trials: AtomicU8,
}

/// A complete, durable blob. As long as this value lives, no sweep removes it.
#[derive(Clone, Debug)]
pub struct StoredBlob {
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// The first bytes, at most 4096, to tell the type by.
    pub head: Vec<u8>,
    lease: Arc<Lease>,
}

impl StoredBlob {
    /// Says that a version of a file refers to the blob now, so that it need not be looked for.
    pub fn keep(&self) {
        self.lease.keep();
    }
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
    /// No space is left, or the system allows this process no file of this size.
    #[error("the file cannot be stored: {0}")]
    Full(io::Error),
    /// There is no such blob.
    #[error("the bytes of {0} are missing")]
    Missing(String),
    /// The bytes on the disk are not those that were stored.
    #[error("the bytes of {0} have changed on the disk")]
    Damaged(String),
    /// The disk failed.
    #[error("the disk failed: {0}")]
    Failed(io::Error),
}

impl From<io::Error> for BlobError {
    /// Gives a [`BlobError`] that came through a reader back as it was.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::Full(error),
            _ => error.downcast().unwrap_or_else(Self::Failed),
        }
    }
}

impl From<BlobError> for io::Error {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full(error) | BlobError::Failed(error) | BlobError::Interrupted(error) => error,
            BlobError::Missing(_) | BlobError::Damaged(_) | BlobError::TooLarge { .. } => {
                Self::new(ErrorKind::InvalidData, error)
            }
        }
    }
}

/// An upload on its way. Dropping it removes the temporary file.
struct Incoming {
    file: NamedTempFile,
    hasher: BlobHasher,
    head: Vec<u8>,
}

impl Incoming {
    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        let wanted = HEAD.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..wanted]);
        self.hasher.update(piece);
        self.file.as_file_mut().write_all(piece)
    }
}

impl Blobs {
    /// Opens the folder, making it where it is missing, and removes what was left incomplete.
    /// Only the process that holds the store may do so: it would remove another's uploads.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, BlobError> {
        let blobs = Self {
            folder: folder.into(),
            synced: true,
            is_read_only: false,
            shared: Arc::default(),
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
            is_read_only: false,
            shared: Arc::default(),
        };
        fs::create_dir_all(blobs.incoming())?;
        Ok(blobs)
    }

    /// The blobs in a folder that another process may own: for reading alone, nothing in it is changed.
    pub fn to_read(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            synced: true,
            is_read_only: true,
            shared: Arc::default(),
        }
    }

    /// Stores what `bytes` gives, at most `limit` bytes. When this returns, the blob is durable, and
    /// its bytes on the disk were verified where it was there already.
    pub async fn put(&self, bytes: impl AsyncRead + Send + Unpin, limit: u64) -> Result<StoredBlob, BlobError> {
        let incoming = self.incoming();
        let file = on_disk(move || Ok(NamedTempFile::new_in(incoming)?)).await?;
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
            hasher: BlobHasher::default(),
            head: Vec::new(),
        };
        let mut piece = Vec::with_capacity(PIECE);
        loop {
            piece.clear();
            fill(&mut bytes, &mut piece).await.map_err(BlobError::Interrupted)?;
            if piece.is_empty() {
                break;
            }
            if incoming.hasher.size() + piece.len() as u64 > limit {
                return Err(BlobError::TooLarge { limit });
            }
            (incoming, piece) = on_disk(move || {
                incoming.write(&piece)?;
                Ok((incoming, piece))
            })
            .await?;
        }
        let blobs = self.clone();
        on_disk(move || blobs.finish(incoming)).await
    }

    /// Stores a few bytes durably in one of the folders, another one each time, reads them and takes them
    /// back; looks whether the other folders are there and may be used. An error where some file could not be
    /// stored or read now.
    pub async fn try_to_store(&self) -> Result<(), BlobError> {
        let blobs = self.clone();
        on_disk(move || {
            let turn = blobs.shared.trials.fetch_add(1, Ordering::Relaxed);
            let mut file = NamedTempFile::new_in(blobs.incoming())?;
            file.write_all(&TRIAL)?;
            file.as_file().sync_all()?;
            if blobs.synced {
                for first in 0..=u8::MAX {
                    may_be_used(&blobs.folder.join(hex(&[first])))?;
                }
                let trial = file.into_temp_path();
                let place = blobs.folder.join(hex(&[turn])).join(TRIAL_NAME);
                fs::rename(&trial, &place)?;
                let read = fs::read(&place);
                fs::remove_file(&place)?;
                if read? != TRIAL {
                    let why = format!("{} was not read as it was written", place.display());
                    return Err(BlobError::Failed(io::Error::other(why)));
                }
            }
            Ok(())
        })
        .await
    }

    /// Opens a blob for reading. One that is a single chunk was verified when this returns. A longer
    /// one whose chunk hashes are missing is first read as a whole, and they are stored.
    pub async fn open_blob(&self, sha256: &str) -> Result<BlobReader, BlobError> {
        let (blobs, sha256) = (self.clone(), sha256.to_owned());
        on_disk(move || blobs.source(&sha256)).await.map(BlobReader::new)
    }

    /// Reads the whole blob and verifies it against its SHA-256. One that is damaged is put into
    /// quarantine.
    pub async fn verify(&self, sha256: &str) -> Result<(), BlobError> {
        let (blobs, sha256) = (self.clone(), sha256.to_owned());
        on_disk(move || {
            let mut file = blobs.file(&sha256)?;
            match hashed(&mut file)? {
                (found, _) if found == sha256 => Ok(()),
                _ => Err(blobs.damaged(&sha256)),
            }
        })
        .await
    }

    fn source(&self, sha256: &str) -> Result<Source, BlobError> {
        let mut file = self.file(sha256)?;
        let size = file.metadata()?.len();
        let chunks = match ChunkHashes::of_one(sha256, size).or_else(|| self.stored_chunks(sha256, size)) {
            Some(chunks) => chunks,
            None => self.chunks_anew(sha256, &mut file)?,
        };
        let mut source = Source {
            blobs: self.clone(),
            sha256: sha256.to_owned(),
            file,
            chunks,
            loaded: None,
            bytes: Vec::new(),
        };
        if source.chunks.count() == 1 {
            source.load(0)?;
        }
        Ok(source)
    }

    fn file(&self, sha256: &str) -> Result<File, BlobError> {
        let missing = || BlobError::Missing(sha256.to_owned());
        hash_of(sha256).ok_or_else(missing)?;
        match File::open(self.place(sha256)) {
            Ok(file) => Ok(file),
            Err(error) if error.kind() == ErrorKind::NotFound && self.is_quarantined(sha256) => {
                Err(BlobError::Damaged(sha256.to_owned()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Err(missing()),
            Err(error) => Err(error.into()),
        }
    }

    /// The chunk hashes that lie beside a blob of `size` bytes; `None` where they are missing or wrong.
    fn stored_chunks(&self, sha256: &str, size: u64) -> Option<ChunkHashes> {
        let stored = fs::read(self.chunks_place(sha256)).ok()?;
        ChunkHashes::decode(sha256, size, &stored)
    }

    /// Makes the chunk hashes from the blob, which an older build stored or whose list is lost.
    fn chunks_anew(&self, sha256: &str, file: &mut File) -> Result<ChunkHashes, BlobError> {
        let (found, chunks) = hashed(file)?;
        if found != sha256 {
            return Err(self.damaged(sha256));
        }
        if !self.is_read_only
            && let Err(error) = self.store_chunks(sha256, &chunks)
        {
            tracing::warn!(sha256, %error, "the chunk hashes of a blob could not be stored; they are made again when it is read");
        }
        Ok(chunks)
    }

    fn store_chunks(&self, sha256: &str, chunks: &ChunkHashes) -> io::Result<()> {
        if chunks.count() == 1 {
            return Ok(());
        }
        let mut file = NamedTempFile::new_in(self.incoming())?;
        file.write_all(&chunks.encode(sha256))?;
        if self.synced {
            file.as_file().sync_all()?;
        }
        file.persist(self.chunks_place(sha256))?;
        Ok(())
    }

    fn incoming(&self) -> PathBuf {
        self.folder.join("incoming")
    }

    /// Where a blob lies.
    fn place(&self, sha256: &str) -> PathBuf {
        let (first, rest) = sha256.split_at_checked(2).unwrap_or((sha256, ""));
        self.folder.join(first).join(rest)
    }

    fn chunks_place(&self, sha256: &str) -> PathBuf {
        self.place(sha256).with_extension(CHUNKS_ENDING)
    }

    /// Makes the bytes durable and gives them their name.
    fn finish(&self, incoming: Incoming) -> Result<StoredBlob, BlobError> {
        fault::point("blob-temp-written");
        if self.synced {
            incoming.file.as_file().sync_all()?;
        }
        fault::point("blob-synced");
        let (sha256, chunks) = incoming.hasher.finish();
        // before it is looked for: from here on no sweep removes it
        let lease = Arc::new(self.lease(&sha256));
        let place = self.place(&sha256);
        let folder = place.parent().unwrap_or(&self.folder);
        if !self.synced {
            fs::create_dir_all(folder)?;
        }
        {
            let _alone = self.shared.damage.alone(&sha256);
            let holds = self.holds(&sha256, &chunks);
            if holds != Holds::WithChunks {
                self.store_chunks(&sha256, &chunks)?;
            }
            if holds == Holds::Nothing {
                incoming.file.persist(&place).map_err(io::Error::from)?;
            } else {
                incoming.file.close()?;
            }
        }
        fault::point("blob-renamed");
        if self.synced {
            // Also where it was there: whoever put it may not have come to this yet.
            sync_folder(folder)?;
        }
        Ok(StoredBlob {
            sha256,
            size: chunks.size,
            head: incoming.head,
            lease,
        })
    }

    /// What there is of a blob whose right chunks are known. One that is damaged is put into
    /// quarantine; one that cannot be read counts as missing, so that it is written anew.
    fn holds(&self, sha256: &str, chunks: &ChunkHashes) -> Holds {
        let Ok(mut file) = File::open(self.place(sha256)) else {
            return Holds::Nothing;
        };
        match is_intact(&mut file, chunks) {
            Ok(true) if chunks.count() == 1 || self.stored_chunks(sha256, chunks.size).as_ref() == Some(chunks) => {
                Holds::WithChunks
            }
            Ok(true) => Holds::Bytes,
            Ok(false) => {
                self.put_aside(sha256);
                Holds::Nothing
            }
            Err(error) => {
                tracing::error!(sha256, %error, "a blob cannot be read; the bytes that were uploaded again replace it");
                Holds::Nothing
            }
        }
    }
}

/// What there is of a blob.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Nothing,
    /// The right bytes, and no list of their chunks.
    Bytes,
    /// The right bytes, and the list of their chunks where they need one.
    WithChunks,
}

/// Whether the file has these chunks and nothing else.
fn is_intact(file: &mut File, chunks: &ChunkHashes) -> io::Result<bool> {
    if file.metadata()?.len() != chunks.size {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    for index in 0..chunks.count() {
        if !read_chunk(file, chunks, index, &mut bytes)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The SHA-256 of a file from where it stands, and its chunks.
fn hashed(file: &mut File) -> io::Result<(String, ChunkHashes)> {
    let mut hasher = BlobHasher::default();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&piece[..count]),
        }
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

/// Reads until the piece is full or the end is reached.
async fn fill(bytes: &mut (impl AsyncRead + Unpin), piece: &mut Vec<u8>) -> io::Result<()> {
    while piece.len() < PIECE {
        let mut rest = bytes.take((PIECE - piece.len()) as u64);
        if rest.read_buf(piece).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// Does something that waits for the disk on a thread that may wait.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(BlobError::Failed(io::Error::other(error))))
}

/// An error that names the folder, unless this process may list it, read it and write it.
fn may_be_used(folder: &Path) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
    #[cfg(unix)]
    {
        use rustix::fs::{Access, access};
        access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).map_err(|error| named(error.into()))?;
    }
    if fs::metadata(folder).map_err(named)?.is_dir() {
        Ok(())
    } else {
        Err(named(ErrorKind::NotADirectory.into()))
    }
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
        let bytes = vec![7; 3 * PIECE];
        let answer = blobs
            .put_through(on_a_full_disk(&blobs), bytes.as_slice(), u64::MAX)
            .await;
        assert!(matches!(answer, Err(BlobError::Full(_))), "{answer:?}");
        assert_eq!(fs::read_dir(blobs.incoming()).unwrap().count(), 0);
        assert!(blobs.put(bytes.as_slice(), u64::MAX).await.is_ok());
    }
}
