//! The text of a PDF: what can be selected in it, page by page.
//!
//! Invariant: either all of it or none; text that is left out in silence would let a condition hold
//! that does not.

use super::{MAX_PAGES, MAX_STREAM_BYTES, MAX_TEXT_BYTES, Why};
use crate::space::media::pdf_start;
use lopdf::content::{Content, Operation};
use lopdf::{Dictionary, Document, Encoding, LoadOptions, Object, ObjectId, Stream};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use unicode_normalization::UnicodeNormalization;

/// Deepest nesting of drawings inside each other that is followed.
pub const MAX_DRAWINGS_DEEP: usize = 8;
/// Most drawings that are followed.
pub const MAX_DRAWINGS: usize = 10_000;
/// A gap between letters from which on it is one between words, in thousandths of the letters' height.
const WORD_GAP: f32 = -180.0;

/// Letters drawn as one, as fi: an author's condition has two.
const LIGATURES: RangeInclusive<char> = '\u{fb00}'..='\u{fb06}';

type Fonts<'d> = BTreeMap<Vec<u8>, Encoding<'d>>;

/// The text, with one blank between words.
pub(super) fn text(bytes: &[u8]) -> Result<String, Why> {
    // What stands before the header is no part of the document, whose offsets count from there.
    let bytes = &bytes[pdf_start(bytes).unwrap_or(0)..];
    let document = Document::load_mem_with_options(bytes, LoadOptions::with_max_decompressed_size(MAX_STREAM_BYTES));
    let document = document.map_err(|error| why(&error))?;
    if document.is_encrypted() {
        return Err(Why::Protected);
    }
    let pages: Vec<ObjectId> = document.page_iter().take(MAX_PAGES + 1).collect();
    match pages.len() {
        0 => return Err(Why::Damaged),
        some if some > MAX_PAGES => return Err(Why::TooManyPages),
        _ => {}
    }
    let mut reader = Reader {
        document: &document,
        text: String::new(),
        letters: 0,
        line: None,
        drawings: 0,
    };
    for page in pages {
        reader.page(page)?;
        reader.blank();
    }
    let text = reader.text.trim_end();
    if text.is_empty() {
        return Err(Why::NoText);
    }
    // An accent may stand beside its letter, where an author's condition has both in one.
    Ok(text.nfc().collect())
}

fn why(error: &lopdf::Error) -> Why {
    match error {
        lopdf::Error::Decryption(_) | lopdf::Error::InvalidPassword => Why::Protected,
        lopdf::Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded { .. }) => Why::TooLong,
        _ => Why::Damaged,
    }
}

struct Reader<'d> {
    document: &'d Document,
    text: String,
    /// How many letters were shown since the place on the page was last given.
    letters: usize,
    /// The line that is written on, where its place was given.
    line: Option<[f32; 5]>,
    /// Drawings so far.
    drawings: usize,
}

impl<'d> Reader<'d> {
    fn page(&mut self, page: ObjectId) -> Result<(), Why> {
        let content = self.document.get_page_content_with_limit(page, MAX_STREAM_BYTES);
        let content = content.map_err(|error| why(&error))?;
        let resources = self.resources_of_page(page)?;
        self.drawing(&content, resources, MAX_DRAWINGS_DEEP)
    }

    /// The nearest resources of a page, its own or those of what it stands in.
    fn resources_of_page(&self, page: ObjectId) -> Result<Option<&'d Dictionary>, Why> {
        let (own, referred) = self.document.get_page_resources(page).map_err(|error| why(&error))?;
        let referred = referred.first().and_then(|id| self.document.get_dictionary(*id).ok());
        Ok(own.or(referred))
    }

    fn drawing(&mut self, content: &[u8], resources: Option<&'d Dictionary>, deep: usize) -> Result<(), Why> {
        let content = Content::decode(content).map_err(|error| why(&error))?;
        let fonts = self.fonts(resources)?;
        let mut font = None;
        for operation in &content.operations {
            let first = operation.operands.first();
            match operation.operator.as_str() {
                "Tf" => font = first.and_then(|name| fonts.get(name.as_name().ok()?)),
                "Tj" | "TJ" | "'" | "\"" => self.show(operation, font)?,
                "T*" | "ET" => self.other_line(None),
                "Tm" => self.placed(&operation.operands),
                "Td" | "TD" => self.moved(&operation.operands),
                "Do" => self.inner(first, resources, deep)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn fonts(&self, resources: Option<&'d Dictionary>) -> Result<Fonts<'d>, Why> {
        let fonts = resources.and_then(|resources| resources.get_deref(b"Font", self.document).ok());
        let mut encodings = Fonts::new();
        for (name, font) in fonts.and_then(|fonts| fonts.as_dict().ok()).into_iter().flatten() {
            let Ok((_, Object::Dictionary(font))) = self.document.dereference(font) else {
                continue;
            };
            let encoding = font.get_font_encoding_with_limit(self.document, MAX_STREAM_BYTES);
            encodings.insert(name.clone(), encoding.map_err(|error| why(&error))?);
        }
        Ok(encodings)
    }

    /// What is drawn by another drawing.
    fn inner(&mut self, name: Option<&Object>, resources: Option<&'d Dictionary>, deep: usize) -> Result<(), Why> {
        let drawn = resources
            .and_then(|resources| resources.get_deref(b"XObject", self.document).ok()?.as_dict().ok())
            .zip(name.and_then(|name| name.as_name().ok()))
            .and_then(|(drawings, name)| drawings.get_deref(name, self.document).ok()?.as_stream().ok());
        let Some(drawn) = drawn.filter(|drawn| is_form(drawn)) else {
            return Ok(());
        };
        let deeper = deep.checked_sub(1).ok_or(Why::Damaged)?;
        self.drawings += 1;
        if self.drawings > MAX_DRAWINGS {
            return Err(Why::Damaged);
        }
        let content = drawn.get_plain_content_with_limit(MAX_STREAM_BYTES);
        let content = content.map_err(|error| why(&error))?;
        let own = drawn.dict.get_deref(b"Resources", self.document);
        let own = own.and_then(Object::as_dict).ok().or(resources);
        self.drawing(&content, own, deeper)
    }

    fn show(&mut self, operation: &Operation, font: Option<&Encoding<'_>>) -> Result<(), Why> {
        if operation.operator == "'" || operation.operator == "\"" {
            self.other_line(None);
        }
        let Some(font) = font else {
            return Err(Why::Damaged);
        };
        let pieces = match operation.operands.last() {
            Some(Object::Array(pieces)) => pieces.as_slice(),
            Some(piece) => std::slice::from_ref(piece),
            None => &[],
        };
        for piece in pieces {
            match piece {
                Object::String(bytes, _) => self.write(&font.bytes_to_string(bytes).map_err(|error| why(&error))?)?,
                gap if gap.as_float().is_ok_and(|gap| gap < WORD_GAP) => self.blank(),
                _ => {}
            }
        }
        Ok(())
    }

    /// The place on the page has moved by so much.
    fn moved(&mut self, by: &[Object]) {
        match by {
            [_, down] if down.as_float().is_ok_and(|down| down == 0.0) => self.same_line(),
            _ => self.other_line(None),
        }
    }

    /// The place on the page was given: how letters are turned and sized, how far to the right, how high.
    fn placed(&mut self, to: &[Object]) {
        let line = match to {
            [a, b, c, d, _, height] => Some([a, b, c, d, height].map(|number| number.as_float().unwrap_or_default())),
            _ => None,
        };
        if line.is_some() && line == self.line {
            self.same_line();
        } else {
            self.other_line(line);
        }
    }

    /// Whoever places every letter by itself places no blanks in between.
    fn same_line(&mut self) {
        if self.letters > 1 {
            self.blank();
        }
        self.letters = 0;
    }

    fn other_line(&mut self, line: Option<[f32; 5]>) {
        self.blank();
        (self.letters, self.line) = (0, line);
    }

    fn write(&mut self, text: &str) -> Result<(), Why> {
        for letter in text.chars() {
            if letter.is_whitespace() || letter.is_control() {
                self.blank();
            } else if LIGATURES.contains(&letter) {
                self.text.extend(std::iter::once(letter).nfkc());
            } else {
                self.text.push(letter);
            }
            self.letters += 1;
        }
        if self.text.len() > MAX_TEXT_BYTES {
            return Err(Why::TooLong);
        }
        Ok(())
    }

    fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }
}

fn is_form(drawn: &Stream) -> bool {
    drawn.dict.get(b"Subtype").and_then(Object::as_name).ok() == Some(b"Form")
}
