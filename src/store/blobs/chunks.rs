//! Hashes of a blob's chunks, with which a part of a blob can be verified without reading the rest.
//!
//! A blob of one chunk needs no list, because the blob's name is the hash of that chunk. The list
//! of a longer blob is stored beside it, in a file that ends with a SHA-256 over the blob's name
//! and the list (the seal). Invariant: a list with a wrong seal or for another size is never used.
//! It is rebuilt from the blob after the SHA-256 of the whole blob was verified.

use sha2::{Digest, Sha256};

/// Size of a chunk in bytes.
pub const CHUNK_BYTES: u64 = 1 << 20;

/// First bytes of a stored list.
const MAGIC: &[u8; 8] = b"GtFdChk1";

/// Bytes of a SHA-256.
const HASH_BYTES: usize = 32;

/// A SHA-256.
pub(super) type Hash = [u8; HASH_BYTES];

/// The hashes of the chunks of one blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChunkHashes {
    /// Bytes of the blob.
    pub(super) size: u64,
    hashes: Vec<Hash>,
}

impl ChunkHashes {
    /// The list of a blob that is one chunk; `None` if `size` is larger than a chunk, or `sha256`
    /// is not a hash.
    pub(super) fn of_one(sha256: &str, size: u64) -> Option<Self> {
        let hashes = vec![hash_of(sha256)?];
        (size <= CHUNK_BYTES).then_some(Self { size, hashes })
    }

    /// Number of chunks; an empty blob has one.
    pub(super) fn count(&self) -> usize {
        self.hashes.len()
    }

    /// Offset and length of a chunk.
    pub(super) fn place(&self, index: usize) -> (u64, usize) {
        let first = index as u64 * CHUNK_BYTES;
        let length = CHUNK_BYTES.min(self.size.saturating_sub(first));
        (first, usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Whether `bytes` match the hash of the chunk.
    pub(super) fn is_right(&self, index: usize, bytes: &[u8]) -> bool {
        let is_whole = bytes.len() == self.place(index).1;
        is_whole && self.hashes.get(index).is_some_and(|hash| *hash == digest(&[bytes]))
    }

    /// Encodes the list for storing beside the blob `sha256`.
    pub(super) fn encode(&self, sha256: &str) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.size.to_be_bytes());
        bytes.extend(self.hashes.iter().flatten());
        let seal = digest(&[sha256.as_bytes(), &bytes]);
        bytes.extend(seal);
        bytes
    }

    /// Decodes the list stored beside the blob `sha256`, which now has `size` bytes. `None` if the
    /// list is damaged or belongs to another blob.
    pub(super) fn decode(sha256: &str, size: u64, bytes: &[u8]) -> Option<Self> {
        let (body, seal) = bytes.split_at_checked(bytes.len().checked_sub(HASH_BYTES)?)?;
        let (told, hashes) = body.strip_prefix(MAGIC)?.split_first_chunk()?;
        let (hashes, rest) = hashes.as_chunks::<HASH_BYTES>();
        let is_right = *seal == digest(&[sha256.as_bytes(), body])
            && u64::from_be_bytes(*told) == size
            && rest.is_empty()
            && hashes.len() as u64 == size.div_ceil(CHUNK_BYTES).max(1);
        is_right.then(|| Self {
            size,
            hashes: hashes.to_vec(),
        })
    }
}

/// Hashes a blob and its chunks incrementally.
#[derive(Default)]
pub(super) struct BlobHasher {
    whole: Sha256,
    chunk: Sha256,
    size: u64,
    hashes: Vec<Hash>,
}

impl BlobHasher {
    /// Bytes so far.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next bytes.
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.whole.update(bytes);
        while !bytes.is_empty() {
            let room = usize::try_from(CHUNK_BYTES - self.size % CHUNK_BYTES).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.chunk.update(now);
            self.size += now.len() as u64;
            if self.size.is_multiple_of(CHUNK_BYTES) {
                self.hashes.push(std::mem::take(&mut self.chunk).finalize().into());
            }
            bytes = later;
        }
    }

    /// The SHA-256 of the blob in hexadecimal, and its chunks.
    pub(super) fn finish(mut self) -> (String, ChunkHashes) {
        if !self.size.is_multiple_of(CHUNK_BYTES) || self.size == 0 {
            self.hashes.push(self.chunk.finalize().into());
        }
        let sha256 = crate::base::id::hex(&self.whole.finalize());
        let chunks = ChunkHashes {
            size: self.size,
            hashes: self.hashes,
        };
        (sha256, chunks)
    }
}

fn digest(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Parses a hash in lower-case hexadecimal; `None` if it is not one.
pub(super) fn hash_of(sha256: &str) -> Option<Hash> {
    let (pairs, rest) = sha256.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != HASH_BYTES {
        return None;
    }
    let mut hash = Hash::default();
    for (byte, pair) in hash.iter_mut().zip(pairs) {
        *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
    }
    Some(hash)
}

const fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(bytes: &[u8], portion: usize) -> (String, ChunkHashes) {
        let mut hasher = BlobHasher::default();
        bytes.chunks(portion).for_each(|part| hasher.update(part));
        hasher.finish()
    }

    #[test]
    fn chunks_are_the_same_however_the_bytes_come() {
        let chunk = usize::try_from(CHUNK_BYTES).unwrap();
        for size in [0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk] {
            let bytes = vec![7; size];
            let (sha256, chunks) = hashed(&bytes, 70_001);
            assert_eq!((sha256.clone(), chunks.clone()), hashed(&bytes, 3 * chunk));
            assert_eq!(chunks.count(), size.div_ceil(chunk).max(1), "{size}");
            let one = ChunkHashes::of_one(&sha256, size as u64);
            assert_eq!(one, (size <= chunk).then(|| chunks.clone()), "{size}");
            for index in 0..chunks.count() {
                let (first, length) = chunks.place(index);
                let first = usize::try_from(first).unwrap();
                assert!(chunks.is_right(index, &bytes[first..first + length]), "{size}: {index}");
            }
        }
    }

    #[test]
    fn a_list_counts_for_its_own_blob_and_size_and_only_whole() {
        let bytes = vec![7; usize::try_from(CHUNK_BYTES).unwrap() + 1];
        let (sha256, chunks) = hashed(&bytes, 1 << 20);
        let stored = chunks.encode(&sha256);
        assert_eq!(ChunkHashes::decode(&sha256, chunks.size, &stored), Some(chunks.clone()));
        assert_eq!(ChunkHashes::decode(&"0".repeat(64), chunks.size, &stored), None);
        assert_eq!(ChunkHashes::decode(&sha256, chunks.size - 1, &stored), None);
        for at in 0..stored.len() {
            let mut flipped = stored.clone();
            flipped[at] ^= 1;
            assert_eq!(ChunkHashes::decode(&sha256, chunks.size, &flipped), None, "byte {at}");
            assert_eq!(
                ChunkHashes::decode(&sha256, chunks.size, &stored[..at]),
                None,
                "{at} bytes"
            );
        }
    }

    #[test]
    fn only_lower_case_hexadecimal_is_a_hash() {
        assert_eq!(hash_of(&"0a".repeat(32)), Some([10; 32]));
        for text in [
            "",
            "0",
            &"0A".repeat(32),
            &"0".repeat(63),
            &"0".repeat(65),
            &"ä".repeat(32),
        ] {
            assert_eq!(hash_of(text), None, "{text}");
        }
    }
}
