//! What stands in `gatefold.toml`: every key optional, none unknown, each with its line.

use super::installation::is_secret_name;
use super::settings::{self, SETTINGS};
use super::{ConfigError, Problem};
use crate::base::Value;
use crate::base::diagnostic::nearest;
use crate::base::secret_rules::SecretBinding;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value of the file and the line it stands on, from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Authored {
    /// The value.
    pub value: Value,
    /// The line.
    pub line: usize,
}

/// The contents of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuthoredFile {
    /// Values by key, as `limits.upload_bytes`.
    pub settings: BTreeMap<&'static str, Authored>,
    /// Limits of secrets, by name.
    pub secrets: BTreeMap<String, SecretBinding>,
}

/// Reads the text of a file called `name`.
pub fn read(name: &str, text: &str) -> Result<AuthoredFile, ConfigError> {
    let root = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        ConfigError::at(format!("{name}:{line}"), error.message())
    })?;
    let mut reader = Reader {
        name,
        text,
        found: AuthoredFile::default(),
        problems: Vec::new(),
    };
    reader.table("", root.get_ref());
    if reader.problems.is_empty() {
        return Ok(reader.found);
    }
    reader.problems.sort_by_key(|(line, _)| *line);
    Err(ConfigError {
        problems: reader.problems.into_iter().map(|(_, problem)| problem).collect(),
        is_of_disk: false,
    })
}

/// The line of a byte offset, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.get(..offset).unwrap_or(text).matches('\n').count()
}

struct Reader<'t> {
    name: &'t str,
    text: &'t str,
    found: AuthoredFile,
    problems: Vec<(usize, Problem)>,
}

impl Reader<'_> {
    /// Reads the table at `prefix`, which is empty or ends with a dot.
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = format!("{prefix}{}", key.get_ref());
            let line = line_of(self.text, key.span().start);
            if let Some(setting) = settings::find(&path) {
                let value = plain(value);
                match settings::check(setting.kind, &value) {
                    Ok(()) => {
                        self.found.settings.insert(setting.key, Authored { value, line });
                    }
                    Err(why) => self.problem(line, format!("{path}: {why}"), None),
                }
            } else if path == settings::SECRETS {
                match value.get_ref() {
                    DeValue::Table(inner) => self.secrets(inner),
                    _ => self.problem(line, "secrets is a table: write [secrets.NAME]".to_owned(), None),
                }
            } else if settings::tables().contains(&path.as_str()) {
                match value.get_ref() {
                    DeValue::Table(inner) => self.table(&format!("{path}."), inner),
                    _ => self.problem(line, format!("{path} is a table of settings: write [{path}]"), None),
                }
            } else {
                let help = suggestion(prefix, key.get_ref());
                self.problem(line, format!("there is no setting {path}"), Some(help));
            }
        }
    }

    /// Reads `[secrets.NAME]`, which limits where a secret may be sent. The file never contains the
    /// secret's value.
    fn secrets(&mut self, table: &DeTable<'_>) {
        for (name, value) in table {
            let (line, name) = (line_of(self.text, name.span().start), name.get_ref());
            if !is_secret_name(name) {
                let message = format!("secrets.{name}: a secret's name has capital letters, digits and underscores");
                self.problem(line, message, None);
                continue;
            }
            let DeValue::Table(inner) = value.get_ref() else {
                let help = "put its value into the environment or the data folder".to_owned();
                self.problem(
                    line,
                    format!("secrets.{name} is a table: write [secrets.{name}]"),
                    Some(help),
                );
                continue;
            };
            let mut binding = SecretBinding::default();
            for (key, value) in inner {
                let (line, key) = (line_of(self.text, key.span().start), key.get_ref());
                let path = format!("secrets.{name}.{key}");
                let place = match key.as_ref() {
                    settings::SECRET_FLOWS => &mut binding.flows,
                    settings::SECRET_HOSTS => &mut binding.hosts,
                    _ => {
                        let help = "only flows and hosts can be set; put the secret itself into the environment or the data folder";
                        self.problem(line, format!("there is no setting {path}"), Some(help.to_owned()));
                        continue;
                    }
                };
                let value = plain(value);
                match settings::check(settings::Kind::List, &value) {
                    Ok(()) => *place = Some(words(&value)),
                    Err(why) => self.problem(line, format!("{path}: {why}"), None),
                }
            }
            self.found.secrets.insert(name.to_string(), binding);
        }
    }

    fn problem(&mut self, line: usize, message: String, help: Option<String>) {
        let place = format!("{}:{line}", self.name);
        self.problems.push((line, Problem { place, message, help }));
    }
}

/// Reads a list of texts. Host names are converted to lower case.
fn words(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(|one| Some(one.as_str()?.trim().to_ascii_lowercase()))
        .collect()
}

/// What may have been meant by `name` below `prefix`.
fn suggestion(prefix: &str, name: &str) -> String {
    let here: Vec<&str> = SETTINGS
        .iter()
        .filter_map(|setting| setting.key.strip_prefix(prefix))
        .map(|rest| rest.split('.').next().unwrap_or(rest))
        .collect();
    if let Some(near) = nearest(name, here.iter().copied()) {
        return format!("did you mean {prefix}{near}?");
    }
    let elsewhere = SETTINGS
        .iter()
        .find(|setting| setting.key.rsplit('.').next() == Some(name));
    match elsewhere {
        Some(setting) => format!("did you mean {}?", setting.key),
        None => "`gatefold config show` lists all settings".to_owned(),
    }
}

/// The value as data. Kinds that no setting has become text that says what they are.
fn plain(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| serde_json::json!({ "number": number.as_str() }), Value::from),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Array(items) => items.iter().map(plain).collect(),
        DeValue::Float(number) => serde_json::json!({ "number": number.as_str() }),
        DeValue::Datetime(moment) => serde_json::json!({ "date": moment.to_string() }),
        DeValue::Table(_) => serde_json::json!({ "table": "…" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let error = read("gatefold.toml", text).expect_err("there are problems");
        error.problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn values_keep_their_lines() {
        let found = read(
            "gatefold.toml",
            "listen = '127.0.0.1:1'\n\n[limits]\nupload_bytes = 1_000\n",
        )
        .unwrap()
        .settings;
        assert_eq!(found["listen"].line, 1);
        assert_eq!(found["limits.upload_bytes"].value, 1000);
        assert_eq!(found["limits.upload_bytes"].line, 4);
    }

    #[test]
    fn secrets_are_bound_to_flows_and_hosts() {
        let text = "[secrets.ERP_TOKEN]\nflows = ['orders']\nhosts = ['ERP.example.com:8443']\n[secrets.HOOK]\n";
        let found = read("gatefold.toml", text).unwrap().secrets;
        assert_eq!(found["ERP_TOKEN"].flows.as_deref(), Some(&["orders".to_owned()][..]));
        assert_eq!(
            found["ERP_TOKEN"].hosts.as_deref(),
            Some(&["erp.example.com:8443".to_owned()][..])
        );
        assert_eq!(found["HOOK"], SecretBinding::default());
    }

    #[test]
    fn a_secret_itself_has_no_place_in_the_file() {
        assert!(problems("[secrets]\nERP_TOKEN = 'x'")[0].contains("secrets.ERP_TOKEN is a table"));
        assert!(problems("[secrets.ERP_TOKEN]\nvalue = 'x'")[0].contains("only flows and hosts can be set"));
        assert!(problems("[secrets.erp]\nflows = []")[0].contains("capital letters"));
        assert!(problems("[secrets.ERP]\nflows = 'x'")[0].contains("a list of texts"));
        assert!(problems("secrets = 1")[0].contains("write [secrets.NAME]"));
    }

    #[test]
    fn unknown_keys_are_refused_with_line_and_nearest_word() {
        assert_eq!(
            problems("\nlisten_to = 1\nlisen = 'x'\n[limits]\nupload_byte = 1\nsmtp = 'x'\n"),
            [
                "gatefold.toml:2: there is no setting listen_to (did you mean listen?)",
                "gatefold.toml:3: there is no setting lisen (did you mean listen?)",
                "gatefold.toml:5: there is no setting limits.upload_byte (did you mean limits.upload_bytes?)",
                "gatefold.toml:6: there is no setting limits.smtp (did you mean mail.smtp?)",
            ]
            .map(str::to_owned)
            .to_vec()
        );
    }

    #[test]
    fn wrong_values_and_broken_syntax_have_a_line() {
        assert!(problems("\nlisten = 5\n")[0].starts_with("gatefold.toml:2: listen: found 5, expected a text"));
        assert!(problems("listen = \n")[0].starts_with("gatefold.toml:1: "));
        assert!(problems("limits = 3")[0].contains("write [limits]"));
        assert!(problems("[limits]\nupload_bytes = -1")[0].contains("whole number from 1"));
    }
}
