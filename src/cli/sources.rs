//! Flow files as the commands that read them find them, and what they are checked against.

use super::exit::Failure;
use super::settings::Settings;
use crate::base::Calendars;
use crate::config;
use crate::lint::{self, Verdict};
use crate::spec::Catalog;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What the name of a flow's file ends with.
pub const ENDING: &str = ".flow.yaml";
/// Where flows lie in a folder made by `gatefold init`.
const FOLDER: &str = "definitions";
/// Name that stands for standard input.
const STDIN: &str = "-";

/// A flow's text.
#[derive(Clone, Debug)]
pub struct Source {
    /// What people call it: its path as given, or `<stdin>`.
    pub name: String,
    /// The text.
    pub text: String,
    /// The folder it lies in, if it is a file.
    pub folder: Option<PathBuf>,
}

/// Reads one file, or standard input for `-`.
pub fn read_one(path: &str) -> Result<Source, Failure> {
    if path == STDIN {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::Environment(format!("standard input: {error}")))?;
        return Ok(Source {
            name: "<stdin>".to_owned(),
            text,
            folder: None,
        });
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::Usage(format!("{path} cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        Failure::Usage(format!(
            "{path} is not UTF-8: byte {} is wrong",
            error.utf8_error().valid_up_to()
        ))
    })?;
    let folder = Path::new(path).parent().map(Path::to_owned);
    Ok(Source {
        name: path.to_owned(),
        text,
        folder,
    })
}

/// Reads every flow that `paths` mean: files as they are, folders with everything below them.
/// Without any, what lies below `definitions`, or else below the current folder.
pub fn read_all(paths: &[String]) -> Result<Vec<Source>, Failure> {
    let here = if Path::new(FOLDER).is_dir() { FOLDER } else { "." };
    let default = [here.to_owned()];
    let paths = if paths.is_empty() { &default } else { paths };
    let mut names = Vec::new();
    for path in paths {
        if Path::new(path).is_dir() {
            below(Path::new(path), &mut names)?;
        } else {
            names.push(path.clone());
        }
    }
    if names.is_empty() {
        return Err(Failure::Usage(format!(
            "there is no *{ENDING} below {}",
            paths.join(", ")
        )));
    }
    names.iter().map(|name| read_one(name)).collect()
}

/// Every flow file below a folder, in a fixed order. Hidden folders and `target` are left out.
fn below(folder: &Path, names: &mut Vec<String>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Environment(format!("{} cannot be read: {error}", folder.display()));
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            below(&path, names)?;
        } else if name.ends_with(ENDING) {
            let shown = path.strip_prefix(".").unwrap_or(&path);
            names.push(shown.display().to_string());
        }
    }
    Ok(())
}

/// What flows are checked against.
pub struct Surroundings {
    calendars: Calendars,
}

impl Surroundings {
    /// The calendars of the configuration.
    pub fn load(settings: &Settings) -> Result<Self, Failure> {
        let resolved = settings.load()?;
        Ok(Self {
            calendars: config::calendars(&resolved.calendars)?,
        })
    }

    /// Reads, checks and compiles a flow. Calendars in a folder `calendars` beside it count too,
    /// so that a folder of flows can be checked before there is an installation.
    pub fn check(&self, source: &Source) -> Result<Verdict, Failure> {
        let mut calendars = self.calendars.clone();
        if let Some(folder) = &source.folder {
            for (name, calendar) in config::calendars(&folder.join("calendars"))? {
                calendars.entry(name).or_insert(calendar);
            }
        }
        let surroundings = lint::Surroundings {
            catalog: Catalog::builtin(),
            calendars: &calendars,
        };
        Ok(lint::check(&source.name, &source.text, surroundings))
    }
}
