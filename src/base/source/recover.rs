//! Going on behind a syntax error: what holds it is blanked out and the text is read again.
//!
//! Blanks have the length of what they replace, so every position stays true.

use super::build::{Built, Stopped, build};
use super::syntax::{self, Explained};
use super::{MAX_RECOVERY_BYTES, MAX_SYNTAX_ERRORS, SpanMap};
use crate::base::{Diagnostic, Span, Value};

/// A text, read as far as it could be.
pub(super) struct Read {
    pub value: Value,
    pub spans: SpanMap,
    pub findings: Vec<Diagnostic>,
    pub unread: Vec<Span>,
}

/// Reads `text`, past its syntax errors where that is sensible.
pub(super) fn read(text: &str) -> Read {
    let mut told = Vec::new();
    let mut unread: Vec<Span> = Vec::new();
    let mut masked = None::<String>;
    loop {
        let built = build(masked.as_deref().unwrap_or(text));
        let (error, from) = match &built.stopped {
            None => return finish(built, told, unread, None, text),
            Some(Stopped::Limit(offset)) => {
                let from = *offset;
                return finish(built, told, unread, Some(from), text);
            }
            Some(Stopped::Syntax(error)) => (error, error.offset),
        };
        let Explained { finding, hides } = syntax::explain(text, error);
        let again = unread
            .iter()
            .any(|hidden| hidden.start <= hides.start && hides.end <= hidden.end);
        told.push(finding);
        if again || hides.is_empty() || told.len() >= MAX_SYNTAX_ERRORS || text.len() > MAX_RECOVERY_BYTES {
            return finish(built, told, unread, Some(from.min(hides.start)), text);
        }
        unread.push(hides);
        masked = Some(blanked(masked.as_deref().unwrap_or(text), hides));
    }
}

fn finish(built: Built, told: Vec<Diagnostic>, unread: Vec<Span>, ends_at: Option<usize>, text: &str) -> Read {
    let mut findings = told;
    findings.extend(built.findings);
    let mut spans = built.spans;
    if !unread.is_empty() {
        // Blanks have boundaries where the characters that they replace have none.
        spans.each(|span| *span = whole(text, *span));
    }
    for finding in &mut findings {
        finding.primary = whole(text, finding.primary);
        finding
            .related
            .iter_mut()
            .for_each(|label| label.span = whole(text, label.span));
        finding.fix.iter_mut().for_each(|fix| fix.span = whole(text, fix.span));
    }
    let mut unread = unread;
    unread.extend(ends_at.map(|offset| Span::new(offset, text.len())));
    for hidden in &mut unread {
        // What ends just before a hidden stretch may have gone on in it.
        hidden.start = text[..hidden.start].trim_end().len();
    }
    unread.extend(built.unread.into_iter().map(|span| whole(text, span)));
    unread.sort_unstable();
    Read {
        value: built.value,
        spans,
        findings,
        unread,
    }
}

/// `span` on whole characters of `text`.
fn whole(text: &str, span: Span) -> Span {
    let start = text.floor_char_boundary(span.start);
    Span::new(start, text.ceil_char_boundary(span.end).max(start))
}

/// `text` with blanks in place of what stands in `hides`; line breaks stay.
fn blanked(text: &str, hides: Span) -> String {
    let mut blanked = String::with_capacity(text.len());
    blanked.push_str(&text[..hides.start]);
    for letter in text[hides.start..hides.end].chars() {
        match letter {
            '\n' | '\r' => blanked.push(letter),
            _ => (0..letter.len_utf8()).for_each(|_| blanked.push(' ')),
        }
    }
    blanked.push_str(&text[hides.end..]);
    blanked
}
