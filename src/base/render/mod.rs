//! Findings as text for people and programs.
//!
//! Invariant: a renderer takes any findings on any text and never fails; a span that does not fit
//! the text is brought into it.

pub mod github;
pub mod human;
pub mod json;
pub mod sarif;

use super::Diagnostic;
use std::sync::Arc;

/// The findings of one file, with the text that they point into.
#[derive(Clone, Debug)]
pub struct FileFindings {
    /// The path or name to show.
    pub name: String,
    /// The text as read.
    pub text: Arc<str>,
    /// What was found, in reading order.
    pub findings: Vec<Diagnostic>,
}
