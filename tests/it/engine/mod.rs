//! The interpreter of one run, behaviour by behaviour: history in, answers out.

#[path = "../../sim/flows.rs"]
mod flows;
#[path = "../../sim/generate.rs"]
mod generate;
mod kit;
mod later;
#[path = "../../sim/rng.rs"]
mod rng;

mod approvals;
mod back;
mod called;
mod calls;
mod closing;
mod collect;
mod course;
mod detours;
mod each;
mod each_open;
mod escalated;
mod histories;
mod in_order;
mod incidents;
mod joins;
mod journal;
mod limits;
mod locks;
mod members;
mod migrate;
mod migrate_refused;
mod onwards;
mod outcomes;
mod property;
mod reach;
mod remarks;
mod runs;
mod semantics;
mod stop;
mod sure;
mod tasks;
mod timers;
mod values;
mod via;
mod waits;
mod weights;
mod why;
