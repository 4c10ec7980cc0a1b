//! Parts of files that were sent in answers that did not hold the whole file: a download that was cut and resumed.
//!
//! Invariant: only bytes that the socket has taken are known here, only as parts of one version of one file for one
//! holder of one grant. Forgetting a part never makes a download count; the file has to be sent again then.

use indexmap::IndexMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Files of which parts are known at once, for everybody together.
pub const MAX_FILES_IN_PARTS: usize = 4_096;
/// Files of which parts are known at once for one holder.
pub const MAX_FILES_IN_PARTS_OF_ONE: usize = 64;
/// Parts of one file that do not touch each other. Another one is not counted.
pub const MAX_PARTS: usize = 64;

/// Whose parts add up, and of which bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PartsKey {
    /// The grant and its holder, or the person of the directory.
    pub holder: String,
    /// The file.
    pub file: String,
    /// SHA-256 of the version.
    pub sha256: String,
    /// Whether they were asked for in a way that flows are told of. Parts that somebody merely looked at do not make a
    /// download complete that flows are told of.
    pub is_told: bool,
}

/// Parts that were sent and are not the whole file yet. A restart forgets them.
#[derive(Debug, Default)]
pub(super) struct PartsSent(Mutex<IndexMap<PartsKey, Parts>>);

impl PartsSent {
    /// Adds a part that was sent of a file of so many bytes. Returns whether the whole file was sent by now, and
    /// forgets its parts then.
    pub(super) fn add(&self, key: &PartsKey, part: Range<u64>, size: u64) -> bool {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !files.contains_key(key) {
            make_room(&mut files, &key.holder);
        }
        let parts = files.entry(key.clone()).or_default();
        parts.add(part);
        let is_whole = parts.are(0..size);
        if is_whole {
            files.shift_remove(key);
        }
        is_whole
    }

    /// Forgets the parts of a file that was sent whole.
    pub(super) fn forget(&self, key: &PartsKey) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.shift_remove(key);
    }
}

/// Forgets the oldest file of a holder who has as many as one may have; where all together have as many as may be, the
/// oldest one of the holder who has most, so that nobody pushes the files of others out with many of their own.
fn make_room(files: &mut IndexMap<PartsKey, Parts>, holder: &str) {
    let count = |holder: &str| files.keys().filter(|key| key.holder == holder).count();
    let crowded = if count(holder) >= MAX_FILES_IN_PARTS_OF_ONE {
        Some(holder.to_owned())
    } else if files.len() >= MAX_FILES_IN_PARTS {
        let mut counts: IndexMap<&str, usize> = IndexMap::new();
        for key in files.keys() {
            *counts.entry(&key.holder).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.map(|(holder, _)| holder.to_owned())
    } else {
        None
    };
    if let Some(oldest) = crowded.and_then(|holder| files.keys().position(|key| key.holder == holder)) {
        files.shift_remove_index(oldest);
    }
}

/// Parts of one file in the order of their places; no two of them touch.
#[derive(Debug, Default)]
struct Parts(Vec<Range<u64>>);

impl Parts {
    fn add(&mut self, part: Range<u64>) {
        if part.is_empty() {
            return;
        }
        let touches = |one: &Range<u64>| one.start <= part.end && part.start <= one.end;
        let (touching, mut others): (Vec<_>, Vec<_>) = self.0.drain(..).partition(touches);
        let start = touching.iter().map(|one| one.start).fold(part.start, u64::min);
        let end = touching.iter().map(|one| one.end).fold(part.end, u64::max);
        if others.len() < MAX_PARTS {
            let at = others.partition_point(|one| one.start < start);
            others.insert(at, start..end);
        }
        self.0 = others;
    }

    fn are(&self, whole: Range<u64>) -> bool {
        self.0 == [whole]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(holder: &str, file: usize) -> PartsKey {
        PartsKey {
            holder: holder.to_owned(),
            file: format!("fil_{file}"),
            sha256: "ab".to_owned(),
            is_told: true,
        }
    }

    /// Whether ten bytes were sent after each of the parts.
    fn after(parts: &[Range<u64>]) -> Vec<bool> {
        let sent = PartsSent::default();
        let mut after = Vec::new();
        for part in parts {
            after.push(sent.add(&key("a", 1), part.clone(), 10));
        }
        after
    }

    #[test]
    fn a_file_was_sent_once_its_parts_leave_no_gap() {
        let once = |part: Range<u64>| after(std::slice::from_ref(&part));
        assert_eq!(once(0..10), [true]);
        assert_eq!(once(9..10), [false], "the last byte alone");
        assert_eq!(after(&[0..4, 4..10]), [false, true]);
        assert_eq!(after(&[4..10, 0..3, 3..4]), [false, false, true], "in any order");
        assert_eq!(after(&[0..6, 3..10]), [false, true], "also where they overlap");
        assert_eq!(after(&[0..4, 5..10]), [false, false], "a byte is missing");
        assert_eq!(after(&[1..10, 2..5, 9..10]), [false; 3], "the first byte is missing");
        assert_eq!(
            after(&[0..4, 4..4, 4..10, 9..10]),
            [false, false, true, false],
            "and begins anew"
        );
    }

    #[test]
    fn parts_of_other_holders_versions_and_ways_do_not_add_up() {
        let first = key("a", 1);
        let others = [
            key("b", 1),
            key("a", 2),
            PartsKey {
                sha256: "cd".to_owned(),
                ..first.clone()
            },
            PartsKey {
                is_told: false,
                ..first.clone()
            },
        ];
        let sent = PartsSent::default();
        assert!(!sent.add(&first, 0..5, 10));
        for other in &others {
            assert!(!sent.add(other, 5..10, 10), "{other:?}");
        }
        assert!(sent.add(&first, 5..10, 10));
    }

    #[test]
    fn what_was_sent_whole_is_forgotten() {
        let sent = PartsSent::default();
        assert!(!sent.add(&key("a", 1), 0..9, 10));
        sent.forget(&key("a", 1));
        assert!(!sent.add(&key("a", 1), 9..10, 10));
    }

    #[test]
    fn so_many_parts_are_known_and_one_more_is_not_counted() {
        for (parts, is_whole) in [(MAX_PARTS, true), (MAX_PARTS + 1, false)] {
            let sent = PartsSent::default();
            let size = 2 * parts as u64;
            // every second byte, and then the others
            for at in (0..size).step_by(2) {
                assert!(!sent.add(&key("a", 1), at..at + 1, size));
            }
            let rest = (1..size).step_by(2).map(|at| sent.add(&key("a", 1), at..at + 1, size));
            assert_eq!(rest.last(), Some(is_whole), "{parts}");
        }
    }

    #[test]
    fn who_has_as_many_files_as_one_may_have_loses_their_own_oldest() {
        for (more, is_whole) in [
            (MAX_FILES_IN_PARTS_OF_ONE - 1, true),
            (MAX_FILES_IN_PARTS_OF_ONE, false),
        ] {
            let sent = PartsSent::default();
            sent.add(&key("b", 0), 0..9, 10);
            sent.add(&key("a", 0), 0..9, 10);
            for file in 1..=more {
                sent.add(&key("a", file), 0..9, 10);
            }
            assert_eq!(sent.add(&key("a", 0), 9..10, 10), is_whole, "{more}");
            assert!(sent.add(&key("b", 0), 9..10, 10), "others lose nothing");
        }
    }

    #[test]
    fn where_all_have_as_many_as_may_be_the_holder_of_most_makes_room() {
        for (more, is_whole) in [(0, true), (1, false)] {
            let sent = PartsSent::default();
            sent.add(&key("a", 0), 0..9, 10);
            sent.add(&key("a", 1), 0..9, 10);
            for holder in 0..MAX_FILES_IN_PARTS - 2 + more {
                sent.add(&key(&format!("h{holder}"), 0), 0..9, 10);
            }
            assert!(sent.add(&key("h0", 0), 9..10, 10));
            assert_eq!(sent.add(&key("a", 0), 9..10, 10), is_whole, "{more}");
        }
    }
}
