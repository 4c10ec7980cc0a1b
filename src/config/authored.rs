//! What stands in `gatefold.toml`: every key optional, none unknown, each with its line.

use super::settings::{self, SETTINGS};
use super::{ConfigError, Problem};
use crate::base::Value;
use crate::base::diagnostic::nearest;
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

/// Reads the text of a file called `name`. Values by key, as `limits.upload_bytes`.
pub fn read(name: &str, text: &str) -> Result<BTreeMap<&'static str, Authored>, ConfigError> {
    let root = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        ConfigError::at(format!("{name}:{line}"), error.message())
    })?;
    let mut reader = Reader {
        name,
        text,
        found: BTreeMap::new(),
        problems: Vec::new(),
    };
    reader.table("", root.get_ref());
    if reader.problems.is_empty() {
        return Ok(reader.found);
    }
    reader.problems.sort_by_key(|(line, _)| *line);
    Err(ConfigError {
        problems: reader.problems.into_iter().map(|(_, problem)| problem).collect(),
    })
}

/// The line of a byte offset, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.get(..offset).unwrap_or(text).matches('\n').count()
}

struct Reader<'t> {
    name: &'t str,
    text: &'t str,
    found: BTreeMap<&'static str, Authored>,
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
                        self.found.insert(setting.key, Authored { value, line });
                    }
                    Err(why) => self.problem(line, format!("{path}: {why}"), None),
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

    fn problem(&mut self, line: usize, message: String, help: Option<String>) {
        let place = format!("{}:{line}", self.name);
        self.problems.push((line, Problem { place, message, help }));
    }
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
        .unwrap();
        assert_eq!(found["listen"].line, 1);
        assert_eq!(found["limits.upload_bytes"].value, 1000);
        assert_eq!(found["limits.upload_bytes"].line, 4);
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
