//! Bytes of files that a test makes on the spot, or that lie beside it.

use super::file::{FileSpec, GiveSpec, PutSpec, UploadSpec};
use super::{packed, pdf};
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// Most bytes of one file that a test makes on the spot, or reads from beside it.
pub const MAX_BYTES: u64 = 64 << 20;
/// What a PDF begins with.
const PDF: &[u8] = b"%PDF-1.7\n";
/// What files of a format begin with, by the end of their name.
const BEGINNINGS: [(&str, &[u8]); 14] = [
    ("pdf", PDF),
    ("png", b"\x89PNG\r\n\x1a\n"),
    ("jpg", b"\xff\xd8\xff"),
    ("jpeg", b"\xff\xd8\xff"),
    ("heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
    ("heif", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
    ("tif", b"II*\0"),
    ("tiff", b"II*\0"),
    ("doc", OLE),
    ("xls", OLE),
    ("ppt", OLE),
    ("msg", OLE),
    ("mp4", b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2\0\0\0\x08free"),
    ("mov", b"\0\0\0\x14ftypqt  \0\0\0\0qt  \0\0\0\x08wide"),
];
/// What the older formats of Office, and mails of Outlook, begin with.
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Where files lie that are named by their path.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// The folder that paths are taken from.
    pub folder: PathBuf,
    /// Whether no path may lead out of it: where a test names the file, and not whoever plays.
    pub is_closed: bool,
}

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

/// The bytes, or what is wrong with how they are given. Paths are taken from the folder.
pub fn bytes(given: Material<'_>, from: &Shelf) -> Result<Vec<u8>, String> {
    let beginning = beginning(given.name);
    if given.path.is_none()
        && let Some(names) = ending_of(given.name).and_then(|ending| packed::entries(&ending))
    {
        return match (given.text, given.size) {
            (None, None) => Ok(packed::make(names, given.name.as_bytes())),
            (Some(text), None) => Ok(packed::make(names, text.as_bytes())),
            (None, Some(size)) => sized_package(names, size),
            _ => Err(format!("{} takes only one of `text`, `size` and `path`", given.name)),
        };
    }
    match (given.text, given.size, given.path) {
        (None, None, None) => Ok([beginning, given.name.as_bytes()].concat()),
        (Some(text), None, None) if beginning == PDF => pdf_of(given.name, text),
        (Some(text), None, None) => Ok([beginning, text.as_bytes()].concat()),
        (None, Some(size), None) => sized(beginning, size),
        (None, None, Some(path)) => from.read(path),
        _ => Err(format!("{} takes only one of `text`, `size` and `path`", given.name)),
    }
}

impl Shelf {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let unreadable = |error: std::io::Error| format!("{path} cannot be read: {error}");
        let leads_out = || format!("{path} leads out of the folder of the test: put the file into it, or below it");
        if self.is_closed && !stays_below(Path::new(path)) {
            return Err(leads_out());
        }
        let folder = Path::new(".").join(&self.folder).canonicalize().map_err(unreadable)?;
        let file = folder.join(path).canonicalize().map_err(unreadable)?;
        if self.is_closed && !file.starts_with(&folder) {
            return Err(leads_out());
        }
        if !file.is_file() {
            return Err(format!("{path} is no file"));
        }
        let mut bytes = Vec::new();
        let file = File::open(&file).map_err(unreadable)?;
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(format!(
                "{path} is larger than {MAX_BYTES} bytes, the most that is read"
            ));
        }
        Ok(bytes)
    }
}

/// Whether a path goes up no further than it went down before, as it is written; where links lead is looked at apart.
fn stays_below(path: &Path) -> bool {
    let mut depth = 0_usize;
    path.components().all(|part| match part {
        Component::Normal(_) => {
            depth += 1;
            true
        }
        Component::CurDir => true,
        Component::ParentDir => {
            let may_rise = depth > 0;
            depth = depth.saturating_sub(1);
            may_rise
        }
        Component::RootDir | Component::Prefix(_) => false,
    })
}

fn ending_of(name: &str) -> Option<String> {
    Some(name.rsplit_once('.')?.1.to_lowercase())
}

fn beginning(name: &str) -> &'static [u8] {
    let ending = ending_of(name);
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

fn length_of(size: &str) -> Result<usize, String> {
    let bytes = crate::spec::values::bytes(size).ok_or_else(|| format!("`{size}` is no size: write `3 MB`"))?;
    if bytes > MAX_BYTES {
        return Err(format!("a test makes files of at most {MAX_BYTES} bytes"));
    }
    usize::try_from(bytes).map_err(|error| error.to_string())
}

/// A ZIP file with these entries that is as large as asked, or as small as it can be.
fn sized_package(names: &[&str], size: &str) -> Result<Vec<u8>, String> {
    let content = length_of(size)?.saturating_sub(packed::make(names, b"").len());
    Ok(packed::make(names, &vec![b'x'; content]))
}

fn sized(beginning: &[u8], size: &str) -> Result<Vec<u8>, String> {
    let length = length_of(size)?;
    let mut made = vec![b'x'; length];
    let overlap = beginning.len().min(length);
    made[..overlap].copy_from_slice(&beginning[..overlap]);
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::file_type::{Readable, of_ending};
    use crate::host::reading;
    use crate::space::media;

    fn made(name: &str, text: Option<&str>, size: Option<&str>) -> Result<Vec<u8>, String> {
        let given = Material {
            name,
            text,
            size,
            path: None,
        };
        let from = Shelf {
            folder: PathBuf::new(),
            is_closed: true,
        };
        bytes(given, &from)
    }

    #[test]
    fn files_are_what_their_names_say_and_as_large_as_asked() {
        assert_eq!(made("a.txt", Some("hello"), None).unwrap(), b"hello");
        assert!(made("a.PDF", None, None).unwrap().starts_with(b"%PDF-"));
        let large = made("a.pdf", None, Some("3 kB")).unwrap();
        assert_eq!((large.len(), &large[..5]), (3000, b"%PDF-".as_slice()));
        assert_eq!(made("a.pdf", None, Some("2 B")).unwrap(), b"%P");
        assert_eq!(made("a.docx", None, Some("3 kB")).unwrap().len(), 3000);
    }

    #[test]
    fn files_are_of_the_type_that_their_names_say() {
        for name in [
            "a.pdf", "a.png", "a.jpg", "a.heic", "a.tiff", "a.doc", "a.xls", "a.msg", "a.mp4", "a.mov", "a.docx",
            "a.xlsx", "a.pptx", "a.odt", "a.ods", "a.zip", "a.txt", "a.csv", "a.eml",
        ] {
            let bytes = made(name, None, None).unwrap();
            let head = &bytes[..bytes.len().min(4096)];
            let packed = media::packed_in(head, std::io::Cursor::new(&bytes));
            let media = media::media_type(name, media::Sample { head, packed });
            let named = of_ending(name.rsplit_once('.').unwrap().1);
            assert_eq!((Some(media.media_type), media.name_agrees), (named, true), "{name}");
        }
    }

    #[test]
    fn the_text_of_a_pdf_can_be_read() {
        let bytes = made("a.PDF", Some("Form W-9 (2026)\nSeñor Müller"), None).unwrap();
        let read = reading::read(Readable::Pdf, bytes);
        assert_eq!(read.text.as_deref(), Some("Form W-9 (2026) Señor Müller"), "{read:?}");
        let scanned = reading::read(Readable::Pdf, made("a.pdf", Some(""), None).unwrap());
        assert_eq!(scanned.why, Some(reading::Why::NoText));
    }

    fn beside(folder: &Path, path: &str) -> Result<Vec<u8>, String> {
        let given = Material {
            name: "a.bin",
            text: None,
            size: None,
            path: Some(path),
        };
        let from = Shelf {
            folder: folder.to_owned(),
            is_closed: true,
        };
        bytes(given, &from)
    }

    #[test]
    fn a_path_stays_in_the_folder_of_the_test() {
        let around = tempfile::tempdir().unwrap();
        let folder = around.path().join("tests");
        std::fs::create_dir_all(folder.join("files")).unwrap();
        std::fs::write(folder.join("files/a.bin"), "inside").unwrap();
        std::fs::write(around.path().join("b.bin"), "outside").unwrap();
        for path in ["files/a.bin", "./files/a.bin", "files/../files/a.bin"] {
            assert_eq!(beside(&folder, path).unwrap(), b"inside", "{path}");
        }
        let outside = around.path().join("b.bin");
        for path in [
            "../b.bin",
            "files/../../b.bin",
            "files/../../tests/files/a.bin",
            outside.to_str().unwrap(),
        ] {
            assert!(beside(&folder, path).unwrap_err().contains("leads out"), "{path}");
        }
        assert!(beside(&folder, "files").unwrap_err().contains("is no file"));
        // whoever plays names any file
        let open = Shelf {
            folder: folder.clone(),
            is_closed: false,
        };
        assert_eq!(open.read("../b.bin").unwrap(), b"outside");
        assert_eq!(open.read(outside.to_str().unwrap()).unwrap(), b"outside");
        assert!(beside(&folder, "c.bin").unwrap_err().contains("cannot be read"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_does_not_lead_out_of_the_folder_of_the_test() {
        use std::os::unix::fs::symlink;
        let around = tempfile::tempdir().unwrap();
        let folder = around.path().join("tests");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("a.bin"), "inside").unwrap();
        std::fs::write(around.path().join("b.bin"), "outside").unwrap();
        symlink(folder.join("a.bin"), folder.join("same.bin")).unwrap();
        symlink(around.path().join("b.bin"), folder.join("file.bin")).unwrap();
        symlink(around.path(), folder.join("up")).unwrap();
        assert_eq!(beside(&folder, "same.bin").unwrap(), b"inside");
        for path in ["file.bin", "up/b.bin"] {
            assert!(beside(&folder, path).unwrap_err().contains("leads out"), "{path}");
        }
    }

    #[test]
    fn a_file_beside_a_test_has_a_size_that_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("a.bin")).unwrap();
        file.set_len(MAX_BYTES).unwrap();
        assert_eq!(beside(folder.path(), "a.bin").unwrap().len() as u64, MAX_BYTES);
        file.set_len(MAX_BYTES + 1).unwrap();
        assert!(beside(folder.path(), "a.bin").unwrap_err().contains("larger than"));
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
