//! The actions that are built in: one file or folder each, listed here.

pub mod data;
pub mod file360;
pub mod http;
pub mod mail;
