//! Flags that name settings, on their way into the configuration.

use super::exit::Failure;
use crate::config::{self, Environment, Resolved, Sources};
use std::path::PathBuf;

/// Where this call's settings come from.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    sources: Sources,
}

impl Settings {
    /// From the environment and the file named by `--config`, if one is.
    pub fn new(file: Option<PathBuf>) -> Self {
        Self {
            sources: Sources {
                file,
                environment: Environment::of_process(),
                ..Sources::default()
            },
        }
    }

    /// With a flag that sets `key`, if it was given.
    pub fn with(mut self, key: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.sources.flags.insert(key.to_owned(), value.to_owned());
        }
        self
    }

    /// From a file and flags, whatever the environment says.
    pub fn of_file_alone(file: PathBuf) -> Self {
        Self {
            sources: Sources {
                file: Some(file),
                ..Sources::default()
            },
        }
    }

    /// The complete configuration.
    pub fn load(&self) -> Result<Resolved, Failure> {
        Ok(config::load(&self.sources)?)
    }

    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.sources.environment
    }
}
