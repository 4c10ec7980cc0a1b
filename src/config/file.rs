//! Files as they are read: texts of a bounded size, and YAML without its traps.

use super::ConfigError;
use super::authored::line_of;
use serde::de::DeserializeOwned;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Largest file of a configuration, in bytes: some twenty thousand people.
pub const MAX_FILE_BYTES: usize = 8 << 20;

/// The file's text, or nothing where there is no such file.
pub(super) fn text_of(file: &Path) -> Result<Option<String>, ConfigError> {
    let place = || file.display().to_string();
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::IsADirectory => ConfigError::at(place(), "is a folder, and a file was expected"),
        _ => ConfigError::of_disk(file, "cannot be read", &error),
    };
    let open = match std::fs::File::open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // One byte past the limit tells that there are more.
    let mut bytes = Vec::new();
    open.take(MAX_FILE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > MAX_FILE_BYTES {
        let message = format!("has more than {MAX_FILE_BYTES} bytes, which is the most that is read");
        return Err(ConfigError::at(place(), message));
    }
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..good]);
        let message = "holds bytes that are no text: write it as UTF-8";
        ConfigError::at(format!("{}:{}", place(), line_of(&before, good)), message)
    })
}

/// Reads YAML without its traps.
pub(super) fn strict<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, ConfigError> {
    let options = serde_yaml::options! {
        strict_booleans: true,
        duplicate_keys: serde_yaml::DuplicateKeyPolicy::Error,
        with_snippet: false,
    };
    serde_yaml::from_str_with_options(text, options).map_err(|error| {
        let place = match error.location() {
            Some(location) => format!("{}:{}", file.display(), location.line()),
            None => file.display().to_string(),
        };
        ConfigError::at(place, in_words(&error.to_string()))
    })
}

/// What the reader of YAML says, for whoever writes the file.
fn in_words(said: &str) -> String {
    // The place is told already.
    let said = said.rsplit_once(" at line ").map_or(said, |(said, _)| said);
    let duplicate = said.strip_prefix("duplicate mapping key: ");
    if let Some(key) = duplicate.and_then(|rest| rest.split(',').next()) {
        return format!("the key {key} stands twice in this map");
    }
    let meant = [
        ("expected mapping start", "a map of keys was expected here"),
        ("expected sequence start", "a list was expected here, as `[a, b]`"),
        (
            "multiple YAML documents",
            "a second document begins here: a file holds one",
        ),
        ("budget breached", "the file holds more keys and values than are read"),
    ];
    let known = meant.iter().find(|(theirs, _)| said.starts_with(theirs));
    known.map_or_else(|| said.to_owned(), |(_, ours)| (*ours).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("people.yaml");
        std::fs::write(&file, "x".repeat(MAX_FILE_BYTES)).unwrap();
        assert_eq!(text_of(&file).unwrap().unwrap().len(), MAX_FILE_BYTES);
        std::fs::write(&file, "x".repeat(MAX_FILE_BYTES + 1)).unwrap();
        assert!(
            text_of(&file)
                .unwrap_err()
                .to_string()
                .contains("has more than 8388608 bytes")
        );
    }
}
