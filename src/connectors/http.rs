//! `http`.
