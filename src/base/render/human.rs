//! Findings drawn for people, as rustc draws them.

use super::mask::masked;
use super::{FileFindings, Lines, Unit};
use crate::base::{Diagnostic, Severity, Span};
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::borrow::Cow;

/// Most bytes of text that are drawn around one finding; beyond that only its position is given.
pub const MAX_WINDOW_BYTES: usize = 16 << 10;

/// Draws all findings, with colours of the terminal or without. Empty where there are none.
pub fn render(files: &[FileFindings], styled: bool) -> String {
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let mut drawn = String::new();
    for file in files {
        let file = &*masked(file);
        let lines = Lines::of(&file.text);
        for finding in &file.findings {
            drawn.push_str(&renderer.render(&[report(file, &lines, finding)]));
            drawn.push_str("\n\n");
        }
    }
    drawn
}

fn report<'f>(file: &'f FileFindings, lines: &Lines<'f>, finding: &'f Diagnostic) -> Group<'f> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level.primary_title(visible(&finding.message)).id(finding.code.id);
    let group = match snippet(file, lines, finding) {
        Some(snippet) => title.element(snippet),
        None => title.element(origin(file, lines, finding)),
    };
    match &finding.help {
        Some(help) => group.element(Level::HELP.message(visible(help))),
        None => group,
    }
}

/// The lines that the finding points to, unless they are none or too many.
fn snippet<'f>(
    file: &'f FileFindings,
    lines: &Lines<'f>,
    finding: &'f Diagnostic,
) -> Option<Snippet<'f, Annotation<'f>>> {
    let primary = lines.fit(finding.primary);
    let related: Vec<_> = finding
        .related
        .iter()
        .map(|label| (lines.fit(label.span), label))
        .collect();
    let spans = || related.iter().map(|(span, _)| *span).chain([primary]);
    let first = lines.index(spans().map(|span| span.start).min()?);
    let last = lines.index(spans().map(|span| span.end).max()?);
    let start = lines.starts[first];
    let end = lines.starts[last] + lines.line(last).len();
    let window = file.text.get(start..end)?;
    if window.is_empty() || window.len() > MAX_WINDOW_BYTES {
        return None;
    }
    // A line break in `\r\n` may end a span behind the window.
    let inside = |span: Span| span.start.min(end) - start..span.end.min(end) - start;
    let snippet = Snippet::source(window)
        .path(visible(&file.name))
        .line_start(first + 1)
        .annotation(
            AnnotationKind::Primary
                .span(inside(primary))
                .label(finding.label.as_deref().map(visible)),
        )
        .annotations(
            related
                .iter()
                .map(|(span, label)| AnnotationKind::Context.span(inside(*span)).label(visible(&label.text))),
        );
    Some(snippet)
}

fn origin<'f>(file: &'f FileFindings, lines: &Lines<'f>, finding: &Diagnostic) -> Origin<'f> {
    let position = lines.position(lines.fit(finding.primary).start, Unit::Characters);
    Origin::path(visible(&file.name))
        .line(position.line)
        .char_column(position.column)
}

/// `text` with pictures in place of control characters, which a terminal would obey.
fn visible(text: &str) -> Cow<'_, str> {
    let obeyed = |letter: char| letter.is_control() && letter != '\n';
    if !text.contains(obeyed) {
        return text.into();
    }
    let picture = |letter: char| match u32::from(letter) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or('\u{fffd}'),
        _ => '\u{fffd}',
    };
    text.chars()
        .map(|letter| if obeyed(letter) { picture(letter) } else { letter })
        .collect()
}
