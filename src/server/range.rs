//! Which part of a file is asked for.

/// What to send of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// From the first byte to the last, both counted in.
    Bytes {
        /// Offset of the first.
        first: u64,
        /// Offset of the last.
        last: u64,
    },
    /// Nothing: what is asked for lies past the end.
    Outside,
}

/// Reads a `Range` header for a file of `size` bytes. What is no range of bytes, or several, is
/// answered with the whole file, as RFC 9110 allows.
pub fn part(header: Option<&str>, size: u64) -> Part {
    let Some((first, last)) = header.and_then(one_range) else {
        return Part::Whole;
    };
    match (Bound::read(first), Bound::read(last)) {
        (Bound::At(first), last @ (Bound::At(_) | Bound::Open)) => {
            let last = if let Bound::At(last) = last { last } else { u64::MAX };
            if first > last {
                Part::Whole
            } else if first >= size {
                Part::Outside
            } else {
                Part::Bytes {
                    first,
                    last: last.min(size - 1),
                }
            }
        }
        // The last so many bytes.
        (Bound::Open, Bound::At(length)) => {
            if length == 0 || size == 0 {
                Part::Outside
            } else {
                Part::Bytes {
                    first: size.saturating_sub(length),
                    last: size - 1,
                }
            }
        }
        _ => Part::Whole,
    }
}

fn one_range(header: &str) -> Option<(&str, &str)> {
    let (unit, ranges) = header.split_once('=')?;
    let is_one = unit.trim().eq_ignore_ascii_case("bytes") && !ranges.contains(',');
    let (first, last) = ranges.trim().split_once('-')?;
    is_one.then(|| (first.trim(), last.trim()))
}

/// One end of a range.
#[derive(Clone, Copy)]
enum Bound {
    /// A number; one that is too large for any file is the largest.
    At(u64),
    /// Nothing.
    Open,
    /// Something else.
    Wrong,
}

impl Bound {
    fn read(text: &str) -> Self {
        if text.is_empty() {
            Self::Open
        } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
            Self::At(text.parse().unwrap_or(u64::MAX))
        } else {
            Self::Wrong
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(first: u64, last: u64) -> Part {
        Part::Bytes { first, last }
    }

    #[test]
    fn one_range_is_cut_to_the_file() {
        for (header, expected) in [
            ("bytes=0-0", bytes(0, 0)),
            ("bytes=0-99", bytes(0, 9)),
            ("bytes=9-", bytes(9, 9)),
            ("bytes=-3", bytes(7, 9)),
            ("bytes=-99", bytes(0, 9)),
            ("BYTES = 2-4", bytes(2, 4)),
            ("bytes=3-99999999999999999999999", bytes(3, 9)),
            ("bytes=10-", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=99999999999999999999999-", Part::Outside),
        ] {
            assert_eq!(part(Some(header), 10), expected, "{header}");
        }
    }

    #[test]
    fn what_is_not_one_range_of_bytes_is_the_whole_file() {
        for header in [
            "bytes=0-1,3-4",
            "bytes=5-2",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
            "lines=1-2",
            "bytes",
            "",
        ] {
            assert_eq!(part(Some(header), 10), Part::Whole, "{header}");
        }
        assert_eq!(part(None, 10), Part::Whole);
    }

    #[test]
    fn an_empty_file_has_no_part() {
        assert_eq!(part(Some("bytes=0-"), 0), Part::Outside);
        assert_eq!(part(Some("bytes=-1"), 0), Part::Outside);
        assert_eq!(part(None, 0), Part::Whole);
    }
}
