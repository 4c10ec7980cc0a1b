//! Detects damaged transactions in SQLite's write-ahead log, which SQLite itself ignores.
//!
//! SQLite stops reading the log at the first frame with a wrong checksum. After a power cut this is
//! right: the last transaction was not synced and not acknowledged. But each transaction is synced
//! before the next one is written. If another transaction of the same log follows a wrong frame, an
//! acknowledged transaction is damaged.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// The first four bytes of the log if checksums are little-endian; one higher if they are
/// big-endian.
const MAGIC: u32 = 0x377f_0682;
/// Page sizes that SQLite supports.
const PAGE_BYTES: std::ops::RangeInclusive<u32> = 512..=65_536;

/// SQLite's running checksum over frames.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sum {
    is_big_endian: bool,
    first: u32,
    second: u32,
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        for pair in bytes.chunks_exact(8) {
            self.first = self.first.wrapping_add(self.word(&pair[..4])).wrapping_add(self.second);
            self.second = self.second.wrapping_add(self.word(&pair[4..])).wrapping_add(self.first);
        }
    }

    fn word(self, bytes: &[u8]) -> u32 {
        let bytes = *bytes.first_chunk().expect("a word has four bytes");
        if self.is_big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }

    fn is(self, bytes: &[u8]) -> bool {
        self.first == number(bytes, 0) && self.second == number(bytes, 4)
    }
}

/// Reads the number at an offset of a header.
fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(*bytes[at..].first_chunk().expect("headers are read whole"))
}

/// Whether the log at `path` contains a damaged transaction that had been synced. False if there is
/// no log, or SQLite would not accept its header.
pub(super) fn has_damaged_transaction(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut log = BufReader::with_capacity(1 << 20, file);
    let mut header = [0; HEADER_BYTES];
    if !fill(&mut log, &mut header)? {
        return Ok(false);
    }
    let page_bytes = number(&header, 8);
    let mut sum = Sum {
        is_big_endian: number(&header, 0) == MAGIC + 1,
        first: 0,
        second: 0,
    };
    sum.add(&header[..24]);
    let is_read = number(&header, 0) & !1 == MAGIC && PAGE_BYTES.contains(&page_bytes) && sum.is(&header[24..]);
    if !is_read {
        return Ok(false);
    }
    let salts = &header[16..24];
    let mut frame = vec![0; FRAME_HEADER_BYTES + page_bytes as usize];
    let mut is_sound = true;
    let mut has_ended = false;
    while fill(&mut log, &mut frame)? {
        let is_of_this_log = &frame[8..16] == salts;
        if is_sound {
            sum.add(&frame[..8]);
            sum.add(&frame[FRAME_HEADER_BYTES..]);
            is_sound = is_of_this_log && sum.is(&frame[16..24]);
        }
        if !is_sound && has_ended && is_of_this_log {
            return Ok(true);
        }
        // the frame that ends a transaction tells how large the database is then
        has_ended |= !is_sound && is_of_this_log && number(&frame, 4) != 0;
    }
    Ok(false)
}

/// Fills `bytes` completely; returns `false` if less is left.
fn fill(log: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
