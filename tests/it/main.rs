//! Integration tests, one binary: linking once is faster than linking twenty times.

#[cfg(feature = "runtime")]
mod actions;
#[cfg(feature = "runtime")]
mod administration;
#[cfg(feature = "runtime")]
mod catalog;
#[cfg(feature = "runtime")]
mod config;
mod constants;
#[cfg(feature = "runtime")]
mod definitions;
mod engine;
mod expressions;
mod front;
mod generated;
#[cfg(feature = "runtime")]
mod harness;
#[cfg(feature = "runtime")]
mod host;
mod lengths;
mod limits;
mod lint;
mod lint_back;
#[cfg(feature = "runtime")]
mod pains;
#[cfg(feature = "runtime")]
mod patterns;
#[cfg(feature = "runtime")]
mod rehearsal;
mod rules;
#[cfg(feature = "runtime")]
mod sarif;
mod server;
mod set_clock;
#[cfg(feature = "runtime")]
mod simulation;
mod spec;
#[cfg(feature = "runtime")]
mod store;
mod tidy;
mod turn;
