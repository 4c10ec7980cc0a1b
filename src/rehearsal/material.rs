//! Bytes of files that a test makes on the spot.

use super::file::{FileSpec, GiveSpec, PutSpec, UploadSpec};
use super::pdf;
use std::path::Path;

/// Most bytes that a test makes on the spot for one file.
pub const MAX_BYTES: u64 = 64 << 20;
/// What a PDF begins with.
const PDF: &[u8] = b"%PDF-1.7\n";
/// What files of a format begin with, by the end of their name.
const BEGINNINGS: [(&str, &[u8]); 9] = [
    ("pdf", PDF),
    ("png", b"\x89PNG\r\n\x1a\n"),
    ("jpg", b"\xff\xd8\xff"),
    ("jpeg", b"\xff\xd8\xff"),
    ("docx", b"PK\x03\x04"),
    ("xlsx", b"PK\x03\x04"),
    ("pptx", b"PK\x03\x04"),
    ("odt", b"PK\x03\x04"),
    ("zip", b"PK\x03\x04"),
];

/// How the bytes of a file are given: at most one of these.
#[derive(Clone, Copy, Debug)]
pub struct Material<'s> {
    /// The file's name.
    pub name: &'s str,
    /// What stands in it.
    pub text: Option<&'s str>,
    /// How large it is.
    pub size: Option<&'s str>,
    /// Where its bytes lie.
    pub path: Option<&'s str>,
}

macro_rules! material_of {
    ($($given:ty),*) => {
        $(impl $given {
            /// How its bytes are given.
            pub fn material(&self) -> Material<'_> {
                Material {
                    name: &self.name,
                    text: self.text.as_deref(),
                    size: self.size.as_deref(),
                    path: self.path.as_deref(),
                }
            }
        })*
    };
}

material_of!(FileSpec, GiveSpec, UploadSpec, PutSpec);

/// The bytes, or what is wrong with how they are given. Paths are below `folder`.
pub fn bytes(given: Material<'_>, folder: &Path) -> Result<Vec<u8>, String> {
    let beginning = beginning(given.name);
    match (given.text, given.size, given.path) {
        (None, None, None) => Ok([beginning, given.name.as_bytes()].concat()),
        (Some(text), None, None) if beginning == PDF => pdf_of(given.name, text),
        (Some(text), None, None) => Ok([beginning, text.as_bytes()].concat()),
        (None, Some(size), None) => sized(beginning, size),
        (None, None, Some(path)) => {
            let path = folder.join(path);
            std::fs::read(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
        }
        _ => Err(format!("{} takes only one of `text`, `size` and `path`", given.name)),
    }
}

fn beginning(name: &str) -> &'static [u8] {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    let found = BEGINNINGS.iter().find(|(known, _)| ending.as_deref() == Some(*known));
    found.map_or(&[], |(_, beginning)| beginning)
}

/// A PDF in which the text can be selected.
fn pdf_of(name: &str, text: &str) -> Result<Vec<u8>, String> {
    let is_drawn = |letter: char| letter == '\n' || matches!(letter, ' '..='~' | '\u{a0}'..='\u{ff}');
    if !text.chars().all(is_drawn) {
        return Err(format!(
            "{name}: a PDF that a test makes holds letters of Western Europe alone; give any other by its `path`"
        ));
    }
    Ok(pdf::make("", &text.lines().collect::<Vec<_>>()))
}

fn sized(beginning: &[u8], size: &str) -> Result<Vec<u8>, String> {
    let bytes = crate::spec::values::bytes(size).ok_or_else(|| format!("`{size}` is no size: write `3 MB`"))?;
    if bytes > MAX_BYTES {
        return Err(format!("a test makes files of at most {MAX_BYTES} bytes"));
    }
    let length = usize::try_from(bytes).map_err(|error| error.to_string())?;
    let mut made = vec![b'x'; length];
    let overlap = beginning.len().min(length);
    made[..overlap].copy_from_slice(&beginning[..overlap]);
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::file_type::Readable;
    use crate::host::reading;

    fn made(name: &str, text: Option<&str>, size: Option<&str>) -> Result<Vec<u8>, String> {
        let given = Material {
            name,
            text,
            size,
            path: None,
        };
        bytes(given, Path::new("."))
    }

    #[test]
    fn files_are_what_their_names_say_and_as_large_as_asked() {
        assert_eq!(made("a.txt", Some("hello"), None).unwrap(), b"hello");
        assert!(made("a.PDF", None, None).unwrap().starts_with(b"%PDF-"));
        let large = made("a.pdf", None, Some("3 kB")).unwrap();
        assert_eq!((large.len(), &large[..5]), (3000, b"%PDF-".as_slice()));
        assert_eq!(made("a.pdf", None, Some("2 B")).unwrap(), b"%P");
    }

    #[test]
    fn the_text_of_a_pdf_can_be_read() {
        let bytes = made("a.PDF", Some("Form W-9 (2026)\nSeñor Müller"), None).unwrap();
        let read = reading::read(Readable::Pdf, bytes);
        assert_eq!(read.text.as_deref(), Some("Form W-9 (2026) Señor Müller"), "{read:?}");
        let scanned = reading::read(Readable::Pdf, made("a.pdf", Some(""), None).unwrap());
        assert_eq!(scanned.why, Some(reading::Why::NoText));
    }

    #[test]
    fn what_cannot_be_made_is_said() {
        assert!(made("a.pdf", Some("Łódź"), None).unwrap_err().contains("path"));
        assert!(made("a", Some("x"), Some("1 B")).unwrap_err().contains("only one of"));
        assert!(made("a", None, Some("much")).unwrap_err().contains("no size"));
        assert!(made("a", None, Some(&format!("{MAX_BYTES} B"))).is_ok());
        let more = format!("{} B", MAX_BYTES + 1);
        assert!(made("a", None, Some(&more)).unwrap_err().contains("at most"));
    }
}
