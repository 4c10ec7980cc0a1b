//! Findings as SARIF 2.1.0, which code scanning services read.

use super::FileFindings;
use crate::base::Value;

/// One run of the tool with all its results.
pub fn render(files: &[FileFindings]) -> Value {
    let _ = files;
    todo!()
}
