//! Copying and verifying a whole data folder.

use super::compose::OUTBOX;
use super::exit::{Failure, Outcome};
use super::output;
use crate::base::id::hex;
use crate::store::sqlite::check::{Inspection, NamedBlob, inspect};
use crate::store::{BlobError, Blobs};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tokio::task::spawn_blocking;

/// The database.
pub const DATABASE: &str = "gatefold.db";
/// The database of a copy until everything that it names is there.
pub const UNFINISHED: &str = "unfinished.db";
/// The folder of blobs.
pub const BLOBS: &str = "blobs";
/// The installation's key.
const KEY: &str = "key";
/// The manifest of a backup.
pub const MANIFEST: &str = "backup.json";
/// Number of files that are copied or verified concurrently.
const AT_ONCE: usize = 8;
/// Size of a read, in bytes.
const CHUNK: usize = 256 * 1024;

/// The result of reading a whole data folder.
pub struct Verified {
    /// The contents of its database.
    pub inspection: Inspection,
    /// Bytes of all the blobs that the database names.
    pub blob_bytes: u64,
    /// Damaged or missing data, one sentence each.
    pub damage: Vec<String>,
}

/// A file of a backup, such as the database. Blobs are not listed.
#[derive(Debug, Serialize, Deserialize)]
pub struct CopiedFile {
    /// Its path below the data folder.
    pub path: PathBuf,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// Reads everything in a data folder. `known` is damage that the caller has already found.
pub async fn verify(folder: &Path, known: &[DamagedBlob]) -> Result<Verified, Failure> {
    verify_as(DATABASE, folder, known).await
}

/// The same where the database has another name.
pub async fn verify_as(database: &str, folder: &Path, known: &[DamagedBlob]) -> Result<Verified, Failure> {
    let database = folder.join(database);
    let inspection = on_disk(move || Ok(inspect(&database)?)).await?;
    let mut damage = inspection.damage.clone();
    match fs::metadata(folder.join(KEY)) {
        Ok(_) => {}
        Err(error) => damage.push(format!(
            "`{KEY}` cannot be read ({error}), so no link that was sent works any more"
        )),
    }
    let blobs = Blobs::to_read(folder.join(BLOBS));
    let known_hashes: BTreeSet<&str> = known.iter().map(|blob| blob.sha256.as_str()).collect();
    let unknown = inspection
        .blobs
        .iter()
        .filter(|blob| !known_hashes.contains(blob.sha256.as_str()));
    let verified: Vec<Option<DamagedBlob>> = futures_util::stream::iter(unknown)
        .map(|blob| verify_blob(&blobs, blob))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let found: Vec<DamagedBlob> = verified.into_iter().flatten().collect();
    damage.extend(known.iter().chain(&found).map(|blob| blob.what.clone()));
    Ok(Verified {
        blob_bytes: inspection.blobs.iter().map(|blob| blob.size).sum(),
        inspection,
        damage,
    })
}

/// A blob that is missing, or whose bytes do not match its name.
#[derive(Clone, Debug)]
pub struct DamagedBlob {
    sha256: String,
    what: String,
}

impl DamagedBlob {
    fn new(blob: &NamedBlob, why: impl std::fmt::Display) -> Self {
        Self {
            sha256: blob.sha256.clone(),
            what: format!("{}: {why} (SHA-256 {})", blob.place, blob.sha256),
        }
    }
}

async fn verify_blob(blobs: &Blobs, blob: &NamedBlob) -> Option<DamagedBlob> {
    let error = blobs.verify(&blob.sha256).await.err()?;
    Some(DamagedBlob::new(blob, unreadable(&error)))
}

/// Why the bytes of a blob do not match its name.
fn unreadable(error: &BlobError) -> String {
    match error {
        BlobError::Missing(_) => "its bytes are missing".to_owned(),
        BlobError::Damaged(_) => "its bytes were changed on the disk".to_owned(),
        other => format!("its bytes cannot be read, {other}"),
    }
}

/// Copies every blob that a database names. Returns those that are missing or damaged; they are not
/// copied.
pub async fn copy_blobs(from: &Path, to: &Path, named: &[NamedBlob]) -> Result<Vec<DamagedBlob>, Failure> {
    let source = Blobs::to_read(from.join(BLOBS));
    let target = Blobs::open(to.join(BLOBS))?;
    let copied: Vec<Result<Option<DamagedBlob>, BlobError>> = futures_util::stream::iter(named)
        .map(|blob| copy_blob(&source, &target, blob))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let copied: Result<Vec<_>, _> = copied.into_iter().collect();
    Ok(copied?.into_iter().flatten().collect())
}

async fn copy_blob(source: &Blobs, target: &Blobs, blob: &NamedBlob) -> Result<Option<DamagedBlob>, BlobError> {
    let damaged = |error: &BlobError| Ok(Some(DamagedBlob::new(blob, unreadable(error))));
    let bytes = match source.open_blob(&blob.sha256).await {
        Ok(bytes) => bytes,
        Err(error) => return damaged(&error),
    };
    match target.put(bytes, u64::MAX).await {
        Ok(stored) if stored.sha256 == blob.sha256 => Ok(None),
        Ok(stored) => damaged(&BlobError::Damaged(stored.sha256)),
        Err(BlobError::Interrupted(error)) => damaged(&error.into()),
        Err(error) => Err(error),
    }
}

/// Copies the rest of a data folder: the key, the secrets, and any other file, but not temporary
/// ones.
pub fn copy_files(from: &Path, to: &Path) -> io::Result<Vec<CopiedFile>> {
    let mut copied = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let mut entries: Vec<_> = fs::read_dir(from.join(&below))?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = below.join(entry.file_name());
            if is_left_out(&path) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                private_builder().create(to.join(&path))?;
                open.push(path);
            } else if fs::metadata(entry.path())?.is_file() {
                copied.push(copy_file(from, to, path)?);
            }
        }
        sync_folder(&to.join(&below))?;
    }
    Ok(copied)
}

/// Whether an entry is copied separately or not at all. Mails in the outbox are temporary.
fn is_left_out(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.starts_with(DATABASE) || [BLOBS, OUTBOX, MANIFEST].contains(&name.as_ref())
}

/// Copies one file durably, readable by its owner only.
pub fn copy_file(from: &Path, to: &Path, path: PathBuf) -> io::Result<CopiedFile> {
    let mut source = File::open(from.join(&path))?;
    let mut target = create_private(&to.join(&path))?;
    let mut seen = Hashed::default();
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = source.read(&mut chunk)?;
        if length == 0 {
            break;
        }
        target.write_all(&chunk[..length])?;
        seen.add(&chunk[..length]);
    }
    target.sync_all()?;
    Ok(seen.of(path))
}

/// Returns the size and the hash of a file.
pub fn hash_file(folder: &Path, path: &Path) -> io::Result<CopiedFile> {
    let mut file = File::open(folder.join(path))?;
    let mut seen = Hashed::default();
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = file.read(&mut chunk)?;
        if length == 0 {
            return Ok(seen.of(path.to_owned()));
        }
        seen.add(&chunk[..length]);
    }
}

/// Number of bytes hashed so far.
#[derive(Default)]
struct Hashed {
    hash: Sha256,
    size: u64,
}

impl Hashed {
    fn add(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
    }

    fn of(self, path: PathBuf) -> CopiedFile {
        CopiedFile {
            path,
            size: self.size,
            sha256: hex(&self.hash.finalize()),
        }
    }
}

/// Creates a file that only its owner can read.
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Creates a folder that only its owner can read, because it holds documents of other people.
pub fn private_folder(folder: &Path) -> io::Result<()> {
    private_builder().recursive(true).create(folder)
}

/// Makes one folder that only its owner may look into. The folder above must be there, so that nothing is made anew
/// below a copy that was given up.
fn private_builder() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Syncs a folder, so that the names in it are durable.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Runs blocking disk work on a thread that may block.
pub async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = spawn_blocking(work).await;
    done.map_err(|error| Failure::Environment(format!("reading failed: {error}")))?
}

/// Reports what a folder contains and lists damage. The outcome is negative if there is any.
pub fn report(what: &str, verified: &Verified) -> Outcome {
    let rows = |table: &str| verified.inspection.rows.get(table).copied().unwrap_or_default();
    for note in &verified.inspection.notes {
        output::say(note);
    }
    output::say(&format!(
        "{what} holds {} with {}, and {} of {} in layout {}.",
        counted(rows("run"), "run"),
        counted(rows("event"), "event"),
        counted(verified.inspection.blobs.len() as u64, "file"),
        counted(verified.blob_bytes, "byte"),
        verified.inspection.layout,
    ));
    if verified.damage.is_empty() {
        output::say("Everything in it was verified, and nothing is damaged.");
        return Ok(());
    }
    for line in &verified.damage {
        output::line(line)?;
    }
    Err(Failure::Negative(format!(
        "{} damaged or missing: restore files by uploading them again or from the `{BLOBS}` of a backup, and a \
         damaged database with `gatefold restore`",
        match verified.damage.len() {
            1 => "1 thing is".to_owned(),
            count => format!("{count} things are"),
        }
    )))
}

fn counted(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
