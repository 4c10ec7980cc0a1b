//! A value made up from a JSON Schema: the least that has every key.

use crate::base::Value;
use serde_json::{Map, json};

/// How deep a made-up value goes.
const MAX_DEPTH: usize = 16;

/// A value that fits `schema`, the same each time.
pub fn value(schema: &Value) -> Value {
    made(schema, 0)
}

fn made(schema: &Value, depth: usize) -> Value {
    for key in ["const", "default"] {
        if let Some(value) = schema.get(key) {
            return value.clone();
        }
    }
    if let Some(first) = schema["enum"].get(0).or_else(|| schema["examples"].get(0)) {
        return first.clone();
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema[key].get(0).filter(|_| depth < MAX_DEPTH) {
            return made(first, depth + 1);
        }
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind {
        Some("object") => {
            let mut fields = Map::new();
            let properties = schema["properties"].as_object().filter(|_| depth < MAX_DEPTH);
            for (name, property) in properties.into_iter().flatten() {
                fields.insert(name.clone(), made(property, depth + 1));
            }
            Value::Object(fields)
        }
        Some("array") => json!([]),
        Some("string") => json!("made up"),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Catalog;

    #[test]
    fn made_up_outputs_fit_the_schemas_of_all_actions() {
        for (name, action) in &Catalog::builtin().actions {
            let made = value(&action.output);
            assert!(jsonschema::is_valid(&action.output, &made), "{name}: {made}");
        }
    }
}
