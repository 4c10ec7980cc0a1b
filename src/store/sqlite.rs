//! SQLite: one writer thread with group commit, a few readers.
