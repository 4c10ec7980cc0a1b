//! The complete configuration: flag before environment before file before default.

use super::file::text_of;
use super::settings::{self, SETTINGS, Setting};
use super::{ConfigError, Environment, Problem, authored};
use crate::base::Value;
use crate::base::rights::Approval;
use crate::base::secret_rules::{SecretBinding, SecretRules};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Name of the file that is read from the current folder where no other is named.
pub const FILE_NAME: &str = "gatefold.toml";

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file named by `--config`. It must be there.
    pub file: Option<PathBuf>,
    /// Values of flags by key, as `listen`.
    pub flags: BTreeMap<String, String>,
    /// The environment.
    pub environment: Environment,
}

/// Where one value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag.
    Flag,
    /// An environment variable.
    Environment(String),
    /// The file, at a line.
    File(PathBuf, usize),
    /// Nowhere: it is the default.
    Default,
}

/// How is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// What is refused beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest upload, in bytes.
    pub upload_bytes: u64,
    /// Largest request that is not an upload, in bytes.
    pub body_bytes: usize,
    /// Outside calls in flight at once.
    pub calls_in_flight: usize,
    /// Longest outside call, in milliseconds.
    pub call_timeout_ms: u64,
    /// Longest time to answer an ordinary request, in milliseconds.
    pub request_timeout_ms: u64,
    /// Open connections at once.
    pub connections: usize,
    /// Maximum number of connections and concurrent requests of one address.
    pub connections_per_address: usize,
    /// Maximum number of concurrent requests of one person.
    pub requests_per_person: usize,
    /// Maximum number of concurrent uploads, downloads and live event streams of one person.
    pub streams_per_person: usize,
    /// Maximum number of concurrent requests through one link.
    pub requests_per_link: usize,
    /// Memory for the bodies of all requests that are not uploads, in bytes.
    pub body_memory_bytes: usize,
}

/// How mails are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The server, as `smtp://USER@HOST:587`; without one mails go to a folder.
    pub smtp: Option<String>,
    /// The sender.
    pub from: String,
    /// Name of the secret that is the server's password.
    pub password_secret: String,
}

/// What concerns HTTP, in and out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Private networks that flows may call.
    pub allow_networks: Vec<ipnet::IpNet>,
    /// Proxies whose `X-Forwarded-For` is read.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Whether `/metrics` answers everybody.
    pub metrics_public: bool,
}

/// A complete, valid configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// Folder under which everything is stored.
    pub data: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Address under which people reach the server, without a slash at its end.
    pub base_url: String,
    /// The file with the people.
    pub people: PathBuf,
    /// The folder with calendars.
    pub calendars: PathBuf,
    /// The folder with flows to deploy at the start.
    pub definitions: Option<PathBuf>,
    /// The filter of the log.
    pub log: String,
    /// How is logged.
    pub log_format: LogFormat,
    /// What is refused beyond.
    pub limits: Limits,
    /// How mails are sent.
    pub mail: Mail,
    /// What concerns HTTP.
    pub http: Http,
    /// Which deployments wait for a second person, if configured.
    pub approval: Option<Approval>,
    /// Limits of secrets, by name.
    pub secrets: BTreeMap<String, SecretBinding>,
    /// Remarks that stop nothing, as a variable that is no setting.
    pub warnings: Vec<Problem>,
    origins: Vec<(&'static Setting, Option<Value>, Origin)>,
}

/// One line of `config show`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Shown {
    /// The setting.
    pub key: &'static str,
    /// Its value; nothing where it is unset.
    pub value: Option<Value>,
    /// `flag`, `environment GATEFOLD_LISTEN`, `gatefold.toml:3` or `default`.
    pub origin: String,
    /// What it means.
    pub doc: &'static str,
}

impl Resolved {
    /// Where secrets may go: their bindings, and the mail server's password, which no flow may use.
    pub fn secret_rules(&self) -> SecretRules {
        SecretRules {
            bindings: self.secrets.clone(),
            reserved: std::iter::once(self.mail.password_secret.clone()).collect(),
        }
    }

    /// Every setting with its value and where that comes from. Holds no secret.
    pub fn show(&self) -> Vec<Shown> {
        self.origins
            .iter()
            .map(|(setting, value, origin)| Shown {
                key: setting.key,
                value: value.clone(),
                origin: match origin {
                    Origin::Flag => "flag".to_owned(),
                    Origin::Environment(name) => format!("environment {name}"),
                    Origin::File(path, line) => format!("{}:{line}", path.display()),
                    Origin::Default => "default".to_owned(),
                },
                doc: setting.doc,
            })
            .collect()
    }
}

/// Puts the configuration together.
pub fn load(sources: &Sources) -> Result<Resolved, ConfigError> {
    let file = config_file(sources);
    let authored = match &file {
        Some(path) => read_file(path)?,
        None => authored::AuthoredFile::default(),
    };
    let mut merge = Merge {
        sources,
        file: file.unwrap_or_default(),
        authored,
        values: Vec::new(),
        problems: Vec::new(),
    };
    for key in sources.flags.keys().filter(|key| settings::find(key).is_none()) {
        merge.problem(&format!("--{key}"), "there is no such setting".to_owned());
    }
    for setting in SETTINGS {
        merge.take(setting);
    }
    let resolved = merge.resolve();
    if !merge.problems.is_empty() {
        return Err(ConfigError {
            problems: merge.problems,
            is_of_disk: false,
        });
    }
    Ok(resolved.expect("nothing is missing where there is no problem"))
}

/// The file to read, if there is one.
fn config_file(sources: &Sources) -> Option<PathBuf> {
    let named = sources.environment.get("GATEFOLD_CONFIG").map(PathBuf::from);
    let here = PathBuf::from(FILE_NAME);
    sources.file.clone().or(named).or_else(|| here.exists().then_some(here))
}

/// The nearest file of this name in a folder above the current one: it does not count here, which
/// somebody may not expect.
pub fn file_above() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let mut above = here.ancestors().skip(1).map(|folder| folder.join(FILE_NAME));
    above.find(|file| file.is_file())
}

fn read_file(path: &Path) -> Result<authored::AuthoredFile, ConfigError> {
    let name = path.display().to_string();
    let text = text_of(path)?.ok_or_else(|| ConfigError::at(name.clone(), "cannot be read: there is no such file"))?;
    authored::read(&name, &text)
}

/// Values on their way to a configuration.
struct Merge<'s> {
    sources: &'s Sources,
    file: PathBuf,
    authored: authored::AuthoredFile,
    values: Vec<(&'static Setting, Option<Value>, Origin)>,
    problems: Vec<Problem>,
}

impl Merge<'_> {
    fn problem(&mut self, place: &str, message: String) {
        self.problems.push(Problem {
            place: place.to_owned(),
            message,
            help: None,
        });
    }

    /// Finds the value of one setting, from the strongest source that names it.
    fn take(&mut self, setting: &'static Setting) {
        let variable = setting.variable();
        let (text, origin) = if let Some(text) = self.sources.flags.get(setting.key) {
            (text.clone(), Origin::Flag)
        } else if let Some(text) = self.sources.environment.get(&variable) {
            (text.to_owned(), Origin::Environment(variable))
        } else if let Some(found) = self.authored.settings.get(setting.key) {
            let origin = Origin::File(self.file.clone(), found.line);
            let value = self.beside_file(setting, found.value.clone());
            self.values.push((setting, Some(value), origin));
            return;
        } else if let Some(default) = setting.default {
            (self.fill_in(default), Origin::Default)
        } else {
            self.values.push((setting, None, Origin::Default));
            return;
        };
        let value = settings::parse(setting.kind, &text)
            .map_err(|why| self.problem(&place(setting, &origin), why))
            .ok();
        self.values.push((setting, value, origin));
    }

    /// A path of the file is relative to the file's folder.
    fn beside_file(&self, setting: &Setting, value: Value) -> Value {
        match (&value, self.file.parent()) {
            (Value::String(path), Some(folder)) if setting.kind == settings::Kind::Path => {
                Value::from(folder.join(path).to_string_lossy())
            }
            _ => value,
        }
    }

    /// A default with `{data}` and `{listen}` put in. Those two settings come first in the table.
    fn fill_in(&self, default: &str) -> String {
        let mut text = default.to_owned();
        for key in ["data", "listen"] {
            let place = format!("{{{key}}}");
            if text.contains(&place) {
                text = text.replace(&place, &self.text(key).unwrap_or_default());
            }
        }
        text
    }

    fn value(&self, key: &str) -> Option<&Value> {
        let (_, value, _) = self.values.iter().find(|(setting, ..)| setting.key == key)?;
        value.as_ref()
    }

    fn text(&self, key: &str) -> Option<String> {
        self.value(key)?.as_str().map(str::to_owned)
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    fn number<N: TryFrom<u64>>(&self, key: &str) -> Option<N> {
        N::try_from(self.value(key)?.as_u64()?).ok()
    }

    /// A text that `read` makes something of, or a problem at its place.
    fn read<T>(&mut self, key: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(key)?;
        read(&text).map_err(|why| self.refuse(key, why)).ok()
    }

    fn refuse(&mut self, key: &str, why: String) {
        let found = self.values.iter().find(|(setting, ..)| setting.key == key);
        let place = found.map_or_else(|| key.to_owned(), |(setting, _, origin)| place(setting, origin));
        self.problem(&place, why);
    }

    /// The typed configuration; `None` only where there are problems.
    fn resolve(&mut self) -> Option<Resolved> {
        let listen = self.read("listen", read_listen);
        let base_url = self.read("base_url", read_base_url);
        let log = self.read("log", read_log);
        let mail = self.mail();
        let http = self.http();
        Some(Resolved {
            data: self.path("data")?,
            listen: listen?,
            base_url: base_url?,
            people: self.path("people")?,
            calendars: self.path("calendars")?,
            definitions: self.path("definitions"),
            log: log?,
            log_format: match self.text("log_format")?.as_str() {
                "json" => LogFormat::Json,
                _ => LogFormat::Text,
            },
            limits: self.limits()?,
            mail: mail?,
            http: http?,
            approval: self.text("deploy.approval").map(|word| match word.as_str() {
                "off" => Approval::Off,
                "all" => Approval::All,
                _ => Approval::Risky,
            }),
            secrets: self.authored.secrets.clone(),
            warnings: self.warnings(),
            origins: self.values.clone(),
        })
    }

    fn limits(&self) -> Option<Limits> {
        Some(Limits {
            upload_bytes: self.number("limits.upload_bytes")?,
            body_bytes: self.number("limits.body_bytes")?,
            calls_in_flight: self.number("limits.calls_in_flight")?,
            call_timeout_ms: self.number("limits.call_timeout_ms")?,
            request_timeout_ms: self.number("limits.request_timeout_ms")?,
            connections: self.number("limits.connections")?,
            connections_per_address: self.number("limits.connections_per_address")?,
            requests_per_person: self.number("limits.requests_per_person")?,
            streams_per_person: self.number("limits.streams_per_person")?,
            requests_per_link: self.number("limits.requests_per_link")?,
            body_memory_bytes: self.number("limits.body_memory_bytes")?,
        })
    }

    fn mail(&mut self) -> Option<Mail> {
        let smtp = match self.value("mail.smtp") {
            None => None,
            Some(_) => Some(self.read("mail.smtp", read_smtp)?),
        };
        Some(Mail {
            smtp,
            from: self.read("mail.from", read_sender)?,
            password_secret: self.text("mail.password_secret")?,
        })
    }

    fn http(&mut self) -> Option<Http> {
        Some(Http {
            allow_networks: self.networks("http.allow_networks")?,
            trusted_proxies: self.networks("http.trusted_proxies")?,
            metrics_public: self.value("http.metrics_public")?.as_bool()?,
        })
    }

    fn networks(&mut self, key: &str) -> Option<Vec<ipnet::IpNet>> {
        let mut networks = Vec::new();
        for item in self.value(key)?.as_array().cloned().unwrap_or_default() {
            let text = item.as_str().unwrap_or_default();
            match text.parse() {
                Ok(network) => networks.push(network),
                Err(_) => self.refuse(key, format!("{text:?} is not a network: write it as 10.1.0.0/16")),
            }
        }
        Some(networks)
    }

    fn warnings(&self) -> Vec<Problem> {
        let strangers = self.sources.environment.strangers();
        let above = file_above().filter(|_| self.file.as_os_str().is_empty());
        let above = above.map(|file| Problem {
            place: file.display().to_string(),
            message: "is read from its own folder alone, and not from here".to_owned(),
            help: Some("go there, or name it with --config".to_owned()),
        });
        let strangers = strangers.into_iter().map(|(name, near)| Problem {
            place: name,
            message: "is no setting and was ignored".to_owned(),
            help: near.map(|near| format!("did you mean {near}?")),
        });
        strangers.chain(above).collect()
    }
}

fn place(setting: &Setting, origin: &Origin) -> String {
    match origin {
        Origin::Flag => format!("--{}", setting.key),
        Origin::Environment(name) => name.clone(),
        Origin::File(path, line) => format!("{}:{line}", path.display()),
        Origin::Default => setting.key.to_owned(),
    }
}

fn read_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no address with a port: write it as 127.0.0.1:8080 or [::1]:8080"))
}

/// Scheme, host and perhaps a port and a path, without a slash at the end.
fn read_base_url(text: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is no address of a web server: write it as https://files.example.com");
    let uri: axum::http::Uri = text.parse().map_err(|_| wrong())?;
    let scheme_fits = matches!(uri.scheme_str(), Some("http" | "https"));
    let host_fits = uri.host().is_some_and(|host| !host.is_empty());
    let authority_fits = uri
        .authority()
        .is_some_and(|authority| !authority.as_str().contains('@'));
    if !(scheme_fits && host_fits && authority_fits) || uri.query().is_some() {
        return Err(wrong());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn read_log(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|error| format!("{text:?} is no filter for the log: {error}"))
}

fn read_smtp(text: &str) -> Result<String, String> {
    let wrong = || "is no mail server: write it as smtp://USER@HOST:587 or smtps://HOST".to_owned();
    let uri: axum::http::Uri = text.parse().map_err(|_| wrong())?;
    if !matches!(uri.scheme_str(), Some("smtp" | "smtps")) || uri.host().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    let user = uri
        .authority()
        .and_then(|authority| authority.as_str().rsplit_once('@'));
    if user.is_some_and(|(user, _)| user.contains(':')) {
        return Err("holds a password: put it into the secret that mail.password_secret names".to_owned());
    }
    Ok(text.to_owned())
}

fn read_sender(text: &str) -> Result<String, String> {
    if text.contains('@') && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is no mail address"))
}
