//! `file360`: the embedded file space.
