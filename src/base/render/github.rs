//! Findings as commands that GitHub Actions turns into annotations.

use super::mask::masked;
use super::{FileFindings, Lines, Unit};
use crate::base::{Diagnostic, Severity};

/// One line a finding.
pub fn render(files: &[FileFindings]) -> String {
    let mut commands = String::new();
    for file in files {
        let file = &*masked(file);
        let lines = Lines::of(&file.text);
        for finding in &file.findings {
            commands.push_str(&command(&file.name, &lines, finding));
            commands.push('\n');
        }
    }
    commands
}

fn command(name: &str, lines: &Lines<'_>, finding: &Diagnostic) -> String {
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let span = lines.fit(finding.primary);
    let start = lines.position(span.start, Unit::Characters);
    let end = lines.position(span.end, Unit::Characters);
    let place = if start.line == end.line {
        // The last column is the last one that belongs to it.
        let last = (end.column - 1).max(start.column);
        format!("line={},col={},endColumn={last}", start.line, start.column)
    } else {
        format!("line={},endLine={}", start.line, end.line)
    };
    let title = format!("{} {}", finding.code.id, finding.code.name);
    let help = finding.help.as_ref().map(|help| format!("\nhelp: {help}"));
    let message = format!("{}{}", finding.message, help.unwrap_or_default());
    format!(
        "::{word} file={},{place},title={}::{}",
        property(name),
        property(&title),
        data(&message)
    )
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
