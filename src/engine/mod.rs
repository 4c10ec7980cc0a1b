//! The interpreter of one run, without I/O.
//!
//! `decide` looks at the state and an input and says what happened, as events; `apply` changes
//! the state by one event. Live is decide and apply, replay is apply alone, so the state is the
//! same after every event. What the host must do is never a message: it asks `outstanding()`
//! and `next_wakeup()` at any time, so a restart asks again and loses nothing.
//!
//! Invariant: no clock, no randomness, no waiting, no unordered iteration. Time and ids are
//! arguments.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod apply;
pub mod child;
mod collect;
mod decide;
pub mod decision_record;
mod each;
pub mod event;
mod frame;
mod holdings;
pub mod input;
mod leads;
pub mod limits;
pub mod machine;
pub mod members;
mod migrate;
mod outstanding;
pub mod replay;
mod scope;
pub mod state;
pub mod view;
pub mod why;
pub mod work;

pub use child::{Parent, RUN_ENDED};
pub use event::{Event, EventRecord, JOURNAL_VERSION, OUTPUTS, StandIn, TaskAct};
pub use input::{Acting, Decision, Failure, FailureKind, InboundEvent, Input, Refusal, Reply, SENT_BY, Start};
pub use machine::RunMachine;
pub use members::{Members, MembersAsked};
pub use migrate::{Migration, Moved, Obstacle};
pub use outstanding::Due;
pub use replay::ReplayError;
pub use scope::event_fields;
pub use state::{Changes, RunState};
pub use view::{
    ChecklistView, ElementView, ElementsView, IncidentView, ItemView, OwnedView, RunPhase, StepPhase, StepView,
    TaskPhase, TaskView,
};
pub use why::{Reason, Why, why};
pub use work::{Assignment, Load, Work, WorkKey};
