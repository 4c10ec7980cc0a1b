//! Where a part of a text stands in the file, whatever quotes and folds the author wrote it in.

use crate::base::{Document, Span};
use std::cell::RefCell;

/// Finds parts of texts in a file. What was worked out of one text is kept until another one is
/// asked for, so that many parts of a long text cost one walk through it.
#[derive(Debug)]
pub struct Locator<'d> {
    document: &'d Document,
    last: RefCell<Mapped>,
}

/// A text, and where in the file its bytes stand.
#[derive(Debug, Default)]
struct Mapped {
    /// Nothing where nothing was asked yet.
    pointer: Option<String>,
    /// Nothing where it cannot be told.
    offsets: Option<Vec<usize>>,
}

impl<'d> Locator<'d> {
    /// For the texts of `document`.
    pub fn new(document: &'d Document) -> Self {
        Self {
            document,
            last: RefCell::default(),
        }
    }

    /// The place in the file of the bytes `part` of the text at `pointer`. Where quotes, escapes
    /// or folds make it inexact, the whole text's place.
    pub fn place(&self, pointer: &str, part: Span) -> Span {
        self.exact(pointer, part)
            .unwrap_or_else(|| self.document.spans.value(pointer))
    }

    /// The same, or nothing where it cannot be told exactly.
    pub fn exact(&self, pointer: &str, part: Span) -> Option<Span> {
        let place = self.document.spans.get(pointer)?.value;
        let mut last = self.last.borrow_mut();
        if last.pointer.as_deref() != Some(pointer) {
            *last = Mapped {
                pointer: Some(pointer.to_owned()),
                offsets: offsets(self.document, pointer, place),
            };
        }
        let map = last.offsets.as_ref()?;
        let start = *map.get(part.start)?;
        // The end is found from the last byte, since what follows may stand on another line.
        let end = match part.end.checked_sub(1).filter(|last| *last >= part.start) {
            Some(last) => map.get(last)? + 1,
            None => start,
        };
        Some(place.part(start, end))
    }
}

fn offsets(document: &Document, pointer: &str, place: Span) -> Option<Vec<usize>> {
    let text = document.value.pointer(pointer)?.as_str()?;
    let raw = document.text.get(place.start..place.end)?;
    quoted(raw, text).or_else(|| align(raw, text, None))
}

fn quoted(raw: &str, text: &str) -> Option<Vec<usize>> {
    let quote = raw.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let inner = raw.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut map = align(inner, text, Some(quote))?;
    for offset in &mut map {
        *offset += 1;
    }
    Some(map)
}

/// For each byte of `text` its offset in `raw`, if `raw` spells `text` with nothing but simple
/// escapes, indentation and folds added.
fn align(raw: &str, text: &str, quote: Option<char>) -> Option<Vec<usize>> {
    let mut map = Vec::with_capacity(text.len());
    let mut at = 0;
    for letter in text.chars() {
        if letter == '\n' && at == raw.len() {
            // The line end after a block is not part of its place.
            map.push(at);
            continue;
        }
        let (from, length) = spelled(&raw[at..], letter, quote)?;
        map.extend((0..letter.len_utf8()).map(|byte| at + from + byte.min(length - 1)));
        at += from + length;
    }
    raw[at..].trim().is_empty().then_some(map)
}

/// Where in `raw` the next letter stands and how many bytes it takes.
fn spelled(raw: &str, letter: char, quote: Option<char>) -> Option<(usize, usize)> {
    if raw.starts_with(letter) && !(quote == Some('\'') && letter == '\'') && !(quote == Some('"') && letter == '\\') {
        return Some((0, letter.len_utf8()));
    }
    let blank = raw.len() - raw.trim_start().len();
    if letter == ' ' || letter == '\n' {
        // A fold: the blank or the line end stands for all of the white space.
        return match raw.chars().next() {
            Some(first) if first.is_whitespace() => Some((0, blank)),
            Some('\\') if quote == Some('"') && letter == '\n' && raw.starts_with("\\n") => Some((0, 2)),
            _ => None,
        };
    }
    let rest = &raw[blank..];
    let escape = match (quote, letter) {
        (Some('\''), '\'') => "''",
        (Some('"'), '"') => "\\\"",
        (Some('"'), '\\') => "\\\\",
        (Some('"'), '\t') => "\\t",
        _ => rest.get(..letter.len_utf8())?,
    };
    let plain = escape.len() == letter.len_utf8() && !rest.starts_with(letter);
    (!plain && rest.starts_with(escape)).then_some((blank, escape.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where `part` of the text under `key` is found in the file.
    fn found(yaml: &str, part: &str) -> String {
        let (document, findings) = Document::parse("test", yaml);
        assert_eq!(findings, [], "{yaml}");
        let text = document.value["key"].as_str().unwrap();
        let at = text.find(part).unwrap();
        let place = Locator::new(&document).place("/key", Span::new(at, at + part.len()));
        document.text[place.start..place.end].to_owned()
    }

    #[test]
    fn a_part_is_found_in_every_style() {
        assert_eq!(found("key: a ${{ b.c }} d", "b.c"), "b.c");
        assert_eq!(found("key: 'é it''s ${{ b.c }}'", "b.c"), "b.c");
        assert_eq!(found(r#"key: "é \"x\" \\ ${{ b.c }}""#, "b.c"), "b.c");
        assert_eq!(found("key: |\n  first\n  ${{ b.c }}\n", "b.c"), "b.c");
        assert_eq!(
            found("key: >-\n  first\n  second ${{ b.c }}\n\n  third\n", "b.c"),
            "b.c"
        );
        assert_eq!(found("key: first\n  second ${{ b.c }}", "b.c"), "b.c");
        assert_eq!(found("key: \"first\n  second ${{ b.c }}\"", "b.c"), "b.c");
        assert_eq!(found("key: '''b'' c'", "'b' c"), "''b'' c");
    }

    #[test]
    fn a_locator_tells_texts_apart() {
        let (document, _) = Document::parse("test", "a: 'it''s x'\nb: |\n  one\n  x\n");
        let locator = Locator::new(&document);
        let text = |key: &str| document.value[key].as_str().unwrap().find('x').unwrap();
        for key in ["a", "b", "a", "a", "b"] {
            let at = text(key);
            let place = locator.place(&format!("/{key}"), Span::new(at, at + 1));
            assert_eq!(&document.text[place.start..place.end], "x", "{key}");
        }
    }

    #[test]
    fn what_is_inexact_points_at_the_whole() {
        assert_eq!(found(r#"key: "\x41 ${{ b.c }}""#, "b.c"), r#""\x41 ${{ b.c }}""#);
        assert_eq!(found("other: &a x b.c\nkey: *a", "b.c"), "*a");
    }
}
