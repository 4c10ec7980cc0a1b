//! Names of files and folders: what is refused, so that a name never becomes a path, never looks
//! like another name, and can be saved on every operating system.
//!
//! A name has one form, NFC: what a Mac sends decomposed and Windows sends composed is one name,
//! and so one file. Names that differ in case are two names, as they are for the people who gave
//! them: a file is fetched by its id, so that one never hides the other.

use unicode_normalization::UnicodeNormalization;

/// Longest name of a file or of one folder, in characters.
pub const MAX_NAME_CHARS: usize = 200;
/// Longest name of a file or of one folder, in bytes of UTF-8: what file systems take.
pub const MAX_NAME_BYTES: usize = 255;
/// Bytes of an extension, with its dot; what is longer is a part of the name.
const EXTENSION_BYTES: usize = 16;
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

/// Characters that names do not hold, by ranges in order, with what they are. Those that only names of files and folders
/// do not hold are marked [`Refused::InName`].
///
/// The joiners U+200C and U+200D are spared: Persian and emoji need them.
const REFUSED: [(char, char, Refused); 26] = [
    ('\0', '\u{1f}', Refused::Control),
    ('"', '"', Refused::InName),
    ('*', '*', Refused::InName),
    ('/', '/', Refused::InName),
    (':', ':', Refused::InName),
    ('<', '<', Refused::InName),
    ('>', '?', Refused::InName),
    ('\\', '\\', Refused::InName),
    ('|', '|', Refused::InName),
    ('\u{7f}', '\u{9f}', Refused::Control),
    ('\u{ad}', '\u{ad}', Refused::Invisible),
    ('\u{34f}', '\u{34f}', Refused::Invisible),
    ('\u{61c}', '\u{61c}', Refused::Direction),
    ('\u{115f}', '\u{1160}', Refused::Invisible),
    ('\u{180e}', '\u{180e}', Refused::Invisible),
    ('\u{200b}', '\u{200b}', Refused::Invisible),
    ('\u{200e}', '\u{200f}', Refused::Direction),
    ('\u{2028}', '\u{2029}', Refused::Control),
    ('\u{202a}', '\u{202e}', Refused::Direction),
    ('\u{2060}', '\u{2064}', Refused::Invisible),
    ('\u{2066}', '\u{206f}', Refused::Direction),
    ('\u{3164}', '\u{3164}', Refused::Invisible),
    ('\u{feff}', '\u{feff}', Refused::Invisible),
    ('\u{ffa0}', '\u{ffa0}', Refused::Invisible),
    ('\u{fff9}', '\u{fffb}', Refused::Invisible),
    ('\u{e0000}', '\u{e007f}', Refused::Invisible),
];

/// What a character is that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It separates folders, or Windows cannot save it.
    InName,
    /// NUL, line ends, escape codes.
    Control,
    /// It is not seen.
    Invisible,
    /// It turns the direction of text, which makes `exe.pdf` of `fdp.exe`.
    Direction,
}

/// Why a name is refused. The name is not repeated: it may be the kind that spoils a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Nothing is left.
    Empty,
    /// `.` and `..` are ways, not names.
    Dots,
    /// See [`REFUSED`].
    Character(char, Refused),
    /// It would look like another name.
    Edge,
    /// See [`MAX_NAME_CHARS`].
    TooManyChars,
    /// See [`MAX_NAME_BYTES`].
    TooLong,
    /// See [`RESERVED`].
    Reserved,
    /// A folder begins at the root.
    NotAbsolute,
    /// See [`MAX_DEPTH`].
    TooDeep,
    /// See [`MAX_FOLDER_BYTES`].
    FolderTooLong,
    /// See [`MAX_COMMENT_BYTES`].
    CommentTooLong,
}

impl NameError {
    /// The same about something that is called `what`, as `the comment`.
    pub fn of(self, what: &str) -> String {
        match self {
            Self::Empty => format!("{what} must not be empty"),
            Self::Dots => format!("{what} must not be `.` or `..`"),
            Self::Character(found, refused) => format!("{what} must not contain {}", refused.shown(found)),
            Self::Edge => format!("{what} must not begin or end with a space, nor end with a dot"),
            Self::TooManyChars => format!("{what} must not be longer than {MAX_NAME_CHARS} characters"),
            Self::TooLong => format!("{what} must not be longer than {MAX_NAME_BYTES} bytes"),
            Self::Reserved => format!("{what} is one that Windows reserves for a device: choose another one"),
            Self::NotAbsolute => "a folder must begin with `/`".to_owned(),
            Self::TooDeep => format!("folders must not be deeper than {MAX_DEPTH}"),
            Self::FolderTooLong => format!("a folder must not be longer than {MAX_FOLDER_BYTES} bytes"),
            Self::CommentTooLong => format!("{what} must not be longer than {MAX_COMMENT_BYTES} bytes"),
        }
    }
}

impl std::fmt::Display for NameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.of("a name"))
    }
}

impl std::error::Error for NameError {}

impl Refused {
    /// The character that was found, so that a person finds it too.
    fn shown(self, found: char) -> String {
        let code = u32::from(found);
        match self {
            Self::InName => format!("`{found}`"),
            Self::Control if found == '\n' || found == '\r' => "the end of a line".to_owned(),
            Self::Control => format!("the control character U+{code:04X}"),
            Self::Invisible => format!("the invisible character U+{code:04X}"),
            Self::Direction => format!("the character U+{code:04X}, which changes the direction of text"),
        }
    }

    /// What is wrong with a character, if anything is.
    fn find(c: char) -> Option<Self> {
        let at = REFUSED.partition_point(|(_, last, _)| *last < c);
        let (first, _, refused) = REFUSED.get(at)?;
        (*first <= c).then_some(*refused)
    }
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
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(NameError::TooManyChars);
    }
    for found in name.chars() {
        if let Some(refused) = Refused::find(found) {
            return Err(NameError::Character(found, refused));
        }
    }
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
    for found in text.chars().filter(|c| !spared(*c)) {
        match Refused::find(found) {
            None | Some(Refused::InName) => {}
            Some(refused) => return Err(NameError::Character(found, refused)),
        }
    }
    Ok(())
}

/// `name` with a number before its extension, as `image (2).jpg`, cut where it would be too long.
pub fn numbered(name: &str, number: usize) -> String {
    let (stem, extension) = match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= EXTENSION_BYTES => name.split_at(at),
        _ => (name, ""),
    };
    let number = format!(" ({number})");
    let room = MAX_NAME_CHARS - number.len() - extension.chars().count();
    let mut kept: String = stem.chars().take(room).collect();
    while kept.len() + number.len() + extension.len() > MAX_NAME_BYTES {
        kept.pop();
    }
    format!("{}{number}{extension}", kept.trim_end())
}

/// The path of a file, to show to people.
pub fn path(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
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
            ("../etc/passwd", NameError::Character('/', Refused::InName)),
            ("a/b", NameError::Character('/', Refused::InName)),
            ("a\\b", NameError::Character('\\', Refused::InName)),
            ("a\0b", NameError::Character('\0', Refused::Control)),
            ("a\nb", NameError::Character('\n', Refused::Control)),
            ("a\u{1b}[31mb", NameError::Character('\u{1b}', Refused::Control)),
            ("a\u{85}b", NameError::Character('\u{85}', Refused::Control)),
            ("a\u{2028}b", NameError::Character('\u{2028}', Refused::Control)),
            (
                "invoice\u{202E}fdp.exe",
                NameError::Character('\u{202E}', Refused::Direction),
            ),
            ("a\u{2066}b", NameError::Character('\u{2066}', Refused::Direction)),
            ("a\u{200B}b", NameError::Character('\u{200B}', Refused::Invisible)),
            ("\u{FEFF}a", NameError::Character('\u{FEFF}', Refused::Invisible)),
            ("a:b", NameError::Character(':', Refused::InName)),
            ("what?.pdf", NameError::Character('?', Refused::InName)),
            (" a", NameError::Edge),
            ("a ", NameError::Edge),
            ("a\u{a0}", NameError::Edge),
            ("a.", NameError::Edge),
            ("NUL", NameError::Reserved),
            ("con.txt", NameError::Reserved),
            ("Lpt1 .tar.gz", NameError::Reserved),
            ("com¹.pdf", NameError::Reserved),
            ("CONOUT$", NameError::Reserved),
            ("a\u{202A}b", NameError::Character('\u{202A}', Refused::Direction)),
            ("a\u{202B}b", NameError::Character('\u{202B}', Refused::Direction)),
            ("a\u{202C}b", NameError::Character('\u{202C}', Refused::Direction)),
            ("a\u{202D}b", NameError::Character('\u{202D}', Refused::Direction)),
            ("a\u{2067}b", NameError::Character('\u{2067}', Refused::Direction)),
            ("a\u{2068}b", NameError::Character('\u{2068}', Refused::Direction)),
            ("a\u{2069}b", NameError::Character('\u{2069}', Refused::Direction)),
            ("a\u{200E}b", NameError::Character('\u{200E}', Refused::Direction)),
            ("a\u{2060}b", NameError::Character('\u{2060}', Refused::Invisible)),
            ("a\u{AD}b", NameError::Character('\u{AD}', Refused::Invisible)),
            ("a\u{3164}b", NameError::Character('\u{3164}', Refused::Invisible)),
            ("a\u{115F}b", NameError::Character('\u{115F}', Refused::Invisible)),
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
    fn a_name_may_have_so_many_characters_and_bytes_and_not_one_more() {
        assert_eq!(check_name(&"n".repeat(MAX_NAME_CHARS)), Ok(()));
        assert_eq!(
            check_name(&"n".repeat(MAX_NAME_CHARS + 1)),
            Err(NameError::TooManyChars)
        );
        let bytes = "é".repeat(MAX_NAME_BYTES / 2);
        assert_eq!(check_name(&format!("{bytes}n")), Ok(()), "{MAX_NAME_BYTES} bytes");
        assert_eq!(check_name(&format!("{bytes}é")), Err(NameError::TooLong));
    }

    #[test]
    fn the_characters_refused_are_in_order() {
        let ends: Vec<char> = REFUSED.iter().flat_map(|(first, last, _)| [*first, *last]).collect();
        assert!(ends.is_sorted());
    }

    #[test]
    fn a_refusal_names_the_character_that_was_found() {
        for (name, why) in [
            ("a:b", "a name must not contain `:`"),
            ("a\nb", "a name must not contain the end of a line"),
            ("a\u{1b}b", "a name must not contain the control character U+001B"),
            ("a\u{200b}b", "a name must not contain the invisible character U+200B"),
            (
                "a\u{202e}b",
                "a name must not contain the character U+202E, which changes the direction of text",
            ),
        ] {
            assert_eq!(check_name(name).unwrap_err().to_string(), why);
        }
        let comment = check_comment(" ").unwrap_err();
        assert_eq!(comment.of("the comment"), "the comment must not be empty");
    }

    #[test]
    fn a_number_goes_before_the_extension_and_the_name_stays_short_enough() {
        for (name, expected) in [
            ("image.jpg", "image (2).jpg"),
            ("notes", "notes (2)"),
            (".hidden", ".hidden (2)"),
            ("a.tar.gz", "a.tar (2).gz"),
            ("v1. The whole of the story", "v1. The whole of the story (2)"),
        ] {
            assert_eq!(numbered(name, 2), expected);
        }
        for long in ["n".repeat(MAX_NAME_CHARS), "é".repeat(MAX_NAME_BYTES / 2)] {
            let name = numbered(&format!("{}.pdf", &long[..long.len() - 4]), 12);
            assert_eq!(check_name(&name), Ok(()), "{name}");
            assert!(name.ends_with(" (12).pdf"), "{name}");
        }
    }

    #[test]
    fn titles_are_one_line_and_comments_may_be_several() {
        assert_eq!(check_title("Review of contract: \"final\" <2>"), Ok(()));
        assert_eq!(
            check_title("a\r\nBcc: eve@example.com"),
            Err(NameError::Character('\r', Refused::Control))
        );
        assert_eq!(check_title(" "), Err(NameError::Empty));
        assert_eq!(check_title(&"t".repeat(MAX_NAME_BYTES)), Ok(()));
        assert_eq!(check_title(&"t".repeat(MAX_NAME_BYTES + 1)), Err(NameError::TooLong));
        assert_eq!(check_comment("two\nlines"), Ok(()));
        assert_eq!(check_comment("\n"), Err(NameError::Empty));
        assert_eq!(
            check_comment("a\u{1b}[2J"),
            Err(NameError::Character('\u{1b}', Refused::Control))
        );
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
            ("/a\\..\\b", NameError::Character('\\', Refused::InName)),
            ("/a/ b", NameError::Edge),
            ("/aux/b", NameError::Reserved),
            ("/a\0", NameError::Character('\0', Refused::Control)),
        ] {
            assert_eq!(folder(given), Err(why), "{given:?}");
        }
    }

    #[test]
    fn folders_have_limits() {
        assert!(folder(&"/a".repeat(MAX_DEPTH)).is_ok());
        assert_eq!(folder(&"/a".repeat(MAX_DEPTH + 1)), Err(NameError::TooDeep));
        let at_limit = format!("/{}/{}", ["a".repeat(198).as_str(); 5].join("/"), "b".repeat(28));
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
