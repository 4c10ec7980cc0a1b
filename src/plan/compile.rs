//! `FlowSpec` → `Plan`, with every finding on the way.

use super::Plan;
use crate::base::{Calendars, Diagnostic, Document};
use crate::spec::{Catalog, FlowSpec};

/// Compiles. Returns a plan if one can be made (references and types may still be wrong; lint
/// tells), and the findings of resolving names, expressions, durations and order.
pub fn compile(
    document: &Document,
    spec: &FlowSpec,
    catalog: &Catalog,
    calendars: &Calendars,
) -> (Option<Plan>, Vec<Diagnostic>) {
    let _ = (document, spec, catalog, calendars);
    todo!()
}
