//! What everything else stands on: text with exact positions, findings, time, names.
//!
//! Invariant: reading never stops half-way. A function here returns what it understood
//! together with every finding.

pub mod address;
pub mod calendar;
pub mod codes;
pub mod diagnostic;
pub mod disk;
pub mod encoding;
pub mod file;
pub mod file_type;
pub mod findings;
pub mod id;
pub mod item;
pub mod local_access;
pub mod moment;
pub mod network;
pub mod period;
pub mod render;
pub mod rights;
pub mod schedule;
pub mod secret_rules;
pub mod semantics;
pub mod size;
pub mod source;
pub mod span;
pub mod unique;
pub mod via;
pub mod zone;

pub use calendar::{Calendar, Calendars};
pub use diagnostic::{Code, Diagnostic, Fix, Label, Severity};
pub use file::FileRef;
pub use findings::Findings;
pub use item::ItemState;
pub use local_access::LocalAccess;
pub use period::Period;
pub use rights::{FlowRight, FlowRights, Reach};
pub use schedule::Schedule;
pub use semantics::Semantics;
pub use source::{Document, SpanMap};
pub use span::Span;
pub use via::{Actor, Via};

/// A point in time, in UTC, to the nanosecond. Always an argument in the pure half.
pub type Timestamp = jiff::Timestamp;

/// Data as flows, journals and connectors know it.
pub type Value = serde_json::Value;
