//! Names of files and folders: what is refused, so that a name never becomes a path, never looks
//! like another name, and can be saved on every operating system.
//!
//! A name has one form, NFC: what a Mac sends decomposed and Windows sends composed is one name,
//! and so one file. Names that differ in case are two names, as they are for the people who gave
//! them: a file is fetched by its id, so that one never hides the other.

use unicode_normalization::UnicodeNormalization;

/// Longest name of a file or of one folder, in bytes.
pub const MAX_NAME_BYTES: usize = 255;
/// Most folders within each other.
pub const MAX_DEPTH: usize = 16;
/// Longest folder, in bytes.
pub const MAX_FOLDER_BYTES: usize = 1024;
/// Longest comment, in bytes.
pub const MAX_COMMENT_BYTES: usize = 10_000;

/// Names that Windows takes for devices, whatever follows the first dot.
const RESERVED: [&str; 30] = [
    "con", "conin$", "conout$", "com¹", "com²", "com³", "lpt¹", "lpt²", "lpt³", "prn", "aux", "nul", "com1", "com2",
    "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7",
    "lpt8", "lpt9",
];

/// Why a name is refused. The name is not repeated: it may be the kind that spoils a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left.
    #[error("a name must not be empty")]
    Empty,
    /// `.` and `..` are ways, not names.
    #[error("`.` and `..` are not names")]
    Dots,
    /// Slashes separate folders.
    #[error("a name must not contain `/` or `\\`")]
    Slash,
    /// NUL, line ends, escape codes.
    #[error("a name must not contain control characters")]
    Control,
    /// Characters that turn the direction of text or are not seen make `exe.pdf` of `fdp.exe`.
    #[error("a name must not contain invisible or direction-changing characters")]
    Invisible,
    /// Windows cannot save these.
    #[error("a name must not contain any of < > : \" | ? *")]
    Forbidden,
    /// It would look like another name.
    #[error("a name must not begin or end with a space, nor end with a dot")]
    Edge,
    /// See [`MAX_NAME_BYTES`].
    #[error("a name must not be longer than {MAX_NAME_BYTES} bytes")]
    TooLong,
    /// See [`RESERVED`].
    #[error("the name is reserved for a device")]
    Reserved,
    /// A folder begins at the root.
    #[error("a folder must begin with `/`")]
    NotAbsolute,
    /// See [`MAX_DEPTH`].
    #[error("folders must not be deeper than {MAX_DEPTH}")]
    TooDeep,
    /// See [`MAX_FOLDER_BYTES`].
    #[error("a folder must not be longer than {MAX_FOLDER_BYTES} bytes")]
    FolderTooLong,
    /// See [`MAX_COMMENT_BYTES`].
    #[error("a comment must not be longer than {MAX_COMMENT_BYTES} bytes")]
    CommentTooLong,
}

/// `name` in its one form, if it can be the name of a file, or of one folder.
pub fn name(name: &str) -> Result<String, NameError> {
    // before it grows: some characters become three
    if name.len() > MAX_NAME_BYTES {
        return Err(NameError::TooLong);
    }
    let name: String = name.nfc().collect();
    check_name(&name)?;
    Ok(name)
}

/// Whether `name`, in its one form, can be the name of a file, or of one folder.
pub fn check_name(name: &str) -> Result<(), NameError> {
    if name.trim().is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(NameError::TooLong);
    }
    if name == "." || name == ".." {
        return Err(NameError::Dots);
    }
    for character in name.chars() {
        match character {
            '/' | '\\' => return Err(NameError::Slash),
            '<' | '>' | ':' | '"' | '|' | '?' | '*' => return Err(NameError::Forbidden),
            _ => {}
        }
    }
    check_characters(name, |_| false)?;
    if name.starts_with(char::is_whitespace) || name.ends_with(char::is_whitespace) || name.ends_with('.') {
        return Err(NameError::Edge);
    }
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_lowercase();
    if RESERVED.contains(&stem.as_str()) {
        return Err(NameError::Reserved);
    }
    Ok(())
}

/// `folder` in its one form, `/a/b`: no slash at the end, none twice. The root is `/`.
pub fn folder(folder: &str) -> Result<String, NameError> {
    if folder.len() > MAX_FOLDER_BYTES {
        return Err(NameError::FolderTooLong);
    }
    let rest = folder.strip_prefix('/').ok_or(if folder.is_empty() {
        NameError::Empty
    } else {
        NameError::NotAbsolute
    })?;
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    if parts.len() > MAX_DEPTH {
        return Err(NameError::TooDeep);
    }
    let parts = parts.into_iter().map(name).collect::<Result<Vec<_>, _>>()?;
    let folder = format!("/{}", parts.join("/"));
    if folder.len() > MAX_FOLDER_BYTES {
        return Err(NameError::FolderTooLong);
    }
    Ok(folder)
}

/// Whether `text` can be what people call a share or a workspace: one line.
pub fn check_title(text: &str) -> Result<(), NameError> {
    if text.trim().is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > MAX_NAME_BYTES {
        return Err(NameError::TooLong);
    }
    check_characters(text, |_| false)
}

/// Whether `text` can stand in a mail: several lines, no control characters.
pub fn check_text(text: &str) -> Result<(), NameError> {
    check_characters(text, |c| matches!(c, '\n' | '\r' | '\t'))
}

/// Whether `text` can be a comment: not empty, several lines, no control characters.
pub fn check_comment(text: &str) -> Result<(), NameError> {
    if text.trim().is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > MAX_COMMENT_BYTES {
        return Err(NameError::CommentTooLong);
    }
    check_text(text)
}

fn check_characters(text: &str, spared: impl Fn(char) -> bool) -> Result<(), NameError> {
    for character in text.chars().filter(|c| !spared(*c)) {
        if is_control(character) {
            return Err(NameError::Control);
        }
        if is_invisible(character) {
            return Err(NameError::Invisible);
        }
    }
    Ok(())
}

fn is_control(c: char) -> bool {
    c.is_control() || c == '\u{2028}' || c == '\u{2029}'
}

/// The path of a file, to show to people.
pub fn path(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

/// Characters that change the direction of text, or that nobody sees. The joiners U+200C and
/// U+200D are spared: Persian and emoji need them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_names_are_fine() {
        for name in [
            "contract.pdf",
            "Vertrag Müller & Söhne (2).docx",
            "契約.pdf",
            ".hidden",
            "a",
            "console.log",
            "x'y#z%.md",
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn bad_names_are_refused_each_for_its_reason() {
        for (name, why) in [
            ("", NameError::Empty),
            ("   ", NameError::Empty),
            (".", NameError::Dots),
            ("..", NameError::Dots),
            ("../etc/passwd", NameError::Slash),
            ("a/b", NameError::Slash),
            ("a\\b", NameError::Slash),
            ("a\0b", NameError::Control),
            ("a\nb", NameError::Control),
            ("a\u{1b}[31mb", NameError::Control),
            ("a\u{85}b", NameError::Control),
            ("a\u{2028}b", NameError::Control),
            ("invoice\u{202E}fdp.exe", NameError::Invisible),
            ("a\u{2066}b", NameError::Invisible),
            ("a\u{200B}b", NameError::Invisible),
            ("\u{FEFF}a", NameError::Invisible),
            ("a:b", NameError::Forbidden),
            ("what?.pdf", NameError::Forbidden),
            (" a", NameError::Edge),
            ("a ", NameError::Edge),
            ("a\u{a0}", NameError::Edge),
            ("a.", NameError::Edge),
            ("NUL", NameError::Reserved),
            ("con.txt", NameError::Reserved),
            ("Lpt1 .tar.gz", NameError::Reserved),
            ("com¹.pdf", NameError::Reserved),
            ("CONOUT$", NameError::Reserved),
            ("a\u{202A}b", NameError::Invisible),
            ("a\u{202B}b", NameError::Invisible),
            ("a\u{202C}b", NameError::Invisible),
            ("a\u{202D}b", NameError::Invisible),
            ("a\u{2067}b", NameError::Invisible),
            ("a\u{2068}b", NameError::Invisible),
            ("a\u{2069}b", NameError::Invisible),
            ("a\u{200E}b", NameError::Invisible),
            ("a\u{2060}b", NameError::Invisible),
            ("a\u{AD}b", NameError::Invisible),
            ("a\u{3164}b", NameError::Invisible),
            ("a\u{115F}b", NameError::Invisible),
            ("a...", NameError::Edge),
        ] {
            assert_eq!(check_name(name), Err(why), "{name:?}");
        }
    }

    #[test]
    fn twins_are_one_name() {
        for (given, form) in [
            ("Mu\u{308}ller.pdf", "Müller.pdf"),
            ("Müller.pdf", "Müller.pdf"),
            ("\u{1112}\u{1161}\u{11AB}", "한"),
            ("\u{212B}", "Å"),
            ("A.pdf", "A.pdf"),
            ("a.pdf", "a.pdf"),
            ("ﬁ.pdf", "ﬁ.pdf"),
        ] {
            assert_eq!(name(given).as_deref(), Ok(form), "{given:?}");
            assert_eq!(folder(&format!("/x/{given}")), Ok(format!("/x/{form}")), "{given:?}");
        }
        // U+FB2C becomes three characters: what fits before need not fit after
        assert_eq!(name(&"\u{FB2C}".repeat(MAX_NAME_BYTES / 3)), Err(NameError::TooLong));
    }

    #[test]
    fn a_name_may_have_so_many_bytes_and_not_one_more() {
        assert_eq!(check_name(&"n".repeat(MAX_NAME_BYTES)), Ok(()));
        assert_eq!(check_name(&"n".repeat(MAX_NAME_BYTES + 1)), Err(NameError::TooLong));
        assert_eq!(
            check_name(&"é".repeat(MAX_NAME_BYTES / 2 + 1)),
            Err(NameError::TooLong),
            "bytes, not characters"
        );
    }

    #[test]
    fn titles_are_one_line_and_comments_may_be_several() {
        assert_eq!(check_title("Review of contract: \"final\" <2>"), Ok(()));
        assert_eq!(check_title("a\r\nBcc: eve@example.com"), Err(NameError::Control));
        assert_eq!(check_title(" "), Err(NameError::Empty));
        assert_eq!(check_title(&"t".repeat(MAX_NAME_BYTES)), Ok(()));
        assert_eq!(check_title(&"t".repeat(MAX_NAME_BYTES + 1)), Err(NameError::TooLong));
        assert_eq!(check_comment("two\nlines"), Ok(()));
        assert_eq!(check_comment("\n"), Err(NameError::Empty));
        assert_eq!(check_comment("a\u{1b}[2J"), Err(NameError::Control));
        assert_eq!(check_comment(&"c".repeat(MAX_COMMENT_BYTES)), Ok(()));
        assert_eq!(
            check_comment(&"c".repeat(MAX_COMMENT_BYTES + 1)),
            Err(NameError::CommentTooLong)
        );
    }

    #[test]
    fn folders_have_one_form() {
        for (given, form) in [
            ("/", "/"),
            ("//", "/"),
            ("/a", "/a"),
            ("/a/", "/a"),
            ("//a///b//", "/a/b"),
            ("/a b/ü", "/a b/ü"),
        ] {
            assert_eq!(folder(given).as_deref(), Ok(form), "{given}");
        }
    }

    #[test]
    fn folders_stay_inside() {
        for (given, why) in [
            ("", NameError::Empty),
            ("a/b", NameError::NotAbsolute),
            ("/../etc", NameError::Dots),
            ("/a/../b", NameError::Dots),
            ("/a/./b", NameError::Dots),
            ("/a\\..\\b", NameError::Slash),
            ("/a/ b", NameError::Edge),
            ("/aux/b", NameError::Reserved),
            ("/a\0", NameError::Control),
        ] {
            assert_eq!(folder(given), Err(why), "{given:?}");
        }
    }

    #[test]
    fn folders_have_limits() {
        assert!(folder(&"/a".repeat(MAX_DEPTH)).is_ok());
        assert_eq!(folder(&"/a".repeat(MAX_DEPTH + 1)), Err(NameError::TooDeep));
        let at_limit = format!(
            "/{}/{}/{}/{}/{}",
            "a".repeat(254),
            "b".repeat(254),
            "c".repeat(254),
            "d".repeat(254),
            "abc"
        );
        assert_eq!(at_limit.len(), MAX_FOLDER_BYTES);
        assert!(folder(&at_limit).is_ok());
        assert_eq!(folder(&format!("{at_limit}e")), Err(NameError::FolderTooLong));
    }

    proptest! {
        #[test]
        fn the_one_form_is_stable_and_never_leaves_the_root(text in "\\PC{0,40}|(/(\\.|\\.\\.|[a-c ]{0,3}|\\PC{0,4})){0,20}") {
            if let Ok(form) = folder(&text) {
                prop_assert_eq!(folder(&form), Ok(form.clone()));
                prop_assert!(form.starts_with('/'));
                prop_assert!(!form.split('/').any(|part| part == ".."));
            }
        }

        #[test]
        fn a_good_name_is_one_folder(name in "\\PC{1,30}") {
            if let Ok(form) = super::name(&name) {
                prop_assert_eq!(super::name(&form), Ok(form.clone()));
                prop_assert_eq!(folder(&path("/", &name)), Ok(path("/", &form)));
            }
        }
    }
}
