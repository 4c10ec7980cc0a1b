//! Lines of the journal as tests name them: by their type and any of their fields.
//!
//! The schema is made from the vocabulary of the journal, so that a misspelt type or field, which no line ever has,
//! is told where the test is read.

use crate::base::Value;
use crate::engine::EventRecord;
use crate::spec::limits::MOMENT_PATTERN;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, json};
use std::borrow::Cow;

/// A line of the journal: its type, and any of its fields; of a map, the keys that are given.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct LineSpec(pub Map<String, Value>);

impl LineSpec {
    /// A field that is a word.
    pub fn word(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str)
    }
}

impl JsonSchema for LineSpec {
    fn schema_name() -> Cow<'static, str> {
        "Line".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        Schema::try_from(schema()).expect("a map is a schema")
    }
}

fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let record = settings.into_generator().into_root_schema_for::<EventRecord>();
    let record = record.to_value();
    let variants = record["oneOf"].as_array().expect("there are several types of lines");
    let types = variants.iter().map(|variant| {
        let name = &variant["properties"]["type"]["const"];
        json!({ "const": name, "description": variant["description"] })
    });
    let shapes = variants.iter().map(|variant| {
        let mut fields = Map::new();
        gather(variant, &mut fields);
        gather(&json!({ "properties": record["properties"] }), &mut fields);
        let is_it = json!({ "properties": { "type": variant["properties"]["type"] }, "required": ["type"] });
        json!({ "if": is_it, "then": { "properties": fields, "additionalProperties": false } })
    });
    json!({
        "description": "A line of the journal: its type, and any of its fields; of a map, the keys that are given.",
        "type": "object",
        "required": ["type"],
        "properties": { "type": { "description": "What happened.", "oneOf": types.collect::<Vec<_>>() } },
        "allOf": shapes.collect::<Vec<_>>(),
    })
}

/// What a part of a line may be, of which the test gives as much as it wants.
fn partly(schema: &Value) -> Value {
    let Value::Object(whole) = schema else {
        return schema.clone();
    };
    let mut part = whole.clone();
    part.remove("required");
    if part.get("format").is_some_and(|format| format == "date-time") {
        part.insert("pattern".to_owned(), json!(MOMENT_PATTERN));
    }
    if let Some(items) = part.get_mut("items") {
        *items = partly(items);
    }
    let mut fields = Map::new();
    gather(schema, &mut fields);
    if !fields.is_empty() {
        part.remove("oneOf");
        part.insert("properties".to_owned(), Value::Object(fields));
        part.insert("additionalProperties".to_owned(), json!(false));
    }
    Value::Object(part)
}

/// The fields of a map, those of its kinds included: which kind it is, the test need not say.
fn gather(schema: &Value, fields: &mut Map<String, Value>) {
    for (key, field) in schema["properties"].as_object().into_iter().flatten() {
        let mut field = partly(field);
        if let Some(word) = field.get("const").cloned().filter(|_| key != "type") {
            field = json!({ "oneOf": [{ "const": word, "description": schema["description"] }] });
        }
        let known = fields.get_mut(key).and_then(|known| known.get_mut("oneOf"));
        match (known.and_then(Value::as_array_mut), field["oneOf"].as_array()) {
            (Some(known), Some(more)) => known.extend(more.iter().cloned()),
            _ => _ = fields.entry(key.clone()).or_insert(field),
        }
    }
    for kind in schema["oneOf"].as_array().into_iter().flatten() {
        gather(kind, fields);
    }
}
