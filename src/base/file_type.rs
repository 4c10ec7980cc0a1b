//! Types of files, as the ends of names say them.

/// Types of files by the ends of their names, in order.
const ENDINGS: [(&str, &str); 34] = [
    ("7z", "application/x-7z-compressed"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    ("exe", "application/vnd.microsoft.portable-executable"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("md", "text/markdown"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
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
    ("webp", "image/webp"),
    ("xls", "application/vnd.ms-excel"),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("xml", "application/xml"),
    ("yaml", "application/yaml"),
    ("zip", "application/zip"),
];

/// The media type of files whose names end so, as `application/pdf` for `pdf` or `.PDF`.
pub fn of_ending(ending: &str) -> Option<&'static str> {
    let ending = ending.trim_start_matches('.').to_ascii_lowercase();
    let index = ENDINGS.binary_search_by_key(&ending.as_str(), |(end, _)| end).ok()?;
    Some(ENDINGS[index].1)
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
