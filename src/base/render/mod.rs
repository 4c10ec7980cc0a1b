//! Findings as text for people and programs.
//!
//! Invariant: a renderer takes any findings on any text and never fails; a span that does not fit
//! the text is brought into it. What a finding calls a secret is in nothing that comes out.

pub mod github;
pub mod human;
pub mod json;
mod mask;
pub mod sarif;

use super::{Code, Diagnostic, Severity, Span};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// Where the pages of all findings are.
pub const RULES_URL: &str = "https://github.com/gatefold/gatefold/blob/main/docs/rules";

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

/// How many files were read and what was found in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Files read.
    pub files: usize,
    /// Findings that keep a flow from being deployed.
    pub errors: usize,
    /// Findings that do not.
    pub warnings: usize,
    /// Remarks.
    pub infos: usize,
}

impl Counts {
    /// Counts what is in `files`.
    pub fn of(files: &[FileFindings]) -> Self {
        let mut counts = Self {
            files: files.len(),
            ..Self::default()
        };
        for finding in files.iter().flat_map(|file| &file.findings) {
            match finding.severity {
                Severity::Error => counts.errors += 1,
                Severity::Warning => counts.warnings += 1,
                Severity::Info => counts.infos += 1,
            }
        }
        counts
    }
}

/// As `2 errors, 1 warning in 3 files`, or `no findings in 1 file`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let some = |count: usize, word: &str| {
            (count > 0).then(|| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        };
        let parts: Vec<_> = [
            some(self.errors, "error"),
            some(self.warnings, "warning"),
            some(self.infos, "remark"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let found = if parts.is_empty() {
            "no findings".to_owned()
        } else {
            parts.join(", ")
        };
        let files = if self.files == 1 { "file" } else { "files" };
        write!(f, "{found} in {} {files}", self.files)
    }
}

/// The page of a kind of finding.
pub fn page(code: Code) -> String {
    format!("{RULES_URL}/{}-{}.md", code.id, code.name)
}

/// A place as people and editors count: lines and columns from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    line: usize,
    column: usize,
}

/// How columns are counted.
#[derive(Clone, Copy)]
enum Unit {
    Characters,
    Utf16,
}

/// A text whose lines can be found quickly.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// `span` brought into the text and onto whole characters.
    fn fit(&self, span: Span) -> Span {
        let start = self.text.floor_char_boundary(span.start.min(self.text.len()));
        let end = self.text.ceil_char_boundary(span.end.clamp(start, self.text.len()));
        Span::new(start, end)
    }

    /// The index of the line around `offset`.
    fn index(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) - 1
    }

    /// The line with this index, without its line break.
    fn line(&self, index: usize) -> &'t str {
        let end = self.starts.get(index + 1).copied().unwrap_or(self.text.len());
        self.text[self.starts[index]..end].trim_end_matches(['\n', '\r'])
    }

    fn position(&self, offset: usize, unit: Unit) -> Position {
        let index = self.index(offset);
        let before = &self.text[self.starts[index]..offset];
        let column = match unit {
            Unit::Characters => before.chars().count(),
            Unit::Utf16 => before.encode_utf16().count(),
        };
        Position {
            line: index + 1,
            column: column + 1,
        }
    }
}

#[cfg(test)]
mod tests;
