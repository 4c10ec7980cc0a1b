//! What kind of thing bytes are: by their beginning first, by the name only where the beginning
//! cannot tell. A name alone never makes a PDF of a program.

use crate::base::file_type;

/// What bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    /// The media type.
    pub media_type: &'static str,
    /// Whether the name says the same, or says nothing.
    pub name_agrees: bool,
}

/// Unknown bytes.
pub const UNKNOWN: &str = "application/octet-stream";
const TEXT: &str = "text/plain";
const ZIP: &str = "application/zip";
const OLE: &str = "application/x-ole-storage";

/// Beginnings, the longer of two that overlap first.
const MAGIC: [(&[u8], &str); 18] = [
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"{\\rtf", "application/rtf"),
    (b"%!PS", "application/postscript"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", "application/x-elf"),
    (b"\0asm", "application/wasm"),
];

/// What the bytes beginning with `head` and called `name` are.
pub fn media_type(name: &str, head: &[u8]) -> Media {
    let by_name = by_name(name);
    let by_content = by_content(head);
    let (media_type, name_agrees) = match (by_content, by_name) {
        (Some(content), None) => (content, true),
        (Some(content), Some(named)) if is_container_of(content, named) => (named, true),
        (Some(content), Some(named)) => (content, content == named),
        (None, named) if is_text(head) => match named {
            Some(named) if is_textual(named) => (named, true),
            Some(_) => (TEXT, head.is_empty()),
            None => (TEXT, true),
        },
        (None, None) => (UNKNOWN, true),
        (None, Some(_)) => (UNKNOWN, false),
    };
    Media {
        media_type,
        name_agrees,
    }
}

fn by_name(name: &str) -> Option<&'static str> {
    file_type::of_ending(name.rsplit_once('.')?.1)
}

fn by_content(head: &[u8]) -> Option<&'static str> {
    if head.len() >= 12 && head.starts_with(b"RIFF") && &head[8..12] == b"WEBP" {
        return Some("image/webp");
    }
    if let Some((_, media_type)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(media_type);
    }
    let start = String::from_utf8_lossy(&head[..head.len().min(512)]).to_ascii_lowercase();
    let start = start.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with("<!doctype html") || start.starts_with("<html") || start.contains("<script") {
        Some("text/html")
    } else if start.starts_with("<svg") || (start.starts_with("<?xml") && start.contains("<svg")) {
        Some("image/svg+xml")
    } else if start.starts_with("<?xml") {
        Some("application/xml")
    } else {
        None
    }
}

/// Whether files of type `named` are files of type `content` to whoever reads only the beginning.
fn is_container_of(content: &str, named: &str) -> bool {
    match content {
        ZIP => named.contains("openxmlformats") || named.contains("opendocument"),
        OLE => matches!(
            named,
            "application/msword" | "application/vnd.ms-excel" | "application/vnd.ms-powerpoint"
        ),
        _ => false,
    }
}

fn is_textual(media_type: &str) -> bool {
    media_type.starts_with("text/") || matches!(media_type, "application/json" | "application/xml" | "application/yaml")
}

/// Whether these are the first bytes of UTF-8 text; the last character may be cut.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).expect("valid up to here")
        }
        Err(_) => return false,
    };
    !text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_decides() {
        for (name, head, media_type, agrees) in [
            ("a.pdf", b"%PDF-1.7\n".as_slice(), "application/pdf", true),
            ("a.PDF", b"%PDF-1.7\n", "application/pdf", true),
            (
                "a.docx",
                b"PK\x03\x04....",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                true,
            ),
            ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword", true),
            ("a.webp", b"RIFF\x01\x02\x03\x04WEBPVP8 ", "image/webp", true),
            ("a", b"\x89PNG\r\n\x1a\n", "image/png", true),
            ("notes.md", "# Über".as_bytes(), "text/markdown", true),
            ("data.json", b"{\"a\":1}", "application/json", true),
            ("notes", b"plain words", "text/plain", true),
            ("empty.txt", b"", "text/plain", true),
            ("blob", b"\x01\x02\xff", UNKNOWN, true),
        ] {
            assert_eq!(media_type_of(name, head), (media_type, agrees), "{name}");
        }
    }

    #[test]
    fn a_name_never_makes_a_pdf_of_something_else() {
        for (name, head, media_type) in [
            (
                "contract.pdf",
                b"MZ\x90\0\x03".as_slice(),
                "application/vnd.microsoft.portable-executable",
            ),
            ("contract.pdf", b"\x7fELF\x02", "application/x-elf"),
            ("contract.pdf", b"<script>alert(1)</script>", "text/html"),
            ("contract.pdf", b"PK\x03\x04", "application/zip"),
            ("contract.pdf", b"just words", "text/plain"),
            ("picture.png", b"<svg onload=alert(1)>", "image/svg+xml"),
            ("contract.pdf", b"\x01\x02\xff", UNKNOWN),
            ("notes.txt", b"  <!DOCTYPE html>", "text/html"),
        ] {
            assert_eq!(media_type_of(name, head), (media_type, false), "{name}");
        }
    }

    #[test]
    fn text_may_be_cut_within_a_character() {
        let text = "ü".repeat(10);
        assert_eq!(media_type_of("a.txt", &text.as_bytes()[..5]), ("text/plain", true));
    }

    fn media_type_of(name: &str, head: &[u8]) -> (&'static str, bool) {
        let media = media_type(name, head);
        (media.media_type, media.name_agrees)
    }
}
