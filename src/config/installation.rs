//! What lies under the data folder and is read at the start: key, secrets, calendars.

use super::authored::line_of;
use super::file::text_of;
use super::{ConfigError, Environment, Problem};
use crate::base::{Calendar, Calendars, Diagnostic, Document, Severity, Span, codes};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Bytes of the installation's key.
pub const KEY_BYTES: usize = 32;
/// Largest secret, in bytes.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// The installation's key, `DATA/key`. It is made when it is missing, by one process only, even
/// if two start at once.
pub fn installation_key(data: &Path) -> Result<[u8; KEY_BYTES], ConfigError> {
    let file = data.join("key");
    let place = || file.display().to_string();
    let failed = |error: std::io::Error| ConfigError::of_disk(&file, "cannot be read or made", &error);
    if !file.try_exists().map_err(failed)? {
        if data.join("gatefold.db").exists() || data.join("blobs").exists() {
            let message = "is missing although there is a store: bring it back from the backup; with a new key every \
                           link that was sent stops working";
            return Err(ConfigError::at(place(), message));
        }
        std::fs::create_dir_all(data).map_err(failed)?;
        let mut bytes = [0_u8; KEY_BYTES];
        getrandom::fill(&mut bytes).expect("the system has random numbers");
        // A temporary file is readable by its owner alone.
        let mut incoming = tempfile::NamedTempFile::new_in(data).map_err(failed)?;
        incoming.write_all(&bytes).map_err(failed)?;
        incoming.as_file().sync_all().map_err(failed)?;
        match incoming.persist_noclobber(&file) {
            Ok(_) => {}
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error.error)),
        }
    }
    for_owner_alone(&file)?;
    let bytes = std::fs::read(&file).map_err(failed)?;
    let found = bytes.len();
    bytes.try_into().map_err(|_| {
        let message = format!(
            "holds {found} bytes instead of {KEY_BYTES}: bring it back from the backup; with another key every link \
             that was sent stops working"
        );
        ConfigError::at(place(), message)
    })
}

/// Secrets by name, from `DATA/secrets/NAME` and from the environment, which wins.
pub fn secrets(data: &Path, environment: &Environment) -> Result<BTreeMap<String, SecretString>, ConfigError> {
    let mut secrets = BTreeMap::new();
    let folder = data.join("secrets");
    for (name, file) in files_in(&folder)? {
        if !is_secret_name(&name) {
            let message = "is no name of a secret: capital letters, digits and underscores";
            return Err(ConfigError::at(file.display().to_string(), message));
        }
        secrets.insert(name, secret_file(&file)?);
    }
    for (name, value) in environment.secrets() {
        if !is_secret_name(name) || value.is_empty() {
            let place = format!("{}{name}", super::environment::SECRET_PREFIX);
            let message = "is empty or no name of a secret: capital letters, digits and underscores";
            return Err(ConfigError::at(place, message));
        }
        secrets.insert(name.to_owned(), SecretString::from(value.to_owned()));
    }
    Ok(secrets)
}

pub(super) fn is_secret_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    name.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase()) && name.bytes().all(fits)
}

fn secret_file(file: &Path) -> Result<SecretString, ConfigError> {
    for_owner_alone(file)?;
    let refuse = |message: String| ConfigError::at(file.display().to_string(), message);
    let size = std::fs::metadata(file).map_or(0, |data| data.len());
    if size > SECRET_BYTES_MAX {
        return Err(refuse(format!(
            "holds {size} bytes; a secret has at most {SECRET_BYTES_MAX}"
        )));
    }
    let text = std::fs::read_to_string(file).map_err(|error| ConfigError::of_disk(file, "cannot be read", &error))?;
    // Editors end a file with a line break, which belongs to no secret.
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(refuse("is empty; an empty secret protects nothing".to_owned()));
    }
    Ok(SecretString::from(secret.to_owned()))
}

/// Refuses a file that others than its owner can read.
fn for_owner_alone(file: &Path) -> Result<(), ConfigError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let place = file.display().to_string();
        let data = std::fs::metadata(file).map_err(|error| ConfigError::of_disk(file, "cannot be read", &error))?;
        let mode = data.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let message = format!("others can read it (mode {mode:o}): chmod 600 {place}");
            return Err(ConfigError::at(place, message));
        }
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// The calendars in a folder, by the names of their files without `.yaml`.
pub fn calendars(folder: &Path) -> Result<Calendars, ConfigError> {
    let mut calendars = Calendars::new();
    for file in calendar_files(folder)? {
        let problems = file.problems();
        match file.calendar {
            Some(calendar) if problems.is_empty() => {
                calendars.insert(file.name, calendar);
            }
            _ if problems.is_empty() => return Err(ConfigError::at(file.place, "holds no calendar")),
            _ => {
                return Err(ConfigError {
                    problems,
                    is_of_disk: false,
                });
            }
        }
    }
    Ok(calendars)
}

/// A calendar's file as it was read.
#[derive(Clone, Debug)]
pub struct CalendarFile {
    /// What flows call the calendar.
    pub name: String,
    /// Where it lies.
    pub place: String,
    /// Its text.
    pub text: String,
    /// The calendar, where working time can be computed from it.
    pub calendar: Option<Calendar>,
    /// What was found in it.
    pub findings: Vec<Diagnostic>,
}

impl CalendarFile {
    fn problems(&self) -> Vec<Problem> {
        let errors = self
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        errors
            .map(|finding| Problem {
                place: format!("{}:{}", self.place, line_of(&self.text, finding.primary.start)),
                message: finding.message.clone(),
                help: finding.help.clone(),
            })
            .collect()
    }
}

/// The files of the calendars in a folder, with whatever is wrong in them.
pub fn calendar_files(folder: &Path) -> Result<Vec<CalendarFile>, ConfigError> {
    let mut found = Vec::new();
    for (name, file) in files_in(folder)? {
        let place = file.display().to_string();
        if let Some(name) = name.strip_suffix(".yml") {
            found.push(passed_over(name, place));
            continue;
        }
        let Some(name) = name.strip_suffix(".yaml") else {
            continue;
        };
        let text = text_of(&file)?.unwrap_or_default();
        let (document, mut findings) = Document::parse(&place, &text);
        let (calendar, more) = Calendar::from_document(&document);
        findings.extend(more);
        found.push(CalendarFile {
            name: name.to_owned(),
            place,
            findings: findings.told(text.len()),
            calendar,
            text,
        });
    }
    Ok(found)
}

/// A file that is meant as a calendar, and whose name flows would look for in vain.
fn passed_over(name: &str, place: String) -> CalendarFile {
    let message = "this file is not read: the name of a calendar's file ends with `.yaml`";
    let finding = Diagnostic::error(codes::BAD_CALENDAR, message, Span::new(0, 0));
    CalendarFile {
        name: name.to_owned(),
        place,
        text: String::new(),
        calendar: None,
        findings: vec![finding.with_help(format!("call it {name}.yaml"))],
    }
}

/// Files in a folder with their names, in order; none where there is no folder. Hidden ones are left out.
fn files_in(folder: &Path) -> Result<Vec<(String, std::path::PathBuf)>, ConfigError> {
    let failed = |error: std::io::Error| ConfigError::of_disk(folder, "cannot be read", &error);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if let Some(name) = name.filter(|name| !name.starts_with('.') && path.is_file()) {
            files.push((name, path));
        }
    }
    files.sort();
    Ok(files)
}
