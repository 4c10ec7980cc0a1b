//! Another flow as a child, compiled.

use super::Retry;
use crate::expr::Tree;
use crate::spec::Acquires;

/// What starts the run of another flow. No connection has it: the host does it itself.
pub const START_ACTION: &str = "gatefold.start_run";
/// What cancels the run of another flow where it is no longer wanted.
pub const CANCEL_ACTION: &str = "gatefold.cancel_run";
/// The kind of thing that the run of another flow is to the run that started it.
pub const RUN_KIND: &str = "run";

/// How starting a run is tried again where what holds the runs does not answer.
pub const START_RETRY: Retry = Retry {
    attempts: 5,
    backoff_ms: 1_000,
    factor: 4.0,
    max_ms: 600_000,
};

/// Another flow as a child.
#[derive(Clone, Debug)]
pub struct PlanRun {
    /// The other flow.
    pub flow: String,
    /// Which versions of it may run, as written; without it the one that new runs take.
    pub version: Option<String>,
    /// What [`START_ACTION`] is called with: `flow`, `version` and `with`.
    pub input: Tree,
    /// Its run, which belongs to this one.
    pub acquires: Acquires,
}

impl PlanRun {
    /// How the child belongs to its parent.
    pub(super) fn acquires() -> Acquires {
        Acquires {
            kind: RUN_KIND.to_owned(),
            output: "run".to_owned(),
            release: CANCEL_ACTION.to_owned(),
            with: "run".to_owned(),
        }
    }
}
