//! What changes for the runs of a flow whose next version follows newer evaluation rules.

use super::rules::TYPE_MISMATCH;
use crate::base::{Diagnostic, Document, Semantics};

/// Says what changes where `text` replaces a version that follows the rules `before`. Nothing where both follow the same.
pub fn new_rules(name: &str, text: &str, before: Semantics) -> Option<Diagnostic> {
    if before >= Semantics::CURRENT {
        return None;
    }
    let (document, _) = Document::parse(name, text);
    let message = format!(
        "runs of this version follow the evaluation rules {}, and those of the deployed version {before}: an order between \
         values of two types is an incident, and a timestamp without an offset keeps its time of day",
        Semantics::CURRENT
    );
    let finding = Diagnostic::warning(TYPE_MISMATCH, message, document.spans.value("/version"));
    Some(finding.with_help(
        "look at comparisons with values that may be empty, and at texts under `until`, `due` and `expires_at`",
    ))
}
