//! Where a calendar was looked for that is not there. The plan does not know: it is given calendars, not folders.

use crate::base::Diagnostic;
use crate::plan::codes::CALENDAR_MISSING;
use std::path::Path;

/// How the sentence begins that tells of a name without a calendar.
const BEGINS: &str = "there is no calendar `";

/// Adds the folders that were looked in to every finding that tells of a calendar that is not there.
pub fn say_where(findings: &mut [Diagnostic], folders: &[&Path]) {
    let whole = |folder: &&Path| std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    let mut places: Vec<String> = folders
        .iter()
        .map(whole)
        .map(|place| place.display().to_string())
        .collect();
    places.dedup();
    let is_it = |finding: &&mut Diagnostic| finding.code == CALENDAR_MISSING && finding.message.starts_with(BEGINS);
    for finding in findings.iter_mut().filter(is_it) {
        finding.message = format!("{} in {}", finding.message, places.join(" or "));
    }
}
