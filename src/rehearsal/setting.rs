//! What the cases of a test share: the flow, the people, the working time, the files.

use super::canned::{self, Letterbox, World};
use super::codes;
use super::file::{CalendarsSpec, PeopleSpec, PersonSpec, TestSpec};
use super::material::Shelf;
use crate::base::render::FileFindings;
use crate::base::source::escape;
use crate::base::{Calendar, Calendars, Diagnostic, Document, Schedule, Timestamp, diagnostic};
use crate::config;
use crate::connect::{Links, Mailer, Registry};
use crate::connectors::http::HttpSettings;
use crate::host::{Clock, Secrets};
use crate::lint::{self, Flows, Surroundings, may_run_others};
use crate::people::Directory;
use crate::plan::Plan;
use crate::spec::run::flows_run;
use crate::spec::{Catalog, FlowSpec};
use crate::store::Blobs;
use indexmap::IndexMap;
use secrecy::SecretString;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

/// When cases begin where nothing else is said: a Monday morning.
pub const BEGINNING: &str = "2026-03-02T09:00:00Z";
/// What the name of a test's file ends with.
pub const ENDING: &str = ".test.yaml";
/// The seed of every run of a test.
const SEED: u64 = 1;
/// Where the links in mails lead.
const BASE_URL: &str = "https://gatefold.test";

/// A flow that is deployed in every case.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The path to show.
    pub name: String,
    /// The text.
    pub text: String,
}

/// What the cases share.
pub struct Setting {
    /// The flow under test, compiled.
    pub plan: Arc<Plan>,
    /// When they and the others start by themselves.
    pub schedules: Vec<Schedule>,
    /// The flow under test, and then the others.
    pub flows: Vec<Flow>,
    /// Who there is.
    pub directory: Arc<Directory>,
    /// Where the people of a test were looked for, as the end of a sentence.
    pub people_from: String,
    /// Working time.
    pub calendars: Calendars,
    /// Bytes of files; what they are called by is their hash, so cases cannot meet in it.
    pub blobs: Blobs,
    /// What flows can call.
    pub registry: Registry,
    /// Keeps the mails.
    pub mailer: Arc<dyn Mailer>,
    /// Derives links.
    pub links: Links,
    /// A stand-in for every secret that a flow names.
    pub secrets: Secrets,
    /// Everything outside.
    pub world: Arc<World>,
    /// What time it is, in every case.
    pub now: Arc<Mutex<Timestamp>>,
    /// Where files lie that are named by their path.
    pub shelf: Shelf,
    /// The seed of every run, so that a test comes out the same each time.
    pub seed: u64,
    _bytes: tempfile::TempDir,
}

/// What the configuration names, for tests that have no people or calendars of their own.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The file with the people.
    pub people: PathBuf,
    /// The folder of the calendars.
    pub calendars: PathBuf,
}

/// Why a flow cannot be played outside a test.
#[derive(Debug)]
pub enum CannotPlay {
    /// These flows have errors.
    Flows(Vec<FileFindings>),
    /// Something else, in a sentence.
    Wrong(String),
}

/// What keeps the cases from being played.
#[derive(Debug, Default)]
pub struct Unfit {
    /// Findings in the test.
    pub test: Vec<Diagnostic>,
    /// Flows with errors.
    pub flows: Vec<FileFindings>,
}

impl Setting {
    /// Puts together what `test` says. Paths are taken from the folder of `path`; what is neither named nor beside it,
    /// from `installed`.
    pub fn load(
        path: &Path,
        document: &Document,
        test: &TestSpec,
        installed: Option<&Installed>,
    ) -> Result<Self, Unfit> {
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let shelf = Shelf {
            folder: folder.clone(),
            is_closed: true,
        };
        let loader = Loader {
            folder: &folder,
            document,
            installed,
        };
        let mut unfit = Unfit::default();
        let keep = |unfit: &mut Unfit, finding| unfit.test.push(finding);
        let directory = loader.people(test.people.as_ref());
        let calendars = loader.calendars(test.calendars.as_ref());
        let flows = loader.flows(path, test);
        let ((directory, people_from), calendars, flows) = match (directory, calendars, flows) {
            (Ok(people), Ok(calendars), Ok(flows)) => (people, calendars, flows),
            (directory, calendars, flows) => {
                let findings = [directory.err(), calendars.err(), flows.err()];
                findings
                    .into_iter()
                    .flatten()
                    .for_each(|finding| keep(&mut unfit, finding));
                return Err(unfit);
            }
        };
        let plans = fit_to_be_played(&flows, &calendars, &mut unfit);
        let Some(plans) = plans.filter(|_| unfit.flows.is_empty()) else {
            let folders = loader.calendar_folders(test.calendars.as_ref());
            let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
            for flow in unfit.flows.iter_mut().filter(|_| !folders.is_empty()) {
                lint::say_where(&mut flow.findings, &folders);
            }
            return Err(unfit);
        };
        let setting = Self::put_together(plans, flows, directory, calendars, shelf);
        setting.map(|setting| Self { people_from, ..setting }).map_err(|error| {
            let span = super::first_line(&document.text, document.spans.value(""));
            keep(&mut unfit, Diagnostic::error(codes::CANNOT_BE_PLAYED, error, span));
            unfit
        })
    }

    /// Puts together flows, of which the first is played, with who and what is around them. Paths are taken from
    /// `folder`, and `seed` is that of every run.
    pub fn of(
        flows: Vec<Flow>,
        directory: Directory,
        calendars: Calendars,
        folder: PathBuf,
        seed: u64,
    ) -> Result<Self, CannotPlay> {
        let mut unfit = Unfit::default();
        let plans = fit_to_be_played(&flows, &calendars, &mut unfit);
        let Some(plans) = plans.filter(|_| unfit.flows.is_empty()) else {
            return Err(CannotPlay::Flows(unfit.flows));
        };
        let shelf = Shelf {
            folder,
            is_closed: false,
        };
        let setting = Self::put_together(plans, flows, directory, calendars, shelf);
        setting
            .map(|setting| Self { seed, ..setting })
            .map_err(CannotPlay::Wrong)
    }

    fn put_together(
        (plan, schedules): (Plan, Vec<Schedule>),
        flows: Vec<Flow>,
        directory: Directory,
        calendars: Calendars,
        shelf: Shelf,
    ) -> Result<Self, String> {
        let bytes = tempfile::tempdir().map_err(|error| format!("there is no room for files: {error}"))?;
        let blobs = Blobs::scratch(bytes.path()).map_err(|error| error.to_string())?;
        let beginning: Timestamp = BEGINNING.parse().expect("it is a moment");
        let now = Arc::new(Mutex::new(beginning));
        let world = Arc::new(World::new(Clock::Held(Arc::clone(&now))));
        let mailer: Arc<dyn Mailer> = Arc::new(Letterbox(Arc::clone(&world)));
        let links = Links::new([7; 32], BASE_URL);
        let directory = Arc::new(directory);
        let real = crate::connectors::registry(&crate::connectors::Settings {
            http: HttpSettings::default(),
            mailer: Arc::clone(&mailer),
            directory: Arc::new(RwLock::new(Arc::clone(&directory))),
            links: links.clone(),
            blobs: blobs.clone(),
        });
        Ok(Self {
            secrets: secrets(&plan, &flows),
            plan: Arc::new(plan),
            schedules,
            flows,
            directory,
            people_from: String::new(),
            calendars,
            blobs,
            registry: canned::registry(&real, &world),
            mailer,
            links,
            world,
            now,
            shelf,
            seed: SEED,
            _bytes: bytes,
        })
    }
}

/// The plan of the flow under test, and when flows start by themselves; flows with errors are told.
fn fit_to_be_played(flows: &[Flow], calendars: &Calendars, unfit: &mut Unfit) -> Option<(Plan, Vec<Schedule>)> {
    let mut surroundings = Surroundings {
        catalog: Catalog::builtin(),
        calendars,
        people: None,
        flows: None,
        secrets: None,
    };
    let mut others = Flows::default();
    if flows.iter().any(|flow| may_run_others(&flow.text)) {
        let outlines = flows
            .iter()
            .filter_map(|flow| lint::outline(&flow.name, &flow.text, surroundings));
        outlines.for_each(|outline| others.add(Arc::new(outline)));
        surroundings.flows = Some(&others);
    }
    let mut first = None;
    let mut schedules = Vec::new();
    for (index, flow) in flows.iter().enumerate() {
        let verdict = lint::check(&flow.name, &flow.text, surroundings);
        schedules.extend(verdict.plan.as_ref().and_then(|plan| plan.schedule.clone()));
        if diagnostic::has_errors(&verdict.findings) {
            unfit.flows.push(FileFindings {
                name: flow.name.clone(),
                text: flow.text.as_str().into(),
                findings: verdict.findings,
            });
        } else if index == 0 {
            first = verdict.plan;
        }
    }
    first.map(|plan| (plan, schedules))
}

/// The flow as written.
fn spec_of(flow: &Flow) -> Option<FlowSpec> {
    let (document, _) = Document::parse(&flow.name, &flow.text);
    crate::spec::read_flow(&document).0
}

/// A stand-in for every secret that the flows name.
fn secrets(plan: &Plan, flows: &[Flow]) -> Secrets {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let named = flows.iter().flat_map(|flow| flow.text.split("secrets.").skip(1));
    let mut names: Vec<String> = named
        .map(|rest| rest.chars().take_while(|c| is_name(*c)).collect())
        .collect();
    names.extend(plan.triggers.webhook.iter().map(|trigger| trigger.secret.clone()));
    let stand_in = |name: String| (name.clone(), SecretString::from(format!("stand-in-for-{name}")));
    names
        .into_iter()
        .filter(|name| !name.is_empty())
        .map(stand_in)
        .collect()
}

/// A path as it is found from anywhere.
fn whole(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    whole.display().to_string()
}

struct Loader<'l> {
    folder: &'l Path,
    document: &'l Document,
    installed: Option<&'l Installed>,
}

impl Loader<'_> {
    fn wrong(&self, pointer: &str, message: impl Into<String>) -> Diagnostic {
        let span = super::first_line(&self.document.text, self.document.spans.value(pointer));
        Diagnostic::error(codes::CANNOT_BE_PLAYED, message, span)
    }

    fn flows(&self, path: &Path, test: &TestSpec) -> Result<Vec<Flow>, Diagnostic> {
        let own = match &test.flow {
            Some(flow) => flow.clone(),
            None => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let stem = name.strip_suffix(ENDING).unwrap_or(&name);
                format!("{stem}.flow.yaml")
            }
        };
        let first = self.flow(&own).map_err(|why| {
            self.wrong("/flow", why)
                .with_help("name the flow under test: `flow: NAME.flow.yaml`, as a path from this file")
        })?;
        let mut flows = vec![first];
        for (index, path) in test.beside.iter().enumerate() {
            flows.push(
                self.flow(path)
                    .map_err(|why| self.wrong(&format!("/beside/{index}"), why))?,
            );
        }
        self.run_by(&mut flows);
        Ok(flows)
    }

    /// Adds the flows of the same folder that those that are there run.
    fn run_by(&self, flows: &mut Vec<Flow>) {
        if !flows.iter().any(|flow| may_run_others(&flow.text)) {
            return;
        }
        let mut there = self.in_folder();
        let mut known: BTreeSet<String> = flows.iter().filter_map(|flow| Some(spec_of(flow)?.flow)).collect();
        let mut at = 0;
        while let Some(flow) = flows.get(at) {
            at += 1;
            let Some(spec) = spec_of(flow) else { continue };
            for name in flows_run(&spec) {
                if known.insert(name.to_owned())
                    && let Some(found) = there.remove(name)
                {
                    flows.push(found);
                }
            }
        }
    }

    /// The flows of the folder, by name.
    fn in_folder(&self) -> BTreeMap<String, Flow> {
        let folder = if self.folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            self.folder
        };
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".flow.yaml")).collect();
        names.sort_unstable();
        let flows = names.iter().filter_map(|name| self.flow(name).ok());
        flows.filter_map(|flow| Some((spec_of(&flow)?.flow, flow))).collect()
    }

    fn flow(&self, path: &str) -> Result<Flow, String> {
        let file = self.folder.join(path);
        let name = file.display().to_string();
        let text =
            std::fs::read_to_string(&file).map_err(|error| format!("the flow {name} cannot be read: {error}"))?;
        Ok(Flow { name, text })
    }

    /// Who there is, and where that was found.
    fn people(&self, given: Option<&PeopleSpec>) -> Result<(Directory, String), Diagnostic> {
        let file = match given {
            Some(PeopleSpec::Given(people)) => {
                let directory = self.given_people(people)?;
                return Ok((directory, "under `people` of this test".to_owned()));
            }
            Some(PeopleSpec::File(file)) => {
                let file = self.folder.join(file);
                if !file.is_file() {
                    return Err(self.wrong("/people", format!("there is no file {}", whole(&file))));
                }
                file
            }
            None => match self.people_found() {
                Ok(file) => file,
                Err(looked_for) => return Ok((Directory::default(), looked_for)),
            },
        };
        let read = config::people::read(&file).map_err(|error| self.wrong("/people", error.to_string()))?;
        Ok((read, format!("in {}", whole(&file))))
    }

    /// The file of the people that count where a test names none; or where it was looked for.
    fn people_found(&self) -> Result<PathBuf, String> {
        let beside = self.folder.join("people.yaml");
        let of_configuration = self.installed.map(|installed| installed.people.clone());
        let files: Vec<PathBuf> = std::iter::once(beside).chain(of_configuration).collect();
        let missing = || {
            let mut places: Vec<String> = files.iter().map(|file| whole(file)).collect();
            places.dedup();
            format!("(there is no {})", places.join(" and no "))
        };
        files.iter().find(|file| file.is_file()).cloned().ok_or_else(missing)
    }

    fn given_people(&self, people: &IndexMap<String, PersonSpec>) -> Result<Directory, Diagnostic> {
        let mut users = serde_json::Map::new();
        for (user, person) in people {
            let at = format!("/people/{}", escape(user));
            if let Some(manager) = person.manager.as_ref().filter(|manager| !people.contains_key(*manager)) {
                return Err(self.wrong(&format!("{at}/manager"), format!("there is no person {manager}")));
            }
            let email = person.email.clone().unwrap_or_else(|| format!("{user}@example.com"));
            if crate::base::address::mail_address(&email).is_none() {
                return Err(self.wrong(&at, format!("{email:?} is no mail address")));
            }
            let name = person.name.clone().unwrap_or_else(|| user.clone());
            let mut fields = json!({
                "name": name, "email": email, "roles": person.roles, "groups": person.groups,
                "skills": person.skills, "absent": person.absent,
            });
            if let Some(manager) = &person.manager {
                fields["manager"] = json!(manager);
            }
            users.insert(user.clone(), fields);
        }
        serde_json::from_value(json!({ "users": users }))
            .map_err(|error| self.wrong("/people", format!("these people are not understood: {error}")))
    }

    fn calendars(&self, given: Option<&CalendarsSpec>) -> Result<Calendars, Diagnostic> {
        match given {
            Some(CalendarsSpec::Given(calendars)) => {
                let read = calendars.iter().map(|(name, value)| self.calendar(name, value));
                return read.collect();
            }
            Some(CalendarsSpec::Folder(folder)) if !self.folder.join(folder).is_dir() => {
                let folder = whole(&self.folder.join(folder));
                return Err(self.wrong("/calendars", format!("there is no folder {folder}")));
            }
            _ => {}
        }
        let mut found = Calendars::new();
        for folder in self.calendar_folders(given) {
            let read = config::calendars(&folder).map_err(|error| self.wrong("/calendars", error.to_string()))?;
            for (name, calendar) in read {
                found.entry(name).or_insert(calendar);
            }
        }
        Ok(found)
    }

    /// The folders that calendars are looked for in; a calendar of the first one that has it counts.
    fn calendar_folders(&self, given: Option<&CalendarsSpec>) -> Vec<PathBuf> {
        match given {
            Some(CalendarsSpec::Given(_)) => Vec::new(),
            Some(CalendarsSpec::Folder(folder)) => vec![self.folder.join(folder)],
            None => {
                let of_configuration = self.installed.map(|installed| installed.calendars.clone());
                let beside = self.folder.join("calendars");
                std::iter::once(beside).chain(of_configuration).collect()
            }
        }
    }

    fn calendar(&self, name: &str, value: &crate::base::Value) -> Result<(String, Calendar), Diagnostic> {
        let at = format!("/calendars/{}", escape(name));
        let calendar: Calendar = serde_path_to_error::deserialize(value)
            .map_err(|error| self.wrong(&at, format!("this is no calendar: {}: {}", error.path(), error.inner())))?;
        match calendar.check().into_iter().next() {
            Some(problem) => Err(self.wrong(&at, problem)),
            None => Ok((name.to_owned(), calendar)),
        }
    }
}
