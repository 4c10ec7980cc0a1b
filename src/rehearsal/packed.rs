//! ZIP files that a test makes on the spot, among them those of Office.

/// The entries that make a ZIP file one of this ending, in order; `None` where it is no ZIP file. The last one holds what
/// stands in the file.
pub(super) fn entries(ending: &str) -> Option<&'static [&'static str]> {
    Some(match ending {
        "docx" => &["[Content_Types].xml", "word/document.xml"],
        "xlsx" => &["[Content_Types].xml", "xl/workbook.xml"],
        "pptx" => &["[Content_Types].xml", "ppt/presentation.xml"],
        "odt" => &["mimetype", "application/vnd.oasis.opendocument.text", "content.xml"],
        "ods" => &[
            "mimetype",
            "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml",
        ],
        "odp" => &[
            "mimetype",
            "application/vnd.oasis.opendocument.presentation",
            "content.xml",
        ],
        "zip" => &["content.txt"],
        _ => return None,
    })
}

/// A ZIP file whose last entry holds `content`, stored as it is. The word behind `mimetype` is what stands in that entry.
pub(super) fn make(names: &[&str], content: &[u8]) -> Vec<u8> {
    let mut stored: Vec<(&str, &[u8])> = match names {
        ["mimetype", media_type, rest @ ..] => {
            let rest = rest.iter().map(|name| (*name, [].as_slice()));
            std::iter::once(("mimetype", media_type.as_bytes()))
                .chain(rest)
                .collect()
        }
        names => names.iter().map(|name| (*name, [].as_slice())).collect(),
    };
    if let Some(last) = stored.last_mut() {
        last.1 = content;
    }
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in &stored {
        let common = common_header(name, bytes);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(short(file.len()));
        directory.extend(name.as_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(name.as_bytes());
        file.extend(*bytes);
    }
    let start = file.len();
    let count = u16::try_from(stored.len()).unwrap_or(u16::MAX).to_le_bytes();
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([count, count].concat());
    file.extend(short(directory.len()));
    file.extend(short(start));
    file.extend([0; 2]);
    file
}

/// What the header of an entry and its line in the directory have in common.
fn common_header(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = b"\x14\0\0\0\0\0\0\0\0\0".to_vec();
    header.extend(rawzip::crc32(bytes).to_le_bytes());
    header.extend(short(bytes.len()));
    header.extend(short(bytes.len()));
    let name_length = u16::try_from(name.len()).unwrap_or(u16::MAX);
    header.extend(name_length.to_le_bytes());
    header.extend([0; 2]);
    header
}

/// A number of 32 bits: a test makes no larger files.
fn short(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}
