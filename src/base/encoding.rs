//! Text in any encoding: UTF-8, UTF-16, or one of those that came before Unicode.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// Whether bytes are a whole text or only its beginning, whose last character may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// They are all there is.
    Whole,
    /// More may follow.
    Beginning,
}

/// The text that the bytes encode, without a byte order mark; `None` where they are no text. The encoding is taken
/// from the byte order mark, else it is UTF-8 where that fits, else it is guessed.
pub fn decode(bytes: &[u8], extent: Extent) -> Option<Cow<'_, str>> {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None => without_mark(bytes, extent),
    };
    let bytes = match extent {
        Extent::Beginning if encoding == UTF_16LE || encoding == UTF_16BE => &bytes[..bytes.len() & !1],
        _ => bytes,
    };
    let (text, _) = encoding.decode_with_bom_removal(bytes);
    let is_cut = extent == Extent::Beginning && text.ends_with(char::REPLACEMENT_CHARACTER);
    let text = if is_cut {
        Cow::Owned(text.trim_end_matches(char::REPLACEMENT_CHARACTER).to_owned())
    } else {
        text
    };
    text.chars().all(is_of_text).then_some(text)
}

/// The encoding of bytes that have no byte order mark.
fn without_mark(bytes: &[u8], extent: Extent) -> &'static Encoding {
    if let Some(encoding) = wide(bytes) {
        return encoding;
    }
    let is_utf_8 = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => extent == Extent::Beginning && error.error_len().is_none(),
    };
    if is_utf_8 {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, extent == Extent::Whole);
    detector.guess(None, Utf8Detection::Deny)
}

/// UTF-16 without a mark: of mostly Latin text, every other byte is zero.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let zeros = |first: usize| bytes.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let pairs = bytes.len() / 2;
    match (zeros(0), zeros(1)) {
        (0, low) if pairs > 1 && low * 2 > pairs => Some(UTF_16LE),
        (high, 0) if pairs > 1 && high * 2 > pairs => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether a text can hold the character: no control character but those that lay text out, and nothing that could not
/// be decoded.
fn is_of_text(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' | '\u{c}' => true,
        char::REPLACEMENT_CHARACTER => false,
        c => !c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_whatever_encoding_it_came() {
        let text = "Grüße aus München, schöne Straße";
        let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(text);
        let (russian, _, _) = encoding_rs::WINDOWS_1251.encode("Привет, это обычный русский текст");
        let (japanese, _, _) = encoding_rs::SHIFT_JIS.encode("こんにちは、これは日本語の文章です");
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, expected) in [
            (text.as_bytes().to_vec(), text),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), text),
            (latin.into_owned(), text),
            ([b"\xff\xfe", little.as_slice()].concat(), text),
            ([b"\xfe\xff", big.as_slice()].concat(), text),
            (little, text),
            (big, text),
            (russian.into_owned(), "Привет, это обычный русский текст"),
            (japanese.into_owned(), "こんにちは、これは日本語の文章です"),
            (Vec::new(), ""),
        ] {
            assert_eq!(decode(&bytes, Extent::Whole).as_deref(), Some(expected), "{bytes:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_none() {
        for bytes in [
            b"\x01\x02\xff".as_slice(),
            b"MZ\x90\0\x03\0\0\0",
            b"\x7fELF\x02\x01\x01\0",
            b"a\0b\0\0\0c",
            b"\x00\x01\x00\x02",
            b"plain\x1b[31m",
        ] {
            assert_eq!(decode(bytes, Extent::Whole), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_beginning_may_be_cut_within_a_character() {
        let text = "ü".repeat(3);
        assert_eq!(decode(&text.as_bytes()[..5], Extent::Beginning).as_deref(), Some("üü"));
        let wide: Vec<u8> = "plain words".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&wide[..21], Extent::Beginning).as_deref(), Some("plain word"));
    }
}
