//! What an installation is told: `gatefold.toml`, the environment, the files under the data
//! folder. The only module that reads the environment.
//!
//! Invariant: a configuration is complete and valid, or it is refused with every problem at once;
//! each value knows where it comes from.

pub mod accounts;
pub mod authored;
pub mod environment;
mod file;
pub mod installation;
pub mod people;
pub mod resolved;
pub mod settings;
pub mod tokens;

use crate::base::disk;
use std::path::Path;

pub use accounts::{Accounts, AccountsError};
pub use environment::Environment;
pub use file::MAX_FILE_BYTES;
pub use installation::{CalendarFile, calendar_files, calendars, installation_key, secrets};
pub use resolved::{Http, Limits, LogFormat, Mail, Resolved, Shown, Sources, file_above, load};
pub use settings::{SETTINGS, Setting, json_schema};
pub use tokens::{Scope, TokenLine, hash_token, new_token};

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: `gatefold.toml:3`, `GATEFOLD_LISTEN`, `--listen`, or a file.
    pub place: String,
    /// What was found and what was expected.
    pub message: String,
    /// What to do, where one thing is likely.
    pub help: Option<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Why there is no usable configuration: every problem, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError {
    /// Never empty.
    pub problems: Vec<Problem>,
    /// Whether the disk failed or the system refused access, and nothing is wrong with what is written.
    pub is_of_disk: bool,
}

impl ConfigError {
    /// One problem at one place.
    pub fn at(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            problems: vec![Problem {
                place: place.into(),
                message: message.into(),
                help: None,
            }],
            is_of_disk: false,
        }
    }

    /// A file that the system did not let be used: `what` is as `cannot be read`.
    pub fn of_disk(file: &Path, what: &str, error: &std::io::Error) -> Self {
        Self {
            problems: vec![Problem {
                place: file.display().to_string(),
                message: format!("{what}: {error}"),
                help: disk::remedy(error).map(str::to_owned),
            }],
            is_of_disk: disk::remedy(error).is_some(),
        }
    }
}
