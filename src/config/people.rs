//! `people.yaml`: who there is. Read strictly: nothing unknown, nothing twice, no `yes` for `true`.

use super::file::{strict, text_of};
use super::{ConfigError, Problem};
use crate::base::address::mail_address;
use crate::people::Directory;
use std::collections::BTreeMap;
use std::path::Path;

/// What an empty file is told.
const EXAMPLE: &str =
    "write `users: { anna: { name: Anna, email: anna@example.com, roles: [legal] } }`; `users: {}` for nobody";

/// Reads the file; one that is missing names nobody. One that is empty is refused: it may be on its way.
pub fn read(file: &Path) -> Result<Directory, ConfigError> {
    let Some(text) = text_of(file)? else {
        return Ok(Directory::default());
    };
    let is_bare = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#') || line.trim() == "---";
    if text.trim_start_matches('\u{feff}').lines().all(is_bare) {
        return Err(ConfigError {
            problems: vec![Problem {
                place: file.display().to_string(),
                message: "is empty, and says who there is".to_owned(),
                help: Some(EXAMPLE.to_owned()),
            }],
            is_of_disk: false,
        });
    }
    let directory: Directory = strict(file, &text)?;
    check(file, &directory)?;
    Ok(directory)
}

/// Names that can be written in a flow, and managers that exist.
fn check(file: &Path, directory: &Directory) -> Result<(), ConfigError> {
    let refuse = |message: String| Err(ConfigError::at(file.display().to_string(), message));
    let mut addresses: BTreeMap<String, &String> = BTreeMap::new();
    for (name, person) in &directory.users {
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || !name.chars().all(fits) {
            return refuse(format!(
                "{name:?} is no user name: letters, digits, dots, dashes and underscores"
            ));
        }
        let Some(address) = mail_address(&person.email) else {
            return refuse(format!("{name}: {:?} is no mail address", person.email));
        };
        if let Some(other) = addresses.insert(address, name) {
            return refuse(format!(
                "{name} and {other} have one mail address, {}: nobody could tell who of them is meant by it",
                person.email
            ));
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
