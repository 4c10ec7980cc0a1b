//! `gatefold lint`: one verdict for command line, deploy gate and editor.

use crate::base::{Calendars, Diagnostic};
use crate::plan::Plan;
use crate::spec::Catalog;

/// What a flow is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// What flows may call.
    pub catalog: &'a Catalog,
    /// The calendars that flows may name.
    pub calendars: &'a Calendars,
}

/// What reading and checking a flow gave.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Every finding, in reading order.
    pub findings: Vec<Diagnostic>,
    /// The plan; there is one whenever no finding is an error.
    pub plan: Option<Plan>,
}

/// Reads, checks and compiles the flow in `text`.
pub fn check(name: &str, text: &str, surroundings: Surroundings<'_>) -> Verdict {
    let _ = (name, text, surroundings);
    todo!()
}
