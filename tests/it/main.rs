//! Integration tests, one binary: linking once is faster than linking twenty times.

mod tidy;
