//! Findings drawn for people, as rustc draws them.

use super::FileFindings;

/// Draws all findings, with colours of the terminal or without.
pub fn render(files: &[FileFindings], styled: bool) -> String {
    let _ = (files, styled);
    todo!()
}
