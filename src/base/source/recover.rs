//! Going on behind a syntax error: what holds it is blanked out and the text is read again.
//!
//! Blanks have the length of what they replace, so every position stays true.

use super::build::{Built, Stopped, build};
use super::syntax::{self, Explained};
use super::{MAX_RECOVERY_BYTES, MAX_SYNTAX_ERRORS, SpanMap};
use crate::base::{Diagnostic, Findings, Span, Value};

/// A text, read as far as it could be.
pub(super) struct Read {
    pub value: Value,
    pub spans: SpanMap,
    pub findings: Findings,
    pub unread: Vec<Span>,
}

/// Reads `text`, past its syntax errors where that is sensible.
pub(super) fn read(text: &str) -> Read {
    let mut told = Vec::new();
    let mut unread = Vec::new();
    let mut masked = text.to_owned();
    let mut built = build(text);
    loop {
        let (error, from) = match &built.stopped {
            None => return finish(built, told, unread, None, text),
            Some(Stopped::Limit(offset)) => {
                let from = *offset;
                return finish(built, told, unread, Some(from), text);
            }
            Some(Stopped::Syntax(error)) => (error, error.offset),
        };
        let explained = syntax::explain(text, error);
        let from = from.min(explained.hides.start);
        let enough = told.len() + 1 >= MAX_SYNTAX_ERRORS || text.len() > MAX_RECOVERY_BYTES;
        let next = if enough {
            None
        } else {
            without(text, &masked, &explained, &unread)
        };
        told.push(explained.finding);
        let Some(next) = next else {
            return finish(built, told, unread, Some(from), text);
        };
        unread.push(next.hides);
        masked = next.masked;
        built = next.built;
    }
}

/// A text in which a syntax error is blanked out, read again.
struct Next {
    hides: Span,
    masked: String,
    built: Built,
}

/// Leaves out what an error spoils, or the line above where that leads further. Nothing where
/// one error of layout would only lead to the next one.
fn without(text: &str, masked: &str, explained: &Explained, unread: &[Span]) -> Option<Next> {
    let known = |hides: &Span| {
        unread
            .iter()
            .any(|known| known.start <= hides.start && hides.end <= known.end)
    };
    let candidates = [Some(explained.hides), explained.or_above];
    let mut best: Option<(usize, Next)> = None;
    for hides in candidates
        .into_iter()
        .flatten()
        .filter(|hides| !hides.is_empty() && !known(hides))
    {
        let masked = blanked(masked, hides);
        let built = build_masked(text, &masked);
        let reached = match &built.stopped {
            None => usize::MAX,
            Some(Stopped::Limit(offset)) => *offset,
            Some(Stopped::Syntax(error)) => error.offset,
        };
        if best.as_ref().is_none_or(|(other, _)| reached > *other) {
            best = Some((reached, Next { hides, masked, built }));
        }
    }
    let (_, next) = best?;
    let layout = |built: &Built| match &built.stopped {
        Some(Stopped::Syntax(error)) => syntax::explain(text, error).or_above.is_some(),
        _ => false,
    };
    let circles = explained.or_above.is_some() && layout(&next.built);
    (!circles).then_some(next)
}

/// Reads `masked`, with whatever stopped it on whole characters of `text`: blanks have boundaries
/// where the characters that they replace have none.
fn build_masked(text: &str, masked: &str) -> Built {
    let mut built = build(masked);
    match &mut built.stopped {
        Some(Stopped::Syntax(error)) => {
            error.offset = text.floor_char_boundary(error.offset);
            error.flow_start = error.flow_start.map(|start| text.floor_char_boundary(start));
            error.last = whole(text, error.last);
        }
        Some(Stopped::Limit(offset)) => *offset = text.floor_char_boundary(*offset),
        None => {}
    }
    built
}

fn finish(built: Built, told: Vec<Diagnostic>, unread: Vec<Span>, ends_at: Option<usize>, text: &str) -> Read {
    let mut findings = Findings::default();
    findings.extend(told);
    findings.append(built.findings);
    let mut spans = built.spans;
    if !unread.is_empty() {
        // Blanks have boundaries where the characters that they replace have none.
        spans.each(|span| *span = whole(text, *span));
    }
    for finding in findings.iter_mut() {
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
