//! What to do about errors of the file system.

use std::io::{Error, ErrorKind};

/// What an administrator can do about a file that cannot be read or written; nothing where the error has another
/// cause.
pub fn remedy(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::PermissionDenied => Some("let the user that gatefold runs as read and write it"),
        ErrorKind::ReadOnlyFilesystem => Some("mount its file system for writing"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some("make room on its disk"),
        ErrorKind::FileTooLarge => Some("raise the largest size of a file, `ulimit -f`"),
        ErrorKind::NotFound | ErrorKind::AlreadyExists | ErrorKind::IsADirectory | ErrorKind::NotADirectory => None,
        _ => Some("look at its disk"),
    }
}

/// The error and its remedy, as a message ends with them.
pub fn in_words(error: &Error) -> String {
    match remedy(error) {
        Some(remedy) => format!("{error}; {remedy}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_of_a_disk_has_a_remedy_and_a_missing_file_has_none() {
        for (kind, told) in [
            (ErrorKind::PermissionDenied, "the user"),
            (ErrorKind::ReadOnlyFilesystem, "mount"),
            (ErrorKind::StorageFull, "room"),
            (ErrorKind::QuotaExceeded, "room"),
            (ErrorKind::FileTooLarge, "ulimit"),
            (ErrorKind::Other, "look at its disk"),
        ] {
            let said = in_words(&kind.into());
            assert!(said.contains(told), "{said}");
        }
        assert_eq!(remedy(&ErrorKind::NotFound.into()), None);
    }
}
