//! Every setting there is, as one table. The file's keys, the environment's names, the defaults,
//! the JSON Schema and what `config show` prints all follow from it.

use crate::base::Value;
use serde_json::json;

/// What a setting's value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A path; one from the file is relative to the file's folder.
    Path,
    /// A whole number from `min` to `max`.
    Integer {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// `true` or `false`.
    Boolean,
    /// Several texts; in the environment separated by commas, or as in the file.
    List,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Where it stands in the file, as `limits.upload_bytes`.
    pub key: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it is where nothing is said, written as in the environment. `{data}` and `{listen}`
    /// stand for those settings.
    pub default: Option<&'static str>,
    /// What it means.
    pub doc: &'static str,
}

impl Setting {
    /// The environment variable that sets it, as `GATEFOLD_LIMITS_UPLOAD_BYTES`.
    pub fn variable(&self) -> String {
        format!("GATEFOLD_{}", self.key.replace('.', "_").to_uppercase())
    }
}

const fn setting(key: &'static str, kind: Kind, default: Option<&'static str>, doc: &'static str) -> Setting {
    Setting {
        key,
        kind,
        default,
        doc,
    }
}

const fn up_to(max: u64) -> Kind {
    Kind::Integer { min: 1, max }
}

/// Every setting, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    setting(
        "data",
        Kind::Path,
        Some("data"),
        "Folder under which everything is stored.",
    ),
    setting(
        "listen",
        Kind::Text,
        Some("127.0.0.1:8080"),
        "Address and port to listen on.",
    ),
    setting(
        "base_url",
        Kind::Text,
        Some("http://{listen}"),
        "Address under which people reach this server; links in mails begin with it.",
    ),
    setting(
        "people",
        Kind::Path,
        Some("{data}/people.yaml"),
        "File with the people; tokens.yaml lies beside it.",
    ),
    setting(
        "calendars",
        Kind::Path,
        Some("{data}/calendars"),
        "Folder with the calendars that flows name.",
    ),
    setting(
        "definitions",
        Kind::Path,
        None,
        "Folder with flows that are deployed when the server starts.",
    ),
    setting(
        "log",
        Kind::Text,
        Some("info"),
        "What is logged: error, warn, info, debug, trace, or a filter as info,gatefold=debug.",
    ),
    setting(
        "log_format",
        Kind::Choice(&["text", "json"]),
        Some("text"),
        "How it is logged.",
    ),
    setting(
        "limits.upload_bytes",
        up_to(1 << 50),
        Some("4294967296"),
        "Largest upload, in bytes.",
    ),
    setting(
        "limits.body_bytes",
        up_to(64 << 20),
        Some("1048576"),
        "Largest request that is not an upload, in bytes.",
    ),
    setting(
        "limits.calls_in_flight",
        up_to(65_536),
        Some("64"),
        "Outside calls in flight at once.",
    ),
    setting(
        "limits.call_timeout_ms",
        up_to(3_600_000),
        Some("60000"),
        "Longest outside call, in milliseconds.",
    ),
    setting(
        "limits.request_timeout_ms",
        up_to(3_600_000),
        Some("30000"),
        "Longest time to answer a request that is neither upload, download nor live events, in milliseconds.",
    ),
    setting(
        "limits.connections",
        up_to(1_000_000),
        Some("1024"),
        "Maximum number of open connections. Beyond it, idle ones are closed, and only health checks and administrators are served.",
    ),
    setting(
        "limits.connections_per_address",
        up_to(1_000_000),
        Some("256"),
        "Maximum number of connections and concurrent requests of one address; never more than half of limits.connections.",
    ),
    setting(
        "limits.requests_per_person",
        up_to(1_000_000),
        Some("64"),
        "Maximum number of concurrent requests of one person; never more than half of limits.connections.",
    ),
    setting(
        "limits.streams_per_person",
        up_to(1_000_000),
        Some("16"),
        "Maximum number of concurrent uploads, downloads and live event streams of one person.",
    ),
    setting(
        "limits.requests_per_link",
        up_to(1_000_000),
        Some("32"),
        "Maximum number of concurrent requests through one link; never more than half of limits.connections.",
    ),
    setting(
        "limits.body_memory_bytes",
        up_to(1 << 40),
        Some("134217728"),
        "Memory for the bodies of all requests that are not uploads, in bytes.",
    ),
    setting(
        "mail.smtp",
        Kind::Text,
        None,
        "Mail server, as smtp://USER@HOST:587 or smtps://HOST; without it mails go to a folder.",
    ),
    setting("mail.from", Kind::Text, Some("gatefold@localhost"), "Sender of mails."),
    setting(
        "mail.password_secret",
        Kind::Text,
        Some("SMTP_PASSWORD"),
        "Name of the secret that is the mail server's password.",
    ),
    setting(
        "deploy.approval",
        Kind::Choice(&["off", "risky", "all"]),
        None,
        "Which deployments wait until a second administrator accepts them: off, risky (those that add a right, or remove \
         or weaken an approval) or all. Without it: risky where there are several administrators, or where somebody who \
         is none deploys over the API, otherwise off.",
    ),
    setting(
        "http.allow_networks",
        Kind::List,
        Some(""),
        "Private networks that flows may call, as 10.1.0.0/16; in the environment several are separated by commas.",
    ),
    setting(
        "http.trusted_proxies",
        Kind::List,
        Some(""),
        "Proxies in front of this server, such as 10.0.0.5/32. X-Forwarded-For is read only on connections from them.",
    ),
    setting(
        "http.metrics_public",
        Kind::Boolean,
        Some("false"),
        "Whether /metrics answers without an administrator's token.",
    ),
];

/// The setting at `key`.
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// Tables of the file, as `limits`.
pub fn tables() -> Vec<&'static str> {
    let mut tables: Vec<&str> = SETTINGS
        .iter()
        .filter_map(|setting| setting.key.split_once('.'))
        .map(|(table, _)| table)
        .collect();
    tables.dedup();
    tables
}

/// The table `[secrets.NAME]`, which limits single secrets.
pub const SECRETS: &str = "secrets";
/// Flows that may use a secret.
pub const SECRET_FLOWS: &str = "flows";
/// Hosts to which a secret may be sent.
pub const SECRET_HOSTS: &str = "hosts";

/// The JSON Schema of `gatefold.toml`, for editors.
pub fn json_schema() -> Value {
    let mut root = serde_json::Map::new();
    for table in tables() {
        root.insert(table.to_owned(), object(serde_json::Map::new()));
    }
    for setting in SETTINGS {
        let place = match setting.key.split_once('.') {
            Some((table, name)) => root
                .get_mut(table)
                .and_then(|table| table.get_mut("properties"))
                .and_then(Value::as_object_mut)
                .map(|properties| (properties, name)),
            None => Some((&mut root, setting.key)),
        };
        let (properties, name) = place.expect("every table was put in before");
        properties.insert(name.to_owned(), schema_of(setting));
    }
    root.insert(SECRETS.to_owned(), secrets_schema());
    let mut schema = object(root);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("gatefold.toml");
    schema
}

/// Limits of single secrets.
fn secrets_schema() -> Value {
    let list = |doc: &str| json!({ "type": "array", "items": { "type": "string" }, "description": doc });
    let mut properties = serde_json::Map::new();
    properties.insert(
        SECRET_FLOWS.to_owned(),
        list("Names of the flows that may use the secret. If not set, every flow with the accepted right may use it."),
    );
    properties.insert(
        SECRET_HOSTS.to_owned(),
        list(
            "Hosts to which the secret may be sent, such as erp.example.com or erp.example.com:8443. If not set, every \
             host with the accepted right.",
        ),
    );
    json!({
        "type": "object",
        "description": "Limits of secrets, by name.",
        "additionalProperties": object(properties),
    })
}

fn object(properties: serde_json::Map<String, Value>) -> Value {
    let mut schema = json!({ "type": "object", "additionalProperties": false });
    schema["properties"] = Value::Object(properties);
    schema
}

fn schema_of(setting: &Setting) -> Value {
    let mut schema = match setting.kind {
        Kind::Text | Kind::Path => json!({ "type": "string" }),
        Kind::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::List => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Choice(words) => json!({ "enum": words }),
    };
    let variable = setting.variable();
    schema["description"] = json!(format!("{} Environment: {variable}.", setting.doc));
    if let Some(default) = setting.default {
        schema["default"] = match setting.kind {
            Kind::Text | Kind::Path | Kind::Choice(_) => json!(default),
            _ => parse(setting.kind, default).unwrap_or_default(),
        };
    }
    schema
}

/// Reads `text`, as in the environment or after a flag, as a value of `kind`.
pub fn parse(kind: Kind, text: &str) -> Result<Value, String> {
    let value = match kind {
        Kind::Text | Kind::Path | Kind::Choice(_) => json!(text),
        Kind::Integer { .. } => match text.parse::<u64>() {
            Ok(number) => json!(number),
            Err(_) => return Err(format!("{text:?} is no whole number")),
        },
        Kind::Boolean => match text {
            "true" => json!(true),
            "false" => json!(false),
            _ => return Err(format!("{text:?} is neither true nor false")),
        },
        // as it stands in the file, which is how it is shown too
        Kind::List if text.trim_start().starts_with('[') => serde_json::from_str(text)
            .map_err(|_| format!("found {text:?}, expected a list as [\"a\", \"b\"], or a,b"))?,
        Kind::List => text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| json!(part))
            .collect(),
    };
    check(kind, &value).map(|()| value)
}

/// Whether `value` is of `kind`; otherwise what was found and expected.
pub fn check(kind: Kind, value: &Value) -> Result<(), String> {
    let expected = match (kind, value) {
        (Kind::Text | Kind::Path, Value::String(text)) if !text.is_empty() => return Ok(()),
        (Kind::Text | Kind::Path, _) => "a text that is not empty".to_owned(),
        (Kind::Integer { min, max }, value) => {
            if value.as_u64().is_some_and(|number| (min..=max).contains(&number)) {
                return Ok(());
            }
            format!("a whole number from {min} to {max}")
        }
        (Kind::Boolean, Value::Bool(_)) => return Ok(()),
        (Kind::Boolean, _) => "true or false".to_owned(),
        (Kind::List, Value::Array(items)) if items.iter().all(Value::is_string) => return Ok(()),
        (Kind::List, _) => "a list of texts".to_owned(),
        (Kind::Choice(words), value) => {
            if value.as_str().is_some_and(|word| words.contains(&word)) {
                return Ok(());
            }
            format!("one of {}", words.join(", "))
        }
    };
    Err(format!("found {value}, expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_of_its_kind() {
        for setting in SETTINGS {
            if let Some(default) = setting.default {
                parse(setting.kind, default).unwrap_or_else(|why| panic!("{}: {why}", setting.key));
            }
        }
    }

    #[test]
    fn every_key_and_variable_is_there_once() {
        let mut variables: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
        variables.sort();
        let count = variables.len();
        variables.dedup();
        assert_eq!(variables.len(), count);
        assert!(
            SETTINGS
                .iter()
                .all(|setting| !setting.variable().starts_with("GATEFOLD_SECRET_"))
        );
    }

    #[test]
    fn numbers_are_taken_at_their_limits_and_refused_past_them() {
        let kind = Kind::Integer { min: 1, max: 8 };
        assert!(parse(kind, "1").is_ok() && parse(kind, "8").is_ok());
        assert!(parse(kind, "0").is_err() && parse(kind, "9").is_err() && parse(kind, "-1").is_err());
    }
}
