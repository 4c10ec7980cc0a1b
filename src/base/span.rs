//! A stretch of source text.

use serde::{Deserialize, Serialize};

/// Half-open range of byte offsets into the UTF-8 source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset just past the last byte.
    pub end: usize,
}

impl Span {
    /// The span from `start` up to, but not including, `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Whether it holds nothing.
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// The part of this span from `start` to `end`, both counted from its beginning.
    pub const fn part(self, start: usize, end: usize) -> Self {
        Self {
            start: self.start + start,
            end: self.start + end,
        }
    }
}
