//! Findings as JSON of our own. Keys are added and never change their meaning within a version.

use super::mask::masked;
use super::{Counts, FileFindings, Lines, Unit, page};
use crate::base::{Diagnostic, Severity, Span, Value};
use serde::Serialize;

/// The version of the shape.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'f> {
    version: u32,
    files: Vec<File<'f>>,
    summary: Counts,
}

#[derive(Serialize)]
struct File<'f> {
    path: &'f str,
    findings: Vec<Finding<'f>>,
}

#[derive(Serialize)]
struct Finding<'f> {
    code: &'static str,
    name: &'static str,
    severity: Severity,
    message: &'f str,
    label: Option<&'f str>,
    span: Place,
    related: Vec<Related<'f>>,
    help: Option<&'f str>,
    fix: Option<Replacement<'f>>,
    url: String,
}

/// Bytes from 0, lines and columns from 1; columns count characters.
#[derive(Serialize)]
struct Place {
    start: usize,
    end: usize,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
struct Related<'f> {
    message: &'f str,
    span: Place,
}

#[derive(Serialize)]
struct Replacement<'f> {
    span: Place,
    replacement: &'f str,
}

/// All files, those without findings included, and a summary.
pub fn render(files: &[FileFindings]) -> Value {
    let shown: Vec<_> = files.iter().map(masked).collect();
    let report = Report {
        version: VERSION,
        files: shown.iter().map(|shown| file(shown)).collect(),
        summary: Counts::of(files),
    };
    serde_json::to_value(report).expect("a report is plain data")
}

fn file(file: &FileFindings) -> File<'_> {
    let lines = Lines::of(&file.text);
    File {
        path: &file.name,
        findings: file.findings.iter().map(|one| finding(&lines, one)).collect(),
    }
}

fn finding<'f>(lines: &Lines<'_>, finding: &'f Diagnostic) -> Finding<'f> {
    let related = finding.related.iter().map(|label| Related {
        message: &label.text,
        span: place(lines, label.span),
    });
    Finding {
        code: finding.code.id,
        name: finding.code.name,
        severity: finding.severity,
        message: &finding.message,
        label: finding.label.as_deref(),
        span: place(lines, finding.primary),
        related: related.collect(),
        help: finding.help.as_deref(),
        fix: finding.fix.as_ref().map(|fix| Replacement {
            span: place(lines, fix.span),
            replacement: &fix.replacement,
        }),
        url: page(finding.code),
    }
}

fn place(lines: &Lines<'_>, span: Span) -> Place {
    let span = lines.fit(span);
    let start = lines.position(span.start, Unit::Characters);
    let end = lines.position(span.end, Unit::Characters);
    Place {
        start: span.start,
        end: span.end,
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
    }
}
