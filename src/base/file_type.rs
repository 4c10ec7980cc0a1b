//! Types of files, by the extensions of their names.

/// Types of files by the ends of their names, in order.
const ENDINGS: [(&str, &str); 59] = [
    ("7z", "application/x-7z-compressed"),
    ("avi", "video/x-msvideo"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    ("docm", "application/vnd.ms-word.document.macroenabled.12"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    ("dwg", "image/vnd.dwg"),
    ("eml", "message/rfc822"),
    ("epub", "application/epub+zip"),
    ("exe", "application/vnd.microsoft.portable-executable"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("heic", "image/heic"),
    ("heif", "image/heic"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("log", "text/plain"),
    ("m4v", "video/x-m4v"),
    ("md", "text/markdown"),
    ("mkv", "video/x-matroska"),
    ("mov", "video/quicktime"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpeg"),
    ("msg", "application/vnd.ms-outlook"),
    ("odg", "application/vnd.oasis.opendocument.graphics"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("p7m", "application/pkcs7-mime"),
    ("p7s", "application/pkcs7-signature"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptm", "application/vnd.ms-powerpoint.presentation.macroenabled.12"),
    (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("ps", "application/postscript"),
    ("rar", "application/vnd.rar"),
    ("rtf", "application/rtf"),
    ("svg", "image/svg+xml"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("txt", "text/plain"),
    ("wasm", "application/wasm"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("wmv", "video/x-ms-wmv"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsm", "application/vnd.ms-excel.sheet.macroenabled.12"),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("xml", "application/xml"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("zip", "application/zip"),
];

/// The media type of files whose names end so, as `application/pdf` for `pdf` or `.PDF`.
pub fn of_ending(ending: &str) -> Option<&'static str> {
    let ending = ending.trim_start_matches('.').to_ascii_lowercase();
    let index = ENDINGS.binary_search_by_key(&ending.as_str(), |(end, _)| end).ok()?;
    Some(ENDINGS[index].1)
}

/// The extensions of files of this media type, as `jpeg` and `jpg` for `image/jpeg`.
pub fn endings_of(media_type: &str) -> impl Iterator<Item = &'static str> {
    let of_type = ENDINGS.iter().filter(move |(_, one)| *one == media_type);
    of_type.map(|(ending, _)| *ending)
}

/// The known media type that is written as `text`.
pub fn known(text: &str) -> Option<&'static str> {
    let mut types = ENDINGS.iter().map(|(_, media_type)| *media_type);
    types.find(|media_type| *media_type == text)
}

/// What can be read out of a file, by what kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readable {
    /// The text of a PDF.
    Pdf,
    /// A text, and a table with a first line that names its columns.
    Table,
    /// A text.
    Plain,
}

/// What can be read out of files of this media type, if anything can.
pub fn readable(media_type: &str) -> Option<Readable> {
    match media_type {
        "application/pdf" => Some(Readable::Pdf),
        "text/csv" => Some(Readable::Table),
        "text/plain" | "text/markdown" => Some(Readable::Plain),
        _ => None,
    }
}

/// Every ending that is known.
pub fn endings() -> impl Iterator<Item = &'static str> + Clone {
    ENDINGS.iter().map(|(ending, _)| *ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_found_by_halving() {
        assert!(ENDINGS.is_sorted());
        assert_eq!(of_ending(".PDF"), Some("application/pdf"));
        assert_eq!(of_ending("nothing"), None);
    }
}
