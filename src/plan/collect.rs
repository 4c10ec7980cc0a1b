//! A checklist, compiled.

use super::PlanAsk;
use crate::expr::{Template, Tree};
use crate::spec::Acquires;
use indexmap::IndexMap;

/// The action that opens a checklist for whoever is asked.
pub const REQUEST_ACTION: &str = "file360.request_files";

/// A checklist of documents from somebody.
#[derive(Clone, Debug)]
pub struct PlanCollect {
    /// What [`REQUEST_ACTION`] is called with, but for the end, which the deadline gives.
    pub with: Tree,
    /// What that action acquires.
    pub acquires: Option<Acquires>,
    /// What is asked for, in the order of the file.
    pub items: IndexMap<String, PlanItem>,
}

/// One item of a checklist.
#[derive(Clone, Debug)]
pub struct PlanItem {
    /// What people call it.
    pub title: Template,
    /// What whoever gives is told.
    pub instructions: Option<Template>,
    /// Whether the checklist is complete without it.
    pub optional: bool,
    /// What those are asked who look at it before it counts; their answers are
    /// [`PlanItem::ANSWERS`].
    pub review: Option<PlanAsk>,
}

impl PlanItem {
    /// What can be said of what was given: that it counts, or why it does not.
    pub const ANSWERS: [&'static str; 2] = ["accepted", "sent_back"];
}
