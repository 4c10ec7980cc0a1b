//! The catalogue of actions and events: what is committed is what the code says, and every entry
//! keeps the rules that lint, editors and the reference rely on.
//!
//! `UPDATE=1 cargo test --test it catalog` rewrites `schema/catalog.json` and `docs/actions/`.

use gatefold::connect::{ActionError, Links, Mailer, OutgoingMail};
use gatefold::connectors::{Settings, http::HttpSettings, registry};
use gatefold::spec::{ActionInfo, Catalog, Effect};
use gatefold::store::Blobs;
use serde_json::Value;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The catalogue tells of an installation with a mail server.
struct SomeMailServer;

#[async_trait::async_trait]
impl Mailer for SomeMailServer {
    async fn send(&self, _: &OutgoingMail) -> Result<(), ActionError> {
        Ok(())
    }
    fn is_idempotent(&self) -> bool {
        false
    }
}

fn catalog() -> Catalog {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        http: HttpSettings::default(),
        mailer: Arc::new(SomeMailServer),
        directory: Arc::default(),
        links: Links::new([1; 32], "https://files.example.com"),
        blobs: Blobs::open(folder.path()).unwrap(),
    };
    registry(&settings).catalog()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a committed file with what it should be, or writes it.
fn committed(path: &Path, expected: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is not what the code says; `UPDATE=1 cargo test --test it catalog` rewrites it",
        path.display()
    );
}

#[test]
fn the_committed_catalogue_is_what_the_code_says() {
    let text = serde_json::to_string_pretty(&catalog()).unwrap() + "\n";
    committed(&root().join("schema/catalog.json"), &text);
}

#[test]
fn the_reference_pages_are_what_the_code_says() {
    let catalog = catalog();
    let pages = pages(&catalog);
    for (connection, page) in &pages {
        committed(&root().join(format!("docs/actions/{connection}.md")), page);
    }
    let found = std::fs::read_dir(root().join("docs/actions")).unwrap().count();
    assert_eq!(found, pages.len(), "a page in docs/actions belongs to no connection");
}

#[test]
fn every_schema_is_one() {
    let catalog = catalog();
    let schemas = catalog
        .actions
        .values()
        .flat_map(|action| [&action.input, &action.output]);
    for schema in schemas.chain(catalog.events.values().map(|event| &event.data)) {
        jsonschema::meta::validate(schema).unwrap();
        jsonschema::validator_for(schema).unwrap();
        assert!(
            !schema.to_string().contains("$ref"),
            "a schema is put into others as it is: {schema}"
        );
        assert_eq!(schema["type"], "object");
        assert_eq!(
            schema["additionalProperties"], false,
            "a misspelt field would not be found: {schema}"
        );
    }
}

#[test]
fn every_field_is_explained() {
    let catalog = catalog();
    for (name, action) in &catalog.actions {
        assert!(
            action.summary.ends_with('.') && !action.summary.contains('\n'),
            "{name}"
        );
        for schema in [&action.input, &action.output] {
            explained(name, schema);
        }
    }
    for (name, event) in &catalog.events {
        explained(name, &event.data);
    }
}

fn explained(place: &str, schema: &Value) {
    for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}.{field}");
        let words = schema["description"].as_str().unwrap_or_default();
        assert!(words.len() > 3, "{place} has no doc comment");
        explained(&place, schema);
        for branch in ["anyOf", "oneOf"]
            .iter()
            .filter_map(|key| schema[*key].as_array())
            .flatten()
        {
            explained(&place, branch);
        }
        explained(&place, &schema["items"]);
    }
}

#[test]
fn what_is_acquired_can_be_released() {
    let catalog = catalog();
    let mut acquiring = 0;
    for (name, action) in &catalog.actions {
        let Some(acquires) = &action.acquires else { continue };
        acquiring += 1;
        assert_eq!(
            action.output["properties"][&acquires.output]["type"], "string",
            "{name} names what it acquires"
        );
        let release = catalog
            .action(&acquires.release)
            .unwrap_or_else(|| panic!("{name}: no action {}", acquires.release));
        let required = release.input["required"].as_array().unwrap();
        assert_eq!(
            required,
            &[Value::from(acquires.with.as_str())],
            "{name}: the release needs the name and no more"
        );
        assert!(
            release.idempotent && release.local,
            "{name}: releasing must be safe to repeat"
        );
    }
    assert!(acquiring > 0);
}

#[test]
fn effects_are_told_honestly() {
    for (name, action) in &catalog().actions {
        let connection = name.split('.').next().unwrap();
        assert_eq!(action.effect == Effect::Pure, connection == "data", "{name}");
        assert_eq!(action.local, ["file360", "workflow"].contains(&connection), "{name}");
        assert!(
            action.idempotent || ["mail.send", "http.request"].contains(&name.as_str()),
            "{name}: only a mail server and some services cannot tell a repeat"
        );
        assert!(
            name.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c)),
            "{name}"
        );
    }
}

#[test]
fn an_example_of_each_input_is_taken_and_a_misspelt_one_is_not() {
    let catalog = catalog();
    let file = serde_json::json!({"id": "fil_1", "name": "a.pdf", "version": 1, "sha256": "00", "size": 1, "media_type": "application/pdf"});
    let examples = serde_json::json!({
        "file360.create_workspace": {"name": "Audit"},
        "file360.close_workspace": {"workspace": "wsp_1"},
        "file360.create_share": {"name": "Review", "files": [file], "expires_in": "30 days", "to": "eve@example.com", "role": "comment"},
        "file360.request_files": {"name": "Papers", "to": "eve@example.com", "items": {"tax": {"title": "Tax form", "accept": ["pdf"], "valid_until": "required"}}},
        "file360.set_permissions": {"share": "shr_1", "to": "eve@example.com", "role": "contribute"},
        "file360.update_share": {"share": "shr_1", "expires_at": "2026-12-24"},
        "file360.revoke_share": {"share": "shr_1"},
        "file360.put_file": {"folder": "/a", "name": "a.txt", "text": "words"},
        "file360.list_files": {"share": "shr_1"},
        "file360.add_comment": {"share": "shr_1", "file": file, "text": "words"},
        "file360.publish": {"file": file, "to": "/contracts/final"},
        "mail.send": {"to": ["role:legal", "eve@example.com"], "subject": "Late", "text": "words"},
        "http.request": {"method": "POST", "url": "https://api.example.com", "query": {"a": 1, "b": true}, "json": {"x": null}, "expect": [201]},
        "data.set": {"value": 1},
        "data.merge": {"values": [{"a": 1}]},
        "workflow.emit": {"type": "purchasing.order_placed", "key": "A-1", "data": {"amount": 3}},
        "workflow.set_settings": {"settings": {"limit": 5000}},
    });
    let examples = examples.as_object().unwrap();
    assert!(
        examples.keys().eq(catalog.actions.keys()),
        "an action without an example"
    );
    for (name, example) in examples {
        let schema = jsonschema::validator_for(&catalog.actions[name].input).unwrap();
        assert!(
            schema.is_valid(example),
            "{name}: {:?}",
            schema.iter_errors(example).map(|e| e.to_string()).collect::<Vec<_>>()
        );
        let mut misspelt = example.clone();
        misspelt["nmae"] = Value::from("x");
        assert!(!schema.is_valid(&misspelt), "{name}");
        assert!(
            !schema.is_valid(&serde_json::json!({})) || name == "file360.list_files",
            "{name} needs nothing"
        );
    }
}

/// The pages of the reference, by connection.
fn pages(catalog: &Catalog) -> Vec<(String, String)> {
    let mut pages: Vec<(String, String)> = Vec::new();
    let mut page = |name: &str| -> usize {
        let connection = name.split('.').next().unwrap();
        pages
            .iter()
            .position(|(known, _)| known == connection)
            .unwrap_or_else(|| {
                let head = format!(
                    "# `{connection}`\n\n<!-- Generated from the code by tests/it/catalog.rs; do not edit. -->\n"
                );
                pages.push((connection.to_owned(), head));
                pages.len() - 1
            })
    };
    let sections: Vec<(usize, String)> = catalog
        .actions
        .iter()
        .map(|(name, action)| (page(name), action_section(name, action)))
        .collect::<Vec<_>>()
        .into_iter()
        .chain(
            catalog
                .events
                .iter()
                .map(|(name, event)| (page(name), event_section(name, &event.summary, &event.data))),
        )
        .collect();
    for (index, section) in sections {
        pages[index].1.push_str(&section);
    }
    pages
}

fn action_section(name: &str, action: &ActionInfo) -> String {
    let mut text = format!("\n## `{name}`\n\n{}\n\n", action.summary);
    let effect = serde_json::to_value(action.effect).unwrap();
    write!(text, "Effect: {}. ", effect.as_str().unwrap()).unwrap();
    text.push_str(if action.effect == Effect::Pure {
        "Its output follows from its input alone."
    } else if action.local {
        "Happens in the same transaction as its record in the journal: exactly once."
    } else if action.idempotent {
        "Leaves the process; every try carries the same key, so that the other side can tell a repeat."
    } else if action.input["properties"].get("repeatable").is_some() {
        "Leaves the process; every try carries the same key. Where the answer is lost, what may not be sent twice waits for a person."
    } else {
        "Leaves the process; where the answer is lost, nobody knows whether it happened, and a person looks."
    });
    if let Some(acquires) = &action.acquires {
        write!(
            text,
            " The run owns the {} and releases it with `{}`.",
            acquires.kind, acquires.release
        )
        .unwrap();
    }
    text.push_str("\n\n");
    let words = action.input["description"]
        .as_str()
        .unwrap_or_default()
        .replace('\n', " ");
    writeln!(text, "{words}\n").unwrap();
    text.push_str(&table("with", &action.input));
    text.push_str(&table("output", &action.output));
    text
}

fn event_section(name: &str, summary: &str, data: &Value) -> String {
    format!("\n## event `{name}`\n\n{summary}\n\n{}", table("field", data))
}

fn table(head: &str, schema: &Value) -> String {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut text = format!("| {head} | type | |\n|---|---|---|\n");
    for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
        let words = schema["description"]
            .as_str()
            .unwrap_or_default()
            .replace('\n', " ")
            .replace('|', "\\|");
        let optional = if required.contains(&field.as_str()) {
            ""
        } else {
            " (optional)"
        };
        writeln!(text, "| `{field}`{optional} | {} | {words} |", type_of(schema)).unwrap();
    }
    text.push('\n');
    text
}

fn type_of(schema: &Value) -> String {
    if schema["properties"]["sha256"].is_object() {
        return "file".to_owned();
    }
    let branches: Vec<&Value> = ["anyOf", "oneOf"]
        .iter()
        .filter_map(|key| schema[*key].as_array())
        .flatten()
        .collect();
    if !branches.is_empty() {
        let mut types: Vec<String> = Vec::new();
        for branch in branches {
            let words = branch["const"]
                .as_str()
                .map_or_else(|| type_of(branch), |word| format!("`{word}`"));
            if words != "null" && !types.contains(&words) {
                types.push(words);
            }
        }
        return types.join(" or ");
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", type_of(&schema["items"])),
        Value::String(kind) if kind == "string" => match schema["format"].as_str() {
            Some("period") => "length of time".to_owned(),
            Some("principal") => "party".to_owned(),
            Some("date-time") => "moment".to_owned(),
            _ => "text".to_owned(),
        },
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            let first = kinds.iter().find(|kind| *kind != "null").unwrap();
            let mut schema = schema.clone();
            schema["type"] = first.clone();
            type_of(&schema)
        }
        _ => "any".to_owned(),
    }
}
