//! The number of the last acknowledged transaction, noted in a file beside the database.
//!
//! Every transaction increments a number in the database. When it is durable, and before it is
//! acknowledged, the number is written here too. This write is not synced: it survives the end of
//! the process, but may lag after a power cut. If the number in the database is lower than the
//! noted one, acknowledged transactions are lost.
//!
//! Invariant: the number in the file is never higher than the last number in an intact database.

use super::layout::{beside, open_private};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::Path;

/// The first bytes of the file.
const MAGIC: &[u8; 8] = b"GtFdLast";
/// Length of the file: the magic, the number, and a checksum over both.
const BYTES: usize = 24;

/// The file, opened for writing.
pub(super) struct Last {
    file: File,
}

impl Last {
    /// Opens the file beside the database at `path`.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: open_private(&file_of(path))?,
        })
    }

    /// Notes the number of a durable transaction.
    pub fn note(&self, number: u64) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&encoded(number))
    }

    /// Syncs the noted number.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// The number noted beside the database at `path`; `None` if there is none or it is damaged.
pub(super) fn noted(path: &Path) -> io::Result<Option<u64>> {
    let bytes = match std::fs::read(file_of(path)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let number = bytes
        .get(MAGIC.len()..)
        .and_then(|rest| rest.first_chunk())
        .map(|number| u64::from_be_bytes(*number));
    let number = number.filter(|number| encoded(*number) == *bytes);
    if number.is_none() && !bytes.is_empty() {
        tracing::warn!(
            file = %file_of(path).display(),
            "the noted number of the last transaction is damaged, so this start may not notice lost transactions"
        );
    }
    Ok(number)
}

fn file_of(path: &Path) -> std::path::PathBuf {
    beside(path, ".last")
}

fn encoded(number: u64) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&number.to_be_bytes());
    let digest = Sha256::digest(&bytes[..16]);
    bytes[16..].copy_from_slice(&digest[..8]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_back_and_a_damaged_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gatefold.db");
        assert_eq!(noted(&path).unwrap(), None);
        let last = Last::open(&path).unwrap();
        assert_eq!(noted(&path).unwrap(), None);
        for number in [0, 1, u64::MAX] {
            last.note(number).unwrap();
            last.sync().unwrap();
            assert_eq!(noted(&path).unwrap(), Some(number));
        }
        let sound = std::fs::read(file_of(&path)).unwrap();
        for bit in 0..sound.len() * 8 {
            let mut damaged = sound.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(file_of(&path), damaged).unwrap();
            assert_eq!(noted(&path).unwrap(), None, "bit {bit}");
        }
    }
}
