//! Blobs: the bytes of file versions on disk, named by their SHA-256.
//!
//! Bytes are written to a temporary file in `incoming`, synced, and renamed; the rename is synced
//! too. Only then may anything refer to the blob. All reads go through [`BlobReader`], which
//! verifies the bytes.
//!
//! Invariants: a blob has its name only when all its bytes are durable, and it never changes. Bytes
//! that have changed on the disk are never returned: the blob is moved to `quarantine`, and the
//! next upload of the right bytes replaces it.

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
use crate::space::media::{Sample, packed_in};
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

/// Size of the pieces that are hashed and written. An upload needs this much memory, plus one hash
/// for each chunk.
const PIECE: usize = 256 * 1024;

/// Number of first bytes that are returned after storing.
const HEAD: usize = 4096;

/// Content of the file that is written to test the folders.
const TRIAL: [u8; HEAD] = [0x5a; HEAD];
const TRIAL_NAME: &str = "trial";

/// Extension of the file with a blob's chunk hashes.
const CHUNKS_ENDING: &str = "chunks";

/// The folder of blobs: `blobs/ab/cdef…`, `blobs/incoming/` for what is not complete, and
/// `blobs/quarantine/` for what is damaged.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: PathBuf,
    /// Whether bytes are synced before anything may refer to them.
    synced: bool,
    /// Whether the folder is opened read-only.
    is_read_only: bool,
    shared: Arc<Shared>,
}

/// State shared by all users of one folder.
#[derive(Debug, Default)]
struct Shared {
    damage: quarantine::Reports,
    leases: sweep::Leases,
    /// Number of test writes so far; wraps around.
    trials: AtomicU8,
}

/// A complete, durable blob. No sweep removes it while this value exists.
#[derive(Clone, Debug)]
pub struct StoredBlob {
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// The first bytes, at most 4096, for detecting the type.
    pub head: Vec<u8>,
    /// What kind of document it is, where it is a ZIP file that is one.
    pub packed: Option<&'static str>,
    lease: Arc<Lease>,
}

impl StoredBlob {
    /// Marks that a file version now refers to the blob, so that no sweep has to check it.
    pub fn keep(&self) {
        self.lease.keep();
    }

    /// What its type is told by.
    pub fn sample(&self) -> Sample<'_> {
        Sample {
            head: &self.head,
            packed: self.packed,
        }
    }
}

/// An error of storing or reading a blob.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// More bytes than allowed.
    #[error("the file is larger than {}", crate::base::size::in_words(*limit))]
    TooLarge {
        /// Bytes allowed.
        limit: u64,
    },
    /// The sender stopped.
    #[error("the upload was interrupted: {0}")]
    Interrupted(io::Error),
    /// No space is left, or the file exceeds the size that the system allows.
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
    /// Unwraps a [`BlobError`] that was passed through a reader as an I/O error.
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

/// An upload in progress. Dropping it removes the temporary file.
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
        fault::io("blob-write-fails")?;
        self.file.as_file_mut().write_all(piece)
    }
}

impl Blobs {
    /// Opens the folder, creates it if it is missing, and removes incomplete uploads. Only the
    /// process that holds the store may call this, because it would remove the uploads of another
    /// process.
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
        // create and sync all folders now, so that an upload has to sync only one folder
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

    /// Whether `folder` was made by [`Blobs::open`]: one that is missing or empty where a database names files has been
    /// lost, or its disk is not mounted.
    pub fn is_there(folder: &Path) -> bool {
        (0..=u8::MAX).any(|first| folder.join(hex(&[first])).is_dir())
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

    /// Opens a folder read-only; another process may own it.
    pub fn to_read(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            synced: true,
            is_read_only: true,
            shared: Arc::default(),
        }
    }

    /// Stores at most `limit` bytes from `bytes`. When this returns, the blob is durable. If it
    /// already existed, its bytes on the disk have been verified.
    pub async fn put(&self, bytes: impl AsyncRead + Send + Unpin, limit: u64) -> Result<StoredBlob, BlobError> {
        let incoming = self.incoming();
        let file = on_disk(move || {
            fault::io("blob-create-fails")?;
            Ok(NamedTempFile::new_in(incoming)?)
        })
        .await?;
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

    /// Tests whether blobs can be stored and read: writes, reads and removes a small file in one of
    /// the folders, a different one each time, and checks the permissions of the others.
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

    /// Opens a blob for reading. A blob of a single chunk is verified when this returns. If the
    /// chunk hashes of a longer blob are missing, it is read completely first, and the hashes are
    /// stored.
    pub async fn open_blob(&self, sha256: &str) -> Result<BlobReader, BlobError> {
        let (blobs, sha256) = (self.clone(), sha256.to_owned());
        on_disk(move || blobs.source(&sha256)).await.map(BlobReader::new)
    }

    /// Reads the whole blob and verifies its SHA-256. A damaged blob is moved to quarantine.
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
        fault::io("blob-open-fails")?;
        match File::open(self.place(sha256)) {
            Ok(file) => Ok(file),
            Err(error) if error.kind() == ErrorKind::NotFound && self.is_quarantined(sha256) => {
                Err(BlobError::Damaged(sha256.to_owned()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Err(missing()),
            Err(error) => Err(error.into()),
        }
    }

    /// The chunk hashes stored beside a blob of `size` bytes; `None` if they are missing or wrong.
    fn stored_chunks(&self, sha256: &str, size: u64) -> Option<ChunkHashes> {
        let stored = fs::read(self.chunks_place(sha256)).ok()?;
        ChunkHashes::decode(sha256, size, &stored)
    }

    /// Rebuilds the chunk hashes of a blob that an older build stored or whose list is lost.
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

    /// The path of a blob.
    fn place(&self, sha256: &str) -> PathBuf {
        let (first, rest) = sha256.split_at_checked(2).unwrap_or((sha256, ""));
        self.folder.join(first).join(rest)
    }

    fn chunks_place(&self, sha256: &str) -> PathBuf {
        self.place(sha256).with_extension(CHUNKS_ENDING)
    }

    /// Makes the bytes durable and renames the file to the blob's name.
    fn finish(&self, incoming: Incoming) -> Result<StoredBlob, BlobError> {
        fault::point("blob-temp-written");
        if self.synced {
            fault::io("blob-sync-fails")?;
            incoming.file.as_file().sync_all()?;
        }
        fault::point("blob-synced");
        let (sha256, chunks) = incoming.hasher.finish();
        let packed = packed_in(&incoming.head, incoming.file.as_file());
        // before it is looked for: from here on no sweep removes it
        let lease = Arc::new(self.lease(&sha256));
        let place = self.place(&sha256);
        let folder = place.parent().unwrap_or(&self.folder);
        if !self.synced {
            fs::create_dir_all(folder)?;
        }
        {
            let _alone = self.shared.damage.alone(&sha256);
            let is_unheard_of = !place.exists() && !self.is_quarantined(&sha256);
            let holds = self.holds(&sha256, &chunks);
            if holds != Holds::WithChunks {
                self.store_chunks(&sha256, &chunks)?;
            }
            if holds == Holds::Nothing {
                fault::io("blob-rename-fails")?;
                incoming.file.persist(&place).map_err(io::Error::from)?;
                if is_unheard_of {
                    self.shared.leases.note_new(&sha256);
                }
            } else {
                incoming.file.close()?;
            }
        }
        fault::point("blob-renamed");
        if self.synced {
            // sync even if the blob existed: the upload that stored it may not have synced the
            // folder yet
            sync_folder(folder)?;
        }
        Ok(StoredBlob {
            sha256,
            size: chunks.size,
            head: incoming.head,
            packed,
            lease,
        })
    }

    /// Compares the stored blob with the right chunks. A damaged blob is moved to quarantine. An
    /// unreadable one counts as missing, so that it is written again.
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

/// The parts of a blob that are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Nothing,
    /// The right bytes, without the list of their chunks.
    Bytes,
    /// The right bytes, and the list of their chunks if they need one.
    WithChunks,
}

/// Whether the file consists of exactly these chunks.
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

/// Hashes a file and its chunks, from the current position.
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

/// The error when incomplete uploads in `incoming` cannot be removed.
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

/// Runs blocking disk work on a thread that may block.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(BlobError::Failed(io::Error::other(error))))
}

/// Checks that this process may list, read and write the folder. The error names the folder.
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

    /// A temporary file in `incoming` whose writes fail because the disk is full.
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
