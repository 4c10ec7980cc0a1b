//! The type of a file: from its content first, from its name only where the content cannot tell. A name alone never
//! makes a PDF of a program.

use crate::base::encoding::{Extent, decode};
use crate::base::file_type;
use rawzip::ZipArchive;
use std::io::{Read, Seek};

/// The type of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    /// The media type.
    pub media_type: &'static str,
    /// Whether the name says the same, or says nothing.
    pub name_agrees: bool,
}

/// What a type is told by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample<'b> {
    /// The first bytes, up to 4096.
    pub head: &'b [u8],
    /// What [`packed_in`] found, which needs the whole file.
    pub packed: Option<&'static str>,
}

/// Unknown bytes.
pub const UNKNOWN: &str = "application/octet-stream";
/// Bytes at the beginning of a file in which the header of a PDF is looked for, as readers of PDF do. Printers and mail
/// programs put something before it.
pub const PDF_WITHIN: usize = 1024;
/// Entries of a ZIP file that are looked at.
pub const MAX_ZIP_ENTRIES: usize = 10_000;
/// Memory for the directory of a ZIP file; an entry that does not fit ends the search.
const ZIP_BUFFER_BYTES: usize = 128 << 10;

const PDF_HEADER: &[u8] = b"%PDF-";
const TEXT: &str = "text/plain";
const ZIP: &str = "application/zip";
const OLE: &str = "application/x-ole-storage";
const PDF: &str = "application/pdf";
const SIGNED: &str = "application/pkcs7-mime";

/// Beginnings, the longer of two that overlap first.
const MAGIC: [(&[u8], &str); 18] = [
    (b"%PDF-", PDF),
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

/// How CMS structures name what they hold (`1.2.840.113549.1.7`), right behind their length.
const CMS_OID: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07";

/// Folders that make a ZIP file one of the types of Office, and the type where macros are in it.
const OFFICE: [(&str, &str, &str); 3] = [
    (
        "word/",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.ms-word.document.macroenabled.12",
    ),
    (
        "xl/",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-excel.sheet.macroenabled.12",
    ),
    (
        "ppt/",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    ),
];
/// The list of contents that every Office file has.
const OFFICE_CONTENTS: &[u8] = b"[Content_Types].xml";
/// Where an Office file keeps its macros, within the folder of its type.
const MACROS: &str = "vbaProject.bin";

/// Types of which one file may be called another: one format under several names.
const KIN: [&[&str]; 4] = [
    &[
        OLE,
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/vnd.ms-outlook",
    ],
    &["video/mp4", "video/x-m4v", "video/quicktime"],
    &["video/x-matroska", "video/webm"],
    &[SIGNED, "application/pkcs7-signature"],
];

/// What the bytes in `sample` and called `name` are.
pub fn media_type(name: &str, sample: Sample<'_>) -> Media {
    let by_name = by_name(name);
    let (media_type, name_agrees) = match (by_content(sample, by_name), by_name) {
        (Content::Is(content), None) => (content, true),
        (Content::Is(content), Some(named)) if are_kin(content, named) => (named, true),
        (Content::Is(content), Some(named)) => (content, content == named),
        (Content::Text, named) => match named {
            Some(named) if is_textual(named) => (named, true),
            Some(_) => (TEXT, sample.head.is_empty()),
            None => (TEXT, true),
        },
        (Content::Unknown, None) => (UNKNOWN, true),
        (Content::Unknown, Some(_)) => (UNKNOWN, false),
    };
    Media {
        media_type,
        name_agrees,
    }
}

/// What content says of its type.
enum Content {
    Is(&'static str),
    Text,
    Unknown,
}

fn by_name(name: &str) -> Option<&'static str> {
    file_type::of_ending(name.rsplit_once('.')?.1)
}

fn by_content(sample: Sample<'_>, named: Option<&str>) -> Content {
    let head = sample.head;
    if let Some(packed) = sample.packed {
        return Content::Is(packed);
    }
    if let Some((_, media_type)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Content::Is(media_type);
    }
    let text = decode(head, Extent::Beginning);
    if let Some(markup) = text.as_deref().and_then(markup) {
        return Content::Is(markup);
    }
    // A text that is called one may quote a PDF.
    let is_named_text = text.is_some() && named.is_some_and(is_textual);
    if pdf_start(head).is_some() && !is_named_text {
        return Content::Is(PDF);
    }
    if text.is_some() {
        return Content::Text;
    }
    if is_cms(head) {
        return Content::Is(SIGNED);
    }
    let found = infer::get(head).map(|found| found.mime_type());
    match found.and_then(known) {
        Some(media_type) => Content::Is(media_type),
        None => Content::Unknown,
    }
}

/// A type of picture or video that was found, under the name that it has here.
fn known(found: &str) -> Option<&'static str> {
    match found {
        "image/heif" => Some("image/heic"),
        other => file_type::known(other).filter(|known| known.starts_with("image/") || known.starts_with("video/")),
    }
}

/// Which markup the text is, if any.
fn markup(text: &str) -> Option<&'static str> {
    let start: String = text.chars().take(512).collect();
    let start = start.trim_start().to_ascii_lowercase();
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

/// Where a PDF begins in these bytes: within the first [`PDF_WITHIN`] of them, at the beginning of a line or behind a byte
/// that is no letter.
pub fn pdf_start(bytes: &[u8]) -> Option<usize> {
    let within = &bytes[..bytes.len().min(PDF_WITHIN)];
    let found = within.windows(PDF_HEADER.len()).position(|bytes| bytes == PDF_HEADER)?;
    (found == 0 || !(b' '..=b'~').contains(&bytes[found - 1])).then_some(found)
}

/// Whether this is a signed or encrypted message: a sequence that names itself so.
fn is_cms(head: &[u8]) -> bool {
    let start = &head[..head.len().min(24)];
    start.first() == Some(&0x30) && start.windows(CMS_OID.len()).any(|bytes| bytes == CMS_OID)
}

/// What a ZIP file holds that makes it another type of file: an Office document, an `OpenDocument`, a book. `None` where
/// it is another ZIP file, or none. Takes little memory, whatever the file is.
pub fn packed_in(head: &[u8], file: impl Read + Seek) -> Option<&'static str> {
    if !head.starts_with(b"PK\x03\x04") {
        return None;
    }
    if let Some(named) = named_within(head) {
        return Some(named);
    }
    let mut buffer = vec![0; ZIP_BUFFER_BYTES];
    let archive = ZipArchive::from_seekable(file, &mut buffer).ok()?;
    let mut entries = archive.entries(&mut buffer);
    let (mut has_contents, mut found, mut has_macros) = (false, None, false);
    for _ in 0..MAX_ZIP_ENTRIES {
        let Ok(Some(entry)) = entries.next_entry() else { break };
        let file_path = entry.file_path();
        let path: &[u8] = file_path.as_ref();
        has_contents |= path == OFFICE_CONTENTS;
        let office = OFFICE.iter().find(|(folder, ..)| path.starts_with(folder.as_bytes()));
        if let Some((folder, ..)) = office {
            found = found.or(office);
            has_macros |= path[folder.len()..] == *MACROS.as_bytes();
        }
    }
    let (_, plain, with_macros) = found.filter(|_| has_contents)?;
    Some(if has_macros { *with_macros } else { *plain })
}

/// The type that an `OpenDocument` or a book names itself, in a first entry that is stored as it is.
fn named_within(head: &[u8]) -> Option<&'static str> {
    const NAME: &[u8] = b"mimetype";
    let word = |at: usize| Some(usize::from(u16::from_le_bytes([*head.get(at)?, *head.get(at + 1)?])));
    let (method, size, name_length, extra_length) = (word(8)?, word(18)?, word(26)?, word(28)?);
    if method != 0 || head.get(30..30 + name_length)? != NAME {
        return None;
    }
    let start = 30 + name_length + extra_length;
    let text = std::str::from_utf8(head.get(start..start + size)?).ok()?;
    file_type::known(text.trim())
}

/// Whether a file of type `content` may be called one of type `named`.
fn are_kin(content: &str, named: &str) -> bool {
    KIN.iter().any(|kin| kin.contains(&content) && kin.contains(&named))
}

fn is_textual(media_type: &str) -> bool {
    media_type.starts_with("text/")
        || matches!(
            media_type,
            "application/json" | "application/xml" | "application/yaml" | "message/rfc822"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

    /// The type of what begins so, and whether its name agrees.
    fn media_type_of(name: &str, head: &[u8]) -> (&'static str, bool) {
        let media = media_type(name, Sample { head, packed: None });
        (media.media_type, media.name_agrees)
    }

    /// The type of a whole file, and whether its name agrees.
    fn type_of_file(name: &str, file: &[u8]) -> (&'static str, bool) {
        let head = &file[..file.len().min(4096)];
        let packed = packed_in(head, Cursor::new(file));
        let media = media_type(name, Sample { head, packed });
        (media.media_type, media.name_agrees)
    }

    /// A ZIP file of empty files with these names.
    fn zip(names: &[&str]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut archive = rawzip::ZipArchiveWriter::new(&mut file);
        for name in names {
            let (mut entry, config) = archive.new_file(name).start().unwrap();
            let mut writer = config.wrap(&mut entry);
            writer.write_all(b"").unwrap();
            let (_, descriptor) = writer.finish().unwrap();
            entry.finish(descriptor).unwrap();
        }
        archive.finish().unwrap();
        file
    }

    #[test]
    fn the_beginning_decides() {
        for (name, head, media_type, agrees) in [
            ("a.pdf", b"%PDF-1.7\n".as_slice(), "application/pdf", true),
            ("a.PDF", b"%PDF-1.7\n", "application/pdf", true),
            ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword", true),
            (
                "a.msg",
                b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
                "application/vnd.ms-outlook",
                true,
            ),
            ("a.webp", b"RIFF\x01\x02\x03\x04WEBPVP8 ", "image/webp", true),
            ("a", b"\x89PNG\r\n\x1a\n", "image/png", true),
            ("notes.md", "# Über".as_bytes(), "text/markdown", true),
            ("data.json", b"{\"a\":1}", "application/json", true),
            (
                "mail.eml",
                b"From: a@example.com\r\nSubject: x\r\n\r\nHello",
                "message/rfc822",
                true,
            ),
            ("notes", b"plain words", "text/plain", true),
            ("empty.txt", b"", "text/plain", true),
            ("blob", b"\x01\x02\xff", UNKNOWN, true),
        ] {
            assert_eq!(media_type_of(name, head), (media_type, agrees), "{name}");
        }
    }

    #[test]
    fn pictures_and_videos_of_phones_are_known() {
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\0";
        let mif1 = b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic\0\0\0\0";
        let mov = b"\0\0\0\x14ftypqt  \0\0\0\0qt  \0\0\0\x08wide";
        let mp4 = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2\0\0\0\x08free";
        for (name, head, media_type) in [
            ("IMG_0001.HEIC", heic.as_slice(), "image/heic"),
            ("IMG_0001.heif", mif1, "image/heic"),
            ("clip.MOV", mov, "video/quicktime"),
            ("clip.mp4", mp4, "video/mp4"),
            ("clip.avi", b"RIFF\x01\x02\x03\x04AVI LIST", "video/x-msvideo"),
            ("scan.bmp", b"BM\x01\x02\0\0\0\0\0\0", "image/bmp"),
        ] {
            assert_eq!(media_type_of(name, head), (media_type, true), "{name}");
        }
        assert_eq!(media_type_of("letter.txt", b"BMW is a brand"), ("text/plain", true));
    }

    #[test]
    fn a_text_is_one_in_any_encoding() {
        let wide: Vec<u8> = "Größe;Preis\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (name, head, media_type) in [
            (
                "prices.csv",
                b"Gr\xf6\xdfe;Preis in \x80\r\n1;2\r\n".as_slice(),
                "text/csv",
            ),
            ("prices.csv", wide.as_slice(), "text/csv"),
            ("notes.txt", b"\xef\xbb\xbfplain", "text/plain"),
            ("notes.txt", b"\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd", "text/plain"),
        ] {
            assert_eq!(media_type_of(name, head), (media_type, true), "{head:?}");
        }
        let page: Vec<u8> = "<html><script>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(media_type_of("notes.txt", &page), ("text/html", false));
    }

    #[test]
    fn a_pdf_may_have_something_before_its_header() {
        for before in [
            b"\xef\xbb\xbf".as_slice(),
            b"\n",
            b"\x1b%-12345X@PJL\r\n",
            b"TEXTmdos \0\x01",
            &[b'\n'; PDF_WITHIN - PDF_HEADER.len()],
        ] {
            let head = [before, b"%PDF-1.4\n"].concat();
            assert_eq!(media_type_of("a.pdf", &head), ("application/pdf", true), "{before:?}");
        }
        let late = [[b'\n'; PDF_WITHIN - PDF_HEADER.len() + 1].as_slice(), b"%PDF-1.4\n"].concat();
        assert_eq!(media_type_of("a.pdf", &late), ("text/plain", false));
        for (name, head, media_type) in [
            (
                "a.pdf",
                b"MZ\x90\0\n%PDF-1.4".as_slice(),
                "application/vnd.microsoft.portable-executable",
            ),
            ("a.pdf", b"<script>\n%PDF-1.4", "text/html"),
            ("a.pdf", b"it begins with %PDF-1.4", "text/plain"),
        ] {
            assert_eq!(media_type_of(name, head), (media_type, false), "{head:?}");
        }
        assert_eq!(media_type_of("notes.txt", b"as in\n%PDF-1.4"), ("text/plain", true));
    }

    #[test]
    fn only_what_office_needs_makes_an_office_file_of_a_zip_file() {
        let word = ["[Content_Types].xml", "_rels/.rels", "word/document.xml"];
        let sheet = ["xl/workbook.xml", "[Content_Types].xml"];
        let macros = ["[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"];
        for (name, entries, expected) in [
            ("a.docx", word.as_slice(), (DOCX, true)),
            ("a", &word, (DOCX, true)),
            ("a.xlsx", &word, (DOCX, false)),
            (
                "a.xlsx",
                &sheet,
                (
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                    true,
                ),
            ),
            (
                "a.docm",
                &macros,
                ("application/vnd.ms-word.document.macroenabled.12", true),
            ),
            (
                "a.docx",
                &macros,
                ("application/vnd.ms-word.document.macroenabled.12", false),
            ),
            ("a.docx", &["word/document.xml"], (ZIP, false)),
            ("a.docx", &["virus.exe"], (ZIP, false)),
            ("a.zip", &["virus.exe"], (ZIP, true)),
        ] {
            assert_eq!(type_of_file(name, &zip(entries)), expected, "{name}: {entries:?}");
        }
        assert_eq!(type_of_file("a.docx", b"PK\x03\x04...."), (ZIP, false));
        let mut open_document = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        open_document.extend(b"\x27\0\0\0\x27\0\0\0\x08\0\0\0mimetypeapplication/vnd.oasis.opendocument.text");
        let text = "application/vnd.oasis.opendocument.text";
        assert_eq!(type_of_file("a.odt", &open_document), (text, true));
        assert_eq!(type_of_file("a.ods", &open_document), (text, false));
    }

    #[test]
    fn so_many_entries_of_a_zip_file_are_looked_at() {
        let with = |others: usize| {
            let others = (0..others).map(|number| format!("{number}"));
            let names: Vec<String> = others
                .chain(["[Content_Types].xml".to_owned(), "xl/a".to_owned()])
                .collect();
            zip(&names.iter().map(String::as_str).collect::<Vec<_>>())
        };
        assert!(type_of_file("a.xlsx", &with(MAX_ZIP_ENTRIES - 2)).1);
        assert_eq!(type_of_file("a.xlsx", &with(MAX_ZIP_ENTRIES - 1)), (ZIP, false));
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
}
