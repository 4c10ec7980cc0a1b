//! Gatefold: document processes as code.
//!
//! The modules in reading order. Each may use only what its line names; `tests/it/tidy.rs`
//! reads this table and fails the build otherwise. Adapters of the store (`store::sqlite`,
//! `store::memory`) may be named by `cli`, and that in memory by `rehearsal`, alone.
//!
//! | module | what it owns | may use |
//! |---|---|---|
//! | [`base`] | text with positions, findings, time, ids | – |
//! | [`spec`] | what authors write; the catalogue; the schema | base |
//! | [`expr`] | the expression language | base |
//! | [`plan`] | a flow compiled to a graph | base, spec, expr |
//! | [`lint`] | rules and their verdict | base, spec, expr, plan, people |
//! | [`engine`] | the interpreter of one run, sans-IO | base, spec, expr, plan |
//! | [`space`] | rules of the file space | base |
//! | [`people`] | directory, roles, assignment | base |
//! | [`audit`] | what is recorded of every access | base |
//! | `store` | the port of all that is durable, and its adapters | base, engine, space, people, audit |
//! | `connect` | the port of all that a flow can call | base, spec, store |
//! | `connectors` | the actions that are built in | base, spec, space, people, audit, engine, connect, store |
//! | `host` | tokio: drives runs, timers, triggers, outbox | base, spec, expr, plan, lint, engine, space, people, audit, store, connect |
//! | `config` | gatefold.toml, the environment, people and tokens | base, people |
//! | `rehearsal` | tests of flows, played in virtual time | base, spec, expr, plan, lint, engine, space, people, audit, store, connect, connectors, host, config |
//! | `server` | HTTP | base, spec, expr, plan, lint, engine, space, people, audit, store, connect, host, config |
//! | `cli` | the command line; the only place where everything is put together | everything |

pub mod audit;
pub mod base;
pub mod engine;
pub mod expr;
pub mod lint;
pub mod people;
pub mod plan;
pub mod space;
pub mod spec;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "runtime")]
pub mod config;
#[cfg(feature = "runtime")]
pub mod connect;
#[cfg(feature = "runtime")]
pub mod connectors;
#[cfg(feature = "runtime")]
pub mod host;
#[cfg(feature = "runtime")]
pub mod rehearsal;
#[cfg(feature = "runtime")]
pub mod server;
#[cfg(feature = "runtime")]
pub mod store;
