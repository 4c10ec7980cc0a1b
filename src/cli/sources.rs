//! Flow files as the commands that read them find them, and what they are checked against.

use super::exit::Failure;
use super::settings::Settings;
use crate::base::render::FileFindings;
use crate::base::secret_rules::SecretRules;
use crate::base::source::MAX_FILE_BYTES;
use crate::base::{Calendar, Calendars, Document};
use crate::config;
use crate::lint::{self, Flows, Outline, Verdict, may_run_others};
use crate::people::Directory;
use crate::spec::run::flows_run;
use crate::spec::{Catalog, FlowSpec};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the name of a flow's file ends with.
pub const ENDING: &str = ".flow.yaml";
/// Where flows lie in a folder made by `gatefold init`.
const FOLDER: &str = "definitions";
/// Folders that hold what others wrote or what was built.
const LEFT_OUT: [&str; 2] = ["target", "node_modules"];
/// Most files and folders that are looked at in search of flows.
pub const MAX_ENTRIES: usize = 100_000;
/// Largest file that is read to be told that it is too large, in bytes.
pub const MAX_READ_BYTES: u64 = 16 << 20;
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
        let bytes = bounded(std::io::stdin(), "standard input")?;
        return Ok(Source {
            name: "<stdin>".to_owned(),
            text: text(bytes, "standard input")?,
            folder: None,
        });
    }
    let file = std::fs::File::open(path).map_err(|error| Failure::Usage(format!("{path} cannot be read: {error}")))?;
    Ok(Source {
        name: path.to_owned(),
        text: text(bounded(file, path)?, path)?,
        folder: Path::new(path).parent().map(Path::to_owned),
    })
}

/// Everything that `from` gives, unless it is far from being a flow.
fn bounded(from: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    from.take(MAX_READ_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::Usage(format!("{name} cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_READ_BYTES {
        return Err(Failure::Usage(format!(
            "{name} has more than {MAX_READ_BYTES} bytes, and a flow at most {MAX_FILE_BYTES}"
        )));
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>, name: &str) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::Usage(format!("{name} is not UTF-8: byte {at} is wrong"))
    })
}

/// The flows that lie in a folder, not below it, in the order of their names.
pub fn flows_in(folder: Option<&Path>) -> Result<Vec<Source>, Failure> {
    let Some(folder) = folder else { return Ok(Vec::new()) };
    let place = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = std::fs::read_dir(place)
        .map_err(|error| Failure::Environment(format!("{} cannot be read: {error}", place.display())))?;
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.filter(|name| name.ends_with(ENDING)).take(MAX_ENTRIES).collect();
    names.sort_unstable();
    let files = names.iter().map(|name| folder.join(name)).filter(|file| file.is_file());
    files.map(|file| read_one(&file.display().to_string())).collect()
}

/// The flows beside a flow that it runs, and those that they run: each after what it runs itself.
pub fn run_by(source: &Source) -> Result<Vec<Source>, Failure> {
    let mut found: Vec<Source> = Vec::new();
    if !may_run_others(&source.text) {
        return Ok(found);
    }
    let others = flows_in(source.folder.as_deref())?;
    let specs: Vec<_> = others.iter().map(spec_of).collect();
    let mut known = BTreeSet::new();
    let own = spec_of(source);
    known.extend(own.as_ref().map(|spec| spec.flow.clone()));
    let mut left: VecDeque<_> = own.iter().collect();
    while let Some(spec) = left.pop_front() {
        for name in flows_run(spec) {
            let is_it = |other: &Option<FlowSpec>| other.as_ref().is_some_and(|spec| spec.flow == name);
            if known.insert(name.to_owned())
                && let Some(at) = specs.iter().position(is_it)
            {
                found.push(others[at].clone());
                left.extend(&specs[at]);
            }
        }
    }
    found.reverse();
    Ok(found)
}

fn spec_of(source: &Source) -> Option<FlowSpec> {
    let (document, _) = Document::parse(&source.name, &source.text);
    crate::spec::read_flow(&document).0
}

/// Reads every flow that `paths` mean, see `names`.
pub fn read_all(paths: &[String]) -> Result<Vec<Source>, Failure> {
    read_all_ending(paths, ENDING)
}

/// Reads every file that `paths` mean whose name ends so, by the same rules.
pub fn read_all_ending(paths: &[String], ending: &str) -> Result<Vec<Source>, Failure> {
    names_ending(paths, ending)?.iter().map(|name| read_one(name)).collect()
}

/// Every flow that `paths` mean: files as they are, folders with everything below them.
/// Without any, what lies below `definitions`, or else below the current folder.
pub fn names(paths: &[String]) -> Result<Vec<String>, Failure> {
    names_ending(paths, ENDING)
}

fn names_ending(paths: &[String], ending: &str) -> Result<Vec<String>, Failure> {
    let here = if Path::new(FOLDER).is_dir() { FOLDER } else { "." };
    let default = [here.to_owned()];
    let is_default = paths.is_empty();
    let paths = if is_default { &default } else { paths };
    let mut search = Search {
        names: Vec::new(),
        seen: 0,
    };
    for path in paths {
        if Path::new(path).is_dir() {
            search.below(Path::new(path), ending)?;
        } else {
            search.names.push(path.clone());
        }
    }
    let names = search.names;
    if names.is_empty() {
        let above = config::file_above().filter(|_| is_default);
        let hint = above.map_or(String::new(), |file| {
            format!("; {} is read from its own folder alone: go there", file.display())
        });
        return Err(Failure::Usage(format!(
            "there is no *{ending} below {}{hint}",
            paths.join(", ")
        )));
    }
    Ok(names)
}

/// A look through folders for files.
struct Search {
    names: Vec<String>,
    /// Entries of folders seen so far.
    seen: usize,
}

impl Search {
    /// Every file below a folder whose name ends so, in a fixed order. Hidden folders and those of [`LEFT_OUT`] are
    /// left out, and links to folders are not followed.
    fn below(&mut self, folder: &Path, ending: &str) -> Result<(), Failure> {
        let failed =
            |error: std::io::Error| Failure::Environment(format!("{} cannot be read: {error}", folder.display()));
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            self.seen += 1;
            if self.seen > MAX_ENTRIES {
                return Err(Failure::Usage(format!(
                    "there are more than {MAX_ENTRIES} files and folders here: name the folder that the flows lie in"
                )));
            }
            entries.push((entry.path(), entry.file_type().map_err(failed)?));
        }
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (path, kind) in entries {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if kind.is_dir() {
                if !name.starts_with('.') && !LEFT_OUT.contains(&name.as_str()) {
                    self.below(&path, ending)?;
                }
            } else if name.ends_with(ending) && path.is_file() {
                let shown = path.strip_prefix(".").unwrap_or(&path);
                self.names.push(shown.display().to_string());
            }
        }
        Ok(())
    }
}

/// What flows are checked against.
pub struct Surroundings {
    calendars: Known,
    /// Where they lie.
    calendars_folder: PathBuf,
    /// By folder of flows, what lies in `calendars` there.
    beside: BTreeMap<PathBuf, Known>,
    people: Directory,
    secrets: SecretRules,
    /// By folder, the flows that flows there may run.
    flows: BTreeMap<Option<PathBuf>, Flows>,
}

/// The calendars of one folder.
#[derive(Default)]
struct Known {
    calendars: Calendars,
    /// Those that are broken.
    broken: Vec<FileFindings>,
}

impl Known {
    /// A calendar that is broken has findings of its own; flows are checked as if it were whole.
    fn read(folder: &Path) -> Result<Self, Failure> {
        let mut known = Self::default();
        for file in config::calendar_files(folder)? {
            let calendar = file.calendar.unwrap_or_else(|| Calendar {
                zone: "UTC".to_owned(),
                hours: vec!["09:00-17:00".to_owned()],
                week: vec!["mon".to_owned()],
                holidays: Vec::new(),
            });
            known.calendars.entry(file.name).or_insert(calendar);
            if !file.findings.is_empty() {
                known.broken.push(FileFindings {
                    name: file.place,
                    text: file.text.into(),
                    findings: file.findings,
                });
            }
        }
        Ok(known)
    }
}

impl Surroundings {
    /// The calendars, the people and the bindings of secrets of the configuration.
    pub fn load(settings: &Settings) -> Result<Self, Failure> {
        let resolved = settings.load()?;
        Ok(Self {
            calendars: Known::read(&resolved.calendars)?,
            people: config::people::read(&resolved.people)?,
            secrets: resolved.secret_rules(),
            calendars_folder: resolved.calendars,
            beside: BTreeMap::new(),
            flows: BTreeMap::new(),
        })
    }

    /// Gets to know what `sources` may run: those that lie beside them, and all of them.
    pub fn know(&mut self, sources: &[Source]) -> Result<(), Failure> {
        if !sources.iter().any(|source| may_run_others(&source.text)) {
            return Ok(());
        }
        let mut all = Vec::new();
        let mut beside = BTreeMap::<_, Vec<_>>::new();
        for source in sources {
            all.extend(self.outline(source)?);
            if !beside.contains_key(&source.folder) {
                let mut outlines = Vec::new();
                for other in flows_in(source.folder.as_deref())? {
                    outlines.extend(self.outline(&other)?);
                }
                beside.insert(source.folder.clone(), outlines);
            }
        }
        for (folder, nearest) in beside {
            let mut flows = Flows::default();
            for outline in nearest {
                flows.add(outline);
            }
            for outline in &all {
                if flows.versions(&outline.flow).next().is_none() {
                    flows.add(Arc::clone(outline));
                }
            }
            self.flows.insert(folder, flows);
        }
        Ok(())
    }

    fn outline(&mut self, source: &Source) -> Result<Option<Arc<Outline>>, Failure> {
        let calendars = self.calendars_of(source)?;
        let surroundings = lint::Surroundings {
            catalog: Catalog::builtin(),
            calendars: &calendars,
            people: None,
            flows: None,
            secrets: None,
        };
        Ok(lint::outline(&source.name, &source.text, surroundings).map(Arc::new))
    }

    /// Calendars in a folder `calendars` beside a flow count too, so that a folder of flows can be
    /// checked before there is an installation.
    fn calendars_of(&mut self, source: &Source) -> Result<Calendars, Failure> {
        let mut calendars = self.calendars.calendars.clone();
        if let Some(folder) = &source.folder {
            if !self.beside.contains_key(folder) {
                let known = Known::read(&folder.join("calendars"))?;
                self.beside.insert(folder.clone(), known);
            }
            for (name, calendar) in &self.beside[folder].calendars {
                calendars.entry(name.clone()).or_insert_with(|| calendar.clone());
            }
        }
        Ok(calendars)
    }

    /// Reads, checks and compiles a flow.
    pub fn check(&mut self, source: &Source) -> Result<Verdict, Failure> {
        let calendars = self.calendars_of(source)?;
        let surroundings = lint::Surroundings {
            catalog: Catalog::builtin(),
            calendars: &calendars,
            people: Some(&self.people),
            flows: self.flows.get(&source.folder),
            secrets: Some(&self.secrets),
        };
        let mut verdict = lint::check(&source.name, &source.text, surroundings);
        let beside = source.folder.as_ref().map(|folder| folder.join("calendars"));
        let folders = std::iter::once(self.calendars_folder.as_path()).chain(beside.as_deref());
        lint::say_where(&mut verdict.findings, &folders.collect::<Vec<_>>());
        Ok(verdict)
    }

    /// What is wrong with the calendars that were read, each file once.
    pub fn broken_calendars(self) -> Vec<FileFindings> {
        let mut broken: Vec<FileFindings> = Vec::new();
        let beside = self.beside.into_values().flat_map(|known| known.broken);
        for file in self.calendars.broken.into_iter().chain(beside) {
            let place = |name: &str| std::fs::canonicalize(name).ok();
            if !broken.iter().any(|other| place(&other.name) == place(&file.name)) {
                broken.push(file);
            }
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_has_a_bound() {
        let zeros = |count: u64| bounded(std::io::repeat(b'a').take(count), "x");
        assert_eq!(
            zeros(MAX_READ_BYTES).map(|bytes| bytes.len() as u64).ok(),
            Some(MAX_READ_BYTES)
        );
        let refused = zeros(MAX_READ_BYTES + 1).unwrap_err();
        assert!(refused.message().is_some_and(|said| said.contains("more than")));
    }

    #[test]
    fn a_search_has_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.flow.yaml"), "").unwrap();
        let found = |seen: usize| {
            let mut search = Search {
                names: Vec::new(),
                seen,
            };
            search.below(folder.path(), ENDING).map(|()| search.names.len())
        };
        assert_eq!(found(MAX_ENTRIES - 1).ok(), Some(1));
        assert!(
            found(MAX_ENTRIES)
                .unwrap_err()
                .message()
                .is_some_and(|said| said.contains("name the folder"))
        );
    }

    #[cfg(unix)]
    #[test]
    fn built_hidden_and_linked_folders_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["flows", "target", "node_modules", ".hidden"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("a.flow.yaml"), "").unwrap();
        }
        std::os::unix::fs::symlink(folder.path(), folder.path().join("flows/again")).unwrap();
        std::os::unix::fs::symlink("a.flow.yaml", folder.path().join("flows/b.flow.yaml")).unwrap();
        let mut search = Search {
            names: Vec::new(),
            seen: 0,
        };
        search.below(folder.path(), ENDING).unwrap();
        let names = search.names.iter().map(|name| name.rsplit_once("flows/").unwrap().1);
        assert_eq!(names.collect::<Vec<_>>(), ["a.flow.yaml", "b.flow.yaml"]);
    }
}
