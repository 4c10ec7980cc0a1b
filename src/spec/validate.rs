//! A document read as a flow, with every finding about its shape.

use super::FlowSpec;
use crate::base::{Diagnostic, Document};

/// Reads a flow. Steps that are broken are left out and named in [`FlowSpec::broken`]. Nothing is
/// returned where there is no flow at all.
pub fn read_flow(document: &Document) -> (Option<FlowSpec>, Vec<Diagnostic>) {
    let _ = document;
    todo!()
}
