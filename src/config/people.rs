//! `people.yaml`: who there is. Read strictly: nothing unknown, nothing twice, no `yes` for `true`.

use super::ConfigError;
use crate::base::address::mail_address;
use crate::people::Directory;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Reads the file; one that is missing names nobody.
pub fn read(file: &Path) -> Result<Directory, ConfigError> {
    let Some(text) = text_of(file)? else {
        return Ok(Directory::default());
    };
    if text.trim().is_empty() {
        return Ok(Directory::default());
    }
    let directory: Directory = strict(file, &text)?;
    check(file, &directory)?;
    Ok(directory)
}

/// Names that can be written in a flow, and managers that exist.
fn check(file: &Path, directory: &Directory) -> Result<(), ConfigError> {
    let refuse = |message: String| Err(ConfigError::at(file.display().to_string(), message));
    for (name, person) in &directory.users {
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || !name.chars().all(fits) {
            return refuse(format!(
                "{name:?} is no user name: letters, digits, dots, dashes and underscores"
            ));
        }
        if mail_address(&person.email).is_none() {
            return refuse(format!("{name}: {:?} is no mail address", person.email));
        }
        for absence in &person.absent {
            if absence.until < absence.from {
                return refuse(format!("{name}: an absence ends on {} before it begins", absence.until));
            }
            if absence.deputy == *name || !directory.users.contains_key(&absence.deputy) {
                return refuse(format!(
                    "{name}: {} cannot be the deputy: name another user of this file",
                    absence.deputy
                ));
            }
        }
        if let Some(manager) = person
            .manager
            .as_ref()
            .filter(|manager| !directory.users.contains_key(*manager))
        {
            return refuse(format!("{name}: there is no user {manager} who could be the manager"));
        }
    }
    Ok(())
}

/// The file's text, or nothing where there is no such file.
pub(super) fn text_of(file: &Path) -> Result<Option<String>, ConfigError> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ConfigError::at(
            file.display().to_string(),
            format!("cannot be read: {error}"),
        )),
    }
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
        ConfigError::at(place, error.to_string())
    })
}
